"""What a question wants defined ("What is a pastry chef?", "define lamination") or named otherwise ("What else is a chef called?"), and whether a
sentence says what that is, or how it is called. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from chatbot.retrieve import content_terms
from chatbot.understanding import SENTENCE_GAP
from ingest.roles import RoleNames
from ingest.terms import terms

LONGEST = 3  # content words of what is to be defined, where it is no role
OPENING = 50  # characters within which a sentence names what it says the meaning of

_ASKS = re.compile(
    r"^\W*(?:(?:and|so|but|ok(?:ay)?|hi|hello|hey|well|please|sorry|first|then|now)\b\W*)*"
    r"(?:what(?: exactly| even| actually)? (?:is|are|does|do)|what['’]?s|who(?: exactly)? (?:is|are)|who['’]?s|define|explain|"
    r"(?:the )?(?:meaning|definition) of)\b|\bwhat (?:does|do|is) (?:that|it|this) (?:even |actually |really )?(?:mean|meant)|\bmean(?:s|t)? by\b"
    r"|\b(?:stands?|short) for what\b",
    re.IGNORECASE,
)
_ASKS_LATER = re.compile(  # after something else, where "What is that?", "What is next?" and "What are the chances?" ask for no definition
    r"(?i:\b(?:mean(?:s|t|ing)?|define|definition|(?:stands?|short) for)\b)"
    r"|^\W*(?i:what|who)(?i:['’]?s| is| are) (?:(?i:an?) [\w-]+(?: [\w-]+)?|[\w-]*[A-Z][\w-]*)\W*$"
)
_WANTED_FOR = re.compile(r"^\W*for [^:,.?!]{1,60}[:,]\s*", re.IGNORECASE)  # "For our glossary: what is lamination?"
_BESIDES = re.compile(  # for whom or what it is wanted, and in how many words
    r"(?:^\W*|,? )in (?:just |only )?(?:one|two|three|four|five|ten|\d+|a few|a couple of)(?: or \w+)? (?:\w+ )?(?:words?|lines?|sentences?)\b(?:[,:] ?)?"
    r"|(?<=[\"”’']) for (?:an?|the) [^.?!]*| for (?:me|us|(?:my|our|his|her|their|somebody|someone|people)\b[^.?!]*)\b"
    r"|\b(?:stands?|short) for(?: what)?\b",
    re.IGNORECASE,
)
_WANTS_WORDS = re.compile(
    r"\b(?:define|explain|definition|(?:stands?|short) for)\b|\bin (?:\w+ ){1,5}(?:words?|lines?|sentences?)\b", re.IGNORECASE
)
_SMALL = frozenset({"a", "an", "and", "for", "in", "of", "on", "or", "the", "to"})  # words that a short form may have no letter of
_ASKS_NAMES = re.compile(
    r"^(?![^.?!]*\b(?:grow|move|advance|promot|earn|pa(?:y|id)|above|below|after|senior)\w*\b).*?(?:"
    r"\b(?:other|else|alternative) (?:job )?(?:titles?|names?)\b(?! of (?!an?\b|the\b))|\banother (?:job )?(?:title|name) for\b"
    r"|\b(?:how|what) else (?:is|are)\b[^.?!]{0,80}\b(?:called|known|referred)\b|^\W*(?:is|are)\b[^.?!]{1,60}\b(?:also|sometimes|otherwise) (?:called|known as)\b"
    r"|\b(?:also|sometimes|otherwise) (?:called|known as|referred to)\W*$|\b(?:synonyms?|alias(?:es)?) (?:for|of)\b"
    r"|\b(?:titles?|names)\b[^.?!]{0,60}\b(?:meant|used for|listed|known|advertised|go(?:es)? by)\b)",
    re.IGNORECASE | re.DOTALL,
)
_SAYS_NAMES = re.compile(  # what may stand between two names, and little else
    r"\b(?:(?:who|whom|which|what|that) (?:\w+ ){0,3}calls?|(?:is |are )?(?:also |sometimes |often |otherwise )?(?:called|known as|named|referred to as)|or|also|sometimes|"
    r"aka|a\.k\.a|i\.e|that is|in short|an?|the)\b|\W",
    re.IGNORECASE,
)
_BEFORE_IT = re.compile(r"^\W*(?:(?:an?|the)\W+(?:\w+\W+)?)?$", re.IGNORECASE)  # an article, and a word like "newer"
_ASIDE = re.compile(r"^\s*\([^()]*\)")
_IS = re.compile(r"^[\s*_\"”’]*(?:is|are|means?|refers? to|stands? for)\b", re.IGNORECASE)
_BESIDE_IT = re.compile(
    r"^\s*(?:,|–|—)\s*(?:an?|the|also|sometimes|often|in short|or|who|whom|which)\b[^.]{3,80}?(?:,|–|—)\s*(?!and\b|or\b)\w", re.IGNORECASE
)
_DOES = re.compile(
    r"^\s+(?!and\b|or\b|who\b|whom\b|whose\b|in\b|from\b|with\b|to\b|of\b|for\b|at\b|needs?\b|has\b|have\b|roles?\b|jobs?\b)\w+",
    re.IGNORECASE,
)
_FILLER = frozenset(
    content_terms(
        "define definition mean meaning meant explain sentence sentences word words short brief briefly simple simply plain english term terms exactly actual "
        "actually even really basically ok okay well hi hello hey please role job title person people called anyway"
    )
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be defined: a role, else some words, by their stems."""

    names: RoleNames
    role: str | None
    terms: frozenset[str]

    def defined_in(self, sentence: str) -> float:
        """1 where a sentence opens with it and says what it is, or spells out what it is short for, a half where it says what it does, else 0."""
        if len(self.terms) == 1 and _spells_out(sentence, *self.terms):
            return 1.0
        rest = self._after_it(sentence)
        if rest is None:
            return 0.0
        rest = _ASIDE.sub("", rest)
        if self.role and any(mention.role != self.role for mention in self.names.mentions(rest[:OPENING])):
            return 0.0  # it speaks of several
        if _IS.match(rest) or _BESIDE_IT.match(rest):
            return 1.0
        return 0.5 if _DOES.match(rest) else 0.0

    def _after_it(self, sentence: str) -> str | None:
        """What follows it where a sentence opens with it."""
        if self.role:
            first = next(iter(self.names.mentions(sentence)), None)
            if first is None or first.weak or first.role != self.role or not _BEFORE_IT.match(sentence[: first.start]):
                return None
            return sentence[first.end :]
        left = set(self.terms)
        for word in re.finditer(r"[\w+#-]+", sentence[:OPENING]):
            stems = set(content_terms(word.group()))
            if stems - self.terms:
                return None
            left -= stems
            if not left:
                return sentence[word.end() :]
        return None


