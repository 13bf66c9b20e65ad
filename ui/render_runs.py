"""Evaluations -> what the page shows of them, as trees. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chatbot.evaluation.comparison import Comparison
from chatbot.evaluation.measures import MEASURES, Measure, shown
from chatbot.evaluation.report import result
from ui.markdown import Block, plain

EXCERPT = 240  # characters of an answer
LEGEND = "The thin line is the 95 % interval; in brackets, how many questions count."
NAMED = 30  # questions of a kind


def bars(measures: Sequence[Measure]) -> list[Block]:
    """The shares as bars with their intervals, the rest as numbers."""
    rows = [
        {
            "name": measure.name,
            "value": measure.value,
            "low": measure.low,
            "high": measure.high,
            "told": f"{shown(measure.name, measure.value)} ({measure.count:,})",
        }
        for measure in measures
        if MEASURES[measure.name].format == "share"
    ]
    numbers = [[measure.name, shown(measure.name, measure.value)] for measure in measures if MEASURES[measure.name].format != "share"]
    return [{"kind": "bars", "rows": rows}, plain(LEGEND), *([{"kind": "facts", "rows": numbers}] if numbers else [])]


def failures(lines: Iterable[Mapping[str, Any]]) -> list[Block]:
    """The questions that were answered wrongly, in part, or not at all."""
    found = ((line, came_to) for line in lines if (came_to := result(line)) != "right")
    ordered = sorted(found, key=lambda one: ("failed", "wrong", "partly").index(one[1]))
    return [
        {
            "kind": "nearest",
            "title": line["row"]["question"],
            "place": f"{came_to} · {line['row']['kind']} · {line['id']}",
            "text": _answer(line),
        }
        for line, came_to in ordered
    ]


def _answer(line: Mapping[str, Any]) -> str:
    text = str(line["failed"] or (line["answer"] or {}).get("answer", ""))
    words = " ".join(text.split())
    return words if len(words) <= EXCERPT else words[:EXCERPT].rsplit(" ", 1)[0] + " …"


def comparison(compared: Comparison) -> list[Block]:
    """A row a measure, then the questions that changed."""
    rows = [
        [
            difference.name,
            shown(difference.name, difference.before),
            shown(difference.name, difference.after),
            shown(difference.name, difference.after - difference.before, signed=True),
            difference.verdict,
        ]
        for difference in compared.differences
    ]
    header = ["Measure", "Before", "After", "Change", "Verdict"]
    cells = [[[{"text": cell.replace(" %", "\N{NO-BREAK SPACE}%")}] for cell in row] for row in (header, *rows)]
    facts = [
        ["Verdict", compared.verdict],
        ["Changed between them", ", ".join(compared.changed) or "nothing that is known of"],
        ["Better", _named(compared.better)],
        ["Worse", _named(compared.worse)],
        ["The same", str(len(compared.same))],
        *([["Left out", _named(compared.left_out)]] if compared.left_out else []),
    ]
    table = {"kind": "table", "header": cells[0], "rows": cells[1:], "caption": "The two runs, over the questions that both asked"}
    return [{"kind": "facts", "rows": facts}, table]


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return f"{len(ids)}{': ' if ids else ''}{', '.join(ids[:NAMED])}{more}"
