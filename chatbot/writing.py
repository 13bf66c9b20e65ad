"""An answer that a model writes from passages, proved as it comes; the quoted answer wherever the model fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chatbot import prompts
from chatbot.cite import Citations
from chatbot.claims import ClaimReader
from chatbot.errors import ModelError
from chatbot.evidence import Evidence
from chatbot.proof import Prover
from chatbot.types import Answer, Timings, Tokens, heading_line, pieces_of
from ingest.types import Chunk

if TYPE_CHECKING:
    from chatbot.generative import WritingModel

GAP = " … "  # where sentences of a passage are left out
GRACE = 1.0  # seconds in which what stands when the model fails, or its time is up, is still proved

INSTEAD = ", so this answer is quoted from the articles."
PARTLY = ", so what it wrote is incomplete, and what follows is quoted from the articles."
UNCHECKED = "There was no time left to check all that the model wrote"
UNSUPPORTED = "Nothing that the model wrote is supported by the articles" + INSTEAD


@dataclass(frozen=True, slots=True)
class Task:
    """What the model is to answer: the answer quoted from the articles, which holds the passages; what it was chosen from, best first;
    the earlier questions; and how to abstain.
    """

    quoted: Answer
    ranked: Sequence[Evidence]
    history: Sequence[str]
    abstain: Callable[[], Answer]
    started: float  # time.perf_counter
    deadline: float  # time.monotonic


class Writing:
    """Iterate it for the text as it can be shown; `answer` after that."""

    def __init__(self, model: WritingModel, task: Task, prover: Prover, citations: Citations, tokens: Tokens) -> None:
        self._model = model
        self._task = task
        self._prover = prover
        self._citations = citations
        self._tokens = tokens
        self._until = task.deadline
        self._text = ""
        self._answer: Answer | None = None

    def __iter__(self) -> Iterator[str]:
        reader, failure = ClaimReader(self._proved), None
        writes = self._model.answer(self.request(), self._task.deadline, self._tokens)
        try:
            with closing(writes):  # its tokens are counted when it ends, also where it is given up
                for piece in writes:
                    yield from self._shown(reader.feed(piece))
            yield from self._shown(reader.end())
        except ModelError as error:
            failure = error
            yield from self._last(reader)
        answer = self._outcome(reader, failure)
        yield from self._rest(answer.text)
        self._answer = self._accounted(answer)

    def _proved(self, claim: str, numbers: Sequence[int]) -> str:
        if time.monotonic() > self._until:
            raise ModelError(f"{UNCHECKED}.")
        return self._prover(claim, numbers)

    def _last(self, reader: ClaimReader) -> Iterator[str]:
        self._until = time.monotonic() + GRACE
        with suppress(ModelError):
            yield from self._shown(reader.end())

    def _shown(self, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            shown = text if self._text else text.lstrip()
            self._text += shown
            if shown:
                yield shown

    def _rest(self, text: str) -> Iterator[str]:
        """What of the answer was not shown yet; all of it, where it is another than was shown."""
        if text.startswith(self._text):
            yield from pieces_of(text[len(self._text) :])
        elif not self._text.startswith(text):
            yield from ("\n\n", *pieces_of(text))

    def answer(self) -> Answer:
        return self._answer or self._task.quoted

    def request(self) -> str:
        """The message that the model is sent."""
        quoted = self._task.quoted
        chunks = [passage.chunk for passage in quoted.passages]
        texts = cut(chunks, self._task.ranked, self._model.settings.model_passage_words)
        passages = [(chunk.title, heading_line(chunk), text) for chunk, text in zip(chunks, texts, strict=True)]
        return prompts.request(quoted.standalone_question, self._task.history, passages)

    # --- what comes of it

    def _outcome(self, reader: ClaimReader, failure: ModelError | None) -> Answer:
        quoted = self._task.quoted
        written = self._text.strip()
        if failure:
            reason = str(failure).rstrip(".")
            return (
                self._partial(written, reason + PARTLY, reader.unproved) if self._prover.verified else self._noted(quoted, reason + INSTEAD)
            )
        if reader.withheld or (reader.declined and not self._prover.verified):
            return replace(self._task.abstain(), mode=self.mode)
        if not self._prover.verified:
            return self._noted(quoted, UNSUPPORTED)
        answer = replace(quoted, text=written, mode=self.mode, citations=self._citations.all())
        return self._noted(answer, *_warnings(answer, reader.unproved))

    @property
    def mode(self) -> str:
        return f"model:{self._model.name}"

    def _partial(self, written: str, notice: str, unproved: int) -> Answer:
        quoted = self._task.quoted
        text = f"{written} …\n\n{self._citations.renumbered(quoted.text, quoted.citations)}"
        answer = replace(quoted, text=text, mode=self.mode, citations=self._citations.all())
        return self._noted(answer, *_warnings(answer, unproved), notice)

    def _noted(self, answer: Answer, *notices: str) -> Answer:
        return replace(answer, notices=(*answer.notices, *notices))

    def _accounted(self, answer: Answer) -> Answer:
        tokens = dict(self._tokens) or None
        total = 1000 * (time.perf_counter() - self._task.started)
        timings = Timings(answer.timings.retrieve, total - answer.timings.retrieve, total)
        return replace(answer, tokens=tokens, cost=self._model.settings.cost(tokens) if tokens else None, timings=timings)


def _warnings(answer: Answer, unproved: int) -> list[str]:
    found = []
    if doubtful := [f"[{citation.number}]" for citation in answer.citations if not citation.verified]:
        are = "is" if len(doubtful) == 1 else "are"
        found.append(
            f"What {' and '.join(doubtful)} {are} cited for was not found in so many words; read the source before you rely on it."
        )
    if unproved:
        found.append("A sentence without a number is the model's own, and nothing in the articles was found to prove it.")
    return found


def cut(chunks: Sequence[Chunk], ranked: Sequence[Evidence], words: int) -> list[str]:
    """Each passage's text without the units that the question needs least: as many stay, over all passages, as have room in `words`.

    A passage keeps its best unit, so that every number stands for something.
    """
    order = {(one.passage.chunk.id, one.number): place for place, one in enumerate(ranked)}
    units = [
        (order.get((chunk.id, number), len(order)), at, number) for at, chunk in enumerate(chunks) for number in range(len(chunk.units))
    ]
    kept: set[tuple[int, int]] = set()
    for _, at, number in sorted(units):
        size = len(chunks[at].quote(chunks[at].units[number]).split())
        if size <= words or not any(place == at for place, _ in kept):
            kept.add((at, number))
            words -= size
    return [_passage_text(chunk, [number for number in range(len(chunk.units)) if (at, number) in kept]) for at, chunk in enumerate(chunks)]


def _passage_text(chunk: Chunk, numbers: Sequence[int]) -> str:
    """The units that were kept, with what opens a list or heads a table, in their order."""
    parts: list[str] = []
    before = -1
    for number in numbers:
        unit = chunk.units[number]
        lead = chunk.lead_of(unit)
        if lead and lead not in parts and not any(lead in part for part in parts):
            parts.append(lead)
        if parts and before >= 0 and number != before + 1:
            parts.append(GAP.strip())
        parts.append(chunk.quote(unit))
        before = number
    return "\n".join(parts)
