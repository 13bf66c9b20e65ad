"""Which sentence, list item or table row of the passages answers a question: late interaction of word pieces, with vectors, words and roles beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np

from chatbot.definition import OtherNames, Subject
from chatbot.fitted import evidence_weights
from chatbot.retrieve import content_terms
from chatbot.thesaurus import meanings
from chatbot.types import Passage
from ingest.embed import Encoded, Vectors
from ingest.index import GenerationIndex
from ingest.terms import terms
from ingest.types import Chunk, Span, Unit

_ANNOUNCES = re.compile(  # its first letters stand in front, for a third of the time
    r"\b(?=[tilw])(?:th(?:is|e) (?:guide|article|post|retelling|piece|series|blog|page|comparison|overview)|let(?:['’]s| us)|in this section|(?:we|i)['’]ll)\b"
    r"|^here(?:['’]s| is| are)\b",
    re.IGNORECASE,
)

NEAR = 0.45  # cosine of two word pieces from which one supports the other
RARE = 0.5  # weight of a word piece from which it counts as rare
TEMPERATURE = 0.1  # of the soft minimum of matches; out of fold .05 and .2 find fewer answers

# of SQuAD 2.0's passages (tune part) the first was right for 82 % by search alone, for 90 % so, before a reader learnt from them
SENTENCE_SHARE = 0.75  # of a passage's final score
READ_LATE = 0.5  # share of the late interaction in the reader's score, as an earlier training of the reader learnt it (tests/benchmarks/train_reader.py)


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is searched for, and as the model reads it, its roles' names of no weight; its first `told` characters tell of the
    asker and only lead up to what it asks; `rarities` are of its content words' stems; `meanings` are the groups of career talk that those belong to.
    """

    text: str
    told: int
    encoded: Encoded
    rarities: dict[str, float]
    meanings: frozenset[int]
    roles: tuple[str, ...]
    subject: Subject | None = None  # of which a definition is asked for
    other_names: OtherNames | None = None  # of the role of which they are asked for

    @property
    def vector(self) -> Vectors:
        return self.encoded.vector

    @property
    def asked(self) -> str:
        return self.text[self.told :]

    @property
    def terms(self) -> tuple[str, ...]:
        return tuple(self.rarities)

    @property
    def searched(self) -> tuple[str, ...]:
        """The terms, and those of a role's other names where they are asked for."""
        return tuple(dict.fromkeys((*self.rarities, *(self.other_names.terms if self.other_names else ()))))

    def heard(self, index: GenerationIndex, matches: Vectors) -> Query:
        """The same, but of what the asker tells of himself the word pieces and words that the articles have no like of weigh nothing: no article need
        hold them. `matches` are of all units, shape (units, word pieces).
        """
        if not self.told:
            return self
        unheard = (self.encoded.starts < self.told) & (matches.max(axis=0, initial=0) < NEAR)
        encoded = replace(self.encoded, weights=np.where(unheard, 0, self.encoded.weights))
        asked = terms(self.asked)
        rarities = {term: weight for term, weight in self.rarities.items() if term in asked or index.document_count(term)}
        return replace(self, encoded=encoded, rarities=rarities)

    def share_in(self, terms: Collection[str]) -> float:
        """The share of the question's words, by their rarity, that are among these."""
        return sum(weight for term, weight in self.rarities.items() if term in terms) / max(sum(self.rarities.values()), 1e-6)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A unit of a passage, how well it answers, how well it matches each word piece of the question (cosines), and the score that the
    reader was trained to give: high where a unit answers, low where none does.
    """

    passage: Passage
    unit: Unit
    number: int
    score: float
    matches: Vectors
    read: float

    @property
    def quote(self) -> str:
        return self.passage.chunk.quote(self.unit)


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for each unit as the answer: arrays of shape (units,), whose values are each about 0..1."""

    late: Vectors  # how well each word piece of the question is matched by one of the unit's, or of what opens its passage
    neighbours: Vectors  # the same, by one of the unit's or of those beside it
    weakest: Vectors  # how well those of the word pieces are matched that the unit matches worst
    unit: Vectors  # cosine of question and unit
    passage: Vectors  # cosine of question and passage
    words: Vectors  # share of the question's words, by their rarity, that stand in the unit
    meanings: Vectors  # share of the question's words of career talk that the unit, its lead or its heading has a like of
    label: Vectors  # share of a table row's label that the question has, or has a like of
    role: Vectors  # 1 for a unit on a role that was asked about, -1 for one on another role
    announces: Vectors  # 1 for a sentence that says what the text will do, and not what is so
    defines: Vectors  # 1 for a sentence that says what something is, where the question asks for that
    other_names: Vectors  # 1 for a unit in which two names of a role stand side by side, where the question asks for its other names

    def table(self) -> Vectors:
        """Shape (units, signs)."""
        return np.stack([getattr(self, field.name) for field in fields(self)], axis=1)


