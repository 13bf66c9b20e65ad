"""CLAP NQ: questions that people typed, each with a passage that answers it or does not. The best sentence, and when to abstain; the passage is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.quality.data import Part, found, is_wanted, part_of, rows
from tests.benchmarks.quality.project import Asked, Text, asked_of
from tests.benchmarks.quality.rivals import Rivals, word_overlap
from tests.benchmarks.quality.session import Session, reached
from tests.benchmarks.quality.table import PROJECT, Reached

NAME = "clapnq"


@dataclass(frozen=True, slots=True)
class Question:
    """`gold` are the sentences that somebody marked as its answer."""

    text: str
    passage: str
    gold: frozenset[str]


def run(folder: Path, session: Session) -> Iterator[Reached]:
    texts, questions = read(folder, session.part)
    with asked_of(texts, session.embedder) as project:
        yield from _selection(project, [question for question in questions if question.gold], session)
        yield from _abstention(project, questions, session)


def read(folder: Path, part: Part) -> tuple[dict[str, Text], list[Question]]:
    """Every passage as an article of its own, and the questions of the part that is asked."""
    found_rows = list(rows(found(folder, "answerable.jsonl", "unanswerable.jsonl")))
    texts = {f"p{number:05}": _text(row) for number, row in enumerate(found_rows)}
    named = zip(texts, found_rows, strict=True)
    return texts, [_question(name, row) for name, row in named if is_wanted(part_of(str(row["id"])), part)]


def _text(row: Mapping[str, Any]) -> Text:
    passages = row["passages"]
    return Text(passages[0]["title"], "\n\n".join(" ".join(passage["sentences"]) for passage in passages))


def _question(name: str, row: Mapping[str, Any]) -> Question:
    gold = (sentence for output in row["output"] for sentence in output.get("selected_sentences", ()))
    return Question(row["input"], name, frozenset(_plain(sentence) for sentence in gold))


def _plain(text: str) -> str:
    return "".join(text.split())


def is_gold(quote: str, question: Question) -> bool:
    """Sentences are cut by other hands than those that marked them: either may hold the other."""
    plain = _plain(quote)
    return any(plain in gold or gold in plain for gold in question.gold)


def _sentences(project: Asked, question: Question) -> list[str]:
    return [chunk.quote(unit) for chunk in project.chunks if chunk.article_id == question.passage for unit in chunk.units]


def _selection(project: Asked, answerable: Sequence[Question], session: Session) -> Iterator[Reached]:
    right: dict[str, list[float]] = {}
    for question in answerable:
        quotes = _sentences(project, question)
        rivals = Rivals(quotes, session.plain)
        best = {
            PROJECT: project.ranked(question.text, project.within(question.text, question.passage))[0].quote,
            "most words shared": max(quotes, key=lambda quote: word_overlap(question.text, quote)),
            "best sentence's cosine": quotes[int(rivals.dense(question.text).argmax())],
            "best fused sentence": quotes[rivals.fused(question.text, range(len(quotes)))[0]],
        }
        for system, quote in best.items():
            right.setdefault(system, []).append(is_gold(quote, question))
    yield from reached(NAME, "best sentence is gold", right)


def _abstention(project: Asked, questions: Sequence[Question], session: Session) -> Iterator[Reached]:
    scores: dict[str, list[float]] = {}
    for question in questions:
        quotes = _sentences(project, question)
        ranked = project.ranked(question.text, project.within(question.text, question.passage))
        scores.setdefault(PROJECT, []).append(project.probability(question.text, ranked))
        scores.setdefault("word overlap", []).append(word_overlap(question.text, " ".join(quotes)))
        scores.setdefault("best sentence's cosine", []).append(float(Rivals(quotes, session.plain).dense(question.text).max()))
    yield from reached(NAME, "abstention AUC", scores, [bool(question.gold) for question in questions])
