"""The line from a file to a cited answer: what always holds, whatever is asked."""

from __future__ import annotations

import json
import random
from contextlib import closing
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest
from conftest import FakeEmbedder

from chatbot import fitted
from chatbot.abstention import FAR_AHEAD, RolelessSigns, Signs
from chatbot.advisor import Advisor
from chatbot.cite import MARK
from chatbot.errors import ArticleUnknownError, QuestionError
from chatbot.evaluation.questions import read_questions
from chatbot.evidence import NEAR
from chatbot.settings import ChatSettings
from chatbot.types import Answer
from ingest.embed import SentenceTransformerEmbedder
from ingest.errors import IndexMismatchError
from ingest.pipeline import ingest
from ingest.settings import IngestSettings

ROOT = Path(__file__).parents[1]


def assert_proved(advisor: Advisor, answer: Answer) -> None:
    """Every mark has its citation and every citation its mark and its exact place; what abstains cites nothing."""
    assert {int(number) for number in MARK.findall(answer.text)} == {citation.number for citation in answer.citations}
    for citation in answer.citations:
        text = advisor.article(citation.article_id).article.text
        assert text[citation.start : citation.end] == citation.quote
        assert any(p.chunk.article_id == citation.article_id and p.chunk.start <= citation.start < p.chunk.end for p in answer.passages)
    assert (answer.status == "abstained") == (not answer.citations)
    assert answer.text
    json.dumps(answer.as_dict("x"))


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake embedder's likenesses mean nothing to the fitted verdict: everything is answered."""
    monkeypatch.setattr(fitted, "threshold", lambda: 0.0)


found = Advisor._found

QUESTIONS = [
    "What does a bread baker do before dawn?",
    "Which tools does a bread baker own?",
    "What is the difference between a bread baker and a cake artist?",
    "How long does rye flour keep bread moist?",
    "who decorates cakes and what is the pay?",
    "[1] **what** <b>is</b> $5 [2]?",
    "🍞?",
]


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_is_proved(question: str, advisor: Advisor) -> None:
    reply = advisor.answer(question, ["What does a pastry chef do?"])
    streamed = "".join(reply)
    assert streamed == reply.answer.text
    assert_proved(advisor, reply.answer)


@pytest.mark.usefixtures("answering")
def test_a_list_question_gets_the_whole_list(advisor: Advisor) -> None:
    text = advisor.answer("List the tools that a bread baker owns").answer.text
    for item in ("a stone oven", "a proofing basket", "a bench scraper", "A bread baker owns these tools:"):
        assert item in text


@pytest.mark.usefixtures("answering")
def test_a_comparison_answers_for_both_roles(advisor: Advisor) -> None:
    text = advisor.answer("Compare the pay of bread bakers and pastry chefs").answer.text
    assert "21 coins [" in text
    assert "34 coins [" in text
    assert "| Aspect | Bread baker | Pastry chef |" in text


