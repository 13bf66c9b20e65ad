"""What became of a quote: unchanged, moved, changed or removed; and what an ingest would touch."""

from __future__ import annotations

import random

import pytest

from chatbot.evaluation.questions import Question
from chatbot.recheck import Quoted, recheck, touched_quotes, touched_rows

TEXT = "# Bread\n\nRye keeps four days. Wheat rises higher.\n\n- stone oven\n"
QUOTE = Quoted("a", TEXT.index("Rye"), TEXT.index("Rye") + len("Rye keeps four days."), "Rye keeps four days.")


@pytest.mark.parametrize(
    ("articles", "fate", "now"),
    [
        ({"a": TEXT}, "unchanged", "Rye keeps four days."),
        ({"a": "More.\n\n" + TEXT}, "moved", "Rye keeps four days."),
        ({"b": TEXT}, "moved", "Rye keeps four days."),
        ({"a": TEXT.replace("four", "five")}, "changed", "Rye keeps five days."),
        ({"a": TEXT.replace("Rye keeps four days. ", "")}, "removed", None),
        ({"b": "Other."}, "removed", None),
        ({}, "removed", None),
    ],
)
def test_a_quote_is_found_again(articles: dict[str, str], fate: str, now: str | None) -> None:
    found = recheck(QUOTE, articles)
    assert found.fate == fate
    assert (found.now.text if found.now else None) == now
    if found.now:
        assert articles[found.now.article_id][found.now.start : found.now.end] == found.now.text


def test_whatever_is_done_to_an_article_the_place_is_true() -> None:
    chance = random.Random(3)
    for _ in range(200):
        cut, length = chance.randrange(len(TEXT)), chance.randrange(12)
        text = TEXT[:cut] + "x" * chance.randrange(5) + TEXT[cut + length :]
        found = recheck(QUOTE, {"a": text})
        assert (found.now is None) == (found.fate == "removed")
        if found.now:
            assert text[found.now.start : found.now.end] == found.now.text
        assert (found.fate in {"unchanged", "moved"}) == (QUOTE.text in text)


def test_the_nearest_of_several_places_is_taken() -> None:
    text = f"{QUOTE.text} " * 5
    found = recheck(Quoted("a", 45, 45 + len(QUOTE.text), QUOTE.text), {"a": text})
    assert found.now
    assert found.now.start == 42


def test_rows_and_quotes_that_an_ingest_touches() -> None:
    rows = [
        Question(id="rye", question="?", kind="fact", answerable=True, evidence=("Rye keeps four days.",)),
        Question(id="oven", question="?", kind="fact", answerable=True, evidence=("stone oven", "nowhere")),
    ]
    after = {"a": TEXT.replace("four", "five")}
    assert [row.id for row in touched_rows(rows, {"a": TEXT}, after)] == ["rye"]
    assert touched_rows(rows, {"a": TEXT}, {"b": TEXT}) == []
    quotes = [QUOTE, Quoted("a", 2, 7, "Bread"), Quoted("a", 0, 4, "gone"), Quoted("b", 0, 3, "Rye")]
    touched = touched_quotes(quotes, {"a": TEXT}, after)
    assert [(quoted.text, result.fate) for quoted, result in touched] == [("Rye keeps four days.", "changed")]
