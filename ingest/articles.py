"""A file -> an Article. One reader a format, behind `read_article`; each gives canonical Markdown with nothing hidden in it."""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

import sentencex
import yaml

from ingest.errors import ArticleError, CorpusError
from ingest.plain_text import to_markdown
from ingest.types import Article, Origin, Role

TITLE_CHARACTERS = 90  # of an article that names none: its opening words, up to here
FRONT_MATTER_CHARACTERS = 20_000
FRONT_MATTER_BRACKETS = 200  # a parser's time grows with the square of their depth
MAX_FILES = 100_000

_FRONT_MATTER = re.compile(
    r"\A---[ \t]*\n(?=[ \t]*(?:#|---|[\w-]+[ \t]*:|[-\[{&*!]))(?P<yaml>.*?)(?:^---[ \t]*(?:\n|\Z))", re.DOTALL | re.MULTILINE
)
_COMMENT = re.compile(r"<!--.*?-->|^ {0,3}<!--.*\Z", re.DOTALL | re.MULTILINE)
_FIRST_HEADING = re.compile(r"\A\s*#[ \t]+(?P<title>\S.*)$", re.MULTILINE)
_STRUCTURE = re.compile(r"^\s*(?:[-*+>|#]+|\d+[.)])\s*")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader makes of a file's text: Markdown, and what it could tell about it."""

    markdown: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def find_articles(folder: Path) -> dict[str, Path]:
    """Article id -> file, sorted by id. Links are not followed out of the folder. Raises CorpusError where there is nothing to read."""
    if not folder.is_dir():
        raise CorpusError(f"There is no folder of articles at '{folder}'; name one with --corpus.")
    root = folder.resolve()
    found: dict[str, Path] = {}
    for path in _files(folder):
        if path.suffix.lower() in READERS and _is_inside(path, root):
            name = PurePosixPath(path.relative_to(folder)).with_suffix("").as_posix()
            # two files that differ in their suffix alone are two articles
            found[name if name not in found else f"{name}{path.suffix}"] = path
    if not found:
        raise CorpusError(f"The folder '{folder}' holds no article ({', '.join(sorted(READERS))}); nothing was changed.")
    return dict(sorted(found.items()))


def _is_inside(path: Path, root: Path) -> bool:
    """Whether a file lies below the folder once links are followed, and has a name that can be written down."""
    try:
        path.name.encode()
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError, UnicodeEncodeError):
        return False


def _files(folder: Path) -> Iterator[Path]:
    for count, path in enumerate(sorted(folder.rglob("*"))):
        if count >= MAX_FILES:
            raise CorpusError(f"The folder '{folder}' holds more than {MAX_FILES:,} files; name a smaller one with --corpus.")
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and not path.is_dir():
            yield path


def read_article(article_id: str, path: Path, max_bytes: int) -> Article:
    """Raises ArticleError, whose text says why this file was left out."""
    text = clean(_decode(_read_bytes(path, max_bytes)))
    draft = READERS[path.suffix.lower()](text)
    body = _without_comments(draft.markdown).strip("\n") + "\n"
    if not any(character.isalnum() for character in body):
        raise ArticleError("it holds no text")
    article = Article(article_id, title="", text=body, **_checked(draft.fields))
    return replace(article, title=_line(draft.fields.get("title")) or _title_of(body))


def _without_comments(markdown: str) -> str:
    """Again until none is left: what stands around a comment may make another. One that is opened within a line and never closed is text."""
    while (less := _COMMENT.sub("", markdown)) != markdown:
        markdown = less
    return markdown


def clean(text: str) -> str:
    """NFKC, one kind of newline, and nothing that a person would not see: control, zero-width, tag and direction characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    text = unicodedata.normalize("NFKC", text)
    return "".join(character for character in text if character in "\n\t" or unicodedata.category(character) not in _UNSEEN)


_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


def _read_bytes(path: Path, max_bytes: int) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ArticleError("it is not a regular file")
        if status.st_size > max_bytes:
            raise ArticleError(f"it is larger than {max_bytes / 1e6:g} MB (CAREER_MAX_ARTICLE_MB)")
        return path.read_bytes()
    except OSError as error:
        raise ArticleError(f"it cannot be read ({error.strerror or type(error).__name__})") from None


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
    return Draft(text[match.end() :], front_matter(match["yaml"])) if match else Draft(text)


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
    words = _STRUCTURE.sub("", opening).strip()
    words = next(iter(sentencex.segment("en", words)), words).strip()
    if len(words) <= TITLE_CHARACTERS:
        return words.rstrip(".")
    return words[:TITLE_CHARACTERS].rsplit(" ", 1)[0].rstrip(" ,;:-–—") + "..."
