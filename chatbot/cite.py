"""Quotes -> numbered citations, and marks -> citations. Pure. A citation is always a stretch of the article's canonical text."""

from __future__ import annotations

import re
from dataclasses import replace

from chatbot.types import Citation, heading_line
from ingest.types import Chunk, Span

MARK = re.compile(r"\[(\d{1,3})\]")


class Citations:
    """Gives each quoted stretch its number, in the order of first use."""

    def __init__(self, urls: dict[str, str | None]) -> None:
        self._urls = urls
        self._found: dict[tuple[str, int, int, bool], Citation] = {}

    def mark(self, chunk: Chunk, span: Span, verified: bool = True) -> str:
        """The mark of a stretch of a chunk's text, as "[1]". One that supports a claim and not another has a number for each."""
        key = (chunk.article_id, span.start, span.end, verified)
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
                verified=verified,
            )
        return f"[{self._found[key].number}]"

    def renumbered(self, text: str, citations: tuple[Citation, ...]) -> str:
        """Another answer's text with its marks as these citations number them."""
        numbers = {citation.number: self._add(citation) for citation in citations}
        return MARK.sub(lambda mark: f"[{numbers[int(mark[1])]}]" if int(mark[1]) in numbers else f"({mark[1]})", text)

    def _add(self, citation: Citation) -> int:
        key = (citation.article_id, citation.start, citation.end, citation.verified)
        found = self._found.setdefault(key, replace(citation, number=len(self._found) + 1))
        return found.number

    def all(self) -> tuple[Citation, ...]:
        return tuple(self._found.values())


def without_marks(text: str) -> str:
    """A quote's own bracketed numbers, written so that nobody takes them for ours."""
    return MARK.sub(r"(\1)", text)
