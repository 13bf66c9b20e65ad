"""A run as one HTML file that needs nothing else: charts, filters, and every answer beside its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from chatbot.evaluation.marking import said
from chatbot.evaluation.measures import MEASURES, Measure, quality, shown
from chatbot.evaluation.questions import facts_held
from chatbot.evaluation.runs import Run

REPORT = "report.html"
RESULTS = {"right": "--good", "partly": "--quiet", "wrong": "--bad"}  # what a question came to, and the colour that tells it


def write_report(run: Run, answers: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """`answers` are the lines of answers.jsonl."""
    (folder / REPORT).write_text(report(run, answers), encoding="utf-8")


def report(run: Run, answers: Sequence[Mapping[str, Any]]) -> str:
    questions = [{**line, "result": result(line), "facts": _facts(line)} for line in answers]
    kinds: dict[str, Counter[str]] = {}
    for one in questions:
        kinds.setdefault(one["row"]["kind"], Counter())[one["result"]] += 1
    return _template().render(
        run=run, measures=run.measures(), questions=questions, kinds=dict(sorted(kinds.items())), bar=_bar, stack=_stack, shown=shown
    )


def result(line: Mapping[str, Any]) -> str:
    """`right` with every fact rightly cited, or abstaining where it should; `partly` with some; `wrong`; `failed` where the call did."""
    if line["failed"]:
        return "failed"
    reached = quality(line["outcomes"])
    return "right" if all(part == 1 for part in reached) else "wrong" if not any(reached) else "partly"


def _facts(line: Mapping[str, Any]) -> list[tuple[list[str], bool]]:
    facts, answer = line["row"]["facts"], line["answer"]
    held = facts_held(said(answer["answer"]), facts) if answer and answer["status"] == "answered" else [False] * len(facts)
    return list(zip(facts, held, strict=True))


@cache
def _template() -> Template:
    loader = PackageLoader("chatbot.evaluation", "")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).get_template(REPORT)


def _bar(measure: Measure) -> Markup:
    """A share as a bar with its interval; a number has none."""
    if MEASURES[measure.name].format != "share":
        return Markup("")
    value, low, high = (f"{100 * part:.2f}" for part in (measure.value, measure.low, measure.high))
    width = f"{100 * (measure.high - measure.low):.2f}"
    return Markup(
        '<svg role="img" aria-label="{name}" preserveAspectRatio="none" viewBox="0 0 100 16">'
        '<rect width="100" height="16" fill="var(--line)" opacity=".5"/><rect width="{value}" height="16" fill="var(--bar)"/>'
        '<rect x="{low}" y="6" width="{width}" height="4" fill="var(--ink)" opacity=".55"><title>{low} to {high} %</title></rect></svg>'
    ).format(name=f"{measure.name}: {shown(measure.name, measure.value)}", value=value, low=low, high=high, width=width)


def _stack(counts: Counter[str]) -> Markup:
    """Right, partly and wrong beside each other."""
    total = sum(counts[name] for name in RESULTS) or 1
    parts, start = [], 0.0
    for name, colour in RESULTS.items():
        width = 100 * counts[name] / total
        parts.append(
            Markup('<rect x="{x}" width="{width}" height="16" fill="var({colour})"><title>{name}: {count}</title></rect>').format(
                x=f"{start:.2f}", width=f"{width:.2f}", colour=colour, name=name, count=counts[name]
            )
        )
        start += width
    return Markup('<svg role="img" aria-label="{label}" preserveAspectRatio="none" viewBox="0 0 100 16">{parts}</svg>').format(
        label=", ".join(f"{name} {counts[name]}" for name in RESULTS), parts=Markup("").join(parts)
    )
