"""What a question wants defined or named otherwise, and which sentences say what that is, or how it is called."""

from __future__ import annotations

import pytest

from chatbot.definition import Subject, other_names_in, subject_of
from ingest.roles import RoleNames
from ingest.terms import terms
from ingest.types import Role

NAMES = RoleNames((Role("Bread baker", ("loaf maker",)), Role("Pastry chef", ("cake artist",))))


def asked_of(question: str) -> Subject:
    subject = subject_of(question, NAMES)
    assert subject
    return subject


@pytest.mark.parametrize(
    "question",
    [
        "What is a bread baker?",
        "ok, who is a loaf maker",
        "define bread baker in one sentence",
        "Bread baker - what does that even mean?",
        'Please define "loaf maker" for our staff handbook.',
        "What is a bread baker, in one or two lines?",
        "For my daughter: what is a bread baker? She wants to know.",
        "In one sentence, what is a bread baker?",
        "Define for me: a bread baker.",
    ],
)
def test_a_role_is_to_be_defined(question: str) -> None:
    subject = asked_of(question)
    assert subject.role == "Bread baker"


@pytest.mark.parametrize(
    "question",
    [
        "What does a bread baker earn?",
        "What is the difference between a bread baker and a pastry chef?",
        "Who is happier, a bread baker or a cake artist?",
        "What is the first thing that a bread baker learns in the morning?",
        "Is a bread baker a chef?",
        "What is the best oven for a bread baker?",
        "What is a bread baker? I would rather be a pastry chef.",
        "A bread baker needs a licence. What does that mean?",
        "I am a bread baker. What do I do?",
        "What does it mean for a pastry chef to be certified?",
        "What is a bread baker vs. a patissier?",
        "",
    ],
)
def test_no_definition_is_asked_for(question: str) -> None:
    assert subject_of(question, NAMES) is None


@pytest.mark.parametrize(
    ("sentence", "defines"),
    [
        ("A bread baker is someone who bakes loaves.", 1.0),
        ("The bread baker, an early riser by trade, bakes loaves.", 1.0),
        ("A bread baker (sometimes called a loaf maker) is up at three.", 1.0),
        ("A bread baker, whom some call a loaf maker, is up at three.", 1.0),
        ("Bread bakers work at night.", 0.5),
        ("A bread baker and a pastry chef share an oven.", 0.0),
        ("A bread baker, a pastry chef, and a cook share an oven.", 0.0),
        ("Demand for bread bakers is high.", 0.0),
        ("Choose a bread baker if you need loaves.", 0.0),
        ("Many people want to be a bread baker is what we hear.", 0.0),
        ("A pastry chef is someone who bakes cakes.", 0.0),
        ("", 0.0),
    ],
)
def test_a_sentence_that_opens_with_the_role_defines_it(sentence: str, defines: float) -> None:
    subject = asked_of("What is a bread baker?")
    assert subject.defined_in(sentence) == defines


def test_a_roles_short_name_is_a_word_like_others() -> None:
    subject = asked_of("What is pastry?")
    assert subject.role is None
    assert subject.defined_in("Pastry is dough with fat in it.") == 1.0


def test_a_word_is_defined_by_the_sentence_that_opens_with_it() -> None:
    subject = asked_of("What is sourdough?")
    assert subject.defined_in("Sourdough is dough that rises by wild yeast.") == 1.0
    assert subject.defined_in("Wild yeast lifts sourdough.") == 0.0


