"""Two runs side by side: which questions got better and worse, and which measures did beyond noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatbot.evaluation.measures import Difference, differences, quality
from chatbot.evaluation.runs import Run

NAMED = 12  # questions named on a terminal; the JSON names all


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left_out` are questions that one run lacks, that were edited in between, or whose call failed in either."""

    differences: tuple[Difference, ...]
    better: tuple[str, ...]
    worse: tuple[str, ...]
    same: tuple[str, ...]
    left_out: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def is_worse(self) -> bool:
        """Whether a measure got worse beyond noise."""
        return any(difference.verdict == "worse" for difference in self.differences)

    @property
    def verdict(self) -> str:
        verdicts = {difference.verdict for difference in self.differences}
        if not verdicts:
            return "nothing to compare"
        return next((verdict for verdict in ("worse", "better", "moved", "noise") if verdict in verdicts), "same")

    def __str__(self) -> str:
        lines = [f"changed between the runs: {', '.join(self.changed) or 'nothing that is known of'}"]
        lines += [str(difference) for difference in self.differences]
        lines += [f"{len(ids)} questions {name}{_named(ids)}" for name, ids in (("better", self.better), ("worse", self.worse))]
        lines += [f"{len(self.same)} questions the same"]
        lines += [f"{len(self.left_out)} questions left out{_named(self.left_out)}"] if self.left_out else []
        return "\n".join([*lines, f"verdict: {self.verdict}"])

    def as_dict(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "measures": [difference.as_dict() for difference in self.differences],
            "better": list(self.better),
            "worse": list(self.worse),
            "same": list(self.same),
            "left_out": list(self.left_out),
            "changed": list(self.changed),
        }


def compare(before: Run, after: Run) -> Comparison:
    """Over the questions that both runs asked in the same words and expected the same of."""
    old, new = ({score.id: score for score in run.scores} for run in (before, after))
    both = [
        name for name in old if name in new and old[name].question == new[name].question and not old[name].failed and not new[name].failed
    ]
    told = {name: (quality(old[name].outcomes), quality(new[name].outcomes)) for name in both}
    return Comparison(
        tuple(differences({name: old[name].outcomes for name in both}, {name: new[name].outcomes for name in both})),
        better=tuple(name for name, (was, now) in told.items() if now > was),
        worse=tuple(name for name, (was, now) in told.items() if now < was),
        same=tuple(name for name, (was, now) in told.items() if now == was),
        left_out=tuple(name for name in dict.fromkeys([*old, *new]) if name not in told),
        changed=tuple(_changed(before.made_by, after.made_by)),
    )


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The parts that differ, settings and versions by name."""
    found = []
    for part, value in before.items():
        if isinstance(value, dict):
            other = after[part]
            found += [f"{name} {value.get(name)} -> {other.get(name)}" for name in {**value, **other} if value.get(name) != other.get(name)]
        elif value != after[part]:
            found.append(part.replace("_", " "))
    return found


def _named(ids: tuple[str, ...]) -> str:
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return f": {', '.join(ids[:NAMED])}{more}" if ids else ""
