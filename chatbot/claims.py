"""A model's text as it comes -> the same text with our marks, a sentence or a table's row at a time: every claim in it is proved, or counted. Pure.

What is given out is never taken back, and no mark is in it that was not made for a claim.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from chatbot.cite import without_marks
from chatbot.marks import BEGUN, CLOSING, MARKS, marks_in, numbers_in, stripped
from chatbot.prompts import NO_ANSWER
from chatbot.retrieve import content_terms
from ingest.types import CELL_END

FEWEST_WORDS = 3  # of a stretch that is understood alone; a shorter one that is cited is proved with the sentence before it
CLAIM = 2  # content words from which a sentence without a mark states something
LEAD_CLAIM = 6  # and a heading, the name of a row, or a line that leads on to others ("An engineer needs these tools:")
HELD = 200  # characters that are waited on for the marks behind a full stop

_CLOSERS = r"[\"'”’)*_\]】］]{0,6}"
_BREAK = re.compile(r"\n|(?<=[.!?…\"'”’)*_\]】］])[ \t]+")
_STOPPED = re.compile(rf"[.!?…]{_CLOSERS}(?:{MARKS.pattern})?$", re.IGNORECASE)
_MARKED = re.compile(rf"[{CLOSING}][.!?…]?{_CLOSERS}$")
_NO_STOP = re.compile(r"(?:^\s*\d+|\b(?:e\.g|i\.e|etc|vs|approx|Dr|Mr|Mrs|Ms|No|[A-Z]))\.$")
_LOOKED_AT = 120  # characters before a blank that tell whether a sentence ends there
_WHOLE_LINE = re.compile(r"[ \t]*(?:\||```|~~~)")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_LIST_MARK = re.compile(r"^\s*(?:[-*+•]|\d+[.)]|#+|>)\s+")
_LEAD = re.compile(r"\s*#|.*:[\s*_]*$|\s*\*\*[^*]+\*\*\s*$", re.DOTALL)
_WORD = re.compile(r"[^\W_]")
_EMPTY_CELL = re.compile(r"\W*(?:(?:not|un)[ -]?(?:said|stated|given|mentioned|known|specified)|n/?a|none)?\W*", re.IGNORECASE)

# how models spell that they cannot answer
_NO = r"(?:(?:final )?answer[\W_]+)?no(?:[\\_-]+| )answer"
_NOTHING = re.compile(rf"[\W_]*{_NO}[\W_]*", re.IGNORECASE)
_BEGINS_NOTHING = re.compile(rf"[\W_]*{NO_ANSWER}\b")
_SOURCES = r"(?:(?:the|these|those|your|provided|given|available) ){0,2}(?:passages?|sources?|articles?|texts?|excerpts?|context|information|materials?)"
_TELL = r"(?:answer|say|mention|contain|provide|cover|address|include|state|describe|discuss|specify|give|tell)"
_REST = (
    r"(?:(?!\b(?:but|yet|although|though|while|whereas|however|because|so|and)\b)[^,;:–—])*"  # nothing else is stated in the same breath
)
_DECLINE = re.compile(
    r"[\W_]*(?:(?:i'm |i am )?sorry\W*|(?:(?:i'm |i am )?sorry\W+(?:but )?|unfortunately\W+)?"
    rf"(?:{_SOURCES}(?: provided| given)? (?:do|does|did)(?: not|n't)(?: \w+ly)? {_TELL}\b"
    rf"|(?:i|we)(?: cannot| can't| can not|'m unable to| am unable to| am not able to) (?:answer|say|tell)\b|there is no answer\b){_REST})",
    re.IGNORECASE,
)

Prove = Callable[[str, Sequence[int]], str]  # a claim and the numbers that it cites (none: any) -> its marks, "" where nothing proves it


class ClaimReader:
    """Feed it the text; it gives what can be shown. `unproved` counts the claims that nothing proves; `withheld` is set where the model said
    that it cannot answer and no more, `declined` where it began so.
    """

    def __init__(self, prove: Prove) -> None:
        self._prove = prove
        self._buffer = ""
        self._scanned = 0  # where the next end of a sentence may be
        self._opens_line = True
        self._held = ""  # what was said of having no answer, until more is said
        self._header: list[str] | None = None  # of the table that is read
        self._is_code = False
        self._began = False
        self.unproved = 0
        self.declined = False
        self.withheld = False

    def feed(self, text: str) -> Iterator[str]:
        self._buffer += text
        if "\n" in text or text.strip():  # blanks alone end nothing
            yield from self._read(final=False)

    def end(self) -> Iterator[str]:
        """What was held, once no more comes."""
        yield from self._read(final=True)
        self.withheld = self.withheld or (self.declined and not self._began)

    def _read(self, final: bool) -> Iterator[str]:
        """A unit leaves the buffer once it is proved, so that it is not lost where proving ends in an error."""
        at = 0
        try:
            while not self.withheld and (end := self._end_of_unit(at, final)) is not None:
                given = self._unit(self._buffer[at:end])
                at = end
                if given:
                    yield given
        finally:
            self._buffer, self._scanned = self._buffer[at:], max(0, self._scanned - at)

    def _end_of_unit(self, start: int, final: bool) -> int | None:
        """Where the next sentence, row or line's end ends; None where more must come first."""
        whole_line = self._opens_line and (self._is_code or _WHOLE_LINE.match(self._buffer, start))
        for found in _BREAK.finditer(self._buffer, max(start, self._scanned)):
            self._scanned = at = found.start()
            if found[0] == "\n":
                return at if at > start else found.end()
            if not whole_line and at > start and self._ends_sentence(start, at):
                return self._end_of_marks(at, final)
        if final:
            return len(self._buffer) if len(self._buffer) > start else None
        self._scanned = max(start, self._scanned, len(self._buffer.rstrip(" \t")) - 1)
        return None

    def _ends_sentence(self, start: int, at: int) -> bool:
        said = self._buffer[max(start, at - _LOOKED_AT) : at]
        return bool(_STOPPED.search(said)) and not _NO_STOP.search(said)

    def _end_of_marks(self, at: int, final: bool) -> int | None:
        """Behind a full stop stand the marks of its sentence, if that has none yet."""
        rest = self._buffer[at : at + HELD]
        marks = MARKS.match(rest, len(rest) - len(rest.lstrip(" \t")))
        end = marks.end() if marks else 0
        if not final and len(rest) < HELD and BEGUN.match(rest, end):
            return None
        return at if _MARKED.search(self._buffer[max(0, at - _LOOKED_AT) : at]) else at + end

    # --- a unit, whole

    def _unit(self, unit: str) -> str:
        if unit == "\n":
            self._header = None if self._opens_line else self._header  # an empty line ends a table
            self._opens_line = True
            return self._kept(unit)
        opens_line, self._opens_line = self._opens_line, False
        if opens_line and _FENCE.match(unit):
            return self._fence(unit)
        if self._is_code:
            return without_marks(unit)
        if opens_line and unit.lstrip().startswith("|"):
            return self._shown(self._row(unit))
        self._header = None
        return self._sentence(unit)

    def _sentence(self, unit: str) -> str:
        if not unit.strip():
            return self._kept(unit)
        if self._says_nothing(unit):
            return ""
        if _DECLINE.fullmatch(_plain(unit)):
            self.declined = self.declined or not self._began
            return self._kept(without_marks(stripped(unit)))
        return self._shown(self._proved(unit, LEAD_CLAIM if _LEAD.match(unit) else CLAIM))

    def _kept(self, text: str) -> str:
        """Shown with what follows, where nothing was shown yet."""
        if self._began:
            return text
        self._held += text
        return ""

    def _shown(self, text: str) -> str:
        held, self._held, self._began = self._held, "", True
        return held + text

    def _says_nothing(self, unit: str) -> bool:
        """Whether it is the word for "cannot answer"; as the first one it ends the answer."""
        if not self._began and _BEGINS_NOTHING.match(unit):
            self.withheld = True
        elif _NOTHING.fullmatch(unit):
            self.withheld = not self._began
        else:
            return False
        return True

    def _fence(self, unit: str) -> str:
        """Code is the model's own, whatever it says."""
        self._is_code = not self._is_code
        self.unproved += self._is_code
        return self._shown(without_marks(unit))

    def _row(self, line: str) -> str:
        """Each cell is proved with the heads of its column and row."""
        cells = CELL_END.split(line)
        texts = [stripped(cell).strip() for cell in cells]
        is_header, self._header = self._header is None, self._header or texts
        first = next((number for number, text in enumerate(texts) if text), 0)
        shown = []
        for number, cell in enumerate(cells):
            is_body = not is_header and number > first
            head = self._header[number] if number < len(self._header) else ""
            context = " ".join(filter(None, (head, texts[first]))) if is_body else ""
            fewest = 0 if is_body and not _EMPTY_CELL.fullmatch(texts[number]) else LEAD_CLAIM
            shown.append(self._proved(cell, fewest, context))
        return "|".join(shown)

    # --- its claims

    def _proved(self, text: str, fewest: int, context: str = "") -> str:
        """The text with our marks. A stretch that cites is a claim, and so is any other of at least `fewest` content words."""
        shown = pending = said = ""
        for stretch, numbers in stretches(text):
            said += stretch
            claim = _claim(stretch if len(stretch.split()) >= FEWEST_WORDS or context else said)
            is_claim = bool(numbers) or _states(stretch, fewest)
            marks = self._prove(f"{context} {claim}".strip(), numbers) if is_claim else ""
            self.unproved += is_claim and not marks
            pending += stretch
            blanks = pending[len(pending.rstrip()) :]
            if marks:
                shown, pending = f"{shown}{without_marks(pending.rstrip())} {marks}", blanks
            if numbers:  # what stood before the model's mark
                pending = pending.removesuffix(blanks)
        return shown + without_marks(pending)


def stretches(text: str) -> list[tuple[str, list[int]]]:
    """A text cut at its marks, each stretch with the numbers that it cites. A mark with nothing before it cites what follows."""
    found: list[tuple[str, list[int]]] = []
    before, early, at = "", list[int](), 0
    for marks in marks_in(text):
        stretch, at = before + text[at : marks.start()], marks.end()
        numbers = [*early, *numbers_in(marks[0])]
        if _WORD.search(_LIST_MARK.sub("", stretch)):
            found.append((stretch, numbers))
            before, early = "", []
        else:
            before, early = stretch.rstrip(), numbers
    rest = before + text[at:]
    return [*found, (rest, early if _WORD.search(rest) else [])]


def _states(text: str, fewest: int) -> bool:
    words = _LIST_MARK.sub("", text).split()
    return bool(_WORD.search(text)) and sum(bool(content_terms(word)) for word in words) >= fewest


def _claim(words: str) -> str:
    return " ".join(_LIST_MARK.sub("", words).split()).strip(" ,;*_")


def _plain(unit: str) -> str:
    """Its words as they are compared with what models say where they have no answer."""
    return " ".join(stripped(unit).replace("’", "'").split())
