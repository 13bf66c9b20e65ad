"""From an answer that somebody complained of to a draft row of the question set."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.evaluation.questions import append_question, draft_of, read_questions
from chatbot.types import Answer
from ingest.settings import IngestSettings


def add(answer: Answer, history: Sequence[str], comment: str) -> None:
    """Raises QuestionSetError."""
    path = IngestSettings.read().questions
    taken = [row.id for row in read_questions(path)] if path.exists() else []
    append_question(path, draft_of(answer, history, taken, comment))
