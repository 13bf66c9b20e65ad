"""The occupation that a question compares a role with where the articles have no such role: "an AI engineer or a data scientist?". Pure.

A comparison of the articles' own roles would be no answer to it, however much it looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from chatbot.retrieve import content_terms
from ingest.roles import RoleNames
from ingest.terms import terms

_END = r"(?=[?.,;:!]|$)"
_ONE = r"(?P<one>[^?.,;:!]{1,100}?)"
_OTHER = rf"(?P<other>.{{1,100}}?){_END}"
_SIDES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bbetween {_ONE} and {_OTHER}",
        rf"\bcompar\w+ {_ONE} (?:and|with|to|against) {_OTHER}",
        rf"{_ONE} (?:vs\.?|versus) {_OTHER}",
        rf"{_ONE} (?:differ\w*|distinct) (?:from|than|to) {_OTHER}",
        rf"{_ONE} than {_OTHER}",
    )
]
# as occupations are called in English: a developer, an auditor, a chemist, a librarian, an accountant, an architect, an analyst
_CALLED = r"(?P<who>(?!others?\b)(?:[\w-]+ ){0,3}?[\w-]+(?:er|or|ist|ian|ant|ect|yst|man|men)s?)"
_GOES_ON = r"(?=$| (?:in|at|on|for|of|with|from|by|to|who|that|is|are|do|does|when|if|as|and|or)\b)"
_BEGINS = re.compile(rf"(?:(?:an?|the|some|any|most) )?{_CALLED}{_GOES_ON}", re.IGNORECASE)
_ENDS = re.compile(rf"(?:^(?:(?:an?|the) )?|\b(?:an?|the|of|is|are|do|does|as) ){_CALLED}$", re.IGNORECASE)
_COMPARES = re.compile(
    r"\b(?:differ\w*|than|unlike|whereas|while|but|instead|rather|contrast\w*|compar\w+|versus|vs|both|neither|alike|same|similar\w*)\b",
    re.IGNORECASE,
)


def outsider(question: str, names: RoleNames) -> str | None:
    """As the question calls it; None where it compares roles of the articles, or nothing."""
    for pattern in _SIDES:
        if not (sides := pattern.search(question)):
            continue
        one, other = sides["one"].strip(), sides["other"].strip()
        is_role = bool(names.roles_in(one))
        if is_role == bool(names.roles_in(other)):
            continue
        if found := _BEGINS.match(other) if is_role else _ENDS.search(one):
            return found["who"]
    return None


def is_compared(who: str, quotes: Iterable[str]) -> bool:
    """Whether a quote speaks of it and compares."""
    named = set(content_terms(who))
    return any(named <= set(terms(quote)) and _COMPARES.search(quote) for quote in quotes)
