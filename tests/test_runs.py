"""A run is kept, gone on with and compared; what is worse is called worse, and what is harmless noise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from chatbot.advisor import Advisor
from chatbot.evaluation.comparison import Comparison, compare
from chatbot.evaluation.evaluate import Evaluation
from chatbot.evaluation.questions import Question, read_questions, to_ask
from chatbot.evaluation.report import REPORT
from chatbot.evaluation.runs import PROGRESS, RUN, TIMES, Run, RunError, read_run
from chatbot.settings import ChatSettings
from chatbot.types import Reply
from ingest.embed import Encoded, SentenceTransformerEmbedder, Vectors
from ingest.errors import CareerAdvisorError
from ingest.pipeline import ingest
from ingest.settings import IngestSettings
from tests.conftest import FakeEmbedder, RememberingEmbedder

ROOT = Path(__file__).parents[1]
ROWS = (
    Question(id="rye", question="How long does rye keep bread moist?", kind="fact", answerable=True, evidence=("Rye flour keeps bread moist for four days.",), facts=(("four days",),)),
    Question(id="cakes", question="Who decorates cakes?", kind="fact", answerable=True, evidence=("A pastry chef decorates cakes in the afternoon.",), facts=(("pastry chef",),)),
    Question(id="moon", question="Who owns the moon?", kind="off_topic", answerable=False),
    Question(id="html", question="What about <b onclick=x>rye</b>?", kind="fact", answerable=False),
)  # fmt: skip


class Flaky:
    """An advisor whose call fails for some questions."""

    def __init__(self, advisor: Advisor, question: str, error: BaseException) -> None:
        self._advisor, self._question, self._error = advisor, question, error
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._advisor, name)

    def answer(self, question: str, history: Sequence[str] = ()) -> Reply:
        self.asked.append(question)
        if question == self._question:
            raise self._error
        return self._advisor.answer(question, history)


def files_of(folder: Path) -> dict[str, bytes]:
    """But for the times: those of the report are in its second line of text."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != TIMES}
    files["report.html"] = b"".join(line for line in files["report.html"].splitlines(keepends=True) if b"ms a question" not in line)
    return files


def test_the_same_run_twice_is_the_same_to_the_byte(advisor: Advisor, tmp_path: Path) -> None:
    evaluation = Evaluation(advisor, {"k": 1})
    first = evaluation.run(ROWS, tmp_path / "a")
    evaluation.run(ROWS, tmp_path / "b")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert set(files_of(tmp_path / "a")) == {"run.json", "scores.jsonl", "answers.jsonl", "report.html"}
    assert read_run(tmp_path / "a").marks == first.marks
    assert compare(read_run(tmp_path / "a"), read_run(tmp_path / "b")).verdict == "same"