def test_a_follow_up_is_one_question_with_what_it_leans_on(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question before it is no part of its own, which would take half of the answer's words."""
    searched: list[str] = []
    monkeypatch.setattr(Advisor, "_found", lambda self, opened, *part: searched.append(part[0]) or found(self, opened, *part))  # type: ignore[func-returns-value]
    advisor.answer("and what for?", ["Which tools does a bread baker own?"])
    assert searched[0] == "Which tools does a bread baker own? and what for?"


@pytest.mark.usefixtures("answering")
def test_a_second_question_is_told_apart_though_its_first_word_is_misspelt(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    monkeypatch.setattr(Advisor, "_found", lambda self, opened, *part: searched.append(part[0]) or found(self, opened, *part))  # type: ignore[func-returns-value]
    advisor.answer("who decorates cakes and wich tools does a bread baker own?")
    assert searched == ["who decorates cakes", "which tools does a bread baker own?"]


def test_the_signs_of_abstention_see_a_named_role_a_lead_and_the_worst_match(advisor: Advisor) -> None:
    leads = []
    for question in ("Which laptop does a bread baker need?", "What is paid?", "Who kneads dough before dawn?", "Bread baker?"):
        _, units, whole = advisor.signs(question)
        assert isinstance(whole, Signs)
        scores = np.sort(units.table() @ np.array(list(fitted.evidence_weights().values())))[::-1]
        leads.append(scores[0] - scores[min(9, len(scores) - 1)])
        assert whole.lead == pytest.approx(min(leads[-1], FAR_AHEAD), abs=1e-5)
        assert whole.names_role == ("baker" in question)
    assert min(leads) < FAR_AHEAD < max(leads)
    assert whole.worst_in_passage == NEAR  # nothing in the last weighs anything
    assert asdict(whole).keys() | {"bias"} == fitted.abstention_weights().keys()


def test_where_nothing_speaks_of_a_role_abstention_sees_how_much_of_the_question_the_passage_has(
    advisor: Advisor, tmp_path: Path, embedder: FakeEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(advisor.signs("Who won at sea?")[2], Signs)  # for the articles speak of roles
    (tmp_path / "kesh").mkdir()
    for number, text in enumerate(
        ("The fleet of Kesh was burnt in the harbour in 1712.", "An admiral fled over the hills.", "Kesh traded salt.")
    ):
        (tmp_path / f"kesh/{number}.md").write_text(f"---\ntitle: Kesh {number}\n---\n{text}\n", encoding="utf-8")
    settings = IngestSettings(corpus=tmp_path / "kesh", data=tmp_path / "kept")
    ingest(settings, embedder)
    asked = ("who burnt the fleet of kesh in the harbour", "fleet pottery", "pottery")
    with closing(Advisor(settings.data, ChatSettings(), embedder)) as of_kesh:
        seen = [of_kesh.signs(question)[2] for question in asked]
        cosines = [[passage.dense for passage in of_kesh.search(question)] for question in asked]
        monkeypatch.setattr(fitted, "abstention_weights", dict)  # are not looked at
        monkeypatch.setattr(fitted, "roleless_weights", lambda: {"bias": -0.5, **dict.fromkeys(names, 0.0), "words": 1.0})
        monkeypatch.setattr(fitted, "threshold", lambda: 0.5)
        names = [field.name for field in fields(RolelessSigns)]
        assert [of_kesh.answer(question).answer.status for question in asked] == ["answered", "abstained", "abstained"]
    for one, dense in zip(seen, cosines, strict=True):
        assert isinstance(one, RolelessSigns)
        assert one.passage == pytest.approx(max(dense))
        assert max(dense) > min(dense) + 0.01
    words = [asdict(one)["words"] for one in seen]
    assert words[0] > 0.5 > words[2] == 0


def test_what_speaks_for_an_answer_without_a_role_has_weights() -> None:
    assert {field.name for field in fields(RolelessSigns)} | {"bias"} == fitted.roleless_weights().keys()


def test_a_greeting_gets_an_invitation(advisor: Advisor) -> None:
    answer = advisor.answer("hello!").answer
    assert (answer.status, answer.passages) == ("abstained", ())
    assert "Bread baker" in answer.text


def test_an_abstention_names_what_is_missing_and_no_word_that_names_nothing(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted, "threshold", lambda: 2.0)
    text = advisor.answer("How much good does a little bread baker in San Marino do with saffron?").answer.text
    assert text.endswith("They say nothing about “San Marino”, “saffron”.")


@pytest.mark.parametrize("question", ["", "  \n ", "x" * 10_000_000])
def test_an_empty_or_endless_question_is_refused(question: str, advisor: Advisor) -> None:
    with pytest.raises(QuestionError):
        advisor.answer(question)


def test_an_unknown_article_is_an_error(advisor: Advisor) -> None:
    with pytest.raises(ArticleUnknownError, match="nowhere"):
        advisor.article("nowhere")


def test_an_index_of_another_model_is_not_searched(settings: IngestSettings) -> None:
    ingest(settings, FakeEmbedder("fake/1"))
    with pytest.raises(IndexMismatchError, match="career-advisor ingest"):
        Advisor(settings.data, ChatSettings(), FakeEmbedder("fake/2")).answer("What does a baker do?")


def test_the_retriever_is_langchains(advisor: Advisor) -> None:
    documents = advisor.retriever().invoke("Which tools does a bread baker own?")
    texts = {stored.article.id: stored.article.text for stored in advisor.articles()}
    assert documents
    for document in documents:
        assert document.id
        assert texts[document.metadata["article_id"]][document.metadata["start"] : document.metadata["end"]] == document.page_content
    scores = [document.metadata["score"] for document in documents]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.model
def test_the_projects_own_questions_are_answered_with_proof(real_advisor: Advisor) -> None:
    rows = random.Random(5).sample(read_questions(ROOT / "corpus/questions.jsonl"), 40)
    for row in rows:
        assert_proved(real_advisor, real_advisor.answer(row.question, row.history).answer)


@pytest.mark.model
def test_every_cited_passage_is_shown_however_few_are_to_be(real_data: Path, real_embedder: SentenceTransformerEmbedder) -> None:
    with closing(Advisor(real_data, ChatSettings(passages=1), real_embedder)) as advisor:
        answers = [
            advisor.answer(one).answer for one in ("How do the two roles differ?", "What is RAG?", "Which tools does each role use?")
        ]
        for answer in answers:
            assert_proved(advisor, answer)
    assert max(len(answer.passages) for answer in answers) > 1
    assert min(len(answer.passages) for answer in answers) == 1


@pytest.mark.model
@pytest.mark.parametrize("told", ["We sell bread in Oslo.", "Dentist here. I run a small clinic with two chairs."])
def test_what_askers_tell_of_themselves_does_not_count_against_an_answer(told: str, real_advisor: Advisor) -> None:
    assert real_advisor.answer(f"{told} Which role should I hire first?").answer.status == "answered"
    assert real_advisor.answer(f"{told} How do I repair a violin?").answer.status == "abstained"


@pytest.mark.model
@pytest.mark.parametrize(
    "question", ["I live in Brazil. What does an AI engineer earn?", "Falconry. How much do people earn?", "We sell bread. Why?"]
)
def test_what_is_asked_about_counts_wherever_it_stands(question: str, real_advisor: Advisor) -> None:
    assert real_advisor.answer(question).answer.status == "abstained"


@pytest.mark.model
def test_the_same_question_gets_the_same_answer(real_advisor: Advisor) -> None:
    first, second = (real_advisor.answer("Which tools does each role use?").answer for _ in range(2))
    assert (first.text, first.citations, first.passages) == (second.text, second.citations, second.passages)


@pytest.mark.model
def test_starters_and_suggestions_can_be_answered(real_advisor: Advisor) -> None:
    abstained = real_advisor.answer("What does an LLM engineer in São Paulo earn per month in reais?").answer
    assert abstained.status == "abstained"
    assert real_advisor.starters()
    for question in (*real_advisor.starters(), *abstained.suggestions):
        assert real_advisor.answer(question).answer.status == "answered"


ODD_ARTICLES = {
    "code in a list": "# B\n\n- First install it:\n\n  ```\n  pip install oven driver\n  ```\n\n- Then bake the bread for one hour.\n",
    "marks in headings": "# B\n\n## Skills [2] of a baker [7]\n\n- bakes bread\n- weighs bread\n",
    "rows with one cell": "# B\n\n| Bake the bread | |\n|---|---|\n| Knead the bread | |\n",
    "a bar in a cell": "# B\n\n| Bread | Heat |\n|---|---|\n| Oven \\| stove for bread | 900 |\n",
    "a fence that never ends": "# B\n\nBake bread.\n\n~~~\noven start bread. Then go.\n",
    "quoted over two lines": "# B\n\n> The bread rises at four\n> in the morning.\n",
    "a table in a list": "# B\n\n- Bake bread:\n\n  | A | B |\n  |---|---|\n  | bread | 2 |\n",
    "marks in the text": "# B\n\nBread [1] is baked [12] and | sold | [3].\n",
    "one long line": "# B\n\n" + "bread and more " * 3000 + "\n",
}


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize("name", ODD_ARTICLES)
def test_answers_from_odd_articles_are_proved(name: str, tmp_path: Path, embedder: FakeEmbedder) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/x.md").write_text(ODD_ARTICLES[name])
    settings = IngestSettings(corpus=tmp_path / "odd", data=tmp_path / "data")
    ingest(settings, embedder)
    advisor = Advisor(settings.data, ChatSettings(), embedder)
    for question in ("How is bread baked?", "List everything about bread", "how is bread baked? how is bread baked?"):
        answer = advisor.answer(question).answer
        assert_proved(advisor, answer)
        assert "> in the" not in answer.text
    advisor.close()


@pytest.mark.usefixtures("answering")
def test_lists_under_two_headings_stay_apart(tmp_path: Path, embedder: FakeEmbedder) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/x.md").write_text("# B\n\n## Good habits\n\n- weighs the flour\n\n## Bad habits\n\n- guesses the flour\n")
    settings = IngestSettings(corpus=tmp_path / "odd", data=tmp_path / "data")
    ingest(settings, embedder)
    advisor = Advisor(settings.data, ChatSettings(), embedder)
    text = advisor.answer("flour").answer.text
    assert text.index("Bad habits:") < text.index("guesses the flour")
    assert text.index("Good habits:") < text.index("weighs the flour")
    advisor.close()


@pytest.mark.usefixtures("answering")
def test_a_year_column_is_kept(tmp_path: Path, embedder: FakeEmbedder) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/x.md").write_text("# B\n\n| Year | Pay | Hours |\n|---|---|---|\n| 2021 | 5 | 7 |\n| 2024 | 6 | 8 |\n")
    settings = IngestSettings(corpus=tmp_path / "odd", data=tmp_path / "data")
    ingest(settings, embedder)
    advisor = Advisor(settings.data, ChatSettings(), embedder)
    assert "| 2024 | 6 [" in advisor.answer("What is the pay of the year 2024?").answer.text
    advisor.close()


def test_a_lone_surrogate_is_no_error(advisor: Advisor) -> None:
    assert advisor.answer("\ud800 what does a baker do?").answer.text
