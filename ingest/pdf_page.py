"""One page of a PDF: its lines as they stand, how large each is, and without the text that is drawn so that nobody sees it.

The colour of a text, and what is drawn over it, are not looked at.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from pypdf.generic import ArrayObject, ContentStream, NameObject, TextStringObject

_SHOWING = {b"Tj", b"TJ", b"'", b'"'}
_INVISIBLE = {3, 7}  # text rendering modes: neither filled nor stroked
_SMALLEST = 1 / 700  # of a page's height: text of less than about one point on a sheet of paper
_LETTER_WIDTH = 0.5  # of its height, about


class Page:
    """`letters` counts its letters by their size, `unseen` the stretches of text that were left out."""

    def __init__(self, page: Any) -> None:
        self.letters: Counter[float] = Counter()
        self._sizes: dict[str, list[float]] = defaultdict(list)
        watch = _Watch(page.cropbox)
        page.extract_text(visitor_text=self._seen, visitor_operand_before=watch.before, visitor_operand_after=watch.after)
        self.unseen = len(watch.unseen)
        if watch.unseen:
            _blank(page, watch.unseen)
        self.lines = [line.rstrip() for line in str(page.extract_text(extraction_mode="layout")).split("\n")]

    def _seen(self, text: str, outer: Sequence[float], inner: Sequence[float], _: object, size: float) -> None:
        height = round(_height(size, outer, inner), 1)
        for line in text.split("\n"):
            if squeezed := "".join(line.split()):
                self.letters[height] += len(squeezed)
                self._sizes[squeezed].append(height)

    def size_of(self, line: str) -> float:
        """Of a line, in points; of lines that say the same, in the order in which they are drawn. 0 where it is not known."""
        sizes = self._sizes["".join(line.split())]
        return sizes.pop(0) if sizes else 0.0

    def drop(self, line: str) -> None:
        """A line that is not asked for: what repeats on all pages is the smallest of those that say the same."""
        sizes = self._sizes["".join(line.split())]
        if sizes:
            sizes.remove(min(sizes))


class _Watch:
    """Follows how a page is drawn, and notes by its number each step that shows text where or as nobody sees it."""

    def __init__(self, box: Any) -> None:
        self.unseen: list[int] = []
        self._left, self._right = sorted((float(box.left), float(box.right)))
        self._bottom, self._top = sorted((float(box.bottom), float(box.top)))
        self._step = -1
        self._depth = 0  # of forms that the page draws: their steps are not the page's own
        self._mode, self._size = 0, 0.0
        self._kept: list[tuple[int, float]] = []

    def before(self, operator: bytes, operands: list[Any], outer: Sequence[float], inner: Sequence[float]) -> None:
        self._step += self._depth == 0
        if operator in _SHOWING and operands and self._is_unseen(operands, outer, inner):
            _empty(operator, operands)
            if self._depth == 0:
                self.unseen.append(self._step)
        elif operator == b"q":
            self._kept.append((self._mode, self._size))
        elif operator == b"Q" and self._kept:
            self._mode, self._size = self._kept.pop()
        elif operator == b"Tr" and operands:
            self._mode = int(operands[0])
        elif operator == b"Tf" and len(operands) > 1:
            self._size = float(operands[1])
        elif operator == b"Do":
            self._depth += 1

    def after(self, operator: bytes, *_: object) -> None:
        self._depth -= operator == b"Do"

    def _is_unseen(self, operands: Sequence[Any], outer: Sequence[float], inner: Sequence[float]) -> bool:
        if self._mode in _INVISIBLE or _height(self._size, outer, inner) < (self._top - self._bottom) * _SMALLEST:
            return True
        shown = operands[-1]
        letters = sum(len(part) for part in shown if isinstance(part, str | bytes)) if isinstance(shown, list) else len(shown)
        length = letters * self._size * _LETTER_WIDTH
        xs, ys = zip(_placed(0.0, outer, inner), _placed(length, outer, inner), strict=True)
        return max(xs) < self._left or min(xs) > self._right or max(ys) < self._bottom or min(ys) > self._top


def _placed(along: float, outer: Sequence[float], inner: Sequence[float]) -> tuple[float, float]:
    """Where on the page the point stands that is so far along a line of text."""
    x, y = along * inner[0] + inner[4], along * inner[1] + inner[5]
    return x * outer[0] + y * outer[2] + outer[4], x * outer[1] + y * outer[3] + outer[5]


def _height(size: float, outer: Sequence[float], inner: Sequence[float]) -> float:
    return abs(size) * math.hypot(inner[2], inner[3]) * math.hypot(outer[2], outer[3])


def _empty(operator: bytes, operands: list[Any]) -> None:
    operands[-1] = ArrayObject() if operator == b"TJ" else TextStringObject("")


def _blank(page: Any, steps: Sequence[int]) -> None:
    """The page without the text that these steps of its drawing show."""
    content = ContentStream(page["/Contents"].get_object(), page.pdf, "bytes")
    for step in steps:
        operands, operator = content.operations[step]
        _empty(operator, operands)
    page[NameObject("/Contents")] = content
