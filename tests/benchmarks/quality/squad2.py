"""SQuAD 2.0: paragraphs of encyclopedia articles with questions, half of which their paragraph does not answer.

Passages found, the gold span held by a quoted answer of at most 60 words (whether or not the project would abstain), and how well the score of
abstention tells the questions apart: both with all paragraphs searched, and with the paragraph given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ir_measures import R

from chatbot.evidence import Evidence
from ingest.articles import clean
from ingest.types import Span
from tests.benchmarks.quality.data import Part, found, is_wanted, part_of_title
from tests.benchmarks.quality.project import ANSWER_WORDS, Asked, Text, asked_of
from tests.benchmarks.quality.ranking import Task, measured
from tests.benchmarks.quality.rivals import Rivals
from tests.benchmarks.quality.session import Session, reached
from tests.benchmarks.quality.table import PROJECT, Reached

NAME = "squad2"


@dataclass(frozen=True, slots=True)
class Question:
    """`spans` are its answers in the paragraph's canonical text; there are none where it does not answer."""

    text: str
    paragraph: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a paragraph."""

    paragraph: str
    span: Span
    text: str


def run(folder: Path, session: Session) -> Iterator[Reached]:
    texts, questions = read(articles_in(folder), session.part)
    with asked_of(texts, session.embedder) as project:
        yield from _passages_found(project, [question for question in questions if question.spans], session)
        quotes = _quotes(project)
        rivals = Rivals([quote.text for quote in quotes], session.plain)
        for is_given in (False, True):
            yield from _answers(project, questions, quotes, rivals, is_given=is_given)


def articles_in(folder: Path) -> list[Mapping[str, Any]]:
    return [article for path in found(folder, "*.json") for article in json.loads(path.read_text(encoding="utf-8"))["data"]]


def read(articles: Sequence[Mapping[str, Any]], part: Part) -> tuple[dict[str, Text], list[Question]]:
    """Every paragraph as an article of its own, and the questions of the part that is asked."""
    texts: dict[str, Text] = {}
    questions: list[Question] = []
    titles = [article["title"] for article in articles]
    for article in articles:
        is_asked = is_wanted(part_of_title(article["title"], titles), part)
        for paragraph in article["paragraphs"]:
            name = f"p{len(texts):05}"
            texts[name] = Text(article["title"].replace("_", " "), paragraph["context"])
            questions += [_question(row, name, paragraph["context"]) for row in paragraph["qas"] if is_asked]
    return texts, questions


def _question(row: Mapping[str, Any], paragraph: str, context: str) -> Question:
    answers = [] if row.get("is_impossible") else row["answers"]
    starts = [(len(clean(context[: answer["answer_start"]]).lstrip("\n")), answer["text"]) for answer in answers]
    return Question(row["question"], paragraph, tuple(Span(start, start + len(clean(text))) for start, text in starts))


def _passages_found(project: Asked, answerable: Sequence[Question], session: Session) -> Iterator[Reached]:
    texts = [chunk.embedding_text() for chunk in project.chunks]
    owners = [chunk.article_id for chunk in project.chunks]
    relevant = [{question.paragraph: 1} for question in answerable]
    task = Task(NAME, texts, owners, [question.text for question in answerable], relevant)
    measures = {"passage R@1": R @ 1, "passage R@10": R @ 10}
    yield from measured(task, measures, lambda question: [passage.row for passage in project.passages(question)], session)


def _quotes(project: Asked) -> list[Quote]:
    return [Quote(chunk.article_id, unit.span, chunk.quote(unit)) for chunk in project.chunks for unit in chunk.units]


def _answers(
    project: Asked, questions: Sequence[Question], quotes: Sequence[Quote], rivals: Rivals, *, is_given: bool
) -> Iterator[Reached]:
    """Spans held and abstention, for answers from a question's own paragraph or from all."""
    where = "paragraph given" if is_given else "all searched"
    held: dict[str, list[float]] = {}
    scores: dict[str, list[float]] = {}
    for question in questions:
        among = [number for number, quote in enumerate(quotes) if not is_given or quote.paragraph == question.paragraph]
        ranked = project.ranked(
            question.text, project.within(question.text, question.paragraph) if is_given else project.passages(question.text)
        )
        scores.setdefault(PROJECT, []).append(project.probability(question.text, ranked))
        scores.setdefault("best sentence's cosine", []).append(float(rivals.dense(question.text)[among].max()))
        if question.spans:
            best = [quotes[number] for number in rivals.fused(question.text, among)[:2]]
            for system, answer in (
                (PROJECT, _quoted(project, question, ranked)),
                ("best fused sentence", best[:1]),
                ("best two fused sentences", best),
            ):
                held.setdefault(system, []).append(_holds(answer, question))
    yield from reached(NAME, f"span held in {ANSWER_WORDS} words, {where}", held)
    yield from reached(NAME, f"abstention AUC, {where}", scores, [bool(question.spans) for question in questions])


def _quoted(project: Asked, question: Question, ranked: Sequence[Evidence]) -> list[Quote]:
    return [Quote(one.chunk.article_id, one.unit.span, one.chunk.quote(one.unit)) for one in project.answer(question.text, ranked)]


def _holds(answer: Sequence[Quote], question: Question) -> bool:
    if sum(len(quote.text.split()) for quote in answer) > ANSWER_WORDS:
        return False
    own = [quote.span for quote in answer if quote.paragraph == question.paragraph]
    return any(quote.start <= span.start and span.end <= quote.end for quote in own for span in question.spans)
