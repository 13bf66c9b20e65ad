"""What a chunk's one reading gives: its own vector to search with, and its units' and word pieces' vectors to tell which unit answers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.embed import Encoded, Places, Vectors, unit_length
from ingest.types import Span


@dataclass(frozen=True, slots=True)
class ChunkVectors:
    """`vector` of shape (dimensions,), `units` of shape (units, dimensions) and `tokens` of shape (pieces, dimensions), each of length 1.

    `rows` of shape (units + 2,) parts the pieces: those of what opens the chunk (title, headings, and what stands between its units, as a table's
    header does), then each unit's.
    """

    vector: Vectors
    units: Vectors
    tokens: NDArray[np.float16]
    rows: Places


def chunk_vectors(read: Encoded, units: Sequence[Span]) -> ChunkVectors:
    """`units` say where in the text that was read each unit stands. A unit's vector is the mean of its pieces; of none it is nothing."""
    before = np.searchsorted([unit.start for unit in units], read.starts, side="right")  # units that start at a piece or before it
    owner = np.where(read.starts < np.array([0, *(unit.end for unit in units)])[before], before, 0)
    rows = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(units) + 1))]).astype(np.int64)
    tokens = read.tokens[np.argsort(owner, kind="stable")]
    until = np.concatenate([np.zeros((1, tokens.shape[1])), np.cumsum(tokens, axis=0, dtype=np.float64)])
    vectors = unit_length((until[rows[2:]] - until[rows[1:-1]]).astype(np.float32))
    return ChunkVectors(read.vector, vectors, tokens.astype(np.float16), rows)
