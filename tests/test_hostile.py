"""Hostile files among good ones: the good go in, each bad one is named with its reason, nothing hangs, and nothing outside the folder is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from conftest import FakeEmbedder, Run
from sampling import sampled

from ingest import articles
from ingest.articles import find_articles, read_article
from ingest.errors import ArticleError, CorpusError
from ingest.pipeline import ingest
from ingest.roles import RoleNames, attribute, merged_roles
from ingest.settings import IngestSettings
from ingest.split import blocks, split

GOOD = 20
LIMIT = 5_000_000
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(character)) for character in text)


@pytest.fixture
def good(corpus: Path) -> Path:
    """Twenty good files besides the two."""
    for number in range(GOOD):
        (corpus / f"good{number}.md").write_text(f"# Number {number}\n\nGood article number {number} is about rye.\n")
    return corpus


def spoil(folder: Path, outside: Path) -> dict[str, str]:
    """Writes every kind of bad file; file -> how its reason begins."""
    (folder / "bytes.md").write_bytes(b"caf\xe9 au lait")
    (folder / "cut.md").write_bytes("é".encode()[:1])
    (folder / "binary.txt").write_bytes(b"abc\0def")
    (folder / "utf16.txt").write_bytes(b"\xff\xfe\x00")
    (folder / "bomb.md").write_text(f"---\n{BOMB}---\nText.\n")
    (folder / "deep.md").write_text(f"---\na: {'[' * 5000}\n---\nText.\n")
    (folder / "object.md").write_text("---\ntitle: !!python/object/apply:os.system [x]\n---\nText.\n")
    (folder / "empty.md").write_text("")
    (folder / "comment.md").write_text("<!-- all of it -->")
    (folder / "large.md").write_text("word " * 1_100_000)
    os.mkfifo(folder / "pipe.md")
    (folder / "device.txt").symlink_to("/dev/zero")
    (folder / "link.md").symlink_to(outside / "secret.md")
    (folder / "gone.md").symlink_to(folder / "nowhere.md")
    (folder / "loop.md").symlink_to(folder / "loop.md")
    (folder / "folder").symlink_to(outside)
    (folder / "named.pdf").write_bytes(b"not one")
    return {
        "bytes.md": "it is not UTF-8",
        "cut.md": "it is not UTF-8",
        "binary.txt": "it is not a text file",
        "utf16.txt": "it is not UTF-8",
        "bomb.md": "its front matter uses YAML aliases",
        "deep.md": "its front matter is nested",
        "object.md": "its front matter is not valid",
        "empty.md": "it holds no text",
        "comment.md": "it holds no text",
        "large.md": "it is larger than 5 MB",
        "pipe.md": "it is not a regular file",
        "device.txt": "it is a link out of the folder",
        "link.md": "it is a link out of the folder",
        "gone.md": "it is a link that leads nowhere",
        "loop.md": "it is a link that leads nowhere",
        "folder": "it is a link to a folder",
        "named.pdf": "it is damaged",
    }


def test_good_files_go_in_and_each_bad_one_is_named(good: Path, tmp_path: Path, run: Run) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("The xylophone is secret.")
    bad = spoil(good, outside)
    status, out, err = run("ingest")
    assert status == 3
    assert out.startswith(f"Ingested {GOOD + 2} articles, ")
    for name, reason in bad.items():
        assert f"Left out {name}: {reason}" in err
    assert len(err.splitlines()) == len(bad)
    data = tmp_path / "data"
    assert not any(b"xylophone" in path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert run("ingest")[0] == 3  # it says so again


@pytest.mark.parametrize("hidden", ["<!-- xylophone -->", tags("xylophone"), "<!-<!-- -->- xylophone -->", "\n<!-- xylophone"])
def test_hidden_text_is_never_stored(hidden: str, settings: IngestSettings, write_article: Callable[[str, str], Path]) -> None:
    write_article("hidden.md", f"---\ntitle: A{tags('xylophone')} title\n---\nSeen words stand here. {hidden}\n")
    ingest(settings, FakeEmbedder())
    for path in settings.data.rglob("*"):
        if path.is_file():
            assert b"xylophone" not in path.read_bytes()
            assert tags("xylo").encode() not in path.read_bytes()


def test_zero_width_characters_are_gone(write_article: Callable[[str, str], Path]) -> None:
    path = write_article("x.md", "ig\u200bno\u200cre\u2060 a\u00adll\ufeff \u202eback\u202c\u2066x\u2069.\n")
    assert read_article("x", path, LIMIT).text == "ignore all backx.\n"


# a hundred kilobytes or more of each
TORTURES = {
    "comments": "a<!--" * 20_000,
    "comments in comments": "<!-" * 2000 + "<!-- x -->" + "- x -->" * 2000,
    "emphasis": "*a_ " * 40_000,
    "brackets": "[a](" * 40_000,
    "quotes": ("> " * 50 + "a\n") * 2_000,
    "a quote that goes on": "> " * 45 + "a\n" * 2_000,
    "backticks": "`" * 200_000 + "a",
    "one sentence": "word " * 30_000,
    "one word": "a" * 300_000,
    "columns": "|a" * 1000 + "|\n|" + "-|" * 1000 + "\n" + ("|b" * 1000 + "|\n") * 200,
    "rows": "|a|\n|---|\n" + "|b|\n" * 100_000,
    "tags": "<a " * 40_000,
    "title": "# " + "word " * 2_400 + "\n\n" + "A short sentence. " * 600,
    "headings": "".join(f"# {'word ' * 2_400}\n\nText {number}.\n\n" for number in range(40)),
    "names": "".join(f"Aa{number:x} Engineer (or Bb{number:x} Engineer) a. " for number in range(5_000)),
}


@pytest.mark.parametrize(("name", "suffix"), sampled(product(TORTURES, (".md", ".txt")), 8))
def test_a_torturous_text_is_read_or_named(name: str, suffix: str, tmp_path: Path) -> None:
    """In a time that grows with its length alone: one that grows with its square would not come back."""
    path = tmp_path / f"x{suffix}"
    path.write_text(TORTURES[name])
    try:
        article = read_article("x", path, LIMIT)
        chunks = attribute(split(article, lambda text: len(text) // 4, 128, 256), RoleNames(merged_roles([article])))
    except ArticleError:
        return
    assert all(article.text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert list(blocks(article)) or not chunks


def test_more_files_than_are_read_is_an_error_at_once(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(articles, "MAX_FILES", 50)
    for number in range(60):
        (corpus / f"{number}.png").touch()
    with pytest.raises(CorpusError, match="more than 50 files"):
        find_articles(corpus)


@pytest.mark.soak
def test_a_hundred_thousand_files_are_an_error_and_no_hang(corpus: Path) -> None:
    for number in range(100_001):
        (corpus / f"{number}.md").touch()
    with pytest.raises(CorpusError, match="more than 100,000 files"):
        find_articles(corpus)


def test_a_file_that_is_swapped_for_a_pipe_or_a_link_is_not_followed(corpus: Path, tmp_path: Path) -> None:
    """What was listed may be another thing when it is read."""
    (tmp_path / "secret.md").write_text("Secret.")
    path = corpus / "x.md"
    path.symlink_to(tmp_path / "secret.md")
    with pytest.raises(ArticleError, match="out of the folder"):
        read_article("x", path, LIMIT)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ArticleError, match="not a regular file"):
        read_article("x", path, LIMIT)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_an_unreadable_folder_is_named(corpus: Path) -> None:
    (corpus / "closed").mkdir(mode=0)
    assert dict(find_articles(corpus).left_out) == {"closed": "it cannot be read (Permission denied)"}


def test_a_name_that_is_no_text_is_named(settings: IngestSettings, corpus: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(corpus) + b"/caf\xe9.md")).write_text("Text.")
    except OSError:
        pytest.skip("this file system takes no such name")
    assert ingest(settings, FakeEmbedder()).left_out == (("caf?.md", "its name is not text"),)
