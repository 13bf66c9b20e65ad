"""What a chunk's one reading gives: its own vector to search with, and its units' and word pieces' vectors to tell which unit answers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.embed import Encoded, Places, Vectors, unit_length


@dataclass(frozen=True, slots=True)
class ChunkVectors:
    """`vector` of shape (dimensions,), `units` of shape (units, dimensions) and `tokens` of shape (pieces, dimensions), each of length 1.

    `rows` of shape (units + 2,) parts the pieces: what stands before the first unit (title, headings), then each unit's.
    """

    vector: Vectors
    units: Vectors
    tokens: NDArray[np.float16]
    rows: Places


def chunk_vectors(read: Encoded, unit_starts: Sequence[int]) -> ChunkVectors:
    """`unit_starts` say where in the text that was read each unit starts. A unit's vector is the mean of its pieces; of none it is nothing."""
    first = np.searchsorted(read.starts, unit_starts)
    rows = np.concatenate([[0], first, [len(read.starts)]]).astype(np.int64)
    until = np.concatenate([np.zeros((1, read.tokens.shape[1])), np.cumsum(read.tokens, axis=0, dtype=np.float64)])
    units = unit_length((until[rows[2:]] - until[rows[1:-1]]).astype(np.float32))
    return ChunkVectors(read.vector, units, read.tokens.astype(np.float16), rows)
