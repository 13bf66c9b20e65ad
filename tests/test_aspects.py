"""What a comparison is asked on: which lists of aspects are taken apart, and which questions are left whole."""

from __future__ import annotations

import time

import pytest

from chatbot.aspects import LOOKED_AT, MOST, by_aspect
from chatbot.understanding import understand
from ingest.roles import RoleNames
from ingest.types import Role

NAMES = RoleNames([Role("Bread baker", ("loaf maker",)), Role("Pastry chef", ("cake artist",))])


def aspects_of(question: str) -> list[str]:
    parts = by_aspect(question, NAMES)
    assert all(text == question for text, aspect in parts if aspect is None)
    return [aspect.of(text) for text, aspect in parts if aspect]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "Compare the two roles on pay, the tools and hours",
            ["Compare the two roles on " + aspect for aspect in ("pay", "tools", "hours")],
        ),
        ("How do both differ in pay vs. demand?", ["How do both differ in pay?", "How do both differ in demand?"]),
        ("Compare the pay and the night work of both jobs.", ["Compare the pay of both jobs.", "Compare the night work of both jobs."]),
        ("bread baker vs cake artist (pay, hours)?", ["bread baker vs cake artist (pay)?", "bread baker vs cake artist (hours)?"]),
        (
            "What are the differences in pay and in tools between loaf makers and cake artists?",
            [f"What are the differences in {aspect} between loaf makers and cake artists?" for aspect in ("pay", "tools")],
        ),
        ("In terms of pay and tools, how do both differ?", [f"In terms of {aspect}, how do both differ?" for aspect in ("pay", "tools")]),
    ],
)
def test_a_comparison_on_several_aspects_is_one_on_each(question: str, expected: list[str]) -> None:
    parts = by_aspect(question, NAMES)
    assert [text for text, _ in parts] == expected
    assert {understand(text, NAMES).shape for text, _ in parts} == {"comparison"}
    assert [by_aspect(text, NAMES) for text, _ in parts] == [[(text, None)] for text, _ in parts]


@pytest.mark.parametrize(
    "question",
    [
        "Compare both on pay, hours and tools, please",
        "Compare both on pay,hours,tools. Thanks!",
        "COMPARE BOTH ON PAY , HOURS , AND TOOLS",
        "Compare the two on pay; hours; tools",
        "Compare the two on pay/hours/tools",
        "Compare both on both pay, hours plus tools, in a table, briefly",
        "pay, hours & tools: bread baker vs cake artist",
        "How do the pay, hours and tools of bread bakers and cake artists compare?",
        "How do pay, hours and tools differ between them?",
        "Compare both with regards to pay, hours as well as tools etc.",
        "bread baker vs cake artist pay, hours, tools",
        "What are the differences between a bread baker's and a cake artist's pay, hours and tools?",
        "Compare and contrast the pay, hours and tools of both jobs",
        "Compare both jobs (in terms of pay, hours and tools)",
        "Compare them on pay, hours and tools in a small town",
        "How do loaf makers in the north differ from cake artists in pay and also in hours and tools?",
    ],
)
def test_a_list_is_known_however_it_is_written(question: str) -> None:
    assert [aspect.lower() for aspect in aspects_of(question)] == ["pay", "hours", "tools"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Compare both on salary, demand and years of practice", ["salary", "demand", "years of practice"]),
        ("Compare both on skills and job outlook", ["skills", "job outlook"]),
        ("Compare both on pay, pay and hours", ["pay", "hours"]),
    ],
)
def test_an_aspect_may_be_of_several_words_and_is_asked_for_once(question: str, expected: list[str]) -> None:
    assert aspects_of(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Compare a bread baker and a cake artist",  # roles are no aspects
        "How do bread bakers and cake artists differ?",
        "Compare the two roles on pay",
        "Compare both on pay, thanks",
        "How do rye and wheat differ?",  # these are not what roles are compared on
        "Compare rye and wheat for taste and price",
        "How do rye and wheat differ for a bread baker?",
        "Compare a bread baker with an accountant on pay and hours",  # of whom the articles may say nothing
        "Which pays better, by day or by night?",
        "How do bread bakers and cake artists compare and contrast?",
        "Compare bread bakers with cake artists and explain pay and tools",
        "Loaves versus cakes, side by side please, for the two signs",
        "What is each of the two mainly about: baking loaves versus making cakes?",
        "Is it smarter to compare the two on one side or on both?",
        "Compare the two on pay, tools, hours, flours, ovens, moods, smells, noises and hats",  # one by one they would take too long
        # one aspect in two words
        "Compare both on manual and verbal skills",
        "Compare both on hard, soft and technical skills",
        "Compare both on salted and unsalted butter",
        "Compare both on front-of-house and back-of-house work",
        "Compare both on starting and top pay",
        "Compare both on apprentice's and master's exams",
        "Compare both on the kinds and amounts of flour",
        "Compare the level and type of schooling of both",
        "How do they differ in weighing and mixing flour?",
        "Compare the pros and cons of both",
        "Compare both on similarities and differences",
        # how to answer, and what to do besides
        "Compare the two in two or three sentences",
        "Compare both in detail, with examples",
        "Compare both on tools and nothing else",
        "Compare both on pay, especially overtime",
        "Compare both on pay and explain the gap",
        "Compare both on pay and hours, and tell me which is better",
        "Which is the better of the two: bread baker vs cake artist, easier and cheaper?",
        "Do the two differ in any way, shape or form?",
        # where and when
        "How do the two differ in Spain and France?",
        "How did the two differ in 2024 and 2025?",
    ],
)
def test_what_lists_no_aspects_is_left_whole(question: str) -> None:
    assert by_aspect(question, NAMES) == [(question, None)]


def test_more_aspects_than_are_searched_for_or_a_longer_question_is_left_whole() -> None:
    listed = [f"hat{letter}s" for letter in "abcdefghij"]
    for count in range(2, len(listed)):
        assert len(by_aspect(f"Compare both on {', '.join(listed[:count])}", NAMES)) == (count if count <= MOST else 1)
    assert len(by_aspect(f"{'x' * LOOKED_AT} Compare both on pay and hours", NAMES)) == 1


def test_where_there_is_but_one_role_nothing_is_compared() -> None:
    question = "Compare both on pay and hours"
    assert by_aspect(question, RoleNames([Role("Bread baker")])) == [(question, None)]


def test_a_list_that_could_be_read_in_many_ways_costs_nothing() -> None:
    started = time.perf_counter()
    for text in (
        "compare both on " + "a and the " * 200,
        "differ in a and b of " * 18,
        "both vs on a and b? " * 19,
        "compare on a, " * 27,
        ", please" * 49,
    ):
        assert by_aspect(text, NAMES)
        assert by_aspect(text[:LOOKED_AT], NAMES)
    assert time.perf_counter() - started < 1
