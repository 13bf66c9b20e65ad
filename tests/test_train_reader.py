"""What the training of the reader rests on: it reads as what serves does, and a question is either taught or held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import ROOT

from chatbot.evidence import late_interaction
from chatbot.opened import without_roles
from ingest.embed import ADAPTER, SentenceTransformerEmbedder, Vectors
from ingest.roles import RoleNames
from ingest.types import Role
from tests.benchmarks.practice import HELD_OUT
from tests.benchmarks.quality.clapnq import Question

if TYPE_CHECKING:  # torch takes seconds, in every worker
    from tests.benchmarks.train_reader import Reader

KEPT = ROOT / "ingest" / ADAPTER
NAMES = RoleNames([Role("Bread baker", ("dough hand",))])
QUESTION = "How much does a bread baker take home?"
TEXTS = ("Bakers are paid by the night.", "A pastry chef decorates cakes in the afternoon, and seldom before.")


@pytest.fixture(scope="module")
def reader() -> Reader:
    """As it is kept, with the weights that its score begins with."""
    from tests.benchmarks.train_reader import Reader  # noqa: PLC0415

    reader = Reader({})
    reader.load(KEPT)
    return reader


def pieces_of(reader: Reader) -> list[Vectors]:
    """Of the word pieces of each text."""
    pieces, _ = reader.read([reader.marked(reader.ids(text)) for text in TEXTS])
    return [own.detach().numpy() for own in pieces]


def vectors_of(reader: Reader) -> Vectors:
    return np.asarray(reader.vectors([reader.marked(reader.ids(text)) for text in TEXTS]))


def test_the_reader_in_training_reads_as_the_one_that_serves(reader: Reader, real_embedder: SentenceTransformerEmbedder) -> None:
    served = real_embedder.encode(TEXTS)
    for own, encoded in zip(pieces_of(reader), served, strict=True):
        assert np.allclose(own, encoded.tokens, atol=1e-3)
    assert np.allclose(vectors_of(reader), [encoded.vector for encoded in served], atol=1e-3)


def test_its_score_is_late_interaction_and_the_cosine_of_means_of_what_serves(
    reader: Reader, real_embedder: SentenceTransformerEmbedder
) -> None:
    """Each text as a chunk of its own that is one unit."""
    from tests.benchmarks.train_reader import Lesson  # noqa: PLC0415

    chunks = [reader.marked(reader.ids(text)) for text in TEXTS]
    lesson = Lesson("", chunks, [(number, 0, len(ids) - 2) for number, ids in enumerate(chunks)], [0, 0], [], is_held_out=False)
    scores, _ = reader.scores(lesson, [(*reader.weighed(QUESTION, NAMES), [])])

    asked = without_roles(real_embedder.encode([QUESTION])[0], NAMES, QUESTION)
    late, unit = reader.balance.tolist()
    for score, text in zip(scores[0].tolist(), real_embedder.encode(TEXTS), strict=True):
        matches = (text.tokens @ asked.tokens.T).max(axis=0)
        assert score == pytest.approx(late * late_interaction(asked, matches) + unit * (text.mean @ asked.mean), abs=0.02)


def test_what_is_saved_is_loaded(reader: Reader, tmp_path: Path) -> None:
    reader.save(tmp_path / "again")
    again = type(reader)(reader.known)
    again.load(tmp_path / "again")
    assert np.allclose(vectors_of(again), vectors_of(reader), atol=1e-4)


def test_the_mean_of_two_readers_stands_between_them(reader: Reader) -> None:
    from tests.benchmarks.train_reader import drawn_to, mean_of  # noqa: PLC0415

    plain = type(reader)(reader.known)
    first, last = (np.concatenate(pieces_of(one)) for one in (plain, reader))
    assert np.allclose(np.concatenate(pieces_of(mean_of(plain, reader, 0))), first, atol=1e-4)
    assert np.allclose(np.concatenate(pieces_of(mean_of(plain, reader, 1))), last, atol=1e-4)
    for mean in (mean_of(plain, reader, 0.5), drawn_to(KEPT, plain)):
        middle = np.concatenate(pieces_of(mean))
        assert max(np.linalg.norm(middle - end) for end in (first, last)) < np.linalg.norm(first - last)
    assert np.allclose(np.concatenate(pieces_of(drawn_to(KEPT, reader))), last, atol=1e-4)


def test_every_unit_that_answers_is_to_stand_above_all_that_do_not() -> None:
    import torch  # noqa: PLC0415

    from tests.benchmarks.train_reader import _wrong  # noqa: PLC0415

    def pull(gold: list[int]) -> list[float]:
        scores = torch.tensor([[9.0, 1.0, 3.0, 2.0]], requires_grad=True)  # of three units, and that none answers
        _wrong(torch.log_softmax(scores, 1), [([], torch.empty(0), gold)]).backward()
        assert scores.grad is not None
        return [-one for one in scores.grad[0].tolist()]

    found, missed, other, none = pull([0, 1])
    assert missed > 0.4 > found >= 0 > max(other, none)
    *units, none = pull([])
    assert none > 0.9
    assert max(units) < 0


def test_a_question_of_clapnq_is_taught_or_held_out_and_groups_are_mixed() -> None:
    from tests.benchmarks.train_reader import PARAGRAPHS, groups_of_clapnq  # noqa: PLC0415

    gold = frozenset(["A sentence."])
    questions = [Question(f"q{number}", f"p{number}", gold if number < 100 else frozenset()) for number in range(200)]
    groups = list(groups_of_clapnq(questions))
    taught, held_out = (texts_of([group for group, is_held_out in groups if is_held_out == wanted]) for wanted in (False, True))
    assert sorted(taught + held_out) == sorted(question.text for question in questions)
    assert len(held_out) == len(questions) // HELD_OUT
    assert all(0 < len(group) <= PARAGRAPHS for group, _ in groups)
    assert sum({bool(question.gold) for question in group} == {True, False} for group, _ in groups) > len(groups) / 2


def texts_of(groups: Sequence[Sequence[Question]]) -> list[str]:
    return [question.text for group in groups for question in group]
