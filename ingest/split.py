"""Article -> [Chunk], by heading, paragraph, list and table. Pure: the same article gives the same chunks.

A block of Markdown becomes units (sentences, list items, table rows) that are never cut; neighbouring units under one
heading are packed into chunks of at most `max_pieces` word pieces.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import sentencex
from markdown_it.token import Token

from ingest.markdown import cut_heading, line_starts, parsed
from ingest.types import Article, Chunk, Span, Unit

SPLITTER_VERSION = 6  # raised when the same article would give other chunks

ITEM_CHARACTERS = 320  # a longer list item is quoted by the sentence
SENTENCE_CHARACTERS = 4000  # no sentence is longer
STRETCH_CHARACTERS = 20_000  # of a paragraph, that are looked through for sentences at once
PREAMBLE_SHARE = 0.5  # of what the model reads: a longer preamble is cut, so that the text itself always fits

CountPieces = Callable[[str], int]

_ITEM_MARKER = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?")
_QUOTE_MARKER = re.compile(r"\s*(?:>\s*)+")


@dataclass(frozen=True, slots=True)
class Block:
    """Units that stand together in the source: a paragraph, a list, a table. `opens` marks a paragraph that ends in a colon."""

    heading: tuple[str, ...]
    units: tuple[Unit, ...]
    opens: bool = False


def split(article: Article, count: CountPieces, max_pieces: int, model_pieces: int) -> list[Chunk]:
    """`count` gives a text's word pieces; `model_pieces` is how many the model reads, preamble and two marks included."""
    chunks: list[Chunk] = []
    packer = _Packer(article, count, max_pieces, model_pieces)
    for heading in _runs(_joined(list(blocks(article)))):
        chunks.extend(packer.pack(heading))
    return chunks


