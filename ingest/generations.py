"""Generations of the index: built beside the one that is served, probed, switched by one rename; one ingest at a time.

A reader never opens a folder that is being written: a generation gets its name only when it is whole, and the pointer
names it only after that.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import IngestBusyError, NoIndexError, SearchIndexError, StorageError
from ingest.index import GENERATION_NAME, GENERATIONS, POINTER, Manifest, Pointer, check_files, current_generation, kept_generations
from ingest.probe import probe
from ingest.types import content_hash

_BUILDING = ".building-"


@contextmanager
def ingest_lock(data: Path) -> Iterator[None]:
    """Held by the one ingest that runs; the system frees it when the process ends, however that was. Raises IngestBusyError, StorageError."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        file = _lock_file(data / "ingest.lock")
    except OSError as error:
        raise StorageError(f"The data folder '{data}' cannot be written ({error.strerror}); name another with --data.") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise IngestBusyError("Another ingest is running on this data folder; wait until it has ended.") from None
    finally:
        os.close(file)


def _lock_file(path: Path) -> int:
    """A data folder that is read only can still be compared with the articles."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        if not path.exists():
            raise
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


# --- what is served


def served_folder(data: Path) -> Path | None:
    """The generation that is served; None where there is none, or none that is whole."""
    try:
        folder = current_generation(data)
        Manifest.read(folder)
        check_files(folder)
    except SearchIndexError:
        return None
    return folder


def articles_hash(hashes: dict[str, str]) -> str:
    """Of all articles' hashes by id: by it a rolled-back state knows the articles of the generation that was left."""
    return content_hash(hashes)


def held_by(data: Path, hashes: dict[str, str]) -> str | None:
    """The generation that was left by a rollback, while the articles are still its own; else None."""
    pointer = Pointer.read(data)
    return pointer.left if pointer and pointer.left_articles == articles_hash(hashes) else None


# --- the switch


def publish(data: Path, generation: str, write: Callable[[Path], None], kept: int) -> str:
    """Writes a generation beside the others, probes it, gives it its name, points to it, and lets the oldest go; its folder's name.

    Raises StorageError.
    """
    folder = data / GENERATIONS
    building = folder / f"{_BUILDING}{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        write(building)
        if flaws := probe(building):
            raise StorageError(f"The index that was built is not whole ({flaws[0]}); the old one is still served; run the command again.")
        _sync(building)
        name = f"{generation}-{1 + max((_count(path, generation) for path in folder.iterdir()), default=0)}"
        building.rename(folder / name)
        _point_to(data, Pointer(name))
    except OSError as error:
        raise StorageError(f"The index cannot be written ({error.strerror or 'disk error'}); the old one is still served.") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    _let_go(data, name, kept)
    return name


def end_hold(data: Path) -> None:
    """After the articles went back to those of the generation that a rollback restored: nothing is held any more."""
    pointer = Pointer.read(data)
    if pointer and pointer.left:
        _point_to(data, Pointer(pointer.generation))


@dataclass(frozen=True, slots=True)
class Rollback:
    """From which generation to which; both are folder names. `skipped` were damaged."""

    left: str
    served: str
    manifest: Manifest
    skipped: tuple[str, ...] = ()


def roll_back(data: Path, model: str) -> Rollback:
    """Serves the generation again that was served before this one, and holds it until the articles change.

    Raises NoIndexError where there is none before, StorageError, IngestBusyError.
    """
    with ingest_lock(data):
        left = current_generation(data)
        target, skipped = _before(data, left)
        manifest = Manifest.read(target)
        if manifest.model != model:
            raise NoIndexError(
                f"The generation before this one was made with the embedding model {manifest.model}; "
                "set CAREER_EMBEDDING_MODEL back to it first, or run: career-advisor ingest"
            )
        try:
            hashes = Manifest.read(left).articles
        except SearchIndexError:
            hashes = {}  # nothing is known of what was left: the next ingest compares with what is served
        try:
            _point_to(data, Pointer(target.name, left.name, articles_hash(hashes)))
        except OSError as error:
            raise StorageError(f"The data folder '{data}' cannot be written ({error.strerror}); nothing was changed.") from None
    return Rollback(left.name, target.name, manifest, skipped)


def _before(data: Path, served: Path) -> tuple[Path, tuple[str, ...]]:
    """The generation that was served before, and those in between that are damaged."""
    skipped: list[str] = []
    folder = _parent(data, served)
    while folder:
        if not probe(folder):
            return folder, tuple(skipped)
        skipped.append(folder.name)
        folder = _parent(data, folder)
    damaged = f" ({', '.join(skipped)} is damaged)" if skipped else ""
    raise NoIndexError(f"There is no earlier generation to go back to{damaged}; nothing was changed.")


def _parent(data: Path, folder: Path) -> Path | None:
    """The generation that was served when this one was built; of a damaged one, the newest that is older."""
    try:
        name = Manifest.read(folder).parent
    except SearchIndexError:
        older = [path for path in kept_generations(data) if _built(path) < _built(folder)]
        name = older[0].name if older else None
    parent = data / GENERATIONS / name if name else None
    return parent if parent and parent.is_dir() else None


def _built(folder: Path) -> int:
    return folder.stat().st_mtime_ns


def forget(data: Path, article_id: str) -> tuple[str, ...]:
    """Deletes every generation but the served one that holds an article, or that cannot be read; their names. Raises StorageError."""
    _sweep(data / GENERATIONS)
    served = current_generation(data)
    gone = [folder for folder in kept_generations(data) if folder != served and _may_hold(folder, article_id)]
    for folder in gone:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise StorageError(f"The generation '{folder.name}' cannot be deleted ({error.strerror}); run the command again.") from None
    return tuple(folder.name for folder in gone)


def _may_hold(folder: Path, article_id: str) -> bool:
    try:
        return article_id in Manifest.read(folder).articles
    except SearchIndexError:
        return True


# --- files


def _count(path: Path, generation: str) -> int:
    """Which build of a generation's content a folder holds; 0 for any other folder."""
    match = GENERATION_NAME.fullmatch(path.name)
    return int(path.name.rpartition("-")[2]) if match and match["id"] == generation else 0


def _point_to(data: Path, pointer: Pointer) -> None:
    beside = data / f"{POINTER}.new"
    with beside.open("w", encoding="utf-8") as file:
        file.write(str(pointer))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(data / POINTER)
    _sync_one(data)


def _sync(folder: Path) -> None:
    """So that after a power cut the pointer never names files that are not there."""
    for path in [*folder.rglob("*"), folder]:
        _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """What an ingest that was killed left behind; the lock says that none is running."""
    for path in folder.glob(f"{_BUILDING}*"):
        shutil.rmtree(path, ignore_errors=True)


def _let_go(data: Path, served: str, kept: int) -> None:
    """The oldest beyond the number that is kept; never the one that is served, nor the one before it."""
    parent = _parent(data, data / GENERATIONS / served)
    spared = {served, parent.name if parent else served}
    others = [path for path in kept_generations(data) if path.name not in spared]
    for path in others[max(0, kept - len(spared)) :]:
        shutil.rmtree(path, ignore_errors=True)
