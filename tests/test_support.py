"""Whether a claim is supported: what must hold whatever the weights are, and what the fitted ones tell apart."""

from __future__ import annotations

import pytest
from conftest import FakeEmbedder

from chatbot import fitted
from chatbot.contradiction import clash, is_reversed, strange_names
from chatbot.statements import Statement, parts_of, sentences_as_statements, statements_of
from chatbot.support import signs_of, support
from ingest.embed import SentenceTransformerEmbedder
from ingest.roles import RoleNames
from ingest.types import Chunk, Role, Span, Unit

NAMES = RoleNames([Role("Bread baker"), Role("Pastry chef")])
HEADER = "| Aspect | Bread baker | Pastry chef |"
ROW = "| Pay | 21 coins | 34 coins |"
BAKES = "A bread baker kneads dough for three hours each day."


def one(claim: str, told: str, embedder: FakeEmbedder, roles: tuple[str, ...] = ("Bread baker",)) -> dict[str, float]:
    (signs,) = signs_of(claim, [Statement(told, roles=roles)], embedder, NAMES)
    return {name: getattr(signs, name) for name in ("numbers", "periods", "names", "denies", "denied", "opposite", "turned")}


@pytest.mark.parametrize(
    ("claim", "sign"),
    [
        ("A bread baker kneads dough for nine hours each day.", "numbers"),
        ("A bread baker kneads dough for three hours each year.", "periods"),
        ("A bread baker in Paris kneads dough for three hours each day.", "names"),
        ("A bread baker does not knead dough for three hours each day.", "denies"),
        ("A pastry chef kneads dough for three hours each day.", "turned"),
    ],
)
def test_what_does_not_fit_is_seen(claim: str, sign: str, embedder: FakeEmbedder) -> None:
    assert one(claim, BAKES, embedder)[sign]
    assert not any(one(BAKES, BAKES, embedder).values())


def test_a_comparison_turned_round_is_seen(embedder: FakeEmbedder) -> None:
    told = "A good oven matters more than a sharp knife."
    assert one("A sharp knife matters more than a good oven.", told, embedder)["turned"]
    assert not one(told, told, embedder)["turned"]


def test_numbers_are_the_same_in_words_and_digits(embedder: FakeEmbedder) -> None:
    assert not one("A bread baker earns 20 percent more.", "A bread baker earns a fifth more.", embedder)["numbers"]
    assert not one("Bread bakers need 3 years.", "The bread baker's three-year training.", embedder)["numbers"]


def test_a_number_may_stand_in_another_statement(embedder: FakeEmbedder) -> None:
    told = [Statement("Bread bakers rest on Monday."), Statement("Their training takes three years.")]
    for years, is_strange in (("three", False), ("nine", True)):
        signs = signs_of(f"Bread bakers rest after {years} years.", told, embedder)
        assert [of_one.numbers for of_one in signs] == [is_strange, is_strange]


def test_a_thing_counted_otherwise_does_not_fit_though_its_number_stands_elsewhere(embedder: FakeEmbedder) -> None:
    told = [Statement("Bread bakers rest for two days."), Statement("Their training takes nine years.")]
    signs = signs_of("Bread bakers rest for nine days.", told, embedder)
    assert [of_one.numbers for of_one in signs] == [True, False]


def test_a_cell_speaks_of_the_role_of_its_column() -> None:
    unit = Unit(Span(len(HEADER) + 1, len(HEADER) + 1 + len(ROW)), "row", Span(0, len(HEADER)))
    text = f"{HEADER}\n{ROW}"
    chunk = Chunk("a", "A", ("H",), 0, len(text), text, (unit,), Span(0, len(text)))
    told = {statement.roles: statement.whole for statement in statements_of(chunk, NAMES) if not statement.parted}
    assert told == {("Bread baker",): "Bread baker. Pay 21 coins", ("Pastry chef",): "Pastry chef. Pay 34 coins"}


