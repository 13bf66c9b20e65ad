"""Haystack's tutorial on hybrid search: an in-memory store, asked by vectors and by BM25, joined by reciprocal ranks."""

from __future__ import annotations

from collections.abc import Sequence

from protocol import Search, serve


def build(texts: Sequence[str], model: str, k: int) -> Search:
    from haystack import Document, Pipeline
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
        SentenceTransformersTextEmbedder,
    )

    embedder = SentenceTransformersDocumentEmbedder(model=model, progress_bar=False)
    embedder.warm_up()
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    documents = [Document(id=str(number), content=text) for number, text in enumerate(texts)]
    store.write_documents(embedder.run(documents=documents)["documents"])
    pipeline = Pipeline()
    pipeline.add_component("embedder", SentenceTransformersTextEmbedder(model=model, progress_bar=False))
    pipeline.add_component("dense", InMemoryEmbeddingRetriever(store, top_k=k))
    pipeline.add_component("words", InMemoryBM25Retriever(store, top_k=k))
    pipeline.add_component("joined", DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=k))
    pipeline.connect("embedder.embedding", "dense.query_embedding")
    pipeline.connect("dense", "joined")
    pipeline.connect("words", "joined")

    def search(question: str) -> list[int]:
        found = pipeline.run({"embedder": {"text": question}, "words": {"query": question}})
        return [int(document.id) for document in found["joined"]["documents"]]

    return search


serve(build)
