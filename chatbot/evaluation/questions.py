"""The question set: its rows, and when an answer holds a fact."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.errors import CareerAdvisorError

_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_NOT_WORD = re.compile(r"[\W_]+")


class QuestionSetError(CareerAdvisorError):
    """A question set that cannot be read."""


class Question(BaseModel):
    """One row. `facts` are what an answer must hold, each a list of alternatives; `evidence` are verbatim quotes of the articles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    question: str
    history: tuple[str, ...] = ()
    kind: str
    answerable: bool
    evidence: tuple[str, ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()
    split: Literal["tune", "report"] = Field("report")


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


def folded(text: str) -> str:
    """Lower case, punctuation as spaces, number words as digits, one space between words."""
    return " ".join(_NUMBER_WORDS.get(word, word) for word in _NOT_WORD.sub(" ", text.casefold()).split())


def holds(text: str, fact: Sequence[str]) -> bool:
    """Whether a text holds one of a fact's alternatives as a run of whole words."""
    within = f" {folded(text)} "
    return any(f" {folded(alternative)} " in within for alternative in fact)


def facts_held(text: str, facts: Iterable[Sequence[str]]) -> list[bool]:
    return [holds(text, fact) for fact in facts]
