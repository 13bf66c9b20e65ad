"""What people asked that the articles should answer and do not, for the keeper of the articles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatbot.types import Answer, heading_line

Unanswered = tuple[Sequence[str], datetime, Answer | None]  # the questions of a turn that were not answered, when it was, what it was told


@dataclass(frozen=True, slots=True)
class Gap:
    """A question that the articles should answer and do not; `near` are the headings of the passages that stood nearest."""

    question: str
    times: int
    last_asked: datetime
    near: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "question": self.question,
            "times": self.times,
            "last_asked": self.last_asked.isoformat(timespec="seconds"),
            "near": list(self.near),
        }


def gathered(turns: Iterable[Unanswered]) -> list[Gap]:
    """Each question once, the most asked first; of turns in the order of their time."""
    found: dict[str, Gap] = {}
    for questions, asked_at, answer in turns:
        near = tuple(dict.fromkeys(heading_line(passage.chunk) for passage in answer.passages)) if answer else ()
        for question in questions:
            key = " ".join(question.casefold().rstrip(" ?.!").split())
            times = found[key].times + 1 if key in found else 1
            found[key] = Gap(question, times, asked_at, near)
    return sorted(found.values(), key=lambda gap: (-gap.times, -gap.last_asked.timestamp()))
