"""A conversation as Markdown: it holds the answers with their quotes, and nothing in it is live."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from page_support import BUILDS, PYTHON, ROW, hostile_advisor, payloads, usual_answer

from chatbot.memory import Conversation, Exchange
from chatbot.profile import NOBODY, Profile
from chatbot.types import Answer
from ui import export

CATCHER = "http://127.0.0.1:9"
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
LIVE = {"image", "link_open", "html_inline", "html_block"}


def exchange(answer: Answer | None, question: str = "What?", **fields: str) -> Exchange:
    state = "answered" if answer else "stopped"
    return replace(Exchange("t", question, datetime(2026, 11, 24, 9, 30, tzinfo=UTC), state, answer), **fields)  # type: ignore[arg-type]


def exported(*turns: Exchange, title: str = "A title", profile: Profile = NOBODY) -> str:
    return export.conversation_text(Conversation("c", title, profile, turns))


def tokens(text: str) -> Iterator[Token]:
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def live(text: str) -> list[str]:
    """What a reader of Markdown would fetch or follow, addresses that become links by themselves included."""
    found = [token.type for token in tokens(text) if token.type in LIVE]
    return found + [token.content for token in tokens(text) if token.type == "text" and re.search(r"://|www\.", token.content)]


def test_it_holds_each_question_and_answer_with_the_quotes() -> None:
    told = exported(exchange(usual_answer("Which? And the pay?"), "Which? And the pay?"), profile=Profile("a nurse"))
    assert told.startswith("# A title\n")
    for words in (
        "- Background: a nurse",
        "## Which? And the pay?",
        "24 November 2026, 09:30 UTC",
        f"{BUILDS} [1]",
        f"1. “{BUILDS}”",
        PYTHON,
        "what is the pay?",
    ):
        assert words in told, words
    assert ROW.strip("| ").split(" | ")[1] in told
    shown = "".join(token.content for token in tokens(told) if token.type == "text")
    assert BUILDS in shown


def test_a_number_reads_as_one_unless_it_could_become_a_link() -> None:
    text = f"{BUILDS} [1] It is. [1][1] But [1](page.html) is none."
    told = exported(exchange(replace(usual_answer("x"), text=text)))
    assert " [1] It is" in told
    assert r"\[1\](" in told
    assert not live(told)


def test_a_table_stays_one() -> None:
    told = exported(exchange(usual_answer("compare")))
    assert [token.type for token in tokens(told)].count("tr_open") == 4


def test_what_broke_off_is_said_to_have() -> None:
    assert "Half an answer\n\nThis question was not answered to the end." in exported(exchange(None, partial="Half an answer"))


@pytest.mark.parametrize("payload", payloads(CATCHER))
def test_nothing_in_it_is_live_wherever_it_stands(payload: str) -> None:
    assert any(live(text) for text in payloads(CATCHER))  # the check is not blind
    answer = replace(usual_answer("x"), text=f"{payload}\n\nA claim. [1]", notices=(payload,))
    cited = replace(answer.citations[0], quote=payload, title=payload, heading=payload)
    told = exported(
        exchange(replace(answer, citations=(cited,)), payload),
        exchange(None, payload, partial=payload),
        title=payload,
        profile=Profile(payload),
    )
    assert live(told) == []


def test_a_hostile_conversation_is_text() -> None:
    answer = hostile_advisor(CATCHER).answer("x").answer
    assert live(exported(exchange(answer, answer.citations[0].quote), title=answer.citations[0].title)) == []


@given(st.text(alphabet="[]()!<>`*_|\\#-+:/. \nabhtp&;@~1"), st.text(alphabet="[]()!<>`*_\\:/htp. w"))
def test_no_text_at_all_is_live(text: str, question: str) -> None:
    answer = replace(usual_answer("x"), text=text)
    assert live(exported(exchange(answer, question), title=question)) == []


@pytest.mark.parametrize(
    ("title", "name"),
    [("What? Why!", "what-why.md"), ("../../etc/passwd", "etc-passwd.md"), ("日本", "conversation.md"), ("", "conversation.md")],
)
def test_a_file_name_that_every_system_takes(title: str, name: str) -> None:
    assert export.file_name(title) == name
