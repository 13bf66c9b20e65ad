"""What became of a quote when the articles changed: it is unchanged, moved, changed or removed. Pure.

By it the page checks old answers, and the preview of an ingest says which stored quotes and which rows of the question set it touches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz import fuzz

from chatbot.evaluation.questions import Question
from chatbot.types import Citation

LIKE = 60.0  # likeness (0..100) from which a sentence is taken for what a quote became

Fate = Literal["unchanged", "moved", "changed", "removed"]

_BOUNDARY = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote as it was stored: `text` stood at start..end of the article's canonical text."""

    article_id: str
    start: int
    end: int
    text: str

    @classmethod
    def of(cls, citation: Citation) -> Quoted:
        return cls(citation.article_id, citation.start, citation.end, citation.quote)


@dataclass(frozen=True, slots=True)
class Rechecked:
    """Where the quote stands now (`moved`: in another place, or another article), or what it became (`changed`); None where `removed`."""

    fate: Fate
    now: Quoted | None = None


def recheck(quoted: Quoted, articles: Mapping[str, str]) -> Rechecked:
    """`articles` are the canonical texts, by id, as they are now."""
    text = articles.get(quoted.article_id, "")
    if text[quoted.start : quoted.end] == quoted.text:
        return Rechecked("unchanged", quoted)
    if place := _place(quoted, articles):
        return Rechecked("moved", place)
    if became := _likest(quoted, text):
        return Rechecked("changed", became)
    return Rechecked("removed")


def _place(quoted: Quoted, articles: Mapping[str, str]) -> Quoted | None:
    """The place of the same words that is nearest to the old one; in another article where its own has them no more."""
    own = articles.get(quoted.article_id, "")
    starts = [match.start() for match in re.finditer(re.escape(quoted.text), own)] if quoted.text else []
    if starts:
        return _at(quoted.article_id, min(starts, key=lambda start: abs(start - quoted.start)), quoted.text)
    others = ((name, text.find(quoted.text)) for name, text in articles.items() if quoted.text)
    return next((_at(name, start, quoted.text) for name, start in others if start >= 0), None)


def _at(article_id: str, start: int, text: str) -> Quoted:
    return Quoted(article_id, start, start + len(text), text)


def _likest(quoted: Quoted, text: str) -> Quoted | None:
    """The sentence of the same article that a quote became."""
    best, found = LIKE, None
    for start, sentence in _sentences(text):
        likeness = fuzz.ratio(quoted.text, sentence, score_cutoff=best)
        if likeness > best:
            best, found = likeness, _at(quoted.article_id, start, sentence)
    return found


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for boundary in [*_BOUNDARY.finditer(text), None]:
        end = boundary.start() if boundary else len(text)
        if text[start:end].strip():
            yield start, text[start:end]
        start = boundary.end() if boundary else end


@dataclass(frozen=True, slots=True)
class TouchedRow:
    """A row of the question set whose evidence stood in an article, and would no longer."""

    id: str
    evidence: str


def touched_rows(rows: Iterable[Question], before: Mapping[str, str], after: Mapping[str, str]) -> list[TouchedRow]:
    """Rows whose quotes the new articles would lose; `before` and `after` are canonical texts by id."""
    old, new = list(before.values()), list(after.values())
    return [TouchedRow(row.id, quote) for row in rows for quote in row.evidence if _stands_in(quote, old) and not _stands_in(quote, new)]


def _stands_in(quote: str, texts: Sequence[str]) -> bool:
    return any(quote in text for text in texts)


def touched_quotes(quotes: Iterable[Quoted], before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[Quoted, Rechecked]]:
    """The stored quotes that would not stay as they are; what became of a quote earlier is not told again."""
    rechecked = ((quoted, recheck(quoted, after)) for quoted in quotes)
    return [(quoted, result) for quoted, result in rechecked if result.fate != "unchanged" and result != recheck(quoted, before)]
