"""Whether the files of a generation are as they were written."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from ingest.errors import IndexMismatchError
from ingest.kept import DAMAGED

FILES = "files.json"
ESSENTIAL = frozenset({"manifest.json", "articles.jsonl", "chunks.txt", "chunks.jsonl", "vectors.npy", "units.npy", "tokens.npy"})
TOP = "chroma/chroma.sqlite3"


def check_files(folder: Path, *, thorough: bool = False) -> None:
    """That every file of a generation is as it was written: by its size, and but for arrays, which no reader trips over, by its hash.

    Raises IndexMismatchError.
    """
    try:
        files: dict[str, list[Any]] = json.loads((folder / FILES).read_text(encoding="utf-8"))
        if not files.keys() >= ESSENTIAL:
            raise IndexMismatchError(DAMAGED)
        for name, (size, digest) in files.items():
            path = folder / name
            if path.stat().st_size != size or ((thorough or path.suffix != ".npy") and _sha256(path) != digest):
                raise IndexMismatchError(DAMAGED)
        _check_database(folder / TOP)
    except (OSError, ValueError, TypeError, AttributeError, sqlite3.Error):
        raise IndexMismatchError(DAMAGED) from None


def _check_database(path: Path) -> None:
    """Chroma's database changes, so that no hash tells it is whole; read by SQLite itself, a damaged one is an error and no more."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise IndexMismatchError(DAMAGED)


def record_files(folder: Path) -> None:
    """Writes down what `check_files` compares."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != FILES)
    files = {path.relative_to(folder).as_posix(): [path.stat().st_size, _sha256(path)] for path in paths if not _changes(path)}
    (folder / FILES).write_text(json.dumps(files, indent=1), encoding="utf-8")


def _changes(path: Path) -> bool:
    """Chroma counts in its database how often it was opened; a graph of one chunk it keeps in there, and writes anew whenever it is opened."""
    return path.name == Path(TOP).name or (path.parent.parent.name == "chroma" and not (path.parent / "index_metadata.pickle").exists())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
