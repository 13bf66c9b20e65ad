"""The best scores are found without sorting them all, and halves are widened without a cast."""

from __future__ import annotations

import numpy as np

from chatbot.retrieve import _best
from ingest.halves import widened


def test_the_best_are_those_of_a_stable_sort() -> None:
    random = np.random.default_rng(5)
    for count in (1, 99, 100, 101, 700):
        for ties in (1, 3, 50):
            scores = np.maximum(random.integers(-3, ties, count), 0).astype(np.float32)
            sorted_rows = np.argsort(-scores, kind="stable")[:100]
            assert _best(scores, 100) == [row for row in sorted_rows if scores[row] > 0]


def test_widening_is_exact_for_every_finite_half() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)]
    assert np.array_equal(widened(finite).view(np.uint32), finite.astype(np.float32).view(np.uint32))
