"""Plain text -> Markdown: finds the headings, lists, tables and paragraphs that a text lost when it was saved from a page.

Only lines are recognised and marked; no word is changed and no rule guesses where a glued table cell ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

HEADING_CHARACTERS = 100

_BULLET = re.compile(r"^\s*(?:[•●◦▪‣∙·⁃○■]|[-*+–](?=\s))\s*(?=\S)")
_NUMBERED = re.compile(r"^\s*\d{1,3}[.)]\s+\S")
_TABLE_LINE = re.compile(r"^\s*\|.*\|\s*$")
_MARKED_HEADING = re.compile(r"^#{1,6}\s+\S")
_SENTENCE_END = re.compile(r"[.!?:;…][\"'”’)\]]*$")
# two cells that ran into one: a letter or bracket followed at once by a capital that starts a lower-case word
_GLUE = re.compile(r"[a-z)\]][A-Z][a-z]|[a-z)\]%][A-Z]{2}")
_BYLINE = re.compile(r"\A\s*(?:by[ \t]+)?(?P<name>[^\W\d_][^\n.!?]{1,60})\n+(?:author|written by|by the author)[ \t]*\n", re.IGNORECASE)


def to_markdown(text: str) -> tuple[str, str | None]:
    """The text as Markdown, and the author that its byline names, if any."""
    byline = _BYLINE.match(text)
    body = text[byline.end() :] if byline else text
    blocks = [mark for block in _blocks(body) for mark in _marked(block)]
    if blocks and blocks[0].startswith("## "):
        blocks[0] = blocks[0][1:]  # a text that opens with a heading opens with its title
    return "\n\n".join(blocks) + "\n", byline["name"].strip() if byline else None


def _blocks(text: str) -> Iterable[list[str]]:
    """Runs of lines that belong together: between blank lines, of one sort."""
    block: list[str] = []
    for line in [*text.split("\n"), ""]:
        if block and (not line.strip() or _sort(line) != _sort(block[-1])) and not _continues(block, line):
            yield block
            block = []
        if line.strip():
            block.append(line)


def _sort(line: str) -> str:
    if _TABLE_LINE.match(line):
        return "table"
    return "list" if _BULLET.match(line) or _NUMBERED.match(line) else "text"


def _continues(block: Sequence[str], line: str) -> bool:
    """An indented line below a bullet is that bullet's second line."""
    return bool(line.strip()) and _sort(block[-1]) == "list" and _sort(line) == "text" and line.startswith("  ")


def _marked(block: list[str]) -> list[str]:
    match _sort(block[0]):
        case "table":
            return ["\n".join(line.strip() for line in block)]
        case "list":
            return ["\n".join(_list_lines(block))]
    if _is_glued_table(block):
        header, *rows = (line.strip().replace("|", r"\|") for line in block)
        return ["\n".join([f"| {header} |", "|---|", *(f"| {row} |" for row in rows)])]
    paragraphs = [line.strip() for line in block] if _is_line_a_paragraph(block) else ["\n".join(line.strip() for line in block)]
    return [_heading_or_paragraph(paragraph) for paragraph in paragraphs]


def _list_lines(block: list[str]) -> list[str]:
    return [_BULLET.sub("- ", line).strip() if _sort(line) == "list" else "  " + line.strip() for line in block]


def _is_glued_table(block: Sequence[str]) -> bool:
    """Three lines or more that are no sentences, most of them with cells run together."""
    glued = sum(bool(_GLUE.search(line)) for line in block)
    return len(block) >= 3 and glued * 2 > len(block) and not any(_SENTENCE_END.search(line.strip()) for line in block)


def _is_line_a_paragraph(block: Sequence[str]) -> bool:
    """Wrapped lines end in the middle of a sentence; lines that are paragraphs end where one ends."""
    ended = [bool(_SENTENCE_END.search(line.strip())) or is_heading(line.strip()) for line in block[:-1]]
    return not ended or sum(ended) * 2 > len(ended)


def _heading_or_paragraph(paragraph: str) -> str:
    if is_heading(paragraph) and not _MARKED_HEADING.match(paragraph):
        return f"## {paragraph}"
    return paragraph


def is_heading(line: str) -> bool:
    """A bare line in title case, or a question that stands alone: short, and not ending as a sentence does."""
    if _MARKED_HEADING.match(line):
        return True
    words = re.findall(r"[^\W_][\w'’&/-]*", line)
    if "\n" in line or not words or len(line) > HEADING_CHARACTERS or not line[0].isalnum() or line.endswith((".", ":", ";", ",", "!")):
        return False
    long_words = [word for word in words if len(word) > 3] or words
    in_title_case = sum(word[0].isupper() or word[0].isdigit() for word in long_words) >= 0.6 * len(long_words)
    return (in_title_case and words[0][0].isupper()) or line.endswith("?")
