"""How much is quoted: more where many sentences are level, less where they are only close."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from chatbot import extractive
from chatbot.evidence import Evidence
from chatbot.extractive import CLOSE, CLOSE_WORDS, CROWD, CROWDED, LEVEL, SHORT_LEAD_WORDS, Picked, choose, says_something, topped_up
from chatbot.types import Passage
from chatbot.understanding import understand
from ingest.roles import RoleNames
from ingest.types import Chunk, Span, Unit

WORDS = extractive.WORDS["fact"]
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
    ranked = evidence_of([(WORDS // 3, 0.9 - LEVEL * number / CROWD) for number in range(CROWD)])
    assert words_of(choose(ranked, FACT)) == [WORDS // 3] * 3
    assert words_of(choose(ranked, FACT, word_share=0.5)) == [WORDS // 3]


def test_where_a_crowd_stands_close_behind_the_best_all_that_are_close_are_given_while_there_is_room() -> None:
    crowd, behind = [(CLOSE_WORDS, 0.9), *[(20, 0.901 - CROWDED)] * CROWD], (1, 0.901 - CLOSE)
    assert words_of(choose(evidence_of([*crowd, behind]), FACT)) == [CLOSE_WORDS, *[20] * CROWD, 1]
    assert words_of(choose(evidence_of([*crowd[:-1], (20, 0.899 - CROWDED), behind]), FACT)) == [CLOSE_WORDS]


def test_close_ones_are_given_only_in_an_answer_that_stays_short() -> None:
    behind = 0.9 - (LEVEL + CLOSE) / 2
    assert words_of(choose(evidence_of([(CLOSE_WORDS - 10, 0.9), (10, behind)]), FACT)) == [CLOSE_WORDS - 10, 10]
    assert words_of(choose(evidence_of([(CLOSE_WORDS - 10, 0.9), (11, behind)]), FACT)) == [CLOSE_WORDS - 10]
    assert words_of(choose(evidence_of([(CLOSE_WORDS, 0.9), (20, 0.9), (5, behind)]), FACT)) == [CLOSE_WORDS, 20]


@pytest.mark.parametrize(("asked", "wanted"), [(("baker",), [9, 8, 6]), (("baker", "chef"), [9, 8, 7, 6]), ((), [9, 8, 7, 6])])
def test_after_the_best_none_on_another_role_alone_is_given(asked: tuple[str, ...], wanted: list[int]) -> None:
    of_roles = [("chef",), ("baker", "chef"), ("chef",), ()]
    ranked = [
        replace(one, unit=replace(one.unit, roles=roles))
        for one, roles in zip(evidence_of([(9, 0.9), (8, 0.89), (7, 0.88), (6, 0.87)]), of_roles, strict=True)
    ]
    assert words_of(choose(ranked, replace(FACT, roles=asked))) == wanted


def test_a_list_has_more_room_than_a_fact() -> None:
    crowd = evidence_of([(WORDS // 3, 0.9)] * 12)
    assert (
        sum(words_of(choose(crowd, FACT))) <= WORDS < sum(words_of(choose(crowd, replace(FACT, shape="list")))) <= extractive.WORDS["list"]
    )


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
    level = CLOSE if ranked[0].score - ranked[CROWD].score <= CROWDED else LEVEL
    so_far = 0
    for one, count in zip(picked, words_of(picked), strict=True):
        so_far += count
        behind = ranked[0].score - scores[one.number]
        assert behind <= CLOSE
        assert behind <= level or so_far <= CLOSE_WORDS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('Their question is: "Which oven is hot enough?"', True),
        ("A baker asks himself “What rises?”.", True),
        ("What rises?", False),
        ('"What rises?"', False),
        ("“And what falls?” *", False),
        ('Who "rises"?', False),
        ('Who asks: "Which oven?"', False),
        ("Have you ever asked yourself “why?”", False),
        ("The trade's question —“why?”—is old.", True),
        ('Bakers ask:"Why?"', True),
        ("It rises:", False),
        ("It rises.", True),
    ],
)
def test_a_question_says_nothing_but_what_quotes_one_does(text: str, says: bool) -> None:
    unit = Unit(Span(0, len(text)), "sentence")
    passage = Passage(Chunk("a", "A", (), 0, len(text), text, (unit,), Span(0, len(text))), 1.0, 1.0, 1.0, 0)
    assert says_something(Evidence(passage, unit, 0, 1.0, np.ones(1, dtype=np.float32), 0.5)) is says


def listed(generator: random.Random) -> list[Evidence]:
    """Items of two lists under openings of their own, with sentences before each; the scores are level or close."""
    parts: list[tuple[str, str]] = []
    for name in ("first", "second"):
        parts.append(("sentence", " ".join([name] * generator.randint(1, 12)) + ":"))
        parts += [("item", " ".join([name[0]] * generator.randint(1, 30)) + f" {number}.") for number in range(generator.randint(1, 5))]
    ends = np.cumsum([len(text) + 1 for _, text in parts]).tolist()
    spans = [Span(end - 1 - len(text), end - 1) for (_, text), end in zip(parts, ends, strict=True)]
    leads = [next(spans[before] for before in range(at, -1, -1) if parts[before][0] == "sentence") for at in range(len(parts))]
    units = tuple(
        Unit(span, "item", lead) if kind == "item" else Unit(span, "sentence")
        for span, lead, (kind, _) in zip(spans, leads, parts, strict=True)
    )
    text = " ".join(text for _, text in parts)
    passage = Passage(Chunk("a", "A", ("H",), 0, len(text), text, units, Span(0, len(text))), 1.0, 1.0, 1.0, 0)
    found = [
        Evidence(passage, unit, number, generator.uniform(0.78, 0.9), np.ones(1, dtype=np.float32), 0.5)
        for number, unit in enumerate(units)
    ]
    return sorted(found, key=lambda one: -one.score)


def test_an_answer_of_lists_holds_no_more_words_than_it_has_room_for_each_opening_counted_once() -> None:
    generator = random.Random(11)
    for _ in range(200):
        ranked = listed(generator)
        picked = topped_up([], ranked, 40)
        assert len({one.place for one in picked}) == len(picked)
        assert len(picked) == 1 or shown(picked) <= 40 or _is_one_list(picked)
        rest = [one for one in ranked if (one.passage.chunk.article_id, one.unit.span.start) not in {taken.place for taken in picked}]
        level = [Picked(one.passage.chunk, one.number) for one in rest if ranked[0].score - one.score <= LEVEL]
        assert all(shown([*picked, one]) > 40 for one in level)  # what was left out had no room


@pytest.mark.parametrize(
    ("words", "scores", "given"),
    [(20, (0.9, 0.86, 0.5), 3), (20, (0.9, 0.84, 0.5), 1), (40, (0.9, 0.86, 0.5), 2), (40, (0.9, 0.84, 0.5), 1)],
)
def test_a_list_comes_whole_where_two_of_its_items_stand_near_the_best(words: int, scores: Sequence[float], given: int) -> None:
    """But for one that is long, and one of which a single item is wanted."""
    of_sentences = evidence_of([(2, 0.1), *((words, score) for score in scores)])
    chunk = of_sentences[0].passage.chunk
    lead, *items = chunk.units
    units = (lead, *(replace(unit, kind="item", lead=lead.span) for unit in items))
    passage = replace(of_sentences[0].passage, chunk=replace(chunk, units=units))
    ranked = [replace(one, passage=passage, unit=units[one.number]) for one in of_sentences]
    assert len(choose(ranked, FACT)) == given


def shown(picked: Sequence[Picked]) -> int:
    """Words of the quotes, and of what opens each list that any of them stands in."""
    text = picked[0].chunk.text
    openings = {one.unit.lead for one in picked if one.unit.kind == "item" and one.unit.lead}
    leads = [text[lead.start : lead.end] for lead in openings]
    headed = sum(len(lead.split()) < SHORT_LEAD_WORDS for lead in leads)  # under its heading, with a dash
    return sum(len(lead.split()) for lead in leads) + 2 * headed + sum(words_of(picked))


def _is_one_list(picked: Sequence[Picked]) -> bool:
    """The first one's, given whole."""
    return len({one.unit.lead for one in picked}) == 1
