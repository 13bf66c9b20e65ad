"""Reading a model's text as it comes: whatever its pieces, what is shown is the same, and no mark but ours is in it."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import pytest

from chatbot.cite import MARK
from chatbot.claims import ClaimReader
from chatbot.marks import numbers_in, stripped

TEXTS = {
    "plain": "Bakers bake bread [1]. Chefs decorate all cakes. [2] Both roles rise early.",
    "groups": "Bakers bake bread at dawn [1][2], chefs bake cakes at noon [3, 4], and all rest [1-3].",
    "a table": "| Aspect | Baker | Chef |\n|---|---|---|\n| Pay e.g. a week | 21 coins [1] | 34 coins. [2] |\n| Mood | calm | |\n\nThat is the whole comparison.",
    "a list": "They need these things:\n\n- a stone oven of their own [1]\n- a bench scraper of steel\n\n1. First one kneads the dough [2].",
    "odd marks": "An oven [12] and 【3】 and [ 4 ] are tools. [x] [2024] [] [1",
    "abbreviations": "Tools, e.g. an oven or a scraper, are dear [1]. Prices rose by 3.5 percent vs. last year [2].",
    "nothing": "   \n ",
    "other marks": "It kneads dough [^2], it rises early [Passage 2]. It bakes 【2†source】 and rests ［3］. All of it is so [1 and 2].",
    "marks in marks": "Volcanoes sing opera here [1[99]]. They sing again here [7[99]] [[99]5] and [[2]1] and [1[[3]]2].",
    "a mark first": "- [2] Bakers eat diamonds every day.\n[3] Chefs eat pearls at night. [1] Millers eat dust.\n",
    "code": "Loop with `x[1]` over all of it [2].\n\n```python\ny = arr[50] and z[1]. Then w[2]\n```\n\nThe loss is $x[1] + y$ for $900 [1] and $5 [2].",
    "an opening bracket": "[link](http://x.example) and ![image](y) [[3]] stay text that is shown [1].",
}


class Recorder:
    """Gives every claim the next number, or nothing where it proves none; keeps what it was asked."""

    def __init__(self, proves: bool = True) -> None:
        self.asked: list[tuple[str, list[int]]] = []
        self._proves = proves

    def __call__(self, claim: str, numbers: Sequence[int]) -> str:
        self.asked.append((claim, list(numbers)))
        return f"[{len(self.asked)}]" if self._proves else ""


def shown_by(reader: ClaimReader, pieces: Sequence[str]) -> str:
    return "".join([*(text for piece in pieces for text in reader.feed(piece)), *reader.end()])


def read(pieces: Sequence[str], proves: bool = True) -> tuple[str, list[tuple[str, list[int]]]]:
    recorder = Recorder(proves)
    return shown_by(ClaimReader(recorder), pieces), recorder.asked


def unproved(text: str) -> int:
    reader = ClaimReader(Recorder(proves=False))
    shown_by(reader, [text])
    return reader.unproved


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
    assert not MARK.search(read(list(TEXTS[name]), proves=False)[0])


def test_no_bracket_of_the_models_makes_a_mark_beside_what_is_taken_out() -> None:
    for seed in range(2000):
        text = "A word is here " + "".join(random.Random(seed).choices(["[", "]", "1", "2", " ", ".", "\n", "x", "【3】", "`", "|"], k=25))
        assert not MARK.search(read(list(text), proves=False)[0]), text


@pytest.mark.parametrize(
    "text",
    [
        "Bakers knead dough [1] and earn ten million dollars on Mars.",
        "## Bakers earn nine million dollars a week on Mars",
        "Bakers earn nine million dollars a week on Mars:",
        "Salary: 900k.",
        "Bakers need PhDs.",
        "| Aspect | Baker |\n|---|---|\n| Pay | 900 diamonds |",
        "| Aspect | Baker |\n|---|---|\n| Degree | Yes |",
        "```\nBakers earn millions.\n```",
        "Bakers knead dough [77]",
    ],
)
def test_what_states_something_is_proved_or_counted(text: str) -> None:
    cited = "[1]" in text
    assert unproved(text) == 1 + cited


@pytest.mark.parametrize(
    "text",
    [
        "## Skills",
        "Pay:",
        "**Key tools**",
        "They need these things:",
        "| Aspect | Baker |\n|---|---|\n| Pay | not said |\n| Mood | – |",
        "1.",
        "Yes.",
    ],
)
def test_what_states_nothing_is_no_claim(text: str) -> None:
    assert unproved(text) == 0
    assert read([text])[0] == text


def test_a_mark_that_opens_a_sentence_belongs_to_it() -> None:
    assert read([TEXTS["a mark first"]])[1] == [
        ("Bakers eat diamonds every day.", [2]),
        ("Chefs eat pearls at night.", [3, 1]),
        ("Millers eat dust.", []),
    ]
    assert read(["Bakers bake bread [1]. [2] Chefs decorate cakes."])[1] == [("Bakers bake bread", [1]), ("Chefs decorate cakes.", [2])]


def test_every_form_of_a_mark_is_read_but_none_in_code() -> None:
    assert [numbers for _, numbers in read([TEXTS["other marks"]])[1]] == [[2], [2], [2], [3], [1, 2]]
    text, asked = read([TEXTS["code"]])
    assert [numbers for _, numbers in asked] == [[2], [1], [2]]
    assert "`x(1)`" in text
    assert "y = arr(50) and z(1). Then w(2)\n" in text


# --- a model that cannot answer

NOTHING = [
    "NO_ANSWER",
    "NO_ANSWER.",
    "NO ANSWER",
    "no_answer",
    "NO-ANSWER",
    "NO\\_ANSWER",
    "_NO_ANSWER_",
    "**NO_ANSWER**",
    "> NO_ANSWER",
    "- NO_ANSWER",
    "(NO_ANSWER)",
    "Answer: NO_ANSWER",
    "\u200bNO_ANSWER",
    " \n`NO_ANSWER` as nothing is said",
    "The passages do not answer this question.",
    "The provided passages don't mention salaries [1].",
    "I'm sorry, but I cannot answer that from the passages.",
    "I’m sorry. The passages do not say what bakers earn.\n\nNO_ANSWER",
]


@pytest.mark.parametrize("text", NOTHING)
def test_a_model_that_cannot_answer_shows_nothing(text: str) -> None:
    for pieces in ([text], list(text)):
        reader = ClaimReader(Recorder())
        assert shown_by(reader, pieces) == ""
        assert reader.withheld
        assert reader.unproved == 0


@pytest.mark.parametrize("text", ["NO_ONE bakes bread here", "NO", "No answer fits all bakers.", "The passages do not lie."])
def test_a_word_that_only_begins_like_it_is_shown(text: str) -> None:
    assert read(list(text))[0].startswith(text)


def test_the_word_behind_an_answer_is_not_shown() -> None:
    assert read(["Bakers bake bread [1].\n\nNO_ANSWER"])[0] == "Bakers bake bread [1].\n\n"


def test_the_part_that_cannot_be_answered_is_no_claim_unless_more_is_said_with_it() -> None:
    reader = ClaimReader(Recorder())
    text = "The passages do not say what bakers earn. Bakers bake bread [1]."
    assert shown_by(reader, list(text)) == text
    assert (reader.declined, reader.withheld) == (True, False)
    assert unproved("Bakers bake bread. The passages do not mention pay, but bakers earn nine million dollars.") == 2


@pytest.mark.parametrize(
    "text",
    [
        " " * 20_000,
        "!" * 20_000,
        ". " * 10_000,
        "[1" * 10_000,
        "[1]" * 7_000,
        "`" * 20_001,
        "$a " * 7_000,
        "*" * 20_000,
        "x" + "\t" * 20_000 + "|",
    ],
)
@pytest.mark.parametrize("size", [1, 20, 100_000])
def test_runs_take_no_long_time(text: str, size: int) -> None:
    text = f"Bakers bake bread [1]. x{text}y done."
    started = time.process_time()
    read([text[at : at + size] for at in range(0, len(text), size)])
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("marks", "numbers"),
    [
        ("[1]", [1]),
        ("[1, 2] [3]", [1, 2, 3]),
        ("[2–4]", [2, 3, 4]),
        ("【7†source】", [7]),
        ("[Passages 1 and 2]", [1, 2]),
        ("[1-999]", list(range(1, 22))),
    ],
)
def test_numbers_of_marks(marks: str, numbers: list[int]) -> None:
    assert numbers_in(marks) == numbers
    assert stripped(f"so{marks}") == "so"