NUMBERED = "| # | Matter | Bread baker | Pastry chef |\n| 1 | Pay | 21 coins | 34 coins |"


def test_a_rows_number_is_not_its_label() -> None:
    header = NUMBERED.index("\n")
    unit = Unit(Span(header + 1, len(NUMBERED)), "row", Span(0, header))
    chunk = Chunk("a", "A", ("H",), 0, len(NUMBERED), NUMBERED, (unit,), Span(0, len(NUMBERED)))
    told = {statement.roles: statement.text for statement in statements_of(chunk, NAMES) if not statement.parted}
    assert told == {("Bread baker",): "Pay 21 coins", ("Pastry chef",): "Pay 34 coins"}


@pytest.mark.parametrize(
    ("claim", "told", "is_contrary"),
    [
        ("The badge is needed, the exam is not.", "The exam is needed, the badge is not.", True),
        ("The badge is needed, the exam is not.", "The badge is needed, the exam is not.", False),
        ("No badge is needed.", "A badge is unnecessary.", False),
        ("Price is a major drawback.", "Price is a minor drawback.", True),
        ("They are hired in large numbers, many of them at home.", "Few of them are hired.", True),
        ("He bakes forty loaves or more.", "He bakes at least forty loaves.", False),
    ],
)
def test_denials_and_opposites_are_compared_clause_by_clause(claim: str, told: str, is_contrary: bool) -> None:
    assert clash(claim, told).any == is_contrary


@pytest.mark.parametrize(
    ("claim", "told", "is_turned"),
    [
        ("Knives cost more than ovens.", "Ovens cost more than knives.", True),
        ("Knives cost less than ovens.", "Ovens cost more than knives.", False),
        (
            "First the dough rests, then the oven is heated and the loaf shaped.",
            "Shape the loaf, heat the oven, and only then rest the dough.",
            True,
        ),
        ("Shape the loaf after heating the oven and resting dough.", "Rest the dough and heat the oven, then shape the loaf.", False),
    ],
)
def test_what_is_told_the_other_way_round_is_seen(claim: str, told: str, is_turned: bool) -> None:
    assert is_reversed(claim, told) == is_turned


def test_a_name_that_opens_a_sentence_is_one() -> None:
    assert strange_names("Java is where bakers learn.", {"python"})
    assert not strange_names("Baking is what bakers learn.", {"python"})


def test_a_trade_names_its_role() -> None:
    names = RoleNames([Role("Photographer"), Role("Nurse")])
    assert parts_of("Photography takes patience, while nursing takes strength.", names) == [
        "Photography takes patience",
        "nursing takes strength.",
    ]


def test_a_claim_on_two_roles_is_two_claims() -> None:
    claim = "Bread bakers rise before dawn, while pastry chefs start in the afternoon."
    assert parts_of(claim, NAMES) == ["Bread bakers rise before dawn", "pastry chefs start in the afternoon."]
    assert parts_of("Bread bakers earn less than pastry chefs.", NAMES) == ["Bread bakers earn less than pastry chefs."]


def test_nothing_supports_nothing(embedder: FakeEmbedder) -> None:
    assert support(BAKES, [], embedder).probability == 0
    assert support("🍞", sentences_as_statements(["", "…"]), embedder).probability == 0


@pytest.mark.model
def test_a_paraphrase_passes_and_its_opposites_do_not(real_embedder: SentenceTransformerEmbedder) -> None:
    told = [Statement("The surveyor measures land with a total station and draws the plan.", roles=("Surveyor",))]
    names = RoleNames([Role("Surveyor"), Role("Town planner")])

    def passes(claim: str) -> bool:
        return support(claim, told, real_embedder, names).probability >= fitted.support_threshold()

    assert passes("A surveyor measures the land with a total station and draws a plan.")
    assert not passes("A town planner measures the land with a total station and draws a plan.")
    assert not passes("A surveyor never measures land and draws no plan.")
    assert not passes("A surveyor negotiates loans with the bank.")
