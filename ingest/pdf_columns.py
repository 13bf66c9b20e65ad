"""Columns of prose on a page of text -> the order in which a person reads them. Pure: lines as they stand on the page, and lines again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

COLUMNS = re.compile(r"\s{2,}")

_GAP = re.compile(r"(?<=\S)\s{2,}(?=\S)")
_SENTENCE_END = re.compile(r"[.!?:][\"'”’)\]]*$")
_FEWEST_LINES = 3  # that stand side by side in columns
_CELL_CHARACTERS = 20  # shorter ones are a table's


def in_reading_order(lines: Sequence[str]) -> list[str]:
    """Column by column, between lines that go over both. A table, whose cells are short or begin anew, stays as it is."""
    gutter = _gutter(lines)
    if gutter is None:
        return list(lines)
    ordered: list[str] = []
    band: list[str] = []
    for line in lines:
        if line[gutter - 2 : gutter].strip():
            ordered += [*_columns(band, gutter), line]
            band = []
        else:
            band.append(line)
    return ordered + _columns(band, gutter)


def _gutter(lines: Sequence[str]) -> int | None:
    """Where the right one of two columns of prose begins."""
    ends = Counter(gap.end() for line in lines for gap in _GAP.finditer(line))
    return next((place for place, _ in ends.most_common(5) if _are_prose(lines, place)), None)


def _are_prose(lines: Sequence[str], gutter: int) -> bool:
    """Cells of prose are long, and many begin in the middle of a sentence."""
    beside = [line for line in lines if line[:gutter].strip() and line[gutter:].strip() and not line[gutter - 2 : gutter].strip()]
    cells = [cell.strip() for line in beside for cell in (line[:gutter], line[gutter:])]
    long = sum(len(cell) >= _CELL_CHARACTERS for cell in cells)
    going_on = sum(cell[0].islower() for cell in cells)
    return len(beside) >= _FEWEST_LINES and long >= 0.7 * len(cells) and going_on >= 0.4 * len(cells)


def _columns(band: Sequence[str], gutter: int) -> list[str]:
    if not _are_prose(band, gutter):
        return list(band)
    left = "\n".join(line[:gutter].rstrip() for line in band).rstrip("\n")
    right = "\n".join(line[gutter:].rstrip() for line in band).strip("\n")
    between = [""] if _SENTENCE_END.search(left) else []  # else the sentence goes on at the top of the next column
    return [*in_reading_order(left.split("\n")), *between, *in_reading_order(right.split("\n"))]
