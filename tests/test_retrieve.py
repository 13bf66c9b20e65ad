"""The best scores are found without sorting them all, the weakest match is neither mean nor minimum, and halves are widened without a cast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chatbot.evidence import late_interaction, weakest_match
from chatbot.retrieve import _best
from ingest.embed import Encoded
from ingest.halves import widened


def test_the_best_are_those_of_a_stable_sort() -> None:
    random = np.random.default_rng(5)
    for count in (1, 99, 100, 101, 700):
        for ties in (1, 3, 50):
            scores = np.maximum(random.integers(-3, ties, count), 0).astype(np.float32)
            sorted_rows = np.argsort(-scores, kind="stable")[:100]
            assert _best(scores, 100) == [row for row in sorted_rows if scores[row] > 0]


def test_the_weakest_match_lies_between_the_worst_and_the_mean_and_a_piece_of_no_weight_is_nothing_to_it() -> None:
    random = np.random.default_rng(7)
    matches = random.uniform(-1, 1, (40, 6)).astype(np.float32)
    weights = np.array([1, 0.6, 0, 0.3, 1, 0], dtype=np.float32)
    asked = Encoded(np.zeros(2), np.zeros((6, 2)), weights, ("a",) * 6, np.arange(6))
    weakest = weakest_match(asked, matches)
    assert (weakest >= matches[:, weights > 0].min(axis=1) - 1e-6).all()
    assert (weakest <= late_interaction(asked, matches) + 1e-6).all()
    assert np.array_equal(weakest, weakest_match(asked, np.where(weights > 0, matches, -1)))
    even, uneven = weakest_match(replace(asked, weights=np.ones(2)), np.array([[0.5, 0.5], [0.9, 0.1]]))
    assert even == pytest.approx(0.5)
    assert 0.1 < uneven < 0.2
    assert not weakest_match(replace(asked, weights=0 * weights), matches).any()


def test_widening_is_exact_for_every_finite_half() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)]
    assert np.array_equal(widened(finite).view(np.uint32), finite.astype(np.float32).view(np.uint32))
