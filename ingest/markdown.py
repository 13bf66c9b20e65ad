"""Markdown's blocks, and its comments: the one parser, with limits of size and depth. Raises ArticleError where a text is over them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.errors import ArticleError

NESTING = 50  # levels; a list within a list takes two of them
MARKS = 30_000  # what may open a block, an item or a cell: so many take 2 s and 80 MB to parse, and 10 s nested as deeply as may be
HEADING_CHARACTERS = 200  # a longer title or heading is cut: it stands in front of every passage below it
COMMENTS_IN_COMMENTS = 20  # passes, each of which may leave another comment

# blocks alone: emphasis and links within a line take seconds a megabyte, and nothing here asks for them
_PARSER = MarkdownIt("commonmark", {"html": True, "maxNesting": NESTING}).enable("table").disable("inline")
_OPENS = re.compile(r"[\n|>]|(?:[-+*]|\d[.)])[ \t]")
_TEXT = {"paragraph_open", "heading_open"}
_UNCLOSED_COMMENT = re.compile(r"^ {0,3}<!--", re.MULTILINE)
_MARK = re.compile(r"`+|<!--|-->|<[A-Za-z/!?]")


def parsed(text: str) -> list[Token]:
    """Raises ArticleError for what would take too long, and for what the parser would pass over in silence."""
    if any(number >= MARKS for number, _ in enumerate(_OPENS.finditer(text))):
        raise ArticleError(f"it has more than {MARKS:,} lines, list items and table cells")
    tokens = _PARSER.parse(text)
    if any(token.level >= NESTING - 2 for token in tokens):
        raise ArticleError("its lists or quotes are nested too deeply")
    return tokens


def line_starts(text: str) -> list[int]:
    """Where each line starts, and after them where the text ends."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    starts[-1] = len(text)
    return starts


def cut_heading(text: str) -> str:
    """A title or heading, cut between words where it is longer than any that is meant as one."""
    if len(text) <= HEADING_CHARACTERS:
        return text
    return text[:HEADING_CHARACTERS].rsplit(" ", 1)[0].rstrip(" ,;:-–—") + "..."


def without_comments(markdown: str) -> str:
    """Again until none is left: what stands around a comment may make another. One that is opened within a line and never closed is text."""
    for _ in range(COMMENTS_IN_COMMENTS):
        less = _without_closed_comments(markdown)
        if less == markdown:
            break
        markdown = less
    else:
        raise ArticleError("its comments are nested too deeply")
    unclosed = _UNCLOSED_COMMENT.search(_masked(markdown))
    return markdown[: unclosed.start()] if unclosed else markdown


def with_comments_as_text(markdown: str) -> str:
    """For a text that was converted from what has no comments any more: what looks like one was seen, and is escaped."""
    if "<!--" not in markdown:
        return markdown
    at = 0
    parts: list[str] = []
    for match in re.finditer("<!--", _masked(markdown)):
        parts += [markdown[at : match.start()], "\\"]
        at = match.start()
    return "".join([*parts, markdown[at:]])


def _without_closed_comments(markdown: str) -> str:
    """One pass, in a time that grows with the length alone."""
    masked = _masked(markdown)
    parts: list[str] = []
    at = 0
    while (start := masked.find("<!--", at)) >= 0 and (end := masked.find("-->", start + 4)) >= 0:
        parts.append(markdown[at:start])
        at = end + 3
    return "".join([*parts, markdown[at:]])


def _masked(markdown: str) -> str:
    """The text with other characters where code stands, and for each `<` that a backslash makes text: no comment begins or ends there."""
    if "<!--" not in markdown:
        return markdown
    parts: list[str] = []
    at = 0
    for start, end in _literal(markdown):
        parts += [markdown[at:start], "\0" * (end - start)]
        at = end
    return "".join([*parts, markdown[at:]])


def _literal(markdown: str) -> Iterator[tuple[int, int]]:
    """Where code blocks, code spans and escaped `<` stand, in order."""
    lines = line_starts(markdown)
    for token in parsed(markdown):
        if not token.map:
            continue
        start, end = lines[token.map[0]], lines[token.map[1]]
        if token.type in {"fence", "code_block"}:
            yield start, end
        elif token.type in _TEXT:
            yield from _literal_within(markdown, start, end)
        elif token.type == "table_open":
            for cell in re.finditer(r"[^|\n]+", markdown[start:end]):  # code does not go on in the next cell
                yield from _literal_within(markdown, start + cell.start(), start + cell.end())


def _literal_within(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of one paragraph. From its first tag on nothing is taken for code: a backtick may then be a part of an attribute."""
    marks = list(_MARK.finditer(text, start, end))
    places: dict[str, list[int]] = defaultdict(list)
    for mark in marks:
        places[mark[0]].append(mark.start())
    at = start
    for mark in marks:
        opening, escaped = mark[0], _is_escaped(text, mark.start(), start)
        if mark.start() < at or opening == "-->":
            continue
        if escaped and opening[0] == "<":
            yield mark.start(), mark.start() + 1
        elif opening[0] == "<" and opening != "<!--":
            return
        elif after := _after(opening[escaped:], places, mark.start()):
            at = after
            if opening != "<!--":
                yield mark.start(), at


def _after(opening: str, places: dict[str, list[int]], at: int) -> int | None:
    """Where ends what is opened there; None where it is never closed."""
    closing = "-->" if opening == "<!--" else opening
    later = places.get(closing, [])
    index = bisect_right(later, at)
    return later[index] + len(closing) if index < len(later) else None


def _is_escaped(text: str, at: int, start: int) -> bool:
    first = at
    while first > start and text[first - 1] == "\\":
        first -= 1
    return (at - first) % 2 == 1
