"""Long matrices: `make test` runs a sample drawn with a fixed seed, `make soak` every member."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest

SEED = 20261129


def sampled(values: Iterable[Any], count: int) -> list[Any]:
    """What parametrizes a test: `count` of the values are marked `sampled`, the others `soak`. A tuple holds several arguments."""
    rows = [value if isinstance(value, tuple) else (value,) for value in values]
    drawn = set(random.Random(SEED).sample(range(len(rows)), count))
    return [pytest.param(*row, marks=pytest.mark.sampled if number in drawn else pytest.mark.soak) for number, row in enumerate(rows)]
