"""Generations of the index: built beside the one that is served, probed, switched by one rename; one ingest at a time.

A reader never opens a folder that is being written: a generation gets its name only when it is whole, and the pointer
names it only after that.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.errors import IngestBusyError, NoIndexError, SearchIndexError, StorageError
from ingest.index import others
from ingest.intact import check_files
from ingest.kept import GENERATION_NAME, GENERATIONS, POINTER, Manifest, Pointer, current_generation, earlier, kept_generations
from ingest.probe import Probe, probe
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
    except NoIndexError:
        return None
    return folder if is_whole(folder) else None


def is_whole(folder: Path) -> bool:
    """As far as can be told without reading all of it."""
    try:
        Manifest.read(folder)
        check_files(folder)
    except SearchIndexError:
        return False
    return True


def articles_hash(hashes: Mapping[str, str]) -> str:
    """Of all articles' hashes by id: by it a rolled-back state knows the articles as they lay in their folder when it was rolled back to."""
    return content_hash(dict(hashes))


def held_by(data: Path, hashes: Mapping[str, str], model: str) -> str | None:
    """The generation that was left by a rollback, while the articles are as they were then and there is one to hold; else None."""
    pointer = Pointer.read(data)
    is_held = pointer and pointer.held_articles == articles_hash(hashes) and held_folder(data, model)
    return pointer.left if pointer and is_held else None


def held_folder(data: Path, model: str) -> Path | None:
    """The generation that a rollback holds: the served one, and where that is damaged the best other one of the model that was not left."""
    if folder := served_folder(data):
        return folder
    pointer = Pointer.read(data)
    left = pointer.all_left if pointer else ()
    return next((path for path in others(data) if path.name not in left and is_whole(path) and Manifest.read(path).model == model), None)


# --- the switch


def publish(data: Path, generation: str, write: Callable[[Path], None], kept: int) -> str:
    """Writes a generation beside the others, probes it, gives it its name, points to it, and lets the oldest go; its folder's name.

    Raises StorageError.
    """
    folder = data / GENERATIONS
    building = folder / f"{_BUILDING}{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(data)
        with Probe() as started:
            write(building)
            flaws = started.flaws(building)
        if flaws:
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
    """Nothing is held any more. Raises StorageError."""
    pointer = Pointer.read(data)
    if pointer and pointer.left:
        _switch(data, Pointer(pointer.generation))


@dataclass(frozen=True, slots=True)
class Rollback:
    """From which generation to which; both are folder names. `skipped` were damaged. `holds` says whether the articles could be read,
    by which the next ingest knows that they are the same.
    """

    left: str
    served: str
    manifest: Manifest
    holds: bool
    skipped: tuple[str, ...] = ()


def go_back(data: Path, model: str, articles: Mapping[str, str] | None) -> Rollback:
    """Serves the generation again that was served before this one, and holds it while the articles' hashes are these. Under the ingest lock.

    Raises NoIndexError where there is none before, StorageError.
    """
    left = current_generation(data)
    target, skipped = _whole_before(data, left)
    manifest = Manifest.read(target)
    if manifest.model != model:
        raise NoIndexError(
            f"The generation before this one was made with the embedding model {manifest.model}; "
            "set CAREER_EMBEDDING_MODEL back to it first, or run: career-advisor ingest"
        )
    was = Pointer.read(data)
    held = articles_hash(articles) if articles else was.held_articles if was else None
    _switch(data, Pointer(target.name, left.name, held, was.all_left if was else ()))
    return Rollback(left.name, target.name, manifest, held is not None, skipped)


def _whole_before(data: Path, served: Path) -> tuple[Path, tuple[str, ...]]:
    """The generation that was served before, and those in between that are damaged."""
    skipped: list[str] = []
    for folder in earlier(data, served):
        if not probe(folder):
            return folder, tuple(skipped)
        skipped.append(folder.name)
    damaged = f" ({', '.join(skipped)} is damaged)" if skipped else ""
    raise NoIndexError(f"There is no earlier generation to go back to{damaged}; nothing was changed.")


def keep_hold(data: Path, model: str) -> Manifest:
    """Of what a rollback holds; where what it restored is damaged, the next best is served from now on. Raises NoIndexError, StorageError."""
    pointer, folder = Pointer.read(data), held_folder(data, model)
    if pointer is None or folder is None:
        raise NoIndexError(f"There is no index in '{data}' that could be held; run: career-advisor ingest --force")
    if folder.name != pointer.generation:
        _switch(data, replace(pointer, generation=folder.name))
    return Manifest.read(folder)


# --- files


def _count(path: Path, generation: str) -> int:
    """Which build of a generation's content a folder holds; 0 for any other folder."""
    match = GENERATION_NAME.fullmatch(path.name)
    return int(path.name.rpartition("-")[2]) if match and match["id"] == generation else 0


def _switch(data: Path, pointer: Pointer) -> None:
    """Raises StorageError."""
    try:
        _point_to(data, pointer)
    except OSError as error:
        raise StorageError(f"The data folder '{data}' cannot be written ({error.strerror}); nothing was changed.") from None


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


def sweep(data: Path) -> None:
    """What an ingest that was killed left behind; the lock says that none is running."""
    for path in (data / GENERATIONS).glob(f"{_BUILDING}*"):
        shutil.rmtree(path, ignore_errors=True)


def _let_go(data: Path, served: str, kept: int) -> None:
    """The oldest beyond the number that is kept; never the one that is served, nor the one before it."""
    parent = next(earlier(data, data / GENERATIONS / served), None)
    spared = {served, parent.name if parent else served}
    others = [path for path in kept_generations(data) if path.name not in spared]
    for path in others[max(0, kept - len(spared)) :]:
        shutil.rmtree(path, ignore_errors=True)
