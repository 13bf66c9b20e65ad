"""The keeper's commands as they are typed: preview, watch, forget, rollback, doctor."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROW, Run
from model_server import ModelServer, Script, says, status

from chatbot.evaluation.runs import ANSWERS
from ingest.errors import CorpusError, StorageError
from ingest.watch import AGAIN, EVERY, SETTLED, Watch
from ui.evaluation_commands import RUNS


@pytest.fixture
def endpoint() -> Iterator[ModelServer]:
    server = ModelServer(says("yes"))
    yield server
    server.stop()


def files_of(data: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file() and path.name != "ingest.lock"}


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    run: Run, corpus: Path, tmp_path: Path, write_article: Callable[[str, str], Path]
) -> None:
    run("ingest")
    assert run("ingest", "--dry-run", "--exit-code")[:2] == (0, "Nothing would change.\n")
    write_article("new.md", "A new sentence about yeast.")
    write_article("flour.txt", (corpus / "flour.txt").read_text().replace("four days", "five days"))
    (corpus / "bakers.md").unlink()
    (corpus.parent / "questions.jsonl").write_text(json.dumps(ROW) + "\n")
    before = files_of(tmp_path / "data")
    status, out, err = run("ingest", "--dry-run")
    assert (status, err) == (0, "")
    assert "added new: 1 new passage, 0 gone\n  + A new sentence about yeast." in out
    assert (
        "changed flour: 1 new passage, 1 gone\n  - Rye flour keeps bread moist for four days.\n  + Rye flour keeps bread moist for five days."
        in out
    )
    assert "removed bakers: 0 new passages" in out
    assert run("ingest", "--dry-run", "--exit-code")[0] == 3
    assert files_of(tmp_path / "data") == before


def test_a_preview_names_the_rows_of_the_question_set_and_the_cost(run: Run, corpus: Path) -> None:
    articles = corpus / "articles"
    articles.mkdir()
    for path in [*corpus.glob("*.md"), *corpus.glob("*.txt")]:
        path.rename(articles / path.name)
    (corpus / "questions.jsonl").write_text(json.dumps(ROW) + "\n")
    run("ingest")
    (articles / "flour.txt").write_text((articles / "flour.txt").read_text().replace("four days", "five days"))
    told = json.loads(run("ingest", "--dry-run", "--json")[1])
    assert told["questions"] == [{"id": "rye", "evidence": "Rye flour keeps bread moist for four days."}]
    assert "question rye would lose its evidence" in run("ingest", "--dry-run")[1]
    assert list(told) == [
        "served",
        "generation",
        "changes",
        "reasons",
        "held",
        "articles",
        "left_out",
        "embeddings",
        "questions",
        "citations",
    ]
    report = json.loads(run("ingest", "--json")[1])
    assert (told["embeddings"], told["generation"]) == (report["embedded"], report["generation"])


def test_a_preview_tells_front_matter_and_settings(
    run: Run, write_article: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_article("one.md", "---\nauthor: A\n---\nText of one.\n")
    assert "Everything would be built anew: there is no index yet." in run("ingest", "--dry-run")[1]
    run("ingest")
    write_article("one.md", "---\nauthor: B\n---\nText of one.\n")
    told = json.loads(run("ingest", "--dry-run", "--json")[1])
    assert [(change["id"], change["fields"], change["gone"]) for change in told["articles"]] == [("one", ["author"], [])]
    monkeypatch.setenv("CAREER_CHUNK_PIECES", "40")
    assert "chunks were of 128 word pieces" in run("ingest", "--dry-run")[1]


def test_rolled_back_it_says_so_everywhere(run: Run, write_article: Callable[[str, str], Path]) -> None:
    run("ingest")
    write_article("new.md", "A new sentence about yeast.")
    run("ingest")
    status, out, _ = run("rollback")
    assert status == 0
    assert out.startswith("Rolled back from ")
    assert "(2 articles, " in out
    status, out, _ = run("ingest")
    assert status == 0
    assert "held since a rollback" in out
    assert "ingest --force" in out
    assert json.loads(run("ingest", "--json")[1])["held"]
    status, out, _ = run("ingest", "--dry-run", "--exit-code")
    assert status == 0
    assert "a rollback from" in out
    status, out, _ = run("doctor")
    assert status == 0
    assert "holds until the articles change" in out
    assert run("rollback")[0] == 1
    assert run("ingest", "--force")[1].startswith("Ingested 3 articles")


def test_a_doctor_is_good_or_bad_news(run: Run, tmp_path: Path, write_article: Callable[[str, str], Path]) -> None:
    status, out, _ = run("doctor")
    assert status == 3
    assert "run: career-advisor ingest" in out
    run("ingest")
    assert run("doctor")[:2] == (0, "Nothing is wrong.\n")
    write_article("new.md", "A new sentence about yeast.")
    status, out, _ = run("doctor", "--json")
    told = json.loads(out)
    assert (status, told["healthy"], list(told["findings"][0])) == (3, False, ["what", "mend"])
    (generation,) = (tmp_path / "data/generations").iterdir()
    (generation / "chroma/chroma.sqlite3").write_bytes(b"junk")
    assert "damaged" in run("doctor")[1]
    assert run("ingest", "--force")[0] == 0
    assert run("doctor")[0] == 0


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (says("yes"), "The model's endpoint answers."),
        (status(401), "The model's endpoint refuses the key in OPENAI_API_KEY"),
        (lambda call: call.reset(), "The "),
    ],
)
def test_a_doctor_tries_the_models_endpoint(
    script: Script, sentence: str, run: Run, monkeypatch: pytest.MonkeyPatch, endpoint: ModelServer
) -> None:
    code = 0 if "answers" in sentence else 3
    run("ingest")
    endpoint.script = script
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ZEBRAFISH")
    found, out, err = run("doctor")
    assert (found, err) == (code, "")
    assert out.startswith(sentence)
    assert ("CAREER_MODEL" in out) == bool(code)
    told = run("doctor", "--json")[1]
    assert (json.loads(told)["healthy"], len(json.loads(told)["findings"])) == (not code, 1)
    assert "ZEBRAFISH" not in out + told
    assert len(endpoint.calls) == 2


@pytest.mark.parametrize("environment", [{}, {"OPENAI_API_KEY": "sk-x", "CAREER_MODEL": "none"}])
def test_a_doctor_calls_nothing_where_no_endpoint_is_set(environment: dict[str, str], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a socket")

    run("ingest")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("socket.socket.connect", refused)
    monkeypatch.setattr("socket.getaddrinfo", refused)
    assert run("doctor")[:2] == (0, "Nothing is wrong.\n")


def test_forgetting_says_what_can_no_longer_be_rolled_back_to(run: Run, corpus: Path) -> None:
    run("ingest")
    status, _, err = run("ingest", "--forget", "flour")
    assert status == 1
    assert "delete its file first" in err
    (corpus / "flour.txt").unlink()
    status, out, _ = run("ingest", "--forget", "flour")
    assert status == 0
    assert "can no longer be rolled back to" in out
    assert run("rollback")[0] == 1


def test_what_nothing_knows_is_not_said_to_be_forgotten(run: Run, corpus: Path, write_article: Callable[[str, str], Path]) -> None:
    write_article("one.md", "Text of one.")
    run("ingest")
    (corpus / "one.md").unlink()
    status, out, err = run("ingest", "--forget", "one.md")
    assert (status, out) == (1, "")
    assert "nothing was done; did you mean one?" in err
    assert "lists those" in run("ingest", "--forget", "two")[2]
    assert "1 removed: one" in run("ingest", "--forget", "one")[1]


def test_an_id_that_only_an_answer_or_an_evaluation_knows_is_forgotten(run: Run, tmp_path: Path) -> None:
    run("ingest")
    runs = tmp_path / "data" / RUNS / "r"
    runs.mkdir(parents=True)
    (runs / ANSWERS).write_text('{"article_id": "old"}\n')
    status, out, _ = run("ingest", "--forget", "old")
    assert status == 0
    assert "no kept index held it" in out
    assert "Evaluations still hold its words: delete r" in out


def test_forgetting_says_where_the_same_words_still_stand(run: Run, corpus: Path, write_article: Callable[[str, str], Path]) -> None:
    write_article("one.md", "Text of one.")
    write_article("copy.md", "Text of one.")
    run("ingest")
    (corpus / "one.md").unlink()
    assert "still stand in the file copy.md" in run("ingest", "--forget", "one")[1]


def test_a_damaged_hold_is_told_as_it_is_mended(run: Run, tmp_path: Path, write_article: Callable[[str, str], Path]) -> None:
    for number in range(3):
        write_article("new.md", f"Number {number} is about yeast.")
        run("ingest")
    run("rollback")
    served = (tmp_path / "data" / "current").read_text().split()[0]
    (tmp_path / "data" / "generations" / served / "articles.jsonl").write_bytes(b"junk")
    status, out, _ = run("ingest", "--dry-run", "--exit-code")
    assert (status, out.split(":")[0]) == (3, "What is held is damaged, and another would be served")
    assert run("ingest")[1].startswith("What was held is damaged, so that another is served now: 3 articles")
    assert run("ingest")[1].startswith("Nothing was changed: 3 articles")


@pytest.mark.parametrize(
    "options",
    [
        ["--exit-code"],
        ["--forget", ""],
        ["--forget", " "],
        ["--forget", "x", "--force"],
        ["--forget", "x", "--dry-run"],
        ["--dry-run", "--watch"],
    ],
)
def test_options_that_do_not_go_together(options: list[str], run: Run) -> None:
    assert run("ingest", *options)[0] == 2


# --- watch


class Clock:
    """Sleeps by counting, and does what is written down for a moment when it comes."""

    def __init__(self, script: dict[float, Callable[[], object]]) -> None:
        self.now = 0.0
        self._script = script

    def wait(self, seconds: float) -> None:
        self.now += seconds
        if self.now > 100:
            raise TimeoutError
        if act := self._script.get(self.now):
            act()


def moments(folder: Path, clock: Clock) -> Iterator[float]:
    for _ in Watch(folder, wait=clock.wait).settled_changes():
        yield clock.now


def test_a_watch_waits_until_changes_have_settled(corpus: Path) -> None:
    def write(text: str) -> Callable[[], object]:
        return lambda: (corpus / "new.md").write_text(text)

    script = {5.0: write("a"), 6.0: write("ab"), 7.0: write("abc"), 30.0: (corpus / "flour.txt").unlink}
    clock = Clock(script)
    watched = moments(corpus, clock)
    assert next(watched) == 0
    assert next(watched) == 7 + SETTLED
    assert next(watched) == 30 + SETTLED
    with pytest.raises(TimeoutError):
        next(watched)
    assert EVERY <= SETTLED


def test_a_change_during_an_ingest_is_seen_and_a_folder_may_be_gone_for_a_while(corpus: Path, tmp_path: Path) -> None:
    clock = Clock({20.0: lambda: corpus.rename(tmp_path / "away"), 40.0: lambda: (tmp_path / "away").rename(corpus)})
    watched = moments(corpus, clock)
    assert next(watched) == 0
    (corpus / "new.md").write_text("while it was ingested")
    assert next(watched) < 5
    assert next(watched) == 20 + SETTLED
    assert next(watched) == 40 + SETTLED


def test_a_link_that_leads_nowhere_hides_no_change(corpus: Path) -> None:
    (corpus / "a.md").symlink_to(corpus / "nowhere")
    flour = corpus / "flour.txt"
    times = flour.stat()

    def same_size_and_time() -> None:
        flour.write_text(flour.read_text().replace("four", "five"))
        os.utime(flour, ns=(times.st_atime_ns, times.st_mtime_ns))

    watched = moments(corpus, Clock({20.0: same_size_and_time}))
    assert [next(watched), next(watched)] == [0, 20 + SETTLED]


def test_what_is_made_of_the_articles_is_no_change_of_them(corpus: Path) -> None:
    def made() -> None:
        (corpus / "data").mkdir()
        (corpus / "data" / "chunks.txt").write_text("Made of articles.")

    clock = Clock({20.0: made})
    watched = Watch(corpus, corpus / "data", clock.wait).settled_changes()
    next(watched)
    with pytest.raises(TimeoutError):
        next(watched)


def test_a_failed_ingest_is_tried_again_without_a_change(corpus: Path) -> None:
    clock = Clock({})
    watch = Watch(corpus, wait=clock.wait, has_failed=True)
    watched = watch.settled_changes()
    next(watched)
    next(watched)
    assert clock.now == AGAIN + SETTLED
    watch.has_failed = False
    with pytest.raises(TimeoutError):
        next(watched)


@pytest.mark.parametrize(("error", "again"), [(StorageError("The disk is full."), True), (CorpusError("The folder is empty."), False)])
def test_only_what_is_not_of_the_articles_is_tried_again(error: Exception, again: bool, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def once(watch: Watch) -> Iterator[None]:
        yield
        assert watch.has_failed == again

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("ingest.watch.Watch.settled_changes", once)
    monkeypatch.setattr("ingest.pipeline.ingest", fails)
    assert str(error) in run("ingest", "--watch")[2]


def test_watching_tells_a_log_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []
    monkeypatch.setattr("ingest.watch.Watch.settled_changes", lambda _: iter([None]))
    monkeypatch.setattr("ui.keeper_commands.say", flushed.append)
    monkeypatch.setattr("ui.keeper_commands.sys.stdout", _Flushed(flushed))
    run("ingest", "--watch")
    assert flushed[0] == "flushed"


class _Flushed(io.StringIO):
    """Tells when it is flushed."""

    def __init__(self, told: list[str]) -> None:
        super().__init__()
        self._told = told

    def flush(self) -> None:
        self._told.append("flushed")


def test_watching_ingests_says_what_goes_wrong_and_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def three_times(watch: Watch) -> Iterator[None]:
        folder = watch.folder
        yield
        texts = {path: path.read_text() for path in folder.iterdir()}
        for path in texts:
            path.unlink()
        yield
        for path, text in texts.items():
            path.write_text(text)
        yield

    monkeypatch.setattr("ingest.watch.Watch.settled_changes", three_times)
    status, out, err = run("ingest", "--watch")
    assert status == 0
    assert [line.split(" ")[0] for line in out.splitlines()] == ["Ingested", "Nothing"]
    assert "holds no article" in err
    assert err.count("Watching for changes") == 3
