"""txtai's hybrid search: its own BM25 and vectors, half and half."""

from __future__ import annotations

from collections.abc import Sequence

from protocol import Search, serve


def build(texts: Sequence[str], model: str, k: int) -> Search:
    from txtai import Embeddings

    embeddings = Embeddings(path=model, method="sentence-transformers", hybrid=True)
    embeddings.index(list(enumerate(texts)))
    return lambda question: [int(number) for number, _ in embeddings.search(question, k)]


serve(build)
