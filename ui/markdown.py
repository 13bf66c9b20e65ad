"""Markdown -> the tree that the page shows. Pure.

A tree is plain JSON: a list of blocks (paragraph, heading, list, table, ...) that hold runs of text. Nothing here makes
markup, and the browser sets each run as textContent, so what an article, a person or a model wrote can only ever be read.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeAlias

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from ingest.types import Span

Block: TypeAlias = dict[str, Any]
Labels: TypeAlias = Mapping[int, str]

MAX_DEPTH = 4  # of bold and italics inside one another; deeper ones are shown as they are written

# html off and no link definitions: both are then text like any other
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("reference")
# the lengths are bounded so that marks which never close cost no quadratic search
_INLINE = re.compile(
    r"""\\(?P<escaped>[!-/:-@\[-`{-~])
      | (?P<ticks>`+)(?P<code>[^`]{1,500})(?P=ticks)(?!`)
      | \*\*(?=\S)(?P<bold>.{1,1000}?)(?<=\S)\*\*
      | (?<![\w*])\*(?=[^\s*])(?P<star>[^*]{1,500}?)(?<=\S)\*(?![\w*])
      | (?<!\w)_(?=[^\s_])(?P<underline>[^_]{1,500}?)(?<=\S)_(?!\w)
      | \[(?P<mark>\d{1,3})\]
      | (?<!!)\[(?P<label>[^\[\]]{1,300})\]\((?P<address>[^()\s]{1,500})\)""",
    re.VERBOSE | re.DOTALL,
)
_PIPE = re.compile(r"(?<!\\)\|")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of one look. `start` and `end` count in the content that it was read from."""

    text: str
    start: int
    end: int
    bold: bool = False
    italic: bool = False
    code: bool = False
    lit: bool = False
    mark: int | None = None

    @property
    def is_verbatim(self) -> bool:
        return len(self.text) == self.end - self.start

    def joins(self, after: Run) -> bool:
        """Whether the next run looks the same, so that the two can be shown as one."""
        return self.mark is None and replace(after, text="", start=0, end=0) == replace(self, text="", start=0, end=0)


@dataclass(frozen=True, slots=True)
class Content:
    """A block's text without its markers; character i stands at `where[i]` of the source."""

    text: str
    where: Sequence[int]

    def lit(self, span: Span | None) -> Span:
        """The part of it that lies inside a stretch of the source."""
        if span is None:
            return Span(0, 0)
        return Span(bisect_left(self.where, span.start), bisect_left(self.where, span.end))


# --- Markdown -> blocks


def blocks(text: str, labels: Labels | None = None, lit: Span | None = None) -> list[Block]:
    """The blocks of a small Markdown. `labels` names the sources that marks point at; `lit` is what to highlight."""
    source = text.replace("\r\n", "\n").replace("\r", "\n")
    tree = _Tree(source, labels or {}, lit)
    return tree.blocks(SyntaxTreeNode(_MARKDOWN.parse(source)).children)


def plain(text: str) -> Block:
    """Text that is no Markdown: a question, a title, a message. Shown as it is written, line breaks included."""
    return {"kind": "paragraph", "runs": [{"text": text}]}


def visible(tree: Any) -> Any:
    """A tree without the control and direction characters that would make a line read otherwise than it is written."""
    if isinstance(tree, str):
        return _UNSEEN.sub("", tree)
    if isinstance(tree, Mapping):
        return {name: visible(part) for name, part in tree.items()}
    return [visible(part) for part in tree] if isinstance(tree, list | tuple) else tree


def text_of(quote: str) -> str:
    """A quote as one line of words: without its marks, a table row's cells parted by dots."""
    if quote.lstrip().startswith("|"):
        cells = (quote[cell.start : cell.end] for cell in _cells(quote))
        return " · ".join(_words(cell) for cell in cells if cell)
    return _words(quote)


def _words(text: str) -> str:
    return "".join(run.text for run in _runs(text, Span(0, len(text)), {}))


class _Tree:
    """Walks a parsed text and keeps, for each character shown, where it stands in the source."""

    def __init__(self, source: str, labels: Labels, lit: Span | None) -> None:
        self._source = source
        self._labels = labels
        self._lit = lit
        self._lines = [0, *(match.end() for match in re.finditer("\n", source)), len(source)]

    def blocks(self, nodes: Iterable[SyntaxTreeNode]) -> list[Block]:
        return [self._block(node) for node in nodes]

    def _block(self, node: SyntaxTreeNode) -> Block:
        make = {
            "heading": self._heading,
            "paragraph": self._paragraph,
            "bullet_list": self._list,
            "ordered_list": self._list,
            "blockquote": self._quote,
            "table": self._table,
            "fence": self._code,
            "code_block": self._code,
        }.get(node.type)
        if make:
            return make(node)
        return (
            {"kind": "rule"} if node.type == "hr" else {"kind": "paragraph", "runs": [{"text": self._source[slice(*self._stretch(node))]}]}
        )

    def _heading(self, node: SyntaxTreeNode) -> Block:
        return {"kind": "heading", "level": int(node.tag[1]), "runs": self._shown(node)}

    def _paragraph(self, node: SyntaxTreeNode) -> Block:
        return {"kind": "paragraph", "runs": self._shown(node)}

    def _list(self, node: SyntaxTreeNode) -> Block:
        start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        return {"kind": "list", "start": start, "items": [self.blocks(item.children) for item in node.children]}

    def _quote(self, node: SyntaxTreeNode) -> Block:
        return {"kind": "quote", "blocks": self.blocks(node.children)}

    def _shown(self, node: SyntaxTreeNode) -> list[dict[str, Any]]:
        inline = node.children[0].content if node.children else ""
        return self._runs(self._located(inline, (node.map or (0, 0))[0]))

    def _code(self, node: SyntaxTreeNode) -> Block:
        first = (node.map or (0, 0))[0] + (node.type == "fence")
        content = self._located(node.content.rstrip("\n"), first)
        whole = Run(content.text, 0, len(content.text))
        return {"kind": "code", "runs": _as_json(_split_at([whole], content.lit(self._lit)))}

    def _table(self, node: SyntaxTreeNode) -> Block:
        header, *rows = [self._row(row) for part in node.children for row in part.children]
        return {"kind": "table", "header": header, "rows": rows}

    def _row(self, node: SyntaxTreeNode) -> list[list[dict[str, Any]]]:
        start, end = self._stretch(node)
        line = self._source[start:end].rstrip("\n")
        return [self._runs(Content(line[cell.start : cell.end], range(start + cell.start, start + cell.end))) for cell in _cells(line)]

    def _stretch(self, node: SyntaxTreeNode) -> tuple[int, int]:
        first, last = node.map or (0, 0)
        return self._lines[first], self._lines[last]

    def _runs(self, content: Content) -> list[dict[str, Any]]:
        runs = _runs(content.text, Span(0, len(content.text)), self._labels)
        return _as_json(_split_at(runs, content.lit(self._lit)), self._labels)

    def _located(self, content: str, first: int) -> Content:
        """Each line of a block's content is the end of its line in the source, after indents, bullets and quote marks."""
        where: list[int] = []
        for number, line in enumerate(content.split("\n"), first):
            start = self._lines[min(number, len(self._lines) - 1)]
            end = self._lines[min(number + 1, len(self._lines) - 1)]
            column = max(0, self._source[start:end].rfind(line))
            where.extend(range(start + column, start + column + len(line) + 1))
        return Content(content, where[: len(content)])


def _cells(line: str) -> Iterator[Span]:
    """The cells of a pipe table's row, without the white space around them."""
    edges = [match.start() for match in _PIPE.finditer(line)]
    starts = [0, *(edge + 1 for edge in edges)]
    cells = [_trimmed(line, start, end) for start, end in zip(starts, [*edges, len(line)], strict=True)]
    if cells and cells[0].start == cells[0].end:
        cells = cells[1:]
    if cells and edges and not line[edges[-1] + 1 :].strip():
        cells = cells[:-1]
    yield from cells


def _trimmed(line: str, start: int, end: int) -> Span:
    cell = line[start:end]
    first = start + len(cell) - len(cell.lstrip())
    return Span(first, max(first, start + len(cell.rstrip())))


# --- text -> runs


def _runs(text: str, span: Span, labels: Labels, look: Run | None = None, depth: int = 0) -> Iterator[Run]:
    look = look or Run("", 0, 0)
    done = span.start
    for match in _INLINE.finditer(text, span.start, span.end):
        inner = list(_marked(match, text, labels, look, depth))
        if not inner:
            continue
        yield from _verbatim(text, done, match.start(), look)
        yield from inner
        done = match.end()
    yield from _verbatim(text, done, span.end, look)


def _marked(match: re.Match[str], text: str, labels: Labels, look: Run, depth: int) -> Iterator[Run]:
    """The runs of one marked stretch; none where it is text like any other."""
    start, end = match.span()
    kind = match.lastgroup or ""
    if kind == "escaped":
        yield replace(look, text=match["escaped"], start=start, end=end)
    elif kind == "mark" and int(match["mark"]) in labels:
        yield replace(look, text=match["mark"], start=start, end=end, mark=int(match["mark"]))
    elif kind == "code":
        yield replace(look, text=match["code"], start=match.start("code"), end=match.end("code"), code=True)
    elif kind in {"bold", "star", "underline"} and depth < MAX_DEPTH:
        styled = replace(look, bold=True) if kind == "bold" else replace(look, italic=True)
        yield from _runs(text, Span(*match.span(kind)), labels, styled, depth + 1)
    elif kind == "address":
        yield from _verbatim(text, *match.span("label"), look)
        yield replace(look, text=f" ({match['address']})", start=match.end("label"), end=end)


def _verbatim(text: str, start: int, end: int, look: Run) -> Iterator[Run]:
    if end > start:
        yield replace(look, text=text[start:end].replace("\n", " "), start=start, end=end)


def _split_at(runs: Iterable[Run], lit: Span) -> Iterator[Run]:
    """Runs cut where the highlight starts and ends; one whose text is not the source's own is lit where it touches it."""
    for run in runs:
        if not run.is_verbatim:
            yield replace(run, lit=run.start < lit.end and run.end > lit.start)
            continue
        cuts = sorted({run.start, *(cut for cut in (lit.start, lit.end) if run.start < cut < run.end), run.end})
        for start, end in pairwise(cuts):
            text = run.text[start - run.start : end - run.start]
            yield replace(run, text=text, start=start, end=end, lit=lit.start <= start and end <= lit.end)


def _as_json(runs: Iterable[Run], labels: Labels | None = None) -> list[dict[str, Any]]:
    """What the browser gets: neighbours that look alike as one, and no key that says nothing."""
    joined: list[Run] = []
    for run in runs:
        if joined and joined[-1].joins(run):
            joined[-1] = replace(joined[-1], text=joined[-1].text + run.text)
        else:
            joined.append(run)
    return [_run_json(run, labels or {}) for run in joined]


def _run_json(run: Run, labels: Labels) -> dict[str, Any]:
    looks = {name: True for name in ("bold", "italic", "code", "lit") if getattr(run, name)}
    mark = {} if run.mark is None else {"mark": run.mark, "label": labels[run.mark]}
    return {"text": run.text, **looks, **mark}
