"""Comparisons as tables, and articles that do not agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import FakeEmbedder

from chatbot import comparison, fitted
from chatbot.advisor import Advisor
from chatbot.cite import MARK, Citations
from chatbot.disagreement import figures
from chatbot.evidence import Evidence
from chatbot.extractive import Picked, compose
from chatbot.outsider import is_compared, outsider
from chatbot.settings import ChatSettings
from chatbot.types import Passage
from ingest.pipeline import ingest
from ingest.roles import RoleNames
from ingest.settings import IngestSettings
from ingest.types import Role

BAKER, CHEF = "Bread baker", "Pastry chef"


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake embedder's likenesses mean nothing to the fitted verdict: everything is answered."""
    monkeypatch.setattr(fitted, "threshold", lambda: 0.0)


def picked(advisor: Advisor, *texts: str) -> list[Picked]:
    return [
        Picked(chunk, number)
        for text in texts
        for chunk in advisor.chunks()
        for number, unit in enumerate(chunk.units)
        if text in chunk.quote(unit)
    ]


def evidence_of(one: Picked, score: float) -> Evidence:
    return Evidence(Passage(one.chunk, 1, 1, 1, 0), one.unit, one.number, score, np.zeros(1, np.float32), 1)


def table_of(advisor: Advisor, *texts: str) -> list[list[str]]:
    names = RoleNames([Role(BAKER), Role(CHEF)])
    text = comparison.compose([("", picked(advisor, *texts))], (BAKER, CHEF), names.roles_in, Citations({}))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def test_sentences_on_each_role_stand_side_by_side(advisor: Advisor) -> None:
    header, _, row = table_of(advisor, "kneads dough", "decorates cakes")
    assert header == ["Aspect", BAKER, CHEF]
    assert row == ["Work", "A bread baker kneads dough before dawn. [1]", "A pastry chef decorates cakes in the afternoon. [2]"]


@pytest.mark.usefixtures("answering")
def test_each_aspect_listed_has_its_rows_in_one_table_and_nothing_is_said_twice(advisor: Advisor) -> None:
    question = "Compare the two roles on pay and mood"
    answer = advisor.answer(question).answer
    rows = [line.split("|")[1].strip() for line in answer.text.splitlines() if line.startswith("|")]
    assert rows == ["Aspect", "---", "Pay", "Mood"]
    assert len(answer.citations) == len({(citation.article_id, citation.start) for citation in answer.citations})
    assert (answer.standalone_question, answer.unanswered) == (question, ())


@pytest.mark.usefixtures("answering")
def test_an_aspect_that_the_articles_say_nothing_on_is_said_to_be_unanswered(advisor: Advisor) -> None:
    answer = advisor.answer("Compare the two roles on pay and eyesight").answer
    assert answer.status == "answered"
    assert "21 coins" in answer.text
    assert answer.unanswered == ("Compare the two roles on eyesight",)
    assert answer.notices[0] == "The articles do not answer this part: Compare the two roles on eyesight"


@pytest.mark.usefixtures("answering")
def test_a_comparison_on_nothing_that_the_articles_speak_of_is_not_answered(advisor: Advisor) -> None:
    answer = advisor.answer("Compare the two roles on eyesight and parking").answer
    assert answer.status == "abstained"
    assert answer.text == "The articles do not answer this. They say nothing about “eyesight”, “parking”."


@pytest.mark.usefixtures("answering")
def test_what_the_history_calls_them_is_compared_on_each_aspect(advisor: Advisor) -> None:
    answer = advisor.answer("And how do they differ in pay and mood?", ["What do a bread baker and a pastry chef do?"]).answer
    assert {"| Pay |", "| Mood |"} <= {line[: line.index("|", 1) + 1] for line in answer.text.splitlines() if line.startswith("|")}


def test_what_is_said_of_each_role_under_several_headings_stands_under_the_aspect_asked_for(advisor: Advisor) -> None:
    names = RoleNames([Role(BAKER), Role(CHEF)])
    asked = [("hours", picked(advisor, "a stone oven", "decorates cakes")), ("pay", picked(advisor, "21 coins"))]
    text = comparison.compose(asked, (BAKER, CHEF), names.roles_in, Citations({}))
    assert [line.split("|")[1].strip() for line in text.splitlines()] == ["Aspect", "---", "Hours", "Pay"]
    assert MARK.findall(text) == ["1", "2", "3", "3"]


def test_a_role_that_lacks_an_aspect_is_not_said_to_lack_all_that_stands_under_the_heading(advisor: Advisor) -> None:
    names = RoleNames([Role(BAKER), Role(CHEF)])
    text = comparison.compose([("hours", picked(advisor, "kneads dough"))], (BAKER, CHEF), names.roles_in, Citations({}))
    assert text.splitlines()[-1] == f"| Hours | A bread baker kneads dough before dawn. [1] | {comparison.NOT_SAID} |"


