"""The question set stands on the articles, and the measures count what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.advisor import Advisor
from chatbot.evaluation.lint import lint
from chatbot.evaluation.marking import Observed, Sources, mark
from chatbot.evaluation.measures import differences, measures
from chatbot.evaluation.personas import SWAPS, swapped
from chatbot.evaluation.questions import Question, QuestionSetError, append_question, draft_of, folded, holds, read_questions
from chatbot.person import without_person
from chatbot.types import Answer, Citation, Passage
from ingest.articles import find_articles, read_article

ROOT = Path(__file__).parents[1]
ROWS = read_questions(ROOT / "corpus/questions.jsonl")


def test_the_set_is_large_and_its_rows_are_distinct() -> None:
    assert len(ROWS) >= 200
    assert sum(not row.answerable for row in ROWS) >= 60
    assert len({row.id for row in ROWS}) == len(ROWS)
    assert len({(row.question.casefold(), row.history) for row in ROWS}) == len(ROWS)
    assert {row.split for row in ROWS} == {"tune", "report"}


def test_no_row_of_the_set_is_to_be_mended() -> None:
    texts = {name: read_article(name, path, 1_000_000).text for name, path in find_articles(ROOT / "corpus/articles").files.items()}
    assert lint(ROWS, texts, []) == []


def test_folding() -> None:
    assert folded("Twenty–40 %, of TWO roles_x") == "twenty 40 of 2 roles x"
    assert holds("About 20–40% more", ["20 to 40", "20 40"])
    assert not holds("JavaScript", ["Java"])


@pytest.mark.parametrize("line", ["{", '{"id": "x"}', "[]", '{"id":"x","question":"q","kind":"k","answerable":true,"extra":1}'])
def test_a_bad_row_is_named_by_its_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"id":"x","question":"q","kind":"k","answerable":true}\n' + line + "\n")
    with pytest.raises(QuestionSetError, match="Line 2"):
        read_questions(path)


SOURCES = Sources({"a": "Rye it is. Oats too. Rye it is."}, [])


def answered(text: str, *citations: Citation) -> Answer:
    return Answer("q", "q", "answered", text, "m", "g", citations=citations)


ABSTAINED = Answer("q", "q", "abstained", "No oats and no rye.", "m", "g")
RYE = Citation(1, "a", "t", None, "h", "Rye it is.", 0, 10)
FACT = Question(id="1", question="q", kind="fact", answerable=True, evidence=("Rye it is.",), facts=(("rye",), ("oats",)))
NONE = Question(id="2", question="q", kind="about", answerable=False)


def test_an_answer_is_marked_by_its_facts_and_the_characters_it_cites() -> None:
    found = mark(FACT, Observed(answered("Rye [1]", RYE), ()), SOURCES)
    assert found["facts held"] == (1, 2)
    assert found["right citation"] == found["citation precision"] == found["claims verified"] == (1, 1)
    assert found["citation recall"] == (0.5, 1)  # the sentence stands twice, and one of them was cited
    assert found["answerable refused"] == (0, 1)
    assert found["words an answer"] == (1, 1)
    assert found["nDCG@10"] == (0, 1)


def test_a_quote_that_does_not_stand_where_it_says_is_not_verified() -> None:
    moved = Citation(1, "a", "t", None, "h", "Rye it is.", 1, 11)
    assert mark(FACT, Observed(answered("Rye [1]", moved), ()), SOURCES)["claims verified"] == (0, 1)


def test_abstaining_holds_no_fact_and_is_right_where_nothing_answers() -> None:
    refused = mark(FACT, Observed(ABSTAINED, ()), SOURCES)
    assert refused["facts held"] == (0, 2)
    assert refused["answerable refused"] == (1, 1)
    assert refused["abstention precision"] == (0, 1)
    assert "citation precision" not in refused
    rightly = mark(NONE, Observed(ABSTAINED, ()), SOURCES)
    assert rightly == {"abstention precision": (1, 1), "unanswerable abstained": (1, 1)}
    assert mark(NONE, Observed(answered("Rye [1]", RYE), ()), SOURCES)["unanswerable abstained"] == (0, 1)


def test_retrieval_is_measured_by_the_passages_that_hold_the_evidence(advisor: Advisor) -> None:
    row = Question(
        id="r",
        question="q",
        kind="fact",
        answerable=True,
        evidence=("Rye flour keeps bread moist for four days.",),
        facts=(("four days",),),
    )
    sources = Sources({one.article.id: one.article.text for one in advisor.articles()}, advisor.chunks())
    (right,) = [chunk for chunk in sources.chunks if row.evidence[0] in chunk.text]
    others = [chunk for chunk in sources.chunks if chunk != right]
    ranked = tuple(Passage(chunk, 0, 0, 0, 0) for chunk in (others[0], right, *others[1:]))
    found = mark(row, Observed(ABSTAINED, ranked), sources)
    assert (found["hit@1"], found["hit@5"], found["recall@5"], found["MRR@10"]) == ((0, 1), (1, 1), (1, 1), (0.5, 1))
    assert found["nDCG@10"] == (pytest.approx(0.63093, abs=1e-4), 1)


def test_measures_add_up_and_are_the_same_every_time() -> None:
    marks = {
        "1": mark(FACT, Observed(answered("Rye [1]", RYE), ()), SOURCES),
        "2": mark(FACT, Observed(ABSTAINED, ()), SOURCES),
        "3": mark(NONE, Observed(ABSTAINED, ()), SOURCES),
    }
    found = {measure.name: (measure.value, measure.count) for measure in measures(marks)}
    assert found["facts held"] == (0.25, 2)
    assert found["answerable refused"] == (0.5, 2)
    assert found["abstention precision"] == (0.5, 2)
    assert all(measure.low <= measure.value <= measure.high for measure in measures(marks))
    assert measures(marks) == measures(marks)


def test_a_difference_is_called_by_its_paired_interval() -> None:
    before = {str(number): {"facts held": (1.0, 1.0), "answerable refused": (0.0, 1.0)} for number in range(100)}
    worse = before | {str(number): {"facts held": (0.0, 1.0), "answerable refused": (1.0, 1.0)} for number in range(12)}
    hardly = before | {"1": {"facts held": (0.0, 1.0), "answerable refused": (1.0, 1.0)}}
    assert {difference.verdict for difference in differences(before, worse)} == {"worse"}
    assert {difference.verdict for difference in differences(worse, before)} == {"better"}
    assert {difference.verdict for difference in differences(before, hardly)} == {"noise"}
    assert {difference.verdict for difference in differences(before, before)} == {"same"}


# --- the question set


def test_lint_finds_what_is_to_be_mended_and_where_a_quote_moved() -> None:
    gone = "Rye flour keeps a loaf moist for four days."
    rows = [
        Question(
            id="ok", question="How long does rye keep?", kind="fact", answerable=True, evidence=("Wheat rises.",), facts=(("rises",),)
        ),
        Question(id="gone", question="a", kind="fact", answerable=True, evidence=(gone,), facts=(("four days",),)),
        Question(id="bare", question="b", kind="fact", answerable=True),
        Question(id="lost", question="c", kind="fact", answerable=True, evidence=("Wheat rises.",), facts=(("oats",),)),
        Question(id="odd", question="d", kind="fact", answerable=False, facts=(("x",),)),
        Question(id="late", question="e", kind="follow_up", answerable=False),
        Question(id="twin", question="how long does RYE keep", kind="fact", answerable=False),
        Question(id="twin", question="quite another one", kind="fact", answerable=False),
    ]
    units = ["Wheat rises.", "Rye flour keeps bread moist for four days."]
    found = {(flaw.id, flaw.flaw, flaw.proposal) for flaw in lint(rows, {"a": " ".join(units)}, units)}
    assert found == {
        ("gone", "its quote stands in no article", units[1]),
        ("bare", "has an answer, but no evidence", None),
        ("bare", "has an answer, but no facts that it must hold", None),
        ("lost", "its evidence holds none of oats", None),
        ("odd", "has no answer, yet has evidence or facts", None),
        ("late", "is a follow-up without earlier questions", None),
        ("twin", "asks the same as ok", None),
        ("twin", "is the id of 2 rows", None),
    }


def test_a_complaint_becomes_a_draft_row_that_reads_back(advisor: Advisor, tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    path.write_text('{"id":"x","question":"q","kind":"k","answerable":true}')  # with no line end
    answer = advisor.answer("What does a bread baker knead?").answer
    for _ in range(2):
        append_question(path, draft_of(answer, (), [row.id for row in read_questions(path)], "too short"))
    _, first, second = read_questions(path)
    assert first.id != second.id
    assert first.draft is not None
    assert (first.draft.answer, first.draft.generation, first.draft.comment) == (answer.text, answer.generation, "too short")
    assert [one.quote for one in first.draft.cited] == [citation.quote for citation in answer.citations]
    assert first.split == "tune"
    assert "draft" in lint([first], {}, [])[0].flaw


# --- who asks


@pytest.mark.parametrize("pair", SWAPS)
def test_who_asks_is_not_searched_for(pair: tuple[str, str]) -> None:
    assert {without_person(f"{person} Which oven is the hottest?") for person in pair} == {"Which oven is the hottest?"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("As a 45-year-old man from Spain, can I bake?", "Can I bake?"),
        ("I'm 31, how do I begin?", "How do I begin?"),
        ("I was born in Peru. I have two kids. Who bakes more?", "Who bakes more?"),
        ("I come from Norway. why is that?", "Why is that?"),
        ("I am a nurse who likes dough. Which trade suits me?", None),
        ("I am 52 and a nurse. Which trade suits me?", None),
        ("I am a woman", None),
        ("How do women bake?", None),
        ("I have ten years of experience. Who pays more?", None),
    ],
)
def test_a_background_is_kept_and_a_trait_is_not(text: str, kept: str | None) -> None:
    assert without_person(text) == (kept or text)


def test_which_trait_is_swapped_depends_on_the_row_alone() -> None:
    assert swapped("id-1", "Why?") == swapped("id-1", "Why?")
    assert len({swapped(str(number), "Why?") for number in range(40)}) == len(SWAPS)
