"""The question set stands on the articles, and the measures count what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.evaluation.measures import Marked, measures, median_words
from chatbot.evaluation.questions import Question, QuestionSetError, facts_held, folded, holds, read_questions
from chatbot.types import Answer, Citation
from ingest.articles import find_articles, read_article

ROOT = Path(__file__).parents[1]
ROWS = read_questions(ROOT / "corpus/questions.jsonl")


def test_the_set_is_large_and_its_rows_are_distinct() -> None:
    assert len(ROWS) >= 200
    assert sum(not row.answerable for row in ROWS) >= 60
    assert len({row.id for row in ROWS}) == len(ROWS)
    assert len({(row.question.casefold(), row.history) for row in ROWS}) == len(ROWS)
    assert {row.split for row in ROWS} == {"tune", "report"}


def test_every_quote_stands_in_an_article_and_holds_the_facts() -> None:
    texts = [read_article(name, path, 1_000_000).text for name, path in find_articles(ROOT / "corpus/articles").items()]
    for row in ROWS:
        assert bool(row.evidence) == bool(row.facts) == row.answerable, row.id
        assert all(any(quote in text for text in texts) for quote in row.evidence), row.id
        assert all(facts_held(" ".join(row.evidence), row.facts)), row.id


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


def test_measures_count_facts_citations_and_abstentions() -> None:
    fact = Question(id="1", question="q", kind="fact", answerable=True, facts=(("rye",), ("oats",)))
    none = Question(id="2", question="q", kind="about", answerable=False)
    cited = Citation(1, "a", "t", None, "h", "rye it is", 0, 9)
    marked = [
        Marked(fact, Answer("q", "q", "answered", "Rye [1]", "m", "g", citations=(cited,))),
        Marked(fact, Answer("q", "q", "abstained", "No oats and no rye.", "m", "g")),
        Marked(none, Answer("q", "q", "abstained", "No.", "m", "g")),
        Marked(none, Answer("q", "q", "answered", "Rye [1]", "m", "g", citations=(cited,))),
    ]
    found = {measure.name: (measure.value, measure.count) for measure in measures(marked)}
    assert found == {
        "facts held": (0.25, 4),
        "right citation": (0.5, 2),
        "answerable refused": (0.5, 2),
        "unanswerable abstained": (0.5, 2),
    }
    assert median_words(marked) == 1
    assert measures(marked) == measures(marked)
