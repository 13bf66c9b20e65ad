"""One reading of a chunk serves its search and each of its units: every word piece goes to the unit that it stands in."""

from __future__ import annotations

import mmap
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ingest.articles import find_articles, read_article
from ingest.chunk_vectors import chunk_vectors
from ingest.embed import SentenceTransformerEmbedder
from ingest.index import GenerationIndex
from ingest.kept import current_generation
from ingest.mapped import array, ask_for, mapped
from ingest.pipeline import ingest
from ingest.reuse import reading_key
from ingest.settings import IngestSettings
from ingest.split import split
from ingest.types import Article, Chunk, Span
from tests.conftest import FakeEmbedder

ROOT = Path(__file__).parents[1]
GLUED = "| Bread BakerPastry Chef |\n|---|\n| Main WorkBreadCakes |\n| MoodCalmHectic |\n"


def chunks_of(text: str) -> list[Chunk]:
    return split(Article("a", "A title", text), lambda words: len(words.split()), 20, 40)


def own_texts(chunk: Chunk) -> list[str]:
    text = chunk.embedding_text()
    return [text[unit.start : unit.end] for unit in chunk.unit_spans]


def test_units_stand_where_they_are_said_to() -> None:
    for article_id, path in find_articles(ROOT / "corpus/articles").files.items():
        article = read_article(article_id, path, 1_000_000)
        for chunk in split(article, lambda words: len(words.split()), 100, 200):
            assert own_texts(chunk) == [chunk.quote(unit) for unit in chunk.units]


def test_the_cells_of_a_glued_row_are_parted_and_the_rows_still_found() -> None:
    (chunk,) = chunks_of(GLUED)
    assert own_texts(chunk) == ["| Main Work Bread Cakes |", "| Mood Calm Hectic |"]
    assert "Bread Baker Pastry Chef" in chunk.embedding_text()


def test_the_words_beside_a_glued_row_or_in_a_table_of_one_column_stay_whole() -> None:
    (chunk,) = chunks_of(f"Most teams use LangChain.\n\n{GLUED}")
    assert own_texts(chunk) == ["Most teams use LangChain.", "| Main Work Bread Cakes |", "| Mood Calm Hectic |"]
    (chunk,) = chunks_of("Most teams use PyTorch.\n\n| Tool |\n|---|\n| LangChain |\n")
    assert own_texts(chunk) == ["Most teams use PyTorch.", "| LangChain |"]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (GLUED, ["Main Work", "Mood"]),
        (
            "| # | Trait | Baker | Chef |\n|---|---|---|---|\n| 1 | Main work | Bread | Cakes |\n| 2 | Mood | Calm | Hectic |\n",
            ["Main work", "Mood"],
        ),
        ("| Trait | Baker |\n|---|---|\n| In \\| out | Bread |\n", ["In \\| out"]),
        ("| Tool |\n|---|\n| LangChain |\n", [""]),
        ("| Year | Pay |\n|---|---|\n| 2024 | 21 |\n", ["2024"]),
        ("| | Baker | Chef |\n|---|---|---|\n| | Bread | Cakes |\n", [""]),
        ("Main work: bread.\n", [""]),
    ],
)
def test_a_row_is_on_its_first_cell_that_does_not_count_the_rows(text: str, labels: list[str]) -> None:
    (chunk,) = chunks_of(text)
    assert [chunk.label_of(unit) for unit in chunk.units] == labels


def test_what_stands_between_units_opens_the_chunk() -> None:
    """A table's header tells of its rows, not of the sentence before it."""
    embedder = FakeEmbedder()
    (chunk,) = chunks_of("The office is in Berlin.\n\n| Person | Salary |\n|---|---|\n| Anna | 21 |\n")
    (read,) = embedder.encode([chunk.embedding_text()])
    found = chunk_vectors(read, chunk.unit_spans)
    alone = embedder.encode(["The office is in Berlin.", "Anna 21"])
    np.testing.assert_allclose(found.units, [one.vector for one in alone], atol=1e-5)
    (opening,) = embedder.encode(["A title Person Salary"])
    np.testing.assert_allclose(found.tokens[: found.rows[1]], opening.tokens, atol=1e-3)


def test_a_part_of_a_long_unit_is_all_that_units() -> None:
    for chunk in chunks_of("It " + "goes on and " * 60 + "ends.\n"):
        assert own_texts(chunk) == [chunk.embedded.of(chunk.text)]


def test_another_place_of_a_unit_is_another_reading() -> None:
    (chunk,) = chunks_of("One thing. Another thing.\n")
    joined = replace(chunk, units=(replace(chunk.units[0], span=Span(0, 25)),))
    assert chunk.embedding_text() == joined.embedding_text()
    assert reading_key(chunk) != reading_key(joined)


