"""The usual ways to rank texts for a question, with the model as it was published and the project's words: BM25, vectors, and both fused in two ways."""

from __future__ import annotations

from collections.abc import Sequence

import bm25s
import numpy as np
from numpy.typing import NDArray

from chatbot.retrieve import CANDIDATES, content_terms
from ingest.embed import Embedder
from ingest.terms import terms

RRF = 60  # the constant of reciprocal rank fusion (Cormack et al., 2009)
DENSE = 0.6  # share of the vectors in a sum of scores

Scores = NDArray[np.float64]


class Rivals:
    """Over texts that all of them rank: system -> the texts' numbers, best first."""

    def __init__(self, texts: Sequence[str], embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors = embedder.vectors(texts)
        self._words = bm25s.BM25()
        self._words.index([terms(text) or [""] for text in texts], show_progress=False)

    def rankings(self, question: str) -> dict[str, list[int]]:
        dense, words = self.dense(question), self.lexical(question)
        return {
            "BM25": _best(words),
            "dense": _best(dense),
            "reciprocal rank fusion": _best(_by_ranks(dense, words)),
            "min-max fusion .6/.4": _best(_by_scores(dense, words)),
        }

    def dense(self, question: str) -> Scores:
        """Cosine of each text."""
        return np.asarray(self._vectors @ self._embedder.vectors([question])[0], dtype=float)

    def lexical(self, question: str) -> Scores:
        """BM25 of each text."""
        known = [term for term in content_terms(question) if term in self._words.vocab_dict]
        return np.asarray(self._words.get_scores(known), dtype=float) if known else np.zeros(len(self._vectors))

    def fused(self, question: str, among: Sequence[int]) -> list[int]:
        """These texts in the order of cosine and BM25, each scaled to its own range, as a sum of .6 and .4."""
        both = DENSE * scaled(self.dense(question)[among]) + (1 - DENSE) * scaled(self.lexical(question)[among])
        return [among[at] for at in np.argsort(-both, kind="stable")]


def word_overlap(question: str, text: str) -> float:
    """The share of a question's words that stand in a text."""
    wanted = content_terms(question)
    held = set(terms(text))
    return sum(term in held for term in wanted) / max(len(wanted), 1)


def _best(scores: Scores) -> list[int]:
    return [int(number) for number in np.argsort(-scores, kind="stable")[:CANDIDATES] if scores[number] > 0]


def _by_ranks(*several: Scores) -> Scores:
    """Each way gives its candidates one over their rank, and nothing to what it does not find."""
    total = np.zeros(len(several[0]))
    for scores in several:
        best = _best(scores)
        total[best] += 1 / (RRF + 1 + np.arange(len(best)))
    return total


def _by_scores(dense: Scores, words: Scores) -> Scores:
    """Over the candidates of either way; what is none of them has nothing."""
    total = np.zeros(len(dense))
    candidates = sorted({*_best(dense), *_best(words)})
    if candidates:
        total[candidates] = DENSE * scaled(dense[candidates]) + (1 - DENSE) * scaled(words[candidates]) + 1e-9
    return total


def scaled(scores: Scores) -> Scores:
    """To 0..1 over the range."""
    spread = float(np.ptp(scores))
    return (scores - scores.min()) / spread if spread else np.ones_like(scores)


def by_owner(ranking: Sequence[int], owners: Sequence[str]) -> list[str]:
    """What the texts were cut from, each once, in the order of its best text."""
    return list(dict.fromkeys(owners[number] for number in ranking))
