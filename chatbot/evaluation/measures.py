"""What many marked answers come to: means with bootstrap intervals over questions, and paired differences between two runs. Deterministic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chatbot.evaluation.marking import RETRIEVAL, Outcomes

RESAMPLES = 4000
SEED = 20261122
LEVEL = 0.95  # of the interval of one measure
NEGLIGIBLE = 0.01  # of a share: where every question moves a little, an interval alone would call a tenth of a point worse
PAIRED_LEVEL = 0.99  # of a difference: a dozen are looked at together, and one in twenty would be called wrongly

Better = Literal["higher", "lower", "neither"]
Format = Literal["share", "number"]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a measure is read. One that is better neither way is told, and judged by nobody."""

    better: Better
    format: Format = "share"


MEASURES: dict[str, Kind] = {
    "facts held": Kind("higher"),
    "right citation": Kind("higher"),
    "citation precision": Kind("higher"),
    "citation recall": Kind("higher"),
    "claims verified": Kind("higher"),
    "answerable refused": Kind("lower"),
    "unanswerable abstained": Kind("higher"),
    "abstention precision": Kind("higher"),
    **dict.fromkeys(RETRIEVAL, Kind("higher")),
    "persona swap": Kind("higher"),
    "words an answer": Kind("neither", "number"),
    "input tokens": Kind("neither", "number"),
    "output tokens": Kind("neither", "number"),
    "judged faithful": Kind("higher"),
    "judged to the point": Kind("higher"),
}

Marks: TypeAlias = Mapping[str, Outcomes]  # question id -> its outcomes
_Table: TypeAlias = NDArray[np.float64]  # a row a question: reached, of how much


@dataclass(frozen=True, slots=True)
class Measure:
    """Reached over of-how-much, added up over questions. `count` is the number of questions; `low` and `high` are a 95 % interval."""

    name: str
    value: float
    count: int
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.name:<24} {shown(self.name, self.value):>8}   {shown(self.name, self.low):>8} to {shown(self.name, self.high):<8} n = {self.count}"

    def as_dict(self) -> dict[str, Any]:
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure in two runs over the questions that both hold it for. `low` and `high` are a 99 % interval of the paired difference."""

    name: str
    before: float
    after: float
    count: int
    low: float
    high: float

    @property
    def verdict(self) -> Literal["better", "worse", "same", "noise", "moved"]:
        """`noise` where the interval holds zero, or the difference is too small to matter to anybody; `moved` for a measure that is better neither way."""
        if self.before == self.after and self.low == self.high == 0:
            return "same"
        better = MEASURES[self.name].better
        if self.low <= 0 <= self.high or (better != "neither" and abs(self.after - self.before) < NEGLIGIBLE):
            return "noise"
        if better == "neither":
            return "moved"
        return "better" if (self.low > 0) == (better == "higher") else "worse"

    def __str__(self) -> str:
        change, low, high = (shown(self.name, value, signed=True) for value in (self.after - self.before, self.low, self.high))
        return (
            f"{self.name:<24} {shown(self.name, self.before):>8} -> {shown(self.name, self.after):<8} "
            f"{change:>8}   {low:>8} to {high:<8} n = {self.count:<5} {self.verdict}"
        )

    def as_dict(self) -> dict[str, Any]:
        fields = {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return {**fields, "verdict": self.verdict}


def measures(marks: Marks) -> list[Measure]:
    """Of the measures that apply to any question, in their order."""
    found = []
    for name in MEASURES:
        table = _table(marks, name, [question for question in marks if name in marks[question]])
        if len(table):
            low, high = np.quantile(_resampled(table), _tails(LEVEL))
            found.append(Measure(name, float(_ratio(table)), len(table), float(low), float(high)))
    return found


def differences(before: Marks, after: Marks) -> list[Difference]:
    """Over the questions that both runs answered; a measure that applies to a question in one run alone counts there alone."""
    shared = [question for question in before if question in after]
    found = []
    for name in MEASURES:
        kept = [question for question in shared if name in before[question] or name in after[question]]
        old, new = _table(before, name, kept), _table(after, name, kept)
        if old[:, 1].sum() and new[:, 1].sum():
            spread = _resampled(new) - _resampled(old)
            low, high = np.quantile(spread[np.isfinite(spread)], _tails(PAIRED_LEVEL))
            found.append(Difference(name, float(_ratio(old)), float(_ratio(new)), len(kept), float(low), float(high)))
    return found


def quality(outcomes: Outcomes) -> tuple[float, ...]:
    """One question's answer as a whole, to say better or worse of: the facts it holds and whether they are rightly cited, or that it abstains."""
    names = ("facts held", "right citation", "unanswerable abstained")
    return tuple(round(outcomes[name][0] / outcomes[name][1], 6) for name in names if name in outcomes and outcomes[name][1])


def shown(name: str, value: float, *, signed: bool = False) -> str:
    if MEASURES[name].format == "number":
        return f"{value:{'+' if signed else ''}.1f}"
    return f"{100 * value:{'+' if signed else ''}.1f} %"


def _tails(level: float) -> list[float]:
    return [(1 - level) / 2, (1 + level) / 2]


def _table(marks: Marks, name: str, questions: Sequence[str]) -> _Table:
    """A question that a measure does not apply to counts nothing."""
    return np.array([marks[question].get(name, (0.0, 0.0)) for question in questions], dtype=float).reshape(-1, 2)


def _ratio(table: _Table) -> NDArray[np.float64]:
    """Over the questions, the axis before the last."""
    sums = table.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def _resampled(table: _Table) -> NDArray[np.float64]:
    """The ratio of every resample of the questions; the draws are the same for two tables of one length."""
    drawn = np.random.default_rng(SEED).integers(0, len(table), (RESAMPLES, len(table)))
    return _ratio(table[drawn])
