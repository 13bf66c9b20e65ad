"""The occupation that a question compares a role with where the articles have no such role: "an AI engineer or a data scientist?". Pure.

A comparison of the articles' own roles would be no answer to it, however much it looks like one. What is not surely an occupation is none:
to refuse a question that the articles answer is worse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ingest.roles import RoleNames
from ingest.terms import terms

LOOKED_AT = 1000  # characters of a question

_ONE = r"(?P<one>[^?.,;:!]{1,100}?)"
_OTHER = r"(?P<other>[^?.,;:!]{1,100})"
_SIDES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bbetween {_ONE} and {_OTHER}",
        rf"\bcompar\w+ {_ONE} (?:and|with|to|against) {_OTHER}",
        rf"\b(?:distinguish\w*|sets?) {_ONE} (?:apart )?from {_OTHER}",
        rf"{_ONE} (?:vs\.?|versus|or|than|(?:differ\w*|distinct) (?:from|than|to)|compare[sd]? (?:with|to|against)) {_OTHER}",
    )
]
# the last word of what people call an occupation, in whatever field
_OCCUPATION = (
    "accountant|actor|administrator|adviser|advisor|agent|analyst|annotator|architect|artist|assistant|auditor|baker|banker|barber|biologist|broker|builder|"
    "butler|carpenter|chef|chemist|cleaner|clerk|coach|coder|consultant|cook|counsell?or|dancer|dentist|designer|developer|director|doctor|driver|economist|editor|"
    "electrician|engineer|ethicist|evangelist|farmer|firefighter|founder|freelancer|gardener|hacker|hairdresser|journalist|lawyer|lecturer|librarian|linguist|manager|"
    "marketer|mathematician|mechanic|midwife|musician|nurse|officer|operator|owner|painter|paramedic|pharmacist|philosopher|photographer|physician|physicist|pilot|planner|"
    "plumber|producer|professor|programmer|psychologist|recruiter|researcher|salesman|saleswoman|scientist|secretary|soldier|specialist|statistician|strategist|surgeon|"
    "tailor|teacher|technician|technologist|tester|therapist|trader|trainer|translator|vet|waiter|welder|writer"
)
# of what follows an article or a verb: not a pronoun, nor a rung that every occupation has
_CALLED = (
    r"(?P<who>(?:(?!(?:an?|the|is|are|was|were|do|does|did|will|would|can|should|how|why|who|other|another|same|most|many|some|all|any|these|those|their|our|your|my|his|her|junior|senior|lead|good|great|average|normal|ordinary|typical|"
    rf"usual|regular|experienced|it|he|she|they|we|you|i)\b)[\w/&+-]+ ){{0,2}}?(?:{_OCCUPATION})s?)\b"
)
_FIRST = re.compile(
    rf"(?:^|\b(?:an?|the|is|are|was|were|do|does|did|will|would|can|should|of|as|become|becoming|be|being) ){_CALLED}",
    re.IGNORECASE,
)
_SECOND = re.compile(rf"(?:(?:an?|the|that of an?|those of|some|being an?|becoming an?) )?{_CALLED}", re.IGNORECASE)
_COMPARES = re.compile(
    r"\b(?:differ\w*|than|unlike|whereas|while|but|instead|rather|contrast\w*|compar\w+|versus|vs|both|neither|alike|same|similar\w*)\b",
    re.IGNORECASE,
)


def outsider(question: str, names: RoleNames) -> str | None:
    """As the question calls it; None where it compares roles of the articles, or nothing."""
    for pattern in _SIDES:
        for sides in pattern.finditer(question[:LOOKED_AT]):
            one, other = sides["one"].strip(), sides["other"].strip()
            is_role = bool(names.roles_in(one))
            found = _SECOND.match(other) if is_role else _FIRST.search(one)
            # the noun that the roles share ("engineers") may mean any of them
            if is_role != bool(names.roles_in(other)) and found and terms(found["who"]) != terms(names.noun):
                return found["who"]
    return None


def is_compared(who: str, quotes: Iterable[str]) -> bool:
    """Whether a quote speaks of it and compares."""
    named = f" {' '.join(terms(who))} "
    return any(named in f" {' '.join(terms(quote))} " and _COMPARES.search(quote) for quote in quotes)
