"""Questions under way: kept before they are asked, settled once, and never lost to a click, a stop or a fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from page_support import Gate, usual_advisor

from chatbot.errors import MemoryStoreError
from chatbot.memory import Exchange, Memory, open_memory
from chatbot.profile import Profile
from chatbot.settings import MemorySettings
from chatbot.types import Reply
from ui import answering
from ui.answering import Asked, Desk, history_before


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    memory = open_memory(MemorySettings(), tmp_path)
    yield Desk(memory)
    memory.close()


def opened(advisor: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(advisor)
    return future


def ask(desk: Desk, advisor: Any, question: str = "What?", **fields: Any) -> tuple[str, str]:
    conversation_id = desk.memory.begin("me", question)
    return conversation_id, desk.ask("me", conversation_id, Asked(question, **fields), opened(advisor))


def settled(desk: Desk, conversation_id: str, turn_id: str) -> Exchange:
    until(lambda: desk.work(turn_id) is None)
    (turn,) = [one for one in desk.memory.conversation("me", conversation_id).turns if one.id == turn_id]
    return turn


def until(holds: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_answer_is_kept_with_questions_to_go_on_with(desk: Desk) -> None:
    advisor = usual_advisor()
    turn = settled(desk, *ask(desk, advisor, "What does an AI engineer do?", history=("Before?",)))
    assert turn.state == "answered"
    assert turn.answer
    assert turn.answer.citations
    assert turn.answer.suggestions
    assert advisor.asked == [("What does an AI engineer do?", ("Before?",))]


def test_a_profile_is_put_to_the_advisor_and_the_question_stays_as_it_was_typed(desk: Desk) -> None:
    advisor = usual_advisor()
    turn = settled(desk, *ask(desk, advisor, "Which role suits me?", profile=Profile("a nurse")))
    assert advisor.asked[0][0] == "I am a nurse. Which role suits me?"
    assert turn.question == "Which role suits me?"
    assert turn.answer
    assert turn.answer.question == "Which role suits me?"


def test_what_came_before_a_stop_is_kept_and_what_comes_after_is_not(desk: Desk) -> None:
    gate = Gate()
    conversation_id, turn_id = ask(desk, gate)
    gate.may_start.set()
    until(lambda: (work := desk.work(turn_id)) and work.text)
    desk.stop(turn_id)
    gate.may_end.set()
    turn = settled(desk, conversation_id, turn_id)
    assert (turn.state, turn.partial, turn.answer) == ("stopped", "The first words", None)
    desk.stop(turn_id)  # a second click does nothing
    assert settled(desk, conversation_id, turn_id) == turn


def test_what_takes_too_long_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "PATIENCE_SECONDS", 0.05)
    gate = Gate()
    conversation_id, turn_id = ask(desk, gate)
    turn = settled(desk, conversation_id, turn_id)
    assert (turn.state, turn.problem) == ("failed", answering.OVERDUE)
    gate.may_start.set()
    gate.may_end.set()


@pytest.mark.parametrize("question", ["a question that is too long", "a bug"])
def test_an_error_is_kept_as_its_sentence_and_tells_no_secret(desk: Desk, question: str, caplog: pytest.LogCaptureFixture) -> None:
    turn = settled(desk, *ask(desk, usual_advisor(), question))
    assert turn.state == "failed"
    assert turn.problem.endswith(".")
    assert "sk-123" not in turn.problem + caplog.text


def test_an_answer_that_breaks_off_keeps_what_there_was(desk: Desk) -> None:
    def pieces() -> Iterator[str]:
        yield "Half an answer"
        raise ConnectionError

    advisor = usual_advisor()
    advisor.answer = lambda *_: Reply(pieces(), lambda: None)  # type: ignore[method-assign, assignment, return-value, arg-type]
    turn = settled(desk, *ask(desk, advisor))
    assert (turn.state, turn.partial) == ("failed", "Half an answer")


def test_an_answer_does_not_wait_for_questions_to_go_on_with_that_cannot_be_had(desk: Desk) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            return getattr(usual_advisor(), name)

        def follow_ups(self, *_: object) -> tuple[str, ...]:
            raise MemoryStoreError("no")

    assert settled(desk, *ask(desk, Broken())).state == "answered"


def test_a_conversation_deleted_meanwhile_stays_deleted(desk: Desk) -> None:
    gate = Gate()
    conversation_id, turn_id = ask(desk, gate)
    desk.memory.delete("me", conversation_id)
    gate.may_start.set()
    gate.may_end.set()
    until(lambda: desk.work(turn_id) is None)
    assert desk.memory.listed("me") == ()


def test_a_full_disk_leaves_the_question_to_be_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryStoreError("The disk is full.")

    monkeypatch.setattr(Memory, "settle", full)
    turn = settled(desk, *ask(desk, usual_advisor()))
    assert turn.state == "asked"


def test_two_questions_at_once_answer_each_its_own(desk: Desk) -> None:
    turns = [ask(desk, usual_advisor(), f"Question {number}?") for number in range(8)]
    for number, (conversation_id, turn_id) in enumerate(turns):
        answer = settled(desk, conversation_id, turn_id).answer
        assert answer
        assert answer.question == f"Question {number}?"
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "answer"])


def test_a_question_that_was_not_answered_for_an_error_is_no_history(desk: Desk) -> None:
    conversation_id = desk.memory.begin("me", "First?")
    advisor = usual_advisor()
    for question in ("First?", "too long", "Third?"):
        settled(desk, conversation_id, desk.ask("me", conversation_id, Asked(question), opened(advisor)))
    turns = desk.memory.conversation("me", conversation_id).turns
    assert history_before(turns) == ("First?", "Third?")
    assert history_before(turns, turns[2].id) == ("First?",)
