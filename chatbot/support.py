"""Whether a claim is supported by the sentences that it cites: a logistic fit on how well each word piece is matched, and on what does not fit. Pure.

Likeness alone takes "a line cook bakes" for "a pastry chef bakes". So a number, name, period or denial that the sentence has not, a word's
opposite and another role each speak against a claim.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chatbot.fitted import support_weights
from chatbot.retrieve import content_terms
from chatbot.thesaurus import meanings
from ingest.embed import Encoded, Vectors
from ingest.index import terms
from ingest.roles import RoleNames
from ingest.types import Chunk, Role, Unit


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

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(
    r"(?<=[^\s.!?:|] )[A-Z][\w+#.-]*\w|\b\w+[A-Z+#]\w*|\b[A-Z]{2,}\b"
)  # a capital that does not open a sentence, or stands inside a word
_CLAUSE = re.compile(
    r"\s*[;,]?\s+(?:while|whereas|but|compared with|than)\s+|[;:]\s+|,\s+(?:and\s+)?(?=[a-z ]{0,20}\b(?:the|an?|in)\b)|,\s+", re.IGNORECASE
)
_DENIALS = frozenset(
    terms(
        "not no never none neither nor nobody nothing hardly seldom rarely cannot unable "
        "isn't aren't wasn't weren't don't doesn't didn't won't can't couldn't shouldn't needn't mustn't wouldn't"
    )
)
_REPLY = re.compile(r"^\W*(?:yes|no|of course|usually yes|far from it)[,.;:!]\s*", re.IGNORECASE)
_PART = re.compile(r"[,;:–]\s+|\s+(?:although|because|since|while|whereas|but|yet|so that)\s+", re.IGNORECASE)
_A_FEW = re.compile(r"\ba (?:few|little)\b", re.IGNORECASE)
_COMPARED, _COMPARED_Y = re.compile(r"(?:er|est)$"), re.compile(r"i(?:er|est)$")
_UN = re.compile(r"^(?:un|in|im|ir|dis|non)-?(?=\w{4})")
_PRONOUN = re.compile(r"^\W*(?:they|their|them|this|it|its|she|he|her|his|these)\b", re.IGNORECASE)
_PERIODS = frozenset(terms("second minute hour day daily week weekly month monthly quarter year yearly annual decade century"))
_COUNTS = {
    word: value
    for value, words in {
        "0": "zero", "1": "one once single", "2": "two twice", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight", "9": "nine",
        "10": "ten tenth", "11": "eleven", "12": "twelve dozen", "13": "thirteen", "14": "fourteen", "15": "fifteen", "16": "sixteen", "17": "seventeen",
        "18": "eighteen", "19": "nineteen", "20": "twenty fifth", "25": "quarter", "30": "thirty", "33": "third", "40": "forty", "50": "fifty half",
        "60": "sixty", "70": "seventy", "80": "eighty", "90": "ninety", "100": "hundred", "1000": "thousand", "1000000": "million",
    }.items()
    for word in words.split()
}  # fmt: skip
_TENS = re.compile(r"\b(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)-(one|two|three|four|five|six|seven|eight|nine)\b")
_OPPOSITES = """
more most higher | less fewer least lower
many much often common frequent usual | few little rare seldom hardly rarely uncommon
always every all | never none no
rise grow increase rising growing gain expand up widen larger wider | fall shrink decline drop decrease falling shrinking lose contract down narrow smaller disappear vanish fade
easy easier simple simply | hard harder difficult
better best ahead | worse worst behind
first before begin start early | last after end finish late
fast quick rapid soon | slow late
same equal alike similar identical nearly | different unlike apart
large big wide great long | small little narrow short
steady stable safe safer safest secure sure certain | shaky unstable risky riskier riskiest dangerous unsure uncertain
cheap free inexpensive | expensive costly steep
love like enjoy prefer | hate dislike avoid
right true correct | wrong false
public open | private closed
inside indoor | outside outdoor
success succeed | failure fail
profit benefit gain | harm hurt damage suffer
strong stronger | weak weaker
simple | complex complicated
accept agree welcome | reject refuse disagree
include | exclude
present | absent
alone | together
calm quiet | hectic noisy
patient | impatient
permanent | temporary
visible | invisible hidden
formal | informal
win | lose
buy | sell
rich | poor
full | empty
clear | unclear vague
neutral | partial side
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a text says, and of which roles; `context` is what it stands under, `number` that of the unit that says it."""

    text: str
    context: str = ""
    roles: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()  # the roles that it may speak of, where it does not say
    number: int = 0
    parted: bool = False  # whether other statements tell its parts

    @property
    def whole(self) -> str:
        return f"{self.context} {self.text}" if self.context else self.text


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for a claim, and then what speaks against it; each about 0..1."""

    late: float  # how well each word piece of the claim is matched by the statement
    late_all: float  # the same, by any of the statements
    alike: float  # cosine of the claim and the statement's own words, by the embedding model
    unit: float  # cosine of the claim and the statement under its heading, by the reader
    worst: float  # match of the rare pieces that the statement matches worst, as a mean
    worst_all: float  # the same, by any of the statements
    words: float  # share of the claim's content words, or of their like, that stand in the statement
    words_all: float
    own: float  # the same, and not only in what the statement stands under
    back: float  # how well each word piece of the statement is matched by the claim
    numbers: float  # 1 where the claim holds a number that the statement has not
    periods: float  # 1 where it holds a day, week or year that the statement has not
    names: float  # share of its names that stand in none of the statements
    denies: float  # 1 where it denies and the statement does not
    denied: float  # 1 where the statement denies and it does not
    opposite: float  # 1 where it holds a word whose opposite the statement holds
    turned: float  # 1 where it is on a role that the statement does not speak of, names several in another order, or compares them the other way round
    broad: float  # 1 where the statement speaks of several roles and the claim of one of them
    unlikely: float  # 1 where the statement names no role, and was taken to speak of another one
    silent: float  # 1 where the claim names no role and the statement speaks of one


