"""Files become articles: front matter, plain text that lost its shape, and files that cannot be read."""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.articles import clean, find_articles, front_matter, read_article
from ingest.errors import ArticleError, CorpusError
from ingest.plain_text import to_markdown
from ingest.roles import inferred_roles
from ingest.types import Role

LIMIT = 1_000_000

PUBLISHED = """\
Jane Doe
Author
The Two Trades Compared

Bakers bake. They rise early.

Key Traits:

  • Strong arms
  • Early mornings

Side by Side

Bread BakerPastry Chef
Main WorkBread & rollsCakes & tarts
Best ToolsStone ovenPiping bag
Usual MoodCalmHectic

Which One Fits You?

If you like quiet, bake bread.
"""


def test_front_matter_is_read(write_article: Callable[[str, str], Path]) -> None:
    path = write_article(
        "x.md", "---\ntitle: T\nauthor: A\npublished: 2026-01-02\nurl: https://example.org/x\nroles:\n  Baker: [miller]\n---\nText.\n"
    )
    article = read_article("x", path, LIMIT)
    assert (article.title, article.author, article.published, article.url) == ("T", "A", "2026-01-02", "https://example.org/x")
    assert article.roles == (Role("Baker", ("miller",)),)
    assert article.text == "Text.\n"


@pytest.mark.parametrize(
    "start",
    [
        "---\n\ntitle: T\n---\n",
        '---\n"title": T\n---\n',
        "---\nreading time: 5\ntitle: T\n---\n",
        "---\ntitle: T\n...\n",
        "---\n# a remark\ntitle: T\n---\n",
    ],
)
def test_front_matter_is_whatever_yaml_takes_for_names(start: str, write_article: Callable[[str, str], Path]) -> None:
    article = read_article("x", write_article("x.md", start + "Text.\n"), LIMIT)
    assert (article.title, article.text) == ("T", "Text.\n")


@pytest.mark.parametrize(
    "text", ["Words.", "Words: as in a sentence.", "- one\n- two", "Words\n\n[more", "* one\n* two", "# Heading: words"]
)
def test_text_between_two_rules_is_text(text: str, write_article: Callable[[str, str], Path]) -> None:
    whole = f"---\n\n{text}\n\n---\n\nMore.\n"
    assert read_article("x", write_article("x.md", whole), LIMIT).text == whole


def test_an_article_without_front_matter_is_titled_by_its_heading_or_opening(write_article: Callable[[str, str], Path]) -> None:
    assert read_article("a", write_article("a.md", "# A heading\n\nText.\n"), LIMIT).title == "A heading"
    assert read_article("b", write_article("b.txt", "It begins like this. And goes on.\n"), LIMIT).title == "It begins like this"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x.org", "https://x.org/<script>", "nonsense"])
def test_only_a_web_address_is_a_url(url: str, write_article: Callable[[str, str], Path]) -> None:
    assert read_article("x", write_article("x.md", f"---\nurl: '{url}'\n---\nText.\n"), LIMIT).url is None


def test_published_text_finds_its_headings_lists_and_table() -> None:
    markdown, author = to_markdown(PUBLISHED)
    assert author == "Jane Doe"
    assert markdown.startswith("# The Two Trades Compared\n")
    assert "## Side by Side\n" in markdown
    assert "## Which One Fits You?\n" in markdown
    assert "- Strong arms\n- Early mornings" in markdown
    assert "| Bread BakerPastry Chef |\n|---|\n| Main WorkBread & rollsCakes & tarts |" in markdown


def test_plain_text_keeps_every_word() -> None:
    markdown, _ = to_markdown(PUBLISHED)
    words = markdown.replace("#", " ").replace("|", " ").replace("---", " ").split()
    lost = [word for word in PUBLISHED.split("Author\n", 1)[1].replace("•", " ").split() if word not in words]
    assert lost == []


def test_wrapped_lines_are_one_paragraph_and_long_lines_are_one_each() -> None:
    assert to_markdown("a line that goes on\nand ends here.\n")[0] == "a line that goes on\nand ends here.\n"
    assert to_markdown("One thing is so.\nAnother thing is so.\nA third one is so.\n")[0].count("\n\n") == 2


def test_hidden_text_is_gone(write_article: Callable[[str, str], Path]) -> None:
    tag = "".join(chr(0xE0000 + ord(character)) for character in "secret")
    path = write_article("x.md", f"Seen.<!-- hidden -->\u200b{tag}\u202e Also\x1b[31m seen.\n<!-- never closed")
    text = read_article("x", path, LIMIT).text
    assert "hidden" not in text
    assert "never closed" not in text
    assert not any(ord(character) > 0xE0000 or character in "\u200b\u202e\x1b" for character in text)


def test_text_is_normalised() -> None:
    assert clean("ﬁrst oﬃce\r\nnext\rlast") == "first office\nnext\nlast"


def test_every_kind_of_break_parts_words() -> None:
    assert clean("one\x0ctwo\x0bthree\x85four\u2028five\x1csix") == "one\ntwo\nthree\nfour\nfive\nsix"


def test_what_an_unseen_character_parted_is_normalised() -> None:
    assert clean("caf" + "e\u200b\u0301") == "café"


