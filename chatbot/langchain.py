"""The search and the embedding model as LangChain's own interfaces. Imported by who uses them: it takes half a second, which no question waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from chatbot.types import Passage, heading_line
from ingest.embed import SentenceTransformerEmbedder

Embeddings.register(SentenceTransformerEmbedder)  # it has embed_documents and embed_query


class PassageRetriever(BaseRetriever):
    """The advisor's search as LangChain's retriever, whose documents carry id, score and offsets; `search` gives the passages for a question."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    search: Callable[[str], Sequence[Passage]]

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:  # noqa: ARG002
        return [as_document(passage) for passage in self.search(query)]


def as_document(passage: Passage) -> Document:
    chunk = passage.chunk
    return Document(
        id=chunk.id,
        page_content=chunk.text,
        metadata={
            "article_id": chunk.article_id,
            "title": chunk.title,
            "heading": heading_line(chunk),
            "start": chunk.start,
            "end": chunk.end,
            "score": passage.score,
            "dense": passage.dense,
            "lexical": passage.lexical,
        },
    )
