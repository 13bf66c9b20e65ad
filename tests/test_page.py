"""The pages, run without a browser and with a fake advisor in place of the real one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from page_support import APP, BUILDS, PYTHON, STARTERS, FakeAdvisor, Gate, corpus_article, usual_advisor, usual_answer
from streamlit.testing.v1 import AppTest

from chatbot import wiring
from chatbot.errors import MemoryStoreError
from chatbot.evaluation.questions import read_questions
from chatbot.memory import Memory, open_memory
from chatbot.settings import MemorySettings
from chatbot.types import Citation, Reply
from ingest.errors import EmbeddingModelError, NoIndexError
from ingest.settings import IngestSettings
from ui import answering, articles_page, chat_page, component, turn, visitor
from ui.settings import COOKIE, PageSettings
from ui.view import View


@pytest.fixture(autouse=True)
def _no_advisor_of_another_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # each page looks through every installed package for components, which takes half a second; none has any
    monkeypatch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", list)
    monkeypatch.setattr(component, "PAINT_SECONDS", 0)  # no browser has to draw the page
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


def test_the_model_is_loaded_once_the_page_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_advisor(*_: object) -> Any:
        raise AssertionError

    monkeypatch.setattr(component, "PAINT_SECONDS", 3600)
    monkeypatch.setattr(wiring, "open_advisor", open_advisor)
    app = AppTest.from_file(str(APP), default_timeout=20).run()
    assert len(app.chat_input) == 1
    assert "Getting the articles ready" in json.dumps(trees(app), ensure_ascii=False)


def trees(app: AppTest) -> list[dict[str, Any]]:
    """What the component was given to show, in the order of the page."""
    return [json.loads(element.proto.json)[0] for element in app.get("bidi_component")]


def desk() -> answering.Desk:
    """The one that the page under test hands its questions in at."""
    return answering.Desk(open_memory(MemorySettings(), IngestSettings.read().data))


def visitor_of(app: AppTest) -> str:
    return visitor._hashed("session", app.session_state["session"])


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


def retry(app: AppTest) -> AppTest:
    (again,) = [button for button in app.button if button.label == "Ask again"]
    return again.click().run()


def is_landed(app: AppTest) -> bool:
    return STARTERS[0] in text(trees(app))


def is_settled(app: AppTest) -> bool:
    """Each question has its answer, with the details below it."""
    return 0 < len(toned(app, "question")) == len(app.expander)


# --- the opening page


def test_it_opens_with_a_purpose_the_articles_starters_and_a_question_box(serve: Callable[[Any], AppTest]) -> None:
    app = until(serve(usual_advisor()), is_landed)
    assert app.title[0].value == "Career Advisor"
    assert "careers in AI" in text(toned(app, "lead"))
    assert "2 articles, about: AI engineer, Generative AI engineer" in text(toned(app, "shelf"))
    assert corpus_article().title in text(toned(app, "shelf"))
    assert app.chat_input[0].placeholder == chat_page.PLACEHOLDER
    assert [button.key for button in app.button] == ["new-one"]  # nothing to try again


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
    retry(app)
    until(app, is_settled)
    assert len(toned(app, "question")) == 1


def test_a_question_that_cannot_be_answered_as_it_is_can_be_edited(serve: Callable[[Any], AppTest]) -> None:
    app = ask(serve(usual_advisor()), "This is too long")
    until(app, lambda app: bool(toned(app, "problem")))
    (edit,) = [button for button in app.button if button.label == "Edit the question"]
    edit.click().run()
    assert app.text_area[0].value == "This is too long"
    app.text_area[0].set_value("What does an AI engineer do?")
    (instead,) = [button for button in app.button if button.label == "Ask this instead"]
    until(instead.click().run(), is_settled)
    assert "too long" not in text(toned(app, "question"))


def test_spaces_ask_nothing(serve: Callable[[Any], AppTest]) -> None:
    app = ask(until(serve(usual_advisor()), is_landed), "  ")
    assert is_landed(app)
    assert not toned(app, "question")


def test_of_a_long_conversation_the_last_questions_are_drawn_and_the_earlier_ones_on_demand(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "Question 0?"), is_settled)
    memory, view = desk().memory, app.session_state["view"]
    for number in range(1, 34):
        memory.settle(memory.ask(visitor_of(app), view.conversation_id, f"Question {number}?"), usual_answer(""))
    shown = toned(app.run(), "question")
    assert (text(shown[0]["blocks"]).split()[-1], len(shown)) == ("20?", 14)
    app.button(key="earlier").click().run()
    assert len(toned(app, "question")) == 24
    app.button(key="earlier").click().run()
    assert len(toned(app, "question")) == 34
    assert "earlier" not in [button.key for button in app.button]


def test_a_question_asked_where_the_conversation_is_gone_begins_another(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)
    gone = app.query_params["c"]
    desk().memory.delete_all(visitor_of(app))  # in another tab
    until(ask(app, "And what is the pay?"), is_settled)
    assert app.query_params["c"] != gone
    assert "And what is the pay?" in text(toned(app, "title"))


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
    retry(app)
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
    monkeypatch.setattr(answering, "PATIENCE_SECONDS", 0.3)
    gate = Gate()
    app = ask(serve(gate), "What?")
    until(app, lambda app: "No answer came in time" in text(toned(app, "problem")))
    gate.may_start.set()
    gate.may_end.set()


# --- the open article


def opened(app: AppTest, change: Callable[[Citation], Citation], number: int) -> dict[str, Any]:
    """The panel of a cited article, as it is shown when the citation is clicked."""
    kept = desk().memory.conversation(visitor_of(app), app.session_state["view"].conversation_id).turns[0]
    assert kept.answer
    view: View = app.session_state["view"]
    view.open(kept.answer.citations[0].article_id, kept.id, change(kept.answer.citations[number - 1]))
    panel: dict[str, Any] = toned(app.run(), "panel")[0]["panel"]
    return panel


def test_a_number_opens_the_article_at_its_quote(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)
    panel = opened(app, lambda citation: citation, 2)
    assert panel["title"] == corpus_article().title
    assert panel["note"] == "Retold here from a text by Celoris Learning"
    assert corpus_article().text[slice(*panel["at"])] == PYTHON
    assert toned(app, "answer")[0]["openMark"] == 2
    app.session_state["view"].close()
    assert not toned(app.run(), "panel")


def test_a_quote_is_found_where_it_moved_and_said_to_be_gone_where_it_is(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)
    assert opened(app, lambda one: replace(one, start=0, end=5), 1)["at"][0] == corpus_article().text.index(BUILDS)
    assert "no longer in it" in opened(app, lambda one: replace(one, quote="It never said so."), 1)["warning"]
    app.session_state["view"].open("gone")
    assert "There is no article" in toned(app.run(), "panel")[0]["panel"]["warning"]


@pytest.mark.parametrize("value", [None, "1", 1.5, True, [1], {"number": 1}])
def test_a_click_that_tells_no_number_is_ignored(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    clicked: list[int] = []
    monkeypatch.setattr(st, "session_state", {"key": SimpleNamespace(mark=value)})
    component._reading("key", "mark", clicked.append)()
    assert clicked == []


def test_a_choice_that_was_not_offered_asks_nothing() -> None:
    asked: list[str] = []
    for index in (-1, 2, 10**9):
        turn.ask_one(SimpleNamespace(ask=asked.append), ["a", "b"], index)  # type: ignore[arg-type]
    assert asked == []


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


# --- what is kept


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """One browser, whatever its sessions."""
    monkeypatch.setattr(visitor, "owner", lambda: "me")


def revisited(app: AppTest, address: bool = True) -> AppTest:
    """The page in another tab, or after a refresh."""
    again = AppTest.from_file(str(APP), default_timeout=20)
    if address:
        again.query_params["c"] = app.session_state["view"].conversation_id
    return again.run()


@pytest.mark.usefixtures("known")
def test_a_conversation_survives_a_refresh_and_a_restart(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)
    assert app.query_params["c"] == app.session_state["view"].conversation_id
    st.cache_resource.clear()  # all that the server held
    again = until(revisited(app), is_settled)
    assert "from scratch" in text(toned(again, "answer"))
    assert "Source 1: " in text(toned(again, "sources"))


@pytest.mark.usefixtures("known")
def test_a_question_in_flight_goes_on_in_another_tab(serve: Callable[[Any], AppTest]) -> None:
    gate = Gate()
    app = ask(serve(gate), "What does an AI engineer do?")
    gate.may_start.set()
    other = until(revisited(app), lambda app: "The first words" in text(toned(app, "answer")))
    gate.may_end.set()
    for tab in (app, other):
        until(tab, lambda app: bool(toned(app, "sources")))
    assert len(gate.usual.asked) == 1


@pytest.mark.usefixtures("known")
def test_a_question_that_a_restart_cut_off_can_be_asked_again(serve: Callable[[Any], AppTest]) -> None:
    app = serve(usual_advisor())
    conversation_id = desk().memory.begin("me", "Cut off?")
    desk().memory.ask("me", conversation_id, "Cut off?")
    app.query_params["c"] = conversation_id
    app.run()
    assert turn.UNANSWERED in text(toned(app, "problem"))
    until(retry(app), is_settled)
    assert len(toned(app, "question")) == 1


def test_another_browser_does_not_see_it(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "A private question?"), is_settled)
    other = revisited(app)
    assert "no such conversation" in text(toned(other, "problem"))
    assert "private" not in text(trees(other))
    assert not toned(other, "list")


@pytest.mark.usefixtures("known")
def test_earlier_conversations_are_listed_and_on_the_opening_page(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)
    fresh = until(revisited(app, address=False), is_landed)
    assert "What does an AI engineer do?" in text(toned(fresh, "list"))
    assert "Go on where you left off" in text(toned(fresh, "shelf"))
    fresh.session_state["view"].conversation_id = app.session_state["view"].conversation_id
    fresh.session_state["away"] = True  # as one comes back from another page
    assert toned(fresh.run(), "list")[0]["blocks"][0]["items"][0]["current"]


@pytest.mark.usefixtures("known")
def test_a_conversation_is_renamed_exported_and_deleted(serve: Callable[[Any], AppTest]) -> None:
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)
    name = app.session_state["view"].conversation_id
    app.text_input(key=f"title-of-{name}").set_value("My *own* name").run()
    assert "My *own* name" in text(toned(app, "title"))
    assert "My *own* name" in text(toned(app, "list"))
    app.button(key=f"delete-{name}").click().run()
    app.button(key="delete-sure").click().run()
    assert is_landed(app)
    assert desk().memory.listed("me") == ()


@pytest.mark.usefixtures("known")
def test_all_conversations_are_deleted_at_once_and_nobody_elses(serve: Callable[[Any], AppTest]) -> None:
    yours = desk().memory.begin("you", "Yours?")
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)
    app.button(key="delete-all").click().run()
    app.button(key="delete-all-sure").click().run()
    assert is_landed(app)
    assert desk().memory.listed("me") == ()
    assert [one.id for one in desk().memory.listed("you")] == [yours]


@pytest.mark.usefixtures("known")
def test_the_last_question_is_edited_in_its_place(serve: Callable[[Any], AppTest]) -> None:
    advisor = usual_advisor()
    app = until(ask(serve(advisor), "What does a nurse do?"), is_settled)
    (kept,) = desk().memory.conversation("me", app.session_state["view"].conversation_id).turns
    app.session_state["view"].editing = kept.id
    app.run()
    assert app.text_area(key=f"edited-{kept.id}").value == "What does a nurse do?"
    app.text_area(key=f"edited-{kept.id}").set_value("What does an AI engineer do?")
    (ask_instead,) = [button for button in app.button if button.label == "Ask this instead"]
    until(ask_instead.click().run(), is_settled)
    assert [text(tree["blocks"]).split()[-2:] for tree in toned(app, "question")] == [["engineer", "do?"]]
    assert advisor.asked[-1] == ("What does an AI engineer do?", ())
    assert "AI engineer" in text(toned(app, "title"))
    name = app.session_state["view"].conversation_id
    assert app.text_input(key=f"title-of-{name}").value == "What does an AI engineer do?"


@pytest.mark.usefixtures("known")
def test_a_bad_answer_is_commented_and_becomes_a_draft_in_one_click(
    serve: Callable[[Any], AppTest], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "articles").mkdir()
    monkeypatch.setenv("CAREER_CORPUS", str(tmp_path))
    monkeypatch.setattr(visitor, "is_keeper", lambda _: True)
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)
    view = app.session_state["view"]
    (kept,) = desk().memory.conversation("me", view.conversation_id).turns
    desk().memory.rate("me", view.conversation_id, kept.id, -1)
    view.commenting = kept.id
    app.run()
    app.text_area(key=f"comment-{kept.id}").set_value("names nobody")
    (add,) = [button for button in app.button if button.label == "Add to the question set"]
    add.click().run()
    assert "added to the question set" in text(toned(app, "caption"))
    (row,) = read_questions(tmp_path / "questions.jsonl")
    assert row.draft
    assert row.draft.comment == "names nobody"
    rated = desk().memory.conversation("me", view.conversation_id).turns[0]
    assert (rated.thumb, rated.comment) == (-1, "names nobody")


@pytest.mark.usefixtures("known")
def test_what_somebody_says_of_themselves_is_kept_seen_and_cleared(serve: Callable[[Any], AppTest]) -> None:
    advisor = usual_advisor()
    app = until(serve(advisor), is_landed)
    app.text_input(key="profile-new-background").set_value("a nurse").run()
    until(ask(app, "Which role suits me?"), is_settled)
    assert advisor.asked[-1][0] == "I am a nurse. Which role suits me?"
    key = f"profile-{app.session_state['view'].conversation_id}"
    assert app.text_input(key=f"{key}-background").value == "a nurse"
    app.button(key=f"{key}-clear").click().run()
    assert app.text_input(key=f"{key}-background").value == ""
    until(ask(app, "And which suits me now?"), is_settled)
    assert advisor.asked[-1][0] == "And which suits me now?"


@pytest.mark.usefixtures("known")
def test_an_old_answer_says_what_became_of_its_quotes(serve: Callable[[Any], AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    app = until(ask(serve(usual_advisor()), "What does an AI engineer do?"), is_settled)
    edited = replace(corpus_article(), text="Anew.\n" + corpus_article().text.replace(PYTHON, PYTHON.replace("dominant", "usual")))
    advisor = FakeAdvisor(usual_answer, [edited])
    monkeypatch.setattr(FakeAdvisor, "generation", "g-2")
    st.cache_resource.clear()
    monkeypatch.setattr(wiring, "open_advisor", lambda *_: advisor)
    again = until(revisited(app), lambda app: "moved" in text(toned(app, "sources")))
    (sources,) = toned(again, "sources")
    assert [item["standing"] for item in sources["blocks"][0]["items"]] == ["moved", "changed", "moved"]
    view = again.session_state["view"]
    (turn,) = desk().memory.conversation("me", view.conversation_id).turns
    assert turn.answer
    view.open(edited.id, turn.id, turn.answer.citations[1])
    (panel,) = toned(again.run(), "panel")
    start, end = panel["panel"]["at"]
    assert edited.text[start:end] == PYTHON.replace("dominant", "usual")  # what it became
    assert PYTHON in panel["panel"]["warning"]


def test_a_question_that_cannot_be_kept_stays_with_the_reason(serve: Callable[[Any], AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    app = until(serve(usual_advisor()), is_landed)

    def full(*_: object) -> str:
        raise MemoryStoreError("The disk is full.")

    with monkeypatch.context() as broken:
        broken.setattr(Memory, "begin", full)
        ask(app, "What does an AI engineer do?")
        assert "The disk is full." in text(toned(app, "problem"))
        assert "What does an AI engineer do?" in text(toned(app, "question"))
    until(app.button(key="lost-retry").click().run(), is_settled)
    assert not toned(app, "problem")


# --- the other pages


@pytest.mark.usefixtures("known")
def test_the_guide_ends_in_a_conversation_with_reasons_on_both_sides(serve: Callable[[Any], AppTest]) -> None:
    app = until(serve(usual_advisor()), is_landed)
    guide = AppTest.from_function(_guide_app, default_timeout=20).run()
    (form,) = toned(guide, "form")
    assert [block["about"] for block in form["blocks"]] == ["Primary focus", "Mindset"]
    assert guide.button(key="guide-done").disabled
    guide.session_state["guide-picks"] = {0: 1, 1: 0}
    guide.run().button(key="guide-done").click().run()
    assert guide.session_state["gone"]
    (kept,) = desk().memory.listed("me")
    assert kept.title == "Which path fits me?"
    app.query_params["c"] = kept.id
    app.run()
    answer = text(toned(app, "answer"))
    assert "as much for the one as for the other" in answer
    assert "Analytical" in answer
    assert "Apps" in answer


def _guide_app() -> None:
    from concurrent.futures import Future  # noqa: PLC0415

    import streamlit as st  # noqa: PLC0415
    from page_support import usual_advisor  # noqa: PLC0415
    from test_page import desk  # noqa: PLC0415

    from ui import guide_page  # noqa: PLC0415
    from ui.view import Chat, session_view  # noqa: PLC0415

    opening: Future[Any] = Future()
    opening.set_result(usual_advisor())
    chat = Chat("me", desk(), opening, lambda: opening, session_view())
    guide_page.show(chat, lambda: st.session_state.__setitem__("gone", True))


def test_sign_in_shows_nothing_of_the_page_before_it(serve: Callable[[Any], AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREER_SIGN_IN", "true")
    app = serve(usual_advisor())
    assert not app.chat_input
    assert "has no [auth] section" in text(toned(app, "problem"))


@pytest.mark.parametrize(
    ("user", "settings", "is_keeper"),
    [
        ({"is_logged_in": True, "email": "Ann@x.org"}, PageSettings(sign_in=True, keepers="bob@x.org, ann@x.org"), True),
        ({"is_logged_in": True, "email": "eve@x.org"}, PageSettings(sign_in=True, keepers="bob@x.org, ann@x.org"), False),
        ({"is_logged_in": True, "email": "ann@x.org", "email_verified": False}, PageSettings(sign_in=True, keepers="ann@x.org"), False),
        ({"is_logged_in": True, "email": ""}, PageSettings(sign_in=True), False),
        ({"is_logged_in": False}, PageSettings(sign_in=True, keepers="ann@x.org"), False),
        ({"is_logged_in": True, "email": "ann@x.org"}, PageSettings(sign_in=True, keepers="ann@x.org", keeping=False), False),
    ],
)
def test_a_named_person_keeps(user: dict[str, Any], settings: PageSettings, is_keeper: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "user", user)
    assert visitor.is_keeper(settings) is is_keeper


@pytest.mark.parametrize(
    ("address", "headers", "ip", "is_keeper"),
    [
        ("127.0.0.1", {"Host": "localhost:8501"}, None, True),
        ("127.0.0.1", {"Host": "[::1]:8501"}, None, True),
        ("0.0.0.0", {"Host": "localhost:8501"}, None, False),
        ("", {"Host": "localhost:8501"}, None, False),
        ("127.0.0.1", {"Host": "evil.example"}, None, False),
        ("127.0.0.1", {"Host": "localhost", "X-Forwarded-For": "1.2.3.4"}, None, False),
        ("127.0.0.1", {"Host": "localhost"}, "1.2.3.4", False),
        ("127.0.0.1", {}, None, False),
    ],
)
def test_without_sign_in_only_this_machine_keeps(
    address: str, headers: dict[str, str], ip: str | None, is_keeper: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(headers=headers, ip_address=ip))
    monkeypatch.setattr(st, "get_option", lambda _: address)
    assert visitor.is_keeper(PageSettings()) is is_keeper
    assert not visitor.is_keeper(PageSettings(keeping=False))


def test_two_people_two_browsers_and_two_sessions_own_nothing_together(monkeypatch: pytest.MonkeyPatch) -> None:
    owners = set()
    for user in ({"is_logged_in": True, "iss": "a", "sub": "1"}, {"is_logged_in": True, "iss": "b", "sub": "1"}, {}):
        for cookie in ({COOKIE: "x"}, {COOKIE: "1"}, {}):
            monkeypatch.setattr(st, "user", user)
            monkeypatch.setattr(st, "context", SimpleNamespace(cookies=cookie))
            monkeypatch.setattr(st, "session_state", {})
            owners.add(visitor.owner())
    assert len(owners) == 5  # two people, two browsers, one session; who is signed in is themselves in any browser
