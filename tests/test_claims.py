"""Reading a model's text as it comes: whatever its pieces, what is shown is the same, and no mark but ours is in it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from chatbot.cite import MARK
from chatbot.claims import ClaimReader, numbers_in

TEXTS = {
    "plain": "Bakers bake bread [1]. Chefs decorate all cakes. [2] Both roles rise early.",
    "groups": "Bakers bake bread at dawn [1][2], chefs bake cakes at noon [3, 4], and all rest [1-3].",
    "a table": "| Aspect | Baker | Chef |\n|---|---|---|\n| Pay e.g. a week | 21 coins [1] | 34 coins. [2] |\n| Mood | calm | |\n\nThat is the whole comparison.",
    "a list": "They need these things:\n\n- a stone oven of their own [1]\n- a bench scraper of steel\n\n1. First one kneads the dough [2].",
    "odd marks": "An oven [12] and 【3】 and [ 4 ] are tools. [x] [2024] [] [1",
    "abbreviations": "Tools, e.g. an oven or a scraper, are dear [1]. Prices rose by 3.5 percent vs. last year [2].",
    "nothing": "   \n ",
    "an opening bracket": "[link](http://x.example) and ![image](y) [[3]] stay text that is shown [1].",
}


class Recorder:
    """Gives every claim the next number, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[int]]] = []

    def __call__(self, claim: str, numbers: Sequence[int]) -> str:
        self.asked.append((claim, list(numbers)))
        return f"[{len(self.asked)}]"


def read(pieces: Sequence[str]) -> tuple[str, list[tuple[str, list[int]]]]:
    recorder = Recorder()
    reader = ClaimReader(recorder)
    return "".join([*(reader.feed(piece) for piece in pieces), reader.end()]), recorder.asked


def test_each_claim_is_proved_with_its_own_words() -> None:
    text, asked = read([TEXTS["plain"]])
    assert text == "Bakers bake bread [1]. Chefs decorate all cakes. [2] Both roles rise early. [3]"
    assert asked == [("Bakers bake bread", [1]), ("Chefs decorate all cakes.", [2]), ("Both roles rise early.", [])]


def test_a_cell_is_proved_with_the_heads_of_its_column_and_row() -> None:
    _, asked = read([TEXTS["a table"]])
    assert ("Baker Pay e.g. a week 21 coins", [1]) in asked
    assert ("Chef Pay e.g. a week 34 coins.", [2]) in asked


def test_several_marks_prove_one_claim() -> None:
    _, asked = read([TEXTS["groups"]])
    assert [numbers for _, numbers in asked] == [[1, 2], [3, 4], [1, 2, 3]]


@pytest.mark.parametrize("name", TEXTS)
def test_pieces_make_no_difference(name: str) -> None:
    whole = read([TEXTS[name]])
    text = TEXTS[name]
    assert read(list(text)) == whole
    for seed in range(30):
        draw = random.Random(seed)
        cuts = sorted(draw.sample(range(len(text) + 1), k=min(len(text), draw.randint(1, 12))))
        assert read([text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]) == whole


@pytest.mark.parametrize("name", TEXTS)
def test_only_our_marks_are_shown(name: str) -> None:
    text, asked = read(list(TEXTS[name]))
    assert sorted(int(number) for number in MARK.findall(text)) == list(range(1, len(asked) + 1))


@pytest.mark.parametrize("pieces", [["NO_ANSWER"], ["NO", "_AN", "SWER", "."], list(" \n`NO_ANSWER` as nothing is said")])
def test_a_model_that_cannot_answer_shows_nothing(pieces: list[str]) -> None:
    reader = ClaimReader(Recorder())
    assert "".join([*(reader.feed(piece) for piece in pieces), reader.end()]) == ""
    assert reader.withheld


def test_a_word_that_only_begins_like_it_is_shown() -> None:
    assert read(list("NO_ONE bakes bread here at all"))[0].startswith("NO_ONE bakes")
    assert read(["NO"])[0] == "NO"


@pytest.mark.parametrize(
    ("marks", "numbers"), [("[1]", [1]), ("[1, 2] [3]", [1, 2, 3]), ("[2–4]", [2, 3, 4]), ("【7】", [7]), ("[1-999]", list(range(1, 22)))]
)
def test_numbers_of_marks(marks: str, numbers: list[int]) -> None:
    assert numbers_in(marks) == numbers
