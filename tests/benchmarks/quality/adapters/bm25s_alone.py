"""bm25s as its README shows it: English stop words, a stemmer, the defaults for the rest."""

from __future__ import annotations

from collections.abc import Sequence

from protocol import Search, serve


def build(texts: Sequence[str], _: str, k: int) -> Search:
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25()
    index.index(bm25s.tokenize(list(texts), stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)

    def search(question: str) -> list[int]:
        words = bm25s.tokenize(question, stopwords="en", stemmer=stemmer, show_progress=False)
        found, _ = index.retrieve(words, k=min(k, len(texts)), show_progress=False)
        return [int(number) for number in found[0]]

    return search


serve(build)
