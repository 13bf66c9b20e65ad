"""Generations: rolled back to and held, fallen back to when the newest is broken, probed, and forgotten."""

from __future__ import annotations

import os
import shutil
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
from ingest.index import GenerationIndex
from ingest.intact import record_files
from ingest.kept import GENERATIONS, POINTER, Manifest, Pointer, current_generation
from ingest.pipeline import ingest, ingest_without, roll_back
from ingest.probe import Probe, flaws_of, probe
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
    done = roll_back(settings, MODEL)
    assert (done.manifest.id, served(settings)) == (twice[0], twice[0])
    for _ in range(2):
        report = ingest(settings, embedder)
        assert (report.changed, report.held, report.generation) == (False, done.left, twice[0])
    write_article("new.md", "Another sentence about yeast.")
    report = ingest(settings, embedder)
    assert (report.changed, report.held, report.added) == (True, None, ("new",))
    assert roll_back(settings, MODEL).manifest.id == twice[0]  # back to what was served before, not to what was built before


def test_force_ends_a_hold(twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder) -> None:
    roll_back(settings, MODEL)
    assert ingest(settings, embedder, force=True).generation == twice[1]
    assert ingest(settings, embedder).held is None


def test_articles_put_back_as_they_were_end_a_hold(
    twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder, corpus: Path, write_article: Callable[[str, str], Path]
) -> None:
    roll_back(settings, MODEL)
    (corpus / "new.md").unlink()
    report = ingest(settings, embedder)
    assert (report.changed, report.held, report.generation) == (False, None, twice[0])
    write_article("new.md", "A new sentence about yeast.")
    assert ingest(settings, embedder).generation == twice[1]


@pytest.mark.usefixtures("twice")
def test_another_model_ends_a_hold_for_the_chat_could_not_read_it(settings: IngestSettings) -> None:
    roll_back(settings, MODEL)
    report = ingest(settings, FakeEmbedder("fake/2"))
    assert (report.changed, report.held) == (True, None)


@pytest.mark.usefixtures("twice")
def test_one_can_go_back_only_as_far_as_is_kept(settings: IngestSettings) -> None:
    roll_back(settings, MODEL)
    before = (settings.data / POINTER).read_text()
    with pytest.raises(NoIndexError, match="no earlier generation"):
        roll_back(settings, MODEL)
    assert (settings.data / POINTER).read_text() == before


@pytest.mark.usefixtures("twice")
def test_a_generation_of_another_model_is_not_gone_back_to(settings: IngestSettings) -> None:
    ingest(settings, FakeEmbedder("fake/2"))
    with pytest.raises(NoIndexError, match="CAREER_EMBEDDING_MODEL"):
        roll_back(settings, "fake/2")