@given(st.text(st.characters(exclude_categories=())))
def test_clean_text_is_nfkc_and_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFKC", once)


def test_an_alias_bomb_costs_nothing() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    started = time.perf_counter()
    with pytest.raises(ArticleError, match="aliases"):
        front_matter(bomb)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("text", ["title: [", "- a\n- b", "title: !!python/object:os.system x", "just words", "a: " + "[" * 5000])
def test_bad_front_matter_is_named(text: str) -> None:
    with pytest.raises(ArticleError, match="front matter"):
        front_matter(text)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff\xfe\xfa bad", "not UTF-8|no text"), (b"abc\0def", "not a text file"), (b"caf\xe9 au lait", "not UTF-8"), (b" \n ", "no text")],
)
def test_a_bad_file_says_why(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(content)
    with pytest.raises(ArticleError, match=reason):
        read_article("x", path, LIMIT)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("word " * 1000)
    with pytest.raises(ArticleError, match="larger than"):
        read_article("x", path, 100)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.txt")
    with pytest.raises(ArticleError, match="not a regular file"):
        read_article("x", tmp_path / "x.txt", LIMIT)


def test_links_out_of_the_folder_hidden_files_and_other_formats_are_passed_over(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.md").write_text("Secret.")
    (corpus / "link.md").symlink_to(tmp_path / "outside.md")
    (corpus / ".hidden.md").write_text("Hidden.")
    (corpus / "picture.png").write_bytes(b"x")
    assert list(find_articles(corpus).files) == ["bakers", "flour"]


def test_ids_are_paths_without_suffix(write_article: Callable[[str, str], Path], corpus: Path) -> None:
    write_article("deep/er/one.md", "Text.")
    write_article("flour.md", "Text.")
    assert set(find_articles(corpus).files) == {"bakers", "deep/er/one", "flour", "flour.txt"}


@pytest.mark.parametrize("make", [lambda _: None, lambda path: path.mkdir()])
def test_no_folder_and_an_empty_folder_are_errors(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "none")
    with pytest.raises(CorpusError):
        find_articles(tmp_path / "none")


def test_what_front_matter_escapes_is_gone_too(write_article: Callable[[str, str], Path]) -> None:
    path = write_article("x.md", '---\ntitle: "a\\u202eb\\a\\e[31m"\nauthor: "x\\0y"\n---\nText.\n')
    article = read_article("x", path, LIMIT)
    assert (article.title, article.author) == ("ab[31m", "xy")


def test_a_comment_around_a_comment_is_gone_too_and_one_that_is_named_is_text(write_article: Callable[[str, str], Path]) -> None:
    text = read_article("x", write_article("x.md", "Hi <!-<!-- x -->- hidden words --> there.\n"), LIMIT).text
    assert "hidden" not in text
    assert read_article("y", write_article("y.md", "In HTML `<!--` opens one.\n\nMore.\n"), LIMIT).text.endswith("opens one.\n\nMore.\n")


def test_long_runs_cost_no_time(write_article: Callable[[str, str], Path]) -> None:
    started = time.perf_counter()
    read_article("x", write_article("x.md", "# a" + " " * 20_000 + "b\n"), LIMIT)
    inferred_roles("A-" * 50_000)
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    "text",
    [
        "```html\n<!-- open\n```\n\nMore.\n",
        "> ~~~\n> <!-- open -->\n> ~~~\n\nMore.\n",
        "Text.\n\n    <!-- open -->\n\nMore.\n",
        "Write ``<!-- ` -->`` there, and `-->`.\n",
        "Write \\<!-- open --> there.\n",
        "| a | b |\n|---|---|\n| `<!--` | `-->` |\n",
    ],
)
def test_a_comment_in_code_is_text(text: str, write_article: Callable[[str, str], Path]) -> None:
    assert read_article("x", write_article("x.md", text), LIMIT).text == text


@pytest.mark.parametrize(
    "text",
    [
        "Seen ` and <!-- hidden --> seen.\n\nA ` more.\n",
        "Seen \\` and <!-- hidden --> a ` more.\n",
        "Seen <!-- ` hidden --> a ` more.\n",
        "Seen <a title='`'>and</a> <!-- hidden --> a ` more.\n",
        "> ```\n> code\n\n<!-- hidden -->\n\nseen\n",
        "<!-- ```\n\nhidden\n\n``` -->\n\nseen\n",
        "<div>\n\\<!-- hidden -->\n</div>\n\nseen\n",
        "|a|b|\n|---|---|\n| ` | <!-- hidden --> ` |\n",
        "Seen \\\\<!-- hidden -->\n",
    ],
)
def test_a_backtick_hides_no_comment(text: str, write_article: Callable[[str, str], Path]) -> None:
    assert "hidden" not in read_article("x", write_article("x.md", text), LIMIT).text


def test_a_title_is_no_longer_than_one_is(write_article: Callable[[str, str], Path]) -> None:
    for start in ("# ", "---\ntitle: "):
        title = read_article("x", write_article("x.md", start + "word " * 2_000 + "\n---\nText.\n"), LIMIT).title
        assert 100 < len(title) < 210
        assert title.endswith("word...")
