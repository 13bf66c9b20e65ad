"""What a text says, and of which roles: its sentences, their clauses and the cells of its tables, as statements that a claim is compared with. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ingest.roles import RoleNames
from ingest.terms import terms
from ingest.types import CELL_END, Chunk, Role, Unit

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CLAUSE = re.compile(
    r"\s*[;,]?\s+(?:while|whereas|but|compared with|than)\s+|[;:]\s+|,\s+(?:and\s+)?(?=[a-z ]{0,20}\b(?:the|an?|in)\b)|,\s+|\s+and\s+(?=(?:the|an?)\s)",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"^\W*(?:they|their|them|this|it|its|she|he|her|his|these)\b", re.IGNORECASE)
_ENDING = re.compile(r"(?:ists?|ians?|ers?|ors?|ants?|e)$")
_TRADES = ("ing", "y", "ery", "ics")


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a text says, and of which roles; `context` is what it stands under, `number` that of the unit that says it."""

    text: str
    context: str = ""
    roles: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()  # the roles that it may speak of, where it does not say
    number: int = 0
    parted: bool = False  # whether other statements tell its parts

    @property
    def whole(self) -> str:
        return f"{self.context} {self.text}" if self.context else self.text


def parts_of(claim: str, names: RoleNames | None) -> list[str]:
    """What a claim says of one role and of another are two claims ("one bakes, while the other cooks")."""
    names = names and with_trades(names)
    clauses = [clause.strip() for clause in _CLAUSE.split(claim) if clause.strip()] if names else []
    parts = [(clause, named(clause, names)) for clause in clauses if names and len(clause.split()) > 2]
    roles = [roles for _, roles in parts if roles]
    if " than " in claim or len(roles) < 2 or any(len(one) > 1 for one in roles) or len(set(roles)) < 2:
        return [claim]
    return [clause for clause, _ in parts]


def sentences_as_statements(sentences: Iterable[str]) -> list[Statement]:
    """For text that names no roles."""
    return [Statement(sentence, number=number) for number, sentence in enumerate(sentences) if WORD.search(sentence)]


def statements_of(chunk: Chunk, names: RoleNames) -> list[Statement]:
    """Each unit as a whole; one on several roles, its clauses too; of a table's row, each cell under its header."""
    names = with_trades(names)
    found: list[Statement] = []
    before: tuple[str, ...] = ()
    for number, unit in enumerate(chunk.units):
        roles = _roles_of(chunk, unit, before, names)
        before = named(chunk.quote(unit), names) or before
        found += (
            _cells(chunk, unit, number, names)
            if unit.kind == "row"
            else _clauses(chunk, unit, Statement("", "", roles, () if roles else unit.roles, number), names)
        )
    return found


def _roles_of(chunk: Chunk, unit: Unit, before: tuple[str, ...], names: RoleNames) -> tuple[str, ...]:
    """By its own words; else by what opens it, by the sentence before it or by its heading."""
    heading = chunk.heading[-1] if chunk.heading else ""
    pointed = before if _PRONOUN.match(chunk.quote(unit)) else ()
    return roles_in(chunk.quote(unit), names) or roles_in(chunk.lead_of(unit), names) or pointed or roles_in(heading, names)


def _clauses(chunk: Chunk, unit: Unit, blank: Statement, names: RoleNames) -> list[Statement]:
    quote, text = chunk.quote(unit), chunk.unit_text(unit)
    whole = replace(blank, text=quote, context=text.removesuffix(quote).strip())
    if len(roles_in(quote, names)) < 2:
        return [whole]
    parts = [
        replace(blank, text=clause, roles=roles) for clause, roles in _by_role(quote, names) if len(roles) == 1 and len(clause.split()) > 3
    ]
    return [replace(whole, parted=len(parts) > 1), *parts]


def _by_role(quote: str, names: RoleNames) -> list[tuple[str, tuple[str, ...]]]:
    """Clauses with their roles; one that names none goes on about those of the clause before it."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for clause in (clause.strip() for clause in _CLAUSE.split(quote) if clause and clause.strip()):
        roles = roles_in(clause, names)
        if found and (not roles or roles == found[-1][1]):
            found[-1] = (f"{found[-1][0]}, {clause}", found[-1][1])
        else:
            found.append((clause, roles))
    return found


def _cells(chunk: Chunk, unit: Unit, number: int, names: RoleNames) -> list[Statement]:
    """The row as a whole, and each cell of a role's column; what stands before the first of these is the row's label."""
    header, cells = _split_row(chunk.lead_of(unit)), _split_row(chunk.quote(unit))
    of_columns = [roles_in(head, names) for head in header]
    first = next((at for at, column in enumerate(of_columns) if at and column), 1)
    label = _label(header[:first], cells[:first])
    roles = tuple(dict.fromkeys(role for column in of_columns[1:] for role in column)) or unit.roles
    found = [Statement(" ".join([label, *cells[first:]]), " ".join(header), roles, number=number, parted=any(of_columns[1:]))]
    for head, cell, column in zip(header[first:], cells[first:], of_columns[first:], strict=False):
        if cell and column:
            found.append(Statement(f"{label} {cell}".strip(), f"{head}.", column, number=number))
    return found


def _label(heads: Sequence[str], cells: Sequence[str]) -> str:
    """Of several cells those with words, under their heads: a row's number says nothing of it."""
    worded = [(head, cell) for head, cell in zip(heads, cells, strict=False) if re.search(r"[^\W\d_]", cell)]
    return " ".join(cell if len(worded) == 1 else f"{head} {cell}" for head, cell in worded)


def roles_in(text: str, names: RoleNames) -> tuple[str, ...]:
    return named(text, names) or names.roles_in(text)


def named(text: str, names: RoleNames) -> tuple[str, ...]:
    """The roles that a text names, in their order, also by their last word alone ("the engineer") where only one ends on it."""
    mentions = names.mentions(text)
    strong = [(mention.start, mention.role) for mention in mentions if not mention.weak]
    heads = _heads(names.roles)
    by_head = [
        (word.start(), heads[stem])
        for word in WORD.finditer(text)
        if (stem := terms(word[0])[0]) in heads and not any(mention.start <= word.start() < mention.end for mention in mentions)
    ]
    found = [*strong, *by_head] or [(mention.start, mention.role) for mention in mentions]
    return tuple(dict.fromkeys(role for _, role in sorted(found)))


@lru_cache(maxsize=64)
def _heads(roles: tuple[Role, ...]) -> dict[str, str]:
    ends = Counter(terms(role.name)[-1] for role in roles)
    return {end: role.name for role in roles if len(role.name.split()) > 1 and ends[end := terms(role.name)[-1]] == 1}


def _split_row(line: str) -> list[str]:
    return [cell.strip() for cell in CELL_END.split(line.strip().strip("|"))]


@lru_cache(maxsize=64)
def with_trades(names: RoleNames) -> RoleNames:
    """The same roles, known by their trades too: "personal training" is a trainer's, "nursing" a nurse's."""
    return RoleNames([Role(role.name, (*role.others, *(trade for name in role.names for trade in _trades(name)))) for role in names.roles])


def _trades(name: str) -> list[str]:
    base = _ENDING.sub("", name)
    return [base + ending for ending in _TRADES] if len(base) > 3 else []
