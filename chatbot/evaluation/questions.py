"""The question set: its rows, and when an answer holds a fact."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from chatbot.types import Answer, heading_line
from ingest.errors import CareerAdvisorError

Split = Literal["tune", "report"]

_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_NOT_WORD = re.compile(r"[\W_]+")


class QuestionSetError(CareerAdvisorError):
    """A question set that cannot be read."""


class DraftPassage(BaseModel):
    """A passage as a draft remembers it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    article_id: str
    heading: str
    quote: str


class Draft(BaseModel):
    """What came of a question that somebody complained of; the engineer completes the row and deletes this."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["answered", "abstained"]
    answer: str
    generation: str
    cited: tuple[DraftPassage, ...] = ()
    retrieved: tuple[DraftPassage, ...] = ()
    comment: str = ""


class Question(BaseModel):
    """One row. `facts` are what an answer must hold, each a list of alternatives; `evidence` are verbatim quotes of the articles.

    A row with a `draft` is not evaluated until it is completed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    question: str
    history: tuple[str, ...] = ()
    kind: str
    answerable: bool
    evidence: tuple[str, ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()
    split: Split = "report"
    draft: Draft | None = None


def read_questions(path: Path) -> list[Question]:
    """Raises QuestionSetError, which names the first line that cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise QuestionSetError(f"The question set '{path}' cannot be read.") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                rows.append(Question.model_validate(json.loads(line)))
            except (ValueError, ValidationError):
                raise QuestionSetError(f"Line {number} of the question set '{path}' is not a question.") from None
    return rows


def to_ask(rows: Iterable[Question], split: Split | None = None) -> list[Question]:
    """Those that are no drafts, of both halves or of one."""
    return [row for row in rows if not row.draft and split in (None, row.split)]


def append_question(path: Path, row: Question) -> None:
    """Adds a row to the end of a set, which may not exist yet. Raises QuestionSetError."""
    try:
        before = path.read_bytes() if path.exists() else b""
        with path.open("a", encoding="utf-8") as lines:
            lines.write("\n" if before and not before.endswith(b"\n") else "")
            lines.write(json.dumps(row.model_dump(mode="json", exclude_none=True), ensure_ascii=False) + "\n")
    except OSError as error:
        raise QuestionSetError(f"The question set '{path}' cannot be written ({error.strerror}).") from None


def draft_of(answer: Answer, history: Sequence[str], taken: Iterable[str], comment: str = "") -> Question:
    """A draft row of an answer that somebody complained of: on the tune half, for it was looked into."""
    cited = tuple(DraftPassage(article_id=one.article_id, heading=one.heading, quote=one.quote) for one in answer.citations)
    retrieved = tuple(
        DraftPassage(article_id=one.chunk.article_id, heading=heading_line(one.chunk), quote=one.chunk.text) for one in answer.passages
    )
    draft = Draft(status=answer.status, answer=answer.text, generation=answer.generation, cited=cited, retrieved=retrieved, comment=comment)
    return Question(
        id=_free_id(answer.question, set(taken)),
        question=answer.question,
        history=tuple(history),
        kind="follow_up" if history else "fact",
        answerable=True,
        split="tune",
        draft=draft,
    )


def _free_id(question: str, taken: set[str]) -> str:
    stem = "-".join(["d", *folded(question).split()[:6]])
    return next(name for number in itertools.count(1) if (name := stem if number == 1 else f"{stem}-{number}") not in taken)


@lru_cache(maxsize=4096)  # the same text is looked through for every fact
def folded(text: str) -> str:
    """Lower case, punctuation as spaces, number words as digits, one space between words."""
    return " ".join(_NUMBER_WORDS.get(word, word) for word in _NOT_WORD.sub(" ", text.casefold()).split())


def holds(text: str, fact: Sequence[str]) -> bool:
    """Whether a text holds one of a fact's alternatives as a run of whole words."""
    within = f" {folded(text)} "
    return any(f" {folded(alternative)} " in within for alternative in fact)


def facts_held(text: str, facts: Iterable[Sequence[str]]) -> list[bool]:
    return [holds(text, fact) for fact in facts]
