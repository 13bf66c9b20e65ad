"""Whether a claim is supported: what must hold whatever the weights are, and what the fitted ones tell apart."""

from __future__ import annotations

import pytest
from conftest import FakeEmbedder

from chatbot import fitted
from chatbot.support import Statement, parts_of, sentences_as_statements, signs_of, statements_of, support
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


def test_a_cell_speaks_of_the_role_of_its_column() -> None:
    unit = Unit(Span(len(HEADER) + 1, len(HEADER) + 1 + len(ROW)), "row", Span(0, len(HEADER)))
    text = f"{HEADER}\n{ROW}"
    chunk = Chunk("a", "A", ("H",), 0, len(text), text, (unit,), Span(0, len(text)))
    told = {statement.roles: statement.whole for statement in statements_of(chunk, NAMES) if not statement.parted}
    assert told == {("Bread baker",): "Bread baker. Pay 21 coins", ("Pastry chef",): "Pastry chef. Pay 34 coins"}


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