def test_every_piece_belongs_to_the_opening_or_to_one_unit() -> None:
    embedder = FakeEmbedder()
    for chunk in chunks_of("# Bread\n\nBakers bake bread. Cooks cook soup.\n\n- warm ovens\n- cold cellars\n"):
        (read,) = embedder.encode([chunk.embedding_text()])
        found = chunk_vectors(read, chunk.unit_spans)
        assert found.rows[0] == 0
        assert found.rows[-1] == len(found.tokens) == len(read.pieces)
        for number, (first, last) in enumerate(pairwise(found.rows[1:])):
            (alone,) = embedder.encode([chunk.quote(chunk.units[number])])
            assert read.pieces[first:last] == alone.pieces
            np.testing.assert_allclose(found.units[number], alone.vector, atol=1e-5)


def test_a_unit_matches_by_its_own_pieces_and_by_what_opens_its_chunk(settings: IngestSettings) -> None:
    embedder = FakeEmbedder()
    ingest(settings, embedder)
    index = GenerationIndex(current_generation(settings.data))
    rows = list(range(len(index)))
    (asked,) = embedder.encode(["moist dough in the cellar of the baker"])
    found = index.unit_matches(rows, asked.tokens)
    expected = []
    for row in rows:
        chunk = index.chunks([row])[0]
        text = chunk.embedding_text()
        gaps = pairwise([0, *(at for unit in chunk.unit_spans for at in (unit.start, unit.end)), len(text)])
        (opening,) = embedder.encode([" ".join(text[first:last] for first, last in list(gaps)[::2])])
        for tokens in index.unit_tokens(row):
            both = np.concatenate([tokens, opening.tokens])
            expected.append((both @ asked.tokens.T).max(axis=0))
    np.testing.assert_allclose(found, np.array(expected), atol=1e-2)
    index.close()


def test_what_stands_in_a_stretch_weighs_nothing() -> None:
    (read,) = FakeEmbedder().encode(["Bakers of bread earn well"])
    assert read.without([Span(0, 15)]).weights.tolist() == [float(start >= 15) for start in read.starts]
    assert read.weights.all()


@pytest.mark.model
def test_a_word_piece_starts_where_it_stands(real_embedder: SentenceTransformerEmbedder) -> None:
    texts = ["The naïve café-owner's  $5–$10 plan,\nC++ and more worlds.", "unkneaded sourdough " * 200]
    for text, read in zip(texts, real_embedder.encode(texts), strict=True):
        assert (np.diff(read.starts) >= 0).all()
        for piece, start in zip(read.pieces, read.starts, strict=True):
            plain = piece.removeprefix("##")
            assert text[start : start + len(plain)].lower().replace("ï", "i").replace("é", "e") == plain


STRETCHES = [(0, 0), (0, 1), (5, 700), (759, 760), (760, 760)]


class Advised:
    """Stands for a mapped file, and keeps which bytes of it were asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def madvise(self, option: int, start: int, length: int) -> None:
        assert (option, start % mmap.PAGESIZE) == (mmap.MADV_WILLNEED, 0)
        self.asked.append((start, start + length))


def test_what_is_asked_for_is_where_the_rows_lie() -> None:
    file = Advised()
    ask_for(SimpleNamespace(base=file, offset=128, strides=(16, 2)), STRETCHES)
    wanted = [(128 + 16 * first, 128 + 16 * last) for first, last in STRETCHES if first < last]
    assert [end for _, end in file.asked] == [end for _, end in wanted]
    assert all(0 <= first - start < mmap.PAGESIZE for (start, _), (first, _) in zip(file.asked, wanted, strict=True))


def test_rows_that_end_with_a_page_can_be_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.zeros(((3 * mmap.PAGESIZE - 128) // 16, 8), dtype=np.float16))
    rows = mapped(tmp_path, "rows")
    assert (tmp_path / "rows.npy").stat().st_size % mmap.PAGESIZE == 0
    ask_for(rows, [(0, len(rows)), (len(rows) - 1, len(rows)), (len(rows), len(rows))])


def test_a_question_asks_for_what_it_reads_of_each_chunk(settings: IngestSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest(settings, FakeEmbedder())
    index = GenerationIndex(current_generation(settings.data))
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr("ingest.index.ask_for", lambda _, stretches: asked.extend(stretches))
    rows = list(range(len(index)))
    index.unit_matches(rows, index.unit_tokens(0)[0])
    pieces = len(array(index.folder, "tokens"))
    assert [first for first, _ in asked] == [0, *(last for _, last in asked[:-1])]  # nothing between them is left out
    assert asked[-1][1] == pieces
