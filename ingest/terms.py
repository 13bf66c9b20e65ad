"""The words that the lexical index counts, stemmed: one way for articles and questions."""

from __future__ import annotations

import re
from functools import lru_cache

import Stemmer

from ingest.types import HUMP

_WORD = re.compile(r"[^\W_]+(?:[.+#'’][^\W_]+|\+\+|#)*", re.UNICODE)
_stemmer = Stemmer.Stemmer("english")


def terms(text: str) -> list[str]:
    """The stems of a text's words; of words that ran into one, their parts too."""
    words = _WORD.findall(text)
    if HUMP.search(text):
        words = [word for whole in words for word in (whole, *_parts(whole))]
    return [stem(word.lower().replace("’", "'").removesuffix("'s")) for word in words]


@lru_cache(maxsize=50_000)  # a question reads hundreds of words, nearly all of which it has read before
def stem(word: str) -> str:
    """Of a lower-case word."""
    return str(_stemmer.stemWord(word))


def _parts(word: str) -> list[str]:
    parts = HUMP.split(word)
    return parts if len(parts) > 1 else []
