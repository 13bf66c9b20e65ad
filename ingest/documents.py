"""HTML, PDF and DOCX -> Markdown. It runs as a process of its own, with limits (see sandbox.py): python -m ingest.documents

For each document it reads a line of JSON, {"suffix", "bytes"}, and the document; writes a line once what it needs is imported, and then
{"markdown", "fields"} or {"error"}. It opens no file and no connection: what a document refers to is not fetched.
"""

from __future__ import annotations

import io
import json
import math
import re
import resource
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

MEMORY = 200_000_000  # bytes that a document may take, on top of what its reader takes
PAGES = 500
UNPACKED = 50_000_000  # bytes of everything that a DOCX file holds
CHARACTERS = 10_000_000  # of the Markdown
HEADING_SIZE = 1.15  # times the size of most letters: from here a line of a PDF is a heading

Read = tuple[str, dict[str, str | None]]

_BULLET = re.compile(r"^[•●◦▪‣∙·⁃○■\uf0b7]\s*")
_COLUMNS = re.compile(r"\s{2,}")
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity|max-height|(?<![-\w])(?:width|height))\s*:\s*0(?:\.0+)?(?:px|em|rem|pt|%)?\s*(?:;|!|$)",
    re.IGNORECASE,
)
_NEVER_SHOWN = {"script", "style", "template", "noscript", "iframe", "object", "svg", "form", "dialog"}
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


class UnreadableError(Exception):
    """Its text is the reason why a document is left out."""


# --- HTML


def read_html(data: bytes) -> Read:
    """The main content, without what surrounds it on the page and without what a browser would not show."""
    import trafilatura  # noqa: PLC0415
    from trafilatura.utils import load_html  # noqa: PLC0415

    tree = load_html(data)
    if tree is None:
        raise UnreadableError("it is not HTML")
    about = trafilatura.extract_metadata(tree, date_config={"original_date": True, "extensive_search": False})
    _drop_hidden(tree)
    markdown = trafilatura.extract(tree, output_format="markdown", include_comments=False, include_tables=True, include_links=False)
    fields = {"title": about.title, "author": about.author, "published": about.date, "url": about.url} if about else {}
    return _tables_apart(markdown or ""), fields


def _drop_hidden(tree: Any) -> None:
    for element in list(tree.iter()):
        if element.getparent() is not None and _is_hidden(element):
            element.drop_tree()


