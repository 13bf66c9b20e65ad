"""What an ingest does to the citations of kept answers: said beforehand, and forgotten with their article; never who asked, nor what."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Run
from page_support import usual_answer

from chatbot.kept_answer import FORGOTTEN
from chatbot.memory import Memory, open_memory
from chatbot.settings import MemorySettings
from chatbot.types import Answer, Citation
from ui.keeping import _preview

RYE, WHEAT = "Rye flour keeps bread moist for four days.", "Wheat flour rises higher."
FLOUR = f"All About Flour\n\n{RYE} {WHEAT}\n"
SECRET = "ZEBRAFISH question?"


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    memory = open_memory(MemorySettings(), tmp_path / "data")
    yield memory
    memory.close()


def cited(number: int, quote: str, text: str = FLOUR, article_id: str = "flour") -> Citation:
    start = text.index(quote)
    return Citation(number, article_id, "All About Flour", None, "", quote, start, start + len(quote))


def tell(memory: Memory, owner: str, *citations: Citation) -> str:
    """Keeps an answer that quotes what it cites; the id of its conversation."""
    conversation_id = memory.begin(owner, SECRET)
    text = " ".join(f"{one.quote} [{one.number}]" for one in citations)
    memory.settle(memory.ask(owner, conversation_id, SECRET), Answer(SECRET, SECRET, "answered", text, "extractive", "g", citations))
    return conversation_id


def test_a_dry_run_says_which_citations_of_all_owners_would_be_touched(
    run: Run, memory: Memory, write_article: Callable[[str, str], Path]
) -> None:
    run("ingest")
    tell(memory, "me", cited(1, RYE), cited(2, WHEAT))
    tell(memory, "you", cited(1, RYE))
    assert json.loads(run("ingest", "--dry-run", "--json")[1])["citations"] == []
    write_article("flour.txt", FLOUR.replace("four days", "fourteen days"))
    out = run("ingest", "--dry-run")[1]
    assert "In kept conversations 3 citations would be touched (1 moved, 2 changed):\n  changed flour: " + RYE in out
    told = run("ingest", "--dry-run", "--json")[1]
    assert json.loads(told)["citations"] == [
        {"article_id": "flour", "quote": RYE, "fate": "changed", "times": 2},
        {"article_id": "flour", "quote": WHEAT, "fate": "moved", "times": 1},
    ]
    (of_citations,) = [block for block in _preview(json.loads(told)) if "(1 moved, 2 changed):" in str(block)]
    assert of_citations["kind"] == "paragraph"
    assert "ZEBRAFISH" not in out + told
    run("ingest")
    write_article("more.md", "Another sentence about yeast.")
    assert json.loads(run("ingest", "--dry-run", "--json")[1])["citations"] == []  # what became of them earlier is not told again


def test_where_no_conversations_are_kept_nothing_is_said_and_no_database_is_made(
    run: Run, tmp_path: Path, write_article: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("ingest")
    write_article("flour.txt", "Something else altogether.\n")
    for url in ("", f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"):
        monkeypatch.setenv("CAREER_DATABASE", url)
        status, out, err = run("ingest", "--dry-run")
        assert (status, err) == (0, "")
        assert "conversations" not in out
    assert not [*tmp_path.rglob("*.sqlite")]


def test_a_dry_run_forgets_no_conversation_for_its_age(
    run: Run, memory: Memory, monkeypatch: pytest.MonkeyPatch, write_article: Callable[[str, str], Path]
) -> None:
    tell(memory, "me", cited(1, RYE))
    monkeypatch.setenv("CAREER_RETENTION_DAYS", "1")
    monkeypatch.setattr("chatbot.memory.DAY", 0.0)
    write_article("new.md", "A new sentence about yeast.")
    assert run("ingest", "--dry-run")[0] == 0
    assert len(memory.listed("me")) == 1


# --- an article that is forgotten


def test_a_forgotten_articles_words_go_from_kept_answers_and_nothing_else_does(
    run: Run, memory: Memory, corpus: Path, tmp_path: Path
) -> None:
    run("ingest")
    quoting = tell(memory, "me", cited(1, RYE), cited(2, WHEAT))
    other = tell(memory, "you", cited(1, "kneads", "kneads dough", "bakers"))
    before = memory.conversation("you", other)
    stopped = memory.begin("me", "Stopped?")
    memory.stop(memory.ask("me", stopped, "Stopped?"), f"{RYE} and")
    (corpus / "flour.txt").unlink()
    assert run("ingest", "--forget", "flour")[1].endswith("Its words were taken out of 2 kept answers.\n")
    (turn,) = memory.conversation("me", quoting).turns
    assert turn.answer
    assert (turn.question, turn.state, turn.answer.text, turn.answer.citations) == (SECRET, "answered", FORGOTTEN, ())
    assert memory.conversation("me", stopped).turns[0].partial == ""
    assert memory.conversation("you", other) == before
    assert not any(b"Rye flour" in path.read_bytes() for path in tmp_path.rglob("conversations.sqlite*"))  # while the page goes on
    assert run("ingest", "--forget", "flour")[0] == 1  # nothing knows it any more


def test_what_only_an_answer_knows_can_be_forgotten(run: Run, memory: Memory) -> None:
    run("ingest")
    tell(memory, "me", cited(1, RYE, RYE, "old"))
    told = json.loads(run("ingest", "--forget", "old", "--json")[1])
    assert (told["forgotten_answers"], told["runs_that_hold_it"], told["forgotten_ids"]) == (1, [], ["old"])


def test_passages_beside_an_answer_and_answers_of_another_version_are_forgotten_too(memory: Memory, tmp_path: Path) -> None:
    answer = usual_answer("How is the weather?")
    article_id = answer.passages[0].chunk.article_id
    conversation_id = memory.begin("me", "x")
    memory.settle(memory.ask("me", conversation_id, "x"), answer)
    memory.settle(memory.ask("me", conversation_id, "y"), answer)
    newer = json.dumps({"new": [{"article_id": article_id, "quote": RYE}]})
    with sqlite3.connect(tmp_path / "data" / "conversations.sqlite") as database:
        database.execute("update turns set answer = ? where question = 'y'", [newer])
    assert memory.forget_article("another") == 0
    assert (memory.holds_article("another"), memory.holds_article(article_id)) == (False, True)
    assert memory.forget_article(article_id) == 2
    assert not memory.holds_article(article_id)
    kept, unreadable = memory.conversation("me", conversation_id).turns
    assert kept.answer == replace(answer, passages=(), suggestions=())
    assert unreadable.answer is None


def test_the_evaluations_that_still_hold_a_forgotten_article_are_named(run: Run, corpus: Path, tmp_path: Path) -> None:
    run("ingest")
    runs = tmp_path / "data" / "runs"
    for name, file, article_id in (("a", "answers.jsonl", "flour"), ("b", "progress.jsonl", "flour"), ("c", "answers.jsonl", "flours")):
        (runs / name).mkdir(parents=True)
        answer = {"citations": [{"article_id": article_id}]}
        (runs / name / file).write_text(json.dumps({"answer": answer}) + "\ntorn", encoding="utf-8")
    (runs / "d").mkdir()
    (runs / "d" / "answers.jsonl").write_bytes(b"\xff")
    (corpus / "flour.txt").unlink()
    out = run("ingest", "--forget", "flour")[1]
    assert "Evaluations still hold its words: delete a, b, d below" in out
    assert "kept answer" not in out  # no conversations are kept
    assert not (tmp_path / "data" / "conversations.sqlite").exists()
