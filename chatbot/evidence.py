"""Which sentence, list item or table row of the passages answers a question: late interaction of word pieces, with vectors, words and roles beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chatbot.types import Passage
from ingest.embed import Encoded, Vectors
from ingest.index import GenerationIndex, terms
from ingest.types import Unit

# Weights of a linear fit on the tune half of corpus/questions.jsonl, over the retellings and the texts that they are based on.
LATE_WEIGHT = 0.26  # how well each word piece of the question is matched by one of the unit's
NEIGHBOURS_WEIGHT = 0.36  # the same, by one of the unit's or of those beside it
UNIT_WEIGHT = 0.13  # cosine of question and unit
PASSAGE_WEIGHT = 0.14  # cosine of question and passage
WORD_WEIGHT = 0.06  # share of the question's words, by their rarity, that stand in the unit
ROLE_WEIGHT = 0.05  # for a unit on a role that was asked about, against one on another role
ANNOUNCING_WEIGHT = 0.06  # against a sentence that says what the text will do, and not what is so

_ANNOUNCES = re.compile(
    r"\b(?:this|the) (?:guide|article|post|retelling|piece|series|blog|page)\b|\b(?:we|i)['’]ll\b|\blet(?:['’]s| us)\b|^here(?:['’]s| is| are)\b|\bin this section\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is searched for. `neutral` is of its text with all roles called the same; `terms` are its content words' stems."""

    text: str
    vector: Vectors
    neutral: Encoded
    terms: tuple[str, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A unit of a passage, how well it answers, and how well it matches each word piece of the question (cosines)."""

    passage: Passage
    unit: Unit
    number: int
    score: float
    matches: NDArray[np.float32]

    @property
    def quote(self) -> str:
        return self.passage.chunk.quote(self.unit)


def rank(index: GenerationIndex, query: Query, passages: Sequence[Passage]) -> list[Evidence]:
    """Every unit of the passages, best first."""
    found: list[Evidence] = []
    for passage in passages:
        cosines = index.unit_vectors(passage.row) @ query.neutral.vector
        matches = [_matches(query.neutral, tokens) for tokens in index.unit_tokens(passage.row)]
        for number, unit in enumerate(passage.chunk.units):
            around = np.max(matches[max(0, number - 1) : number + 2], axis=0)
            score = (
                LATE_WEIGHT * _late_interaction(query.neutral, matches[number])
                + NEIGHBOURS_WEIGHT * _late_interaction(query.neutral, around)
                + UNIT_WEIGHT * float(cosines[number])
                + PASSAGE_WEIGHT * passage.dense
                + WORD_WEIGHT * _shared_words(index, query, passage, unit)
                + ROLE_WEIGHT * _role_match(query.roles, unit.roles)
                - ANNOUNCING_WEIGHT * bool(_ANNOUNCES.search(passage.chunk.quote(unit)))
            )
            found.append(Evidence(passage, unit, number, score, matches[number]))
    return sorted(found, key=lambda evidence: (-evidence.score, evidence.passage.row, evidence.number))


def _matches(question: Encoded, tokens: Vectors) -> NDArray[np.float32]:
    if not len(tokens) or not len(question.tokens):
        return np.zeros(len(question.tokens), dtype=np.float32)
    return np.asarray((question.tokens @ tokens.T).max(axis=1), dtype=np.float32)


def _late_interaction(question: Encoded, matches: NDArray[np.float32]) -> float:
    """ColBERT's sum of best matches, as a mean weighted by how rare each piece is (Khattab and Zaharia, 2020)."""
    return float(question.weights @ matches / max(float(question.weights.sum()), 1e-6))


def _shared_words(index: GenerationIndex, query: Query, passage: Passage, unit: Unit) -> float:
    chunk = passage.chunk
    own = set(terms(f"{chunk.quote(unit)} {chunk.lead_of(unit)}"))
    weights = {term: rarity(index, term) for term in query.terms}
    return sum(weight for term, weight in weights.items() if term in own) / max(sum(weights.values()), 1e-6)


def rarity(index: GenerationIndex, term: str) -> float:
    """Inverse document frequency, as BM25 counts it."""
    count = index.document_count(term)
    return math.log(1 + (len(index) - count + 0.5) / (count + 0.5))


def _role_match(asked: Sequence[str], spoken_of: Sequence[str]) -> int:
    if not asked or not spoken_of:
        return 0
    return 1 if set(asked) & set(spoken_of) else -1

