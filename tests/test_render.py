"""ui.render: what is highlighted is the quote, nothing that was written is lost, and no text becomes anything but text."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_support import ROW, answered, citation, corpus_article, passage, payloads, usual_answer

from ingest.split import split
from ingest.types import Article, Origin, Span
from ui import markdown, render
from ui.problems import sentence

RUN_KEYS = {"text", "bold", "italic", "code", "lit", "mark", "label"}
KINDS = {"paragraph", "heading", "list", "quote", "table", "code", "rule"}
ARTICLES = ["ai-engineer-or-generative-ai-engineer", "traditional-and-generative-ai-engineers"]


def runs(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict) and "text" in tree:
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from runs(part)


def kinds(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict) and "kind" in tree:
        yield tree["kind"]
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from kinds(part)


def shown(tree: Any) -> str:
    return " ".join(run["text"] for run in runs(tree))


def lit(tree: Any) -> str:
    return "".join(run["text"] for run in runs(tree) if run.get("lit"))


def letters(text: str) -> str:
    return "".join(character for character in text if character.isalpha())


# --- the highlight


@pytest.mark.parametrize("name", ARTICLES)
def test_each_sentence_item_and_row_of_the_corpus_is_highlighted_exactly(name: str) -> None:
    article = corpus_article(name)
    units = [unit for chunk in split(article, lambda text: len(text.split()), 120, 256) for unit in chunk.units]
    assert len(units) > 50
    for unit in units:
        quote = unit.span.of(article.text)
        marked = lit(render.article_panel(article, unit.span)["blocks"])
        assert re.sub(r"\s", "", marked) == re.sub(r"[\s·]", "", markdown.text_of(quote)), quote


@pytest.mark.parametrize(
    ("text", "quote", "marked"),
    [
        ("- one\n- two **bold** item\n  on two lines\n", "two **bold** item\n  on two lines", "two bold item on two lines"),
        ("> quoted one. Quoted\n> two.\n", "Quoted\n> two.", "Quoted two."),
        ("1. a\n   - b `c` d\n", "b `c` d", "b c d"),
        ("A \\* b. C \\*d\\*.\n", "C \\*d\\*.", "C *d*."),
        ("| a | b |\n|---|---|\n| x \\| y | **z** |\n", "| x \\| y | **z** |", "x | yz"),
        ("```python\nx = 1\ny = 2\n```\n", "y = 2", "y = 2"),
        ("See [the docs](https://a.example/x). Next.\n", "Next.", "Next."),
        ("Same. Same. Other.\n\nSame.\n", "Other.", "Other."),
    ],
)
def test_a_quote_is_highlighted_inside_any_block(text: str, quote: str, marked: str) -> None:
    start = text.index(quote)
    assert lit(markdown.blocks(text, lit=Span(start, start + len(quote)))) == marked


@given(st.text(alphabet="ab *_#>-|[]()!\\\n1.", max_size=120), st.data())
def test_nothing_outside_a_stretch_is_highlighted(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    marked = letters(lit(markdown.blocks(text, lit=Span(start, end))))
    assert len(marked) <= len(letters(text[start:end])) or "(" in text  # a link's address is lit with the link


def test_a_title_that_opens_the_text_is_not_shown_twice() -> None:
    panel = render.article_panel(corpus_article())
    assert panel["title"] not in shown(panel["blocks"])


# --- nothing lost, nothing but text


@given(st.text(alphabet="abcdef *_#>-|[]()!\\\n&<$:", max_size=300))
def test_every_letter_is_shown_in_order(text: str) -> None:
    assert letters(shown(markdown.blocks(text))) == letters(text)


@given(st.text(max_size=400))
@settings(max_examples=200)
def test_any_text_gives_blocks_of_the_known_kinds_with_runs_of_text(text: str) -> None:
    tree = markdown.blocks(text, {1: "Source 1"})
    json.dumps(tree)
    assert set(kinds(tree)) <= KINDS
    assert all(set(run) <= RUN_KEYS and isinstance(run["text"], str) for run in runs(tree))


@pytest.mark.parametrize("payload", payloads("http://evil.example"))
def test_markup_stays_text(payload: str) -> None:
    tree = markdown.blocks(payload, {1: "Source 1: t"})
    addresses = re.findall(r"evil\.example/\w+|javascript:alert\(1\)|:material/\w+:|\$\$", payload)
    assert all(address in shown(tree) for address in addresses)
    assert set(kinds(tree)) <= KINDS


@pytest.mark.parametrize("unit", ["**a ", "[a", "`a", "*a _b ", "> ", "- ", "  - a\n", "[a](", "|a", "\\", "![", "<a "])
def test_hostile_repetition_costs_little(unit: str) -> None:
    started = time.perf_counter()
    markdown.blocks(unit * (20_000 // len(unit)))
    assert time.perf_counter() - started < 5


# --- answers


def test_a_mark_is_a_button_only_where_it_has_its_citation() -> None:
    article = corpus_article()
    answer = answered("q", "One [1]. Two [2]. Three [3](x).", [citation(1, article, ROW)])
    marks = [run for run in runs(render.answer_blocks(answer)) if "mark" in run]
    assert [(run["mark"], run["label"]) for run in marks] == [(1, f"Source 1: {article.title}")]
    assert "[2]" in shown(render.answer_blocks(answer))


def test_marks_stand_in_the_cells_of_a_table() -> None:
    (opening, table) = render.answer_blocks(usual_answer("compare"))
    assert opening["kind"] == "paragraph"
    assert [[run["mark"] for run in runs(row) if "mark" in run] for row in table["rows"]] == [[1, 3], [2, 2], []]


def test_sources_list_what_was_cited_by_article_and_say_whose_work_it_retells() -> None:
    answer = usual_answer("q")
    (source,) = render.sources(answer.citations, {answer.citations[0].article_id: "Retold here from a text by X"})
    assert source["note"] == "Retold here from a text by X"
    assert [item["mark"] for item in source["items"]] == [1, 2, 3]
    assert source["items"][1]["text"].startswith("Frequently asked questions › ")


def test_a_row_is_told_as_words() -> None:
    assert markdown.text_of(ROW) == "3 · Implementing RAG pipelines and vector databases · No · Yes"


def test_nearest_passages_are_cut_between_words() -> None:
    article = Article("a", "A", "word " * 200)
    (block,) = render.nearest([passage(article, article.text.strip())])
    assert len(block["text"]) <= 282
    assert block["text"].endswith("word …")


def test_details_tell_the_standalone_question_and_the_scores() -> None:
    facts, table = render.details(usual_answer("q"))
    assert ["Searched for", "q"] in facts["rows"]
    assert [cell[0]["text"] for cell in table["rows"][0]][1:] == ["0.81", "0.71", "1.00"]


def test_an_announcement_tells_that_and_not_what() -> None:
    assert render.announcement("Q?", usual_answer("q")) == "The answer to “Q?” is ready, with 3 sources."
    assert "do not answer" in render.announcement("weather?", usual_answer("weather"))


# --- articles


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (None, ""),
        (Origin("T", "A"), "Retold here from “T” by A"),
        (Origin("T", "A", published="2026-02-03"), "Retold here from “T” by A, 3 February 2026"),
        (Origin(None, "A"), "Retold here from a text by A"),
        (Origin("T", None), "Retold here from “T”, whose author is not named"),
        (Origin(), "Retold here from a source that is not named"),
    ],
)
def test_a_retelling_names_its_origin_as_far_as_it_is_known(origin: Origin | None, words: str) -> None:
    assert render.retold_from(origin) == words


@pytest.mark.parametrize(
    ("address", "is_safe"),
    [
        ("https://a.example/x?y=1#z", True),
        ("http://a.example", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("data:text/html,x", False),
        ("//a.example", False),
        ("https://", False),
        ("https://user@a.example", False),
        ("https://a.example/ b", False),
        ("https://a.example/\n", False),
        ('https://a.example/"x', False),
        ("http://[::1", False),
        ("", False),
        (None, False),
    ],
)
def test_only_plain_web_addresses_become_links(address: str | None, is_safe: bool) -> None:
    assert render.safe_url(address) == (address if is_safe else None)


def test_dates_are_written_out_and_what_is_none_is_left_as_it_is() -> None:
    assert render.day("2026-11-22") == "22 November 2026"
    assert render.day("last week") == "last week"
    assert render.day(None) == ""
    assert render.moment("2026-11-22T03:20:00+00:00") == "22 November 2026, 03:20 UTC"


def test_an_error_that_is_not_ours_keeps_its_text_to_itself() -> None:
    assert "sk-123" not in sentence(ValueError("sk-123"))


@given(st.text(alphabet="ab\n\t\x1b\x07\u202e\u2066\u200f\u061cé–", max_size=60))
def test_nothing_that_turns_a_line_around_reaches_the_page(text: str) -> None:
    seen = markdown.visible({"runs": [{"text": text, "lit": True}], "at": [0, 1]})
    assert seen == {"runs": [{"text": re.sub("[^ab\n\té–]", "", text), "lit": True}], "at": [0, 1]}
