"""The best scores are found without sorting them all."""

from __future__ import annotations

import numpy as np

from chatbot.retrieve import _best


def test_the_best_are_those_of_a_stable_sort() -> None:
    random = np.random.default_rng(5)
    for count in (1, 99, 100, 101, 700):
        for ties in (1, 3, 50):
            scores = np.maximum(random.integers(-3, ties, count), 0).astype(np.float32)
            sorted_rows = np.argsort(-scores, kind="stable")[:100]
            assert _best(scores, 100) == [row for row in sorted_rows if scores[row] > 0]
