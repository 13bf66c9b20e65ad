"""The command line as it is typed: JSON, exit statuses, and one sentence for whatever is wrong."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Run

from chatbot import fitted


def test_ingest_says_what_it_did_and_then_that_nothing_changed(run: Run) -> None:
    status, out, err = run("ingest")
    assert (status, err) == (0, "")
    assert out.startswith("Ingested 2 articles, ")
    assert run("ingest")[1].startswith("Nothing changed: 2 articles, ")


def test_ingest_names_what_it_left_out(run: Run, corpus: Path) -> None:
    (corpus / "bad.md").write_bytes(b"caf\xe9")
    (corpus / "worse\x1b[31m.md").write_text("Rye is a grass.")
    status, out, err = run("ingest", "--json")
    assert status == 3
    assert sorted(one["reason"] for one in json.loads(out)["left_out"])[0].startswith("it is not UTF-8")
    assert "Left out bad.md: it is not UTF-8" in err
    assert "Left out worse" in err
    assert "its name holds control characters" in err
    assert "\x1b" not in err


def test_ask_prints_json(run: Run) -> None:
    run("ingest")
    status, out, _ = run("ask", "--json", "And the pay?", "--after", "What does a pastry chef do?")
    answer = json.loads(out)
    assert status == 0
    assert list(answer) == (
        [
            "id",
            "question",
            "standalone_question",
            "status",
            "mode",
            "answer",
            "generation",
            "citations",
            "passages",
            "suggestions",
            "notices",
            "tokens",
            "timings_ms",
        ]
    )
    assert list(answer["citations"][0]) == ["number", "article_id", "title", "url", "heading", "quote", "start", "end", "verified"]
    assert list(answer["passages"][0]) == ["article_id", "heading", "start", "end", "score"]
    assert answer["standalone_question"] == "Pastry chef: And the pay?"


def test_ask_prints_text_with_its_sources(run: Run) -> None:
    run("ingest")
    out = run("ask", "Which tools does a bread baker own?")[1]
    assert "[1]" in out
    assert "Sources" in out


def test_a_batch_answers_each_line_and_names_the_bad_ones(run: Run, tmp_path: Path) -> None:
    run("ingest")
    rows = [
        {"id": 1, "question": "What does a baker do?"},
        {"id": 2, "question": " "},
        {"id": 3, "question": "x" * 10_000_000},
        {"id": 4, "question": "And the chef?", "history": ["What does a baker do?"]},
    ]
    lines = [json.dumps(row) for row in rows] + ["not json", '"text"', '{"question": 5}', ""]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    status, out, err = run("ask", "--batch", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl"))
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert status == 1
    assert out == ""
    assert [answer["id"] for answer in answers] == [1, 4]
    assert [line.split(" was")[0] for line in err.splitlines()] == [f"Line {number} of in.jsonl" for number in (2, 3, 5, 6, 7)]


def test_articles_and_article(run: Run) -> None:
    run("ingest")
    listed = json.loads(run("articles", "--json")[1])
    assert [article["id"] for article in listed] == ["bakers", "flour"]
    assert list(listed[0]) == ["id", "title", "author", "url", "published", "based_on", "passages", "ingested_at"]
    article = json.loads(run("article", "flour", "--json")[1])
    assert article["text"] == "# All About Flour\n\nRye flour keeps bread moist for four days. Wheat flour rises higher.\n"
    assert run("article", "flour")[1] == article["text"]
    assert "bakers" in run("articles")[1]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["ask", "What?"], 1, "There is no index"),
        (["ask"], 2, "Give one question"),
        (["ask", "What?", "--batch", "x"], 2, "Give one question"),
        (["ask", "What?", "--out", "x"], 2, "--out goes with --batch"),
        (["ask", "--batch", "nowhere.jsonl"], 1, "cannot be opened"),
        (["ask", "--batch", "README.md", "--out", "README.md"], 2, "the file of questions itself"),
        (["ask", "--batch", "x", "--json"], 2, "--batch takes"),
        (["articles"], 1, "There is no index"),
        (["ingest", "--nonsense"], 2, "unrecognized arguments"),
        (["chat", "--port", "99999"], 2, "is not a port"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_a_status(arguments: list[str], status: int, sentence: str, run: Run) -> None:
    found, out, err = run(*arguments)
    assert (found, out) == (status, "")
    assert sentence in err


@pytest.mark.parametrize(("question", "sentence"), [("  ", "The question is empty"), ("x" * 3000, "longer than 2,000 characters")])
def test_a_question_that_cannot_be_asked(question: str, sentence: str, run: Run) -> None:
    run("ingest")
    status, out, err = run("ask", question)
    assert (status, out) == (1, "")
    assert sentence in err


def test_an_empty_folder_and_a_missing_one(run: Run, corpus: Path) -> None:
    for path in corpus.iterdir():
        path.unlink()
    assert run("ingest")[0] == 1
    corpus.rmdir()
    status, _, err = run("ingest")
    assert status == 1
    assert "There is no folder of articles" in err


def test_a_damaged_index_says_what_to_run(run: Run, tmp_path: Path) -> None:
    run("ingest")
    (generation,) = (tmp_path / "data/generations").iterdir()
    (generation / "manifest.json").write_text("{")
    status, _, err = run("ask", "What does a baker do?")
    assert status == 1
    assert "career-advisor ingest --force" in err
    assert run("ingest", "--force")[0] == 0
    assert run("ask", "What does a baker do?")[0] == 0


def test_a_bad_setting_is_named_without_its_value(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREER_CHUNK_PIECES", "sk-secret")
    status, _, err = run("ingest")
    assert status == 1
    assert "CAREER_CHUNK_PIECES" in err
    assert "sk-secret" not in err


@pytest.mark.parametrize("name", ["/nowhere/model", pytest.param("no-model", marks=pytest.mark.soak)])
def test_a_missing_model_is_one_sentence(name: str, corpus: Path, tmp_path: Path) -> None:
    """A name may be the hub's, which takes torch's ten seconds to find out."""
    command = [sys.executable, "-m", "ui.cli", "ingest", "--corpus", str(corpus), "--data", str(tmp_path / "data")]
    environment = {"CAREER_EMBEDDING_MODEL": name, "HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The embedding model")
    assert done.stderr.count("\n") == 1


def test_a_busy_port_names_the_option(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status, _, err = run("chat", "--port", str(taken.getsockname()[1]))
    assert status == 1
    assert "--port" in err


def test_help_imports_no_model() -> None:
    code = "import sys; from ui import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass\nprint(sorted(m for m in sys.modules if m in ('torch','chromadb','streamlit','pydantic','numpy')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["ingest", "ask", "chat", "articles", "article"])
def test_every_command_has_help_with_an_example(command: str, run: Run) -> None:
    status, out, _ = run(command, "--help")
    assert status == 0
    assert f"example: career-advisor {command}" in out


# --- evaluation

ROWS = [
    {"id": "rye", "question": "How long does rye keep?", "kind": "fact", "answerable": True, "evidence": ["Rye flour keeps bread moist for four days."], "facts": [["four days"]]},
    {"id": "moon", "question": "Who owns the moon?", "kind": "off_topic", "answerable": False},
]  # fmt: skip


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def test_a_set_is_evaluated_and_two_runs_are_compared(run: Run, questions: Path, tmp_path: Path) -> None:
    run("ingest")
    status, out, _ = run("evaluate", "--questions", str(questions), "--out", str(tmp_path / "data/runs/a"), "--json")
    told = json.loads(out)
    assert (status, told["questions"], told["failed"]) == (0, 2, 0)
    assert {"facts held", "nDCG@10", "persona swap"} <= {measure["name"] for measure in told["measures"]}
    assert run("evaluate", "--questions", str(questions))[0] == 0  # into a folder of its own
    (other,) = (path.name for path in (tmp_path / "data/runs").iterdir() if path.name != "a")
    status, out, _ = run("compare", "a", other, "--json")
    assert (status, json.loads(out)["verdict"]) == (0, "same")
    assert run("compare", str(tmp_path / "data/runs/a"), "nowhere")[0] == 1


def test_what_got_worse_is_bad_news(run: Run, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**ROWS[0], "id": str(number)} for number in range(12)]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run("ingest")
    assert run("evaluate", "--questions", str(questions), "--out", str(tmp_path / "a"))[0] == 0
    monkeypatch.setattr(fitted, "threshold", lambda: 2.0)  # abstains whatever is asked
    assert run("evaluate", "--questions", str(questions), "--out", str(tmp_path / "b"))[0] == 0
    status, out, _ = run("compare", str(tmp_path / "a"), str(tmp_path / "b"))
    assert status == 3
    assert out.rstrip().endswith("verdict: worse")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--questions", "nowhere.jsonl"], "cannot be read"),
        (["--judge"], "OPENAI_API_KEY"),
        (["--split", "tune"], "no rows to ask"),
    ],
)
def test_an_evaluation_that_cannot_begin_says_why(arguments: list[str], said: str, run: Run, questions: Path) -> None:
    run("ingest")
    status, out, err = run("evaluate", "--questions", str(questions), *arguments)
    assert (status, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1


def test_the_question_set_is_linted_and_added_to(run: Run, questions: Path, corpus: Path) -> None:
    run("ingest")
    assert run("questions", "lint", "--questions", str(questions))[:2] == (0, "2 rows, none to mend.\n")
    (corpus / "flour.txt").write_text("All About Flour\n\nRye flour keeps a bread moist for five days. Wheat flour rises higher.\n")
    run("ingest")
    status, out, _ = run("questions", "lint", "--questions", str(questions), "--json")
    assert status == 3
    assert [(flaw["id"], flaw["proposal"]) for flaw in json.loads(out)] == [("rye", "Rye flour keeps a bread moist for five days.")]
    status, out, _ = run("questions", "add", "Who bakes?", "--questions", str(questions), "--comment", "names nobody")
    assert status == 0
    assert "d-who-bakes" in out
    assert json.loads(questions.read_text().splitlines()[-1])["draft"]["comment"] == "names nobody"
    assert "1 draft not asked" in run("evaluate", "--questions", str(questions))[1]
