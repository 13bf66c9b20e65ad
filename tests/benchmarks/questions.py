"""The questions on the articles here that the reader is taught and the answers are fitted on: the tune half of corpus/questions.jsonl,
questions/taught.jsonl, by ten writers, and questions/new.jsonl, by sixteen others. questions/held_out.jsonl is by yet another, of whom no question is taught,
though other questions on the same sentences are:

make bench-answers QUESTIONS=tests/benchmarks/questions/held_out.jsonl [ARTICLES=FOLDER]

Rows are as in corpus/questions.jsonl. The writers had read the articles and what they retell, knew nothing of the program but how facts are matched, nor its questions, and
were asked for other words than the articles' in half of them. Those of new.jsonl were told who asks (a recruiter, a student, people who dictate to a phone ...), and to ask for
much that sounds as if the articles answered it; one wrote pairs, of which the articles answer one. Left out of both is what stands in the question set or in
held_out.jsonl already, and what shares six words in ten with a question of the report half or of held_out.jsonl. Written for this project, under the licence of corpus/.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from chatbot.evaluation.questions import Question, holds, read_questions, to_ask
from chatbot.understanding import aside
from tests.benchmarks.practice import is_gold

ROOT = Path(__file__).parents[2]
TAUGHT = Path(__file__).with_name("questions") / "taught.jsonl"  # to the reader that the last training began with, as was the tune half
NEW = TAUGHT.with_name("new.jsonl")  # taught in the last training first
HALVES = 2  # of the questions, each taught by a process of train_reader: on the other one a reader can be measured


def questions_of_half(half: int, *, only_new: bool = False) -> Iterator[Question]:
    """Those of one half, by the hash of their id, but for greetings, instructions and other languages, which no reader sees; all, or those of NEW alone."""
    before = [] if only_new else [*to_ask(read_questions(ROOT / "corpus/questions.jsonl"), "tune"), *read_questions(TAUGHT)]
    return (row for row in [*before, *read_questions(NEW)] if not aside(row.question) and _half_of(row) == half)


def _half_of(row: Question) -> int:
    return hashlib.sha256(row.id.encode()).digest()[-1] % HALVES


def answering(quotes: Sequence[str], row: Question) -> list[bool]:
    """Which of these units may answer a question: those in its evidence, or around it, and those that hold one of its facts."""
    return [is_gold(quote, row.evidence) or any(holds(quote, fact) for fact in row.facts) for quote in quotes]
