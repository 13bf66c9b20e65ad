"""What the keeper starts from the page: programs of their own that tell how far they are, and what is shown of a run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from conftest import ROW, FakeEmbedder
from streamlit.testing.v1 import AppTest
from test_page import text, toned

from chatbot import wiring
from chatbot.advisor import Advisor
from chatbot.evaluation.comparison import compare
from chatbot.evaluation.evaluate import Evaluation
from chatbot.evaluation.questions import Question
from chatbot.evaluation.runs import ANSWERS, read_run
from ingest.pipeline import roll_back
from ingest.settings import IngestSettings
from ui import background, jobs, keeping, render_runs
from ui import cli as command_line

ROWS = (
    Question(
        id="right", question="Which tools does a bread baker own?", kind="fact", answerable=True, facts=(("stone oven",),), split="tune"
    ),
    Question(
        id="wrong",
        question="What does a <img src=x> pastry chef decorate?",
        kind="fact",
        answerable=True,
        facts=(("spaceships",),),
        split="tune",
    ),
)


@pytest.fixture
def small(corpus: Path, embedder: FakeEmbedder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small corpus with the fake embedder, for what reads its settings itself."""
    monkeypatch.setenv("CAREER_CORPUS", str(corpus))
    monkeypatch.setattr(wiring, "open_embedder", lambda _, **__: embedder)
    monkeypatch.setattr(background.os, "nice", lambda _: 0)
    (corpus.parent / "questions.jsonl").write_text("".join(row.model_dump_json(exclude_none=True) + "\n" for row in ROWS), encoding="utf-8")
    return corpus


def words(tree: Any) -> str:
    """The runs of a tree, a line each."""
    if isinstance(tree, dict) and "text" in tree:
        return str(tree["text"])
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return "\n".join(filter(None, map(words, parts)))


# --- the program


