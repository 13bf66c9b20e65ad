"""An export gives what torch gives, is made once, and is made anew when it is damaged; where it cannot be had, torch serves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Barrier, Thread

import numpy as np
import pytest
from conftest import ROOT

from ingest import exported
from ingest.embed import ADAPTER, MANY, Reading, SentenceTransformerEmbedder, Vectors, _default_folder
from ingest.errors import EmbeddingModelError, StorageError
from ingest.exported import STALE, TOGETHER, Details, UnfitError, prepared, write_details
from ingest.settings import DEFAULT_MODEL, IngestSettings
from ui.keeper_commands import previewed

TEXTS = [
    "What does a baker earn?",
    "",
    "  Spaces,\ttabs\nand lines; CAPITALS, naïve café, 你好 мир, 👩‍🚀, $5–$10, C++/C# a_b\x00\u200b",
    "word " * 2000,
    *(f"A sentence of its own length {'and more ' * number}." for number in range(0, 60, 4)),
    "What does a baker earn?",
]


class Maker:
    """Writes an export of nothing, and counts how often."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.made = 0

    def __call__(self, folder: Path) -> None:
        self.made += 1
        if self.error:
            raise self.error
        for name in ("tokenizer.json", "model.onnx"):
            (folder / name).write_bytes(name.encode())
        write_details(folder, Details(256, 0, ""))