def _is_hidden(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in _NEVER_SHOWN:  # a comment's tag is a function
        return True
    is_marked = "hidden" in element.attrib or element.get("aria-hidden", "").lower() == "true"
    return is_marked or bool(_HIDDEN_STYLE.search(element.get("style", "")))


def _tables_apart(markdown: str) -> str:
    """A blank line around each table, which would else be a part of the paragraph above it."""
    lines: list[str] = []
    for line in markdown.split("\n"):
        in_table = bool(lines) and lines[-1].startswith("|")
        if lines and lines[-1].strip() and line.startswith("|") != in_table:
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


# --- DOCX


def read_docx(data: bytes) -> Read:
    """What Word shows: not its comments, deletions and hidden text."""
    import mammoth  # noqa: PLC0415
    from markdownify import markdownify  # noqa: PLC0415

    title_style = "p[style-name='Title'] => h1:fresh"
    html = mammoth.convert_to_html(_without_hidden_runs(data), style_map=title_style, convert_image=lambda _: []).value
    markdown = markdownify(html, heading_style="ATX", bullets="-", strip=["a", "img"], table_infer_header=True, escape_misc=False)
    return markdown, _core_properties(data)


def _without_hidden_runs(data: bytes) -> io.BytesIO:
    """The same file without the runs that Word hides; refused before it is unpacked where it is far larger than it looks."""
    from lxml import etree  # noqa: PLC0415

    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w") as copy:
        if sum(part.file_size for part in source.infolist()) > UNPACKED:
            raise UnreadableError(f"it unpacks to more than {UNPACKED // 1_000_000} MB")
        for part in source.infolist():
            content = source.read(part)
            if part.filename.endswith(".xml") and b"vanish" in content:
                root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
                for run in [run for run in root.iter(f"{_WORD}r") if run.find(f"{_WORD}rPr/{_WORD}vanish") is not None]:
                    run.getparent().remove(run)
                content = etree.tostring(root)
            copy.writestr(part.filename, content)
    target.seek(0)
    return target


def _core_properties(data: bytes) -> dict[str, str | None]:
    from lxml import etree  # noqa: PLC0415

    with zipfile.ZipFile(io.BytesIO(data)) as source:
        if "docProps/core.xml" not in source.namelist():
            return {}
        root = etree.fromstring(source.read("docProps/core.xml"), etree.XMLParser(resolve_entities=False, no_network=True))
    return {"title": root.findtext("{*}title"), "author": root.findtext("{*}creator")}


# --- PDF


def read_pdf(data: bytes) -> Read:
    """Lines as they stand on the page: larger ones are headings, those in columns are tables. What repeats on most pages is dropped."""
    import pypdf  # noqa: PLC0415

    reader = pypdf.PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableError("it is locked with a password")
    if len(reader.pages) > PAGES:
        raise UnreadableError(f"it has more than {PAGES} pages")
    sizes: Counter[float] = Counter()
    large: dict[str, float] = {}
    pages = [_lines_of(page, sizes, large) for page in reader.pages]
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    headings = {text: size for text, size in large.items() if size >= body * HEADING_SIZE}
    lines = [line for page in _without_repeated(pages) for line in [*page, ""]]
    about = reader.metadata
    fields = {"title": about.title, "author": about.author} if about else {}
    return "\n\n".join(_blocks(lines, headings)), fields


def _lines_of(page: Any, sizes: Counter[float], large: dict[str, float]) -> list[str]:
    """A page's lines; counts its letters by size, and notes of each stretch of text how large it is."""

    def seen(text: str, outer: Sequence[float], inner: Sequence[float], _: object, size: float) -> None:
        height = round(abs(size) * math.hypot(inner[2], inner[3]) * math.hypot(outer[2], outer[3]), 1)
        for line in text.split("\n"):
            if squeezed := "".join(line.split()):
                sizes[height] += len(squeezed)
                large[squeezed] = max(height, large.get(squeezed, 0.0))

    page.extract_text(visitor_text=seen)
    return [line.rstrip() for line in str(page.extract_text(extraction_mode="layout")).split("\n")]


def _without_repeated(pages: Sequence[list[str]]) -> Iterator[list[str]]:
    """Without the first and last lines that stand on most pages but for a number."""
    edges = Counter(edge for page in pages for edge in {re.sub(r"\d+", "#", line.strip()) for line in _edges(page)})
    repeated = {edge for edge, count in edges.items() if count >= 3 and count * 2 > len(pages)}
    for page in pages:
        outer = _edges(page)
        yield [line for line in page if not (line in outer and re.sub(r"\d+", "#", line.strip()) in repeated)]


def _edges(page: Iterable[str]) -> list[str]:
    told = [line for line in page if line.strip()]
    return [told[0], told[-1]] if told else []


def _blocks(lines: Sequence[str], headings: Mapping[str, float]) -> Iterator[str]:
    """Lines -> blocks of Markdown: a heading, a list item, a table, or a paragraph of wrapped lines."""
    ranks = {size: rank for rank, size in enumerate(sorted(set(headings.values()), reverse=True), start=1)}
    block: list[str] = []
    for line in [*lines, ""]:
        text = line.strip()
        heading = headings.get("".join(text.split()))
        if heading or not text or _BULLET.match(text) or (block and _is_row(line) != _is_row(block[-1])):
            yield from _block(block)
            block = []
        if heading:
            yield f"{'#' * min(ranks[heading], 6)} {' '.join(text.split())}"
        elif text:
            block.append(line)


def _is_row(line: str) -> bool:
    return len(_COLUMNS.split(_BULLET.sub("", line.strip()))) > 1


def _block(block: Sequence[str]) -> Iterator[str]:
    rows = [_COLUMNS.split(line.strip()) for line in block]
    if len(rows) > 1 and _is_row(block[0]):
        yield "\n".join(_table(rows))
    elif block:
        text = " ".join(" ".join(row) for row in rows)
        yield _BULLET.sub("- ", re.sub(r"(?<=\w)[-\u00ad] (?=[a-z])", "", text))


def _table(rows: Sequence[list[str]]) -> Iterator[str]:
    width = max(map(len, rows))
    for number, row in enumerate(rows):
        cells = [cell.replace("|", r"\|") for cell in [*row, *[""] * (width - len(row))]]
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield "|" + "---|" * width


# --- the process

READERS: dict[str, tuple[Callable[[bytes], Read], tuple[str, ...]]] = {
    ".html": (read_html, ("trafilatura",)),
    ".htm": (read_html, ("trafilatura",)),
    ".pdf": (read_pdf, ("pypdf",)),
    ".docx": (read_docx, ("mammoth", "markdownify", "lxml.etree")),
}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for header in iter(sys.stdin.buffer.readline, b""):
        asked = json.loads(header)
        data = sys.stdin.buffer.read(asked["bytes"])
        reader, needed = READERS[asked["suffix"]]
        for name in needed:
            __import__(name)
        _limit_memory()
        _say({"ready": True})
        _say(_outcome(reader, data))


def _outcome(reader: Callable[[bytes], Read], data: bytes) -> dict[str, Any]:
    try:
        markdown, fields = reader(data)
    except UnreadableError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": f"it takes more than {MEMORY // 1_000_000} MB of memory to read"}
    except RecursionError:
        return {"error": "it is nested too deeply"}
    except Exception as error:  # each library raises its own for what is damaged
        return {"error": f"it is damaged ({type(error).__name__})"}
    if len(markdown) > CHARACTERS:
        return {"error": f"its text is longer than {CHARACTERS:,} characters"}
    return {"markdown": markdown, "fields": {name: value for name, value in fields.items() if isinstance(value, str)}}


def _limit_memory() -> None:
    """So much more than is taken already; where the system does not tell (macOS), the wall clock alone limits."""
    try:
        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        return


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
