"""What the systems reached, side by side: figures with bootstrap intervals, and whether the project is ahead of each rival. Deterministic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

PROJECT = "this project"
RESAMPLES = 2000
SEED = 20261124
LEVEL = 0.95

Verdict = Literal["ahead", "behind", "level"]


@dataclass(frozen=True, slots=True)
class Reached:
    """What a system reached on a measure, a value a question. With `truth` the figure is the AUC of the values as a score for it, else their mean."""

    set: str
    measure: str
    system: str
    values: tuple[float, ...]
    truth: tuple[bool, ...] | None = None

    @property
    def figure(self) -> float:
        return _figure(np.array(self.values), None if self.truth is None else np.array(self.truth))

    def resampled(self) -> NDArray[np.float64]:
        """The figure of every resample of the questions; the draws are the same for two systems on the same questions."""
        drawn = np.random.default_rng(SEED).integers(0, len(self.values), (RESAMPLES, len(self.values)))
        values = np.array(self.values, dtype=float)
        if self.truth is None:
            return np.asarray(values[drawn].mean(axis=1))
        truth = np.array(self.truth)
        return np.array([_figure(values[draw], truth[draw]) for draw in drawn])


@dataclass(frozen=True, slots=True)
class Line:
    """A system's figure with its interval; of a rival also whether the project is ahead of it, by the interval of the paired difference."""

    set: str
    measure: str
    system: str
    figure: float
    low: float
    high: float
    count: int
    project_is: Verdict | None = None
    difference: tuple[float, float] | None = None

    def as_dict(self) -> dict[str, Any]:
        return {name: _rounded(value) for name, value in asdict(self).items()}


def _rounded(value: object) -> object:
    if isinstance(value, tuple):
        return [_rounded(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value


def _figure(values: NDArray[np.float64], truth: NDArray[np.bool_] | None) -> float:
    if truth is None:
        return float(values.mean())
    positives = int(truth.sum())
    if not 0 < positives < len(truth):
        return float("nan")
    above = rankdata(values)[truth].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(truth) - positives)))


def lines(reached: Iterable[Reached]) -> Iterator[Line]:
    """A line a system, the project's first of each measure."""
    for _, group in groupby(reached, key=lambda one: (one.set, one.measure)):
        systems = sorted(group, key=lambda one: one.system != PROJECT)
        project = systems[0].resampled() if systems[0].system == PROJECT else None
        for one in systems:
            yield _line(one, None if one.system == PROJECT else project)


def _line(one: Reached, project: NDArray[np.float64] | None) -> Line:
    drawn = one.resampled()
    low, high = _interval(drawn)
    verdict: Verdict | None = None
    difference = None
    if project is not None:
        difference = _interval(project - drawn)
        verdict = "ahead" if difference[0] > 0 else "behind" if difference[1] < 0 else "level"
    return Line(one.set, one.measure, one.system, one.figure, low, high, len(one.values), verdict, difference)


def _interval(drawn: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


HEADS = ("set", "measure", "system", "figure", "95 % interval", "n", "the project is")


def as_text(found: Sequence[Line]) -> str:
    """One table, in columns of their own width."""
    cells = [HEADS, *map(_cells, found)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)


def _cells(line: Line) -> tuple[str, ...]:
    ahead = f"{line.project_is} ({line.difference[0]:+.3f} to {line.difference[1]:+.3f})" if line.difference else ""
    return line.set, line.measure, line.system, f"{line.figure:.3f}", f"{line.low:.3f} to {line.high:.3f}", str(line.count), ahead
