"""The values that travel from a question to a cited answer. All are frozen; offsets count in the article's canonical text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ingest.types import Chunk

_PIECES = re.compile(r"\s*\S+\s*")

Status = Literal["answered", "abstained"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that was retrieved. `dense` is a cosine, `lexical` a BM25 score over the query's best, `score` their fusion in 0..1, in which the sentences have a share once they are read;
    `row` is the chunk's number in its index.
    """

    chunk: Chunk
    score: float
    dense: float
    lexical: float
    row: int


@dataclass(frozen=True, slots=True)
class Citation:
    """`article.text[start:end] == quote`; `verified` means that code found the claim supported by the quote."""

    number: int
    article_id: str
    title: str
    url: str | None
    heading: str
    quote: str
    start: int
    end: int
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds."""

    retrieve: float = 0.0
    answer: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. Abstaining is a status, not an error: such an answer cites nothing.

    `unanswered` are the questions in it that the articles should answer and do not; a greeting, an off-topic turn and an instruction are none.
    """

    question: str
    standalone_question: str
    status: Status
    text: str
    mode: str
    generation: str
    citations: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    suggestions: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    tokens: dict[str, int] | None = None
    cost: float | None = None  # in the currency of the prices that were set
    timings: Timings = field(default_factory=Timings)

    def as_dict(self, question_id: str | None = None) -> dict[str, Any]:
        """The JSON of `ask --json` and of `--batch`."""
        fields = {
            "id": question_id,
            "question": self.question,
            "standalone_question": self.standalone_question,
            "status": self.status,
            "mode": self.mode,
            "answer": self.text,
            "generation": self.generation,
            "citations": [asdict(citation) for citation in self.citations],
            "passages": [
                {
                    "article_id": passage.chunk.article_id,
                    "heading": heading_line(passage.chunk),
                    "start": passage.chunk.start,
                    "end": passage.chunk.end,
                    "score": round(passage.score, 4),
                }
                for passage in self.passages
            ],
            "suggestions": list(self.suggestions),
            "notices": list(self.notices),
            "tokens": self.tokens,
            "timings_ms": {name: round(value, 1) for name, value in asdict(self.timings).items()},
        }
        return fields if self.cost is None else {**fields, "cost": round(self.cost, 6)}


class Tokens(dict[str, int]):
    """{"input": ..., "output": ...} of all calls for one answer."""

    def add(self, read: int, written: int) -> None:
        self["input"] = self.get("input", 0) + read
        self["output"] = self.get("output", 0) + written


class Reply:
    """Iterate it for the text as it streams; `.answer` once it has been read to the end (reading it ends the stream first)."""

    def __init__(self, pieces: Iterator[str], finish: Callable[[], Answer]) -> None:
        self._pieces = pieces
        self._finish = finish
        self._answer: Answer | None = None

    def __iter__(self) -> Iterator[str]:
        yield from self._pieces

    @property
    def answer(self) -> Answer:
        for _ in self._pieces:
            pass
        if self._answer is None:
            self._answer = self._finish()
        return self._answer


def pieces_of(text: str) -> list[str]:
    """A finished text as if it streamed: its words, each with the blanks after it."""
    return _PIECES.findall(text)


def heading_line(chunk: Chunk) -> str:
    return " > ".join(chunk.heading) or chunk.title
