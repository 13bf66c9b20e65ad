"""A web page -> Markdown: its main content, without what surrounds it on the page."""

from __future__ import annotations

import trafilatura
from trafilatura.utils import load_html

from ingest.errors import ArticleError
from ingest.shown_html import drop_hidden


def read_html(data: bytes) -> tuple[str, dict[str, str | None]]:
    tree = load_html(data)
    if tree is None:
        raise ArticleError("it is not HTML")
    about = trafilatura.extract_metadata(tree, date_config={"original_date": True, "extensive_search": False})
    drop_hidden(tree)
    markdown = trafilatura.extract(tree, output_format="markdown", include_comments=False, include_tables=True, include_links=False)
    fields = {"title": about.title, "author": about.author, "published": about.date, "url": about.url} if about else {}
    return _tables_apart(markdown or ""), fields


def _tables_apart(markdown: str) -> str:
    """A blank line around each table, which would else be a part of the paragraph above it."""
    lines: list[str] = []
    for line in markdown.split("\n"):
        in_table = bool(lines) and lines[-1].startswith("|")
        if lines and lines[-1].strip() and line.startswith("|") != in_table:
            lines.append("")
        lines.append(line)
    return "\n".join(lines)
