"""How much is quoted: more where many sentences are level, less where they are only close."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from chatbot.evidence import Evidence
from chatbot.extractive import CLOSE, CLOSE_WORDS, LEVEL, WORDS, Picked, choose, topped_up
from chatbot.types import Passage
from chatbot.understanding import understand
from ingest.roles import RoleNames
from ingest.types import Chunk, Span, Unit

FACT = understand("How long does it take?", RoleNames([]))


def evidence_of(sentences: Sequence[tuple[int, float]]) -> list[Evidence]:
    """One sentence after another in a chunk, of so many words and with this score, best first."""
    texts = [" ".join(f"w{number}x{word}" for word in range(words)) + "." for number, (words, _) in enumerate(sentences)]
    ends = np.cumsum([len(text) + 1 for text in texts]).tolist()
    units = tuple(Unit(Span(end - 1 - len(text), end - 1), "sentence") for text, end in zip(texts, ends, strict=True))
    text = " ".join(texts)
    chunk = Chunk("a", "A", (), 0, len(text), text, units, Span(0, len(text)))
    passage = Passage(chunk, 1.0, 1.0, 1.0, 0)
    found = [
        Evidence(passage, unit, number, score, np.ones(1, dtype=np.float32), 0.5)
        for number, (unit, (_, score)) in enumerate(zip(units, sentences, strict=True))
    ]
    return sorted(found, key=lambda one: -one.score)


def words_of(picked: Sequence[Picked]) -> list[int]:
    return [len(one.chunk.quote(one.unit).split()) for one in picked]


def test_one_that_stands_out_is_given_alone() -> None:
    assert words_of(choose(evidence_of([(12, 0.9), (10, 0.9 - CLOSE - 0.01), (10, 0.5)]), FACT)) == [12]


def test_level_ones_are_given_while_there_is_room_for_them() -> None:
    ranked = evidence_of([(40, 0.9 - LEVEL * number / 10) for number in range(6)])
    assert words_of(choose(ranked, FACT)) == [40] * (WORDS // 40)
    assert words_of(choose(ranked, FACT, word_share=0.5)) == [40] * (WORDS // 2 // 40)


def test_close_ones_are_given_only_in_an_answer_that_stays_short() -> None:
    behind = 0.9 - (LEVEL + CLOSE) / 2
    assert words_of(choose(evidence_of([(CLOSE_WORDS - 10, 0.9), (10, behind)]), FACT)) == [CLOSE_WORDS - 10, 10]
    assert words_of(choose(evidence_of([(CLOSE_WORDS - 10, 0.9), (11, behind)]), FACT)) == [CLOSE_WORDS - 10]
    assert words_of(choose(evidence_of([(CLOSE_WORDS, 0.9), (20, 0.9), (5, behind)]), FACT)) == [CLOSE_WORDS, 20]


def test_the_best_one_is_given_however_long_it_is() -> None:
    assert words_of(choose(evidence_of([(WORDS + 50, 0.9), (5, 0.9)]), FACT)) == [WORDS + 50]


@pytest.mark.parametrize("seed", range(20))
def test_an_answer_keeps_to_its_limits_whatever_the_scores(seed: int) -> None:
    drawn = random.Random(seed)
    ranked = evidence_of([(drawn.randint(2, 60), drawn.uniform(0.7, 0.9)) for _ in range(12)])
    words = drawn.randint(20, WORDS)
    picked = topped_up([], ranked, words)
    scores = {one.number: one.score for one in ranked}
    assert picked[0].number == ranked[0].number
    assert len(picked) == 1 or sum(words_of(picked)) <= words
    so_far = 0
    for one, count in zip(picked, words_of(picked), strict=True):
        so_far += count
        behind = ranked[0].score - scores[one.number]
        assert behind <= CLOSE
        assert behind <= LEVEL or so_far <= CLOSE_WORDS
