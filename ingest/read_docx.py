"""DOCX -> Markdown: what Word shows, not its comments, deletions and hidden text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import mammoth
from lxml import etree

from ingest.errors import ArticleError
from ingest.shown_html import as_markdown

UNPACKED = 50_000_000  # bytes of everything that a file holds

# of a style: whether it hides, where it says so itself, and the style that it is based on
Styles = Mapping[str | None, tuple[bool | None, str | None]]


def read_docx(data: bytes) -> tuple[str, dict[str, str | None]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(part.file_size for part in archive.infolist()) > UNPACKED:
            raise ArticleError(f"it unpacks to more than {UNPACKED // 1_000_000} MB")
        parts = dict(_parts(archive))
    _drop_hidden_runs(parts)
    title_style = "p[style-name='Title'] => h1:fresh"
    html = mammoth.convert_to_html(_packed(parts), style_map=title_style, convert_image=lambda _: []).value
    return as_markdown(html), _core_properties(parts)


def _parts(archive: zipfile.ZipFile) -> Iterator[tuple[str, Any]]:
    """The trees of what is XML. Nothing else goes on to the converter: what is not understood here cannot be looked through for hidden text."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for part in archive.infolist():
        try:
            yield part.filename, etree.fromstring(archive.read(part), parser)
        except etree.XMLSyntaxError:
            continue


def _packed(parts: Mapping[str, Any]) -> io.BytesIO:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as copy:
        for name, root in parts.items():
            copy.writestr(name, etree.tostring(root))
    target.seek(0)
    return target


def _core_properties(parts: Mapping[str, Any]) -> dict[str, str | None]:
    root = parts.get("docProps/core.xml")
    return {} if root is None else {"title": root.findtext("{*}title"), "author": root.findtext("{*}creator")}


# --- hidden runs. Names count in any namespace: strict OOXML has its own


def _drop_hidden_runs(parts: Mapping[str, Any]) -> None:
    styles = dict(pair for root in parts.values() for pair in _styles_of(root))
    for root in parts.values():
        for run in list(root.iter("{*}r")):
            if run.getparent() is not None and _is_hidden(run, styles):
                run.getparent().remove(run)


def _styles_of(root: Any) -> Iterator[tuple[str | None, tuple[bool | None, str | None]]]:
    """By id; under None is that of a paragraph which names no style."""
    for style in root.iter("{*}style"):
        told = _is_on(style.find("{*}rPr/{*}vanish")), _value(style.find("{*}basedOn"))
        yield _value(style, "styleId"), told
        if _value(style, "type") == "paragraph" and _value(style, "default") in {"1", "true", "on"}:
            yield None, told


def _is_hidden(run: Any, styles: Styles) -> bool:
    """As the run says itself, or else its style, or else its paragraph's style."""
    if (own := _is_on(run.find("{*}rPr/{*}vanish"))) is not None:
        return own
    style = run.find("{*}rPr/{*}rStyle")
    if style is not None and (told := _hides(_value(style), styles)) is not None:
        return told
    paragraph = next(run.iterancestors("{*}p"), None)
    return paragraph is not None and bool(_hides(_value(paragraph.find("{*}pPr/{*}pStyle")), styles))


def _hides(style: str | None, styles: Styles) -> bool | None:
    for _ in range(len(styles)):  # styles that are based on each other in a ring say nothing
        hides, style = styles.get(style, (None, None))
        if hides is not None or style is None:
            return hides
    return None


def _is_on(switch: Any) -> bool | None:
    """Of a property that may be there, and switched off: `<w:vanish w:val="0"/>`."""
    return None if switch is None else (_value(switch) or "1").lower() not in {"0", "false", "off"}


def _value(element: Any, name: str = "val") -> str | None:
    if element is None:
        return None
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)
