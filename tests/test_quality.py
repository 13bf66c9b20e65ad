"""The benchmark of quality on public sets: its halves, its table and its sets, on tiny folders of the same layouts."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from conftest import FakeEmbedder

from ingest.types import Chunk, Span
from tests.benchmarks.quality import __main__ as bench
from tests.benchmarks.quality.chunking import Stretch, _first, _overlap
from tests.benchmarks.quality.data import is_wanted, part_of, part_of_title
from tests.benchmarks.quality.peers import Peers
from tests.benchmarks.quality.rivals import Rivals, by_owner
from tests.benchmarks.quality.session import Session
from tests.benchmarks.quality.table import PROJECT, Line, Reached, as_text, lines
from tests.benchmarks.quality.vectors import RememberingEmbedder

ROOT = Path(__file__).parents[1]
ARTICLES = {
    "Ovens": "A stone oven needs two hours to get hot. Bakers open it before dawn.",
    "Flour": "Rye flour keeps bread moist for four days. Wheat flour rises higher.",
    "Cakes": "A pastry chef decorates cakes in the afternoon. Sugar paste hides every crack.",
    "Yeast": "Yeast wakes up in warm water. Cold dough rises overnight.",
}


def write_lines(path: Path, rows: Sequence[object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_scifact(folder: Path) -> None:
    write_lines(folder / "corpus.jsonl", [{"_id": name, "title": name, "text": text} for name, text in ARTICLES.items()])
    write_lines(folder / "claims_dev.jsonl", [{"_id": str(number), "text": text} for number, text in enumerate(ARTICLES.values())])
    rows = "".join(f"{number}\t{name}\t1\n" for number, name in enumerate(ARTICLES))
    (folder / "qrels_dev.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}", encoding="utf-8")


def write_chunking(folder: Path) -> None:
    (folder / "corpora").mkdir(parents=True)
    text = "\r\n\r\n".join(ARTICLES.values())
    (folder / "corpora/bread.md").write_bytes(text.encode())
    spans = [(text.index(one), text.index(one) + len(one)) for one in ARTICLES.values()]
    write_lines(
        folder / "questions.jsonl",
        [
            {"question": text[start:end], "corpus_id": "bread", "references": [{"content": "", "start_index": start, "end_index": end}]}
            for start, end in spans
        ],
    )


def write_squad2(folder: Path) -> None:
    folder.mkdir(parents=True)
    asked = [
        {
            "question": "How many days does rye flour keep bread moist?",
            "is_impossible": False,
            "answers": [{"text": "four", "answer_start": 32}],
        },
        {"question": "Who invented rye flour in Paris?", "is_impossible": True, "answers": []},
    ]
    articles = [
        {"title": name, "paragraphs": [{"context": text, "qas": asked if name == "Flour" else []}]} for name, text in ARTICLES.items()
    ]
    (folder / "half.json").write_text(json.dumps({"data": articles}), encoding="utf-8")


def write_clapnq(folder: Path) -> None:
    for file, answer in (("answerable", ["Bakers open it before dawn ."]), ("unanswerable", [])):
        row = {
            "id": file,
            "input": "when do bakers open the oven",
            "passages": [{"title": "Ovens", "text": "", "sentences": ["A stone oven needs two hours .", "Bakers open it before dawn ."]}],
            "output": [{"answer": "", "selected_sentences": answer}],
        }
        write_lines(folder / f"{file}.jsonl", [row])


def write_wice(folder: Path) -> None:
    rows = [
        {"label": label, "claim": claim, "evidence": list(ARTICLES.values()), "meta": {"id": label}}
        for label, claim in (("supported", "Rye flour keeps bread moist."), ("not_supported", "Paris hosts the fair."))
    ]
    write_lines(folder / "oracle_chunks_claim_test.jsonl", [*rows, *rows])


def write_follow_ups(folder: Path) -> None:
    folder.mkdir(parents=True)
    turns = [
        {"raw_utterance": "What does rye flour do?", "manual_rewritten_utterance": "What does rye flour do?"},
        {"raw_utterance": "And for how long?", "manual_rewritten_utterance": "How long does rye flour keep bread moist?"},
        {"raw_utterance": "Thanks."},
    ]
    (folder / "2099.json").write_text(json.dumps([{"number": 1, "turn": turns}]), encoding="utf-8")
    (folder / "bare.json").write_text(json.dumps([{"number": 2, "turn": [{"raw_utterance": "What is yeast?"}]}]), encoding="utf-8")


WRITERS: dict[str, Callable[[Path], None]] = {
    "scifact": write_scifact,
    "chunking": write_chunking,
    "squad2": write_squad2,
    "clapnq": write_clapnq,
    "wice": write_wice,
    "follow_ups": write_follow_ups,
}


def test_the_parts_are_disjoint_and_stay_the_same() -> None:
    names = [str(number) for number in range(200)]
    tune = {name for name in names if is_wanted(part_of(name), "tune")}
    report = {name for name in names if is_wanted(part_of(name), "report")}
    assert not tune & report
    assert tune | report == set(names)
    assert all(is_wanted(part_of(name), "all") for name in names)
    assert 70 < len(tune) < 130
    assert [part_of(name) for name in ("0", "1", "2", "3")] == ["tune", "report", "tune", "report"]
    titles = ["Warsaw", "Normans", "Huguenot", "Imperialism"]
    assert [part_of_title(title, titles) for title in sorted(titles)] == ["tune", "report", "tune", "report"]


def reached(system: str, values: Sequence[float], truth: Sequence[bool] | None = None) -> Reached:
    return Reached("set", "measure", system, tuple(values), tuple(truth) if truth else None)


def test_equal_is_level_better_is_ahead_and_worse_is_behind() -> None:
    good = [float(number % 4 > 0) for number in range(200)]
    bad = [float(number % 4 > 1) for number in range(200)]
    found = list(lines([reached("rival", bad), reached(PROJECT, good), reached("twin", good)]))
    assert [(line.system, line.project_is) for line in found] == [(PROJECT, None), ("rival", "ahead"), ("twin", "level")]
    assert list(lines([reached(PROJECT, bad), reached("rival", good)]))[1].project_is == "behind"
    assert found == list(lines([reached("rival", bad), reached(PROJECT, good), reached("twin", good)]))
    for line in found:
        assert line.low < line.figure < line.high
    assert "ahead" in as_text(found)


def test_an_area_under_the_curve_is_that_of_all_pairs() -> None:
    values, truth = [0.1, 0.4, 0.4, 0.8, 0.2], [False, True, False, True, False]
    pairs = [
        (a > b) + 0.5 * (a == b)
        for a, yes in zip(values, truth, strict=True)
        for b, no in zip(values, truth, strict=True)
        if yes and not no
    ]
    assert reached(PROJECT, values, truth).figure == pytest.approx(sum(pairs) / len(pairs))


def test_a_difference_is_paired() -> None:
    """Far apart from question to question, and always the same step ahead of its rival."""
    values = [(number * 37 % 100) / 100 for number in range(100)]
    project, rival = lines([reached(PROJECT, [value + 0.01 for value in values]), reached("rival", values)])
    assert rival.project_is == "ahead"
    assert project.low < rival.high


@pytest.mark.parametrize("name", WRITERS)
def test_every_set_is_measured_from_its_files(name: str, tmp_path: Path, embedder: FakeEmbedder) -> None:
    WRITERS[name](tmp_path / name)
    found = bench.measured(tmp_path, [name], Session(embedder, embedder, "all"))
    assert found
    assert all(line.set == name and 0 <= line.figure <= 1 and line.count for line in found)
    by_measure: dict[str, list[Line]] = {}
    for line in found:
        by_measure.setdefault(line.measure, []).append(line)
    for measure, systems in by_measure.items():
        assert len(systems) > 1, measure
        assert len({line.count for line in systems}) == 1


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"follow_ups"}))
def test_rivals_are_given_the_published_model(name: str, tmp_path: Path, embedder: FakeEmbedder) -> None:
    WRITERS[name](tmp_path / name)
    plain = FakeEmbedder()
    bench.measured(tmp_path, [name], Session(embedder, plain, "all"))
    assert plain.asked
    assert embedder.asked


def test_the_first_passage_of_its_own_words_is_found(tmp_path: Path, embedder: FakeEmbedder) -> None:
    write_scifact(tmp_path / "scifact")
    project, *_ = bench.measured(tmp_path, ["scifact"], Session(embedder, embedder, "all"))
    assert (project.system, project.figure) == (PROJECT, 1.0)


def test_a_set_that_is_absent_is_skipped_with_a_line(tmp_path: Path, embedder: FakeEmbedder, capsys: pytest.CaptureFixture[str]) -> None:
    write_scifact(tmp_path / "scifact")
    (tmp_path / "scifact/qrels_dev.tsv").unlink()
    assert not bench.measured(tmp_path, list(WRITERS), Session(embedder, embedder, "all"))
    told = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in told] == list(WRITERS)
    assert all("skipped" in line for line in told)
    assert "scifact/qrels_*.tsv" in told[0]


def test_no_folder_is_one_sentence_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--data", str(tmp_path / "nowhere")]):
        assert bench.main(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(SystemExit, match="2"):
        bench.main(["--data", str(tmp_path), "--sets", "scifact,nothing"])


def test_the_table_is_written_as_json_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: FakeEmbedder) -> None:
    write_follow_ups(tmp_path / "follow_ups")
    monkeypatch.setattr(bench, "open_embedder", lambda _: embedder)
    assert (
        bench.main(["--data", str(tmp_path), "--cache", str(tmp_path / "cache"), "--json", str(tmp_path / "x.json"), "--part", "all"]) == 0
    )
    told = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert told["part"] == "all"
    assert {line["set"] for line in told["lines"]} == {"follow_ups"}
    assert {line["project_is"] for line in told["lines"]} <= {None, "ahead", "behind", "level"}


def test_what_was_embedded_is_not_embedded_again(tmp_path: Path, embedder: FakeEmbedder) -> None:
    texts = ["rye flour", "wheat flour", "rye flour"]
    first, second = (RememberingEmbedder(embedder, tmp_path) for _ in range(2))
    vectors, encoded = first.vectors(texts), first.encode(texts)
    asked = len(embedder.asked)
    assert (second.vectors(texts) == vectors).all()
    for old, new in zip(encoded, second.encode(texts), strict=True):
        assert (old.tokens == new.tokens).all()
        assert (old.weights == new.weights).all()
        assert (old.vector == new.vector).all()
        assert old.pieces == new.pieces
    assert len(embedder.asked) == asked
    other = RememberingEmbedder(FakeEmbedder("fake/2"), tmp_path)
    other.vectors(texts)
    assert other._embedder.asked  # type: ignore[attr-defined]


def test_retrieved_characters_are_counted_up_to_the_budget() -> None:
    def chunk(start: int, end: int) -> Chunk:
        return Chunk("a", "", (), start, end, "x" * (end - start), (), Span(start, end))

    kept = _first([chunk(0, 3000), chunk(2000, 5000)])
    assert [(one.span.start, one.span.end) for one in kept] == [(0, 3000), (2000, 3000)]
    recall, union, precision = _overlap([Stretch("a", Span(0, 10))], [Stretch("a", Span(5, 25))])
    assert (recall, union, precision) == (0.25, 0.2, 0.5)
    assert _overlap([Stretch("b", Span(0, 10))], [Stretch("a", Span(5, 25))])[0] == 0


def test_rivals_rank_a_text_first_for_its_own_words(embedder: FakeEmbedder) -> None:
    rivals = Rivals(list(ARTICLES.values()), embedder)
    for number, text in enumerate(ARTICLES.values()):
        assert all(ranking[0] == number for ranking in rivals.rankings(text).values())
    assert rivals.rankings("zzz")["BM25"] == []
    assert by_owner([2, 0, 1], ["a", "b", "a"]) == ["a", "b"]


def test_a_peer_that_cannot_run_is_left_out_with_its_reason(
    tmp_path: Path, embedder: FakeEmbedder, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scifact(tmp_path / "scifact")
    for python, reason in ((tmp_path / "venv/bin/python", "there is no environment"), (_failing(tmp_path), "no module of that name")):
        session = Session(embedder, embedder, "all", Peers(python, tmp_path, tmp_path / "kept"))
        found = bench.measured(tmp_path, ["scifact"], session)
        assert found
        assert not any(line.system.startswith("peer") for line in found)
        assert capsys.readouterr().err.count(reason) == 5


def _failing(folder: Path) -> Path:
    script = folder / "python"
    script.write_text("#!/bin/sh\necho no module of that name >&2\nexit 1\n", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def test_a_peer_is_asked_by_lines_and_answers_by_numbers(tmp_path: Path) -> None:
    """The one that needs no other environment than the tests'."""
    order = [{"model": "", "k": 2, "vectors": None}, *({"text": text} for text in ARTICLES.values()), {"question": "rye flour"}]
    write_lines(tmp_path / "order", order)
    adapter = ROOT / "tests/benchmarks/quality/adapters/bm25s_alone.py"
    subprocess.run([sys.executable, adapter, tmp_path / "order", tmp_path / "result"], check=True, env={**os.environ, "PYTHONPATH": ""})
    assert json.loads((tmp_path / "result").read_text(encoding="utf-8"))[0] == 1
