"""Questions under way: each is answered on a thread of its own, and kept in the conversations' database. Calls nothing of Streamlit.

A run of the page never waits for an answer, so that a click, a refresh or a second tab in the middle loses nothing: whoever looks
finds the work under its turn's id as long as it goes on, and in the database from then on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from chatbot.memory import Exchange, Memory
from chatbot.profile import NOBODY, Profile
from chatbot.types import Answer
from ingest.errors import CareerAdvisorError
from ui.problems import log_unforeseen, sentence

if TYPE_CHECKING:
    from chatbot.advisor import Advisor

PATIENCE_SECONDS = 180.0  # from the question to the last word, a first load of the model included
RESTARTED = "The page was restarted before this was answered; please ask again."
OVERDUE = "No answer came in time; please ask again."


@dataclass(frozen=True, slots=True)
class Asked:
    """What is put to the advisor."""

    question: str
    history: tuple[str, ...] = ()
    profile: Profile = NOBODY


@dataclass(eq=False, slots=True)
class Work:
    """One question under way; it is settled once, by whoever is first: the answer, the clock or the person who stops it."""

    asked: Asked
    begun_at: float = field(default_factory=time.monotonic)
    pieces: list[str] = field(default_factory=list)
    finished: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def is_overdue(self) -> bool:
        return time.monotonic() - self.begun_at > PATIENCE_SECONDS


class Desk:
    """Where questions are handed in; shared by all sessions of the page."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._works: dict[str, Work] = {}

    def ask(self, owner: str, conversation_id: str, asked: Asked, opening: Future[Advisor], instead_of: str | None = None) -> str:
        """Writes the question down before anyone is asked; the id of its turn."""
        turn_id = self.memory.ask(owner, conversation_id, asked.question, instead_of)
        self._works[turn_id] = work = Work(asked)
        threading.Thread(target=self._answer, args=(turn_id, work, opening), name="answer", daemon=True).start()
        return turn_id

    def work(self, turn_id: str) -> Work | None:
        """The work on a turn, as long as it goes on; one that takes too long is given up."""
        work = self._works.get(turn_id)
        if work and work.is_overdue:
            self._settle(turn_id, work, problem=OVERDUE)
            return None
        return work

    def stop(self, turn_id: str) -> None:
        """What came so far is kept."""
        if work := self._works.get(turn_id):
            self._settle(turn_id, work)

    def _answer(self, turn_id: str, work: Work, opening: Future[Advisor]) -> None:
        try:
            advisor = opening.result()
            asked = work.asked
            reply = advisor.answer(asked.profile.put_to(asked.question), asked.history)
            for piece in reply:
                work.pieces.append(piece)
                if work.finished.is_set():
                    return
            answer = replace(reply.answer, question=asked.question)
            self._settle(turn_id, work, _with_follow_ups(advisor, answer, asked.history))
        except Exception as error:  # said under the question, which stays
            log_unforeseen(error)
            self._settle(turn_id, work, problem=sentence(error))

    def _settle(self, turn_id: str, work: Work, answer: Answer | None = None, problem: str = "") -> None:
        with work.lock:
            if work.finished.is_set():
                return
            try:
                self._keep(turn_id, work, answer, problem)
            except CareerAdvisorError as error:  # a full disk, say: the page finds the turn unanswered, and can ask again
                log_unforeseen(error)
            work.finished.set()
            self._works.pop(turn_id, None)

    def _keep(self, turn_id: str, work: Work, answer: Answer | None, problem: str) -> None:
        if answer:
            self.memory.settle(turn_id, answer)
        elif problem:
            self.memory.fail(turn_id, problem, work.text)
        else:
            self.memory.stop(turn_id, work.text)


def _with_follow_ups(advisor: Advisor, answer: Answer, history: Sequence[str]) -> Answer:
    with suppress(CareerAdvisorError):  # an answer is an answer without them
        return replace(answer, suggestions=answer.suggestions or advisor.follow_ups(answer, history))
    return answer


def history_before(turns: Sequence[Exchange], turn_id: str | None = None) -> tuple[str, ...]:
    """The questions that a question follows on from: those that were not answered for an error are none."""
    before: list[str] = []
    for turn in turns:
        if turn.id == turn_id:
            break
        if turn.state != "failed":
            before.append(turn.question)
    return tuple(before)
