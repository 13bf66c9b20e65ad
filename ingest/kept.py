"""Which generations are kept, what made each, and which of them is served. Opens none.

<data>/current                   the name of the generation that is served; after a rollback a second line (see Pointer)
<data>/generations/<id>-<n>/     never written again once it stands under that name; n counts builds of the same content
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from ingest.errors import IndexMismatchError, NoIndexError, SearchIndexError
from ingest.types import Role, content_hash

FORMAT = 2  # of the files of a generation
POINTER = "current"
GENERATIONS = "generations"
GENERATION_NAME = re.compile(r"(?P<id>[0-9a-f]{16})-\d+")
DAMAGED = "The index is damaged, or may not be read; run: career-advisor ingest --force"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation was made of and by. Its id hashes the content alone, so that two machines agree on it.

    `sources` tells for each article the hash and the name of the file that it was read from, and `reader` what read it:
    a file that is still the same need not be read again. `parent` is the generation that was served when this one was built.
    """

    model: str
    splitter: int
    chunk_pieces: int
    roles: tuple[Role, ...]
    articles: dict[str, str]  # id -> hash
    chunks: str  # hash of the chunks' ids, in order
    counts: dict[str, int]  # article id -> chunks
    ingested_at: dict[str, str]  # article id -> when it last changed, ISO 8601, UTC
    sources: dict[str, str] = field(default_factory=dict)
    reader: str = ""
    parent: str | None = None
    built_at: str = ""
    format: int = FORMAT

    @property
    def id(self) -> str:
        story = dict.fromkeys(("ingested_at", "sources", "reader", "parent", "built_at"))
        return content_hash({**asdict(self), **story})[:16]

    @property
    def passages(self) -> int:
        return sum(self.counts.values())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises IndexMismatchError where the generation is damaged or of another program version."""
        try:
            fields = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            if fields["format"] != FORMAT:
                raise IndexMismatchError("The index was made by another version of this program; run: career-advisor ingest")
            roles = tuple(Role(role["name"], tuple(role["others"])) for role in fields.pop("roles"))
            return cls(roles=roles, **fields)
        except (OSError, ValueError, KeyError, TypeError):
            raise IndexMismatchError(DAMAGED) from None


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which generation is served. After a rollback: which was left, the hash of the articles as they lay in their folder then (while they
    are the same, the state holds), and which were left by rollbacks before it.
    """

    generation: str
    left: str | None = None
    held_articles: str | None = None
    left_before: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Path) -> Self | None:
        """None where nothing was ingested, or the file is damaged."""
        try:
            first, *rest = (data / POINTER).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return None
        left = rest[0].split() if rest else []
        if not GENERATION_NAME.fullmatch(first.strip()):
            return None
        return cls(first.strip(), left[0], left[1], tuple(left[2:])) if len(left) > 1 else cls(first.strip())

    @property
    def all_left(self) -> tuple[str, ...]:
        """Every generation that was gone back from, the last first."""
        return (self.left, *self.left_before) if self.left else ()

    def __str__(self) -> str:
        held = " ".join([self.left, str(self.held_articles), *self.left_before]) + "\n" if self.left else ""
        return f"{self.generation}\n{held}"


def current_generation(data: Path) -> Path:
    """The folder of the generation that is served. Raises NoIndexError where nothing was ingested."""
    pointer = Pointer.read(data)
    folder = data / GENERATIONS / (pointer.generation if pointer else "")
    if not pointer or not folder.is_dir():
        raise NoIndexError(f"There is no index in '{data}' yet; run: career-advisor ingest")
    return folder


def kept_generations(data: Path) -> list[Path]:
    """The folders of all generations that are kept, the newest first."""
    try:
        found = [path for path in (data / GENERATIONS).iterdir() if GENERATION_NAME.fullmatch(path.name)]
    except OSError:
        return []
    return sorted(found, key=_built, reverse=True)


def _built(folder: Path) -> tuple[float, int]:
    """When a generation was built: by its manifest, and then by its folder, which a copy makes younger. One that is gone: last."""
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:
        return math.inf, 0
    try:
        return datetime.fromisoformat(Manifest.read(folder).built_at).timestamp(), changed
    except (SearchIndexError, ValueError, TypeError):
        return changed / 10**9, changed


def earlier(data: Path, folder: Path) -> Iterator[Path]:
    """The generations before one, the nearest first: each was served when the next was built; where such a one is gone, the newest that is older."""
    seen = {folder}
    while (before := _before(data, folder)) and before not in seen:
        seen.add(before)
        yield before
        folder = before


def _before(data: Path, folder: Path) -> Path | None:
    with suppress(SearchIndexError):
        parent = Manifest.read(folder).parent or ""
        if GENERATION_NAME.fullmatch(parent) and (data / GENERATIONS / parent).is_dir():
            return data / GENERATIONS / parent
    return next((path for path in kept_generations(data) if _built(path) < _built(folder)), None)
