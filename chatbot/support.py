"""Whether a claim is supported by the sentences that it cites: a logistic fit on how well each word piece is matched, and on what does not fit. Pure.

Likeness alone takes "a line cook bakes" for "a pastry chef bakes". So a number, name, period or denial that the sentence has not, a word's
opposite and another role each speak against a claim, and so does a sentence that says the contrary and comes nearer to it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chatbot.contradiction import clash, is_miscounted, is_reversed, numbers, periods, strange_names
from chatbot.fitted import support_weights
from chatbot.retrieve import content_terms
from chatbot.statements import Statement, named, parts_of, roles_in, with_trades
from chatbot.thesaurus import meanings
from ingest.embed import Encoded, Vectors
from ingest.roles import RoleNames
from ingest.terms import terms


class Reads(Protocol):
    """What is needed of an Embedder."""

    def encode(self, texts: Sequence[str]) -> list[Encoded]: ...
    def vectors(self, texts: Sequence[str]) -> Vectors: ...


class Remembering:
    """An embedder that reads each text once: the same sentences are compared with many claims."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self.known: dict[str, Encoded] = {}
        self.known_vectors: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        if new := [text for text in dict.fromkeys(texts) if text not in self.known]:
            self.known.update(zip(new, self._reads.encode(new), strict=True))
        return [self.known[text] for text in texts]

    def vectors(self, texts: Sequence[str]) -> Vectors:
        if new := [text for text in dict.fromkeys(texts) if text not in self.known_vectors]:
            self.known_vectors.update(zip(new, self._reads.vectors(new), strict=True))
        return np.stack([self.known_vectors[text] for text in texts])


RARE = 0.5  # weight of a word piece from which it counts as rare
WORST = 3  # of the rare pieces, those matched worst