@dataclass(frozen=True, slots=True)
class Support:
    """`probability` that the claim is supported, and the number of the unit that supports it best."""

    probability: float
    number: int


def support(claim: str, statements: Sequence[Statement], reads: Reads, names: RoleNames | None = None) -> Support:
    """How well the best of the statements supports the claim; none at all where there are none. `reads` is an Embedder."""
    found = [_best(part, statements, reads, names) for part in parts_of(claim, names)]
    return min(found, key=lambda one: one.probability)


def parts_of(claim: str, names: RoleNames | None) -> list[str]:
    """What a claim says of one role and of another are two claims ("one bakes, while the other cooks")."""
    clauses = [clause.strip() for clause in _CLAUSE.split(claim) if clause.strip()] if names else []
    parts = [(clause, _named(clause, names)) for clause in clauses if names and len(clause.split()) > 3]
    roles = [roles for _, roles in parts if roles]
    if " than " in claim or len(roles) < 2 or any(len(one) > 1 for one in roles) or len(set(roles)) < 2:
        return [claim]
    return [clause for clause, _ in parts]


def _best(claim: str, statements: Sequence[Statement], reads: Reads, names: RoleNames | None) -> Support:
    weights = support_weights()
    found = [
        Support(_probability(signs, weights), statement.number)
        for statement, signs in zip(statements, signs_of(claim, statements, reads, names), strict=True)
    ]
    return max(found, key=lambda one: one.probability, default=Support(0.0, 0))


def _probability(signs: Signs, weights: dict[str, float]) -> float:
    total = weights["bias"] + sum(weights[name] * value for name, value in asdict(signs).items())
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


# --- what a text says


def sentences_as_statements(sentences: Iterable[str]) -> list[Statement]:
    """For text that names no roles."""
    return [Statement(sentence, number=number) for number, sentence in enumerate(sentences) if _WORD.search(sentence)]


