"""HTML as far as a browser shows it, and as Markdown: of fragments, of a DOCX file's text, and of the HTML blocks that stand in Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree
from lxml.html import fromstring, tostring
from markdownify import markdownify

from ingest.markdown import parsed

_HIDING = r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?:\.0+)?(?:px|em|rem|pt|%)?\s*(?:;|!|$)"
_HIDING_RULE = re.compile(_HIDING, re.IGNORECASE)
_HIDING_STYLE = re.compile(
    _HIDING + r"|(?:opacity|max-height|(?<![-\w])(?:width|height))\s*:\s*0(?:\.0+)?(?:px|em|rem|pt|%)?\s*(?:;|!|$)", re.IGNORECASE
)
_SHOWING_RULE = re.compile(r"(?<![-\w])(?:display|visibility)\s*:", re.IGNORECASE)
_NEVER_SHOWN = {"script", "style", "template", "noscript", "iframe", "object", "svg", "dialog"}
_NOT_RULES = re.compile(
    r"/\*.*?\*/|<!--|-->|@[^{};]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})", re.DOTALL
)  # comments, @media print and its like
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_COMPOUND = re.compile(r"([a-zA-Z][\w-]*|\*)?((?:[.#][\w-]+)*)")
_OPENS_TAG = re.compile(r"<(?=[A-Za-z/!?])")


# --- what is shown


def drop_hidden(tree: Any) -> None:
    """Without what a browser would not show. A form around the page is a part of it; one within is no text."""
    hidden = _hidden_by_rules(tree)
    words = len(tree.text_content())
    for element in list(tree.iter()):
        if element.getparent() is None:
            continue
        if element.tag == "form" and len(element.text_content()) * 2 > words:
            element.drop_tag()
        elif element.tag == "form" or element in hidden or _is_hidden(element):
            element.drop_tree()


def _is_hidden(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in _NEVER_SHOWN:  # a comment's tag is a function
        return True
    is_marked = "hidden" in element.attrib or element.get("aria-hidden", "").lower() == "true"
    return is_marked or bool(_HIDING_STYLE.search(element.get("style", "")))


def _hidden_by_rules(tree: Any) -> set[Any]:
    """By the page's own style sheets; the last rule for an element counts. What only starts transparent or flat is opened by a script,
    and so is a whole page that starts hidden.
    """
    hidden: set[Any] = set()
    sheets = "\n".join(style.text or "" for style in tree.iter("style"))
    for selectors, body in _RULE.findall(_NOT_RULES.sub(" ", sheets)):
        hides = _HIDING_RULE.search(body)
        if not hides and not _SHOWING_RULE.search(body):
            continue
        for path in filter(None, map(_xpath, selectors.split(","))):
            found = {element for element in tree.xpath(path) if element.tag not in {"html", "body"}}
            hidden = hidden | found if hides else hidden - found
    return hidden


def _xpath(selector: str) -> str | None:
    """Of tags, classes and ids, one within another; None for what else a selector can ask."""
    path, step = "", "//"
    for part in selector.replace(">", " > ").split():
        compound = _COMPOUND.fullmatch(part)
        if part == ">":
            step = "/"
        elif compound is None:
            return None
        else:
            path += f"{step}{(compound[1] or '*').lower()}{''.join(_conditions(compound[2]))}"
            step = "//"
    return path or None


def _conditions(names: str) -> Iterator[str]:
    for mark, name in re.findall(r"([.#])([\w-]+)", names):
        yield f"[@id='{name}']" if mark == "#" else f"[contains(concat(' ', normalize-space(@class), ' '), ' {name} ')]"


# --- as Markdown


def escaped(text: str) -> str:
    """Text that opens no tag where it stands in Markdown."""
    return _OPENS_TAG.sub(r"\\<", text)


def as_markdown(html: str) -> str:
    """Of a fragment. What is text stays text: a `<` opens no tag, and a pipe in a cell ends no cell."""
    tree = fromstring(f"<div>{html}</div>")
    drop_hidden(tree)
    _flatten_inner_tables(tree)
    _change_text(tree, "//text()[not(ancestor::pre or ancestor::code)]", escaped)
    _change_text(tree, "//td//text() | //th//text()", lambda text: text.replace("|", r"\|"))
    markdown: str = markdownify(
        tostring(tree, encoding="unicode"), heading_style="ATX", bullets="-", strip=["a", "img"], table_infer_header=True, escape_misc=False
    )
    return markdown


def _flatten_inner_tables(tree: Any) -> None:
    """A table within a table's cell is told as the words of its cells."""
    for inner in reversed(tree.xpath("//td//table | //th//table")):
        cells = (" ".join(cell.text_content().split()) for cell in inner.iter("td", "th"))
        words = etree.Element("span")
        words.text, words.tail = f" {', '.join(filter(None, cells))} ", inner.tail
        inner.getparent().replace(inner, words)


def _change_text(tree: Any, path: str, change: Callable[[str], str]) -> None:
    for text in tree.xpath(path):
        setattr(text.getparent(), "tail" if text.is_tail else "text", change(text))


def read_blocks(data: bytes) -> tuple[str, dict[str, str | None]]:
    """Markdown whose HTML blocks are Markdown too: what a reader sees of them is text like any other."""
    text = data.decode()
    lines = text.split("\n")
    done: list[str] = []
    at = 0
    for token in parsed(text):
        if token.type == "html_block" and token.map:
            first, last = token.map
            done += [*lines[at:first], *_converted(lines[first].partition("<")[0], token.content)]
            at = last
    return "\n".join([*done, *lines[at:]]), {}


def _converted(prefix: str, html: str) -> Iterator[str]:
    """The lines of a block, behind the marks of the quotes and lists that it stands in."""
    inside = re.sub(r"[^\s>]", " ", prefix)
    if inside == prefix:
        yield inside.rstrip()  # what stands right above it is no part of it
    for number, line in enumerate(as_markdown(html).strip().split("\n")):
        yield ((inside if number else prefix) + line).rstrip()
    yield inside.rstrip()
