"""Answers and articles -> what the page shows of them, as trees (markdown.py). Pure; with markdown.py the one way that text reaches the page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from chatbot.types import Answer, Citation, Passage, heading_line
from ingest.types import Article, Origin, Span
from ui.markdown import Block, blocks, text_of

STANDINGS = {  # of what an old answer cited, in words for a person
    "unchanged": "The article was edited since; this stands as it stood.",
    "moved": "The articles were edited since; this stands elsewhere in them.",
    "changed": "The article was edited since; this reads otherwise now.",
    "removed": "The articles were edited since, and this is no longer in them.",
}
_UNSAFE_IN_URL = re.compile(r"[\s\x00-\x1f\x7f<>\"'`\\]")


# --- answers


def answer_blocks(answer: Answer) -> list[Block]:
    """The answer's text; a mark that has no citation stays the text that it is."""
    return blocks(answer.text, {citation.number: source_label(citation) for citation in answer.citations})


def source_label(citation: Citation) -> str:
    return f"Source {citation.number}: {citation.title}{'' if citation.verified else ', not verified'}"


def sources(citations: Sequence[Citation], notes: Mapping[str, str], standings: Mapping[int, str] = MappingProxyType({})) -> list[Block]:
    """What was cited, by article; `notes` says of an article whose words it retells, `standings` of a number what became of its quote since."""
    groups: dict[str, list[Citation]] = {}
    for citation in sorted(citations, key=lambda citation: citation.number):
        groups.setdefault(citation.article_id, []).append(citation)
    return [
        {
            "kind": "source",
            "title": cited[0].title,
            "note": notes.get(article_id, ""),
            "items": [
                {
                    "mark": one.number,
                    "label": source_label(one),
                    "text": place(one) + _doubt(one),
                    "standing": standings.get(one.number, ""),
                }
                for one in cited
            ],
        }
        for article_id, cited in groups.items()
    ]


def quotes(citations: Sequence[Citation], standings: Mapping[int, str] = MappingProxyType({})) -> dict[str, dict[str, str]]:
    """What a number shows of its source before it is opened."""
    return {
        str(one.number): {
            "quote": text_of(one.quote),
            "title": one.title,
            "place": place(one),
            "standing": STANDINGS.get(standings.get(one.number, ""), ""),
        }
        for one in citations
    }


def place(citation: Citation) -> str:
    return citation.heading.replace(" > ", " › ") if citation.heading not in {"", citation.title} else "Opening"


def _doubt(citation: Citation) -> str:
    return "" if citation.verified else " · not verified"


def nearest(passages: Sequence[Passage]) -> list[Block]:
    """What stands nearest to a question that the articles do not answer. Never shown as an answer."""
    return [
        {"kind": "nearest", "title": passage.chunk.title, "place": heading_line(passage.chunk).replace(" > ", " › "), "text": text}
        for passage in passages
        if (text := _excerpt(passage.chunk.text))
    ]


def _excerpt(text: str, limit: int = 280) -> str:
    """The opening of a passage, cut between words."""
    lines = (text_of(re.sub(r"^\s*(?:#+|[-*+>])\s+", "", line)) for line in text.splitlines() if re.search(r"\w", line))
    words = " ".join(" ".join(lines).split())
    return words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + " …"


def choices(questions: Sequence[str], label: str) -> Block:
    """Questions to click."""
    return {"kind": "choices", "label": label, "items": list(questions)}


def actions(*items: tuple[str, str, str | bool]) -> Block:
    """Small buttons below an answer, each (name, label, text to copy or whether it is pressed)."""
    return {"kind": "actions", "items": [_action(*item) for item in items]}


def _action(name: str, label: str, more: str | bool) -> dict[str, Any]:
    return {"name": name, "label": label} | ({"copy": more} if isinstance(more, str) else {"pressed": more})


def poll(asked: Sequence[tuple[str, Sequence[str]]], picks: Mapping[int, int]) -> list[Block]:
    """Questions with two or more answers each, of which one may be picked; `picked` reads its clicks."""
    return [
        {"kind": "poll", "about": about, "number": number, "items": list(options), "picked": picks.get(number, -1)}
        for number, (about, options) in enumerate(asked)
    ]


OPTIONS = 10  # of one question, at most


def picked(click: int) -> tuple[int, int]:
    """The number of the question and of the option that a click in a poll tells."""
    return divmod(click, OPTIONS)


