"""The pages, run without a browser and with a fake advisor in place of the real one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from page_support import APP, STARTERS, FakeAdvisor, corpus_article, usual_advisor, usual_answer
from streamlit.testing.v1 import AppTest

from chatbot import wiring
from chatbot.types import Answer, Reply
from ingest.errors import EmbeddingModelError, NoIndexError
from ui import articles_page, chat_page, component


@pytest.fixture(autouse=True)
def _no_advisor_of_another_test() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], AppTest]:
    """The page over an advisor, drawn once; an exception in its place is raised when it is opened."""

    def start(advisor: Any) -> AppTest:
        def open_advisor(*_: object) -> Any:
            if isinstance(advisor, Exception):
                raise advisor
            return advisor

        monkeypatch.setattr(wiring, "open_advisor", open_advisor)
        return AppTest.from_file(str(APP), default_timeout=20).run()

    return start


def trees(app: AppTest) -> list[dict[str, Any]]:
    """What the component was given to show, in the order of the page."""
    return [json.loads(element.proto.json) for element in app.get("bidi_component")]


def toned(app: AppTest, tone: str) -> list[dict[str, Any]]:
    return [tree for tree in trees(app) if tree["tone"] == tone]


def text(tree: Any) -> str:
    """All the text in a tree, links and labels included."""
    if isinstance(tree, str):
        return tree
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return " ".join(text(part) for part in parts)


def until(app: AppTest, holds: Callable[[AppTest], bool], seconds: float = 10) -> AppTest:
    """Draws the page again until it shows something, as the browser does while an answer is under way."""
    deadline = time.monotonic() + seconds
    while not holds(app):
        assert time.monotonic() < deadline, [text(tree)[:200] for tree in trees(app)]
        time.sleep(0.02)
        app.run()
    return app


def ask(app: AppTest, question: str) -> AppTest:
    return app.chat_input[0].set_value(question).run()


def is_landed(app: AppTest) -> bool:
    return STARTERS[0] in text(trees(app))


def is_settled(app: AppTest) -> bool:
    """Each question has its answer, with the details below it."""
    return 0 < len(toned(app, "question")) == len(app.expander)


class Gate:
    """An advisor that waits for leave to go on: before it answers, and after its first piece."""

    def __init__(self) -> None:
        self.may_start, self.may_end = threading.Event(), threading.Event()
        self.usual = usual_advisor()

    def answer(self, question: str, history: Sequence[str] = ()) -> Reply:
        assert self.may_start.wait(20)
        answer = self.usual.answer(question, history).answer

        def pieces() -> Iterator[str]:
            yield "The first words"
            assert self.may_end.wait(20)
            yield " and the last."

        return Reply(pieces(), lambda: answer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.usual, name)


# --- the opening page


def test_it_opens_with_a_purpose_the_articles_starters_and_a_question_box(serve: Callable[[Any], AppTest]) -> None:
    app = until(serve(usual_advisor()), is_landed)
    assert app.title[0].value == "Career Advisor"
    assert "careers in AI" in text(toned(app, "lead"))
    assert "2 articles, about: AI engineer, Generative AI engineer" in text(toned(app, "shelf"))
    assert corpus_article().title in text(toned(app, "shelf"))
    assert app.chat_input[0].placeholder == chat_page.PLACEHOLDER
    assert not app.button  # nothing to begin anew, nothing to try again


def test_the_question_box_is_there_before_the_advisor_and_a_question_asked_meanwhile_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_open = threading.Event()

    def open_advisor(*_: object) -> FakeAdvisor:
        assert may_open.wait(20)
        return usual_advisor()

    monkeypatch.setattr(wiring, "open_advisor", open_advisor)
    app = AppTest.from_file(str(APP), default_timeout=20).run()
    assert "ready" in text(toned(app, "status"))
    ask(app, "What does an AI engineer do?")
    assert "What does an AI engineer do?" in text(toned(app, "question"))
    may_open.set()
    until(app, is_settled)
    assert "from scratch" in text(toned(app, "answer"))


def test_nothing_ingested_is_one_sentence_and_trying_again_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    advisors: list[Any] = [NoIndexError("Nothing was ingested yet; run: career-advisor ingest"), usual_advisor()]

    def open_advisor(*_: object) -> Any:
        advisor = advisors.pop(0)
        if isinstance(advisor, Exception):
            raise advisor
        return advisor

    monkeypatch.setattr(wiring, "open_advisor", open_advisor)
    app = AppTest.from_file(str(APP), default_timeout=20).run()
    until(app, lambda app: bool(toned(app, "problem")))
    assert text(toned(app, "problem")[0]["blocks"]).strip().endswith("Nothing was ingested yet; run: career-advisor ingest")
    assert app.chat_input
    app.button(key="no-advisor-retry").click().run()
    until(app, is_landed)


def test_the_model_is_loaded_before_someone_waits_for_it(serve: Callable[[Any], AppTest]) -> None:
    advisor = usual_advisor()
    until(serve(advisor), lambda _: bool(advisor.searched))


def test_asking_again_helps_where_there_was_no_advisor(monkeypatch: pytest.MonkeyPatch) -> None:
    may_open = threading.Event()

    def fail(*_: object) -> Any:
        assert may_open.wait(20)
        raise EmbeddingModelError("The embedding model is missing.")

    monkeypatch.setattr(wiring, "open_advisor", fail)
    app = ask(AppTest.from_file(str(APP), default_timeout=20).run(), "What does an AI engineer do?")
    may_open.set()
    until(app, lambda app: bool(toned(app, "problem")))
    monkeypatch.setattr(wiring, "open_advisor", lambda *_: usual_advisor())
    app.button(key="error-0-0-retry").click().run()
    until(app, is_settled)
    assert len(toned(app, "question")) == 1


def test_the_next_question_helps_where_there_was_no_advisor(serve: Callable[[Any], AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    app = ask(serve(EmbeddingModelError("The embedding model is missing.")), "First?")
    until(app, lambda app: bool(toned(app, "problem")))
    monkeypatch.setattr(wiring, "open_advisor", lambda *_: usual_advisor())
    until(ask(app, "Second?"), lambda app: bool(toned(app, "sources")))


# --- a conversation


def test_an_answer_has_its_numbers_its_sources_and_its_details(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do, and what is the pay?"), is_settled)
    assert "Source 1: " in text(toned(app, "answer"))
    (sources,) = toned(app, "sources")
    assert "Retold here from a text by Celoris Learning" in text(sources)
    assert len(sources["blocks"][0]["items"]) == 3
    assert "what is the pay?" in text(toned(app, "notice"))
    assert app.expander[0].label == "How this answer came about"
    assert not app.expander[0].proto.expanded
    assert "Searched for" in text(toned(app, "details"))
    assert toned(app, "live")[0]["live"].endswith("is ready, with 3 sources.")


def test_earlier_questions_go_with_a_follow_up_and_stay_on_the_page(serve: Callable[[Any], AppTest]) -> None:
    advisor = usual_advisor()
    app = until(ask(serve(advisor), "What does an AI engineer do?"), is_settled)
    until(ask(app, "And the other one?"), is_settled)
    assert advisor.asked == [("What does an AI engineer do?", ()), ("And the other one?", ("What does an AI engineer do?",))]
    assert len(toned(app, "question")) == 2


def test_an_abstention_shows_the_nearest_passages_as_such_and_what_to_ask(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "How is the weather?"), is_settled)
    assert "no answer" in text(toned(app, "near"))
    assert STARTERS[0] in text(toned(app, "answer"))
    assert not toned(app, "sources")


def test_a_new_conversation_forgets_the_old_one(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)
    app.button(key="new").click().run()
    assert is_landed(app)
    assert not toned(app, "question")


def test_what_streams_is_shown_and_a_run_in_the_middle_asks_nothing_twice(serve: Callable[[Any], AppTest]) -> None:
    gate = Gate()
    app = ask(serve(gate), "What does an AI engineer do?")
    assert toned(app, "status")
    gate.may_start.set()
    until(app, lambda app: "The first words" in text(toned(app, "answer")))
    app.run()
    gate.may_end.set()
    until(app, lambda app: bool(toned(app, "sources")))
    assert len(gate.usual.asked) == 1


def test_a_second_question_in_the_middle_of_an_answer_loses_neither(serve: Callable[[Any], AppTest]) -> None:
    gate = Gate()
    app = ask(serve(gate), "First?")
    ask(app, "Second?")
    gate.may_start.set()
    gate.may_end.set()
    until(app, lambda app: len(toned(app, "sources")) == 2)
    assert [text(tree["blocks"]).split()[-1] for tree in toned(app, "question")] == ["First?", "Second?"]


# --- when something is wrong


def test_an_error_of_ours_is_its_sentence_below_the_question_that_can_be_asked_again(serve: Callable[[Any], AppTest]) -> None:
    advisor = usual_advisor()
    app = until(ask(serve(advisor), "a question that is too long"), lambda app: bool(toned(app, "problem")))
    assert "please ask it in fewer words" in text(toned(app, "problem"))
    assert "too long" in text(toned(app, "question"))
    app.button(key="error-0-0-retry").click().run()
    until(app, lambda app: bool(toned(app, "problem")))
    assert len(advisor.asked) == 2
    assert len(toned(app, "question")) == 1
    until(ask(app, "What does an AI engineer do?"), lambda app: bool(toned(app, "sources")))
    assert advisor.asked[-1][1] == ()  # what failed is no history


def test_an_unforeseen_error_shows_no_traceback_and_no_text_of_its_own(
    serve: Callable[[Any], AppTest], caplog: pytest.LogCaptureFixture
) -> None:
    app = until(ask(serve(usual_advisor()), "a bug"), lambda app: bool(toned(app, "problem")))
    assert not app.exception
    assert "sk-123" not in text(trees(app)) + caplog.text
    assert "ValueError at " in caplog.text


def test_an_answer_that_breaks_off_keeps_what_there_was(serve: Callable[[Any], AppTest]) -> None:
    def pieces() -> Iterator[str]:
        yield "Half an answer"
        raise ConnectionError

    advisor = usual_advisor()
    advisor.answer = lambda *_: Reply(pieces(), lambda: usual_answer("x"))  # type: ignore[method-assign]
    app = until(ask(serve(advisor), "What?"), lambda app: bool(toned(app, "problem")))
    assert "Half an answer" in text(toned(app, "answer"))
    assert "incomplete" in text(toned(app, "notice"))


def test_an_answer_that_never_comes_is_given_up(serve: Callable[[Any], AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_page, "PATIENCE_SECONDS", 0.3)
    gate = Gate()
    app = ask(serve(gate), "What?")
    until(app, lambda app: "No answer came in time" in text(toned(app, "problem")))
    gate.may_start.set()
    gate.may_end.set()


# --- the open article


def test_a_number_opens_the_article_at_its_quote(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)
    conversation: chat_page.Conversation = app.session_state["conversation"]
    answer = conversation.turns[0].answer
    assert answer
    chat_page._open_source(conversation, 0, answer, 2)
    app.run()
    (tree,) = toned(app, "panel")
    assert tree["panel"]["title"] == corpus_article().title
    assert tree["panel"]["note"] == "Retold here from a text by Celoris Learning"
    assert tree["panel"]["at"] == [answer.citations[1].start, answer.citations[1].end]
    assert toned(app, "answer")[0]["openMark"] == 2
    conversation.close()
    assert not toned(app.run(), "panel")


def _opened(app: AppTest, change: Callable[[Answer], Answer]) -> dict[str, Any]:
    conversation: chat_page.Conversation = app.session_state["conversation"]
    answer = conversation.turns[0].answer
    assert answer
    chat_page._open_source(conversation, 0, change(answer), 1)
    panel: dict[str, Any] = toned(app.run(), "panel")[0]["panel"]
    return panel


def test_a_quote_is_found_where_it_moved_and_said_to_be_gone_where_it_is(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)

    def cited(**fields: Any) -> Callable[[Answer], Answer]:
        return lambda answer: replace(answer, citations=(replace(answer.citations[0], **fields),))

    start = app.session_state["conversation"].turns[0].answer.citations[0].start
    assert _opened(app, cited(start=0, end=5))["at"][0] == start
    assert "no longer in it" in _opened(app, cited(quote="It never said so."))["warning"]
    assert "There is no article" in _opened(app, cited(article_id="gone"))["warning"]


@pytest.mark.parametrize("value", [None, "1", 1.5, True, [1], {"number": 1}])
def test_a_click_that_tells_no_number_is_ignored(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    clicked: list[int] = []
    monkeypatch.setattr(st, "session_state", {"key": SimpleNamespace(mark=value)})
    component._reading("key", "mark", clicked.append)()
    assert clicked == []


def test_a_choice_that_was_not_offered_asks_nothing() -> None:
    chat = chat_page.Conversation()
    for index in (-1, 2, 10**9):
        chat_page._ask_one(chat, None, ["a", "b"], index)  # type: ignore[arg-type]
    assert chat.turns == []


# --- the articles


def _articles_app() -> None:
    from concurrent.futures import Future  # noqa: PLC0415

    from page_support import usual_advisor  # noqa: PLC0415

    from ui import articles_page  # noqa: PLC0415

    opening: Future[Any] = Future()
    opening.set_result(usual_advisor())
    articles_page.show(opening, reopen=lambda: None)


def test_the_articles_page_lists_each_with_where_it_comes_from() -> None:
    app = AppTest.from_function(_articles_app, default_timeout=20).run()
    cards = toned(app, "cards")[0]["blocks"]
    assert cards[0]["title"] == corpus_article().title
    assert cards[0]["meta"] == "12 passages, added 22 November 2026, 03:20 UTC"
    assert cards[0]["byline"] == "the Career Advisor project · 22 November 2026"
    assert cards[0]["note"] == "Retold here from a text by Celoris Learning"


def test_an_article_is_read_whole_and_an_unknown_one_is_a_sentence() -> None:
    app = AppTest.from_function(_articles_app, default_timeout=20)
    app.query_params[articles_page.PARAMETER] = corpus_article().id
    app.run()
    assert "In the long term, the engineer who understands both layers wins." in text(toned(app, "article"))
    app.query_params[articles_page.PARAMETER] = "![](http://evil.example)"
    app.run()
    assert "There is no article" in text(toned(app, "problem"))
    app.button(key="all-articles").click().run()
    assert toned(app, "cards")