def test_a_damaged_generation_is_passed_over(
    twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    damaged = current_generation(settings.data)
    write_article("more.md", "More.")
    ingest(settings, embedder)
    (damaged / "units.npy").write_bytes(b"junk")
    done = roll_back(settings, MODEL)
    assert (done.manifest.id, done.skipped) == (twice[0], (damaged.name,))


def test_the_generation_before_is_kept_however_old(
    twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    """Held generations age: what is gone back to next must not."""
    roll_back(settings, MODEL)
    for number in range(4):
        write_article("new.md", f"Number {number}.")
        ingest(settings, embedder)
        before = Manifest.read(current_generation(settings.data)).parent
        assert before
        assert (settings.data / GENERATIONS / before).is_dir()
        roll_back(settings, MODEL)
    assert served(settings) == twice[0]


@pytest.fixture
def thrice(settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]) -> tuple[str, ...]:
    """The folder names of three generations, each with another text of one article."""
    names = []
    for number in range(3):
        write_article("new.md", f"Number {number} is about yeast.")
        ingest(settings, embedder)
        names.append(current_generation(settings.data).name)
    return tuple(names)


def test_a_second_rollback_holds_too(thrice: tuple[str, ...], settings: IngestSettings, embedder: FakeEmbedder) -> None:
    assert roll_back(settings, MODEL).holds
    done = roll_back(settings, MODEL)
    assert (done.holds, done.served) == (True, thrice[0])
    report = ingest(settings, embedder)
    assert (report.changed, report.held) == (False, thrice[1])
    assert current_generation(settings.data).name == thrice[0]


def test_a_rollback_holds_while_the_articles_are_as_they_lie_there(
    thrice: tuple[str, ...], settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    """Edited since the last ingest, and gone back from a generation that tells nothing of its articles."""
    write_article("new.md", "An edit that was never ingested.")
    (settings.data / GENERATIONS / thrice[2] / "manifest.json").write_text("{}")
    roll_back(settings, MODEL)
    assert ingest(settings, embedder).held == thrice[2]
    write_article("new.md", "Another edit.")
    assert ingest(settings, embedder).changed


@pytest.mark.usefixtures("thrice")
def test_without_articles_it_says_that_nothing_can_be_held(settings: IngestSettings, corpus: Path, tmp_path: Path) -> None:
    corpus.rename(tmp_path / "away")
    assert not roll_back(settings, MODEL).holds


def test_what_a_rollback_left_is_not_served_again_when_the_held_one_breaks(
    thrice: tuple[str, ...], settings: IngestSettings, embedder: FakeEmbedder
) -> None:
    roll_back(settings, MODEL)
    (settings.data / GENERATIONS / thrice[1] / "articles.jsonl").write_text("junk")
    advisor = Advisor(settings.data, ChatSettings(), embedder)
    answer = advisor.answer("What does rye flour keep moist?").answer
    assert answer.generation == thrice[0].split("-")[0]
    assert answer.notices[0].endswith("Run: career-advisor ingest")
    said = diagnose(settings, MODEL).findings[0].mend
    assert said
    assert thrice[0] in said
    report = ingest(settings, embedder)
    assert (report.held, current_generation(settings.data).name) == (thrice[2], thrice[0])
    assert advisor.answer("What does rye flour keep moist?").answer.notices == ()
    advisor.close()


def test_where_nothing_else_is_whole_what_was_left_is_served_and_the_hold_ends(
    twice: tuple[str, str], settings: IngestSettings, embedder: FakeEmbedder
) -> None:
    roll_back(settings, MODEL)
    (current_generation(settings.data) / "articles.jsonl").write_text("junk")
    said = diagnose(settings, MODEL).findings[0].mend
    assert said
    assert "put the articles right" in said
    assert ingest(settings, embedder).generation == twice[1]


def test_what_is_gone_is_passed_over_on_the_way_back(thrice: tuple[str, ...], settings: IngestSettings) -> None:
    """As after an article that only that generation held was forgotten."""
    shutil.rmtree(settings.data / GENERATIONS / thrice[1])
    os.utime(settings.data / GENERATIONS / thrice[0])  # a copy is as young as can be
    assert roll_back(settings, MODEL).served == thrice[0]


def test_without_a_pointer_the_newest_whole_one_is_what_was_before(
    thrice: tuple[str, ...], settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    (settings.data / POINTER).write_text("junk")
    write_article("new.md", "More.")
    ingest(settings, embedder)
    assert Manifest.read(current_generation(settings.data)).parent == thrice[2]


def test_a_hold_says_that_it_is_of_other_settings(thrice: tuple[str, ...], settings: IngestSettings, embedder: FakeEmbedder) -> None:
    roll_back(settings, MODEL)
    other = settings.model_copy(update={"chunk_pieces": 64})
    report = ingest(other, embedder)
    assert (report.held, report.reasons) == (thrice[2], ("chunks were of 128 word pieces",))
    said = [finding for finding in diagnose(other, MODEL).findings if "other settings" in finding.what]
    assert said
    assert said[0].mend


@pytest.mark.usefixtures("thrice")
def test_a_hold_that_cannot_be_ended_is_one_sentence(
    settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    roll_back(settings, MODEL)
    write_article("new.md", "Number 1 is about yeast.")
    monkeypatch.setattr("ingest.generations._point_to", refused)
    with pytest.raises(StorageError, match=r"cannot be written \(Read-only"):
        ingest(settings, embedder)


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


@pytest.mark.child
def test_a_probe_that_dies_finds_a_flaw_and_one_that_is_not_needed_ends(settings: IngestSettings, embedder: FakeEmbedder) -> None:
    ingest(settings, embedder)
    with Probe() as started:
        started._process.kill()
        assert started.flaws(current_generation(settings.data)) == ["reading it ends the program that does"]
    with pytest.raises(StorageError), Probe() as started:
        raise StorageError
    assert started._process.poll() is not None


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


def test_the_probe_finds_a_store_without_its_rows(
    settings: IngestSettings, embedder: FakeEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(settings, embedder)
    nothing = np.zeros((0, 64), dtype=np.float32)
    monkeypatch.setattr(GenerationIndex, "stored_vectors", lambda _: iter([([], nothing)]))
    assert list(flaws_of(current_generation(settings.data), thorough=True)) == ["Chroma holds other chunks"]


@pytest.mark.parametrize("files", ["{}", "[]", '{"manifest.json": [1, "x"]}'])
def test_a_list_of_files_that_tells_nothing_is_damage(
    files: str, settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    """Nothing is taken from a generation whose articles nobody vouches for."""
    ingest(settings, embedder)
    folder = current_generation(settings.data)
    (folder / "files.json").write_text(files)
    (folder / "articles.jsonl").write_text('{"id": "flour"')
    write_article("new.md", "New text.")
    assert diagnose(settings, MODEL).findings[0].what.startswith("The index that is served is damaged")
    assert ingest(settings, embedder).articles == 3


def test_what_is_not_whole_is_never_switched_to(
    settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ingest(settings, embedder).generation
    write_article("new.md", "New.")
    monkeypatch.setattr(generations.Probe, "flaws", lambda *_: ["a chunk is lost"])
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
    assert_nowhere("xylophone", settings.data)
    assert {Manifest.read(path).id for path in (settings.data / GENERATIONS).iterdir()} == {kept}
    assert ingest_without(settings, embedder, "secret").forgotten == ()


def test_what_a_rollback_restored_can_be_forgotten(settings: IngestSettings, embedder: FakeEmbedder, corpus: Path) -> None:
    ingest(settings, embedder)
    (corpus / "flour.txt").unlink()
    ingest(settings, embedder)
    roll_back(settings, MODEL)
    report = ingest_without(settings, embedder, "flour")
    assert report.removed == ("flour",)
    assert all("flour" not in Manifest.read(path).articles for path in (settings.data / GENERATIONS).iterdir())


def test_what_was_never_there_is_not_forgotten(settings: IngestSettings, embedder: FakeEmbedder, corpus: Path) -> None:
    """A file of the same name but for its suffix takes the id; what is still there, even if it cannot be read, is not forgotten."""
    (corpus / "flour.txt").rename(corpus / "flour.md")
    ingest(settings, embedder)
    (corpus / "flour.md").write_bytes(b"caf\xe9")
    with pytest.raises(CorpusError, match="delete its file first"):
        ingest_without(settings, embedder, "flour")


def test_a_file_that_took_over_the_id_does_not_keep_the_words(
    settings: IngestSettings, embedder: FakeEmbedder, corpus: Path, write_article: Callable[[str, str], Path]
) -> None:
    write_article("s.md", "The xylophone is secret.")
    write_article("s.txt", "Another text altogether, about yeast.")
    ingest(settings, embedder)
    (corpus / "s.md").unlink()
    ingest(settings, embedder)
    assert ingest_without(settings, embedder, "s").forgotten
    assert_nowhere("xylophone", settings.data)


def test_words_are_forgotten_under_every_id_that_their_file_had(
    settings: IngestSettings, embedder: FakeEmbedder, corpus: Path, write_article: Callable[[str, str], Path]
) -> None:
    old = write_article("old.md", "The xylophone is secret.")
    ingest(settings, embedder)
    old.rename(corpus / "new.md")
    ingest(settings, embedder)
    (corpus / "new.md").unlink()
    report = ingest_without(settings, embedder, "new")
    assert report.forgotten_ids == ("new", "old")
    assert_nowhere("xylophone", settings.data)


def assert_nowhere(word: str, data: Path) -> None:
    for path in data.rglob("*"):
        assert not path.is_file() or word.encode() not in path.read_bytes(), path


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
    left = roll_back(settings, MODEL).left
    (settings.data / GENERATIONS / left / "units.npy").write_bytes(b"junk")
    diagnosis = diagnose(settings, MODEL)
    assert diagnosis.is_healthy
    assert [left in finding.what for finding in diagnosis.findings] == [True, True]


def test_a_pointer_reads_as_it_was_written(tmp_path: Path) -> None:
    for pointer in (Pointer("a" * 16 + "-1"), Pointer("a" * 16 + "-1", "b-2", "c"), Pointer("a" * 16 + "-1", "b-2", "c", ("d-1", "e-1"))):
        (tmp_path / POINTER).write_text(str(pointer))
        assert Pointer.read(tmp_path) == pointer
    assert str(Pointer("a-1")) == "a-1\n"
    assert str(Pointer("a-1", "b-2", "c", ("d-1", "e-1"))) == "a-1\nb-2 c d-1 e-1\n"


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
