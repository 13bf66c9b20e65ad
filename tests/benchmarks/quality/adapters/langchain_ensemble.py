"""LangChain's tutorial: a Chroma store and a BM25 retriever, half and half in an EnsembleRetriever."""

from __future__ import annotations

from collections.abc import Sequence

from protocol import Search, serve


def build(texts: Sequence[str], model: str, k: int) -> Search:
    from langchain_chroma import Chroma
    from langchain_classic.retrievers import EnsembleRetriever
    from langchain_community.retrievers import BM25Retriever
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings

    documents = [Document(text, metadata={"number": number}) for number, text in enumerate(texts)]
    store = Chroma(embedding_function=HuggingFaceEmbeddings(model_name=model, encode_kwargs={"normalize_embeddings": True}))
    for first in range(0, len(documents), 5000):
        store.add_documents(documents[first : first + 5000])
    dense = store.as_retriever(search_kwargs={"k": min(k, len(texts))})
    words = BM25Retriever.from_documents(documents, k=k)
    both = EnsembleRetriever(retrievers=[words, dense], weights=[0.5, 0.5], id_key="number")
    return lambda question: [document.metadata["number"] for document in both.invoke(question)][:k]


serve(build)
