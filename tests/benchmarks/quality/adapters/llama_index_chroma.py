"""LlamaIndex as its guide shows it: a VectorStoreIndex over Chroma, asked by similarity."""

from __future__ import annotations

from collections.abc import Sequence

from protocol import Search, serve


def build(texts: Sequence[str], model: str, k: int) -> Search:
    import chromadb
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.core.schema import TextNode
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    from llama_index.vector_stores.chroma import ChromaVectorStore

    collection = chromadb.EphemeralClient().create_collection("texts", configuration={"hnsw": {"space": "cosine"}})
    storage = StorageContext.from_defaults(vector_store=ChromaVectorStore(chroma_collection=collection))
    nodes = [TextNode(id_=str(number), text=text) for number, text in enumerate(texts)]
    index = VectorStoreIndex(nodes, storage_context=storage, embed_model=HuggingFaceEmbedding(model_name=model))
    retriever = index.as_retriever(similarity_top_k=min(k, len(texts)))
    return lambda question: [int(found.node.node_id) for found in retriever.retrieve(question)]


serve(build)
