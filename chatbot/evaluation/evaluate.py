"""Asks every row of a question set through the front door, marks what comes, and keeps it as a run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from chatbot.evaluation.marking import Observed, Outcomes, Sources, mark
from chatbot.evaluation.personas import swapped
from chatbot.evaluation.questions import Question
from chatbot.evaluation.report import write_report
from chatbot.evaluation.runs import FORMAT, Run, RunError, finish, progress_of, write_run
from chatbot.types import Answer, Passage, Reply
from ingest.errors import CareerAdvisorError
from ingest.index import StoredArticle
from ingest.types import Chunk, content_hash

PACKAGES = ("bm25s", "chromadb", "langchain", "openai", "sentence-transformers", "torch")  # whose versions can change an answer

Progress: TypeAlias = Callable[[int, int], None]


class Judge(Protocol):
    """A model that judges one answer."""

    @property
    def model(self) -> str: ...
    def __call__(self, row: Question, answer: Answer) -> Outcomes: ...


class Front(Protocol):
    """What an evaluation asks of an advisor."""

    @property
    def generation(self) -> str: ...
    def answer(self, question: str, history: Sequence[str] = ()) -> Reply: ...
    def search(self, question: str) -> list[Passage]: ...
    def articles(self) -> tuple[StoredArticle, ...]: ...
    def chunks(self) -> list[Chunk]: ...


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Asks through the front door. `settings` are those that can change an answer; the judge is a model, where one was asked for;
    `personas` asks every question by two people more.
    """

    advisor: Front
    settings: Mapping[str, Any]
    judge: Judge | None = None
    personas: bool = True

    def parts(self, rows: Sequence[Question]) -> dict[str, Any]:
        """What a run depends on; one that was begun with other parts is another run."""
        return {
            "format": FORMAT,
            "settings": {**self.settings, "judge": self.judge.model if self.judge else None},
            "generation": self.advisor.generation,
            "question_set": content_hash([row.model_dump(mode="json") for row in rows]),
            "program": _program(),
            "versions": {name: metadata.version(name) for name in PACKAGES},
        }

    def run(self, rows: Sequence[Question], folder: Path, progress: Progress | None = None) -> Run:
        """Writes the run into `folder`; goes on where one with the same parts was interrupted. Raises RunError."""
        parts = self.parts(rows)
        sources = Sources({one.article.id: one.article.text for one in self.advisor.articles()}, self.advisor.chunks())
        with progress_of(folder, parts) as (done, keep):
            for number, row in enumerate(rows, start=1):
                if row.id not in done:
                    keep(self._asked(row, sources))
                if progress:
                    progress(number, len(rows))
            if self.advisor.generation != parts["generation"]:
                raise RunError("The index changed while it was evaluated, so that the answers are of two; evaluate into another folder.")
            lines = [done[row.id] for row in rows]
            run = write_run(folder, parts, lines)
            write_report(run, lines, folder)
            finish(run, folder)
        return run

    def _asked(self, row: Question, sources: Sources) -> dict[str, Any]:
        """A row with its answer, its outcomes and its time; or with the sentence of the call that failed."""
        base = {"id": row.id, "row": row.model_dump(mode="json", exclude_none=True)}
        try:
            answer = self.advisor.answer(row.question, row.history).answer
            ranked = tuple(self.advisor.search(answer.standalone_question)) if row.evidence else ()
            by_persons = tuple(
                self.advisor.answer(question, row.history).answer for question in swapped(row.id, row.question) if self.personas
            )
            outcomes = mark(row, Observed(answer, ranked, by_persons), sources) | (self.judge(row, answer) if self.judge else {})
        except CareerAdvisorError as error:
            return {**base, "failed": str(error), "answer": None, "outcomes": {}, "ms": None}
        told = answer.as_dict(row.id)
        times = told.pop("timings_ms")
        return {**base, "failed": None, "answer": told, "outcomes": outcomes, "ms": times["total"]}


def _program() -> str:
    """A hash of the program's own files: other code is another run."""
    root = Path(__file__).parents[2]
    kinds = {".py", ".json", ".safetensors"}
    files = sorted(path for room in ("ingest", "chatbot") for path in (root / room).rglob("*") if path.suffix in kinds)
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]