def details(answer: Answer) -> list[Block]:
    """How the answer came about, for whoever wants to check it."""
    facts = [
        ("Searched for", answer.standalone_question),
        ("Written by", "no model: sentences quoted from the articles" if answer.mode == "extractive" else answer.mode),
        ("Index", answer.generation),
        ("Time", f"{answer.timings.total:.0f} ms, of which {answer.timings.retrieve:.0f} ms to search"),
    ]
    if answer.tokens:
        facts.append(("Tokens", ", ".join(f"{count} {name}" for name, count in answer.tokens.items())))
    if answer.cost is not None:
        facts.append(("Cost", f"{answer.cost:.4f}"))
    return [{"kind": "facts", "rows": [[name, value] for name, value in facts if value]}, *_passage_table(answer.passages)]


def _passage_table(passages: Sequence[Passage]) -> list[Block]:
    if not passages:
        return []
    rows = [
        [f"{passage.chunk.title} › {heading_line(passage.chunk).replace(' > ', ' › ')}"]
        + [f"{score:.2f}" for score in (passage.score, passage.dense, passage.lexical)]
        for passage in passages
    ]
    cells = [[[{"text": cell}] for cell in row] for row in (["Passage", "Score", "Meaning", "Words"], *rows)]
    return [{"kind": "table", "header": cells[0], "rows": cells[1:], "caption": "Passages that were found, best first"}]


def announcement(question: str, answer: Answer) -> str:
    """What a screen reader says when an answer is complete: that it is, never the answer itself."""
    if answer.status == "abstained":
        return f"The articles do not answer “{question}”."
    count = len(answer.citations)
    return f"The answer to “{question}” is ready, with {count} {'source' if count == 1 else 'sources'}."


# --- articles


def message_panel(title: str, message: str) -> dict[str, Any]:
    """What stands in an article's place when it cannot be shown."""
    return {"id": "", "title": title, "byline": "", "note": "", "links": [], "blocks": [], "at": None, "warning": message}


def article_panel(article: Article, lit: Span | None = None) -> dict[str, Any]:
    """An article to read, its title and origin apart from its text; `lit` is the sentence to open it at."""
    body = blocks(article.text, lit=lit)
    if body and body[0]["kind"] == "heading" and "".join(run["text"] for run in body[0]["runs"]).strip() == article.title.strip():
        body = body[1:]
    return {
        "id": article.id,
        "title": article.title,
        "byline": byline(article),
        "note": retold_from(article.based_on),
        "links": links(article),
        "blocks": body,
        "at": [lit.start, lit.end] if lit else None,
        "warning": "",
    }


def article_card(article: Article, passages: int, ingested_at: str) -> dict[str, Any]:
    """An article in the list of them all."""
    count = f"{passages} {'passage' if passages == 1 else 'passages'}"
    return {
        "kind": "card",
        "title": article.title,
        "byline": byline(article),
        "note": retold_from(article.based_on),
        "meta": f"{count}, added {moment(ingested_at)}",
    }


def conversation_list(titles: Sequence[str], whens: Sequence[str], current: int | None) -> Block:
    """The conversations of one owner, to go back to."""
    return {
        "kind": "conversations",
        "items": [
            {"title": title, "when": when, "current": index == current}
            for index, (title, when) in enumerate(zip(titles, whens, strict=True))
        ],
    }


def byline(article: Article) -> str:
    return " · ".join(part for part in (article.author, day(article.published)) if part)


def retold_from(origin: Origin | None) -> str:
    """Says that an article's words are ours, and whose work they retell; empty for an article that is its author's own."""
    if origin is None:
        return ""
    work = f"“{origin.title}”" if origin.title else "a text"
    author = f" by {origin.author}" if origin.author else ", whose author is not named"
    if not origin.title and not origin.author:
        work, author = "a source that is not named", ""
    when = f", {day(origin.published)}" if origin.published else ""
    return f"Retold here from {work}{author}{when}"


def links(article: Article) -> list[dict[str, str]]:
    """The article's own address and that of the work it retells, where they are known; no other link is ever shown."""
    candidates = [("Open the article’s page", article.url), ("Open the original", article.based_on.url if article.based_on else None)]
    return [{"text": text, "url": url} for text, address in candidates if (url := safe_url(address))]


def safe_url(address: str | None) -> str | None:
    """A plain http or https address, or nothing."""
    if not address or _UNSAFE_IN_URL.search(address):
        return None
    try:
        parts = urlsplit(address)
        return address if parts.scheme in {"http", "https"} and parts.hostname and not parts.username else None
    except ValueError:
        return None


def day(iso: str | None) -> str:
    """2026-11-22 -> 22 November 2026; what is no date is shown as it is written."""
    if not iso:
        return ""
    try:
        at = date.fromisoformat(iso[:10])
    except ValueError:
        return iso
    return f"{at.day} {at:%B %Y}"


def moment(iso: str) -> str:
    """When something happened, to the minute."""
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    zone = f" {at:%Z}" if at.tzinfo else ""
    return f"{at.day} {at:%B %Y}, {at:%H:%M}{zone}"
