"""Roles are found by any of their names, and read off a text that has no front matter."""

from __future__ import annotations

import pytest

from ingest.roles import RoleNames, attribute, inferred_roles, merged_roles
from ingest.split import split
from ingest.types import Article, Role

NAMES = RoleNames((Role("Pixel artist", ("sprite artist", "2D artist")), Role("Generative pixel artist", ("GenPix artist", "PX artist"))))


def test_the_longest_name_wins() -> None:
    assert NAMES.roles_in("What does a generative pixel artist do?") == ("Generative pixel artist",)
    assert NAMES.roles_in("What do pixel artists do?") == ("Pixel artist",)
    assert NAMES.roles_in("Sprite artists and PX artists") == ("Pixel artist", "Generative pixel artist")


def test_a_short_name_counts_where_no_full_name_stands() -> None:
    assert NAMES.roles_in("tools for the generative side") == ("Generative pixel artist",)
    assert NAMES.roles_in("a pixel artist who tries generative tools") == ("Pixel artist",)


def test_both_roles_means_all() -> None:
    assert NAMES.roles_in("What do both roles share?") == ("Pixel artist", "Generative pixel artist")


def test_where_roles_are_named_together_is_found_where_there_are_several() -> None:
    text = "Which of the two roles has both sides, and which two types of paper?"
    assert [text[place.start : place.end] for place in NAMES.all_at_once(text)] == ["the two roles"]
    assert not RoleNames(NAMES.roles[:1]).all_at_once(text)


def test_neutral_text_calls_all_roles_the_same() -> None:
    assert NAMES.neutral("Do sprite artists or PX artists earn more?") == "Do artist or artist earn more?"


def test_roles_are_read_off_a_text() -> None:
    text = (
        "A Pixel Artist (sometimes called a Sprite Artist) draws. Generative Pixel Artists (PX artists, GenPix builders) prompt. "
        "Pixel Artists draw on. Generative Pixel Artists prompt on. A Pixel Artist and a Generative Pixel Artist met. Gen Pixel Artists too."
    )
    found = {role.name: set(role.others) for role in inferred_roles(text)}
    assert found == {"Pixel Artist": {"Sprite Artist"}, "Generative Pixel Artist": {"PX artist", "GenPix builder", "Gen Pixel Artist"}}


def test_roles_of_two_articles_that_share_a_name_are_one() -> None:
    one = Article("1", "t", "x", roles=(Role("A cook", ("B cook",)), Role("D cook", ())))
    two = Article("2", "t", "x", roles=(Role("B cook", ("C cook",)),))
    assert merged_roles([one, two]) == (Role("A cook", ("B cook", "C cook")), Role("D cook", ()))


def test_roles_that_an_article_tells_apart_are_never_one() -> None:
    one = Article("1", "t", "x", roles=(Role("A cook", ("cook",)), Role("B cook", ("cook",))))
    assert [role.name for role in merged_roles([one])] == ["A cook", "B cook"]


def test_a_name_without_a_word_names_nothing() -> None:
    names = RoleNames((Role("Bread baker", ("\N{BLACK STAR}",)), Role("---")))
    assert names.roles_in("A bread baker \N{BLACK STAR} ---") == ("Bread baker",)


def roles_of(text: str) -> dict[str, tuple[str, ...]]:
    chunks = split(Article("a", "A", text), len, 1280, 2560)
    return {chunk.quote(unit): unit.roles for chunk in attribute(chunks, NAMES) for unit in chunk.units}


def test_what_one_item_of_a_list_names_the_next_ones_are_not_on() -> None:
    text = "Pixel artists draw.\n\n- Sprite artists keep files\n- Generative pixel artists write prompts\n- Brushes are dear\n\nThey rest."
    assert roles_of(text) == {
        "Pixel artists draw.": ("Pixel artist",),
        "Sprite artists keep files": ("Pixel artist",),
        "Generative pixel artists write prompts": ("Generative pixel artist",),
        "Brushes are dear": ("Pixel artist",),
        "They rest.": ("Pixel artist",),
    }


@pytest.mark.parametrize("opens", ["{}:", "{}", "**{}s**", "**{}:**"])
def test_items_under_one_that_only_names_a_role_are_on_it(opens: str) -> None:
    first, second = opens.format("Pixel artist"), opens.format("Generative pixel artist")
    found = roles_of(f"Two roles matter:\n\n- {first}\n  - draws\n  - colours\n- {second}\n  - writes prompts")
    assert [found[item] for item in ("draws", "colours", "writes prompts")] == [NAMES.roles_in(first)] * 2 + [NAMES.roles_in(second)]


def test_what_follows_on_an_item_is_on_what_the_item_names() -> None:
    assert roles_of("Pixel artists are old.\n\n- Generative pixel artist\n\nWrites prompts.")["Writes prompts."] == (
        "Generative pixel artist",
    )


def test_a_further_sentence_of_a_long_item_is_on_what_the_item_names() -> None:
    further = "They keep " + "brushes, " * 60 + "and rest."
    found = roles_of(f"Two trades:\n\n- Sprite artists draw. {further}\n- Brushes are dear")
    assert found[further] == ("Pixel artist",)
    assert found["Brushes are dear"] == ()
