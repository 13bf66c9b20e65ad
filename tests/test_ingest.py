"""Ingest: twice is once, any edit is seen, the switch is atomic, and what fails loses nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import FakeEmbedder

from ingest.errors import CorpusError, IndexMismatchError, IngestBusyError, NoIndexError, SettingsError, StorageError
from ingest.generations import ingest_lock
from ingest.index import GenerationIndex
from ingest.kept import GENERATIONS, Manifest, current_generation
from ingest.pipeline import ingest
from ingest.settings import IngestSettings


def files_of(data: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}


def test_a_second_run_embeds_and_writes_nothing(settings: IngestSettings, embedder: FakeEmbedder) -> None:
    first = ingest(settings, embedder)
    before, asked = files_of(settings.data), len(embedder.asked)
    second = ingest(settings, embedder)
    assert (first.changed, second.changed) == (True, False)
    assert first.generation == second.generation
    assert (files_of(settings.data), len(embedder.asked)) == (before, asked)


def test_the_generation_is_a_hash_of_its_content(settings: IngestSettings, embedder: FakeEmbedder, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"data": tmp_path / "elsewhere"})
    assert ingest(settings, embedder).generation == ingest(elsewhere, embedder).generation


def test_edits_are_told_and_undone_edits_give_the_same_generation(
    settings: IngestSettings, embedder: FakeEmbedder, corpus: Path, write_article: Callable[[str, str], Path]
) -> None:
    first = ingest(settings, embedder)
    flour = (corpus / "flour.txt").read_text()
    write_article("flour.txt", flour + "\nSpelt is old.\n")
    write_article("new.md", "New text.")
    (corpus / "bakers.md").unlink()
    second = ingest(settings, embedder)
    assert (second.added, second.edited, second.removed) == (("new",), ("flour",), ("bakers",))
    assert second.generation != first.generation


@pytest.mark.parametrize("field", ["title: Other", "published: 2026-05-05", "url: https://example.org/b", "roles: {Baker: [x]}"])
def test_front_matter_alone_is_a_change(
    field: str, settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    write_article("one.md", "---\nauthor: A\n---\nText.\n")
    ingest(settings, embedder)
    write_article("one.md", f"---\nauthor: A\n{field}\n---\nText.\n")
    assert ingest(settings, embedder).edited == ("one",)


def test_forced_builds_stand_beside_each_other_and_the_oldest_go(settings: IngestSettings, embedder: FakeEmbedder) -> None:
    names = set()
    for _ in range(5):
        ingest(settings, embedder, force=True)
        names.add(current_generation(settings.data).name)
    assert len(names) == 5
    assert len(list((settings.data / GENERATIONS).iterdir())) == settings.kept_generations


def test_another_model_or_chunk_size_rebuilds(settings: IngestSettings, embedder: FakeEmbedder) -> None:
    ingest(settings, embedder)
    assert ingest(settings, FakeEmbedder("fake/2")).changed
    assert ingest(settings.model_copy(update={"chunk_pieces": 40}), FakeEmbedder("fake/2")).changed


def test_bad_files_are_named_and_the_good_go_in(settings: IngestSettings, embedder: FakeEmbedder, corpus: Path) -> None:
    (corpus / "bytes.md").write_bytes(b"caf\xe9")
    (corpus / "front.md").write_text("---\ntitle: [\n---\nText.")
    report = ingest(settings, embedder)
    assert report.articles == 2
    assert dict(report.left_out).keys() == {"bytes.md", "front.md"}


@pytest.mark.parametrize(
    "front",
    ["title: !!bool foo", "published: !!timestamp foo", 'title: !!int ""', "title: " + "1:" * 250 + "1.5", "title: 0x" + "f" * 5000],
)
def test_odd_yaml_spoils_only_its_own_file(front: str, settings: IngestSettings, embedder: FakeEmbedder, corpus: Path) -> None:
    (corpus / "odd.md").write_text(f"---\n{front}\n---\nOdd text.\n")
    report = ingest(settings, embedder)
    assert {"bakers", "flour"} <= set(report.added)


def test_what_holds_nothing_to_quote_and_a_loop_of_links_are_left_out(
    settings: IngestSettings, embedder: FakeEmbedder, corpus: Path
) -> None:
    (corpus / "headings.md").write_text("# One\n\n## Two\n")
    (corpus / "loop.md").symlink_to(corpus / "loop.md")
    report = ingest(settings, embedder)
    assert (report.articles, dict(report.left_out).keys()) == (2, {"headings.md", "loop.md"})


def test_a_name_forges_no_line_of_the_report(settings: IngestSettings, embedder: FakeEmbedder, corpus: Path) -> None:
    (corpus / "k\nLeft out good.md: it is evil.md").write_text("Text.")
    ((name, reason),) = ingest(settings, embedder).left_out
    assert "\n" not in name
    assert "control characters" in reason


@pytest.mark.parametrize("name", ["d", "sub/d"])
def test_what_is_made_of_the_articles_is_none(name: str, settings: IngestSettings, embedder: FakeEmbedder, corpus: Path) -> None:
    """A data folder below the articles'."""
    below = settings.model_copy(update={"data": corpus / name})
    assert ingest(below, embedder).articles == 2
    assert not ingest(below, embedder).changed