def rank(index: GenerationIndex, query: Query, passages: Sequence[Passage]) -> list[Evidence]:
    """Every unit of the passages, best first, by the fitted weights of its signs."""
    told, signs, matches = _read(index, query, passages)
    scores = signs.table() @ np.array([evidence_weights()[field.name] for field in fields(Signs)])
    read = _as_read(signs)
    found = [
        Evidence(passage, unit, number, float(score), matched, float(as_read))
        for (passage, number, unit), score, matched, as_read in zip(told, scores, matches, read, strict=True)
    ]
    return sorted(found, key=lambda evidence: (-evidence.score, evidence.passage.row, evidence.number))


def speaks_of(query: Query, span: Span, evidence: Evidence) -> bool:
    """Whether a unit, what leads to it or its heading has what stands there in the question, or a like of it."""
    stems = content_terms(span.of(query.text))
    words = _unit_words(evidence.passage.chunk)[evidence.number]
    if words.terms.intersection(stems) or words.meanings & meanings(stems):
        return True
    alone = query.encoded.without([Span(0, span.start), Span(span.end, len(query.text))])
    return float(late_interaction(alone, evidence.matches)) >= NEAR


def reordered(passages: Sequence[Passage], ranked: Sequence[Evidence]) -> list[Passage]:
    """The passages by how well each was found and how well its best unit answers, best first."""
    best: dict[int, float] = {}
    for evidence in ranked:
        best.setdefault(evidence.passage.row, max(evidence.score, 0.0))
    scored = [
        replace(passage, score=(1 - SENTENCE_SHARE) * passage.score + SENTENCE_SHARE * best.get(passage.row, 0.0)) for passage in passages
    ]
    return sorted(scored, key=lambda passage: (-passage.score, passage.row))


Told = tuple[Passage, int, Unit]  # a unit, and which of its passage's it is


def _read(index: GenerationIndex, query: Query, passages: Sequence[Passage]) -> tuple[list[Told], Signs, Vectors]:
    """The units of the passages with their signs, and their matches of shape (units, word pieces of the question).

    All at once, for a question is read against some 90 units.
    """
    rows = [passage.row for passage in passages]
    told = [(passage, number, unit) for passage in passages for number, unit in enumerate(passage.chunk.units)]
    words = [one for passage in passages for one in _unit_words(passage.chunk)]
    matches = index.unit_matches(rows, query.encoded.tokens)
    query = query.heard(index, matches)
    signs = Signs(
        late=late_interaction(query.encoded, matches),
        neighbours=late_interaction(query.encoded, _with_neighbours(matches, [number for _, number, _ in told])),
        weakest=weakest_match(query.encoded, matches),
        unit=index.unit_vectors(rows) @ query.encoded.mean,
        passage=_each(passage.dense for passage, _, _ in told),
        words=_each(query.share_in(one.terms) for one in words),
        meanings=_each(len(query.meanings & one.meanings) / max(len(query.meanings), 1) for one in words),
        label=_each(_share_asked(one.label, query) for one in words),
        role=_each(role_match(query.roles, unit.roles) for _, _, unit in told),
        announces=_each(one.announces for one in words),
        defines=_each(query.subject.defined_in(passage.chunk.quote(unit)) if query.subject else 0.0 for passage, _, unit in told),
        other_names=_each(query.other_names.named_in(passage.chunk.quote(unit)) if query.other_names else 0.0 for passage, _, unit in told),
    )
    return told, signs, matches


