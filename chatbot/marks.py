"""The marks that models write for a citation: [1], [1, 2], [1-3], [1 and 2], [^1], [Passage 1], 【1†source】, ［1］. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_JOIN = r"(?:[ \t]{0,3}(?:[,;&–-]|,?[ \t]{0,3}\band\b)[ \t]{0,3})"
_NOUN = r"(?:(?:passage|source|article|reference)s?[ \t]{0,3})"
_ONE = rf"[\[【［][ \t]{{0,3}}\^?{_NOUN}?\d{{1,3}}(?:{_JOIN}{_NOUN}?\d{{1,3}}){{0,20}}(?:†[^\]】\n]{{0,20}})?[ \t]{{0,3}}[\]】］]"
MARKS = re.compile(rf"{_ONE}(?:[ \t]*{_ONE})*", re.IGNORECASE)
BEGUN = re.compile(r"[ \t]*(?:[\[【［][^\[\]【】［］\n]{0,60})?$")  # what may still become a mark
CLOSING = "]】］"

_NUMBERS = re.compile(r"(\d+)(?:[ \t]*[–-][ \t]*(\d+))?")
_CODE = re.compile(r"`[^`\n]*`|\$[^\s$](?:[^$\n]*[^\s$])?\$(?!\d)")  # an amount of money is no formula


def numbers_in(marks: str) -> list[int]:
    """The numbers of marks, a range in full."""
    found: list[int] = []
    for first, last in _NUMBERS.findall(marks):
        found += range(int(first), min(int(last), int(first) + 20) + 1) if last else [int(first)]
    return found


def marks_in(text: str) -> Iterator[re.Match[str]]:
    """Those outside code and formulas, where a bracketed number is an index."""
    code = [found.span() for found in _CODE.finditer(text)]
    for found in MARKS.finditer(text):
        while code and code[0][1] <= found.start():
            code.pop(0)
        if not code or found.end() <= code[0][0]:
            yield found


def stripped(text: str) -> str:
    """Without any marks."""
    return MARKS.sub("", text)
