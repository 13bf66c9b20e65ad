"""Which words of the earlier questions a follow-up leans on: a logistic fit on where each stands and how the follow-up is asked. Pure; knows no topic."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from chatbot.fitted import carried_weights
from chatbot.retrieve import content_terms

ENOUGH = 0.25  # probability from which a word is carried over; of the tune part, out of fold, F1 .762 and recall .822 (from .15: .717 and .864; all words: .497 and .940)
LONG = 8  # content words of a question, as one whole
OLD = 6  # questions ago, as one whole

_WORD = re.compile(r"[^\W_]+(?:[.+#'’-][^\W_]+)*")
_POINTS_BACK = re.compile(
    r"\b(?:that|this|it|its|they|them|their|those|these|he|she|him|her|his|there|then|others?|another|such|ones?|same|instead|else|both|first|second|"
    r"former|latter)\b",
    re.IGNORECASE,
)
_OPENS = re.compile(r"\s*(?:and|but|so|or|what about|how about|ok|okay|oh)\b", re.IGNORECASE)
_BEFORE_A_NAME = frozenset(
    ["a", "an", "the", "of", "for", "about", "in", "on", "to", "with", "from", "by", "your", "my", "between", "and", "or", "some"]
)
# words of questions, which say how something is asked about and seldom what
_GENERAL = frozenset(
    content_terms(
        "type kind different difference compare compared comparison example pros cons effect cause importance important popular common good best bad main major "
        "benefit advantage disadvantage interesting learn learning know knowing tell think explain describe famous notable many much work use make made start "
        "happen change role fact long way thing people need help mean purpose impact year cost find want would show give let see look first last new old big "
        "small short high low few lot several number amount typical usual normal current recent modern today now time name term word meaning define definition "
        "reason result similar similarity relationship relate related positive negative risk problem issue treat treatment option alternative tip idea stuff part "
        "side form variety color size price expensive cheap buy sell become take took go went come came keep call said ask believe feel try begin end stop lead "
        "affect provide include contain involve require must able possible choose chosen decide better worse worst well hard easy difficult fast slow quick "
        "great cool wow right wrong true false else instead still ever like two three both either"
    )
)


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for or against a word of an earlier question; each about 0..1."""

    name: float  # 1 with a capital that opens no sentence
    digit: float  # 1 where it holds one
    general: float  # 1 where it says how something is asked about
    after: float  # 1 after an article, a preposition or an "and"
    place: float  # in its question, from the first word to the last
    repeated: float  # questions that hold it, of four, after the first
    opened: float  # 1 where the conversation opened with it
    just: float  # 1 in the question before
    age: float  # questions ago
    crowd: float  # words of the question that it stands in
    asks: float  # words that the follow-up has itself
    asks_just: float  # the same, for a word of the question before
    points_just: float  # 1 where the follow-up points back, for a word of the question before
    opens_just: float  # 1 where it begins as a reply does, for a word of the question before


@dataclass(frozen=True, slots=True)
class _Word:
    """A content word of an earlier question; `number` counts all of the question's words."""

    text: str
    terms: tuple[str, ...]
    number: int
    place: float
    name: bool
    after: bool


def carried(question: str, history: Sequence[str]) -> list[str]:
    """The stretches of the earlier questions, oldest first, that a follow-up is about."""
    kept = {term for term, signs in signs_of(question, history).items() if probability(signs) >= ENOUGH}
    found: list[str] = []
    for turn in reversed(history):
        stretches = list(_stretches(turn, kept))
        kept -= {term for stretch in stretches for term in content_terms(stretch)}
        found = stretches + found
    return found


def probability(signs: Signs) -> float:
    weights = carried_weights()
    total = weights["bias"] + sum(weights[name] * value for name, value in asdict(signs).items())
    return 1 / (1 + math.exp(-total))


def _stretches(turn: str, kept: set[str]) -> Iterator[str]:
    """Neighbouring words that are kept, as one stretch of the question's own words."""
    words = [word for word in _words(turn) if kept & set(word.terms)]
    for _, group in groupby(enumerate(words), key=lambda pair: pair[1].number - pair[0]):
        yield " ".join(word.text for _, word in group)


def signs_of(question: str, history: Sequence[str]) -> dict[str, Signs]:
    """Each term of the earlier questions that the follow-up lacks, with its signs at its latest place."""
    own = set(content_terms(question))
    turns = [_words(turn) for turn in history]
    holding = {
        term: [number for number, words in enumerate(turns) if any(term in word.terms for word in words)] for term in _terms(turns) - own
    }
    return {term: _signs(term, turns, places, question, len(own - _GENERAL)) for term, places in holding.items()}


def _signs(term: str, turns: Sequence[Sequence[_Word]], places: Sequence[int], question: str, own: int) -> Signs:
    words = [word for number in places for word in turns[number] if term in word.terms]
    just = float(places[-1] == len(turns) - 1)
    return Signs(
        name=float(any(word.name for word in words)),
        digit=float(any(character.isdigit() for character in term)),
        general=float(term in _GENERAL),
        after=float(any(word.after for word in words)),
        place=max(word.place for word in words),
        repeated=(min(len(places), 4) - 1) / 4,
        opened=float(places[0] == 0),
        just=just,
        age=min(len(turns) - 1 - places[-1], OLD) / OLD,
        crowd=len(turns[places[-1]]) / LONG,
        asks=min(own, 5) / 5,
        asks_just=just * min(own, 5) / 5,
        points_just=just * bool(_POINTS_BACK.search(question)),
        opens_just=just * bool(_OPENS.match(question)),
    )


def _terms(turns: Sequence[Sequence[_Word]]) -> set[str]:
    return {term for words in turns for word in words for term in word.terms}


def _words(turn: str) -> list[_Word]:
    """The content words of a question."""
    matches = list(_WORD.finditer(turn))
    found = []
    for number, match in enumerate(matches):
        if terms := content_terms(match.group()):
            before = matches[number - 1].group().lower() if number else ""
            opens = not number or turn[: match.start()].rstrip().endswith((".", "?", "!"))
            name = match.group()[0].isupper() and not opens
            found.append(_Word(match.group(), tuple(terms), number, number / max(len(matches) - 1, 1), name, before in _BEFORE_A_NAME))
    return found