def test_no_cell_says_that_nothing_is_said_about_a_role_that_a_row_speaks_of(advisor: Advisor) -> None:
    rows = table_of(advisor, "kneads dough", "21 coins")
    assert [row[0] for row in rows] == ["Aspect", "---", "Pay"]
    assert comparison.NOT_SAID not in rows[-1]


def test_marks_are_numbered_in_the_order_of_reading(advisor: Advisor) -> None:
    names = RoleNames([Role(BAKER), Role(CHEF)])
    units = picked(advisor, "Rye flour", "kneads dough", "decorates cakes")
    text = comparison.compose([("", units)], (BAKER, CHEF), names.roles_in, Citations({}))
    assert MARK.findall(text) == ["1", "2", "3"]
    assert text.index("Rye flour") < text.index("| Aspect")


def test_a_lists_opening_is_numbered_before_its_items(advisor: Advisor) -> None:
    text = compose(picked(advisor, "a stone oven", "a bench scraper"), Citations({}))
    assert MARK.findall(text) == ["1", "2", "3"]


def test_a_row_on_both_roles_stands_alone(advisor: Advisor) -> None:
    row, *sides = picked(advisor, "21 coins", "kneads dough", "decorates cakes")
    ranked = [evidence_of(row, 1.0), *(evidence_of(side, 0.75) for side in sides)]
    assert comparison.choose(ranked, (BAKER, CHEF)) == [row]


def test_a_side_that_nothing_is_said_about_says_so(advisor: Advisor) -> None:
    *_, row = table_of(advisor, "kneads dough")
    assert row[2] == comparison.NOT_SAID


@pytest.mark.parametrize(
    ("below", "wanted"),
    [
        ((0.25, 0.28), ["Both roles rise early.", "A bread baker kneads", "A pastry chef decorates"]),
        ((0.25, 0.35), ["Both roles rise early."]),  # no cell may say that the articles say nothing, where they only say it elsewhere
    ],
)
def test_what_is_said_of_the_roles_together_stands_beside_what_is_said_of_each(
    below: tuple[float, float],
    wanted: list[str],
    settings: IngestSettings,
    embedder: FakeEmbedder,
    write_article: Callable[[str, str], Path],
) -> None:
    write_article("both.md", f"---\ntitle: Both\nroles:\n  {BAKER}: []\n  {CHEF}: []\n---\n# Both\n\nBoth roles rise early.\n")
    ingest(settings, embedder)
    advisor = Advisor(settings.data, ChatSettings(), embedder)
    units = picked(advisor, "Both roles rise early", "kneads dough", "decorates cakes")
    advisor.close()
    ranked = [evidence_of(one, 1 - far) for one, far in zip(units, (0.0, *below), strict=True)]
    chosen = [one.chunk.quote(one.unit) for one in comparison.choose(ranked, (BAKER, CHEF))]
    assert [quote[: len(start)] for quote, start in zip(chosen, wanted, strict=True)] == wanted


def test_rows_of_tables_and_sentences_share_one_table(advisor: Advisor) -> None:
    header, _, pay, said = table_of(advisor, "21 coins", "kneads dough", "decorates cakes")
    assert header == ["Aspect", BAKER, CHEF]
    assert pay == ["Pay", "21 coins [1]", "34 coins [1]"]
    assert "kneads" in said[1]
    assert "decorates" in said[2]


@pytest.mark.parametrize(("question", "share"), [("What pay do the two get?", 1), ("Who earns more?", 1), ("Who rises first?", 0)])
def test_a_rows_label_that_is_asked_for_or_has_a_like_that_is_speaks_for_the_row(advisor: Advisor, question: str, share: float) -> None:
    quotes, signs, _ = advisor.signs(question)
    shares = {quote: float(label) for quote, label in zip(quotes, signs.label, strict=True)}
    assert {label for quote, label in shares.items() if "21 coins" in quote} == {share}
    assert not any(label for quote, label in shares.items() if not quote.startswith("|"))


