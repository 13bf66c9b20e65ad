"""Evidence -> a comparison of roles made of quotes alone: a table with an aspect a row and every cell cited. Pure.

A row comes from a table of the articles that has the roles for columns, or of what they say about each role on the matter asked for.
What they say about the roles together stands beside the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chatbot import extractive
from chatbot.cite import Citations
from chatbot.evidence import Evidence
from chatbot.extractive import Picked
from ingest.types import Unit

SIDE_WORDS = 25  # of an answer's, kept for a role that the best units leave out
FAR = 0.2  # of the best score: a unit so much below it is not on the matter
FARTHER = 0.3  # the same, where the matter is the roles themselves
NOT_SAID = "The articles do not say."
ANY_ASPECT = "What the articles say"  # of sentences that do not stand under one heading

RolesIn = Callable[[str], tuple[str, ...]]
Cells = dict[str, str]  # role -> what is quoted about it, with its marks


def choose(ranked: Sequence[Evidence], roles: Sequence[str], word_share: float = 1.0) -> list[Picked]:
    """The best units; then, for a role that they leave out, the best on the matter that speaks about it alone; for each, where one unit on all stands there."""
    told = [evidence for evidence in ranked if extractive.says_something(evidence)]
    picked = extractive.topped_up([], told, int(extractive.WORDS["comparison"] * word_share) - SIDE_WORDS)
    sided = {role for one in picked for role in _side(one.unit, roles)}
    if sided or not all(any(role in one.unit.roles for one in picked) for role in roles):
        return [*picked, *_sides(told, [role for role in roles if role not in sided], roles, FAR)]
    if len(picked) > 1 or picked[0].unit.kind == "row":
        return picked
    # one sentence on the roles together says little: what is said of each beside it, if of each
    sides = _sides(told, roles, roles, FARTHER)
    return [*picked, *sides] if len(sides) == len(roles) else picked


def _sides(told: Sequence[Evidence], wanted: Sequence[str], roles: Sequence[str], far: float) -> list[Picked]:
    """The best unit that speaks about each of the wanted roles alone, where one is on the matter."""
    best: dict[str, Evidence] = {}
    for evidence in told:
        if evidence.score > told[0].score - far:
            for role in _side(evidence.unit, roles):
                best.setdefault(role, evidence)
    sides = [best[role] for role in wanted if role in best]
    return [Picked(side.passage.chunk, side.number) for side in sides]


def _side(unit: Unit, roles: Sequence[str]) -> set[str]:
    """The one role that a sentence or item speaks about; none where it speaks about several, and for a row."""
    asked = set(unit.roles) & set(roles)
    return asked if len(asked) == 1 and unit.kind != "row" else set()


def compose(picked: Sequence[tuple[str, Sequence[Picked]]], roles: Sequence[str], roles_in: RolesIn, citations: Citations) -> str:
    """Markdown: one table, and before or after it, as they were ranked, the units on no one role. `picked` are the units for each aspect that was
    asked for, or all of them for "".
    """
    rows = [(aspect, *_cells_of(units, roles, roles_in)) for aspect, units in picked]
    in_table = [one for _, tabled, sides in rows for one in (*tabled, *sides)]
    others = [one for _, units in picked for one in units if one not in in_table]
    if not in_table:
        return extractive.compose(others, citations)
    # made in the order of reading: so are its marks numbered
    if others and others[0] is picked[0][1][0]:
        blocks = [extractive.compose(others, citations), _table(rows, roles, roles_in, citations)]
    else:
        blocks = [_table(rows, roles, roles_in, citations), extractive.compose(others, citations)]
    return "\n\n".join(filter(None, blocks))


def _cells_of(units: Sequence[Picked], roles: Sequence[str], roles_in: RolesIn) -> tuple[list[Picked], list[Picked]]:
    """The rows of the articles' tables, and what is said about each role; none of that where it is about some alone, and the others are spoken of elsewhere:
    a cell would say that nothing is said about them.
    """
    tabled = [one for one in units if _columns(one, roles, roles_in)]
    sides = [one for one in units if _side(one.unit, roles)]
    unsaid = set(roles).difference(*(_side(one.unit, roles) for one in sides))
    is_said = tabled or any(unsaid.intersection(one.unit.roles) for one in units)
    return tabled, [] if unsaid and is_said else sides


def _table(
    rows: Sequence[tuple[str, Sequence[Picked], Sequence[Picked]]], roles: Sequence[str], roles_in: RolesIn, citations: Citations
) -> str:
    """Of each aspect its rows of the articles' tables, and one of what is said about each role."""
    lines = [extractive.row_of(["Aspect", *roles]), extractive.row_of(["---"] * (len(roles) + 1))]
    for asked, tabled, sides in rows:
        told = [_table_row(one, roles, roles_in, citations) for one in tabled]
        told += [_sides_row(asked, sides, roles, citations)] if sides else []
        lines += [extractive.row_of([aspect, *(cells.get(role, NOT_SAID) for role in roles)]) for aspect, cells in told]
    return "\n".join(lines)


def _columns(one: Picked, roles: Sequence[str], roles_in: RolesIn) -> dict[str, int]:
    """Role -> its column, of a whole row of a table that has one for a role; empty for anything else."""
    if one.unit.kind != "row":
        return {}
    header, cells = (extractive.cells_of(text) for text in (one.chunk.lead_of(one.unit), one.chunk.quote(one.unit)))
    columns = {role: at for at, head in enumerate(header) if at for role in roles_in(head)[:1] if role in roles}
    return columns if len(cells) >= len(header) else {}


def _table_row(one: Picked, roles: Sequence[str], roles_in: RolesIn, citations: Citations) -> tuple[str, Cells]:
    """The aspect and the cells of a row."""
    columns, cells = _columns(one, roles, roles_in), extractive.cells_of(one.chunk.quote(one.unit))
    aspect = next((cell for at, cell in enumerate(cells) if at not in columns.values() and not cell.rstrip(".").isdigit()), ANY_ASPECT)
    mark = citations.mark(one.chunk, one.unit.span)
    return aspect, {role: f"{cells[at]} {mark}" for role, at in columns.items() if cells[at]}


def _sides_row(asked: str, sides: Sequence[Picked], roles: Sequence[str], citations: Citations) -> tuple[str, Cells]:
    """What is said about each role, under the heading where all of it stands, or the aspect that was asked for: so too where one role lacks it, for under
    the heading more may be said about that one.
    """
    said = {role: [one for one in sides if role in one.unit.roles] for role in roles}
    is_of_heading = len({one.chunk.heading[-1:] for one in sides}) == 1 and (not asked or all(said.values()))
    aspect = (extractive.heading_of(sides[0]) if is_of_heading else "") or asked[:1].upper() + asked[1:]
    return aspect or ANY_ASPECT, {
        role: " ".join(extractive.quoted(one, citations) for one in units) for role, units in said.items() if units
    }
