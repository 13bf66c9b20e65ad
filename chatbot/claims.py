"""A model's text as it comes -> the same text with our marks: each claim is proved as soon as its marks, or its end, are read. Pure.

What is given out is never taken back: a mark is given out when it is final, and what may still become one is held.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from chatbot.prompts import NO_ANSWER

FEWEST_WORDS = 3  # of a claim of its own; what is shorter belongs to the sentence before it
HELD = 40  # characters that an opening bracket is waited on

# [1], [1, 2], [1-3], 【1】 and several of them
_ONE = r"[\[【]\s*\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\s*[\]】]"
_MARKS = re.compile(rf"[ \t]*{_ONE}(?:[ \t]*{_ONE})*")
_RANGE = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
_OPEN = re.compile(r"[ \t]*[\[【][\d\s,;–-]*$")
_STOP = re.compile(r"[ \t]*[\[【]|[.!?]+[\"'”’)*_]*(?=\s|$)|\n")
_LIST_MARK = re.compile(r"^\s*(?:[-*+•]|\d+[.)]|#+|>)\s+")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|approx|Dr|Mr|Mrs|Ms|No|[A-Z])$")

Prove = Callable[[str, Sequence[int]], str]  # a claim and the numbers that it cites (none: any) -> its marks, "" where nothing proves it


class ClaimReader:
    """Feed it the text; it gives what can be shown. `unproved` counts the claims without a mark; `withheld` is set where the model said that it cannot answer."""

    def __init__(self, prove: Prove) -> None:
        self._prove = prove
        self._buffer = ""
        self._sentence = ""  # since the last full stop or line's end
        self._claim = ""  # since the last mark in it
        self._line = ""
        self._header: list[str] = []
        self._marked = False
        self._began = False
        self.unproved = 0
        self.withheld = False

    def feed(self, text: str) -> str:
        self._buffer += text
        return self._read(final=False)

    def end(self) -> str:
        """What was held, once no more comes."""
        given = self._read(final=True)
        return "" if self.withheld else given + self._close()

    def _read(self, final: bool) -> str:
        if self.withheld or (not self._began and not self._begins(final)):
            return ""
        given = ""
        while self._buffer and (step := self._step(final)) is not None:
            given += step
        return given

    def _begins(self, final: bool) -> bool:
        """Holds what may still become the words for "cannot answer"."""
        start = self._buffer.lstrip().lstrip("\"'`*[")
        if start.startswith(NO_ANSWER):
            self.withheld, self._buffer = True, ""
            return False
        self._began = bool(start) and (final or not NO_ANSWER.startswith(start))
        return self._began

    def _step(self, final: bool) -> str | None:
        """Takes the next stretch off the buffer; None where more must come first."""
        found = _STOP.search(self._buffer)
        if found is None:
            return self._take(len(self._buffer)) if final else self._take_words()
        if found.start() > 0:
            return self._take(found.start())
        if found[0] == "\n":
            return self._close() + self._newline()
        if found[0].strip() in {"[", "【"}:
            return self._bracket(final)
        return self._full_stop(found.end(), final)

    def _take(self, count: int) -> str:
        text, self._buffer = self._buffer[:count], self._buffer[count:]
        self._sentence += text
        self._claim += text
        self._line += text
        return text

    def _take_words(self) -> str | None:
        """All but the blanks at the end, which may stand before a mark, and a full stop, which may end a sentence."""
        kept = len(self._buffer.rstrip(" \t.!?\"'”’)*_"))
        return self._take(kept) if kept else None

    def _bracket(self, final: bool) -> str | None:
        found = _MARKS.match(self._buffer)
        if not found:
            waits = not final and len(self._buffer) < HELD and _OPEN.match(self._buffer)
            return None if waits else self._take(self._buffer.index(self._buffer.lstrip()[0]) + 1)
        if not final and (found.end() == len(self._buffer) or _OPEN.match(self._buffer[found.end() :])):
            return None  # another one may follow
        self._buffer = self._buffer[found.end() :]
        return self._mark(numbers_in(found[0]))

    def _full_stop(self, end: int, final: bool) -> str | None:
        """A mark behind the full stop still belongs to the sentence."""
        if self._line.lstrip().startswith("|") or _ABBREVIATION.search(self._sentence):
            return self._take(end)
        rest = self._buffer[end:]
        if not final and (not rest.strip(" \t") or _OPEN.match(rest)):
            return None
        given = self._take(end)
        marks = _MARKS.match(self._buffer)
        if marks:
            self._buffer = self._buffer[marks.end() :]
            given += self._mark(numbers_in(marks[0]))
        return given + self._close()

    def _mark(self, numbers: Sequence[int]) -> str:
        marks = self._prove(self._said(), numbers)
        self._claim = ""
        self._marked = self._marked or bool(marks)
        return f" {marks}" if marks else ""

    def _close(self) -> str:
        """Ends a sentence; one without a mark is proved by whatever proves it."""
        said, was_marked = self._said(), self._marked
        is_claim = len(said.split()) > FEWEST_WORDS and not said.endswith(":") and not self._line.lstrip().startswith(("#", "|"))
        self._sentence = self._claim = ""
        self._marked = False
        if was_marked or not is_claim:
            return ""
        marks = self._prove(said, ())
        self.unproved += not marks
        return f" {marks}" if marks else ""

    def _newline(self) -> str:
        self._buffer = self._buffer[1:]
        line, self._line = self._line, ""
        if not line.lstrip().startswith("|"):
            self._header = []
        elif not self._header:
            self._header = _cells(line)
        return "\n"

    def _said(self) -> str:
        """The claim in words that can be understood alone: in a table, with the heads of its column and row."""
        if self._line.lstrip().startswith("|"):
            return self._cell_said()
        words = self._claim if len(self._claim.split()) >= FEWEST_WORDS else self._sentence
        return _LIST_MARK.sub("", words).strip(" \t,;*_")

    def _cell_said(self) -> str:
        cells = _cells(self._line)
        head = self._header[len(cells) - 1] if 0 < len(cells) <= len(self._header) else ""
        said = [part for part in (head, cells[0] if len(cells) > 1 else "", cells[-1] if cells else "") if part]
        return " ".join(said)


def numbers_in(marks: str) -> list[int]:
    """The numbers of marks, a range in full."""
    found: list[int] = []
    for first, last in _RANGE.findall(marks):
        found += range(int(first), min(int(last), int(first) + 20) + 1) if last else [int(first)]
    return found


def _cells(line: str) -> list[str]:
    return [re.sub(r"\[\d+\]", "", cell).strip() for cell in line.strip().strip("|").split("|")]