@pytest.mark.parametrize(
    "question",
    [
        "What does SCP mean? My boss keeps saying it.",
        "what's scp",
        "For our glossary, SCP stands for what?",
        "Define SCP for me.",
        "what is SCP short for",
    ],
)
def test_a_short_form_is_defined_where_it_is_spelled_out(question: str) -> None:
    subject = asked_of(question)
    assert subject.defined_in("Tarts are made of Short Crust Pastry (SCP).") == 1.0
    assert subject.defined_in("Short-crust pastry (SCPs) crumbles.") == 1.0
    assert subject.defined_in("A tart is brittle pastry (SCP).") == 0.0
    assert subject.defined_in("Tarts are made of SCP.") == 0.0


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("What are SCPs?", "Tarts are made of short crust pastries (SCPs)."),
        ("What is TBS?", "They add table butter salts (TBS) to it."),
        ("What is DAC?", "We serve it as dough and cream (DAC)."),
        ("What does SAR stand for?", "It is sold as slow acting rye (SaR)."),
    ],
)
def test_a_short_form_may_be_a_plural_end_in_an_s_or_leave_small_words_out(question: str, sentence: str) -> None:
    subject = asked_of(question)
    assert subject.defined_in(sentence) == 1.0


@pytest.mark.parametrize(
    "question", ["What is few-line shaping?", "I bake. What is a few-line shaping?", "Explain few-line shaping for my boss."]
)
def test_every_word_of_what_is_to_be_defined_counts(question: str) -> None:
    subject = asked_of(question)
    assert subject.defined_in("Few-line shaping is an art.") == 1.0
    assert subject.defined_in("Shaping is an art.") == 0.0


@pytest.mark.parametrize(
    "question",
    [
        "I bake. What is that?",
        "I studied maths. What are my chances?",
        "I bake. What is the best oven?",
        "I was laid off. What is left?",
        "For starters, what is the pay?",
        "For my CV, what is the best skill to list?",
    ],
)
def test_what_follows_on_another_sentence_is_no_definition_where_it_points_back(question: str) -> None:
    assert subject_of(question, NAMES) is None


@pytest.mark.parametrize(
    "question",
    [
        "What other job titles are used for a bread baker?",
        "What else is a bread baker called?",
        "Is loaf maker just another name for a bread baker?",
        "Which titles do bread bakers go by?",
        "Is a bread baker also known as a loaf maker?",
        "What's the alternative title of a bread baker?",
    ],
)
def test_the_other_names_of_a_role_are_asked_for(question: str) -> None:
    found = other_names_in(question, NAMES)
    assert found
    assert found.role == "Bread baker"


@pytest.mark.parametrize(
    "question",
    [
        "What does a bread baker earn?",
        "Who coined the title bread baker?",
        "Do a bread baker and a pastry chef have other names?",
        "What other names are there?",
        "What other names of flour should a bread baker know?",
        "What else does a bread baker do before a call?",
        "How does a bread baker handle synonyms on a menu?",
        "Is another job title better paid than bread baker?",
        "What other job titles can a bread baker grow into?",
        "What do bread bakers call a loaf that fell?",
        "Do bread bakers use different names for the same dough?",
        "",
    ],
)
def test_no_other_name_is_asked_for(question: str) -> None:
    assert other_names_in(question, NAMES) is None


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("A bread baker (sometimes called a loaf maker) is up at three.", True),
        ("Bread bakers, or loaf makers, are up at three.", True),
        ("Bread bakers like other bread bakers.", False),
        ("A loaf maker reports to a bread baker.", False),
        ("From loaf maker to bread baker", False),
        ("A loaf maker calls the bread baker.", False),
        ("Ask a loaf maker. A bread baker knows too.", False),
        ("A bread baker and a cake artist share an oven.", False),
        ("A pastry chef or cake artist is up at six.", False),
        ("A bread baker gets up at three, works until noon, and is then a mere loaf maker.", False),
        ("", False),
    ],
)
def test_a_sentence_in_which_two_names_stand_side_by_side_names_a_role_otherwise(sentence: str, named: bool) -> None:
    found = other_names_in("What else is a bread baker called?", NAMES)
    assert found
    assert found.named_in(sentence) is named


def test_a_roles_other_names_are_searched_for_by_all_of_them() -> None:
    found = other_names_in("What else is a bread baker called?", NAMES)
    assert found
    assert set(found.terms) == set(terms("bread baker loaf maker"))
