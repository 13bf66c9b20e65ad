"""What a build need not compute again: the chunks and vectors of the generations that are kept, found by the hash of the text they are of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property, partial
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.embed import Vectors
from ingest.errors import SearchIndexError
from ingest.index import array
from ingest.intact import check_files
from ingest.kept import Manifest
from ingest.types import Chunk


def text_key(text: str) -> bytes:
    """Names a text by 16 bytes of its SHA-256."""
    return hashlib.sha256(text.encode()).digest()[:16]


@dataclass(frozen=True, slots=True)
class KeyedChunk:
    """A chunk with its id, and the keys of the texts that are embedded of it and of its units."""

    chunk: Chunk
    id: str
    key: bytes
    unit_keys: tuple[bytes, ...]


class KeptGeneration:
    """A generation on disk as a source of what was computed for it. Raises SearchIndexError where any file is not as it was written."""

    def __init__(self, folder: Path) -> None:
        check_files(folder, thorough=True)
        self.folder = folder
        self.manifest = Manifest.read(folder)
        self._array = cache(partial(array, folder))
        self._ids = (folder / "chunks.txt").read_text(encoding="utf-8").split()
        self._starts = dict(zip(self.manifest.counts, accumulate(self.manifest.counts.values(), initial=0), strict=False))

    @cached_property
    def _lines(self) -> list[bytes]:
        return (self.folder / "chunks.jsonl").read_bytes().splitlines()

    @cached_property
    def _chunk_rows(self) -> dict[bytes, int]:
        return _rows_by_key(self._array("chunk_keys"))

    @cached_property
    def _unit_rows(self) -> dict[bytes, int]:
        return _rows_by_key(self._array("unit_keys"))

    def chunks_of(self, article_id: str) -> list[KeyedChunk]:
        """An article's chunks, in their order."""
        first = self._starts[article_id]
        return [self._keyed(row) for row in range(first, first + self.manifest.counts[article_id])]

    def _keyed(self, row: int) -> KeyedChunk:
        first, last = self._array("unit_rows")[row : row + 2]
        unit_keys = tuple(key.tobytes() for key in self._array("unit_keys")[first:last])
        return KeyedChunk(
            Chunk.from_dict(json.loads(self._lines[row])), self._ids[row], self._array("chunk_keys")[row].tobytes(), unit_keys
        )

    def vector(self, key: bytes) -> Vectors | None:
        """Of a chunk, shape (dimensions,)."""
        row = self._chunk_rows.get(key)
        return None if row is None else self._array("vectors")[row]

    def unit(self, key: bytes) -> tuple[Vectors, NDArray[np.float16]] | None:
        """Of a unit, shape (dimensions,), and of its word pieces, shape (pieces, dimensions)."""
        row = self._unit_rows.get(key)
        if row is None:
            return None
        first, last = self._array("token_rows")[row : row + 2]
        return self._array("units")[row], self._array("tokens")[first:last]


def _rows_by_key(keys: NDArray[np.uint8]) -> dict[bytes, int]:
    whole, size = keys.tobytes(), keys.shape[1]
    return {whole[row * size : (row + 1) * size]: row for row in range(len(keys))}


class KeptVectors:
    """The vectors of several kept generations; what is in none of them has to be computed."""

    def __init__(self, generations: Sequence[KeptGeneration]) -> None:
        self._generations = generations

    def vector(self, key: bytes) -> Vectors | None:
        return next((found for kept in self._generations if (found := kept.vector(key)) is not None), None)

    def unit(self, key: bytes) -> tuple[Vectors, NDArray[np.float16]] | None:
        return next((found for kept in self._generations if (found := kept.unit(key)) is not None), None)


def opened(folders: Sequence[Path], model: str) -> list[KeptGeneration]:
    """Those of the generations that one model made and that are whole: of a damaged one nothing is used again."""
    found = []
    for folder in folders:
        with suppress(SearchIndexError):
            if Manifest.read(folder).model == model:
                found.append(KeptGeneration(folder))
    return found
