"""What a question asks for: how many answers, of which roles, and whether it asks anything of the articles at all. Pure; knows no role and no topic."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from chatbot.outsider import outsider
from chatbot.retrieve import content_terms
from ingest.roles import RoleNames
from ingest.types import Span

Shape = Literal["fact", "list", "comparison"]
Aside = Literal["greeting", "instruction", "foreign"]

_LIST = re.compile(
    r"\b(?:list|enumerate|name (?:all|the|some|a few|two|three|four|five)|all (?:the|of)|every(?:thing)?|each of|what all|what kinds?|which kinds?|what sorts?|"
    r"what types?|which types?|(?:two|three|four|five|six|seven|\d+) (?:\w+ )?(?:kinds|types|things|areas|skills|tools|traits|tasks|ways|points|examples|steps|reasons)|"
    r"examples|hallmarks|traits|characteristics|duties|responsibilities|"
    r"(?:what|which)(?: \w+){0,3} (?:tools|skills|frameworks|libraries|tasks|metrics|techniques|languages|competenc(?:ies|es)|abilities|areas|"
    r"products|questions|topics|models|things|subjects|concepts|platforms|backgrounds|qualities|strengths|steps|outputs|apps))\b",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"\b(?:differ\w*|compare[ds]?|comparison|comparing|contrast\w*|versus|vs\.?|set (?:them |the \w+ )?(?:apart|against)|side by side|next to each other|"
    r"distinguish\w*|distinction|respectively|each (?:of the (?:two|2)|one|role|job|has|does|must)|the two|both|either|one and the other|and the other|the one\b.{1,30}\bthe other)\b",
    re.IGNORECASE,
)
_WHO_WHO = re.compile(r"\b(?:who|which(?: one)?)\b.{3,80}\band (?:who|which(?: one)?)\b", re.IGNORECASE)
_GREETING = re.compile(
    r"^\W*(?:(?:hi|hello|hey|hiya|howdy|good (?:morning|afternoon|evening|day|night)|thanks|thank you|thx|cheers|bye|goodbye|see you|ok(?:ay)?|great|cool|nice|"
    r"test(?:ing)?|yo|sup|how are you(?: doing)?(?: today)?|what'?s up|who are you|are you (?:there|a (?:bot|robot|human|person))|a lot|so much|very much|"
    r"that (?:was|is) (?:it|all|great|helpful)|there|everyone|all|again|friend|for (?:your|the|all the|all your) (?:help|info|information|time)|you|bot)\b[\s,.!?:;)-]*+)++$",
    re.IGNORECASE,
)
_TOLD = r"(?:^|[.!?,:;#\]]\s*|\b(?:please|and|now|then|must) )"  # before what is told, and not asked
_INSTRUCTION = re.compile(
    # set aside what it was told
    r"\b(?:ignor\w*|disregard\w*|forget|overrid\w*|bypass\w*)\b.{0,40}\b(?:instruction|prompt|rule|guideline|polic|restriction|filter|above|"
    r"previous|prior|earlier|everything)\w*"
    rf"|{_TOLD}(?:ignore|disregard|forget|override|bypass)\b.{{0,40}}\b(?:context|source|article|citation)s?\b"
    r"|\b(?:switch off|turn off|disable|drop) (?:all )?your (?:\w+ )?(?:filter|guardrail|restriction|safety|limit)\w*|^\W*forget being\b"
    # tell what it was told
    r"|\byour (?:system|hidden|initial|developer|secret) (?:prompt|message|instruction)s?\b"
    r"|\b(?:print|reveal|show|repeat|output|give|tell|leak|read|what['’]?s|what is|including any)\b.{0,20}\b(?:the|any|me) ?(?:system|hidden|initial|developer|secret) (?:prompt|message|instruction|setting)s?\b"
    r"|\byour (?:\w+ )?(?:prompt|instructions?|rules(?! of thumb)|guidelines|configuration|source code)\b"
    r"|\b(?:instructions?|prompts?|rules) (?:that |which )?(?:you(?: were|['’]ve been| have been)|were you) (?:given|told|shown)\b"
    r"|\b(?:text|instructions|everything) (?:that |which )?you (?:got|received|were told|were given) before\b|\beverything above this\b"
    r"|\b(?:dump|print|paste|reveal|write out) (?:\w+ ){0,2}your (?:\w+ ){0,2}(?:context|memory|conversations?|logs?|settings|message)\b"
    r"|\b(?:show|tell|give|paste|list)\b.{0,40}\bother (?:users|visitors)\b.{0,20}\b(?:ask|typ|enter)\w*"
    r"|\bwhat did the (?:other|previous|last) (?:user|visitor|person)\b.{0,15}\bask\b|\bthe (?:person|user|visitor) before me\b.{0,10}\bask\w* you\b"
    # its keys
    r"|\b(?:your|paste|reveal|leak|print|show me the|give me the|tell me the)\b.{0,30}\b(?:api|access|secret|openai)[ _-]?(?:key|token|password)s?\b"
    r"|\b(?:api|access|secret)[ _-]?(?:key|token)s? (?:do you|are you|did you|(?:that|which) you run on)\b"
    r"|\b(?:your|print|show|reveal)\b.{0,20}(?:\benvironment variables?\b|\.env\b)|\b(?:passwords?|credentials)\b.{0,40}\bbehind you\b"
    # be another
    r"|\byou(?: are|['’]re) (?:now|no longer)\b|(?:^|[.!]\s*)you(?: are|['’]re) (?:the|an?|my) [^.?!,]{1,40} now[,;:]|\byou will now (?:answer|act|speak)\b"
    r"|\bfrom now on(?!,? (?:should|do|does|will|is|are|can|what|how|which|who|where|when|i|we)\b)|\bfrom here on,? you\b|\brole-?play\b"
    rf"|\b(?:pretend (?:to be|that you|the|you)|imagine you are)\b|{_TOLD}(?:play|take on|assume) the (?:part|role|persona)\b"
    rf"|{_TOLD}act as\b|\bbe my (?:late )?(?:grand\w+|mother|father)\b"
    r"|\b(?:jailbreak|jailbroken|dan mode|dev(?:eloper)? mode|debug mode|admin(?:istrator)? mode|unrestricted mode|god mode|sudo|system override)\b"
    r"|\b(?:you|who) (?:have|has)(?: with)? no (?:rules|restrictions|filter)\b|\bwith no (?:rules|restrictions|filter)\b"
    r"|\bi(?: am|['’]m) (?:your|the) (?:developer|administrator|admin|creator|owner) of this (?:advisor|assistant|bot|chat\w*|service|system)\b"
    # say what it is told
    rf"|\brepeat after me\b|{_TOLD}(?:say exactly(?! *\?)|(?:respond|answer|reply|output) only|reply with|output exactly|only (?:say|reply|answer|respond)|just say (?:that|it|yes|no)|"
    r"confirm by saying)\b|\b(?:(?:end|begin) (?:every|each) (?:answer|reply)|take it as true and)\b"
    r"|(?:^|[.!?]\s*)new (?:rule|instruction)s?: (?:you|answer|always|never|only|say|every)\b|\b(?:add|new)\b.{0,25}\b(?:to|for) your (?:knowledge base|articles|corpus)\b"
    rf"|{_TOLD}(?:make up|invent|fabricate|forge)\b.{{0,60}}\b(?:sentence|quote|citation|cite|source|article|fact|figure)\w*|\bcite (?:it|this|me|that) as\b"
    # do what a machine is told
    r"|\brm -rf\b|/etc/passwd\b|\bdecode\b.{0,80}\bdo what it says\b"
    r"|<\/?(?:system|user|assistant|instruction|source|passage)s?\b|</(?:document|context)>|(?:^|[.!?#\]]\s*|\n)system\s*:|\bassistant\s*:|\[/?INST\]|<\|",
    re.IGNORECASE | re.DOTALL,
)
# words without which hardly a question is asked in German, French, Spanish, Italian, Portuguese or Dutch, and which English has not
_FOREIGN = frozenset(
    [
        "ich",
        "ist",
        "und",
        "der",
        "das",
        "ein",
        "eine",
        "einen",
        "wie",
        "wer",
        "mit",
        "nicht",
        "für",
        "verdient",
        "macht",
        "je",
        "est",
        "et",
        "le",
        "les",
        "un",
        "une",
        "des",
        "du",
        "que",
        "qui",
        "quoi",
        "comment",
        "quel",
        "quelle",
        "pour",
        "avec",
        "fait",
        "dans",
        "yo",
        "es",
        "el",
        "los",
        "las",
        "una",
        "unos",
        "qué",
        "cuál",
        "cuánto",
        "cómo",
        "quién",
        "para",
        "con",
        "hace",
        "gana",
        "entre",
        "io",
        "è",
        "il",
        "lo",
        "gli",
        "di",
        "che",
        "chi",
        "cosa",
        "come",
        "quale",
        "quanto",
        "per",
        "fa",
        "tra",
        "eu",
        "é",
        "os",
        "uma",
        "qual",
        "quanto",
        "quem",
        "com",
        "faz",
        "entre",
        "ik",
        "een",
        "het",
        "de",
        "hoe",
        "wie",
        "welke",
        "voor",
        "met",
        "niet",
    ]
)
_LETTERS = re.compile(r"[^\W\d_]+")

SENTENCE_GAP = re.compile(  # none within "e.g. a chatbot" and "the U.S. market", and one after "in the U.S."
    r"(?<=[.?!])(?<!\bvs\.)(?<!\b[^\W\d_]\.[^\W\d_]\.)\s+(?=\S)|(?<=\b[^\W\d_]\.[^\W\d_]\.)(?<!\be\.g\.)(?<!\bi\.e\.)\s+(?=(?-i:[A-Z]))",
    re.IGNORECASE,
)
_PARTS = re.compile(
    SENTENCE_GAP.pattern + r"|\s*[,;]?\s+and (?=(?:what|which|who|whom|whose|how|why|when|where|is|are|do|does|can|should|will)\b)",
    re.IGNORECASE,
)
_OF_ASKER = re.compile(r"\b(?:i|we|my|our|me|us)\b|\bhere\.", re.IGNORECASE)  # "I run a bakery.", "Baker here."
_NAMES_TOPIC = re.compile(
    r"\b(?:about|know|learn|understand|read|heard|tell|ask|asking|question|wonder\w*|curious|interested)\b", re.IGNORECASE
)
# at what was told
_POINTS_BACK = re.compile(r"\b(?:here|there|this|that|these|those|it|its|such|they|them|their|he|him|his|she|her)\b", re.IGNORECASE)
_JOINS = re.compile("and|but|or|also|then|how|what|when|where|why|which|who|about|for|with|of|in|to|by|an?|the|ones?|others?")
_REQUEST = re.compile(  # that says no matter: "Give me three examples."
    r"\W*(?:(?:and|then|also|so|please|can|could|would|will|you)\W+)*(?:give|list|name|tell|show|explain|describe|say)\b(?:\W+(?:please|me|us|an?|the|of|in|to|for|"
    r"with|from|at|and|or|how|why|what|which|who|when|where|all|any|some|few|several|ones?|two|three|four|five|\d+|least|most|each|more|too|it|them|that|this|these|"
    r"those|examples?|details?|reasons?|briefly|short|shortly|exactly|precisely|simply|simple|answer|sentences?|words?|lines?|articles?))*\W*",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\?|^\W*(?:(?:and|but|so|also|then|or)\b\W*)*(?:what|which|who|whom|whose|how|why|when|where|is|are|do|does|did|can|could|should|would|will|"
    r"tell|explain|describe|list|name|give|show|compare)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was understood."""

    text: str
    shape: Shape
    roles: tuple[str, ...]
    outsider: str | None = None  # whom a role is compared with that is none
    aspect: Span | None = None  # where it names the one, of several listed, that roles are compared on here