_REPLY = re.compile(r"^\W*(?:yes|no|of course|usually yes|far from it)[,.;:!]\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for a claim, and then what speaks against it; each about 0..1."""

    late: float  # how well each word piece of the claim is matched by the statement
    late_all: float  # the same, by any of the statements
    alike: float  # cosine of the claim and the statement's own words, by the embedding model
    unit: float  # cosine of the claim and the statement under its heading, by the embedding model
    worst_all: float  # match of the rare pieces that the statements match worst, as a mean
    words: float  # share of the claim's content words, or of their like, that stand in the statement
    back: float  # how well each word piece of the statement is matched by the claim
    numbers: float  # 1 where the claim holds a number that none of the statements on its role has, or counts a thing otherwise than this one does
    periods: float  # 1 where it holds a day, week or year that the statement has not
    names: float  # share of its names that stand in none of the statements
    denies: float  # 1 where a clause of it denies and the clause of the statement that is nearest does not
    denied: float  # 1 where that clause denies and the claim's does not
    opposite: float  # 1 where they hold opposite words
    turned: float  # 1 where it is on a role that the statement does not speak of, or names several, compares them or puts steps the other way round
    broad: float  # 1 where the statement speaks of several roles and the claim of one of them
    behind: float  # how much nearer another statement comes to it: one that hardly speaks of the matter is no proof
    unlikely: float  # 1 where the statement names no role, and was taken to speak of another one

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(getattr(self, name) for name in SIGNS)


SIGNS = tuple(field.name for field in fields(Signs))


@dataclass(frozen=True, slots=True)
class Support:
    """`probability` that the claim is supported, and the number of the unit that supports it best."""

    probability: float
    number: int


def support(claim: str, statements: Sequence[Statement], reads: Reads, names: RoleNames | None = None) -> Support:
    """How well the best of the statements supports the claim; none at all where there are none. `reads` is an Embedder."""
    found = [_best(part, statements, reads, names) for part in parts_of(claim, names)]
    return min(found, key=lambda one: one.probability)


def _best(claim: str, statements: Sequence[Statement], reads: Reads, names: RoleNames | None) -> Support:
    weights = support_weights()
    found = [
        Support(_probability(signs, weights), statement.number)
        for statement, signs in zip(statements, signs_of(claim, statements, reads, names), strict=True)
    ]
    return max(found, key=lambda one: one.probability, default=Support(0.0, 0))


def _probability(signs: Signs, weights: dict[str, float]) -> float:
    total = weights["bias"] + sum(weights[name] * value for name, value in zip(SIGNS, signs.values, strict=True))
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


# --- signs


@dataclass(frozen=True, slots=True)
class _Words:
    """A text without the names of roles: `bare` is its own words, `text` these without a reply that opens them ("yes,"), and `whole`,
    of which the rest is, what it stands under too.
    """

    bare: str
    text: str
    whole: str
    words: frozenset[str]
    content: frozenset[str]
    meanings: frozenset[int]
    numbers: frozenset[str]
    periods: frozenset[str]
    roles: tuple[str, ...]
    likely: tuple[str, ...]
    spoken: tuple[str, ...]
    under: tuple[str, ...]  # the roles that are named in what it stands under
    parted: bool


@dataclass(frozen=True, slots=True)
class _Text:
    """A claim or a statement: all of it as it was read, and the vector of its own words."""

    words: _Words
    encoded: Encoded
    vector: Vectors


@dataclass(frozen=True, slots=True)
class _Compared:
    """A claim beside one statement; `matches` of each of the claim's word pieces."""

    said: _Text
    told: _Text
    matches: NDArray[np.float32]
    late: float
    shared: float

    @property
    def nearness(self) -> float:
        return self.late + self.shared


def signs_of(claim: str, statements: Sequence[Statement], reads: Reads, names: RoleNames | None = None) -> list[Signs]:
    """The signs of each statement, in their order."""
    if not statements:
        return []
    compared = _compared(claim, statements, reads, with_trades(names) if names else None)
    together = [one for one in compared if _on_the_same(one.said.words, one.told.words)] or compared
    everywhere = _everywhere(together)
    held = frozenset[str]().union(*(one.told.words.numbers for one in together))
    nearest = max(one.nearness for one in compared)
    return [
        Signs(
            late=one.late,
            words=one.shared,
            alike=float(one.said.vector @ one.told.vector),
            unit=float(one.said.encoded.vector @ one.told.encoded.vector),
            back=_late(one.told.encoded, _matches(one.told.encoded, one.said.encoded)),
            behind=nearest - one.nearness,
            **everywhere,
            **_misfits(one.said.words, one.told.words, held),
        )
        for one in compared
    ]


def _compared(claim: str, statements: Sequence[Statement], reads: Reads, names: RoleNames | None) -> list[_Compared]:
    said, *told = _read([Statement(claim, roles=roles_in(claim, names) if names else ()), *statements], reads, names)
    found: list[_Compared] = []
    for one in told:
        matches = _matches(said.encoded, one.encoded)
        found.append(_Compared(said, one, matches, _late(said.encoded, matches), _shared(said.words, one.words)))
    return found


def _read(statements: Sequence[Statement], reads: Reads, names: RoleNames | None) -> list[_Text]:
    words = [_words(statement, names) for statement in statements]
    encoded = reads.encode([one.whole for one in words])
    under = list(dict.fromkeys(one.bare for one in words if one.bare != one.whole))  # what stands under nothing has been read whole
    vectors = dict(zip(under, reads.vectors(under), strict=True)) if under else {}
    return [_Text(one, read, vectors.get(one.bare, read.vector)) for one, read in zip(words, encoded, strict=True)]


def _everywhere(compared: Sequence[_Compared]) -> dict[str, float]:
    """What statements together have of a claim."""
    said, told = compared[0].said, [one.told.words for one in compared]
    matches = np.max([one.matches for one in compared], axis=0)
    return {
        "late_all": _late(said.encoded, matches),
        "worst_all": _worst(said.encoded, matches),
        "names": strange_names(said.words.text, frozenset().union(*(one.words for one in told))),
    }


def _misfits(said: _Words, told: _Words, held: frozenset[str]) -> dict[str, float]:
    """`held` are the numbers of the statements that may tell of the claim together, each of which may hold one of its numbers."""
    clashes = clash(said.text, told.text)
    found = {
        "numbers": not said.numbers <= held or is_miscounted(said.text, told.text),
        "periods": not said.periods <= told.periods,
        "denies": clashes.denies,
        "denied": clashes.denied,
        "opposite": clashes.opposite,
        "turned": _turned(said, told),
        "broad": len(said.spoken) == 1 and len(told.roles) > 1,
        "unlikely": bool(said.spoken and told.likely) and said.spoken[0] not in told.likely,
    }
    return {name: float(value) for name, value in found.items()}


@lru_cache(maxsize=20_000)
def _words(statement: Statement, names: RoleNames | None) -> _Words:
    """Kept, since the same statements are compared with many claims."""
    bare, text, whole = (names.neutral(one) if names else one for one in (statement.text, _REPLY.sub("", statement.text), statement.whole))
    words = frozenset(terms(whole))
    content = frozenset(content_terms(whole)) - ({names.noun} if names else set())
    return _Words(
        bare=bare,
        text=text,
        whole=whole,
        words=words,
        content=content,
        meanings=meanings(content),
        numbers=numbers(whole),
        periods=periods(words),
        roles=statement.roles,
        likely=statement.likely,
        spoken=named(statement.text, names) if names else (),
        under=named(statement.context, names) if names and statement.context else (),
        parted=statement.parted,
    )


def _on_the_same(said: _Words, told: _Words) -> bool:
    """Whether a statement may add to what another one says of the claim: one on another role may not, nor one that mixes several."""
    if len(said.spoken) != 1 or not told.roles:
        return True
    return said.spoken[0] in told.roles and not told.parted


def _turned(said: _Words, told: _Words) -> bool:
    if is_reversed(said.text, told.text):
        return True
    if len(said.spoken) > 1 and len(told.spoken) > 1:
        return said.spoken[0] != told.spoken[0]
    wanted = said.spoken[:1] if " than " in said.text else said.spoken
    held = set(told.roles) if len(wanted) < 2 else {*told.roles, *told.under}
    return bool(told.roles) and not set(wanted) <= held


def _matches(asked: Encoded, told: Encoded) -> NDArray[np.float32]:
    if not len(told.tokens) or not len(asked.tokens):
        return np.zeros(len(asked.tokens), dtype=np.float32)
    return np.asarray((asked.tokens @ told.tokens.T).max(axis=1), dtype=np.float32)


def _late(asked: Encoded, matches: NDArray[np.float32]) -> float:
    return float(asked.weights @ matches / max(float(asked.weights.sum()), 1e-6))


def _worst(asked: Encoded, matches: NDArray[np.float32]) -> float:
    rare = np.sort(matches[asked.weights > RARE])[:WORST]
    return float(rare.mean()) if len(rare) else float(matches.mean()) if len(matches) else 0.0


def _shared(said: _Words, told: _Words) -> float:
    """A word counts half where the statement holds but its like."""
    if not said.content:
        return 0.0
    found = (1.0 if word in told.words else 0.5 if meanings([word]) & told.meanings else 0.0 for word in said.content)
    return sum(found) / len(said.content)
