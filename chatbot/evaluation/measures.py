"""How well answers do on a question set: facts held, citations right, abstention, words; with bootstrap intervals. Deterministic."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.cite import MARK
from chatbot.evaluation.questions import Question, facts_held, holds
from chatbot.types import Answer

RESAMPLES = 2000
SEED = 20261122


@dataclass(frozen=True, slots=True)
class Marked:
    """One question with its answer and what was found of it."""

    question: Question
    answer: Answer

    @property
    def held(self) -> list[bool]:
        return facts_held(self.answer.text, self.question.facts) if self.answer.status == "answered" else [False] * len(self.question.facts)

    @property
    def rightly_cited(self) -> bool:
        """Whether a citation's quote, or the passage around it, holds a fact of the question."""
        around = [
            passage.chunk.text
            for citation in self.answer.citations
            for passage in self.answer.passages
            if passage.chunk.article_id == citation.article_id and passage.chunk.start <= citation.start < passage.chunk.end
        ]
        texts = [*(citation.quote for citation in self.answer.citations), *around]
        return any(holds(text, fact) for text in texts for fact in self.question.facts)

    @property
    def abstained(self) -> bool:
        return self.answer.status == "abstained"

    @property
    def words(self) -> int:
        return len(MARK.sub(" ", self.answer.text).split())


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over questions or facts, how many, and a 95 % interval by bootstrap over questions."""

    name: str
    value: float
    count: int
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.name:<28} {100 * self.value:5.1f} %   {100 * self.low:5.1f} to {100 * self.high:5.1f}   n = {self.count}"


def measures(marked: Sequence[Marked]) -> list[Measure]:
    answerable = [one for one in marked if one.question.answerable]
    unanswerable = [one for one in marked if not one.question.answerable]
    return [
        _measure("facts held", answerable, lambda one: one.held),
        _measure("right citation", answerable, lambda one: [one.rightly_cited]),
        _measure("answerable refused", answerable, lambda one: [one.abstained]),
        _measure("unanswerable abstained", unanswerable, lambda one: [one.abstained]),
    ]


def median_words(marked: Sequence[Marked], kinds: Sequence[str] = ("fact",)) -> float:
    """Words of the median answer to a question of these kinds, marks not counted."""
    words = [one.words for one in marked if one.question.kind in kinds and not one.abstained]
    return statistics.median(words) if words else 0.0


def _measure(name: str, marked: Sequence[Marked], outcomes: Callable[[Marked], Sequence[bool]]) -> Measure:
    hits = np.array([sum(outcomes(one)) for one in marked], dtype=float)
    sizes = np.array([len(outcomes(one)) for one in marked], dtype=float)
    if not sizes.sum():
        return Measure(name, 0.0, 0, 0.0, 0.0)
    drawn = np.random.default_rng(SEED).integers(0, len(marked), (RESAMPLES, len(marked)))
    spread = hits[drawn].sum(axis=1) / np.maximum(sizes[drawn].sum(axis=1), 1)
    low, high = np.quantile(spread, [0.025, 0.975])
    return Measure(name, float(hits.sum() / sizes.sum()), int(sizes.sum()), float(low), float(high))
