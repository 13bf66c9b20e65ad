"""Re-ingest: what is built from what is kept equals what is built afresh, and costs only what changed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import FakeEmbedder

from ingest.index import GenerationIndex
from ingest.kept import current_generation
from ingest.pipeline import ingest
from ingest.settings import IngestSettings

WORDS = ["rye", "wheat", "oven", "dough", "baker", "cake", "spelt", "yeast", "sugar", "knead", "dawn", "proof", "crumb", "crust", "tin"]


def sentence(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(3, 9))).capitalize() + "."


def article(chance: random.Random) -> str:
    """Front matter or none, headings, paragraphs, lists and tables; sometimes roles that other articles share."""
    front = chance.choice(["", "---\ntitle: T\n---\n", "---\npublished: 2026-01-02\nroles:\n  Bread baker: [miller]\n---\n"])
    parts = [f"# {sentence(chance)[:-1]}"]
    for _ in range(chance.randint(1, 4)):
        parts += [
            chance.choice([f"## {sentence(chance)[:-1]}", ""]),
            " ".join(sentence(chance) for _ in range(chance.randint(1, 5))),
            chance.choice(["A miller says:\n\n- stone\n- wood", "| a | b |\n|---|---|\n| 1 | 2 |", ""]),
        ]
    return front + "\n\n".join(part for part in parts if part) + "\n"


def edit(folder: Path, chance: random.Random) -> None:
    """One change of the folder: an article added, removed, renamed, rewritten, or edited in one place."""
    files = sorted(folder.rglob("*.md"))
    path = chance.choice(files)
    match chance.choice(["add", "remove", "rename", "rewrite", "sentence", "front", "undo"]):
        case "remove" if len(files) > 2:
            path.unlink()
        case "rename":
            path.rename(path.with_name(f"r{chance.randint(0, 9**6)}.md"))
        case "rewrite":
            path.write_text(article(chance))
        case "sentence":
            lines = path.read_text().split("\n")
            lines.insert(chance.randint(0, len(lines)), sentence(chance))
            path.write_text("\n".join(lines))
        case "front":
            path.write_text(f"---\ntitle: {sentence(chance)}\n---\n" + path.read_text().split("---\n")[-1])
        case _:
            (folder / f"n{chance.randint(0, 9**6)}.md").write_text(article(chance))


def contents(data: Path) -> tuple[str, list[object], list[tuple[np.ndarray, np.ndarray]]]:
    index = GenerationIndex(current_generation(data))
    chunks = index.all_chunks()
    vectors = [(index.unit_vectors([row]), np.concatenate(index.unit_tokens(row))) for row in range(len(index))]
    found = (index.id, [(chunk.id, chunk) for chunk in chunks], vectors)
    index.close()
    return found


def assert_like_a_fresh_build(settings: IngestSettings, fresh: Path) -> None:
    ingest(settings.model_copy(update={"data": fresh}), FakeEmbedder())
    generation, chunks, vectors = contents(settings.data)
    expected_generation, expected_chunks, expected_vectors = contents(fresh)
    assert generation == expected_generation
    assert chunks == expected_chunks
    for found, expected in zip(vectors, expected_vectors, strict=True):
        assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(found, expected, strict=True))


def edit_at_random(settings: IngestSettings, edits: int, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    for number in range(1, edits + 1):
        edit(settings.articles, chance)
        ingest(settings, FakeEmbedder())
        if number % 10 == 0:
            assert_like_a_fresh_build(settings, tmp_path / f"fresh-{number}")


def test_after_any_edits_the_index_equals_a_fresh_build(settings: IngestSettings, tmp_path: Path) -> None:
    edit_at_random(settings, 20, 11, tmp_path)


@pytest.mark.soak
def test_after_two_hundred_edits_the_index_equals_a_fresh_build(settings: IngestSettings, tmp_path: Path) -> None:
    edit_at_random(settings, 200, 12, tmp_path)


def test_only_what_changed_is_embedded(settings: IngestSettings, corpus: Path) -> None:
    first = FakeEmbedder()
    assert ingest(settings, first).embedded == len(first.asked)
    text = (corpus / "flour.txt").read_text()
    (corpus / "flour.txt").write_text(text.replace("Wheat flour rises higher.", "Wheat flour rises higher than rye."))
    second = FakeEmbedder()
    ingest(settings, second)
    assert second.asked
    assert all("higher than rye" in asked for asked in second.asked)


def test_what_was_undone_or_renamed_costs_little(settings: IngestSettings, corpus: Path, write_article: Callable[[str, str], Path]) -> None:
    ingest(settings, FakeEmbedder())
    before = (corpus / "flour.txt").read_text()
    write_article("flour.txt", "Another text altogether.\n")
    ingest(settings, FakeEmbedder())
    write_article("flour.txt", before)
    assert ingest(settings, FakeEmbedder()).embedded == 0
    (corpus / "flour.txt").rename(corpus / "meal.txt")
    report = ingest(settings, FakeEmbedder())
    assert (report.added, report.removed, report.embedded) == (("meal",), ("flour",), 0)


def test_forced_it_embeds_everything(settings: IngestSettings) -> None:
    first = ingest(settings, FakeEmbedder()).embedded
    assert ingest(settings, FakeEmbedder(), force=True).embedded == first


def test_a_file_that_is_the_same_is_not_read_again(
    settings: IngestSettings, write_article: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(settings, FakeEmbedder())
    read: list[str] = []
    from ingest import plan  # noqa: PLC0415

    original = plan.article_of
    monkeypatch.setattr("ingest.plan.article_of", lambda name, *rest: (read.append(name), original(name, *rest))[1])
    write_article("new.md", "New text.")
    ingest(settings, FakeEmbedder())
    assert read == ["new"]


def test_a_file_that_gives_the_same_article_is_read_once_more_and_no_more(
    settings: IngestSettings, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renamed to another suffix, or touched where nothing of it is seen."""
    read: list[str] = []
    from ingest import plan  # noqa: PLC0415

    original = plan.article_of
    monkeypatch.setattr("ingest.plan.article_of", lambda name, *rest: (read.append(name), original(name, *rest))[1])
    ingest(settings, FakeEmbedder())
    (corpus / "bakers.md").rename(corpus / "bakers.markdown")
    (corpus / "flour.txt").write_text((corpus / "flour.txt").read_text() + "\n")
    read.clear()
    assert not ingest(settings, FakeEmbedder()).changed
    assert read == ["bakers", "flour"]
    assert not ingest(settings, FakeEmbedder()).changed
    assert read == ["bakers", "flour"]
    (corpus / "flour.txt").write_text("Another text altogether.\n")
    assert ingest(settings, FakeEmbedder()).edited == ("flour",)


@pytest.mark.parametrize("name", ["vectors.npy", "units.npy", "tokens.npy", "chunk_keys.npy", "token_rows.npy"])
def test_vectors_of_a_damaged_generation_are_not_used_again(name: str, settings: IngestSettings, corpus: Path, tmp_path: Path) -> None:
    ingest(settings, FakeEmbedder())
    path = current_generation(settings.data) / name
    path.write_bytes(path.read_bytes()[:-8] + b"\x00" * 8)
    (corpus / "flour.txt").write_text("Another text altogether.\n")
    ingest(settings, FakeEmbedder())
    assert_like_a_fresh_build(settings, tmp_path / "fresh")
