"""Which path fits somebody: questions that the articles pose, and a recommendation whose every reason is a quote."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import FakeEmbedder

from chatbot.advisor import Advisor
from chatbot.cite import MARK
from chatbot.guide import ADVICE, choices, path_of
from chatbot.settings import ChatSettings
from ingest.pipeline import ingest
from ingest.roles import RoleNames
from ingest.settings import IngestSettings
from ingest.types import Role

ADVISING = (
    "---\nroles:\n  Bread baker: []\n  Pastry chef: []\n---\n# Who\n\nBecome a bread baker if you rise early. Become a pastry chef if your hand is steady.\n\n"
    "| Aspect | Bread baker | Pastry chef |\n|---|---|---|\n| Works at night | Yes | No |\n| Mindset | patient | playful |\n| Tools | oven \\| peel | whisk |\n"
)


@pytest.fixture
def advised(settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]) -> Advisor:
    write_article("advice.md", ADVISING)
    ingest(settings, embedder)
    return Advisor(settings.data, ChatSettings(), embedder)


def test_the_questions_are_what_the_articles_set_apart(advised: Advisor) -> None:
    asked = advised.choices()
    told = {choice.about: [option.text for option in choice.options] for choice in asked}
    assert told[ADVICE] == ["Become a bread baker if you rise early.", "Become a pastry chef if your hand is steady."]
    assert told["Mindset"] == ["patient", "playful"]
    assert told["Mood"] == ["calm", "hectic"]
    assert told["Tools"] == ["oven | peel", "whisk"]
    assert "Works at night" not in told  # yes and no say nothing by themselves
    assert next(iter(told)) == ADVICE
    for choice in asked:
        assert [option.role for option in choice.options] == ["Bread baker", "Pastry chef"]


def test_every_reason_is_the_exact_quote_whatever_is_picked(advised: Advisor) -> None:
    asked = advised.choices()
    texts = {stored.article.id: stored.article.text for stored in advised.articles()}
    for picked in itertools.product((None, 0, 1), repeat=min(3, len(asked))):
        picks = {number: option for number, option in enumerate(picked) if option is not None}
        answer = advised.path(asked, picks)
        numbers = [citation.number for citation in answer.citations]
        assert sorted({int(mark) for mark in MARK.findall(answer.text)}) == numbers == list(range(1, len(numbers) + 1))
        assert all(texts[one.article_id][one.start : one.end] == one.quote for one in answer.citations)
        for number, option in picks.items():
            assert re.sub(r"\|", "", asked[number].options[option].text) in re.sub(r"\|", "", answer.text)


def test_the_side_with_more_picks_is_recommended_and_even_ones_are_said_to_be(advised: Advisor) -> None:
    asked = advised.choices()
    assert path_of(asked, {0: 0, 1: 0, 2: 1}).role == "Bread baker"
    assert path_of(asked, {0: 1}).role == "Pastry chef"
    assert path_of(asked, {0: 0, 1: 1}).role is None
    assert path_of(asked, {}).role is None
    assert path_of(asked, {99: 0, -1: 1, 0: 7, 1: -2}).count == 0
    assert (
        "more speak for becoming **a bread baker** (2 for a bread baker and 1 for a pastry chef)"
        in advised.path(asked, {0: 0, 1: 0, 2: 1}).text
    )


def test_articles_that_set_no_two_roles_apart_ask_nothing(advisor: Advisor) -> None:
    chunks = advisor.chunks()
    for roles in ((), (Role("Bread baker"),), (Role("Bread baker"), Role("Pastry chef"), Role("Miller"))):
        assert choices(chunks, RoleNames(roles)) == ()