def only(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_an_export_is_made_once_for_each_model(tmp_path: Path) -> None:
    make = Maker()
    for fingerprint, made in (("a", 1), ("a", 1), ("b", 2)):
        assert prepared(tmp_path, fingerprint, make)
        assert make.made == made
    assert len(list(tmp_path.iterdir())) == 2


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES: dict[str, Callable[[Path], None]] = {
    "no folder": shutil.rmtree,
    "no details": lambda folder: (folder / "export.json").unlink(),
    "half the details": lambda folder: cut(folder / "export.json"),
    "other details": lambda folder: (folder / "export.json").write_text("[1]"),
    "no hashes": lambda folder: (folder / "export.json").write_text('{"sha256": {}}'),
    "a graph cut short": lambda folder: cut(folder / "model.onnx"),
    "a graph changed": lambda folder: (folder / "model.onnx").write_bytes(b"model.onnX"),
    "no graph": lambda folder: (folder / "model.onnx").unlink(),
    "another tokenizer": lambda folder: (folder / "tokenizer.json").write_bytes(b"{}"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_export_is_replaced(damage: Callable[[Path], None], tmp_path: Path) -> None:
    make = Maker()
    prepared(tmp_path, "a", make)
    damage(only(tmp_path))
    assert prepared(tmp_path, "a", make)
    assert make.made == 2
    assert (only(tmp_path) / "model.onnx").read_bytes() == b"model.onnx"


def test_a_model_that_cannot_be_exported_is_tried_once(tmp_path: Path) -> None:
    make = Maker(UnfitError("it is odd"))
    assert prepared(tmp_path, "a", make) is None
    assert prepared(tmp_path, "a", make) is None
    assert make.made == 1


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ModuleNotFoundError("onnx")])
def test_an_export_that_cannot_be_written_is_tried_again(error: Exception, tmp_path: Path) -> None:
    make = Maker(error)
    with pytest.raises(StorageError, match="cannot be exported"):
        prepared(tmp_path, "a", make)
    assert not list(tmp_path.iterdir())
    make.error = None
    assert prepared(tmp_path, "a", make)


def test_two_that_export_at_once_end_with_one_whole_export(tmp_path: Path) -> None:
    together, opened = Barrier(2), []

    class Slow(Maker):
        def __call__(self, folder: Path) -> None:
            super().__call__(folder)
            together.wait(timeout=30)

    threads = [Thread(target=lambda: opened.append(prepared(tmp_path, "a", Slow()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(opened)
    assert len(opened) == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_process_left_behind_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".writing-killed").mkdir()
    prepared(tmp_path, "a", Maker())
    assert (tmp_path / ".writing-killed").exists()  # it may be another process's
    now = exported.time.time()
    monkeypatch.setattr("ingest.exported.time.time", lambda: now + STALE + 1)
    prepared(tmp_path, "b", Maker())
    assert not (tmp_path / ".writing-killed").exists()


def test_what_only_counts_word_pieces_writes_nothing(tmp_path: Path, real_embedder: SentenceTransformerEmbedder) -> None:
    counting = SentenceTransformerEmbedder(DEFAULT_MODEL, tmp_path / "models")
    for text in TEXTS[:4]:
        assert counting.count_pieces(text) == real_embedder.count_pieces(text)
    assert counting.max_pieces == real_embedder.max_pieces
    assert not list(tmp_path.iterdir())


def test_a_dry_run_exports_no_model(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of all, in a data folder that is not there yet, with the real model."""

    def exported(*_: object) -> None:
        raise AssertionError("an export")

    monkeypatch.setattr("ingest.exported.prepared", exported)
    found = previewed(IngestSettings(corpus=corpus, data=tmp_path / "fresh"))
    assert found["embeddings"] > 0
    assert not (tmp_path / "fresh").exists()


def test_batches_hold_every_text_once_and_little_padding() -> None:
    lengths = [int(length) for length in np.random.default_rng(3).integers(1, 300, 500)]
    batches = list(exported._batches(lengths))
    assert sorted(number for batch in batches for number in batch) == list(range(500))
    for batch in batches:
        assert len(batch) * max(lengths[number] for number in batch) <= max(TOGETHER, 300)
        assert max(lengths[number] for number in batch) - min(lengths[number] for number in batch) < 100
    assert not list(exported._batches([]))


def test_importing_what_embeds_imports_no_torch() -> None:
    code = "import sys, ingest.embed, ingest.torch_model, ingest.exported; sys.exit('torch' in sys.modules or 'onnxruntime' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmbeddingModelError, match="cannot be loaded"):
        SentenceTransformerEmbedder(str(tmp_path / "empty"), tmp_path / "models").vectors(["a"])


def test_a_folder_that_is_not_there_is_told_before_torch_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)  # to import it would fail
    with pytest.raises(EmbeddingModelError, match="there is no such folder"):
        SentenceTransformerEmbedder(str(tmp_path / "nowhere"), tmp_path / "models").vectors(["a"])


class FakeModel:
    """Records what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def vectors(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)

    def read(self, texts: Sequence[str]) -> list[Reading]:
        raise NotImplementedError


class FakeTorch:
    def __init__(self, *, has_gpu: bool) -> None:
        self.has_gpu = has_gpu
        self.model = FakeModel()


def test_each_distinct_text_is_embedded_once_and_answered_in_its_place(tmp_path: Path) -> None:
    embedder = SentenceTransformerEmbedder(str(tmp_path))
    torch = embedder.__dict__["_torch"] = FakeTorch(has_gpu=False)
    vectors = embedder.vectors(["bb", "a", "bb", "a", "a"])
    assert torch.model.asked == ["bb", "a"]
    np.testing.assert_allclose(vectors, np.array([[2, 1], [1, 1], [2, 1], [1, 1], [1, 1]]) / np.sqrt([[5], [2], [5], [2], [2]]), rtol=1e-6)


@pytest.mark.parametrize("has_gpu", [True, False])
@pytest.mark.parametrize("device", [True, False])
def test_many_texts_go_to_a_gpu(has_gpu: bool, device: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.embed._may_have_gpu", lambda: device)
    embedder = SentenceTransformerEmbedder(str(tmp_path))
    torch = embedder.__dict__["_torch"] = FakeTorch(has_gpu=has_gpu)
    exported_model = embedder._loaded = FakeModel()
    embedder.vectors([str(number) for number in range(MANY)])
    embedder.vectors(["one question"] * MANY)
    assert len(torch.model.asked) == (MANY if has_gpu and device else 0)
    assert exported_model.asked[-1] == "one question"


# --- the default model


@pytest.fixture(scope="module")
def torch_embedder() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(DEFAULT_MODEL)


@pytest.mark.model
def test_the_export_gives_what_torch_gives(real_embedder: SentenceTransformerEmbedder, torch_embedder: SentenceTransformerEmbedder) -> None:
    assert real_embedder.fingerprint == torch_embedder.fingerprint
    np.testing.assert_allclose(real_embedder.vectors(TEXTS), torch_embedder.vectors(TEXTS), atol=1e-4)
    for ours, theirs in zip(real_embedder.encode(TEXTS), torch_embedder.encode(TEXTS), strict=True):
        assert ours.pieces == theirs.pieces
        np.testing.assert_allclose(ours.vector, theirs.vector, atol=1e-4)
        np.testing.assert_allclose(ours.tokens, theirs.tokens, atol=1e-4)
        np.testing.assert_array_equal(ours.weights, theirs.weights)
        np.testing.assert_array_equal(ours.starts, theirs.starts)
    for text in TEXTS:
        assert real_embedder.count_pieces(text) == torch_embedder.count_pieces(text)
    for word in ("baker", "bakers", "qzxv", "kneads", "sourdough", "unkneaded"):
        assert real_embedder.knows(word) == torch_embedder.knows(word)
    assert real_embedder.max_pieces == torch_embedder.max_pieces


@pytest.mark.model
def test_many_texts_are_read_as_few_are(real_embedder: SentenceTransformerEmbedder, exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = real_embedder.encode(TEXTS)
    monkeypatch.setattr(exported, "MANY_BATCHES", 1)
    monkeypatch.setattr(exported, "_processors", lambda: 3)
    embedder = SentenceTransformerEmbedder(DEFAULT_MODEL, exports)
    for ours, theirs in zip(embedder.encode(TEXTS), few, strict=True):
        np.testing.assert_allclose(ours.vector, theirs.vector, atol=1e-5)
        np.testing.assert_allclose(ours.tokens, theirs.tokens, atol=1e-5)
    assert isinstance(embedder._loaded, exported.ExportedModel)
    assert list(embedder._loaded._sessions) == [1]


@pytest.mark.model
def test_the_adapter_leaves_the_vector_that_is_searched_with_much_as_it_was(torch_embedder: SentenceTransformerEmbedder) -> None:
    paragraphs = [
        block for path in sorted((ROOT / "corpus/articles").glob("*.md")) for block in path.read_text(encoding="utf-8").split("\n\n")
    ][::5]
    plain = SentenceTransformerEmbedder(str(_default_folder()))
    likeness = (plain.vectors(paragraphs) * torch_embedder.vectors(paragraphs)).sum(axis=1)
    assert likeness.mean() > 0.95
    assert likeness.max() < 0.9999  # it is there


@pytest.mark.model
def test_no_text_gives_no_vector(real_embedder: SentenceTransformerEmbedder) -> None:
    assert len(real_embedder.vectors([])) == 0
    assert real_embedder.encode([]) == []


@pytest.mark.model
def test_a_text_has_one_vector_whatever_it_is_embedded_with(real_embedder: SentenceTransformerEmbedder) -> None:
    together = real_embedder.vectors(TEXTS)
    np.testing.assert_allclose(together, np.concatenate([real_embedder.vectors([text]) for text in TEXTS]), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


@pytest.mark.model
def test_a_prepared_model_answers_without_torch(real_embedder: SentenceTransformerEmbedder, exports: Path) -> None:
    real_embedder.vectors(["prepare it"])
    code = (
        "import sys; from pathlib import Path; from ingest.embed import SentenceTransformerEmbedder as E;"
        f"e = E({DEFAULT_MODEL!r}, Path({str(exports)!r})); e.vectors(['a']); e.encode(['a'] * {MANY}); e.knows('a'); e.count_pieces('a');"
        "sys.exit(bool({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.model
def test_torch_serves_where_the_export_cannot_be_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "models").write_text("a file, where a folder should be")
    embedder = SentenceTransformerEmbedder(DEFAULT_MODEL, tmp_path / "models")
    assert embedder.vectors(["a", "b"]).shape == (2, 384)
    assert [record.message.count("\n") for record in caplog.records] == [0]


@pytest.mark.model
def test_an_export_that_differs_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.torch_model.TOLERANCE", -1.0)
    assert SentenceTransformerEmbedder(DEFAULT_MODEL, tmp_path).vectors(["a"]).shape == (1, 384)
    assert "other vectors" in json.loads((only(tmp_path) / "export.json").read_text())["unfit"]


@pytest.mark.model
def test_warming_loads_what_is_exported_and_exports_nothing(
    tmp_path: Path, real_embedder: SentenceTransformerEmbedder, exports: Path
) -> None:
    unprepared = SentenceTransformerEmbedder(DEFAULT_MODEL, tmp_path)
    unprepared.warm()
    assert not list(tmp_path.iterdir())
    real_embedder.vectors(["prepare it"])
    warmed = SentenceTransformerEmbedder(DEFAULT_MODEL, exports)
    warmed.warm()
    assert isinstance(warmed._loaded, exported.ExportedModel)
    assert list(warmed._loaded._sessions) == [exported.THREADS]  # and not what only an ingest needs


def test_other_changes_to_the_default_model_are_told_by_the_fingerprint(tmp_path: Path) -> None:
    shipped = SentenceTransformerEmbedder(DEFAULT_MODEL)
    same, other = tmp_path / "same", tmp_path / "other"
    same.write_bytes((ROOT / "ingest" / ADAPTER).read_bytes())
    other.write_bytes(b"other")
    assert SentenceTransformerEmbedder(DEFAULT_MODEL, adapter=same).fingerprint == shipped.fingerprint
    assert SentenceTransformerEmbedder(DEFAULT_MODEL, adapter=other).fingerprint != shipped.fingerprint
