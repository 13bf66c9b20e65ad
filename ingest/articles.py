"""A file -> an Article. One reader a format, behind `read_article`; each gives canonical Markdown with nothing hidden in it."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import sentencex
import yaml

from ingest.errors import ArticleError, CorpusError
from ingest.markdown import cut_heading, with_comments_as_text, without_comments
from ingest.plain_text import to_markdown
from ingest.sandbox import Sandbox
from ingest.types import Article, Origin, Role

TITLE_CHARACTERS = 90  # of an article that names none: its opening words, up to here
OPENING_CHARACTERS = 2000  # of them, that a title is looked for in
FRONT_MATTER_CHARACTERS = 20_000
FRONT_MATTER_BRACKETS = 200  # a parser's time grows with the square of their depth
MAX_FILES = 100_000
READER_VERSION = 2  # raised when the same file would give another article
FIELDS = frozenset({"title", "author", "url", "published", "based_on", "roles"})  # that front matter may name
DOCUMENTS = frozenset({".html", ".htm", ".pdf", ".docx"})  # read in a process of its own (documents.py)
LIBRARIES = ("trafilatura", "pypdf", "mammoth", "markdownify")

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_MEANT_AS_FIELDS = re.compile(r"""[ \t]*(?:["']?[\w-]+["']?[ \t]*:|[{&*!])""")  # what is then not valid is an error, not text
_TAG_AT_START = re.compile(r"^[ \t>*+\-\d.)]*<[A-Za-z!/?]", re.MULTILINE)  # of a line: it may open a block of HTML
_BLANK_LINE = re.compile(r"[ \t]*\n")
_BREAK = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")  # what str.splitlines takes for the end of a line
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_FIRST_HEADING = re.compile(r"\A\s*#[ \t]+(?P<title>\S.*)$", re.MULTILINE)
_STRUCTURE = re.compile(r"^\s*(?:[-*+>|#]+|\d+[.)])\s*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # in a file's name: they would forge a line of the report


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader makes of a file's text: Markdown, and what it could tell about it."""

    markdown: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder that could be articles, by article id, sorted; and (file, reason) of those that may not be read."""

    files: dict[str, Path]
    left_out: tuple[tuple[str, str], ...] = ()


def find_articles(folder: Path, apart: Path | None = None) -> Listing:
    """Raises CorpusError where there is nothing to read. Links are not followed out of the folder, and not the folder `apart`."""
    if not folder.is_dir():
        raise CorpusError(f"There is no folder of articles at '{folder}'; name one with --corpus.")
    root = folder.resolve()
    files: dict[str, Path] = {}
    left_out: list[tuple[str, str]] = []
    found = walk(folder, apart)
    for path in sorted(found):
        name = path.relative_to(folder).as_posix()
        if reason := found[path] or _may_not_be_read(path, root):
            left_out.append((_CONTROL.sub("\ufffd", name.encode(errors="replace").decode()), reason))
            continue
        article_id = PurePosixPath(name).with_suffix("").as_posix()
        # two files that differ in their suffix alone are two articles
        files[article_id if article_id not in files else name] = path
    if not files and not left_out:
        raise CorpusError(f"The folder '{folder}' holds no article ({', '.join(sorted(SUFFIXES))}); nothing was changed.")
    return Listing(dict(sorted(files.items())), tuple(left_out))


def _may_not_be_read(path: Path, root: Path) -> str | None:
    """Why a file is left out by its name or place alone."""
    if _CONTROL.search(path.as_posix()):
        return "its name holds control characters"
    try:
        path.as_posix().encode()
        inside = path.resolve(strict=True).is_relative_to(root)
    except UnicodeEncodeError:
        return "its name is not text"
    except (OSError, RuntimeError):
        return "it is a link that leads nowhere"
    return None if inside else "it is a link out of the folder"


def walk(folder: Path, apart: Path | None = None) -> dict[Path, str | None]:
    """Every file whose name ends as an article's does, and of folders that are not gone into the reason; what is hidden is passed over, and
    so is the folder `apart`: what is made of the articles is none.
    """
    made = apart.resolve() if apart else None
    found: dict[Path, str | None] = {}
    folders, seen = [folder], 0
    while folders:
        here = folders.pop()
        try:
            with os.scandir(here) as listed:
                entries = list(islice(listed, MAX_FILES - seen + 1))
        except OSError as error:
            found[here] = f"it cannot be read ({error.strerror})"
            continue
        seen += len(entries)
        if seen > MAX_FILES:
            raise CorpusError(f"The folder '{folder}' holds more than {MAX_FILES:,} files; name a smaller one with --corpus.")
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders += [Path(entry.path)] if Path(entry.path).resolve() != made else []
            elif entry.is_symlink() and Path(entry.path).is_dir():
                found[Path(entry.path)] = "it is a link to a folder, which is not followed"
            elif PurePosixPath(entry.name).suffix.lower() in SUFFIXES:
                found[Path(entry.path)] = None
    return found


def read_article(article_id: str, path: Path, max_bytes: int) -> Article:
    """Raises ArticleError, whose text says why this file was left out."""
    with Sandbox() as sandbox:
        return article_of(article_id, path, file_bytes(path, path.parent, max_bytes), sandbox)


def article_of(article_id: str, path: Path, data: bytes, sandbox: Sandbox) -> Article:
    """The article that a file's bytes are. Raises ArticleError."""
    suffix = path.suffix.lower()
    draft = (_read_text if suffix in READERS else _read_document)(suffix, data, sandbox)
    body = draft.markdown.strip("\n") + "\n"
    if not any(character.isalnum() for character in body):
        raise ArticleError("it holds no text")
    article = Article(article_id, title="", text=body, **_checked(draft.fields))
    return replace(article, title=cut_heading(_line(draft.fields.get("title")) or _title_of(body)))


def _read_text(suffix: str, data: bytes, sandbox: Sandbox) -> Draft:
    draft = READERS[suffix](clean(_decode(data)))
    markdown = without_comments(draft.markdown)
    if _TAG_AT_START.search(markdown):
        markdown = clean(sandbox.read(".md", markdown.encode())[0])
    return replace(draft, markdown=markdown)


def _read_document(suffix: str, data: bytes, sandbox: Sandbox) -> Draft:
    markdown, fields = sandbox.read(suffix, data)
    return Draft(with_comments_as_text(clean(markdown)), fields)


@cache
def reader_version() -> str:
    """Names what reads files: another version may read the same file otherwise."""
    return " ".join([str(READER_VERSION), *(f"{name} {version(name)}" for name in LIBRARIES)])


def clean(text: str) -> str:
    """NFKC, one kind of newline, and nothing that a person would not see: control, zero-width, tag and direction characters."""
    text = _BREAK.sub("\n", text)
    # normalised last: what was parted by an unseen character is now one
    return unicodedata.normalize("NFKC", "".join(character for character in text if character in "\n\t" or _is_seen(character)))


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN


def file_bytes(path: Path, root: Path, max_bytes: int) -> bytes:
    """A regular file's bytes; nothing is waited for, and no link is followed out of `root`. Raises ArticleError."""
    try:
        target = path.resolve(strict=True)
        if not target.is_relative_to(root.resolve()):
            raise ArticleError("it is a link out of the folder")
        if not stat.S_ISREG(target.stat().st_mode):
            raise ArticleError("it is not a regular file")
        descriptor = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - what was opened is what is looked at, whatever now stands under its name
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ArticleError("it is not a regular file")
            data = file.read(max_bytes + 1) if status.st_size <= max_bytes else b""
    except (OSError, RuntimeError) as error:
        raise ArticleError(f"it cannot be read ({getattr(error, 'strerror', None) or type(error).__name__})") from None
    if max(len(data), status.st_size) > max_bytes:
        raise ArticleError(f"it is larger than {max_bytes / 1e6:g} MB (CAREER_MAX_ARTICLE_MB)")
    return data


def _decode(data: bytes) -> str:
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ArticleError("it is not a text file")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ArticleError(f"it is not UTF-8 text (byte {error.start})") from None


def _read_markdown(text: str) -> Draft:
    match = _FRONT_MATTER.match(text)
    fields = _fields(match["yaml"]) if match else None
    return Draft(text) if match is None or fields is None else Draft(text[match.end() :], fields)


def _fields(text: str) -> dict[str, Any] | None:
    """What front matter says; None where it is text between two rules. Raises ArticleError for what is meant as front matter, and is not."""
    try:
        fields = front_matter(text)
    except ArticleError:
        if _MEANT_AS_FIELDS.match(text):
            raise
        return None
    # below a blank line a mapping may be a sentence with a colon: there a name must be one that is known
    return None if _BLANK_LINE.match(text) and FIELDS.isdisjoint(fields) else fields


def _read_plain_text(text: str) -> Draft:
    body = _read_markdown(text)
    markdown, byline = to_markdown(body.markdown)
    return Draft(markdown, {"author": byline, **body.fields} if byline else body.fields)


READERS: dict[str, Callable[[str], Draft]] = {
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".txt": _read_plain_text,
    ".text": _read_plain_text,
}


SUFFIXES = DOCUMENTS | READERS.keys()


def front_matter(text: str) -> dict[str, Any]:
    """YAML of scalars, lists and one level of names; aliases are refused before they are expanded. Raises ArticleError."""
    if len(text) > FRONT_MATTER_CHARACTERS:
        raise ArticleError(f"its front matter is longer than {FRONT_MATTER_CHARACTERS:,} characters")
    if text.count("[") + text.count("{") > FRONT_MATTER_BRACKETS:
        raise ArticleError("its front matter is nested too deeply")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ArticleError("its front matter uses YAML aliases, which are not read")
        fields = yaml.safe_load(text)
    except ArticleError:
        raise
    except Exception:
        raise ArticleError("its front matter is not valid YAML") from None
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise ArticleError("its front matter is not a list of 'name: value' lines")
    return {str(name): value for name, value in fields.items()}


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    based_on = fields.get("based_on")
    return {
        "author": _line(fields.get("author")),
        "url": _web_address(fields.get("url")),
        "published": _line(fields.get("published")),
        "based_on": _origin(based_on) if isinstance(based_on, dict) else None,
        "roles": _roles(fields.get("roles")),
    }


def _origin(fields: Mapping[Any, Any]) -> Origin:
    return Origin(
        title=_line(fields.get("title")),
        author=_line(fields.get("author")),
        url=_web_address(fields.get("url")),
        published=_line(fields.get("published")),
    )


def _line(value: object) -> str | None:
    """One line of text; None for what is not a scalar."""
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | float | date):
        return None
    if isinstance(value, int) and abs(value) > 10**18:
        return None
    return " ".join(clean(str(value)).split()) or None  # YAML can write what the file does not hold: "\\u202e"


def _web_address(value: object) -> str | None:
    text = _line(value)
    return text if text and re.fullmatch(r"https?://[^\s<>\"'`\\]+", text) else None


def _roles(value: object) -> tuple[Role, ...]:
    """`{name: [other names]}`, or a list of names or of such pairs."""
    pairs: list[tuple[object, object]] = []
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, dict):
            pairs.extend(part.items())
        else:
            pairs.append((part, None))
    roles = []
    for name, others in pairs:
        listed = others if isinstance(others, list) else [others]
        if main := _line(name):
            roles.append(Role(main, tuple(other for other in map(_line, listed) if other)))
    return tuple(roles)


def _title_of(markdown: str) -> str:
    if heading := _FIRST_HEADING.search(markdown):
        return heading["title"].rstrip(" \t#") or heading["title"]
    opening = next(line for line in markdown.splitlines() if any(character.isalnum() for character in line))
    words = _STRUCTURE.sub("", opening[:OPENING_CHARACTERS]).strip()
    words = next(iter(sentencex.segment("en", words)), words).strip()
    if len(words) <= TITLE_CHARACTERS:
        return words.rstrip(".")
    return words[:TITLE_CHARACTERS].rsplit(" ", 1)[0].rstrip(" ,;:-–—") + "..."
