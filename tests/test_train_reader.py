"""What the training of the reader rests on (it reads as what serves does, and a question is either taught or held out), and the fit of what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import ROOT, FakeEmbedder

from chatbot import fitted
from chatbot.advisor import Advisor
from chatbot.evaluation.questions import Question as Row
from chatbot.evaluation.questions import read_questions, to_ask
from chatbot.evidence import late_interaction
from chatbot.opened import without_roles
from ingest.embed import ADAPTER, SentenceTransformerEmbedder, Vectors
from ingest.roles import RoleNames
from ingest.types import Role
from tests.benchmarks.practice import HELD_OUT, is_gold
from tests.benchmarks.quality.clapnq import Question
from tests.benchmarks.questions import HALVES, TAUGHT, questions_of_half

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
    from tests.benchmarks.train_reader import Asked, Lesson  # noqa: PLC0415

    chunks = [reader.marked(reader.ids(text)) for text in TEXTS]
    lesson = Lesson("", chunks, [(number, 0, len(ids) - 2) for number, ids in enumerate(chunks)], [0, 0], [], is_held_out=False)
    scores, _ = reader.scores(lesson, [Asked(*reader.weighed(QUESTION, NAMES), [])])

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
    from tests.benchmarks.train_reader import mean_of  # noqa: PLC0415

    plain = type(reader)(reader.known)
    first, last = (np.concatenate(pieces_of(one)) for one in (plain, reader))
    assert np.allclose(np.concatenate(pieces_of(mean_of(plain, reader, 0))), first, atol=1e-4)
    assert np.allclose(np.concatenate(pieces_of(mean_of(plain, reader, 1))), last, atol=1e-4)
    middle = np.concatenate(pieces_of(mean_of(plain, reader, 0.5)))
    assert max(np.linalg.norm(middle - end) for end in (first, last)) < np.linalg.norm(first - last)


def test_a_reader_drawn_to_an_earlier_one_goes_its_share_of_the_way_and_keeps_its_own_score(reader: Reader) -> None:
    """Factor by factor; what the texts then become need not stand between the two."""
    from tests.benchmarks.train_reader import LEARNT, drawn_to  # noqa: PLC0415

    plain = type(reader)(reader.known)
    plain.balance.data += 1
    drawn, own, earlier = (one.parameters_learnt() for one in (drawn_to(KEPT, plain), plain, reader))
    for name, factor in drawn.items():
        share = 1 if name in {"balance", "null"} else LEARNT
        assert np.allclose(factor - earlier[name], share * (own[name] - earlier[name]), atol=1e-4), name
    assert np.allclose(np.concatenate(pieces_of(drawn_to(KEPT, reader))), np.concatenate(pieces_of(reader)), atol=1e-4)


def test_every_unit_that_answers_is_to_stand_above_all_that_do_not() -> None:
    import torch  # noqa: PLC0415

    from tests.benchmarks.train_reader import Asked, _wrong  # noqa: PLC0415

    def pull(gold: list[int]) -> list[float]:
        scores = torch.tensor([[9.0, 1.0, 3.0, 2.0]], requires_grad=True)  # of three units, and that none answers
        _wrong(torch.log_softmax(scores, 1), [Asked([], torch.empty(0), gold)]).backward()
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


@pytest.mark.parametrize("new", [0, 6, 99])
def test_the_halves_share_out_what_was_seen_and_each_is_taught_all_that_is_new_twice(new: int) -> None:
    from tests.benchmarks.train_reader import Lesson, lessons_of_half  # noqa: PLC0415

    practice, public = (
        [Lesson(f"{name} {number}", [], [], [], [], is_held_out=number % HELD_OUT == HELD_OUT - 1) for number in range(20)]
        for name in ("practice", "public")
    )
    halves = [Counter(lesson.source for lesson in lessons_of_half(practice, public, new, half)) for half in range(HALVES)]
    taught = {lesson.source for lesson in [*practice, *public] if not lesson.is_held_out}
    unseen = taught & {lesson.source for number, lesson in enumerate(practice) if number >= 20 - new}
    assert sum(halves, Counter()) == {name: HALVES * 2 if name in unseen else 1 for name in taught}
    assert all(half[name] == 2 for half in halves for name in unseen)
    sizes = [half.total() for half in halves]
    assert max(sizes) - min(sizes) <= 1


def test_what_was_seen_is_thinned_and_what_is_new_is_not() -> None:
    from tests.benchmarks.train_reader import PRACTICE, REPLAYED, Lesson, lessons_of_half  # noqa: PLC0415

    practice = [Lesson(PRACTICE, [], [], [number], [], is_held_out=False) for number in range(100)]
    taught = Counter(lesson.openings[0] for lesson in lessons_of_half(practice, [], 20, 1, is_thinned=True))
    assert taught == {**dict.fromkeys(range(1, 80, HALVES * REPLAYED), 1), **dict.fromkeys(range(80, 100), 2)}


def test_each_process_goes_on_from_the_file_or_from_its_own_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from argparse import Namespace  # noqa: PLC0415

    from tests.benchmarks import train_reader  # noqa: PLC0415

    begun: list[Path] = []

    def gone_on(kept: Path, *_: object) -> Any:
        begun.append(kept)
        return Namespace(parameters_learnt=dict)

    monkeypatch.setattr(train_reader, "all_lessons", lambda *_: ([], []))
    monkeypatch.setattr(train_reader, "Reader", lambda _: None)
    monkeypatch.setattr(train_reader, "gone_on", gone_on)
    monkeypatch.setattr(train_reader.torch, "set_num_threads", lambda _: None)  # for the tests after this one
    for begin in (tmp_path, tmp_path / "file"):
        for half in range(HALVES):
            train_reader.gone_on_by_half(Namespace(data=tmp_path, begin=begin, new=0, articles=[], epochs=1), half)
    assert begun == [*(train_reader.half_in(tmp_path, half) for half in range(HALVES)), *[tmp_path / "file"] * HALVES]


def test_beside_the_questions_some_of_the_practice_lessons_are_taught_and_all_of_the_public_sets() -> None:
    from tests.benchmarks.train_reader import PRACTICE, REPLAYED, Lesson, thinned  # noqa: PLC0415

    lessons = [Lesson(source, [], [], [number], [], is_held_out=False) for number in range(20) for source in (PRACTICE, "public")]
    kept = thinned(lessons)
    assert [lesson for lesson in kept if lesson.source != PRACTICE] == [lesson for lesson in lessons if lesson.source != PRACTICE]
    practice = [lesson.openings[0] for lesson in kept if lesson.source == PRACTICE]
    assert practice == list(range(0, 20, REPLAYED))


def test_a_half_of_the_questions_is_read_by_the_reader_that_was_taught_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.benchmarks import fit_answers  # noqa: PLC0415

    monkeypatch.setattr(
        fit_answers, "cases_of_questions", lambda folder, taught_half, half, only_new: [(folder, taught_half, half, only_new)]
    )
    readers: Any = range(HALVES)  # by the half that they were taught
    read = list(fit_answers.cases_of_halves([Path("retold"), Path("published")], readers, only_new=True))
    assert sorted(map(str, read)) == sorted(
        str((Path(folder), 1 - half, half, True)) for folder in ("published", "retold") for half in (1, 0)
    )


def test_the_new_questions_are_those_that_no_reader_was_taught_before() -> None:
    before = {row.id for row in [*to_ask(read_questions(ROOT / "corpus/questions.jsonl")), *read_questions(TAUGHT)]}
    everything, new = (
        {row.id for half in range(HALVES) for row in questions_of_half(half, only_new=only_new)} for only_new in (False, True)
    )
    assert new
    assert new == everything - before
    assert everything - new > {"p-h-two-fields-combined", "na-past-jobs"}


def test_a_question_on_the_articles_here_is_taught_to_one_half_or_held_out() -> None:
    first, second = ([(row.id, row.question, row.history) for row in questions_of_half(half)] for half in range(HALVES))
    rows = [*to_ask(read_questions(ROOT / "corpus/questions.jsonl"), "report"), *read_questions(TAUGHT.with_name("held_out.jsonl"))]
    held_out = [(row.id, row.question, row.history) for row in rows]
    assert min(len(first), len(second)) > 0.9 * max(len(first), len(second)) > 0
    for place in (slice(0, 1), slice(1, 3)):
        ones, others, kept = ({row[place] for row in part} for part in (first, second, held_out))
        assert len(ones | others) == len(first) + len(second)
        assert not (ones | others) & kept


def test_a_question_is_taught_with_all_that_answers_it_or_with_nothing(reader: Reader, real_advisor: Advisor) -> None:
    from tests.benchmarks.train_reader import TIMES, lessons_of_questions  # noqa: PLC0415

    quotes = [chunk.quote(unit) for chunk in real_advisor.chunks() for unit in chunk.units]
    rows = [
        Row(id="by evidence", question="Who bakes?", kind="fact", answerable=True, evidence=(quotes[7],), facts=(("no such words",),)),
        Row(id="by fact", question="What is it about?", kind="fact", answerable=True, facts=((quotes[9],),)),
        Row(id="elsewhere", question="What is not here?", kind="fact", answerable=True, evidence=("Bread is baked.",), facts=(("loaf",),)),
        Row(id="nowhere", question="What does a loaf cost?", kind="about_roles", answerable=False),
    ]
    lessons = list(lessons_of_questions(real_advisor, rows, reader))
    assert len(lessons) == TIMES
    same = [{number for number, quote in enumerate(quotes) if quotes[at] in quote or quote in quotes[at]} for at in (7, 9)]
    for lesson in lessons:
        assert len(lesson.units) == len(quotes)
        gold = [sorted(question.gold) for question in lesson.questions]
        assert sorted(gold) == sorted(map(sorted, [*same, set()]))


def test_a_unit_that_holds_a_fact_beside_the_evidence_counts_neither_way(reader: Reader, real_advisor: Advisor) -> None:
    import torch  # noqa: PLC0415

    from tests.benchmarks.train_reader import Asked, _wrong, lessons_of_questions  # noqa: PLC0415

    quotes = [chunk.quote(unit) for chunk in real_advisor.chunks() for unit in chunk.units]
    retold = f"To tell it otherwise, {quotes[7].lower()}"
    rows = [
        Row(id="by evidence", question="Who bakes?", kind="fact", answerable=True, evidence=(quotes[7],), facts=((quotes[7], quotes[9]),)),
        Row(id="retold", question="Who bakes?", kind="fact", answerable=True, evidence=(retold,), facts=((quotes[7],), (quotes[9],))),
        Row(id="by fact", question="Who bakes?", kind="fact", answerable=True, facts=((quotes[7],), (quotes[9],))),
    ]
    ones, others = ({number for number, quote in enumerate(quotes) if quotes[at] in quote or quote in quotes[at]} for at in (7, 9))
    assert not ones & others
    assert not any(is_gold(quote, (retold,)) for quote in quotes)
    by_evidence, by_likeness, by_fact = [next(iter(lessons_of_questions(real_advisor, [row], reader))).questions[0] for row in rows]
    assert set(by_evidence.gold) == ones
    assert set(by_evidence.doubtful) == others
    assert len(by_likeness.gold) == 2
    assert set(by_likeness.gold) & ones
    assert set(by_likeness.gold) & others
    assert set(by_likeness.gold + by_likeness.doubtful) == ones | others
    assert set(by_fact.gold) == ones | others
    assert not by_fact.doubtful

    scores = torch.tensor([[1.0, 9.0, 3.0, 2.0]], requires_grad=True)  # of three units, and that none answers
    _wrong(torch.log_softmax(scores, 1), [Asked([], torch.empty(0), [0], [1])]).backward()
    assert scores.grad is not None
    first, doubtful, *_ = scores.grad[0].tolist()
    assert first < 0
    assert abs(doubtful) < 1e-5


def test_beside_pieces_of_the_evidence_the_unit_most_like_it_answers_too_and_beside_all_of_it_none() -> None:
    import torch  # noqa: PLC0415

    from tests.benchmarks.train_reader import _gold_and_doubtful  # noqa: PLC0415

    evidence = "The whole fleet was burnt by night. Nobody mourned it afterwards."
    first, second = (f"{sentence.rstrip('.')}." for sentence in evidence.split(". "))
    retold, other, whole = "They burnt the fleet, unmourned.", "What was burnt was rebuilt.", f"As they say: {evidence}"
    row = Row(id="fleet", question="What became of the fleet?", kind="fact", answerable=True, evidence=(evidence,), facts=(("burnt",),))
    likeness = {evidence: 1.0, first: 0.5, second: 0.4, retold: 0.9, other: 0.1, whole: 0.6}
    vectors = {text: torch.tensor([like, (1 - like**2) ** 0.5]) for text, like in likeness.items()}
    assert _gold_and_doubtful(row, [first, second, retold, other], vectors) == ([0, 1, 2], [3])
    assert _gold_and_doubtful(row, [first, second, retold, other, whole], vectors) == ([0, 1, 4], [2, 3])


@pytest.mark.parametrize("is_drawn", [False, True])
def test_of_each_half_is_kept_what_it_learnt_or_with_an_earlier_reader_the_mean_with_it(
    is_drawn: bool, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argparse import Namespace  # noqa: PLC0415

    from tests.benchmarks import train_reader  # noqa: PLC0415

    learnt = [{name: factor + 0.1 * half for name, factor in reader.parameters_learnt().items()} for half in (1, 2)]
    monkeypatch.setattr(train_reader, "ProcessPoolExecutor", lambda count, **_: ThreadPoolExecutor(count))
    monkeypatch.setattr(train_reader, "gone_on_by_half", lambda _, half: learnt[half])
    joined = train_reader.both_halves_gone_on(Namespace(halves=tmp_path, mean=KEPT if is_drawn else None), reader.known)
    middle = train_reader.mean_by_factor(learnt, [0.5, 0.5], reader.known)
    assert np.allclose(vectors_of(joined), vectors_of(middle), atol=1e-5)
    for half, factors in enumerate(learnt):
        kept, alone = type(reader)(reader.known), train_reader.mean_by_factor([factors], [1], reader.known)
        kept.load(train_reader.half_in(tmp_path, half))
        expected = train_reader.drawn_to(KEPT, alone) if is_drawn else alone
        assert np.allclose(vectors_of(kept), vectors_of(expected), atol=1e-3)
        assert np.allclose(vectors_of(kept), vectors_of(alone), atol=1e-3) != is_drawn


def test_what_the_halves_learnt_is_joined_by_its_mean(reader: Reader) -> None:
    import torch  # noqa: PLC0415

    from tests.benchmarks.train_reader import mean_by_factor  # noqa: PLC0415

    learnt = reader.parameters_learnt()
    other = {name: tensor + 1 for name, tensor in learnt.items()}
    assert {"map", "balance", "null"} < learnt.keys()
    mean = mean_by_factor([learnt, other], [0.25, 0.75], reader.known).parameters_learnt()
    assert mean.keys() == learnt.keys()
    assert all(torch.allclose(mean[name], learnt[name] + 0.75, atol=1e-6) for name in learnt)
    same = mean_by_factor([learnt, learnt], [0.5, 0.5], reader.known)
    assert np.allclose(np.concatenate(pieces_of(same)), np.concatenate(pieces_of(reader)), atol=1e-5)


def test_a_plain_reader_is_one_that_has_learnt_nothing(reader: Reader) -> None:
    plain, untaught = type(reader)(reader.known, is_plain=True), type(reader)(reader.known)
    assert not plain.changes
    assert np.allclose(vectors_of(plain), vectors_of(untaught), atol=1e-5)
    assert not np.allclose(np.concatenate(pieces_of(plain)), np.concatenate(pieces_of(reader)), atol=1e-2)


def test_the_question_set_and_practice_weigh_alike_in_the_units_fit() -> None:
    """Though practice has twenty times the questions: each says that another sign, beside a third, tells which of two units answers."""
    from tests.benchmarks.fit_answers import Case, fit_evidence  # noqa: PLC0415
    from tests.benchmarks.train_reader import PRACTICE  # noqa: PLC0415

    def case(sign: int, source: str) -> Case:
        units = np.zeros((2, 3))
        units[0, [sign, 2]] = units[1, 1 - sign] = 1.0
        return Case(units, np.array([True, False]), (), answerable=True, fold=0, source=source)

    first, second, third = fit_evidence([case(0, ""), *[case(1, PRACTICE)] * 20])
    assert first == pytest.approx(second, abs=1e-3)
    assert third > 0.9
    against, speaks_for, _ = fit_evidence([case(1, PRACTICE)] * 20)  # by itself it would say so
    assert speaks_for > 0.2 > against


def test_what_is_fitted_where_nothing_speaks_of_a_role_are_the_typed_questions_on_held_out_articles(
    monkeypatch: pytest.MonkeyPatch, embedder: FakeEmbedder
) -> None:
    from tests.benchmarks import fit_answers  # noqa: PLC0415
    from tests.benchmarks.practice import Practice  # noqa: PLC0415

    kesh = "# Kesh\n\nThe fleet was burnt in the harbour. Nobody mourned it.\n"
    typed = ("who burnt the fleet", ("The fleet was burnt in the harbour.",))
    of_role = "# Bread baker\n\nA bread baker kneads. A bread baker rests.\n"
    written = [
        Practice(HELD_OUT - 1, "Kesh", {}, kesh, (typed,), ("who mourned the admiral",)),
        Practice(HELD_OUT, "Taught", {}, kesh, (typed,), ()),
        Practice(2 * HELD_OUT - 1, "Asked", {}, kesh, (("Who burnt the fleet?", typed[1]),), ()),
        Practice(3 * HELD_OUT - 1, "Role", {"Bread baker": []}, of_role, (("who kneads", ("A bread baker kneads.",)),), ()),
    ]
    monkeypatch.setattr(fit_answers, "read_practice", lambda: written)
    cases = list(fit_answers.cases_of_typed_practice(embedder))
    assert [(case.answerable, len(case.whole)) for case in cases] == [
        (True, 5),
        (False, 5),
        (True, 0),
    ]  # of a role other signs are looked at


def test_what_the_kept_weights_come_to_is_what_the_advisor_goes_by(real_advisor: Advisor) -> None:
    from tests.benchmarks.fit_answers import NO_GOLD, NO_UNITS, Case, by_kept_weights  # noqa: PLC0415

    questions = [
        "What is RAG?",
        "How much more does an LLM engineer earn?",
        "What does an AI engineer in New York earn in dollars?",
        "Who bakes?",
    ]
    cases = [
        Case(NO_UNITS, NO_GOLD, tuple(asdict(real_advisor.signs(question)[2]).values()), question != "Who bakes?", 0)
        for question in questions
    ]
    found, answerable = by_kept_weights(cases)
    assert answerable.tolist() == [True, True, True, False]
    assert [one >= fitted.threshold() for one in found] == [
        real_advisor.answer(question).answer.status == "answered" for question in questions
    ]
    assert 0 < found.min() < 0.1
    assert 0.9 < found.max() < 1
