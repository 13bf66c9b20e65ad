"""What is found for one question of a turn, whether it answers, and what is said where nothing does. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.abstention import Verdict
from chatbot.evidence import Evidence
from chatbot.extractive import Picked
from chatbot.outsider import is_compared
from chatbot.retrieve import content_terms
from chatbot.types import Passage
from chatbot.understanding import Asked

MISSING_WORDS = 3  # named of those that stand nowhere in the articles

WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_NAME_OR_WORD = re.compile(rf"(?<=[a-z,;:] )[A-Z][\w-]*(?: [A-Z][\w-]*)+|{WORD.pattern}")  # a name of several words is one


@dataclass(frozen=True, slots=True)
class Found:
    """One question of a turn, searched for; on an aspect of several, only the units that speak of it are ranked. Nothing is picked where nothing answers, unless it
    has to be seen whom the articles compare.
    """

    asked: Asked
    passages: tuple[Passage, ...]
    ranked: tuple[Evidence, ...]
    verdict: Verdict
    picked: tuple[Picked, ...]

    @property
    def is_answered(self) -> bool:
        """Whether the evidence answers, and holds a unit that can be quoted as an answer."""
        return self.verdict.answers and bool(self.picked) and not self.lacks_outsider

    @property
    def lacks_outsider(self) -> bool:
        """Whether the question compares with somebody whom no quote compares."""
        return self.asked.outsider is not None and not is_compared(self.asked.outsider, (one.chunk.quote(one.unit) for one in self.picked))


def nothing_on(question: str, found: Sequence[Found]) -> str:
    """What is missing: whom the question compares with, or its own words and names, or those of the aspects that it lists, that stand nowhere in the articles."""
    outsiders = ", ".join(f"“{one.asked.outsider}”" for one in found if one.lacks_outsider)
    if outsiders:
        return f"The articles do not answer this. They compare no role with {outsiders}."
    aspects = [one.asked.aspect.of(one.asked.text) for one in found if one.asked.aspect]
    unknown = {term for one in found for term in one.verdict.missing}
    words = dict.fromkeys(word for word in _NAME_OR_WORD.findall(" ".join(aspects) or question) if unknown & set(content_terms(word)))
    if not words:
        return "The articles do not answer this."
    named = ", ".join(f"“{word}”" for word in list(words)[:MISSING_WORDS])
    return f"The articles do not answer this. They say nothing about {named}."
