"""Which path fits somebody: a few questions drawn from what the articles say sets two roles apart, and a cited recommendation. Pure; knows no role and no topic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from chatbot.cite import MARK, Citations, without_marks
from chatbot.extractive import cells_of
from chatbot.suggestions import with_article
from chatbot.types import Answer
from ingest.roles import RoleNames
from ingest.types import Chunk, Unit

QUESTION = "Which path fits me?"
ADVICE = "Which of these is more like you?"
MOST_ADVICE = 2  # questions of whole sentences
MOST_ROWS = 5  # questions of a table's rows

_ADVISES = re.compile(r"\bif you\b|\bif your\b", re.IGNORECASE)
_BARE = re.compile(r"^(?:yes|no|high|very high|low|medium|[-–—✓✗x\d.,%$€£ ]*)$", re.IGNORECASE)
# what somebody can have a leaning in, before they know the trade
_LEANING = re.compile(r"mind|focus|skill|style|goal|strength|work|data|person|interest|background|trait|mood", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Option:
    """What the articles say of one role, in their own words."""

    role: str
    text: str
    chunk: Chunk
    unit: Unit


@dataclass(frozen=True, slots=True)
class Choice:
    """One question: what it is about, and an option for each role."""

    about: str
    options: tuple[Option, ...]


def choices(chunks: Sequence[Chunk], names: RoleNames) -> tuple[Choice, ...]:
    """The questions to ask; none where the articles do not set exactly two roles apart."""
    roles = [role.name for role in names.roles]
    if len(roles) != 2:
        return ()
    rows = list(_rows(chunks, names))
    rows.sort(key=lambda choice: not _LEANING.search(choice.about))  # stable: else as the articles have them
    return (*islice(_advice(chunks, roles), MOST_ADVICE), *rows[:MOST_ROWS])


def _advice(chunks: Sequence[Chunk], roles: Sequence[str]) -> Iterator[Choice]:
    """Sentences that tell a reader which role to choose, one of each role side by side."""
    found = [
        Option(unit.roles[0], _said(chunk.quote(unit)), chunk, unit)
        for chunk in chunks
        for unit in chunk.units
        if unit.kind != "row" and len(unit.roles) == 1 and _ADVISES.search(chunk.quote(unit))
    ]
    sides = [[option for option in found if option.role == role] for role in roles]
    for options in zip(*sides, strict=False):
        yield Choice(ADVICE, options)


def _rows(chunks: Sequence[Chunk], names: RoleNames) -> Iterator[Choice]:
    """Rows of tables that have a column for each role, and say something in both."""
    for chunk in chunks:
        for unit in chunk.units:
            if unit.kind != "row":
                continue
            header, row = cells_of(chunk.lead_of(unit)), cells_of(chunk.quote(unit))
            columns = {named[0]: at for at, cell in enumerate(header) if len(named := names.roles_in(cell)) == 1}
            if len(columns) != len(names.roles) or len(row) != len(header) or 0 in columns.values():
                continue
            about = row[min(columns.values()) - 1]
            options = tuple(Option(role.name, row[columns[role.name]], chunk, unit) for role in names.roles)
            if about and not any(_BARE.match(option.text) for option in options):
                yield Choice(about, options)


def _said(quote: str) -> str:
    return without_marks(" ".join(quote.split()))


@dataclass(frozen=True, slots=True)
class Path:
    """What somebody's picks come to: `role` is the one that more of them speak for, None where they are even."""

    role: str | None
    picked: Mapping[str, tuple[tuple[Choice, Option], ...]]

    @property
    def count(self) -> int:
        return sum(map(len, self.picked.values()))


def path_of(asked: Sequence[Choice], picks: Mapping[int, int]) -> Path:
    """`picks` gives for a question's number that of the option; what is no number of either counts for nothing."""
    picked: dict[str, tuple[tuple[Choice, Option], ...]] = {option.role: () for choice in asked[:1] for option in choice.options}
    for number, choice in enumerate(asked):
        at = picks.get(number, -1)
        if 0 <= at < len(choice.options):
            option = choice.options[at]
            picked[option.role] = (*picked[option.role], (choice, option))
    ordered = sorted(picked, key=lambda role: -len(picked[role]))
    is_even = len(ordered) < 2 or len(picked[ordered[0]]) == len(picked[ordered[1]])
    return Path(None if is_even else ordered[0], {role: picked[role] for role in ordered})


def recommendation(path: Path, first_steps: Sequence[Answer], urls: dict[str, str | None], generation: str) -> Answer:
    """The reasons on both sides, each with its quote, and how to begin: `first_steps` answers that, for the role, or for both where they are even."""
    citations = Citations(urls)
    parts = [_verdict(path)]
    for role, picked in path.picked.items():
        if picked:
            parts += [
                f"### What speaks for {_named(role)}",
                "\n".join(_reason(choice, option, citations) for choice, option in picked),
            ]
        else:
            parts += [f"### What speaks for {_named(role)}", "None of what you chose."]
    cited = list(citations.all())
    for steps in {one.text: one for one in first_steps}.values():  # one answer may hold both roles' first steps
        if steps.status == "answered":
            parts += ["### First steps", _shifted(steps.text, len(cited))]
            cited = [*cited, *(replace(citation, number=citation.number + len(cited)) for citation in steps.citations)]
    text = "\n\n".join(parts)
    return Answer(QUESTION, QUESTION, "answered", text, "extractive", generation, tuple(cited))


def _shifted(text: str, by: int) -> str:
    """Marks that follow on from those before."""
    return MARK.sub(lambda mark: f"[{int(mark[1]) + by}]", text)


def _verdict(path: Path) -> str:
    told = " and ".join(f"{len(picked)} for {_named(role)}" for role, picked in path.picked.items())
    if path.role is None:
        return f"Your choices speak as much for the one as for the other ({told}); read both sides before you decide."
    return (
        f"Of your {path.count} choices, more speak for becoming **{_named(path.role)}** ({told}). What you chose is what the articles say:"
    )


def _named(role: str) -> str:
    return without_marks(with_article(role))


def _reason(choice: Choice, option: Option, citations: Citations) -> str:
    about = "" if choice.about == ADVICE else f"{without_marks(choice.about)}: "
    return f"- {about}{option.text} {citations.mark(option.chunk, option.unit.span)}"
