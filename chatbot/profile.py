"""What somebody says of themselves, and where it counts: in questions that ask for advice about the asker, and in no other. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chatbot.person import without_traits

LONGEST = 200  # characters of one statement
_FIRST_PERSON = re.compile(r"\b(?:i|i['’]?[md]|me|my|mine|myself)\b", re.IGNORECASE)
_SUITS = re.compile(r"\bwhich\b.{0,40}\b(?:suits?|fits?|choose|pick|better|best|right)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Profile:
    """Background, likes and wants, in the person's own words."""

    background: str = ""
    likes: str = ""
    wants: str = ""

    def __bool__(self) -> bool:
        return any((self.background, self.likes, self.wants))

    def statements(self) -> str:
        """What is searched for with a question: without gender, age, origin and family, which never change an answer."""
        told = (("I am", self.background), ("I like", self.likes), ("I want", self.wants))
        kept = ((opening, without_traits(text[:LONGEST]).strip(" .")) for opening, text in told)
        return " ".join(f"{opening} {text}." for opening, text in kept if text)

    def put_to(self, question: str) -> str:
        """The question as it is asked: after the statements where it asks for advice, else as it is."""
        statements = self.statements()
        return f"{statements} {question}" if statements and asks_advice(question) else question


NOBODY = Profile()


def asks_advice(question: str) -> bool:
    """Whether the answer may depend on who asks, as "which role suits me?" does and "what does it pay?" does not."""
    return bool(_FIRST_PERSON.search(question) or _SUITS.search(question))
