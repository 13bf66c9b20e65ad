"""An answer as it is kept in the conversations' database: JSON that another version of the program may not be able to read. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from chatbot.types import Answer, Citation, Passage, Timings
from ingest.types import Chunk

FORGOTTEN = "This answer quoted an article that was forgotten since; please ask again."


def to_json(answer: Answer) -> str:
    return json.dumps(asdict(answer), ensure_ascii=False)


def without_article(text: str | None, article_id: str) -> str | None:
    """A kept answer without an article's words; None where there is none, or where it names the article and cannot be read."""
    answer = from_json(text)
    if answer is None:
        return None if text and json.dumps(article_id, ensure_ascii=False) in text else text
    passages = tuple(passage for passage in answer.passages if passage.chunk.article_id != article_id)
    if any(citation.article_id == article_id for citation in answer.citations):
        return to_json(replace(answer, text=FORGOTTEN, citations=(), passages=passages, suggestions=(), notices=()))
    return text if passages == answer.passages else to_json(replace(answer, passages=passages, suggestions=()))


@lru_cache(maxsize=2048)  # a page is drawn many times, and an answer never changes
def from_json(text: str | None) -> Answer | None:
    """None where there is none, or none that this version can read."""
    try:
        fields = json.loads(text or "null")
        fields["citations"] = tuple(Citation(**one) for one in fields["citations"])
        fields["passages"] = tuple(Passage(**{**one, "chunk": Chunk.from_dict(one["chunk"])}) for one in fields["passages"])
        fields["timings"] = Timings(**fields["timings"])
        told: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        return Answer(**told)
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
