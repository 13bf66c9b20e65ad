"""A question's typing errors, mended with the words of the articles and with common ones."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property, partial

from rapidfuzz import process
from rapidfuzz.distance import OSA
from spellchecker import SpellChecker

from ingest.types import HUMP

SHORTEST = 4  # letters of a word that is compared with the articles'
LONG = 7  # letters from which two slips are mended, and not only one

# of common words, which articles need not hold
_MISSPELLINGS = {
    "about": "abuot abotu",
    "because": "becuase becasue becouse",
    "between": "betwen beetween bewteen",
    "difference": "diffrence diference differnce",
    "from": "fomr",
    "how": "hwo",
    "people": "poeple",
    "should": "shoud shuld",
    "the": "teh hte",
    "their": "thier",
    "want": "wnat",
    "what": "wat wht waht whta",
    "when": "wehn whn",
    "where": "wher whre",
    "which": "wich whcih whihc",
    "with": "wiht",
    "would": "woud wuld",
    "you": "yuo",
}
_CORRECT = {misspelt: word for word, misspellings in _MISSPELLINGS.items() for misspelt in misspellings.split()}

# no part of an address
_COMMON = re.compile(rf"(?<![\w.@/-])(?:{'|'.join(_CORRECT)})(?![\w@/-]|\.\w)", re.IGNORECASE)
_WORD = re.compile(r"(?<![\w.@])[A-Za-z]+(?:['’][a-z]+)?(?![\w@]|\.\w)")
_RUN = re.compile(r"[A-Za-z]{2,}")  # in an article
_OPENS = re.compile(r"(?:^|[?!]|\w{4}\.)\s*[\"'“(]*$")  # before the first word of a sentence, and not after "e.g."


class Speller:
    """Mends a misspelt common word that the articles do not have, and a word that neither they nor the model nor a list of English words know, where
    a word of the articles is close to it.

    Of the words of the 113,494 practice questions it changes 411, nearly all of them misspelt; without that list it changed 1,648 ("mindset" to "minded").
    """

    def __init__(self, article_words: Callable[[], Mapping[str, int]], knows: Callable[[str], bool]) -> None:
        """`article_words` counts how often each stands there, once there is a misspelt common word or one that neither English nor the model, as `knows` says of
        a word, has: of many articles that takes seconds.
        """
        self._article_words = article_words
        self._knows = knows

    @cached_property
    def _counts(self) -> Mapping[str, int]:
        return self._article_words()

    @cached_property
    def _own(self) -> dict[str, int]:
        return {word: count for word, count in self._counts.items() if len(word) >= SHORTEST}

    @cached_property
    def _by_initial(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for word in sorted(self._own):
            found.setdefault(word[0], []).append(word)
        return found

    def mend(self, text: str) -> str:
        """A word with a capital inside is a name, and so is one with a capital in the middle of a sentence: those stay."""
        for pattern, mended in ((_COMMON, self._corrected), (_WORD, self._nearest)):
            text = pattern.sub(partial(_unless_name, mended), text)
        return text

    def _corrected(self, word: str) -> str:
        return word if word in self._counts else _CORRECT.get(word, word)  # it has none for a dotless "wıch"

    def _nearest(self, word: str) -> str:
        if len(word) < SHORTEST or not word.isalpha() or self._knows(word) or _is_english(word) or word in self._own:
            return word
        slips = 1 if len(word) < LONG else 2
        close = process.extract(word, self._by_initial.get(word[0], ()), scorer=OSA.distance, score_cutoff=slips, limit=20)
        return min(close, key=lambda found: (self._cost(found[0], found[1]), found[2]))[0] if close else word

    def _cost(self, word: str, slips: float) -> float:
        """Slips, less up to one for a word that the articles use often: "enginer" is nearer to "engineer" than to "engine"."""
        return slips - math.log1p(self._own.get(word, 0)) / 4


def counts_of(texts: Iterable[str]) -> Counter[str]:
    """How often each word stands in the texts, lower-case; of words that ran into one ("MindsetAnalytical") their parts too."""
    wholes = (whole for text in texts for whole in _RUN.findall(text))
    return Counter(word.lower() for whole in wholes for word in dict.fromkeys((whole, *HUMP.split(whole))))


def _is_english(word: str) -> bool:
    """Whether a list of 160,000 English words has it, or its singular."""
    return word in _english() or (not word.endswith("ss") and word.removesuffix("s") in _english())


@cache
def _english() -> frozenset[str]:
    """Read once there is a word to look up: that takes a third of a second."""
    return frozenset(SpellChecker().word_frequency.dictionary)


def _unless_name(mended: Callable[[str], str], match: re.Match[str]) -> str:
    word = match.group()
    if word.islower():
        return mended(word)
    is_name = not word[1:].islower() or not _OPENS.search(match.string[: match.start()])
    return word if is_name else mended(word.lower()).capitalize()
