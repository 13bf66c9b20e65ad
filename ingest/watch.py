"""Waiting for the articles to change: the folder is looked at, not subscribed to, so that it works on any disk and over a network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ingest.articles import walk
from ingest.errors import CorpusError

EVERY = 1.0  # seconds between two looks
SETTLED = 2.0  # seconds without a change after which an edit is taken for finished
AGAIN = 30.0  # seconds after which what failed for another reason than the articles is tried again

Status = tuple[int, int, int, int]
Look = dict[str, Status | None]


@dataclass(slots=True)
class Watch:
    """A folder of articles that is watched; the data folder, where it lies below, is not. `has_failed` asks for another try after a while."""

    folder: Path
    data: Path | None = None
    wait: Callable[[float], object] = time.sleep
    has_failed: bool = False

    def settled_changes(self) -> Iterator[None]:
        """Yields at once, and again whenever the files have changed and have then stayed the same for a while; never ends."""
        while True:
            ingested = self._look()
            yield
            now, waited = self._look(), 0.0
            while now == ingested and not (self.has_failed and waited >= AGAIN):
                self.wait(EVERY)
                now, waited = self._look(), waited + EVERY
            self._settle(now)

    def _settle(self, seen: Look) -> None:
        still = 0.0
        while still < SETTLED:
            self.wait(EVERY)
            now = self._look()
            still = still + EVERY if now == seen else 0.0
            seen = now

    def _look(self) -> Look:
        """What tells by its change that a file has changed; of a folder that is gone, nothing."""
        try:
            return {str(path): _status(path) for path in walk(self.folder, self.data)}
        except (OSError, CorpusError):
            return {}


def _status(path: Path) -> Status | None:
    """Of a link that leads nowhere its own; of a file that is gone since it was listed, nothing."""
    for look in (path.stat, path.lstat):
        with suppress(OSError):
            status = look()
            return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
    return None
