"""Waiting for the articles to change: the folder is looked at, not subscribed to, so that it works on any disk and over a network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ingest.articles import walk
from ingest.errors import CorpusError

EVERY = 1.0  # seconds between two looks
SETTLED = 2.0  # seconds without a change after which an edit is taken for finished

Look = dict[str, tuple[int, int, int]]


def settled_changes(folder: Path, wait: Callable[[float], object] = time.sleep) -> Iterator[None]:
    """Yields at once, and again whenever the files of a folder have changed and have then stayed the same for a while; never ends."""
    while True:
        ingested = _look(folder)
        yield
        now = _look(folder)
        while now == ingested:
            wait(EVERY)
            now = _look(folder)
        _settle(folder, now, wait)


def _settle(folder: Path, seen: Look, wait: Callable[[float], object]) -> None:
    still = 0.0
    while still < SETTLED:
        wait(EVERY)
        now = _look(folder)
        still = still + EVERY if now == seen else 0.0
        seen = now


def _look(folder: Path) -> Look:
    """What tells by its change that a file has changed; of a folder that is gone, nothing."""
    found: Look = {}
    try:
        for path in walk(folder):
            status = path.stat()
            found[str(path)] = (status.st_mtime_ns, status.st_size, status.st_ino)
    except (OSError, CorpusError):
        return found
    return found