def _runs(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Blocks one after another under one heading."""
    run: list[Block] = []
    for block in blocks:
        if run and run[-1].heading != block.heading:
            yield run
            run = []
        run.append(block)
    if run:
        yield run


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """A sentence that opens a list or table is the lead of its units, and stays in one block with them."""
    joined: list[Block] = []
    for block in blocks:
        opening = joined[-1] if joined and joined[-1].opens and joined[-1].heading == block.heading else None
        if opening and block.units[0].kind != "sentence":
            lead = opening.units[-1].span
            units = tuple(unit if unit.lead else replace(unit, lead=lead) for unit in block.units)
            joined[-1] = Block(block.heading, (*opening.units, *units))
        else:
            joined.append(block)
    return joined


# --- Markdown -> blocks


def blocks(article: Article) -> Iterator[Block]:
    """What stands under each heading, in order. Raises ArticleError where it is nested too deeply to be read."""
    text = article.text
    lines = line_starts(text)
    path: list[tuple[int, str]] = []
    for kind, tokens in _groups(parsed(text)):
        spans = [_trimmed(text, _span_of(text, token, lines)) for token in tokens]
        if kind == "heading":
            level = int(tokens[0].tag[1])
            path = [*((above, name) for above, name in path if above < level), (level, _heading_text(spans[0].of(text)))]
            continue
        heading = tuple(name for _, name in path if name != article.title)
        if units := tuple(unit for span in spans for unit in _units(text, kind, span)):
            opens = kind == "paragraph" and spans[0].of(text).rstrip("*_ ").endswith(":")
            yield Block(heading, units, opens)


def _groups(tokens: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    """What the text is made of, in order: headings, paragraphs, whole lists, tables and code, each with the tokens that hold its text."""
    inside: list[str] = []
    items: list[Token] = []
    for token in tokens:
        kind = token.type.removesuffix("_open").removesuffix("_close")
        if token.nesting == -1:
            inside.pop()
        elif token.map and token.type in {"heading_open", "table_open", "paragraph_open", "fence", "code_block"}:
            if "list_item" in inside:
                items.append(token)
            else:
                yield "code" if token.type in {"fence", "code_block"} else kind, [token]
        if token.nesting == 1:
            inside.append(kind)
        if items and not any(kind.endswith("_list") for kind in inside):
            yield "item", items
            items = []


def _span_of(text: str, token: Token, lines: Sequence[int]) -> Span:
    """Where a token's lines stand; of fenced code the lines between its fences."""
    first, last = token.map or [0, 0]
    if token.type == "fence":
        first += 1
        closing = text[lines[last - 1] : lines[last]].strip(" >\t\n")
        last -= bool(last - 1 >= first and closing and not closing.strip(token.markup[0]))
    return Span(lines[first], lines[max(first, last)])


def _units(text: str, kind: str, span: Span) -> Iterator[Unit]:
    if kind == "table":
        yield from _rows(text, span)
        return
    if kind == "item":
        span = _after(text, _after(text, span, _QUOTE_MARKER), _ITEM_MARKER)
    elif kind == "paragraph":
        span = _after(text, span, _QUOTE_MARKER)
    if kind == "code" or (kind == "item" and span.end - span.start <= ITEM_CHARACTERS):
        if any(character.isalnum() for character in span.of(text)):
            yield Unit(span, "item" if kind == "item" else "sentence")
    else:
        yield from (Unit(sentence, "item" if kind == "item" else "sentence") for sentence in sentences(text, span))


def sentences(text: str, span: Span) -> Iterator[Span]:
    """Sentences of a stretch, without the white space around them."""
    start = span.start
    for segment in _bounded(_segments(span.of(text))):
        trimmed = _trimmed(text, Span(start, start + len(segment)))
        start += len(segment)
        if any(character.isalnum() for character in trimmed.of(text)):
            yield trimmed


def _segments(text: str) -> Iterator[str]:
    """sentencex's time grows with the square of a text's marks: a paragraph longer than any that is written is handed to it in stretches."""
    while text:
        cut = len(text) if len(text) <= STRETCH_CHARACTERS else text.rfind(" ", 0, STRETCH_CHARACTERS) + 1 or STRETCH_CHARACTERS
        yield from sentencex.segment("en", text[:cut])
        text = text[cut:]


def _bounded(segments: Iterable[str]) -> Iterator[str]:
    """What is far longer than any sentence is cut between words: it would cost its length in every part that is embedded."""
    for segment in segments:
        while len(segment) > SENTENCE_CHARACTERS:
            cut = segment.rfind(" ", 0, SENTENCE_CHARACTERS) + 1 or SENTENCE_CHARACTERS
            yield segment[:cut]
            segment = segment[cut:]  # noqa: PLW2901 - what is left of it
        yield segment


def _rows(text: str, span: Span) -> Iterator[Unit]:
    start = span.start
    header: Span | None = None
    for line in span.of(text).splitlines(keepends=True):
        row = _after(text, _trimmed(text, Span(start, start + len(line))), _QUOTE_MARKER)
        start += len(line)
        if header is None:
            header = row
        elif any(character.isalnum() for character in row.of(text)):
            yield Unit(row, "row", lead=header)


def _trimmed(text: str, span: Span) -> Span:
    inner = span.of(text)
    start = span.start + len(inner) - len(inner.lstrip())
    return Span(start, max(start, span.start + len(inner.rstrip())))


def _after(text: str, span: Span, marker: re.Pattern[str]) -> Span:
    match = marker.match(text, span.start, span.end)
    return Span(match.end(), span.end) if match else span


def _heading_text(line: str) -> str:
    first = line.splitlines()[0]
    return cut_heading(first.strip().strip("#").strip())


# --- blocks -> chunks


class _Packer:
    """Packs the units below one heading into chunks that the model reads whole."""

    def __init__(self, article: Article, count: CountPieces, max_pieces: int, model_pieces: int) -> None:
        self._article = article
        self._count = count
        self._max = max_pieces
        self._model = model_pieces - 2  # the marks that open and close a text
        self._title = self._fitting_title(article.title)

    def pack(self, blocks: Sequence[Block]) -> Iterator[Chunk]:
        """A block that the model reads whole stays whole; small ones share a chunk up to the size that was set."""
        heading = self._fitting_heading(blocks[0].heading)
        group: list[Unit] = []
        for block in blocks:
            if group and self._is_small(heading, [*group, *block.units]):
                group += block.units
                continue
            if group:
                yield self._chunk(heading, group)
            if self._is_readable(heading, block.units):
                group = list(block.units)
                continue
            group = []
            for unit in block.units:
                if group and not self._is_readable(heading, [*group, unit]):
                    yield self._chunk(heading, group)
                    group = []
                if self._is_readable(heading, [unit]):
                    group.append(unit)
                else:
                    yield from self._parts(heading, unit)
        if group:
            yield self._chunk(heading, group)

    def _chunk(self, heading: tuple[str, ...], units: Sequence[Unit]) -> Chunk:
        start, end = units[0].span.start, units[-1].span.end
        lead = units[0].lead
        if lead and lead.end <= start and units[0].kind == "row" and not self._article.text[lead.end : start].strip("|-:> \n"):
            start, lead = lead.start, None  # a table's first rows are stored with its header above them
        context = lead.of(self._article.text) if lead and lead.start < start else ""
        text = self._article.text[start:end]
        return Chunk(self._article.id, self._title, heading, start, end, text, tuple(units), Span(start, end), context)

    def _is_readable(self, heading: tuple[str, ...], units: Sequence[Unit]) -> bool:
        return self._count(self._chunk(heading, units).embedding_text()) <= self._model

    def _is_small(self, heading: tuple[str, ...], units: Sequence[Unit]) -> bool:
        return self._count(self._chunk(heading, units).text) <= self._max and self._is_readable(heading, units)

    def _parts(self, heading: tuple[str, ...], unit: Unit) -> Iterator[Chunk]:
        """A unit longer than the model reads: quoted whole, embedded word by word in parts that fit."""
        whole = self._chunk(heading, [unit])
        if self._count(whole.preamble) > self._model * PREAMBLE_SHARE:
            whole = replace(whole, context="")
        ends = [whole.start + word.end() for word in re.finditer(r"\S+\s*", whole.text)]
        start, first = whole.start, 0
        while first < len(ends):
            # the most words that fit, found by halving; a single word that does not is a part all the same
            fits = partial(self._fits, whole, start)
            last = max(first + 1, bisect_left(ends, True, lo=first, key=lambda end: not fits(end)))
            yield replace(whole, embedded=Span(start, ends[last - 1]))
            start, first = ends[last - 1], last

    def _fits(self, whole: Chunk, start: int, end: int) -> bool:
        return self._count(replace(whole, embedded=Span(start, end)).embedding_text()) <= self._model

    def _fitting_heading(self, heading: tuple[str, ...]) -> tuple[str, ...]:
        """The heading path, without its outer parts where title and path would crowd out the text."""
        while heading and self._count(" > ".join((self._title, *heading))) > self._model * PREAMBLE_SHARE:
            heading = heading[1:]
        return heading

    def _fitting_title(self, title: str) -> str:
        """Its first half, and of that the first half, until it leaves room for the text."""
        while len(title) > 1 and self._count(title) > self._model * PREAMBLE_SHARE:
            title = title[: len(title) // 2].rstrip()
        return title
