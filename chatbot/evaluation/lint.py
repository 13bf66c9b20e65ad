"""What is wrong with a question set: quotes that no longer stand in an article, and where they moved to; duplicates; rows that lack something. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rapidfuzz import fuzz, process

from chatbot.evaluation.questions import Question, facts_held, folded

MOVED = 60  # likeness (0..100) from which a sentence of an article is proposed for a quote that is gone
SAME = 95  # likeness from which two questions are the same one in other clothes


@dataclass(frozen=True, slots=True)
class Flaw:
    """`proposal` is the sentence that a lost quote became, where one is like it."""

    id: str
    flaw: str
    quote: str | None = None
    proposal: str | None = None

    def __str__(self) -> str:
        lines = [f"{self.id}: {self.flaw}"]
        lines += [f"  quote     {_one_line(self.quote)}"] if self.quote else []
        lines += [f"  perhaps   {_one_line(self.proposal)}"] if self.proposal else []
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def lint(rows: Sequence[Question], articles: Mapping[str, str], units: Sequence[str]) -> list[Flaw]:
    """`articles` are canonical texts by id; `units` are their sentences, items and rows, of which a lost quote may have become one."""
    return [*_duplicates(rows), *(flaw for row in rows for flaw in _flaws(row, articles, units))]


def _flaws(row: Question, articles: Mapping[str, str], units: Sequence[str]) -> Iterator[Flaw]:
    if row.draft:
        yield Flaw(row.id, "is a draft; fill in evidence, facts and answerable, then delete its draft")
        return
    if row.answerable:
        yield from _lacking(row)
    elif row.evidence or row.facts:
        yield Flaw(row.id, "has no answer, yet has evidence or facts")
    if row.kind == "follow_up" and not row.history:
        yield Flaw(row.id, "is a follow-up without earlier questions")
    for quote in row.evidence:
        if not any(quote in text for text in articles.values()):
            yield Flaw(row.id, "its quote stands in no article", quote, _moved_to(quote, units))


def _lacking(row: Question) -> Iterator[Flaw]:
    if not row.evidence:
        yield Flaw(row.id, "has an answer, but no evidence")
    if not row.facts:
        yield Flaw(row.id, "has an answer, but no facts that it must hold")
    elif row.evidence:
        for fact, is_held in zip(row.facts, facts_held(" ".join(row.evidence), row.facts), strict=True):
            if not is_held:
                yield Flaw(row.id, f"its evidence holds none of {' | '.join(fact)}")


def _moved_to(quote: str, units: Sequence[str]) -> str | None:
    found = process.extractOne(quote, units, scorer=fuzz.token_sort_ratio, processor=folded, score_cutoff=MOVED)
    return found[0] if found else None


def _duplicates(rows: Sequence[Question]) -> Iterator[Flaw]:
    counted = Counter(row.id for row in rows)
    yield from (Flaw(name, f"is the id of {count} rows") for name, count in counted.items() if count > 1)
    by_history: dict[tuple[str, ...], list[Question]] = defaultdict(list)
    for row in rows:
        by_history[tuple(map(folded, row.history))].append(row)
    for group in by_history.values():
        texts = [folded(row.question) for row in group]
        likeness = process.cdist(texts, texts, scorer=fuzz.token_sort_ratio, score_cutoff=SAME)
        for later in range(len(group)):
            earlier = next((one for one in range(later) if likeness[later, one]), None)
            if earlier is not None:
                yield Flaw(group[later].id, f"asks the same as {group[earlier].id}")


def _one_line(text: str) -> str:
    return " ".join(text.split())
