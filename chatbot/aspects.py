"""What a comparison of roles is asked for: "Compare them on pay, skills and tools" names three aspects. Pure; knows no role, and no topic of the articles.

What is not surely a list of aspects is none: a question that is wrongly taken apart is answered worse than one that is left whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chatbot.outsider import outsider
from chatbot.retrieve import content_terms
from ingest.roles import RoleNames
from ingest.types import Span

MOST = 8  # aspects that are searched for one by one; a question that names more is answered as a whole
LOOKED_AT = 400  # characters: a longer question is no plain comparison

_COURTESY = re.compile(
    r"(?:[\s,;.!?)]++(?:please|pls|thanks|thank you|thx|briefly|in short|in brief|in detail|side by side|etc|and so on|and more|if (?:you can|possible)|for me|"
    r"(?:in|as) (?:a |two |three |a few )?(?:short |simple )?(?:table|list|sentences?|words|bullet points)))++(?=[\s,;.!?)]*+$)",
    re.IGNORECASE,
)
_END = re.compile(r"[\s,;.!?)]++$")

# where a list may stand
_COMPARES = re.compile(
    r"\b(?:compar(?:e|es|ed|ing|ison)(?: and contrast)?|contrast\w*|differ(?:s|ent|ence|ences)?)\b|\b(?P<versus>vs\.?|versus)(?= )",
    re.IGNORECASE,
)
_IN = r"(?:in|across)"
_ON = (
    r"(?:in terms of|wrt|w\.r\.t\.?|(?:with|in) regards? to|with respect to|when it comes to|as regards|regarding|concerning|covering|considering|based on|"
    r"from the (?:perspective|standpoint) of|on|(?<!side )by)"
)
_OF = r"(?:of|for|between|across|in)"
_BEFORE_LIST = re.compile(
    rf" {_ON} | {_IN} (?!(?:the )?(?-i:[A-Z]))|: | [-–—] | ?\(", re.IGNORECASE
)  # none of places: "in Spain and France"
_AFTER_ALL = re.compile(r",? (?:in|for|at|as of|from|over) ", re.IGNORECASE)
_HOW = re.compile(r"\bhow (?:do|does|are|is)\b", re.IGNORECASE)
_AFTER_LIST = re.compile(rf" (?:differ\w*|compare)(?: {_OF})? | {_OF} ", re.IGNORECASE)
_NEXT_OF = re.compile(rf" {_OF} ", re.IGNORECASE)
_IN_FRONT = re.compile(
    rf"(?:{_ON}|{_IN}) (?P<on>.+?),? (?=(?:how|what|which|compare|contrast)\b)|(?P<headed>[^:]+?)(?:: | [-–—] )", re.IGNORECASE
)
_SEVERAL = re.compile(r"\b(?:both|two|each|them|they|these|those|other|roles|jobs|careers|paths|professions|titles)\b", re.IGNORECASE)

# what is in it
_OPENS = rf"(?:(?:{_ON}|{_IN}|of|about|also|both|an?|the|their|its) )*"
_OPENED = re.compile(rf"(?:['’]s?)?\s*{_OPENS}", re.IGNORECASE)
_JOIN = re.compile(rf"(?: ?[,;] ?(?:(?:and|or|plus|as well as|&) )?| (?:and|or|plus|as well as|vs\.?|versus|&|\+) ){_OPENS}", re.IGNORECASE)
_SLASH = re.compile(r" ?/ ?")
_SLASHED = re.compile(r"[\w-]+(?: ?/ ?[\w-]+){2,}")  # of two it is one word: "CI/CD"
_ASPECT = re.compile(r"[\w'’/+#-]+(?: [\w'’/+#-]+){0,3}")
_NO_ASPECT = re.compile(
    # says who, where, when or how much
    r"(?<![\w-])(?:\d.*|who|what|which|how|why|when|where|whether|if|ones?|others?|both|either|neither|each|any|some|all|every|i|you|we|they|it|them|me|us|this|that|"
    r"these|those|here|there|now|today|then|not|is|are|do|does|should|can|will|and|or|to|for|with|without|from|at|in|on|by|across|about|as|like|than|between|among|"
    r"compar\w+|contrast\w*|differ\w*|overlap|only|just|also|too|especially|mainly|mostly|particularly|specifically|includ(?:e|ing)|focus(?:ing|ed)|"
    r"nothing|anything|everything|something|else|next|more|most|least|better|worse|easier|harder|faster|slower|cheaper|higher|lower|"
    # says how it is to be answered
    r"briefly|shortly|quickly|simply|plainly|concisely|clearly|honestly|separately|respectively|please|thanks|tables?|charts?|lists?|bullets?|sentences?|words?|"
    r"lines?|paragraphs?|columns?|examples?)(?![\w-])"
    r"|^(?:detail|depth|short|brief|full|general|practice|theory|reality|paper|life|summary|english|(?:simple|plain) (?:english|terms))$"
    # tells what is to be done besides
    r"|^(?:give|make|show|explain|list|pick|choose|suggest|add|tell|say|recommend|name|keep|use|write|answer|describe|conclude|summari[sz]e|rank|rate|decide|help|"
    r"mention|note|ignore|skip|be|put|draw|find|quote|cite|let)\b",
    re.IGNORECASE,
)
_SET_PHRASES = (
    {"similarities", "differences"},
    {"pros", "cons"},
    {"supply", "demand"},
    {"roles", "responsibilities"},
    {"research", "development"},
    {"wear", "tear"},
    {"ups", "downs"},
    {"trial", "error"},
    {"terms", "conditions"},
)
# a single word that shares no noun behind it, as "machine and deep learning" do: a plural, or one of these
_STANDS_ALONE = re.compile(
    r"(?!kinds|types|sorts|levels|amounts|numbers)\w+(?:[^\Wsciu]|[aou]c)s|pay|salary|compensation|income|remuneration|demand|outlook|growth|workload|education|"
    r"background|experience|mindset|culture|prestige|stress|status|scope|focus|impact|difficulty|stability|flexibility",
    re.IGNORECASE,
)
# one that does, as "hard, soft and technical skills" do
_DESCRIBES = re.compile(
    r"\w+(?:al|ic|ive|ous|ful|less|ly|ed|ing|able|ible|ior|-\w+|['’]s?)|hard|soft|new|old|short|long|high|low|top|big|small|large|major|minor|formal|remote",
    re.IGNORECASE,
)


def by_aspect(question: str, names: RoleNames) -> list[tuple[str, Span | None]]:
    """The comparison of roles on each of the aspects that it lists, with where that stands in it; the question itself where it lists none, or one, or
    compares a role with somebody of whom the articles may say nothing.
    """
    if len(names.roles) < 2 or len(question) > LOOKED_AT or outsider(question, names):
        return [(question, None)]
    bare = _COURTESY.sub("", question)
    lists = (_aspects(bare, listed, names) for listed, compared in _lists_in(bare, names) if _names_several(compared, names))
    aspects = next(filter(None, lists), None)
    if not aspects:
        return [(question, None)]
    start, after = aspects[0].start, bare[aspects[-1].end :]
    texts = dict.fromkeys(aspect.of(bare) for aspect in aspects)
    return [(f"{bare[:start]}{text}{after}", Span(start, start + len(text))) for text in texts]


def _lists_in(question: str, names: RoleNames) -> Iterator[tuple[Span, str]]:
    """Where a list of aspects may stand in a comparison, each with the text that has to name what is compared."""
    text = _END.sub("", question)
    if compares := _COMPARES.search(text):
        yield from _lists_at_its_end(text, compares, names)
        yield from _lists_within(text, compares)
        yield from _lists_in_front(text, compares)


def _lists_at_its_end(text: str, compares: re.Match[str], names: RoleNames) -> Iterator[tuple[Span, str]]:
    """ "Compare the two on pay and tools in a small town", "a baker vs. a chef: pay, tools", "a baker vs. a chef pay and tools"."""
    for before in _BEFORE_LIST.finditer(text, compares.end()):
        yield Span(before.end(), len(text)), text[: before.start()]
        if after := _AFTER_ALL.search(text, before.end()):
            yield Span(before.end(), after.start()), text[: before.start()]
    if mentions := names.mentions(text):
        yield Span(mentions[-1].end, len(text)), text[: mentions[-1].end]


def _lists_within(text: str, compares: re.Match[str]) -> Iterator[tuple[Span, str]]:
    """ "The differences in pay and tools between them", "how do the pay and tools of the two compare?"."""
    for opening in (*([] if compares["versus"] else [compares]), *_HOW.finditer(text)):
        for after in _AFTER_LIST.finditer(text, opening.end()):
            yield Span(opening.end(), after.start()), _NEXT_OF.split(text[after.end() :], maxsplit=1)[0]


def _lists_in_front(text: str, compares: re.Match[str]) -> Iterator[tuple[Span, str]]:
    """ "In terms of pay and tools, how do the two differ?", "pay and tools: a baker vs. a chef"."""
    front = _IN_FRONT.match(text)
    if front and front.lastgroup and front.end() <= compares.start():
        yield Span(*front.span(front.lastgroup)), text[front.end() :]


def _names_several(text: str, names: RoleNames) -> bool:
    return len(names.roles_in(text)) > 1 or bool(_SEVERAL.search(text))


def _aspects(question: str, listed: Span, names: RoleNames) -> list[Span]:
    """What is listed there, where each is an aspect that can be asked for by itself."""
    opened = _OPENED.match(question, listed.start, listed.end)
    found = _split(question, Span(opened.end() if opened else listed.start, listed.end))
    texts = [aspect.of(question).lower() for aspect in found]
    is_list = 1 < len(texts) <= MOST and all(map(_is_aspect, texts)) and not any(map(names.roles_in, texts))
    return found if is_list and not _belong_together(texts) else []


def _split(question: str, listed: Span) -> list[Span]:
    join = _SLASH if _SLASHED.fullmatch(question, listed.start, listed.end) else _JOIN
    joins = [Span(*found.span()) for found in join.finditer(question, listed.start, listed.end)]
    starts, ends = [listed.start, *(found.end for found in joins)], [*(found.start for found in joins), listed.end]
    return [Span(start, end) for start, end in zip(starts, ends, strict=True)]


def _is_aspect(text: str) -> bool:
    return bool(_ASPECT.fullmatch(text) and content_terms(text)) and not (_NO_ASPECT.search(text) or _SEVERAL.fullmatch(text))


def _belong_together(aspects: list[str]) -> bool:
    """Whether one cannot be asked for without another: "supply and demand", "technical and soft skills", "kinds and amounts of data"."""
    longer = max((at for at, aspect in enumerate(aspects) if " " in aspect), default=0)
    before = [aspect for aspect in aspects[:longer] if " " not in aspect]
    if len(aspects) > 2 and " of " not in aspects[-1]:
        shares_noun = any(map(_DESCRIBES.fullmatch, before))
    else:
        shares_noun = not all(map(_STANDS_ALONE.fullmatch, before))
    return shares_noun or any(phrase <= set(aspects) for phrase in _SET_PHRASES)