def test_the_data_folder_is_not_the_articles_own(corpus: Path) -> None:
    with pytest.raises(SettingsError, match="CAREER_DATA cannot be used: it is the folder of articles"):
        IngestSettings.read(corpus=corpus, data=corpus)


def test_a_corpus_whose_articles_are_gone_is_not_read_in_their_stead(
    settings: IngestSettings, embedder: FakeEmbedder, corpus: Path
) -> None:
    articles = corpus / "articles"
    articles.mkdir()
    for path in [*corpus.glob("*.md"), *corpus.glob("*.txt")]:
        path.rename(articles / path.name)
    (corpus / "questions.jsonl").touch()
    (corpus / "README.md").write_text("# The articles\n\nWhere they come from.\n")
    before = ingest(settings, embedder).generation
    articles.rename(corpus.parent / "away")
    with pytest.raises(CorpusError, match="no folder of articles"):
        ingest(settings, embedder)
    assert Manifest.read(current_generation(settings.data)).id == before


def test_a_stray_folder_among_the_generations_is_left_alone(settings: IngestSettings, embedder: FakeEmbedder) -> None:
    generation = ingest(settings, embedder).generation
    stray = settings.data / GENERATIONS / f"{generation}-old"
    stray.mkdir()
    for _ in range(4):
        ingest(settings, embedder, force=True)
    assert stray.is_dir()


def test_an_error_of_chroma_while_writing_is_a_storage_error(
    settings: IngestSettings, embedder: FakeEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise RuntimeError("database or disk is full")

    monkeypatch.setattr("ingest.index._write_chroma", full)
    with pytest.raises(StorageError):
        ingest(settings, embedder)


@pytest.mark.parametrize(
    "name",
    ["articles.jsonl", "chunks.txt", "units.npy", "unit_rows.npy", "tokens.npy", "chroma/chroma.sqlite3", "lexical/vocab.index.json"],
)
@pytest.mark.parametrize("content", [None, b"junk"])
def test_a_damaged_generation_says_so(name: str, content: bytes | None, settings: IngestSettings, embedder: FakeEmbedder) -> None:
    ingest(settings, embedder)
    path = current_generation(settings.data) / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(IndexMismatchError):
        GenerationIndex(current_generation(settings.data))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_named(settings: IngestSettings, embedder: FakeEmbedder, corpus: Path) -> None:
    (corpus / "flour.txt").chmod(0)
    assert dict(ingest(settings, embedder).left_out).keys() == {"flour.txt"}


def test_an_emptied_folder_is_an_error_and_the_old_generation_stays(settings: IngestSettings, embedder: FakeEmbedder, corpus: Path) -> None:
    before = ingest(settings, embedder).generation
    for path in corpus.iterdir():
        path.unlink()
    with pytest.raises(CorpusError):
        ingest(settings, embedder)
    assert Manifest.read(current_generation(settings.data)).id == before


def test_a_second_ingest_at_once_is_refused(settings: IngestSettings, embedder: FakeEmbedder) -> None:
    with ingest_lock(settings.data), pytest.raises(IngestBusyError):
        ingest(settings, embedder)
    assert ingest(settings, embedder).changed


@pytest.mark.parametrize("when", ["write", "rename", "point"])
def test_a_full_disk_leaves_the_old_generation(
    when: str, settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ingest(settings, embedder).generation
    write_article("new.md", "New text.")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    target = {"write": ("ingest.index.np.save", full), "rename": ("pathlib.Path.rename", full), "point": ("pathlib.Path.replace", full)}[
        when
    ]
    with monkeypatch.context() as patch:
        patch.setattr(*target)
        with pytest.raises(StorageError, match="No space left"):
            ingest(settings, embedder)
    assert Manifest.read(current_generation(settings.data)).id == before
    assert ingest(settings, embedder).added == ("new",)


def test_an_index_holds_what_was_written(settings: IngestSettings, embedder: FakeEmbedder) -> None:
    ingest(settings, embedder)
    index = GenerationIndex(current_generation(settings.data))
    chunks = index.chunks(range(len(index)))
    texts = {stored.article.id: stored.article.text for stored in index.articles}
    for row, chunk in enumerate(chunks):
        vector = embedder.vectors([chunk.embedding_text()])[0]
        assert next(iter(index.dense(vector, 1))) == row
        assert texts[chunk.article_id][chunk.start : chunk.end] == chunk.text
        assert len(index.unit_vectors([row])) == len(index.unit_tokens(row)) == len(chunk.units)
    assert sum(stored.passages for stored in index.articles) == len(index)
    assert int(np.argmax(index.lexical(["moist"]))) == next(row for row, chunk in enumerate(chunks) if "moist" in chunk.text)
    assert not index.lexical(["nowhere"]).any()
    index.close()


def test_no_index_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(NoIndexError, match="career-advisor ingest"):
        current_generation(tmp_path)