def understand(question: str, names: RoleNames) -> Asked:
    roles = names.roles_in(question)
    if who := outsider(question, names):
        return Asked(question, "fact", roles, who)
    if len(names.roles) > 1 and (len(roles) > 1 or _COMPARISON.search(question) or _WHO_WHO.search(question)):
        return Asked(question, "comparison", roles if len(roles) > 1 else tuple(role.name for role in names.roles))
    return Asked(question, "list" if _LIST.search(question) else "fact", roles)


def aside(question: str) -> Aside | None:
    """A greeting, an attempt to change what the advisor does, or another language than the articles': no question to them."""
    if _GREETING.match(question):
        return "greeting"
    if _is_foreign(question):
        return "foreign"
    return "instruction" if _INSTRUCTION.search(question) else None


def _is_foreign(question: str) -> bool:
    """Most letters are of no Latin script, or a third of the words and two at least are function words of another language."""
    words = _LETTERS.findall(question.lower())
    letters = "".join(words)
    if sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters) * 2 < len(letters):
        return True
    foreign = sum(word in _FOREIGN for word in words)
    return foreign >= 2 and foreign * 3 >= len(words)


def parts(question: str, names: RoleNames) -> list[str]:
    """The questions in a question, each with enough words to be asked by itself; what only leads up to one stays with it, and what only adds to one
    ("Explain why.").
    """
    found: list[str] = []
    pending = ""
    for piece in _PARTS.split(" ".join(question.split())):
        is_request = bool(_REQUEST.fullmatch(piece))
        if is_request and found and not pending:
            found[-1] = f"{found[-1]} {piece}"
            continue
        pending = f"{pending} {piece}".strip()
        if _ASKS.search(piece) and content_terms(piece) and not is_request and not _names_only_a_role(piece, names):
            found.append(pending)
            pending = ""
    if pending and found:
        found[-1] = f"{found[-1]} {pending}"
    return found if len(found) > 1 else [question]


