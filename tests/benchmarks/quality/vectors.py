"""An embedder that remembers: a run after the first, or after one that was interrupted, embeds only what is new."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from ingest.embed import Embedder, Encoded, Vectors

T = TypeVar("T")

STEP = 64  # texts between two writes to the disk


class RememberingEmbedder:
    """An embedder over a file that keeps what it computed, by the text's hash and what made it."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self._embedder = embedder
        self.fingerprint = embedder.fingerprint
        folder.mkdir(parents=True, exist_ok=True)
        self._kept = sqlite3.connect(folder / "vectors.sqlite", check_same_thread=False, timeout=600)
        self._kept.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")

    @property
    def max_pieces(self) -> int:
        return self._embedder.max_pieces

    def knows(self, word: str) -> bool:
        return self._embedder.knows(word)

    def count_pieces(self, text: str) -> int:
        return self._embedder.count_pieces(text)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        found = self._recalled("vector", texts, lambda missing: list(self._embedder.vectors(missing)), _vector_bytes, _vector)
        return np.stack(found) if found else self._embedder.vectors([])

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        return self._recalled("pieces", texts, self._embedder.encode, _encoded_bytes, _encoded)

    def close(self) -> None:
        self._kept.close()

    def _recalled(
        self,
        kind: str,
        texts: Sequence[str],
        compute: Callable[[list[str]], list[T]],
        write: Callable[[T], bytes],
        read: Callable[[bytes], T],
    ) -> list[T]:
        keys = {text: hashlib.sha256(f"{self.fingerprint}\n{kind}\n{text}".encode(errors="replace")).digest() for text in texts}
        missing = sorted((text for text in keys if not self._value(keys[text])), key=len)
        for first in range(0, len(missing), STEP):
            step = missing[first : first + STEP]
            rows = [(keys[text], write(value)) for text, value in zip(step, compute(step), strict=True)]
            with self._kept:
                self._kept.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", rows)
        return [read(self._value(keys[text])) for text in texts]

    def _value(self, key: bytes) -> bytes:
        row = self._kept.execute("SELECT value FROM kept WHERE key = ?", (key,)).fetchone()
        return bytes(row[0]) if row else b""


def _vector_bytes(vector: Vectors) -> bytes:
    return np.asarray(vector, dtype=np.float32).tobytes()


def _vector(value: bytes) -> Vectors:
    return np.frombuffer(value, dtype=np.float32)


def _encoded_bytes(encoded: Encoded) -> bytes:
    """The pieces' names and places and how many numbers a vector has as a line of JSON, then the numbers."""
    header = json.dumps([encoded.vector.shape[0], encoded.pieces, encoded.starts.tolist()]).encode() + b"\n"
    return header + b"".join(_vector_bytes(part) for part in (encoded.vector, encoded.weights, encoded.tokens))


def _encoded(value: bytes) -> Encoded:
    header, _, numbers = value.partition(b"\n")
    dimensions, pieces, starts = json.loads(header)
    flat = _vector(numbers)
    vector, weights, tokens = np.split(flat, [dimensions, dimensions + len(pieces)])
    return Encoded(vector, tokens.reshape(-1, dimensions), weights, tuple(pieces), np.array(starts, dtype=np.int64))
