"""An optional cross-encoder: reads question and text together, and puts what was retrieved in a better order.

Any sentence-transformers CrossEncoder, by name or folder (CAREER_RERANK_MODEL). What it reads keeps the scores that it had, handed out
anew in the better order: everything that was fitted on those scores still holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from chatbot.errors import RerankModelError
from chatbot.evidence import Evidence
from chatbot.types import Passage

READ = 20  # of the best, so many are read again
BATCH = 8


class Reranker(Protocol):
    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, higher is better. Raises RerankModelError."""
        ...


class CrossEncoderReranker:
    """A sentence-transformers CrossEncoder, loaded when it first reads."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loading = Lock()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        with self._loading:
            model = self._model
        pairs = [(question, text) for text in texts]
        return [float(score) for score in model.predict(pairs, batch_size=BATCH, show_progress_bar=False)]

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import CrossEncoder  # noqa: PLC0415 - seconds, and only where a cross-encoder is set

        try:
            return CrossEncoder(self._name, device="cpu", num_labels=1, local_files_only=Path(self._name).is_dir(), trust_remote_code=False)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise RerankModelError(
                f"The cross-encoder '{self._name}' cannot be loaded; name another with CAREER_RERANK_MODEL, or leave it empty."
            ) from error


def rerank_passages(reranker: Reranker, question: str, passages: Sequence[Passage]) -> list[Passage]:
    """The best passages in the order that the reranker sees, then the others."""
    read = passages[:READ]
    order = _order(reranker, question, [passage.chunk.embedding_text() for passage in read])
    return [*(replace(read[at], score=kept.score) for at, kept in zip(order, read, strict=True)), *passages[READ:]]


def rerank_evidence(reranker: Reranker, question: str, ranked: Sequence[Evidence]) -> list[Evidence]:
    """The same for units, each read under its heading and what opens it."""
    read = ranked[:READ]
    order = _order(reranker, question, [evidence.passage.chunk.unit_text(evidence.unit) for evidence in read])
    return [*(replace(read[at], score=kept.score) for at, kept in zip(order, read, strict=True)), *ranked[READ:]]


def _order(reranker: Reranker, question: str, texts: Sequence[str]) -> list[int]:
    scores = reranker.scores(question, texts) if texts else []
    return sorted(range(len(texts)), key=lambda at: (-scores[at], at))
