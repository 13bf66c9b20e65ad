"""PDF -> Markdown, by where its lines stand: larger ones are headings, columns of prose are read one after another, other columns are tables.

What is drawn so that nobody sees it is no text, and what repeats on most pages is dropped.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pypdf

from ingest.errors import ArticleError
from ingest.pdf_columns import COLUMNS, in_reading_order
from ingest.pdf_page import Page
from ingest.shown_html import escaped

PAGES = 500
HEADING_SIZE = 1.15  # times the size of most letters: from here a line is a heading

_BULLET = re.compile(r"^[•●◦▪‣∙·⁃○■\uf0b7]\s*")
_ITEM = re.compile(rf"{_BULLET.pattern}|^\d{{1,2}}[.)]\s+(?=\S)")
_CELL_MARKS = re.compile(r"\s{2,}|\s[|·•–—-]\s")
_PAGE_MARK = re.compile(r"\W*(?:p(?:age|p)?\b\W*)?(\d{1,4})(?:\s*(?:of|/)\s*\d{1,4})?\W*", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_CUT_WORD = re.compile(r"([^\W\d_]+)([-\u2010\u00ad])$")
_SUSPENDED = {"and", "or", "to"}  # as in: low- and mid-level


@dataclass(frozen=True, slots=True)
class Line:
    """As it stands on the page, white space included; its size in points, 0 where that is not known."""

    text: str
    size: float


def read_pdf(data: bytes) -> tuple[str, dict[str, str | None]]:
    reader = pypdf.PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise ArticleError("it is locked with a password")
    if len(reader.pages) > PAGES:
        raise ArticleError(f"it has more than {PAGES} pages")
    pages = [Page(page) for page in reader.pages]
    if any(page.unseen for page in pages) and not any(page.letters for page in pages):
        raise ArticleError("all its text is invisible, as that of a scan is")
    letters = sum((page.letters for page in pages), Counter[float]())
    body = letters.most_common(1)[0][0] if letters else 0.0
    about = reader.metadata
    fields = {"title": about.title, "author": about.author} if about else {}
    return escaped("\n\n".join(_blocks(list(_lines(pages)), body * HEADING_SIZE))), fields


def _lines(pages: Sequence[Page]) -> Iterator[Line]:
    repeated = _repeated([page.lines for page in pages])
    for page, dropped in zip(pages, repeated, strict=True):
        for text in dropped:
            page.drop(text)
        kept = [line for line in page.lines if line not in dropped]
        yield from (Line(text, page.size_of(text)) for text in in_reading_order(kept))
        yield Line("", 0.0)


# --- what repeats


def _repeated(pages: Sequence[list[str]]) -> list[set[str]]:
    """Of each page those of its first and last line that say what most pages say there, but for a number that follows the page."""
    edges = [_edges(page) for page in pages]
    seen: Counter[str | int] = Counter()
    for number, lines in enumerate(edges):
        seen.update({said for line in lines for cell in _cells(line) for said in (cell, _offset(cell, number)) if said is not None})
    usual = {said for said, count in seen.items() if count >= 3 and count * 2 > len(pages)}
    return [
        {line for line in lines if all(cell in usual or _offset(cell, number) in usual for cell in _cells(line))}
        for number, lines in enumerate(edges)
    ]


def _edges(page: Iterable[str]) -> list[str]:
    told = [line for line in page if line.strip()]
    return [told[0], told[-1]] if told else []


def _cells(line: str) -> list[str]:
    return _CELL_MARKS.split(line.strip())


def _offset(cell: str, number: int) -> int | None:
    """How far the number that a page is marked with is from its place; None for what is more than such a mark."""
    mark = _PAGE_MARK.fullmatch(cell)
    return int(mark[1]) - number if mark else None


# --- blocks


def _blocks(lines: Sequence[Line], heading_size: float) -> Iterator[str]:
    """Lines -> blocks of Markdown: a heading, a list item, a table, or a paragraph of wrapped lines."""
    ranks = {
        size: rank for rank, size in enumerate(sorted({line.size for line in lines if line.size >= heading_size}, reverse=True), start=1)
    }
    words = frozenset(_whole_words(line.text for line in lines))
    block: list[str] = []
    for line in [*lines, Line("", 0.0)]:
        text = line.text.strip()
        rank = ranks.get(line.size) if text else None
        if rank or not text or _ITEM.match(text) or (block and _is_row(line.text) != _is_row(block[-1])):
            yield from _block(block, words)
            block = []
        if rank:
            yield f"{'#' * min(rank, 6)} {' '.join(text.split())}"
        elif text:
            block.append(line.text)


def _is_row(line: str) -> bool:
    return len(COLUMNS.split(_ITEM.sub("", line.strip()))) > 1


def _block(block: Sequence[str], words: frozenset[str]) -> Iterator[str]:
    if len(block) > 1 and _is_row(block[0]):
        yield "\n".join(_table([COLUMNS.split(line.strip()) for line in block]))
    elif block:
        text = ""
        for line in block:
            text = _continued(text, " ".join(line.split()), words)
        yield _BULLET.sub("- ", text)


def _table(rows: Sequence[list[str]]) -> Iterator[str]:
    width = max(map(len, rows))
    for number, row in enumerate(rows):
        cells = [cell.replace("|", r"\|") for cell in [*row, *[""] * (width - len(row))]]
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield "|" + "---|" * width


# --- words that a line's end cuts


def _whole_words(lines: Iterable[str]) -> Iterator[str]:
    """All words, but for the pieces of those that are cut."""
    was_cut = False
    for line in lines:
        text = line.strip().lower()
        found = _WORD.findall(text)
        first, was_cut = int(was_cut), bool(_CUT_WORD.search(text))
        yield from found[first : len(found) - was_cut]


def _continued(text: str, line: str, words: frozenset[str]) -> str:
    """A line set behind another. A word that the line's end cuts is joined; the hyphen stays where both its sides are words of the document."""
    cut, tail = _CUT_WORD.search(text), _WORD.match(line)
    if not cut or not tail or tail[0].lower() in _SUSPENDED:
        return f"{text} {line}".strip()
    head, end = cut[1].lower(), tail[0].lower()
    is_compound = not tail[0].islower() or {head, end} <= words
    if cut[2] != "\u00ad" and is_compound and head + end not in words:
        return text + line
    return text[: cut.end(1)] + line
