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

from ingest.chunk_vectors import ChunkVectors
from ingest.errors import SearchIndexError
from ingest.intact import check_files
from ingest.kept import Manifest
from ingest.mapped import array
from ingest.types import Chunk


def reading_key(chunk: Chunk) -> bytes:
    """Names what is embedded of a chunk, and where its units stand in that, by 16 bytes of their SHA-256."""
    read = f"{' '.join(f'{unit.start}-{unit.end}' for unit in chunk.unit_spans)}\n{chunk.embedding_text()}"
    return hashlib.sha256(read.encode()).digest()[:16]


@dataclass(frozen=True, slots=True)
class KeyedChunk:
    """A chunk with its id, and the key of what is embedded of it."""

    chunk: Chunk
    id: str
    key: bytes


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
    def _rows(self) -> dict[bytes, int]:
        keys = self._array("chunk_keys")
        whole, size = keys.tobytes(), keys.shape[1]
        return {whole[row * size : (row + 1) * size]: row for row in range(len(keys))}

    def chunks_of(self, article_id: str) -> list[KeyedChunk]:
        """An article's chunks, in their order."""
        first = self._starts[article_id]
        return [self._keyed(row) for row in range(first, first + self.manifest.counts[article_id])]

    def _keyed(self, row: int) -> KeyedChunk:
        return KeyedChunk(Chunk.from_dict(json.loads(self._lines[row])), self._ids[row], self._array("chunk_keys")[row].tobytes())

    def vectors(self, key: bytes) -> ChunkVectors | None:
        """Of the chunk with that key, where it has it."""
        row = self._rows.get(key)
        if row is None:
            return None
        first, last = self._array("unit_rows")[row : row + 2]
        rows = self._array("token_rows")[first + row : last + row + 2]
        return ChunkVectors(
            self._array("vectors")[row], self._array("units")[first:last], self._array("tokens")[rows[0] : rows[-1]], rows - rows[0]
        )


class KeptVectors:
    """The vectors of several kept generations; what is in none of them has to be computed."""

    def __init__(self, generations: Sequence[KeptGeneration]) -> None:
        self._generations = generations

    def of(self, key: bytes) -> ChunkVectors | None:
        return next((found for kept in self._generations if (found := kept.vectors(key)) is not None), None)


def opened(folders: Sequence[Path], model: str) -> list[KeptGeneration]:
    """Those of the generations that one model made and that are whole: of a damaged one nothing is used again."""
    found = []
    for folder in folders:
        with suppress(SearchIndexError):
            if Manifest.read(folder).model == model:
                found.append(KeptGeneration(folder))
    return found
