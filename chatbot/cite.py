"""Quotes -> numbered citations, and marks -> citations. Pure. A citation is always a stretch of the article's canonical text."""

from __future__ import annotations

import re

from chatbot.types import Citation, heading_line
from ingest.types import Chunk, Span

MARK = re.compile(r"\[(\d{1,3})\]")


class Citations:
    """Gives each quoted stretch its number, in the order of first use."""

    def __init__(self, urls: dict[str, str | None]) -> None:
        self._urls = urls
        self._found: dict[tuple[str, int, int], Citation] = {}

    def mark(self, chunk: Chunk, span: Span) -> str:
        """The mark of a stretch of a chunk's text, as "[1]"."""
        key = (chunk.article_id, span.start, span.end)
        if key not in self._found:
            self._found[key] = Citation(
                number=len(self._found) + 1,
                article_id=chunk.article_id,
                title=chunk.title,
                url=self._urls.get(chunk.article_id),
                heading=heading_line(chunk),
                quote=chunk.text[span.start - chunk.start : span.end - chunk.start],
                start=span.start,
                end=span.end,
            )
        return f"[{self._found[key].number}]"

    def all(self) -> tuple[Citation, ...]:
        return tuple(self._found.values())


def without_marks(text: str) -> str:
    """A quote's own bracketed numbers, written so that nobody takes them for ours."""
    return MARK.sub(r"(\1)", text)
