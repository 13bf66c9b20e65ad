"""Generations of the index: built beside the one that is served, switched by one rename; one ingest at a time.

A reader never opens a folder that is being written: a generation gets its name only when it is whole, and the pointer
names it only after that.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.errors import IngestBusyError, SearchIndexError, StorageError
from ingest.index import GENERATION_NAME, GENERATIONS, POINTER, Manifest, current_generation

_BUILDING = ".building-"


@contextmanager
def ingest_lock(data: Path) -> Iterator[None]:
    """Held by the one ingest that runs; the system frees it when the process ends, however that was. Raises IngestBusyError, StorageError."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        file = (data / "ingest.lock").open("a")
    except OSError as error:
        raise StorageError(f"The data folder '{data}' cannot be written ({error.strerror}); name another with --data.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise IngestBusyError("Another ingest is running on this data folder; wait until it has ended.") from None
        yield


def served_manifest(data: Path) -> Manifest | None:
    """What made the generation that is served; None where there is none that can be read."""
    try:
        return Manifest.read(current_generation(data))
    except SearchIndexError:
        return None


def publish(data: Path, generation: str, write: Callable[[Path], None], kept: int) -> None:
    """Writes a generation beside the others, gives it its name, points to it, and lets the oldest go. Raises StorageError."""
    folder = data / GENERATIONS
    building = folder / f"{_BUILDING}{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        write(building)
        _sync(building)
        name = f"{generation}-{1 + max((_count(path, generation) for path in folder.iterdir()), default=0)}"
        building.rename(folder / name)
        _point_to(data, name)
    except OSError as error:
        raise StorageError(f"The index cannot be written ({error.strerror or 'disk error'}); the old one is still served.") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    _let_go(folder, name, kept)


def _count(path: Path, generation: str) -> int:
    """Which build of a generation's content a folder holds; 0 for any other folder."""
    match = GENERATION_NAME.fullmatch(path.name)
    return int(path.name.rpartition("-")[2]) if match and match["id"] == generation else 0


def _point_to(data: Path, generation: str) -> None:
    beside = data / f"{POINTER}.new"
    with beside.open("w", encoding="utf-8") as file:
        file.write(generation + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(data / POINTER)


def _sync(folder: Path) -> None:
    """So that after a power cut the pointer never names files that are not there."""
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sweep(folder: Path) -> None:
    """What an ingest that was killed left behind; the lock says that none is running."""
    for path in folder.glob(f"{_BUILDING}*"):
        shutil.rmtree(path, ignore_errors=True)


def _let_go(folder: Path, served: str, kept: int) -> None:
    others = [path for path in folder.iterdir() if path.name != served and GENERATION_NAME.fullmatch(path.name)]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[kept - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
