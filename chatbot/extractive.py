"""Evidence -> an answer made of quotes alone, with no model. Pure.

What is chosen depends on what was asked: a fact is answered by the best sentence and what comes close to it, a list by the
whole list. A comparison is made in comparison.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.cite import Citations, without_marks
from chatbot.evidence import Evidence, role_match
from chatbot.understanding import Asked, Shape
from ingest.types import CELL_END, Chunk, Span, Unit

# An answer is short where the best unit stands out. Where a crowd stands close behind it, which of them answers is not known, and what is close is given
# as long as there is room. Of 1,400 new questions, drawn by chance, that a half of the reader was not taught (tests/benchmarks/questions.py), the corpus and as published, were
# none refused: 94.2 and 94.4 % of the facts in 57 and 57 words at the median of one-fact questions; with CROWDED .07 94.2 and 94.6 % in 68 and 63, with LEVEL .04 93.7 and
# 94.1 % in 53 and 48. By an earlier reader: with no medium list given whole 87.0 and 88.1 %, with them 87.9 and 88.4 %.
WORDS: dict[Shape, int] = {"fact": 150, "list": 300, "comparison": 300}  # at most, but for a first unit or a whole list that is longer
LEVEL = 0.05  # below the best score: a unit no further below it is given as long as there is room
CLOSE = 0.1  # a unit no further below is given while the answer
CLOSE_WORDS = 40  # has no more words with it
CROWD = 4  # units, besides those of a list that is given whole, that are no further than
CROWDED = 0.062  # below the best one are a crowd: then all that are close count as level
SMALL_LIST_WORDS = 45  # a list of no more is given whole when one of its items is wanted
MEDIUM_LIST_WORDS = 100  # and one of no more, as long as there is room, where two of its items are no further than
NEAR_BEST = 0.05  # below the best score
SHORT_LEAD_WORDS = 4  # a list's opening of fewer words ("Key traits:") is shown with the heading above it

BAR = r"\|"  # a bar that is no cell's end

_QUOTES_QUESTION = re.compile(  # and asks nothing itself
    r"^\W*(?!(?:who|whom|what|which|whose|how|why|when|where|ever|is|are|am|was|were|do|does|did|has|have|had|can|could|will|would|shall|should|must|may)(?:n['’]t)?\b)\w"
    r"[^\"“”]*[\w:,—–]\s*[\"“][^\"“”]+\?[\"”][*_.\s]*$",
    re.IGNORECASE,
)
_QUOTE_MARK = re.compile(r"\n[ \t]*>+[ \t]*")  # of a quoted block's further lines


@dataclass(frozen=True, slots=True)
class Picked:
    """A unit that goes into the answer."""

    chunk: Chunk
    number: int

    @property
    def unit(self) -> Unit:
        return self.chunk.units[self.number]

    @property
    def place(self) -> tuple[str, int]:
        return self.chunk.article_id, self.unit.span.start


def choose(ranked: Sequence[Evidence], asked: Asked, word_share: float = 1.0) -> list[Picked]:
    """The units that answer. After the best none is on another role alone, but within a list that is given whole: the best may set a false premise right,
    the others would only resemble an answer. `word_share` is what a question in several parts leaves to one of them.
    """
    told = [evidence for evidence in ranked if says_something(evidence)]
    told = told[:1] + [evidence for evidence in told[1:] if role_match(asked.roles, evidence.unit.roles) >= 0]
    return topped_up(_whole_list(ranked[0]) if asked.shape == "list" else [], told, int(WORDS[asked.shape] * word_share))


def topped_up(picked: Sequence[Picked], ranked: Sequence[Evidence], words: int) -> list[Picked]:
    """Units level with the best one as long as there is room, and units close to it in an answer that is short, or where a crowd of
    them stands close; a small list comes whole, and one of which more than an item is wanted.
    """
    answer = _Growing(picked)
    others = [evidence for evidence in ranked[1:] if not answer.holds(evidence)]
    level = CLOSE if len(others) >= CROWD and ranked[0].score - others[CROWD - 1].score <= CROWDED else LEVEL
    near = {(one.passage.row, one.number) for one in ranked if ranked[0].score - one.score <= NEAR_BEST}
    for evidence in ranked:
        behind = ranked[0].score - evidence.score
        if behind > CLOSE:
            break
        room = words if behind <= level else min(words, CLOSE_WORDS)
        whole = _whole_list(evidence) if evidence.unit.kind == "item" else []
        are_wanted = sum((evidence.passage.row, one.number) in near for one in whole) > 1
        comes_whole = whole and _Growing(whole).words <= (MEDIUM_LIST_WORDS if are_wanted else SMALL_LIST_WORDS)
        if not (comes_whole and answer.takes(whole, words if are_wanted else room)):
            answer.takes([Picked(evidence.passage.chunk, evidence.number)], room)
    return answer.picked


class _Growing:
    """Units of an answer to be, and how many words they will be shown in: each list with what opens it, once."""

    def __init__(self, picked: Sequence[Picked]) -> None:
        self.picked: list[Picked] = []
        self.words = 0
        self._places: set[tuple[str, int]] = set()
        self._lists: set[tuple[str, int, Span | None]] = set()
        self._add(picked, *self._cost(picked))

    def holds(self, evidence: Evidence) -> bool:
        return Picked(evidence.passage.chunk, evidence.number).place in self._places

    def takes(self, group: Sequence[Picked], room: int) -> bool:
        """Adds what is new of a group, where there is any and the answer has no more words with it than it has room for, or none yet."""
        new = [one for one in group if one.place not in self._places]
        words, lists = self._cost(new)
        if not new or (self.picked and self.words + words > room):
            return False
        self._add(new, words, lists)
        return True

    def _cost(self, new: Sequence[Picked]) -> tuple[int, set[tuple[str, int, Span | None]]]:
        """The words that more units add, and the lists that they open."""
        opened = {(one.chunk.article_id, one.chunk.start, one.unit.lead): one for one in new if one.unit.kind == "item"}
        lists = opened.keys() - self._lists
        texts = [*(_opening_text(opened[key]) for key in lists), *(one.chunk.quote(one.unit) for one in new)]
        return sum(len(text.split()) for text in texts), lists

    def _add(self, new: Sequence[Picked], words: int, lists: set[tuple[str, int, Span | None]]) -> None:
        self.picked += new
        self.words += words
        self._places |= {one.place for one in new}
        self._lists |= lists


def _whole_list(evidence: Evidence) -> list[Picked]:
    """The list that an item stands in, or that a sentence opens; empty where there is none."""
    chunk, unit = evidence.passage.chunk, evidence.unit
    lead = unit.lead if unit.kind == "item" else unit.span
    members = [number for number, other in enumerate(chunk.units) if other.kind == "item" and other.lead == lead]
    if unit.kind == "item" and unit.lead is None:
        members = _run_of_items(chunk, evidence.number)
    return [Picked(chunk, number) for number in members]


def _run_of_items(chunk: Chunk, number: int) -> list[int]:
    """The items around one of a list that no sentence opens."""
    first = last = number
    while first > 0 and chunk.units[first - 1].kind == "item" and chunk.units[first - 1].lead is None:
        first -= 1
    while last + 1 < len(chunk.units) and chunk.units[last + 1].kind == "item" and chunk.units[last + 1].lead is None:
        last += 1
    return list(range(first, last + 1))


def says_something(evidence: Evidence) -> bool:
    """Not a question, and not a sentence that only opens what follows; one that quotes a question says what is asked."""
    text = evidence.quote.rstrip("*_\"'”’ ")
    return not text.endswith(("?", ":")) or evidence.unit.kind == "item" or bool(_QUOTES_QUESTION.search(evidence.quote))


# --- picked units -> text


def compose(picked: Sequence[Picked], citations: Citations) -> str:
    """Markdown with a mark after each quote. Units of one place stay together and in the order of the article."""
    blocks: list[str] = []
    for group in _groups(picked):
        first = group[0].unit
        if first.kind == "row":
            blocks.append(_table(group, citations))
        elif first.kind == "item":
            blocks.append(_list(group, citations))
        else:
            blocks.append(" ".join(quoted(one, citations) for one in group))
    return "\n\n".join(blocks)


def _groups(picked: Sequence[Picked]) -> list[list[Picked]]:
    """By passage in the order they were picked; within one by sort (sentences, items of one list, rows of one table) and place."""
    groups: dict[tuple[object, ...], list[Picked]] = {}
    for one in picked:
        of_list = one.unit.kind != "sentence" and one.unit.lead
        key = (one.chunk.article_id, one.chunk.heading, (one.unit.kind, one.unit.lead) if of_list else (one.unit.kind, one.chunk.id))
        groups.setdefault(key, []).append(one)
    return [sorted(group, key=lambda one: one.place) for group in groups.values()]


def quoted(one: Picked, citations: Citations) -> str:
    text = " ".join(without_marks(_QUOTE_MARK.sub(" ", one.chunk.quote(one.unit))).split())
    return f"{text} {citations.mark(one.chunk, one.unit.span)}"


def _list(group: Sequence[Picked], citations: Citations) -> str:
    opening = _opening(group[0], citations)  # first: marks are numbered in the order of reading
    items = [f"- {quoted(one, citations)}" for one in group]
    return "\n".join([opening, "", *items] if opening else items)


def _opening(one: Picked, citations: Citations) -> str:
    """What a list is a list of; with a mark where that is quoted."""
    text, lead = _opening_text(one), one.unit.lead
    return f"{text} {citations.mark(one.chunk, lead)}" if text and lead and lead.start >= one.chunk.start else text


def _opening_text(one: Picked) -> str:
    """The sentence that opens a list, under its heading where it is but a word or two; else the heading."""
    heading = heading_of(one)
    lead = without_marks(" ".join(one.chunk.lead_of(one.unit).split())) if one.unit.lead and one.unit.lead.start >= one.chunk.start else ""
    if not lead:
        return f"{heading}:" if heading else ""
    return f"{heading} – {lead}" if heading and len(lead.split()) < SHORT_LEAD_WORDS else lead


def heading_of(one: Picked) -> str:
    """The nearest heading above a unit; empty where there is none."""
    return without_marks(one.chunk.heading[-1]) if one.chunk.heading else ""


def _table(group: Sequence[Picked], citations: Citations) -> str:
    header = cells_of(group[0].chunk.lead_of(group[0].unit))
    rows = [(cells_of(one.chunk.quote(one.unit)), citations.mark(one.chunk, one.unit.span)) for one in group]
    if len(header) < 2:
        return "\n".join([f"{' '.join(header)}:", "", *(f"- {' '.join(cells)} {mark}" for cells, mark in rows)])
    if _numbers_rows(header, [cells for cells, _ in rows]):
        header, rows = header[1:], [(cells[1:], mark) for cells, mark in rows]
    lines = [row_of(header), row_of(["---"] * len(header))]
    for cells, mark in rows:
        first, *others = [*cells, *[""] * (len(header) - len(cells))][: len(header)]
        marked = [f"{cell} {mark}" if cell else "" for cell in others]
        lines.append(row_of([first if any(marked) else f"{first} {mark}", *marked]))
    return "\n".join(lines)


def _numbers_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first column only counts the rows."""
    is_count = header[0].strip(".").lower() in {"", "#", "no", "nr"}
    return len(header) > 2 and is_count and all(cells and cells[0].rstrip(".").isdigit() for cells in rows)


def row_of(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |"


def cells_of(line: str) -> list[str]:
    return [without_marks(cell.replace(r"\|", "|").strip()) for cell in CELL_END.split(line.strip().removeprefix("|").removesuffix("|"))]
