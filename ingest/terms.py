"""The words that the lexical index counts, stemmed: one way for articles and questions."""

from __future__ import annotations

import re

import Stemmer

from ingest.types import HUMP

_WORD = re.compile(r"[^\W_]+(?:[.+#'’][^\W_]+|\+\+|#)*", re.UNICODE)
_stemmer = Stemmer.Stemmer("english")


def terms(text: str) -> list[str]:
    """The stems of a text's words; of words that ran into one, their parts too."""
    words = [word for whole in _WORD.findall(text) for word in (whole, *HUMP.split(whole)[: None if HUMP.search(whole) else 0])]
    stems: list[str] = _stemmer.stemWords([word.lower().replace("’", "'").removesuffix("'s") for word in words])
    return stems
