"""The one place that constructs the real parts from settings."""

from __future__ import annotations

from chatbot.advisor import Advisor
from chatbot.settings import ChatSettings
from ingest.embed import Embedder, SentenceTransformerEmbedder
from ingest.settings import IngestSettings


def open_embedder(settings: IngestSettings) -> Embedder:
    """Checks the model; loads it when something is embedded. Raises EmbeddingModelError."""
    return SentenceTransformerEmbedder(settings.embedding_model)


def open_advisor(chat: ChatSettings, settings: IngestSettings) -> Advisor:
    """An advisor over the data folder's served generation. Raises EmbeddingModelError."""
    return Advisor(settings.data, chat, open_embedder(settings))
