"""A question's typing errors, mended with the words of the articles and of the embedding model. Pure, but for the dictionary it is given."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST = 4  # letters of a word that is looked at
LONG = 7  # letters from which two slips are mended, and not only one

_WORD = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?")


class Speller:
    """Mends a word that neither the articles nor the model know, where one that they know is close to it."""

    def __init__(self, article_words: Mapping[str, int], model_words: Iterable[str], knows: Callable[[str], bool]) -> None:
        """`article_words` with how often they stand there; `model_words` in the order of their frequency; `knows` says whether
        the model knows a word."""
        self._own = {word: count for word, count in article_words.items() if len(word) >= SHORTEST}
        self._knows = knows
        self._by_initial: dict[str, list[str]] = {}
        for word in [*sorted(self._own), *(word for word in model_words if word.isalpha() and len(word) >= SHORTEST)]:
            self._by_initial.setdefault(word[0], []).append(word)

    def mend(self, text: str) -> str:
        return _WORD.sub(lambda match: self._mended(match.group()), text)

    def _cost(self, word: str, slips: float) -> float:
        """Slips, less up to one for a word that the articles use often: "enginer" is nearer to "engineer" than to "engine"."""
        return slips - math.log1p(self._own.get(word, 0)) / 4

    def _mended(self, word: str) -> str:
        lower = word.lower()
        if len(word) < SHORTEST or not word.isascii() or "'" in word or "’" in word or lower in self._own or self._knows(lower):
            return word
        slips = 1 if len(word) < LONG else 2
        close = process.extract(lower, self._by_initial.get(lower[0], ()), scorer=OSA.distance, score_cutoff=slips, limit=20)
        if not close:
            return word
        nearest = min(close, key=lambda found: (self._cost(found[0], found[1]), found[2]))
        return nearest[0].capitalize() if word[0].isupper() and word[1:].islower() else nearest[0]
