"""The aspects that a comparison is asked for: "Compare them on pay, skills and tools" is a question on each. Pure; knows no role and no aspect."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chatbot.retrieve import content_terms
from ingest.roles import RoleNames

MOST = 6  # aspects that are searched for one by one; who names more is answered on all together

_JOIN = r"(?:,?+ (?:and|or|as well as|vs\.?+|versus|&) |, )(?:(?:the|their|on|in) )?+"
_GOES_ON = "of|for|between|across|in|differ|differs|differing|compare"  # what stands behind a list that does not end the question


def _listed(no_word: str) -> str:
    """A pattern of aspects, none of whose words is one of these or a join: so a list is read in one way alone, however long."""
    word = rf"(?!(?:{no_word})\b)[\w'’/+#-]++"
    aspect = rf"{word}(?: {word}){{0,3}}+"
    return rf"(?:(?:the|their) )?+(?P<aspects>{aspect}(?:{_JOIN}{aspect})++)"


_LISTED, _LISTED_WITHIN = _listed("and|or|as|vs|versus"), _listed(f"and|or|as|vs|versus|{_GOES_ON}")
_COMPARES = r"(?:\b(?:compar(?:e|es|ed|ing|ison)|contrast\w*|differ(?:s|ent|ence|ences)?)\b|\b(?:vs\.?|versus) )"
_ON = r"(?:on|in|(?<!side )by|regarding|concerning|across|in terms of|with (?:respect|regard) to|when it comes to)"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"^(?P<roles>.*{_COMPARES}.*?)(?: {_ON}|:| [-–—]) {_LISTED}\W*$",  # "Compare the two roles on pay and tools.", "A baker vs. a chef: pay, skills"
        rf"{_COMPARES} (?:in |of )?{_LISTED_WITHIN} (?:of|for|between|across|in) (?P<roles>.*)",  # "the differences in pay and tools between them"
        rf"\bhow (?:do|are) {_LISTED_WITHIN} (?:differ\w*|compare) (?:between|across|for|in) (?P<roles>.*)",
    )
)
_ROLES = re.compile(r"\b(?:both|two|each|them|they|roles|jobs|careers|paths|professions|titles)\b", re.IGNORECASE)
_PARTED = re.compile(_JOIN, re.IGNORECASE)
_SAYS_NO_ASPECT = re.compile(  # "on one side or the other", "in what they build and how"
    r"\b(?:who|what|which|how|why|when|where|whether|if|one|ones|other|others|both|either|neither|each|not|for|please|pls|is|are|do|does|should|can|will|i|you|we|they|it|them|me)\b",
    re.IGNORECASE,
)
_DESCRIBES = re.compile(
    r"\w+(?:al|ic|ive|ous|ful|less|ly)|hard|soft|new|old|junior|senior|short|long", re.IGNORECASE
)  # "technical and soft skills"


def by_aspect(question: str, names: RoleNames) -> list[str]:
    """The comparison for each of the aspects that it names; the question itself where it names one or none."""
    for first, last in _listed_in(question, names):
        if aspects := _aspects(question[first:last], names):
            return [f"{question[:first]}{aspect}{question[last:]}" for aspect in aspects]
    return [question]


def _listed_in(question: str, names: RoleNames) -> Iterator[tuple[int, int]]:
    """Where in a comparison of roles a list of what they are compared on may stand."""
    for form in _FORMS:
        found = form.search(question)
        if found and (_ROLES.search(found["roles"]) or names.roles_in(found["roles"])):
            yield found.span("aspects")


def _aspects(listed: str, names: RoleNames) -> list[str]:
    """What is listed, where each is an aspect that can be asked for by itself."""
    aspects = _PARTED.split(listed)
    *others, last = aspects
    share_a_noun = " " in last and any(_DESCRIBES.fullmatch(aspect) for aspect in others)
    if share_a_noun or len(aspects) > MOST or any(_is_none(aspect, names) for aspect in aspects):
        return []
    return aspects


def _is_none(aspect: str, names: RoleNames) -> bool:
    return bool(_SAYS_NO_ASPECT.search(aspect)) or bool(names.roles_in(aspect)) or not content_terms(aspect)