def statements_of(chunk: Chunk, names: RoleNames) -> list[Statement]:
    """Each unit as a whole; one on several roles, its clauses too; of a table's row, each cell under its header."""
    found: list[Statement] = []
    before: tuple[str, ...] = ()
    for number, unit in enumerate(chunk.units):
        roles = _roles_of(chunk, unit, before, names)
        before = _named(chunk.quote(unit), names) or before
        found += (
            _cells(chunk, unit, number, names)
            if unit.kind == "row"
            else _clauses(chunk, unit, Statement("", "", roles, () if roles else unit.roles, number), names)
        )
    return found


def _roles_of(chunk: Chunk, unit: Unit, before: tuple[str, ...], names: RoleNames) -> tuple[str, ...]:
    """By its own words; else by what opens it, by the sentence before it or by its heading."""
    heading = chunk.heading[-1] if chunk.heading else ""
    pointed = before if _PRONOUN.match(chunk.quote(unit)) else ()
    return _roles_in(chunk.quote(unit), names) or _roles_in(chunk.lead_of(unit), names) or pointed or _roles_in(heading, names)


def _clauses(chunk: Chunk, unit: Unit, blank: Statement, names: RoleNames) -> list[Statement]:
    quote, text = chunk.quote(unit), chunk.unit_text(unit)
    whole = replace(blank, text=quote, context=text.removesuffix(quote).strip())
    if len(_roles_in(quote, names)) < 2:
        return [whole]
    clauses = [(clause.strip(), _roles_in(clause, names)) for clause in _CLAUSE.split(quote) if clause and clause.strip()]
    parts = [replace(blank, text=clause, roles=roles) for clause, roles in clauses if len(roles) == 1 and len(clause.split()) > 3]
    return [replace(whole, parted=len(parts) > 1), *parts]


def _cells(chunk: Chunk, unit: Unit, number: int, names: RoleNames) -> list[Statement]:
    header, (first, *cells) = _split_row(chunk.lead_of(unit)), _split_row(chunk.quote(unit)) or [""]
    of_columns = [_roles_in(head, names) for head in header[1:]]
    roles = tuple(dict.fromkeys(role for column in of_columns for role in column)) or unit.roles
    found = [Statement(" ".join([first, *cells]), " ".join(header), roles, number=number, parted=any(of_columns))]
    for head, cell, column in zip(header[1:], cells, of_columns, strict=False):
        if cell and column:
            found.append(Statement(f"{first} {cell}", f"{head}.", column, number=number))
    return found


def _roles_in(text: str, names: RoleNames) -> tuple[str, ...]:
    return _named(text, names) or names.roles_in(text)


def _named(text: str, names: RoleNames) -> tuple[str, ...]:
    """The roles that a text names, in their order, also by their last word alone ("the engineer") where only one ends on it."""
    mentions = names.mentions(text)
    strong = [(mention.start, mention.role) for mention in mentions if not mention.weak]
    heads = _heads(names.roles)
    by_head = [
        (word.start(), heads[stem])
        for word in _WORD.finditer(text)
        if (stem := terms(word[0])[0]) in heads and not any(mention.start <= word.start() < mention.end for mention in mentions)
    ]
    found = [*strong, *by_head] or [(mention.start, mention.role) for mention in mentions]
    return tuple(dict.fromkeys(role for _, role in sorted(found)))


@lru_cache(maxsize=64)
def _heads(roles: tuple[Role, ...]) -> dict[str, str]:
    ends = Counter(terms(role.name)[-1] for role in roles)
    return {end: role.name for role in roles if len(role.name.split()) > 1 and ends[end := terms(role.name)[-1]] == 1}


