"""The one place that constructs the real parts from settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatbot.advisor import Advisor
from chatbot.rerank import CrossEncoderReranker, Reranker
from chatbot.settings import ChatSettings, ModelSettings
from ingest.embed import Embedder, SentenceTransformerEmbedder
from ingest.settings import IngestSettings

if TYPE_CHECKING:
    from chatbot.generative import WritingModel


def open_embedder(settings: IngestSettings) -> Embedder:
    """Checks the model; loads it when something is embedded, and exports it first where that was not done. Raises EmbeddingModelError."""
    return SentenceTransformerEmbedder(settings.embedding_model, settings.models)


def open_advisor(chat: ChatSettings, settings: IngestSettings, model: ModelSettings | None = None) -> Advisor:
    """An advisor over the data folder's served generation; it quotes where no model is set. Raises EmbeddingModelError."""
    return Advisor(settings.data, chat, open_embedder(settings), _writing_model(settings, model), open_reranker(chat))


def _writing_model(settings: IngestSettings, model: ModelSettings | None) -> WritingModel | None:
    """Imported here: a chat model's libraries take long to import, and most commands ask none."""
    if model is None or not model.is_on:
        return None
    from chatbot.budgets import Budget  # noqa: PLC0415
    from chatbot.generative import WritingModel  # noqa: PLC0415

    return WritingModel(model, Budget(settings.data, model))


def open_reranker(chat: ChatSettings) -> Reranker | None:
    """Loads nothing until something is read."""
    return CrossEncoderReranker(chat.rerank_model) if chat.rerank_model else None
