"""A generation's arrays, mapped from their files: of a large one only what is looked at is read."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np


def mapped(folder: Path, name: str) -> Any:
    """An array as it lies in its file."""
    return np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)


def array(folder: Path, name: str) -> Any:
    """The same as a plain array, for a memmap takes a tenth of a question's time to be sliced."""
    return np.asarray(mapped(folder, name))


def ask_for(rows: Any, stretches: Iterable[tuple[int, int]]) -> None:
    """Tells the system which rows of a mapped array are looked at next, each stretch from one to before another. A disk then reads them
    together: the word pieces of 24 chunks that are not in memory take 3 ms so, and 60 ms one chunk after the other.
    """
    file: mmap.mmap = rows.base
    for first, last in stretches:
        start = (rows.offset + first * rows.strides[0]) // mmap.PAGESIZE * mmap.PAGESIZE
        if first < last:
            file.madvise(mmap.MADV_WILLNEED, start, rows.offset + last * rows.strides[0] - start)
