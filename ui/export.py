"""A conversation as Markdown, each answer with its citations and their quotes. Pure.

What people, articles or models wrote is escaped, so that whatever opens the file shows text: no image is fetched, no link is live.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from chatbot.memory import Conversation, Exchange
from chatbot.types import Citation
from ui.markdown import Block, blocks, text_of, visible
from ui.render import place

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#!|~$&])")
_NUMBER = re.compile(r"(?<![!\]\\])\\\[(\d+)\\\](?![(\[:])")
_ADDRESS = re.compile(r"\S*(?:://|www\.|@)\S*", re.IGNORECASE)
_STARTS = re.compile(r"^(\s*)([-+=]|\d+[.)])", re.MULTILINE)  # a list, a heading's underline


def conversation_text(conversation: Conversation) -> str:
    """The whole conversation."""
    parts = [f"# {_escaped(conversation.title)}"]
    profile = conversation.profile
    told = (("Background", profile.background), ("Likes", profile.likes), ("Wants", profile.wants))
    parts += [f"- {name}: {_escaped(text)}" for name, text in told if text]
    for turn in conversation.turns:
        parts += [f"## {_escaped(turn.question)}", f"Asked on {turn.asked_at:%d %B %Y, %H:%M} UTC", turn_text(turn)]
    return "\n\n".join(parts) + "\n"


def turn_text(turn: Exchange) -> str:
    """What came of one question."""
    if turn.answer is None:
        return "\n\n".join(part for part in (_markdown(blocks(turn.partial)), "This question was not answered to the end.") if part)
    answer = turn.answer
    parts = [_markdown(blocks(answer.text, {one.number: "" for one in answer.citations}))]
    parts += [_escaped(notice) for notice in answer.notices]
    if answer.citations:
        parts.append("\n".join(_source(citation) for citation in answer.citations))
    return "\n\n".join(parts)


def file_name(title: str) -> str:
    """A name that every system takes."""
    return ("-".join(re.findall(r"[A-Za-z0-9]+", title))[:60].lower() or "conversation") + ".md"


def _source(citation: Citation) -> str:
    return f"{citation.number}. “{_escaped(text_of(citation.quote))}” – {_escaped(citation.title)}, {_escaped(place(citation))}"


def _escaped(text: str) -> str:
    """Text that means nothing in Markdown; an address as code, for it would become a link by itself."""
    line = " ".join(str(visible(text)).split())
    out, at = [], 0
    for match in _ADDRESS.finditer(line):
        out += [_plain(line[at : match.start()]), f"`{match.group().replace('`', '')}`"]
        at = match.end()
    return "".join([*out, _plain(line[at:])])


def _plain(text: str) -> str:
    return _STARTS.sub(r"\1\\\2", _ACTIVE.sub(r"\\\1", text))


# --- a tree of ui.markdown as Markdown again


def _markdown(tree: Sequence[Block]) -> str:
    return "\n\n".join(_WRITE.get(block["kind"], _paragraph)(block) for block in tree)


def _runs(runs: Sequence[dict[str, Any]]) -> str:
    # a number's brackets stay as they are, unless they could make a link of what follows
    return _NUMBER.sub(r"[\1]", "".join(_run(run) for run in runs))


def _run(run: dict[str, Any]) -> str:
    if "mark" in run:
        return rf"\[{run['mark']}\]"
    text = _escaped(run["text"])
    lead, tail = run["text"][:1].isspace(), run["text"][-1:].isspace()
    if run.get("bold") and text:
        text = f"**{text}**"
    if run.get("italic") and text:
        text = f"*{text}*"
    return f"{' ' * lead}{text}{' ' * (tail and bool(text))}"


def _paragraph(block: Block) -> str:
    return _runs(block.get("runs", []))


def _heading(block: Block) -> str:
    return f"{'#' * min(6, block['level'] + 2)} {_runs(block['runs'])}"


def _list(block: Block) -> str:
    items = (_markdown(item).replace("\n\n", "\n").replace("\n", "\n  ") for item in block["items"])
    start = block["start"]
    return "\n".join(f"{'-' if start is None else f'{start + number}.'} {item}" for number, item in enumerate(items))


def _quote(block: Block) -> str:
    return "\n".join(f"> {line}" for line in _markdown(block["blocks"]).split("\n"))


def _table(block: Block) -> str:
    rows = [[_runs(cell) for cell in row] for row in (block["header"], *block["rows"])]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]])


_WRITE: dict[str, Callable[[Block], str]] = {
    "heading": _heading,
    "list": _list,
    "quote": _quote,
    "table": _table,
    "rule": lambda _: "---",
}