def told_before(question: str) -> int:
    """How many characters of a question only tell of the asker what leads up to it: "We sell bread. Whom should we hire?"; 0 where they name its topic, and
    where what it asks points back to them or says nothing by itself.
    """
    starts = [0, *(gap.end() for gap in SENTENCE_GAP.finditer(question)), len(question)]
    asks = next((start for start, end in pairwise(starts) if _ASKS.search(question[start:end])), 0)
    told, asked = question[:asks], question[asks:]
    is_of_asker = _OF_ASKER.search(told) and not _NAMES_TOPIC.search(told)
    return asks if is_of_asker and content_terms(asked) and not _POINTS_BACK.search(asked) else 0


def leans_on_what_is_told(question: str) -> bool:
    """Whether what it asks says nothing by itself, and all its words are in what is told before: "We sell bread. Why?"."""
    first, *others = SENTENCE_GAP.split(question)
    asking = [sentence for sentence in others if _ASKS.search(sentence)]
    return not _ASKS.search(first) and bool(asking) and not any(map(content_terms, asking))


def _names_only_a_role(piece: str, names: RoleNames) -> bool:
    """Whether a piece has no verb, and nothing but the name of a role: "and how for a pastry chef?"."""
    return all(_JOINS.fullmatch(word) or word.startswith(names.noun) for word in re.findall(r"\w+", names.neutral(piece).lower()))
