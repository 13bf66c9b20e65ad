"""A question's typing errors, mended with the words of the articles."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST = 4  # letters of a word that is looked at
# with one of which the model knows a word whole: it has "baked", and "bake" in two pieces; more endings would take "acces" for a word
ENDINGS = ("", "d")
LONG = 7  # letters from which two slips are mended, and not only one

# of the words that any question is made of, which articles need not hold
_SLIPS = {
    "about": "abuot abotu",
    "and": "adn nad",
    "because": "becuase becasue becouse",
    "between": "betwen beetween bewteen",
    "difference": "diffrence diference differnce",
    "from": "fomr frm",
    "how": "hwo",
    "people": "ppl poeple",
    "please": "pls plz",
    "should": "shoud shuld",
    "the": "teh hte",
    "their": "thier",
    "want": "wnat",
    "what": "wat wht waht whta",
    "when": "wehn whn wen",
    "where": "wher whre",
    "which": "wich whcih whihc",
    "with": "wiht wth",
    "would": "woud wuld",
    "you": "yuo",
}
_MEANT = {slip: word for word, slips in _SLIPS.items() for slip in slips.split()}

_WORD = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?")


class Speller:
    """Mends a word that neither the articles nor the model know, where a word of the articles is close to it."""

    def __init__(self, article_words: Callable[[], Mapping[str, int]], knows: Callable[[str], bool]) -> None:
        """`article_words` counts how often each stands there, once there is a word that the model does not know, as `knows` says of a word:
        of many articles that takes seconds.
        """
        self._article_words = article_words
        self._knows = knows

    @cached_property
    def _own(self) -> dict[str, int]:
        return {word: count for word, count in self._article_words().items() if len(word) >= SHORTEST}

    @cached_property
    def _by_initial(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for word in sorted(self._own):
            found.setdefault(word[0], []).append(word)
        return found

    def mend(self, text: str) -> str:
        """A word with a capital inside is a name, and so is one with a capital in the middle of a sentence: those stay."""
        return _WORD.sub(lambda match: self._mended(match.group(), is_first=not text[: match.start()].strip()), text)

    def _mended(self, word: str, *, is_first: bool) -> str:
        lower = word.lower()
        is_name = not word[1:].islower() or (word[0].isupper() and not is_first)
        if is_name or not word.isalpha():
            return word
        if lower in _MEANT:
            return _as(_MEANT[lower], word)
        if len(word) < SHORTEST:
            return word
        if any(self._knows(lower + ending) for ending in ENDINGS) or lower in self._own:
            return word
        slips = 1 if len(word) < LONG else 2
        close = process.extract(lower, self._by_initial.get(lower[0], ()), scorer=OSA.distance, score_cutoff=slips, limit=20)
        if not close:
            return word
        nearest = min(close, key=lambda found: (self._cost(found[0], found[1]), found[2]))[0]
        return _as(nearest, word)

    def _cost(self, word: str, slips: float) -> float:
        """Slips, less up to one for a word that the articles use often: "enginer" is nearer to "engineer" than to "engine"."""
        return slips - math.log1p(self._own.get(word, 0)) / 4


def _as(word: str, written: str) -> str:
    return word.capitalize() if written[0].isupper() else word
