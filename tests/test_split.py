"""Chunks give the article back: exact offsets, nothing cut, nothing lost, and nothing longer than the model reads."""

from __future__ import annotations

import json
import string
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.articles import find_articles, read_article
from ingest.errors import ArticleError
from ingest.split import split
from ingest.types import Article, Chunk

ROOT = Path(__file__).parents[1]
MODEL = 40


def count(text: str) -> int:
    return len(text.split())


def chunks_of(text: str, max_pieces: int = 20, model: int = MODEL) -> list[Chunk]:
    return split(Article("a", "A title", text), count, max_pieces, model)


word = st.text(string.ascii_letters + "éß€中", min_size=1, max_size=9)
sentence = st.lists(word, min_size=1, max_size=30).map(lambda words: " ".join(words).capitalize() + ".")
paragraph = st.lists(sentence, min_size=1, max_size=4).map(" ".join)
bullets = st.lists(sentence, min_size=1, max_size=6).map(lambda items: "\n".join(f"- {item}" for item in items))
table = st.lists(st.tuples(word, word), min_size=1, max_size=6).map(
    lambda rows: "| A | B |\n|---|---|\n" + "\n".join(f"| {a} | {b} |" for a, b in rows)
)
heading = st.tuples(st.integers(1, 4), word).map(lambda pair: "#" * pair[0] + " " + pair[1])
articles = st.lists(st.one_of(paragraph, bullets, table, heading), min_size=1, max_size=12).map(lambda blocks: "\n\n".join(blocks) + "\n")


@settings(max_examples=60, deadline=None)
@given(articles)
def test_every_chunk_is_a_stretch_of_the_article(text: str) -> None:
    for chunk in chunks_of(text):
        assert text[chunk.start : chunk.end] == chunk.text
        for unit in chunk.units:
            assert chunk.start <= unit.span.start < unit.span.end <= chunk.end
            assert chunk.quote(unit) == unit.span.of(text)
            assert chunk.quote(unit) == chunk.quote(unit).strip()


@settings(max_examples=60, deadline=None)
@given(articles)
def test_no_chunk_is_longer_than_the_model_reads_and_parts_cover_the_whole(text: str) -> None:
    embedded: dict[tuple[int, int], str] = {}
    for chunk in chunks_of(text):
        assert count(chunk.embedding_text()) <= MODEL - 2
        embedded[chunk.start, chunk.end] = embedded.get((chunk.start, chunk.end), "") + chunk.embedded.of(text)
    for (start, end), parts in embedded.items():
        assert parts == text[start:end]


@settings(max_examples=60, deadline=None)
@given(articles)
def test_every_word_outside_headings_is_in_some_unit(text: str) -> None:
    said = " ".join(chunk.quote(unit) for chunk in chunks_of(text) for unit in chunk.units)
    header_free = [line for line in text.splitlines() if not line.startswith(("#", "|---", "| A |"))]
    told = {word for line in header_free if any(map(str.isalnum, line)) for word in line.replace("|", " ").removeprefix("- ").split()}
    assert {word for word in told if any(map(str.isalnum, word))} <= set(said.replace("|", " ").split())


@settings(max_examples=30, deadline=None)
@given(articles)
def test_the_same_article_gives_the_same_chunks_and_ids_are_distinct(text: str) -> None:
    first, second = chunks_of(text), chunks_of(text)
    assert first == second
    ids = [chunk.id for chunk in first]
    assert len(set(ids)) == len(ids)
    assert [Chunk.from_dict(chunk.as_dict()) for chunk in first] == first
    assert [json.dumps(chunk.as_dict()) for chunk in first] == [
        json.dumps(asdict(chunk)) for chunk in first
    ]  # what is kept is read by both


def test_a_chunk_knows_its_headings() -> None:
    chunks = chunks_of("# A title\n\n## One\n\n### Deep\n\nText one.\n\n## Two\n\nText two.\n")
    assert [chunk.heading for chunk in chunks] == [("One", "Deep"), ("Two",)]
    assert chunks[0].embedding_text() == "A title > One > Deep\nText one."


def test_a_list_stays_with_the_sentence_that_opens_it() -> None:
    (chunk,) = chunks_of("They use these:\n\n- an oven\n- a basket\n")
    assert [unit.kind for unit in chunk.units] == ["sentence", "item", "item"]
    assert {chunk.lead_of(unit) for unit in chunk.units[1:]} == {"They use these:"}


def test_rows_of_a_long_table_each_know_the_header() -> None:
    rows = "\n".join(f"| row {number} | {'word ' * 8}|" for number in range(8))
    chunks = chunks_of(f"| A | B |\n|---|---|\n{rows}\n")
    assert len(chunks) > 1
    assert {chunk.lead_of(unit) for chunk in chunks for unit in chunk.units} == {"| A | B |"}
    assert all("| A | B |" in chunk.embedding_text() for chunk in chunks)
    assert sum(len(chunk.units) for chunk in chunks) == 8


def test_a_glued_row_is_one_unit_quoted_whole() -> None:
    (chunk,) = chunks_of("| Bread BakerPastry Chef |\n|---|\n| Main WorkBreadCakes |\n| MoodCalmHectic |\n")
    assert [chunk.quote(unit) for unit in chunk.units] == ["| Main WorkBreadCakes |", "| MoodCalmHectic |"]
    assert chunk.unit_text(chunk.units[0]) == "| Bread Baker Pastry Chef | | Main Work Bread Cakes |"


def test_a_sentence_longer_than_the_model_reads_is_embedded_in_parts_and_quoted_whole() -> None:
    text = "It " + "goes on and " * 60 + "ends.\n"
    chunks = chunks_of(text)
    assert len(chunks) > 1
    assert {chunk.text for chunk in chunks} == {text.strip()}


@pytest.mark.model
def test_the_projects_own_articles_fit_the_default_model(real_embedder) -> None:  # type: ignore[no-untyped-def]
    for article_id, path in find_articles(ROOT / "corpus/articles").files.items():
        article = read_article(article_id, path, 1_000_000)
        for chunk in split(article, real_embedder.count_pieces, 128, real_embedder.max_pieces):
            assert len(real_embedder.encode([chunk.embedding_text()])[0].pieces) <= real_embedder.max_pieces - 2
            assert article.text[chunk.start : chunk.end] == chunk.text


def test_what_stands_in_and_after_deep_lists_is_kept() -> None:
    text = "".join(f"{'  ' * depth}- item {depth}\n" for depth in range(20)) + "\nAfter it.\n"
    quotes = [chunk.quote(unit) for chunk in chunks_of(text) for unit in chunk.units]
    assert quotes == [*(f"item {depth}" for depth in range(20)), "After it."]


def test_lists_deeper_than_that_are_named() -> None:
    with pytest.raises(ArticleError, match="nested too deeply"):
        chunks_of("> " * 300 + "text\n\nAfter it.\n")


@pytest.mark.parametrize("title", ["word " * 50, "# " + "a " * 5_000])
def test_a_long_title_leaves_room_for_the_text(title: str) -> None:
    text = "# " + "heading " * 2_000 + "\n\n" + "A short sentence. " * 30 + "\n"
    chunks = split(Article("a", title, text), count, 20, MODEL)
    assert len(chunks) < 10
    assert all(count(chunk.preamble) <= MODEL / 2 for chunk in chunks)


def test_more_lines_than_are_read_are_named() -> None:
    with pytest.raises(ArticleError, match="more than 30,000 lines"):
        chunks_of("|a|\n|---|\n" + "|b|\n" * 200_000)