def _each(signs: Iterable[float]) -> Vectors:
    return np.fromiter(signs, dtype=np.float32)


def _with_neighbours(matches: Vectors, numbers: Sequence[int]) -> Vectors:
    """What a unit or one of those beside it in its passage matches; a passage begins anew with number 0."""
    around = matches.copy()
    second = np.flatnonzero(np.array(numbers) > 0)  # those that follow on another
    around[second] = np.maximum(around[second], matches[second - 1])
    around[second - 1] = np.maximum(around[second - 1], matches[second])
    return around


def signs_of(index: GenerationIndex, query: Query, passages: Sequence[Passage]) -> tuple[list[str], Signs]:
    """The quote of every unit, and the signs of all, for fitting the weights."""
    told, signs, _ = _read(index, query, passages)
    return [passage.chunk.quote(unit) for passage, _, unit in told], signs


def _as_read(signs: Signs) -> Vectors:
    return READ_LATE * signs.late + (1 - READ_LATE) * signs.unit


def late_interaction(question: Encoded, matches: Vectors) -> Vectors:
    """ColBERT's sum of best matches, as a mean weighted by how rare each piece is (Khattab and Zaharia, 2020); of the last axis."""
    return np.asarray(matches @ question.weights / max(float(question.weights.sum()), 1e-6))


def weakest_match(question: Encoded, matches: Vectors) -> Vectors:
    """A soft minimum of the word pieces' matches, by how rare each is: a unit that lacks one answers less often than their mean says. The more pieces,
    the less one of them counts. Taken over the last axis.
    """
    total = float(question.weights.sum())
    if not total:
        return np.zeros(matches.shape[:-1], dtype=np.float32)
    return np.asarray(-TEMPERATURE * np.log(np.exp(-matches / TEMPERATURE) @ (question.weights / total)))


@dataclass(frozen=True, slots=True)
class UnitWords:
    """Of a unit: the stems of its words and of its lead's, the groups of career talk in it, its lead and its heading, the stems of a table row's
    label, and whether it announces.
    """

    terms: frozenset[str]
    meanings: frozenset[int]
    label: tuple[str, ...]
    announces: bool


@lru_cache(maxsize=5000)  # the chunks of a corpus are read again with every question
def _unit_words(chunk: Chunk) -> tuple[UnitWords, ...]:
    of_heading = meanings(terms(chunk.heading[-1])) if chunk.heading else frozenset()
    found = []
    for unit in chunk.units:
        stems = frozenset(terms(f"{chunk.quote(unit)} {chunk.lead_of(unit)}"))
        found.append(
            UnitWords(
                stems, of_heading | meanings(stems), tuple(content_terms(chunk.label_of(unit))), bool(_ANNOUNCES.search(chunk.quote(unit)))
            )
        )
    return tuple(found)


def _share_asked(label: Sequence[str], query: Query) -> float:
    """The share of a label's words that the question has, or has a like of."""
    found = [term in query.rarities or bool(meanings([term]) & query.meanings) for term in label]
    return sum(found) / max(len(found), 1)


def rarity(index: GenerationIndex, term: str) -> float:
    """Inverse document frequency, as BM25 counts it."""
    count = index.document_count(term)
    return math.log(1 + (len(index) - count + 0.5) / (count + 0.5))


def role_match(asked: Sequence[str], spoken_of: Sequence[str]) -> float:
    """1 where a role that was asked about is spoken of, -1 where only others are, 0 where none was asked about or none is spoken of."""
    if not asked or not spoken_of:
        return 0
    return 1 if set(asked) & set(spoken_of) else -1