def _split_row(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


# --- signs


@dataclass(frozen=True, slots=True)
class _Read:
    """A text with what is compared of it: of its own words alone, and of all that it stands under."""

    text: str
    encoded: Encoded
    own: frozenset[str]
    plain: frozenset[str]
    words: frozenset[str]
    content: frozenset[str]
    meanings: frozenset[int]
    numbers: frozenset[str]
    periods: frozenset[str]
    roles: tuple[str, ...]
    likely: tuple[str, ...]
    spoken: tuple[str, ...]

    @property
    def denies(self) -> bool:
        return bool(self.own & _DENIALS)


def signs_of(claim: str, statements: Sequence[Statement], reads: Reads, names: RoleNames | None = None) -> list[Signs]:
    """The signs of each statement, in their order."""
    if not statements:
        return []
    texts = [names.neutral(text) if names else text for text in (claim, *(statement.whole for statement in statements))]
    encoded = reads.encode(texts)
    alike = _alike(claim, statements, reads, names)
    told = [_read(statement, code, names) for statement, code in zip(statements, encoded[1:], strict=True)]
    said = _read(Statement(claim, roles=_roles_in(claim, names) if names else ()), encoded[0], names)
    matches = [_matches(said.encoded, one.encoded) for one in told]
    beside = [at for at, one in enumerate(told) if _on_the_same(said, one, statements[at].parted)] or list(range(len(told)))
    everything = np.max([matches[at] for at in beside], axis=0)
    known = frozenset(word for at in beside for word in told[at].words)
    strangers = _strange_names(claim, known, names)
    late_all, worst_all, words_all = (
        _late(said, everything),
        _worst(said, everything),
        _shared(said, known, frozenset().union(*(told[at].meanings for at in beside))),
    )
    return [
        Signs(
            late=_late(said, matched),
            late_all=late_all,
            alike=float(likeness),
            unit=float(said.encoded.vector @ one.encoded.vector),
            worst=_worst(said, matched),
            worst_all=worst_all,
            words=_shared(said, one.words, one.meanings),
            words_all=words_all,
            own=_shared(said, one.own, one.meanings),
            back=_late(one, _matches(one.encoded, said.encoded)),
            numbers=float(not said.numbers <= one.numbers),
            periods=float(not said.periods <= one.periods),
            names=strangers,
            denies=float(said.denies and not _denies(one, said)),
            denied=float(_denies(one, said) and not said.denies),
            opposite=float(_contradicts(said.plain, one.plain)),
            turned=float(_turned(said, one)),
            broad=float(len(said.spoken) == 1 and len(one.roles) > 1),
            unlikely=float(bool(said.spoken and one.likely) and said.spoken[0] not in one.likely),
            silent=float(not said.roles and bool(one.roles)),
        )
        for one, matched, likeness in zip(told, matches, alike, strict=True)
    ]


def _alike(claim: str, statements: Sequence[Statement], reads: Reads, names: RoleNames | None) -> Vectors:
    """Shape (statements,)."""
    texts = [names.neutral(text) if names else text for text in (claim, *(statement.text for statement in statements))]
    vectors = reads.vectors(texts)
    return np.asarray(vectors[1:] @ vectors[0])


def _read(statement: Statement, encoded: Encoded, names: RoleNames | None) -> _Read:
    bare, own = (names.neutral(text) if names else text for text in (statement.whole, _REPLY.sub("", statement.text)))
    words = _stems(bare)
    spoken = _named(statement.text, names) if names else ()
    content = frozenset(content_terms(bare)) - ({names.noun} if names else set())
    roles, likely = statement.roles, statement.likely
    return _Read(
        own, encoded, _stems(own), _plain(own), words, content, meanings(content), _numbers(bare), words & _PERIODS, roles, likely, spoken
    )


def _denies(told: _Read, said: _Read) -> bool:
    """Whether the part of a statement that is nearest to the claim denies."""
    parts = [_stems(part) for part in _PART.split(told.text) if part.strip()]
    return bool(max(parts, key=lambda words: len(words & said.content), default=frozenset()) & _DENIALS)


def _on_the_same(said: _Read, told: _Read, is_parted: bool) -> bool:
    """Whether a statement may add to what another one says of the claim: one on another role may not, nor one that mixes several."""
    if len(said.spoken) != 1 or not told.roles:
        return True
    return said.spoken[0] in told.roles and not is_parted


def _turned(said: _Read, told: _Read) -> bool:
    if _reversed(said, told):
        return True
    if len(said.spoken) > 1 and len(told.spoken) > 1:
        return said.spoken[0] != told.spoken[0]
    wanted = said.spoken[:1] if " than " in said.text else said.spoken
    return bool(told.roles) and not set(wanted) <= set(told.roles)


def _reversed(said: _Read, told: _Read) -> bool:
    """Whether what the claim puts before "than" stands behind it in the statement."""
    more, less = _around_than(said.text)
    above, below = _around_than(told.text)
    swapped = len(more & below - above) + len(less & above - below)
    return swapped > len(more & above - below) + len(less & below - above)


def _around_than(text: str) -> tuple[frozenset[str], frozenset[str]]:
    before, than, after = text.lower().partition(" than ")
    return (frozenset(content_terms(before)), frozenset(content_terms(after))) if than else (frozenset(), frozenset())


@lru_cache(maxsize=20_000)
def _stems(text: str) -> frozenset[str]:
    return frozenset(terms(text))


def _matches(asked: Encoded, told: Encoded) -> NDArray[np.float32]:
    if not len(told.tokens) or not len(asked.tokens):
        return np.zeros(len(asked.tokens), dtype=np.float32)
    return np.asarray((asked.tokens @ told.tokens.T).max(axis=1), dtype=np.float32)


def _late(asked: _Read, matches: NDArray[np.float32]) -> float:
    return float(asked.encoded.weights @ matches / max(float(asked.encoded.weights.sum()), 1e-6))


def _worst(asked: _Read, matches: NDArray[np.float32]) -> float:
    rare = np.sort(matches[asked.encoded.weights > RARE])[:WORST]
    return float(rare.mean()) if len(rare) else float(matches.mean()) if len(matches) else 0.0


def _shared(said: _Read, words: frozenset[str], likes: frozenset[int]) -> float:
    """A word counts half where the statement holds but its like."""
    if not said.content:
        return 0.0
    return sum(1.0 if word in words else 0.5 if meanings([word]) & likes else 0.0 for word in said.content) / len(said.content)


def _numbers(text: str) -> frozenset[str]:
    """Every number as digits: "three-year" is 3, "a fifth" is 20 (percent)."""
    lower = _TENS.sub(lambda match: str(int(_COUNTS[match[1]]) + int(_COUNTS[match[2]])), text.lower())
    digits = {match.replace(",", "").rstrip(".") for match in _DIGITS.findall(lower)}
    counted = {
        _COUNTS[word] for word in re.findall(r"[a-z]+", lower) if word in _COUNTS and word not in {"one", "once", "single", "second"}
    }
    return frozenset(digits | counted)


def _strange_names(claim: str, known: frozenset[str], names: RoleNames | None) -> float:
    """The share of the claim's names that none of the statements holds; a role's name is none."""
    found = [stem for name in _NAME.findall(names.neutral(claim) if names else claim) for stem in terms(name)[:1]]
    return sum(stem not in known for stem in found) / len(found) if found else 0.0


def _plain(text: str) -> frozenset[str]:
    """A text's words without their comparison ("harder" is "hard"); "a few" is no small number."""
    words = [word.lower() for word in _WORD.findall(_A_FEW.sub(" ", text))]
    bases = [base for word in words for base in (_COMPARED.sub("", word), _COMPARED.sub("e", word), _COMPARED_Y.sub("y", word))]
    return frozenset(terms(" ".join([*words, *bases])))


def _contradicts(said: frozenset[str], told: frozenset[str]) -> bool:
    for one, other in _opposites():
        for left, right in ((one, other), (other, one)):
            if said & left and told & right and not said & right and not told & left:
                return True
    return any(
        _UN.sub("", word) in other - this for this, other in ((said, told), (told, said)) for word in this - other if _UN.match(word)
    )


@lru_cache(maxsize=1)
def _opposites() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    lines = [line.split("|") for line in _OPPOSITES.strip().splitlines()]
    return tuple((frozenset(terms(one)), frozenset(terms(other))) for one, other in lines)
