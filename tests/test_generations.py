"""Generations: rolled back to and held, fallen back to when the newest is broken, probed, and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import FakeEmbedder

from chatbot.advisor import Advisor
from chatbot.settings import ChatSettings
from ingest import generations
from ingest.doctor import diagnose
from ingest.errors import CorpusError, IndexMismatchError, NoIndexError, StorageError
from ingest.generations import roll_back
from ingest.index import GENERATIONS, POINTER, GenerationIndex, Manifest, Pointer, current_generation, record_files
from ingest.pipeline import ingest, ingest_without
from ingest.probe import flaws_of, probe
from ingest.settings import IngestSettings

MODEL = "fake/1"


@pytest.fixture
def twice(settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]) -> tuple[str, str]:
    """Two generations, the second with an article more."""
    first = ingest(settings, embedder).generation
    write_article("new.md", "A new sentence about yeast.")
    return first, ingest(settings, embedder).generation


def served(settings: IngestSettings) -> str:
    return Manifest.read(current_generation(settings.data)).id


# --- rollback


def test_a_rollback_holds_until_the_articles_differ(
    twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    done = roll_back(settings.data, MODEL)
    assert (done.manifest.id, served(settings)) == (twice[0], twice[0])
    for _ in range(2):
        report = ingest(settings, embedder)
        assert (report.changed, report.held, report.generation) == (False, done.left, twice[0])
    write_article("new.md", "Another sentence about yeast.")
    report = ingest(settings, embedder)
    assert (report.changed, report.held, report.added) == (True, None, ("new",))
    assert roll_back(settings.data, MODEL).manifest.id == twice[0]  # back to what was served before, not to what was built before


def test_force_ends_a_hold(twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder) -> None:
    roll_back(settings.data, MODEL)
    assert ingest(settings, embedder, force=True).generation == twice[1]
    assert ingest(settings, embedder).held is None


def test_articles_put_back_as_they_were_end_a_hold(
    twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder, corpus: Path, write_article: Callable[[str, str], Path]
) -> None:
    roll_back(settings.data, MODEL)
    (corpus / "new.md").unlink()
    report = ingest(settings, embedder)
    assert (report.changed, report.held, report.generation) == (False, None, twice[0])
    write_article("new.md", "A new sentence about yeast.")
    assert ingest(settings, embedder).generation == twice[1]


@pytest.mark.usefixtures("twice")
def test_another_model_ends_a_hold_for_the_chat_could_not_read_it(settings: IngestSettings) -> None:
    roll_back(settings.data, MODEL)
    report = ingest(settings, FakeEmbedder("fake/2"))
    assert (report.changed, report.held) == (True, None)


@pytest.mark.usefixtures("twice")
def test_one_can_go_back_only_as_far_as_is_kept(settings: IngestSettings) -> None:
    roll_back(settings.data, MODEL)
    before = (settings.data / POINTER).read_text()
    with pytest.raises(NoIndexError, match="no earlier generation"):
        roll_back(settings.data, MODEL)
    assert (settings.data / POINTER).read_text() == before


@pytest.mark.usefixtures("twice")
def test_a_generation_of_another_model_is_not_gone_back_to(settings: IngestSettings) -> None:
    ingest(settings, FakeEmbedder("fake/2"))
    with pytest.raises(NoIndexError, match="CAREER_EMBEDDING_MODEL"):
        roll_back(settings.data, "fake/2")


def test_a_damaged_generation_is_passed_over(
    twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    damaged = current_generation(settings.data)
    write_article("more.md", "More.")
    ingest(settings, embedder)
    (damaged / "units.npy").write_bytes(b"junk")
    done = roll_back(settings.data, MODEL)
    assert (done.manifest.id, done.skipped) == (twice[0], (damaged.name,))


def test_the_generation_before_is_kept_however_old(
    twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    """Held generations age: what is gone back to next must not."""
    roll_back(settings.data, MODEL)
    for number in range(4):
        write_article("new.md", f"Number {number}.")
        ingest(settings, embedder)
        before = Manifest.read(current_generation(settings.data)).parent
        assert before
        assert (settings.data / GENERATIONS / before).is_dir()
        roll_back(settings.data, MODEL)
    assert served(settings) == twice[0]


# --- a broken one


@pytest.mark.parametrize("name", ["manifest.json", "units.npy", "chroma/chroma.sqlite3", "lexical/vocab.index.json", "files.json"])
def test_a_pointer_to_a_broken_generation_falls_back_and_says_so(
    name: str, twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder
) -> None:
    (current_generation(settings.data) / name).write_bytes(b"junk")
    advisor = Advisor(settings.data, ChatSettings(), embedder)
    answer = advisor.answer("What does rye flour keep moist?").answer
    assert answer.generation == twice[0]
    assert any("damaged" in notice and "ingest --force" in notice for notice in answer.notices)
    assert ingest(settings, embedder).generation == twice[1]  # it is built anew
    assert advisor.answer("What does rye flour keep moist?").answer.notices == ()
    advisor.close()


@pytest.mark.parametrize("content", [b"", b"junk\n", b"\xff\xfe", b"0123456789abcdef-9\n", None])
@pytest.mark.usefixtures("twice")
def test_a_broken_pointer_falls_back_too(content: bytes | None, settings: IngestSettings, embedder: FakeEmbedder) -> None:
    pointer = settings.data / POINTER
    pointer.unlink() if content is None else pointer.write_bytes(content)
    advisor = Advisor(settings.data, ChatSettings(), embedder)
    assert "damaged" in advisor.answer("What does rye flour keep moist?").answer.notices[0]
    advisor.close()
    assert not diagnose(settings, MODEL).is_healthy


def test_with_nothing_whole_it_says_what_to_run(settings: IngestSettings, embedder: FakeEmbedder) -> None:
    ingest(settings, embedder)
    (current_generation(settings.data) / "tokens.npy").write_bytes(b"junk")
    with pytest.raises(IndexMismatchError, match="ingest --force"):
        Advisor(settings.data, ChatSettings(), embedder).articles()


@pytest.mark.child
def test_a_generation_is_probed_in_a_process_of_its_own(settings: IngestSettings, embedder: FakeEmbedder) -> None:
    ingest(settings, embedder)
    folder = current_generation(settings.data)
    assert probe(folder, thorough=True) == []
    (folder / "manifest.json").write_text("{")
    assert probe(folder)


def spoil_vectors(folder: Path) -> None:
    np.save(folder / "vectors.npy", np.load(folder / "vectors.npy")[::-1].copy())


def spoil_articles(folder: Path) -> None:
    path = folder / "articles.jsonl"
    path.write_text(path.read_text().replace("Rye flour", "Rye  flour"))


def spoil_words(folder: Path) -> None:
    (path,) = folder.glob("lexical/indices*")
    np.save(path, np.zeros_like(np.load(path)))


@pytest.mark.parametrize(
    ("spoil", "said"), [(spoil_vectors, "Chroma holds other vectors"), (spoil_articles, "articles"), (spoil_words, "words")]
)
def test_the_probe_finds_what_hashes_cannot(
    spoil: Callable[[Path], None], said: str, settings: IngestSettings, embedder: FakeEmbedder
) -> None:
    """Files as they were written, but written wrongly."""
    ingest(settings, embedder)
    folder = current_generation(settings.data)
    spoil(folder)
    assert list(flaws_of(folder, thorough=True)) == ["a file is not as it was written"]
    record_files(folder)
    assert any(said in flaw for flaw in flaws_of(folder, thorough=True))


def test_what_is_not_whole_is_never_switched_to(
    settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ingest(settings, embedder).generation
    write_article("new.md", "New.")
    monkeypatch.setattr(generations, "probe", lambda _: ["a chunk is lost"])
    with pytest.raises(StorageError, match="a chunk is lost"):
        ingest(settings, embedder)
    assert served(settings) == before
    assert len(list((settings.data / GENERATIONS).iterdir())) == 1


# --- forgotten


def test_a_forgotten_article_stands_nowhere(
    settings: IngestSettings, embedder: FakeEmbedder, corpus: Path, write_article: Callable[[str, str], Path]
) -> None:
    kept = ingest(settings, embedder).generation
    write_article("secret.md", "The xylophone is secret.")
    ingest(settings, embedder)
    with pytest.raises(CorpusError, match="delete its file first"):
        ingest_without(settings, embedder, "secret")
    (corpus / "secret.md").unlink()
    (settings.data / GENERATIONS / ".building-1").mkdir()
    (settings.data / GENERATIONS / ".building-1/articles.jsonl").write_text("xylophone of an ingest that was killed")
    report = ingest_without(settings, embedder, "secret")
    assert report.removed == ("secret",)
    assert report.forgotten
    assert len(report.forgotten) == 1
    for path in settings.data.rglob("*"):
        assert not path.is_file() or b"xylophone" not in path.read_bytes(), path
    assert {Manifest.read(path).id for path in (settings.data / GENERATIONS).iterdir()} == {kept}
    assert ingest_without(settings, embedder, "secret").forgotten == ()


def test_what_a_rollback_restored_can_be_forgotten(settings: IngestSettings, embedder: FakeEmbedder, corpus: Path) -> None:
    ingest(settings, embedder)
    (corpus / "flour.txt").unlink()
    ingest(settings, embedder)
    roll_back(settings.data, MODEL)
    report = ingest_without(settings, embedder, "flour")
    assert report.removed == ("flour",)
    assert all("flour" not in Manifest.read(path).articles for path in (settings.data / GENERATIONS).iterdir())


# --- doctor


def test_a_doctor_finds_nothing_wrong_with_a_new_index(settings: IngestSettings, embedder: FakeEmbedder) -> None:
    generation = ingest(settings, embedder).generation
    diagnosis = diagnose(settings, MODEL)
    assert (diagnosis.is_healthy, diagnosis.findings, diagnosis.generation) == (True, (), generation)


def test_a_doctor_says_what_mends_it(
    twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder, corpus: Path, write_article: Callable[[str, str], Path]
) -> None:
    write_article("more.md", "More.")
    (corpus / "flour.txt").unlink()
    (corpus / "bad.md").write_bytes(b"caf\xe9")
    said = " ".join(f"{finding.what} {finding.mend}" for finding in diagnose(settings, MODEL).findings)
    assert "more (not in the index)" in said
    assert "flour (gone)" in said
    assert "bad.md is left out: it is not UTF-8" in said
    assert "fake/1" in " ".join(finding.what for finding in diagnose(settings, "fake/2").findings)
    (current_generation(settings.data) / "units.npy").write_bytes(b"junk")
    damaged = diagnose(settings, MODEL).findings[0]
    assert "damaged" in damaged.what
    assert damaged.mend
    assert "ingest --force" in damaged.mend
    (corpus / "bad.md").unlink()
    ingest(settings, embedder)
    assert diagnose(settings, MODEL).is_healthy
    assert twice


@pytest.mark.usefixtures("twice")
def test_a_doctor_knows_of_a_rollback_and_of_damaged_kept_ones(settings: IngestSettings) -> None:
    left = roll_back(settings.data, MODEL).left
    (settings.data / GENERATIONS / left / "units.npy").write_bytes(b"junk")
    diagnosis = diagnose(settings, MODEL)
    assert diagnosis.is_healthy
    assert [left in finding.what for finding in diagnosis.findings] == [True, True]


def test_a_pointer_reads_as_it_was_written() -> None:
    assert str(Pointer("a-1")) == "a-1\n"
    assert str(Pointer("a-1", "b-2", "c")) == "a-1\nb-2 c\n"


# --- one that cannot be written


def test_what_cannot_be_written_is_read_all_the_same(
    settings: IngestSettings, embedder: FakeEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chroma writes whenever it is opened; where it cannot, the vectors are compared one by one, with the same outcome."""
    ingest(settings, embedder)
    folder = current_generation(settings.data)
    usual = GenerationIndex(folder)
    monkeypatch.setattr("ingest.index.os.access", lambda *_: False)
    read_only = GenerationIndex(folder)
    for text in ("rye", "bread baker", "cakes"):
        vector = embedder.vectors([text])[0]
        found, expected = read_only.dense(vector, 3), usual.dense(vector, 3)
        assert found == pytest.approx(expected, abs=1e-5)
        assert next(iter(found)) == next(iter(expected))
    usual.close()
    read_only.close()