def test_an_ingest_tells_its_progress_and_its_report(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert background.main(["ingest"]) == 0
    *progress, end = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert progress[-1]["done"] == progress[-1]["total"] > 0
    assert end["result"]["articles"] == 2
    assert "2 added: bakers, flour" in words(keeping._report(end["result"]))
    assert background.main(["ingest"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert words(keeping._report(again["result"])).startswith("Nothing changed: 2 articles")
    for path in small.iterdir():
        path.unlink()
    assert background.main(["ingest"]) == 1
    assert json.loads(capsys.readouterr().out)["problem"].endswith(".")


def test_a_preview_tells_what_an_ingest_would_change(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def previewed() -> str:
        assert background.main(["preview"]) == 0
        return words(keeping._preview(json.loads(capsys.readouterr().out.splitlines()[-1])["result"]))

    first = previewed()
    assert first.startswith("Everything would be built anew: there is no index yet.")
    assert "added bakers: " in first
    assert background.main(["ingest"]) == 0
    capsys.readouterr()
    assert previewed() == "Nothing would change."
    (small / "flour.txt").write_text("All About Flour\n\nRye flour keeps bread moist for five days.\n", encoding="utf-8")
    (small / "bad.md").write_bytes(b"caf\xe9")
    (small.parent / "questions.jsonl").write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    told = previewed()
    assert "changed flour: 1 new passage, 1 gone" in told
    assert "+ Rye flour keeps bread moist for five days." in told
    assert "- Wheat flour rises higher." in told
    assert "question rye would lose its evidence" in told
    assert "1 passage would be embedded." in told
    assert "Would leave out bad.md: it is not UTF-8" in told
    assert command_line.main(["ingest", "--dry-run"]) == 0
    assert all(line.strip() in told for line in capsys.readouterr().out.splitlines())  # the page shows the same


def test_a_preview_passes_on_what_is_wrong(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in small.iterdir():
        path.unlink()
    assert background.main(["preview"]) == 1
    assert "holds no article" in json.loads(capsys.readouterr().out)["problem"]


def test_the_page_says_that_a_rollback_holds(small: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert background.main(["ingest"]) == 0
    (small / "new.md").write_text("A new sentence about yeast.", encoding="utf-8")
    assert background.main(["ingest"]) == 0
    roll_back(IngestSettings(corpus=small, data=tmp_path / "data"), FakeEmbedder().fingerprint)
    capsys.readouterr()
    for kind, show in (("preview", keeping._preview), ("ingest", keeping._report)):
        assert background.main([kind]) == 0
        told = words(show(json.loads(capsys.readouterr().out.splitlines()[-1])["result"]))
        assert "a rollback from" in told
        assert "until the articles change or you run: career-advisor ingest --force" in told


def test_an_evaluation_asks_one_half_and_names_its_run(small: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert background.main(["ingest"]) == 0
    capsys.readouterr()
    assert background.main(["evaluate", "tune"]) == 0
    *progress, end = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["done"] for line in progress] == [1, 2]
    assert len(read_run(jobs.runs_folder(tmp_path / "data") / end["result"]["run"]).scores) == 2
    assert small.exists()


# --- as the page sees it


def job(*program: str) -> jobs.Job:
    process = subprocess.Popen([sys.executable, "-c", ";".join(program)], stdout=subprocess.PIPE, text=True)
    return jobs.Job(process)


def test_lines_of_somebody_else_are_passed_over() -> None:
    told = job("print('a warning')", "print('[1]')", 'print(\'{"done": 3, "total": 4}\')', 'print(\'{"result": {"run": "x"}}\')')
    told.read()
    assert (told.done, told.total, told.result, told.problem) == (3, 4, {"run": "x"}, "")
    assert told.finished.is_set()


def test_a_program_that_dies_is_one_sentence() -> None:
    told = job("import os", "os.abort()")
    told.read()
    assert told.problem == jobs.ENDED


def test_one_of_a_kind_runs_at_a_time_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    popen = subprocess.Popen

    def sleeper(command: list[str], **options: Any) -> Any:
        started.append(command)
        return popen([sys.executable, "-c", "import time; time.sleep(60)"], **options)

    monkeypatch.setattr(jobs.subprocess, "Popen", sleeper)
    both = jobs.Jobs()
    both.start("evaluate", "tune")
    both.start("evaluate", "tune")
    assert len(started) == 1
    running = both.of("evaluate")
    assert running
    running.stop()
    assert running.finished.wait(10)
    assert running.is_stopped
    assert not running.problem


# --- what is shown of runs


@pytest.fixture
def runs(advisor: Advisor, tmp_path: Path) -> list[Path]:
    folders = [jobs.runs_folder(tmp_path / "data") / name for name in ("20260101-first", "20260102-second")]
    for folder in folders:
        Evaluation(advisor, {}).run(ROWS, folder)
    return folders


def test_a_run_is_bars_and_its_failures(runs: list[Path]) -> None:
    run = read_run(runs[0])
    bars, _, *numbers = render_runs.bars(run.measures())
    assert all(0 <= row["low"] <= row["high"] <= 1 for row in bars["rows"])
    assert "facts held" in [row["name"] for row in bars["rows"]]
    assert numbers[0]["rows"][0][0] == "words an answer"
    found = render_runs.failures(json.loads(line) for line in (runs[0] / ANSWERS).read_text(encoding="utf-8").splitlines())
    assert [block["place"].split(" · ")[-1] for block in found][:1] == ["wrong"]
    facts, table = render_runs.comparison(compare(run, read_run(runs[1])))
    assert dict(facts["rows"])["Verdict"] == "same"
    assert [cell[0]["text"] for cell in table["header"]] == ["Measure", "Before", "After", "Change", "Verdict"]


def _evaluation_app() -> None:
    from ui import evaluation_page  # noqa: PLC0415

    evaluation_page.show()


def test_the_page_shows_a_run_and_two_side_by_side(runs: list[Path]) -> None:
    app = AppTest.from_function(_evaluation_app, default_timeout=20).run()
    assert app.selectbox(key="run").value == runs[1].name
    assert "facts held" in text(toned(app, "details"))
    assert ROWS[1].question in text(toned(app, "near"))
    app.selectbox(key="beside").select(runs[0].name).run()
    assert f"From {runs[0].name} to {runs[1].name}" in text(toned(app, "heading"))
    (runs[1] / ANSWERS).write_text("torn {", encoding="utf-8")
    assert "cannot be read" in text(toned(app.run(), "problem"))


def test_without_a_run_the_page_says_so_and_starts_one(monkeypatch: pytest.MonkeyPatch) -> None:
    st.cache_resource.clear()
    started: list[tuple[str, ...]] = []
    monkeypatch.setattr(jobs.Jobs, "start", lambda _, *asked: started.append(asked))
    app = AppTest.from_function(_evaluation_app, default_timeout=20).run()
    assert "no finished run" in text(toned(app, "caption"))
    app.selectbox(key="half").select("all").run()
    app.button(key="evaluate").click().run()
    assert started == [("evaluate", "all")]


def _keeping_app() -> None:
    from ui import keeping  # noqa: PLC0415

    keeping.show()


def test_an_ingest_from_the_page_shows_its_progress_and_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    st.cache_resource.clear()
    report = {
        "generation": "g",
        "held": None,
        "changed": True,
        "articles": 2,
        "passages": 9,
        "added": ["a"],
        "edited": [],
        "removed": [],
        "left_out": [{"file": "b", "reason": "empty"}],
    }
    program = (
        f"import time; print('{{\"done\": 1, \"total\": 4}}', flush=True); time.sleep(2); print('''{json.dumps({'result': report})}''')"
    )
    popen = subprocess.Popen
    monkeypatch.setattr(jobs.subprocess, "Popen", lambda _, **options: popen([sys.executable, "-c", program], **options))
    app = AppTest.from_function(_keeping_app, default_timeout=20).run()
    app.button(key="ingest").click().run()
    assert app.button(key="ingest").disabled
    until(app, lambda app: "Embedding: 1 of 4" in text(toned(app, "caption")))
    until(app, lambda app: "Ingested 2 articles, 9 passages; generation g (1 added: a). Left out b: empty." in text(toned(app, "notice")))
    assert not app.button(key="ingest").disabled


def until(app: AppTest, holds: Callable[[AppTest], bool]) -> None:
    deadline = time.monotonic() + 15
    while not holds(app):
        assert time.monotonic() < deadline
        time.sleep(0.1)
        app.run()