def test_an_interrupted_run_goes_on_where_it_stopped(advisor: Advisor, tmp_path: Path) -> None:
    Evaluation(advisor, {}).run(ROWS, tmp_path / "whole")
    stopped = Flaky(advisor, ROWS[2].question, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        Evaluation(stopped, {}).run(ROWS, tmp_path / "parts")  # type: ignore[arg-type]
    with pytest.raises(RunError, match="not finished"):
        read_run(tmp_path / "parts")
    with (tmp_path / "parts" / PROGRESS).open("a") as lines:
        lines.write('{"id": "moon", "ro')  # torn, as by a power cut
    going_on = Flaky(advisor, "", CareerAdvisorError())
    Evaluation(going_on, {}).run(ROWS, tmp_path / "parts")  # type: ignore[arg-type]
    assert not {ROWS[0].question, ROWS[1].question} & set(going_on.asked)
    assert files_of(tmp_path / "whole") == files_of(tmp_path / "parts")


def test_a_run_is_neither_mixed_nor_overwritten(advisor: Advisor, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        Evaluation(Flaky(advisor, ROWS[1].question, KeyboardInterrupt()), {}).run(ROWS, tmp_path / "a")  # type: ignore[arg-type]
    with pytest.raises(RunError, match="other settings"):
        Evaluation(advisor, {"k": 2}).run(ROWS, tmp_path / "a")
    before = (tmp_path / "a" / PROGRESS).read_bytes()
    assert before.count(b"\n") == 2
    Evaluation(advisor, {}).run(ROWS, tmp_path / "a")
    with pytest.raises(RunError, match="finished run"):
        Evaluation(advisor, {}).run(ROWS, tmp_path / "a")


def test_a_failed_call_is_counted_apart_and_made_again(advisor: Advisor, tmp_path: Path) -> None:
    run = Evaluation(Flaky(advisor, ROWS[0].question, CareerAdvisorError("The model is away.")), {}).run(ROWS, tmp_path / "a")  # type: ignore[arg-type]
    whole = Evaluation(advisor, {}).run(ROWS, tmp_path / "b")
    assert run.failed == 1
    assert set(run.marks) == set(whole.marks) - {"rye"}
    assert compare(whole, run).left_out == ("rye",)
    assert "The model is away." in (tmp_path / "a/report.html").read_text()


def test_an_index_that_changes_under_a_run_ends_it(
    advisor: Advisor, settings: IngestSettings, embedder: FakeEmbedder, tmp_path: Path
) -> None:
    class Changing(Flaky):
        def answer(self, question: str, history: Sequence[str] = ()) -> Reply:
            if question == ROWS[1].question:
                (settings.articles / "new.txt").write_text("Oats are for horses.\n")
                ingest(settings, embedder)
            return super().answer(question, history)

    with pytest.raises(RunError, match="index changed"):
        Evaluation(Changing(advisor, "", CareerAdvisorError()), {}).run(ROWS, tmp_path / "a")  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", ["{", "[]", '{"format": 99}', ""])
def test_a_damaged_run_is_one_sentence(damage: str, advisor: Advisor, tmp_path: Path) -> None:
    Evaluation(advisor, {}).run(ROWS, tmp_path / "a")
    (tmp_path / "a" / RUN).write_text(damage)
    with pytest.raises(RunError, match="damaged"):
        read_run(tmp_path / "a")
    with pytest.raises(RunError, match="no run"):
        read_run(tmp_path / "nowhere")


def test_an_edited_question_is_not_compared(advisor: Advisor, tmp_path: Path) -> None:
    before = Evaluation(advisor, {}).run(ROWS, tmp_path / "a")
    edited = (replace_question(ROWS[0]), *ROWS[1:])
    assert compare(before, Evaluation(advisor, {}).run(edited, tmp_path / "b")).left_out == ("rye",)


def replace_question(row: Question) -> Question:
    return row.model_copy(update={"facts": (("five days",),)})


def test_the_report_holds_every_answer_and_runs_nothing_of_it(advisor: Advisor, tmp_path: Path) -> None:
    Evaluation(advisor, {}).run(ROWS, tmp_path / "a")
    page = (tmp_path / "a" / REPORT).read_text(encoding="utf-8")
    assert "<b onclick" not in page
    assert "&lt;b onclick=x&gt;" in page
    assert page.count('<details class="question"') == len(ROWS)
    assert "http" not in page.replace("http-equiv", "")


# --- what is worse, on the project's own set


class Shuffled(RememberingEmbedder):
    """Gives every chunk the vector of another, and every sentence what another reads as."""

    def vectors(self, texts: Sequence[str]) -> Vectors:
        found = super().vectors(texts)
        return np.roll(found, 7, axis=0) if len(texts) > 1 else found

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        found = super().encode(texts)
        return [*found[7:], *found[:7]]


ALL = to_ask(read_questions(ROOT / "corpus/questions.jsonl"))
SOME, FEW = ALL[::4], ALL[::8]  # `make soak` swaps the personas over all


@pytest.fixture(scope="module")
def default_run(real_advisor: Advisor, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Every fourth question of the set, asked by nobody in particular."""
    evaluation = Evaluation(real_advisor, ChatSettings().model_dump(), personas=False)
    return evaluation.run(SOME, tmp_path_factory.mktemp("default") / "run")


@pytest.fixture
def against_default(
    default_run: Run, real_embedder: SentenceTransformerEmbedder, real_data: Path, tmp_path: Path
) -> Callable[..., Comparison]:
    """The default run compared with one of other settings, or another embedder, over some rows."""

    def compared(
        chat: ChatSettings, rows: Sequence[Question], embedder: SentenceTransformerEmbedder = real_embedder, pieces: int = 128
    ) -> Comparison:
        settings = IngestSettings(corpus=ROOT / "corpus/articles", data=tmp_path / "data", chunk_pieces=pieces)
        if embedder is real_embedder:
            shutil.copytree(real_data, settings.data)  # its vectors are taken over
        ingest(settings, embedder)
        advisor = Advisor(settings.data, chat, embedder)
        run = Evaluation(advisor, chat.model_dump(), personas=False).run(rows, tmp_path / "run")
        advisor.close()
        return compare(default_run, run)

    return compared


def worse(comparison: Comparison) -> set[str]:
    return {difference.name for difference in comparison.differences if difference.verdict == "worse"}


@pytest.mark.model
def test_one_passage_is_called_worse(against_default: Callable[..., Comparison]) -> None:
    comparison = against_default(ChatSettings(candidates=1), FEW)
    assert {"facts held", "right citation", "recall@10", "nDCG@10"} <= worse(comparison)
    assert comparison.is_worse


@pytest.mark.model
def test_shuffled_vectors_are_called_worse(
    against_default: Callable[..., Comparison], exports: Path, real_embedder: RememberingEmbedder
) -> None:
    assert "nDCG@10" in worse(against_default(ChatSettings(), FEW, Shuffled(exports, real_embedder.known)))


@pytest.mark.model
def test_no_dense_part_is_called_worse(against_default: Callable[..., Comparison]) -> None:
    assert "nDCG@10" in worse(against_default(ChatSettings(dense_weight=0), [row for row in SOME if row.answerable]))


@pytest.mark.model
def test_no_lexical_part_is_called_worse(real_data: Path, real_embedder: SentenceTransformerEmbedder, tmp_path: Path) -> None:
    """Over the whole set, against its baseline: it costs nDCG@10 .020 (.003 to .037), more than a quarter of the questions can tell."""
    chat = ChatSettings(dense_weight=1)
    advisor = Advisor(real_data, chat, real_embedder)
    run = Evaluation(advisor, chat.model_dump(), personas=False).run([row for row in ALL if row.answerable], tmp_path / "run")
    advisor.close()
    assert compare(read_run(ROOT / "tests/baseline"), run).is_worse


@pytest.mark.model
def test_a_harmless_change_is_called_noise(against_default: Callable[..., Comparison]) -> None:
    comparison = against_default(ChatSettings(dense_weight=0.58, passages=9), FEW, pieces=124)
    assert not worse(comparison), str(comparison)
    assert comparison.verdict in {"noise", "same"}


@pytest.mark.model
def test_the_default_mode_is_not_worse_than_the_baseline(default_run: Run) -> None:
    """`make baseline` renews it, in a commit whose message shows the comparison that it prints."""
    comparison = compare(read_run(ROOT / "tests/baseline"), default_run)
    assert not comparison.is_worse, str(comparison)
    left_out = set(comparison.left_out) - {row.id for row in ALL if row not in SOME}
    assert len(left_out) < len(SOME) / 4, "the question set has moved away from the baseline; renew it with `make baseline`"


@pytest.mark.model
@pytest.mark.parametrize("rows", [ALL[1::16], pytest.param(ALL, marks=pytest.mark.soak)], ids=["some", "all"])
def test_who_asks_changes_neither_facts_nor_sources(rows: Sequence[Question], real_advisor: Advisor, tmp_path: Path) -> None:
    run = Evaluation(real_advisor, ChatSettings().model_dump()).run(rows, tmp_path / "run")
    assert {outcomes["persona swap"] for outcomes in run.marks.values()} == {(1.0, 1.0)}
    assert not compare(read_run(ROOT / "tests/baseline"), run).is_worse


def test_the_baseline_is_as_it_was_written() -> None:
    kept = json.loads((ROOT / "tests/baseline" / RUN).read_text())
    assert kept == json.loads(json.dumps(read_run(ROOT / "tests/baseline").as_dict()))
