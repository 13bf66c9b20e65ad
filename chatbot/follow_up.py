"""Question + history -> a question that stands alone, by rules that know no role and no topic. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from chatbot.carried import carried
from chatbot.retrieve import content_terms
from ingest.roles import RoleNames

SHORT = 3  # content words: a question of no more than these, or one that begins as a reply does, leans on what was asked before

_OPENING = re.compile(
    r"^\s*(?:(?:and|but|so|or|ok(?:ay)?|then|also|hmm|well|yes|no)\b[\s,]*)*"
    r"(?:(?:what|how) about|what if|same (?:question |thing )?for|why|how come|how so|like what|such as|which ones?|for example|for what)?\b[\s,]*",
    re.IGNORECASE,
)
_REPLY = re.compile(
    r"^\s*(?:and|but|so|or|then|also|ok(?:ay)?,?|what about|how about|what if|same|why\s*\?|why is (?:that|this|it)|how come|like what|such as)\b",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"\b(?:that|this|it|its|they|them|their|those|these|he|she|him|her|the (?:former|latter|same|first|second|other)|such|there|then|still|else|instead|"
    r"(?:the )?others?|another)\b",
    re.IGNORECASE,
)
_OTHER_ROLE = re.compile(
    r"\b(?:(?:for|with|in|of|to)\s+)?(?:the|an?)?\s*other\s+(?:one|role|job|kind|type|side|path|career|way|engineers?|guys?|profession|position|title)s?\b"
    r"|\bthe other\b(?=\s*\W*$)",
    re.IGNORECASE,
)
_FILLER = frozenset(
    content_terms(
        "guy guys folks people person side kind role job one ok okay well rather prefer instead go would like role position dev developer same"
    )
)


def _any(_: str) -> bool:
    return True


def standalone(question: str, history: Sequence[str], names: RoleNames, knows: Callable[[str], bool] = _any) -> str:
    """The question as it would be asked by someone who had asked nothing before; `knows` says whether the articles have a term."""
    before = ""
    for number, earlier in enumerate(history):
        before = _joined(before, earlier, history[:number], names, knows)
    return _joined(before, question, history, names, knows)


def _joined(before: str, question: str, history: Sequence[str], names: RoleNames, knows: Callable[[str], bool]) -> str:
    """`before` is the last question as it stands alone; a follow-up with words of its own takes only what it is about."""
    if not before or not leans_back(question, names, knows):
        return question.strip()
    swapped = _role_swapped(before, question, names)
    rest = _own_words(question, names)
    if swapped or not rest:
        return f"{(swapped or before).rstrip(' .')} {question.strip()}" if rest or not swapped else swapped
    about = _about(before, question, history, names)
    return f"{', '.join(about)}: {question.strip()}" if about else question.strip()


def _about(before: str, question: str, history: Sequence[str], names: RoleNames) -> list[str]:
    """The roles that were asked about, where it names none, and the words of the earlier questions that it leans on."""
    roles = () if names.roles_in(question) else names.roles_in(before)
    told = carried(names.neutral(question), [names.neutral(earlier) for earlier in history])
    bare = (" ".join(word for word in words.split() if content_terms(word) != content_terms(names.noun)) for words in told)
    return [*roles, *filter(None, bare)]


def leans_back(question: str, names: RoleNames, knows: Callable[[str], bool] = _any) -> bool:
    """Whether a question cannot be understood without the one before it. One that is but short, with no word that the articles have, is on
    something else: "How do I bake bread?" """
    words = [term for term in content_terms(names.neutral(question)) if term not in _FILLER and term != names.noun]
    if _REPLY.match(question) or _OTHER_ROLE.search(question):
        return True
    if _POINTS_BACK.search(question):
        return len(words) <= SHORT
    return len(words) <= 1 or (len(words) < SHORT and not names.roles_in(question) and any(map(knows, words)))


def _role_swapped(before: str, question: str, names: RoleNames) -> str | None:
    """The question before, asked of the role that this one names ("and the ML guy?", "and for the other role?")."""
    asked = names.roles_in(before)
    if len(asked) != 1:
        return None
    wanted = names.roles_in(question)
    if not wanted and _OTHER_ROLE.search(question):
        wanted = names.other_than(asked[0])
    if len(wanted) != 1 or wanted == asked:
        return None
    mentions = names.mentions(before)
    parts: list[str] = []
    at = 0
    for mention in mentions:
        parts += [before[at : mention.start], wanted[0]]
        at = mention.end
    return "".join([*parts, before[at:]])


def _own_words(question: str, names: RoleNames) -> list[str]:
    """What a follow-up asks beyond naming a role."""
    text = _OTHER_ROLE.sub(" ", _OPENING.sub("", question, count=1))
    return [term for term in content_terms(names.neutral(text)) if term not in _FILLER and term != names.noun]
