"""What is kept of an evaluation, so that it can be compared with another.

<run>/run.json         what was run (settings, generation, versions, question set) and the measures; written last, so that it tells a finished run
<run>/scores.jsonl     what each question came to: all that a comparison needs
<run>/answers.jsonl    every row with its answer
<run>/times.json       when, and how many milliseconds a question; the one file in which two runs of the same thing differ
<run>/report.html      all of it to look at (report.py)
<run>/progress.jsonl   only while it runs, or was interrupted: what was asked so far
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chatbot.evaluation.marking import Outcomes
from chatbot.evaluation.measures import Measure, measures
from ingest.errors import CareerAdvisorError
from ingest.types import content_hash

FORMAT = 1
RUN, SCORES, ANSWERS, TIMES, PROGRESS = "run.json", "scores.jsonl", "answers.jsonl", "times.json", "progress.jsonl"
PARTS = ("format", "settings", "generation", "question_set", "program", "versions")


class RunError(CareerAdvisorError):
    """A run that cannot be begun, gone on with or read."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one question came to. `failed` names the error of a call that failed: it is counted apart, and is no wrong answer."""

    id: str
    kind: str
    split: str
    question: str  # a hash of what was asked and expected: of a row that was edited, two runs cannot be compared
    outcomes: Outcomes
    failed: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "split": self.split,
            "question": self.question,
            "outcomes": {name: [round(part, 6) for part in outcome] for name, outcome in self.outcomes.items()},
            "failed": self.failed,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Score:
        outcomes = {name: (float(reached), float(of)) for name, (reached, of) in fields["outcomes"].items()}
        return cls(**{**fields, "outcomes": outcomes})


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run. `made_by` is what it depends on: settings, generation, versions and the set's hash."""

    made_by: dict[str, Any]
    scores: tuple[Score, ...]
    times: dict[str, Any] = field(default_factory=dict)

    @property
    def marks(self) -> dict[str, Outcomes]:
        return {score.id: score.outcomes for score in self.scores if not score.failed}

    @property
    def failed(self) -> int:
        return sum(score.failed is not None for score in self.scores)

    def measures(self) -> list[Measure]:
        return measures(self.marks)

    def as_dict(self) -> dict[str, Any]:
        """The same, to the byte, for the same run on any machine with the same versions."""
        return {
            **self.made_by,
            "questions": len(self.scores),
            "failed": self.failed,
            "measures": [measure.as_dict() for measure in self.measures()],
        }


def read_run(folder: Path) -> Run:
    """Needs run.json and scores.jsonl alone. Raises RunError."""
    if not (folder / RUN).is_file():
        unfinished = (folder / PROGRESS).is_file()
        raise RunError(
            f"The run in '{folder}' was not finished; evaluate into it again." if unfinished else f"There is no run in '{folder}'."
        )
    try:
        fields = json.loads((folder / RUN).read_text(encoding="utf-8"))
        scores = tuple(Score.from_dict(row) for row in _lines(folder / SCORES))
        times = json.loads((folder / TIMES).read_text(encoding="utf-8")) if (folder / TIMES).is_file() else {}
        parts = {name: fields[name] for name in PARTS}
        if fields["format"] != FORMAT:
            raise RunError(f"The run in '{folder}' was written by another version of this program.")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise RunError(f"The run in '{folder}' is damaged.") from None
    return Run(parts, scores, times)


def runs_that_hold(runs: Path, article_id: str) -> list[str]:
    """The names of the kept runs, finished or not, whose answers quote or name an article; also of those that cannot be read."""
    return sorted(folder.name for folder in runs.glob("*") if any(_holds(folder / name, article_id) for name in (ANSWERS, PROGRESS)))


def _holds(path: Path, article_id: str) -> bool:
    named = f'"article_id": {json.dumps(article_id, ensure_ascii=False)}'
    try:
        with path.open(encoding="utf-8") as lines:
            return any(named in line for line in lines)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True


# --- while it runs