def subject_of(question: str, names: RoleNames) -> Subject | None:
    """What a question asks the meaning of, or no more than what it does; None where it asks for anything else, or of several roles."""
    asking = _asking(question)
    if not asking:
        return None
    roles = _roles_in(question, names)
    if roles and not _roles_in(asking, names):
        asking = question  # which is on a role: "Bakers need a licence. What does that mean?"
    own = frozenset(content_terms(names.neutral(asking) if roles else asking)) - _FILLER
    if roles:
        is_all = len(roles) == 1 and own <= set(content_terms(names.noun))
        return Subject(names, next(iter(roles)), frozenset()) if is_all else None
    return Subject(names, None, own) if 0 < len(own) <= LONGEST else None


def _roles_in(text: str, names: RoleNames) -> dict[str, None]:
    return dict.fromkeys(mention.role for mention in names.mentions(text) if not mention.weak)


def _asking(question: str) -> str:
    """The sentence that asks the meaning of something, and of it what is asked; empty where none does."""
    for number, sentence in enumerate(SENTENCE_GAP.split(question)):
        asking = _WANTED_FOR.sub("", sentence)
        asked = _BESIDES.sub("", asking) if _WANTS_WORDS.search(asking) else asking
        comes_first = number == 0 and asking == sentence
        if (_ASKS.search(asking) or _ASKS.search(asked)) and (comes_first or _ASKS_LATER.search(asking)):
            return asked if set(content_terms(asked)) - _FILLER else asking
    return ""


def _spells_out(sentence: str, short: str) -> bool:
    """Whether it gives the words that a short form, of this stem, stands for: "short crust pastry (SCP)"."""
    for form in re.finditer(r"\(\W*([^\W_]{2,})\W*\)", sentence):
        letters = form.group(1).lower()
        if short.removesuffix("s") != letters.removesuffix("s"):
            continue
        words = [word.lower() for word in re.findall(r"[^\W_]+", sentence[: form.start()])]
        for said in (words, [word for word in words if word not in _SMALL]):
            if any("".join(word[0] for word in said[-len(wanted) :]) == wanted for wanted in (letters, letters.removesuffix("s"))):
                return True
    return False


@dataclass(frozen=True, slots=True)
class OtherNames:
    """A role, what else it is called."""

    names: RoleNames
    role: str

    @property
    def terms(self) -> tuple[str, ...]:
        """The stems of all its names, to search for what may say them."""
        return tuple(
            dict.fromkeys(term for role in self.names.roles if role.name == self.role for name in role.names for term in terms(name))
        )

    def named_in(self, text: str) -> bool:
        """Whether two of its names stand side by side."""
        return any(
            one.role == other.role == self.role
            and not _SAYS_NAMES.sub("", text[one.end : other.start])
            and not re.search(r"[.?!]\s", text[one.end : other.start])
            and {*terms(text[one.start : one.end])} != {*terms(text[other.start : other.end])}
            for one, other in pairwise(mention for mention in self.names.mentions(text) if not mention.weak)
        )


def other_names_in(question: str, names: RoleNames) -> OtherNames | None:
    """The role whose other names a question asks for; None where it asks for anything else, or names several."""
    named = {mention.role for mention in names.mentions(question) if not mention.weak} if _ASKS_NAMES.search(question) else set()
    return OtherNames(names, named.pop()) if len(named) == 1 else None
