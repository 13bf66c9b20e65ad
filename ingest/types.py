"""The values that travel from an article's file to the index. All are frozen; every offset counts in Article.text."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

CELL_END = re.compile(r"(?<!\\)\|")  # of a table's row
_COUNT = re.compile(r"\d{1,3}\.?")
HUMP = re.compile(r"(?<=[a-z)\]])(?=[A-Z])")  # where two cells of a glued row met, or may have

UnitKind = Literal["sentence", "item", "row"]


@dataclass(frozen=True, slots=True)
class Role:
    """A role and the other names that people call it by."""

    name: str
    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.others)


@dataclass(frozen=True, slots=True)
class Origin:
    """The work that an article retells; None where it is unknown."""

    title: str | None = None
    author: str | None = None
    url: str | None = None
    published: str | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """One article. `text` is its canonical text: NFKC, Markdown structure, nothing hidden."""

    id: str
    title: str
    text: str
    author: str | None = None
    url: str | None = None
    published: str | None = None
    based_on: Origin | None = None
    roles: tuple[Role, ...] = ()

    @property
    def hash(self) -> str:
        """Of every field, so that a new title or date is a change too."""
        return content_hash(asdict(self))


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an article's text, end exclusive."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest thing that is quoted: a sentence, a list item or a table row.

    `lead` is what it cannot be understood without: the sentence that opens the list, or the table's header row.
    `roles` are the names of the roles that it speaks about, by its own words or by those before it.
    """

    span: Span
    kind: UnitKind
    lead: Span | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chunk:
    """What is embedded, stored and retrieved: neighbouring units under one heading.

    `embedded` is the stretch that is embedded, all of it but for a unit longer than the model reads: that one becomes
    several chunks of the same text, each embedding a part. `context` is a list's opening or a table's header where it
    stands before the chunk.
    """

    article_id: str
    title: str
    heading: tuple[str, ...]
    start: int
    end: int
    text: str
    units: tuple[Unit, ...]
    embedded: Span
    context: str = ""

    def __hash__(self) -> int:
        """Of where it stands: that tells chunks apart, and takes a hundredth of the time that all its fields do."""
        return hash((self.article_id, self.embedded))

    @cached_property
    def id(self) -> str:
        return content_hash(self.as_dict())

    def holds(self, article_id: str, place: int) -> bool:
        """Whether a place of an article's text stands in it."""
        return self.article_id == article_id and self.start <= place < self.end

    @property
    def preamble(self) -> str:
        """Where the chunk stands: what a reader of the article would know before reading it."""
        return "\n".join(line for line in (" > ".join((self.title, *self.heading)), self.context) if line)

    def embedding_text(self) -> str:
        """What is embedded; never what is quoted. The cells of a glued row are parted, where they may be."""
        first, last = self.embedded.start - self.start, self.embedded.end - self.start
        cuts = [first, *(seam for seam in self._seams if first < seam < last), last]
        return f"{self.preamble}\n{' '.join(self.text[one:other] for one, other in pairwise(cuts))}"

    @property
    def unit_spans(self) -> tuple[Span, ...]:
        """Where in the embedding text each unit stands, as far as it is embedded."""
        return tuple(Span(self._embedded_at(unit.span.start), self._embedded_at(unit.span.end)) for unit in self.units)

    def _embedded_at(self, at: int) -> int:
        """Where in the embedding text a place of the article is: each seam before it is a space more."""
        first, last = self.embedded.start - self.start, min(max(at, self.embedded.start), self.embedded.end) - self.start
        return len(self.preamble) + 1 + last - first + sum(first < seam < last for seam in self._seams)

    @cached_property
    def _seams(self) -> list[int]:
        """Where in the text two cells of a glued row, or of its table's header, met."""
        spans = {span for unit in self.units if self._is_glued(unit) for span in (unit.lead, unit.span) if span}
        return [match.start() for match in HUMP.finditer(self.text) if any(s.start <= self.start + match.start() < s.end for s in spans)]

    def _is_glued(self, unit: Unit) -> bool:
        """Whether it is a table's row whose cells cannot be told apart any more, nor those of the header: a table of one column is whole."""
        if unit.kind != "row" or "|" in self.quote(unit).strip("| "):
            return False
        return bool(HUMP.search(self.lead_of(unit) or self.quote(unit)))

    def unit_text(self, unit: Unit) -> str:
        """One unit as it is read alone: under its nearest heading, after what opens it."""
        heading = self.heading[-1] if self.heading else ""
        text = " ".join(part for part in (f"{heading}." if heading else "", self.lead_of(unit), self.quote(unit)) if part)
        return HUMP.sub(" ", text) if self._is_glued(unit) else text

    def label_of(self, unit: Unit) -> str:
        """What a table's row is on: its first cell that does not count the rows, of a glued one what stands before the first seam, which may cut a
        name like "LangChain"; of anything else nothing.
        """
        if unit.kind != "row":
            return ""
        text = self.quote(unit).strip().removeprefix("|").removesuffix("|").strip(" ")
        cells = (HUMP if self._is_glued(unit) else CELL_END).split(text)
        return next((cell.strip() for cell in cells[:-1] if not _COUNT.fullmatch(cell.strip())), "")

    def lead_of(self, unit: Unit) -> str:
        """The text of a unit's lead; empty where it has none."""
        if unit.lead is None:
            return ""
        return self.text[unit.lead.start - self.start : unit.lead.end - self.start] if unit.lead.start >= self.start else self.context

    def quote(self, unit: Unit) -> str:
        return self.text[unit.span.start - self.start : unit.span.end - self.start]

    def as_dict(self) -> dict[str, Any]:
        """As dataclasses.asdict has it, which copies everything and takes ten times as long."""
        units = [
            {"span": _span_dict(unit.span), "kind": unit.kind, "lead": unit.lead and _span_dict(unit.lead), "roles": unit.roles}
            for unit in self.units
        ]
        own = {name: getattr(self, name) for name in ("article_id", "title", "heading", "start", "end", "text")}
        return {**own, "units": units, "embedded": _span_dict(self.embedded), "context": self.context}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Chunk:
        units = tuple(
            Unit(Span(**unit["span"]), unit["kind"], Span(**unit["lead"]) if unit["lead"] else None, tuple(unit["roles"]))
            for unit in fields["units"]
        )
        return cls(**{**fields, "heading": tuple(fields["heading"]), "units": units, "embedded": Span(**fields["embedded"])})


def _span_dict(span: Span) -> dict[str, int]:
    return {"start": span.start, "end": span.end}


def content_hash(value: object) -> str:
    """SHA-256 of a value's canonical JSON, as 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]