@pytest.mark.usefixtures("answering")
def test_a_third_role_works_by_its_front_matter(
    settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    write_article(
        "grill.md",
        "---\ntitle: Grills\nroles:\n  Grill cook: []\n---\n# Grills\n\n## Work\n\nA grill cook turns steaks over hot coals every night.\n",
    )
    ingest(settings, embedder)
    advisor = Advisor(settings.data, ChatSettings(), embedder)
    text = advisor.answer("Compare the work of a bread baker and a grill cook").answer.text
    advisor.close()
    assert "| Aspect | Bread baker | Grill cook |" in text
    assert "hot coals" in text


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize(("pay", "disagree"), [("30 coins", True), ("21 coins", False)])
def test_articles_that_disagree_are_both_quoted_with_their_dates(
    pay: str, disagree: bool, settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    for name, published, sum_ in (("older", "published: 2019-05-01\n", pay), ("newer", "published: 2025-02-03\n", "21 coins")):
        write_article(
            f"{name}.md",
            f"---\ntitle: The {name} study\n{published}roles:\n  Lamp lighter: []\n---\n# Study\n\nA lamp lighter earns {sum_} a week.\n",
        )
    ingest(settings, embedder)
    advisor = Advisor(settings.data, ChatSettings(), embedder)
    answer = advisor.answer("How many coins does a lamp lighter earn a week?").answer
    advisor.close()
    notices = " ".join(answer.notices)
    assert ("do not agree" in notices) == disagree
    if disagree:
        assert {citation.article_id for citation in answer.citations} >= {"older", "newer"}
        assert "“The older study” (2019-05-01)" in notices
        assert "“The newer study” (2025-02-03)" in notices
    else:
        assert "are of 20" in notices  # figures without a year of their own carry their article's


def test_figures_are_told_apart_by_sort() -> None:
    found = figures("In 2024 it was $1,500 or 20 % more after 3 years with 12 people")
    assert found == {"money": {"1500"}, "share": {"20"}, "time": {"3"}, "count": {"12"}}


@pytest.mark.parametrize(
    ("question", "who"),
    [
        ("What is the difference between a bread baker and a food chemist?", "food chemist"),
        ("what's the difference between a food chemist and a cake artist", "food chemist"),
        ("Bread baker vs butler?", "butler"),
        ("How does a pastry chef differ from a hotel manager, in short?", "hotel manager"),
        ("Do loaf makers earn more than web developers?", "web developers"),
        ("Compare bread bakers with plumbers", "plumbers"),
        ("What is the difference between a bread baker and a pastry chef?", None),
        ("What is the difference between the pay and the career of a bread baker?", None),
        ("Do bread bakers get up earlier than the other ones?", None),
        ("Does a bread baker need more than 20 minutes?", None),
        ("How do butlers differ from gardeners?", None),
        ("Should I be a bread baker or an art teacher?", "art teacher"),
        ("How does a bread baker compare to an art teacher?", "art teacher"),
        ("What sets cake artists apart from oil painters?", "oil painters"),
        ("Do oil painters earn more than cake artists?", "oil painters"),
        ("Are bread bakers in more demand than ever?", None),
        ("Does it pay better than bread baker?", None),
        ("Who earns better than a bread baker?", None),
        ("How do the tools of a bread baker differ from project to project?", None),
        ("What is the difference between a senior bread baker and a beginner?", None),
        ("Do pastry chefs earn more than the other chefs?", None),
        ("Do I need a degree or a mentor to be a bread baker?", None),
    ],
)
def test_who_is_no_role_of_the_articles_is_told_from_the_roles(question: str, who: str | None) -> None:
    assert outsider(question, RoleNames((Role("Bread baker", ("loaf maker",)), Role("Pastry chef", ("cake artist",))))) == who


def test_a_quote_compares_only_whom_it_names() -> None:
    assert is_compared("art teachers", ["Unlike an art teacher, a baker sleeps by day."])
    assert not is_compared("art teacher", ["Unlike a teacher of cooks, a baker of art sleeps by day."])
    assert not is_compared("art teacher", ["An art teacher bakes."])


@pytest.mark.usefixtures("answering")
def test_a_role_is_not_compared_with_who_is_not_in_the_articles(advisor: Advisor) -> None:
    answer = advisor.answer("What is the difference between a bread baker and a hotel manager?").answer
    assert (answer.status, answer.citations) == ("abstained", ())
    assert answer.text == "The articles do not answer this. They compare no role with “hotel manager”."


@pytest.mark.usefixtures("answering")
def test_an_article_that_compares_a_role_with_somebody_else_is_quoted(
    settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    said = "A bread baker is up at night, while a hotel manager sleeps."
    write_article("hotel.md", f"---\ntitle: Hotels\n---\n# Hotels\n\n{said}\n")
    ingest(settings, embedder)
    advisor = Advisor(settings.data, ChatSettings(), embedder)
    answer = advisor.answer("What is the difference between a bread baker and a hotel manager?").answer
    advisor.close()
    assert answer.status == "answered"
    assert said in answer.text


def test_who_is_compared_is_seen_where_nothing_answers_too(
    settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_article("hotel.md", "---\ntitle: Hotels\n---\n# Hotels\n\nA bread baker is up at night, while a hotel manager sleeps.\n")
    ingest(settings, embedder)
    monkeypatch.setattr(fitted, "threshold", lambda: 2.0)
    advisor = Advisor(settings.data, ChatSettings(), embedder)
    asked = "What is the difference between a bread baker and a {}?"
    compared, strange = (advisor.answer(asked.format(who)).answer for who in ("hotel manager", "train driver"))
    advisor.close()
    assert (compared.status, strange.status) == ("abstained", "abstained")
    assert "They compare no role" not in compared.text
    assert "They compare no role with “train driver”" in strange.text
