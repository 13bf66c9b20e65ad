"""One answer marked against its row of the question set: what every measure counts. Deterministic; no model has a say in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import ir_measures
from ir_measures import RR, R, Success, nDCG

from chatbot.cite import MARK
from chatbot.evaluation.questions import Question, facts_held, holds
from chatbot.types import Answer, Passage
from ingest.types import Chunk, Span

DEPTH = 10  # passages that the retrieval measures look at
RETRIEVAL = {
    "hit@1": Success @ 1,
    "hit@5": Success @ 5,
    "recall@5": R @ 5,
    "recall@10": R @ DEPTH,
    "MRR@10": RR @ DEPTH,
    "nDCG@10": nDCG @ DEPTH,
}

Outcomes: TypeAlias = dict[str, tuple[float, float]]  # measure -> what was reached, of how much; measures that do not apply are absent


@dataclass(frozen=True, slots=True)
class Observed:
    """What an evaluation saw of one question: the answer, the passages as they were ranked, and the answers to two people who differ in one trait."""

    answer: Answer
    ranked: tuple[Passage, ...]
    swapped: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Sources:
    """The articles' canonical texts by id, and their chunks: what the evidence of a row is found in."""

    articles: Mapping[str, str]
    chunks: Sequence[Chunk]

    def spans(self, quotes: Sequence[str]) -> list[tuple[str, Span]]:
        """Every place at which a quote stands: article and span."""
        return [
            (name, Span(start, start + len(quote)))
            for quote in quotes
            for name, text in self.articles.items()
            for start in _places(text, quote)
        ]

    def relevant(self, quotes: Sequence[str]) -> set[str]:
        """Ids of the chunks that hold some of the evidence."""
        spans = self.spans(quotes)
        return {
            chunk.id
            for chunk in self.chunks
            for name, span in spans
            if chunk.article_id == name and chunk.start < span.end and span.start < chunk.end
        }


def mark(row: Question, observed: Observed, sources: Sources) -> Outcomes:
    """Every measure that applies to this row, as reached and of how much; `measures.py` adds them up."""
    answer = observed.answer
    abstained = float(answer.status == "abstained")
    found: Outcomes = {"claims verified": (_verified(answer, sources), len(answer.citations))} if answer.citations else {}
    if abstained:
        found["abstention precision"] = (float(not row.answerable), 1)
    else:
        found["words an answer"] = (words(answer), 1)
    if row.answerable:
        found |= _marked_answerable(row, observed, sources)
        found["answerable refused"] = (abstained, 1)
    else:
        found["unanswerable abstained"] = (abstained, 1)
    if observed.swapped:
        found["persona swap"] = (float(len({_told(answer, row) for answer in observed.swapped}) == 1), 1)
    for name in ("input", "output") if answer.tokens else ():
        found[f"{name} tokens"] = (float((answer.tokens or {}).get(name, 0)), 1)
    return found


def words(answer: Answer) -> int:
    """Marks are not counted."""
    return len(said(answer.text).split())


def said(text: str) -> str:
    """An answer's text without its marks: one between the cells of a table would part what the row says."""
    return MARK.sub(" ", text)


def rightly_cited(answer: Answer, facts: Sequence[Sequence[str]]) -> bool:
    """Whether a citation's quote, or the passage around it, holds a fact of the question."""
    around = [
        passage.chunk.text
        for citation in answer.citations
        for passage in answer.passages
        if passage.chunk.holds(citation.article_id, citation.start)
    ]
    texts = [*(citation.quote for citation in answer.citations), *around]
    return any(holds(text, fact) for text in texts for fact in facts)


def _marked_answerable(row: Question, observed: Observed, sources: Sources) -> Outcomes:
    answer = observed.answer
    is_answered = answer.status == "answered"
    held = facts_held(said(answer.text), row.facts) if is_answered else []
    found: Outcomes = {"facts held": (sum(held), len(row.facts)), "right citation": (float(rightly_cited(answer, row.facts)), 1)}
    gold = _characters(sources.spans(row.evidence))
    if not gold:  # an article in other words than the evidence: nothing to find by its characters
        return found
    cited = _characters([(citation.article_id, Span(citation.start, citation.end)) for citation in answer.citations])
    found["citation recall"] = (len(cited & gold) / len(gold), 1)
    if cited:
        found["citation precision"] = (len(cited & gold) / len(cited), 1)
    return found | _retrieved(observed.ranked, sources.relevant(row.evidence))


def _retrieved(ranked: Sequence[Passage], relevant: set[str]) -> Outcomes:
    run = {"q": {passage.chunk.id: float(len(ranked) - place) for place, passage in enumerate(ranked)}}
    qrels = {"q": dict.fromkeys(relevant, 1)}
    found = ir_measures.calc_aggregate(RETRIEVAL.values(), qrels, run) if ranked else {}
    return {name: (round(float(found.get(measure, 0)), 6), 1) for name, measure in RETRIEVAL.items()}


def _verified(answer: Answer, sources: Sources) -> float:
    """Citations that the answer calls verified, and whose quote stands where they say."""
    return sum(
        citation.verified and sources.articles.get(citation.article_id, "")[citation.start : citation.end] == citation.quote
        for citation in answer.citations
    )


def _told(answer: Answer, row: Question) -> tuple[str, tuple[bool, ...], frozenset[tuple[str, int, int]]]:
    """What must not depend on who asks: the status, the facts and the sources."""
    places = frozenset((citation.article_id, citation.start, citation.end) for citation in answer.citations)
    return answer.status, tuple(facts_held(said(answer.text), row.facts)), places


def _characters(spans: Sequence[tuple[str, Span]]) -> set[tuple[str, int]]:
    return {(name, place) for name, span in spans for place in range(span.start, span.end)}


def _places(text: str, quote: str) -> list[int]:
    places, start = [], text.find(quote)
    while start >= 0 and quote:
        places.append(start)
        start = text.find(quote, start + len(quote))
    return places