@contextmanager
def progress_of(folder: Path, parts: Mapping[str, Any]) -> Iterator[tuple[dict[str, dict[str, Any]], Callable[[dict[str, Any]], None]]]:
    """What an interrupted run of the same parts has already asked, by row id, and a way to keep more; calls that failed are made again.

    Raises RunError where the folder holds a finished run, or one of other parts.
    """
    path = folder / PROGRESS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / RUN).exists():
            raise RunError(f"'{folder}' already holds a finished run; name another folder.")
        kept = _kept(path, parts)
        _replace(path, [parts, *kept.values()])  # without the line that was torn when it stopped
        with path.open("a", encoding="utf-8") as file:

            def keep(line: dict[str, Any]) -> None:
                kept[line["id"]] = line
                file.write(_json_line(line))
                file.flush()

            yield kept, keep
    except OSError as error:
        raise RunError(f"The run cannot be kept in '{folder}' ({error.strerror}).") from None


def _kept(path: Path, parts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    first, *rest = [*_lines(path, is_torn=True)] or [None]
    if first is not None and first != json.loads(json.dumps(parts)):
        raise RunError(
            f"The unfinished run in '{path.parent}' was begun with other settings, articles, questions or code; name another folder."
        )
    return {line["id"]: line for line in rest if not line["failed"]}


def folder_for(runs: Path, parts: Mapping[str, Any]) -> Path:
    """Below the folder of runs: the newest run of the same parts that was interrupted, else a new folder."""
    unfinished = [folder for folder in sorted(runs.glob("*"), reverse=True) if _is_unfinished(folder, parts)]
    return unfinished[0] if unfinished else runs / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"


def folder_named(runs: Path, name: str) -> Path:
    """A run's folder by its path, or by its name below the folder of runs."""
    return runs / name if not Path(name).is_dir() and (runs / name).is_dir() else Path(name)


def _is_unfinished(folder: Path, parts: Mapping[str, Any]) -> bool:
    try:
        return not (folder / RUN).exists() and (folder / PROGRESS).exists() and bool(_kept(folder / PROGRESS, parts))
    except (RunError, OSError):
        return False


# --- when it has ended


def write_run(folder: Path, parts: dict[str, Any], lines: Sequence[dict[str, Any]]) -> Run:
    """Everything but the report and run.json, which `finish` writes; within `progress_of`, which says what a disk will not take."""
    scores = tuple(_score(line) for line in lines)
    when = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **_spread(lines),
        **_spent(lines),
        "ms": {line["id"]: line["ms"] for line in lines},
    }
    _replace(folder / ANSWERS, [{name: value for name, value in line.items() if name != "ms"} for line in lines])
    _replace(folder / SCORES, [score.as_dict() for score in scores])
    (folder / TIMES).write_text(json.dumps(when, indent=1) + "\n", encoding="utf-8")
    return Run(parts, scores, when)


def _spent(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Tokens and cost of the answers, where a model wrote any; those asked by other people are not among them."""
    answers = [line["answer"] for line in lines if line["answer"] and line["answer"].get("tokens")]
    if not answers:
        return {}
    tokens = {name: sum(answer["tokens"][name] for answer in answers) for name in ("input", "output")}
    costs = [answer["cost"] for answer in answers if "cost" in answer]
    return {"tokens": tokens, "cost": sum(costs)} if costs else {"tokens": tokens}


def finish(run: Run, folder: Path) -> None:
    """From here on it is a finished run."""
    (folder / RUN).write_text(json.dumps(run.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / PROGRESS).unlink(missing_ok=True)


def _score(line: Mapping[str, Any]) -> Score:
    row = line["row"]
    expected = content_hash([row[name] for name in ("question", "history", "answerable", "evidence", "facts")])
    return Score.from_dict(
        {
            "id": row["id"],
            "kind": row["kind"],
            "split": row["split"],
            "question": expected,
            "outcomes": line["outcomes"],
            "failed": line["failed"],
        }
    )


def _spread(lines: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    times = sorted(line["ms"] for line in lines if line["ms"] is not None)
    return {"median_ms": round(statistics.median(times), 1), "p95_ms": round(times[int(0.95 * (len(times) - 1))], 1)} if times else {}


def _lines(path: Path, *, is_torn: bool = False) -> Iterator[Any]:
    """The values of a file of JSON lines; of one that may be torn, up to the first line that was not finished."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                if is_torn:
                    return
                raise


def _json_line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _replace(path: Path, values: Sequence[Mapping[str, Any]]) -> None:
    """At once: a reader sees the old file or the new one."""
    beside = path.with_suffix(".new")
    beside.write_text("".join(map(_json_line, values)), encoding="utf-8")
    beside.replace(path)
