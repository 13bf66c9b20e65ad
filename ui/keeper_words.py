"""What an ingest did, and what it would do, in words: the same for the command line and for the page. Pure.

Both read what `ingest --json` and `ingest --dry-run --json` tell, for the page is told it by another process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ui.cited import touched_section
from ui.command import count

UNTIL = "until the articles change or you run: career-advisor ingest --force"
SHOWN = 20  # sentences of one article; --json gives all
NAMED = 3  # articles of one kind of change


@dataclass(frozen=True, slots=True)
class Section:
    """A line, and those that belong below it."""

    head: str
    lines: tuple[str, ...] = ()

    def as_text(self) -> str:
        return "\n".join([self.head, *(f"  {line}" for line in self.lines)])


# --- what it did


def report(told: Mapping[str, Any]) -> str:
    size = f"{count(told['articles'], 'article')}, {count(told['passages'], 'passage')}; generation {told['generation']}"
    if told["held"]:
        what = "What was held is damaged, so that another is served now" if told["changed"] else "Nothing was changed"
        return f"{what}: {size} is held since a rollback from {told['held']}{_though(told['reasons'])}, {UNTIL}"
    if not told["changed"]:
        return f"Nothing changed: {size}."
    return f"Ingested {size} ({_changes(told) or 'built anew'})."


def _changes(told: Mapping[str, Any]) -> str:
    kinds = (("added", "added"), ("edited", "changed"), ("removed", "removed"))
    return "; ".join(f"{len(told[name])} {what}: {_named(told[name])}" for name, what in kinds if told[name])


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return f"{', '.join(ids[:NAMED])}{more}"


def _though(reasons: Sequence[str]) -> str:
    """That what is held is of other settings than those that are set."""
    return f" (though {', '.join(reasons)})" if reasons else ""


def forgotten(told: Mapping[str, Any]) -> list[str]:
    """What became of an article that was to be forgotten."""
    gone = f"{', '.join(told['forgotten'])} can no longer be rolled back to" if told["forgotten"] else "no kept index held it"
    return [f"Forgotten: {gone}.", *(f"The same words still stand in the file {name}, and are answered from." for name in told["still_in"])]


def left_out(told: Mapping[str, Any], what: str = "Left out") -> list[str]:
    return [f"{what} {one['file']}: {one['reason']}." for one in told["left_out"]]


# --- what it would do


def preview(told: Mapping[str, Any]) -> Iterator[Section]:
    if told["held"]:
        holds = f"a rollback from {told['held']} holds{_though(told['reasons'])}, {UNTIL}"
        yield Section(
            f"What is held is damaged, and another would be served: {holds}" if told["changes"] else f"Nothing would change: {holds}"
        )
        return
    if not told["changes"]:
        yield Section("Nothing would change.")
        return
    yield from (Section(f"Everything would be built anew: {reason}.") for reason in told["reasons"])
    yield from map(_article, told["articles"])
    for row in told["questions"]:
        yield Section(f"question {row['id']} would lose its evidence: {_line(row['evidence'])}")
    if told["citations"]:
        yield Section(*touched_section(told["citations"]))
    yield Section(f"{count(told['embeddings'], 'passage')} would be embedded.")


def _article(change: Mapping[str, Any]) -> Section:
    head = f"{change['change']} {change['id']}: {count(change['passages_new'], 'new passage')}, {change['passages_gone']} gone"
    fields = [f"other: {', '.join(change['fields'])}"] if change["fields"] else []
    sentences = [*(f"- {_line(text)}" for text in change["gone"]), *(f"+ {_line(text)}" for text in change["new"])]
    more = [f"... and {count(len(sentences) - SHOWN, 'more line')}"] if len(sentences) > SHOWN else []
    return Section(head, (*fields, *sentences[:SHOWN], *more))


def _line(text: str) -> str:
    return " ".join(text.split())
