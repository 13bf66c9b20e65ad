"""Whether the passages answer a question at all: a logistic fit on what the question asks for and how well the evidence matches it. Pure.

Similarity alone does not tell "what does an AI engineer in New York earn" from what the articles answer; the words that no
passage supports, and the sort of answer that is asked for, do. Where nothing speaks of a role it tells more, and a fit of its own goes by it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from chatbot import fitted
from chatbot.evidence import NEAR, RARE, Evidence, Query, late_interaction
from chatbot.understanding import leans_on_what_is_told
from ingest.embed import Vectors
from ingest.index import GenerationIndex
from ingest.terms import terms

OFF_TOPIC = 0.4  # of a question's weight matched by the best units, below which it is about something else
TOP = 3  # units that are read together as one answer
# a lead counts no further: a small one tells of a subject that the articles hardly touch, a greater one may as well be of the one sentence that answers.
# Out of fold, so capped and not, by the reader as of 8c51ac6: AUC .980 and .980 on the tune half; .768 and .756 on the 192 held-out questions of SQuAD 2.0 (measured apart)
FAR_AHEAD = 0.12

# words that count, compare, judge or fill: an article that lacks them lacks nothing
_NAMES_NOTHING = frozenset(
    terms(
        "much many little few lot plenty several enough less least fewer bit half both whole entire almost nearly quite rather too even though still yet "
        "good better best well bad worse worst great nice fine okay cool big large huge small tiny long short high low hard tough difficult easy simple fast quick "
        "new old young early late same different similar real true right wrong sure able possible important likely certain exact actual current general typical usual "
        "normal basic main mostly rough approximate perhaps maybe however always never ever often sometimes again already now nowadays today soon once "
        "thing something anything everything nothing someone anyone everyone people person kind sort type way case point matter part stuff "
        "like know say said think thought want need go going come take make made give use mean look try seem keep put happen become feel "
        "since until while because before after during without within between among per upon however else instead"
    )
)
_NAME = re.compile(r"(?<=[a-z0-9,:;] )[A-Z][\w+#.-]*\w")  # a capital that does not open a sentence
_NUMBER = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|million|half|twice|percent)\b", re.IGNORECASE
)
_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|often|old|far|big|large|high|fast)\b|\b(?:percentage|share|number|rate|ratio|average|salary|cost|price|fee|budget|pay) of\b|\bwhat (?:percentage|share|year|salary|age|rate|ratio|version|value|size|fee|budget|number)\b",
    re.IGNORECASE,
)
_ASKS_MONEY = re.compile(
    r"[$€£₹]|\b(?:dollars?|euros?|pounds?|rupees?|usd|eur|gbp|inr|per (?:hour|day|month|year)|a (?:month|year)|cost|fee|price|cheap\w*|expensive)\b",
    re.IGNORECASE,
)
_MONEY = re.compile(r"[$€£₹]\s?\d|\b\d[\d,.]*\s?(?:dollars?|euros?|pounds?|usd|eur|gbp|k\b)", re.IGNORECASE)
_ASKS_TIME = re.compile(
    r"\bhow (?:long|many (?:hours|days|weeks|months|years))\b|\b(?:when|what year|since when|what date|hours a|by when)\b", re.IGNORECASE
)
_TIME = re.compile(
    r"\b(?:\d+|one|two|three|four|five|six|ten|a|an|each|per)[ -](?:hours?|days?|weeks?|months?|years?|decades?)\b|\b(?:19|20)\d\d\b",
    re.IGNORECASE,
)
_ASKS_NAME = re.compile(
    r"\bwho (?:invented|coined|founded|created|wrote|said|discovered|started|developed|owns|made|runs|is the|was)\b|\bwhat (?:company|compan(?:y|ies)|university|city|country|person)\b|\bwhich (?:company|companies|university|universities|city|cities|country|countries|employers?|person|people|state|school|course|book)\b|\bwhere\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for or against an answer where roles are spoken of; each about 0..1 but for the lead. A question's rare word pieces are those that weigh more
    than RARE.
    """

    read: float  # the reader's score of the unit that it finds best
    score: float  # of the best unit
    lead: float  # of the best unit over the tenth, at most FAR_AHEAD
    worst_in_passage: float  # the match of the rare piece that the best unit's passage matches worst
    unknown_name: float  # 1 where it names something, by a capital, that stands nowhere in the articles
    lacks_kind: float  # 1 where a number, price, date or name is asked for and the best units hold none
    names_role: float  # 1 where it names a role: much of the articles is then alike to it without an answer


@dataclass(frozen=True, slots=True)
class RolelessSigns:
    """What speaks for or against an answer where neither the question nor the evidence speaks of a role, as in an encyclopedia; each about 0..1 but for the lead.

    What a question on a role names weighs nothing, and the rest is often said in other words. One on a battle or a film names what it asks about: how much of it
    the passage has, in meaning and in words, then tells more than how well one sentence answers.
    """

    read: float  # as in `Signs`, the first three
    score: float
    lead: float
    passage: float  # cosine of the question and the passage most like it
    words: float  # share of the question's words, by their rarity, that stand in the best unit


SomeSigns = Signs | RolelessSigns


@dataclass(frozen=True, slots=True)
class Verdict:
    """`probability` that the evidence answers the question; `missing` are the stems of its words that name something and stand nowhere in the articles;
    `off_topic` where it has nothing to do with them.
    """

    probability: float
    missing: tuple[str, ...]
    off_topic: bool

    @property
    def answers(self) -> bool:
        return self.probability >= fitted.threshold()


def signs(index: GenerationIndex, query: Query, ranked: Sequence[Evidence]) -> SomeSigns:
    """Raises ValueError where there is no evidence at all, which no generation lacks."""
    matches = np.stack([evidence.matches for evidence in ranked])
    query = query.heard(index, matches)
    best = ranked[:TOP]
    read = max(evidence.read for evidence in ranked)
    lead = min(best[0].score - ranked[min(9, len(ranked) - 1)].score, FAR_AHEAD)
    if query.roles or any(evidence.unit.roles for evidence in ranked):
        in_passage = np.max([evidence.matches for evidence in ranked if evidence.passage.row == best[0].passage.row], axis=0)
        return Signs(
            read=read,
            score=best[0].score,
            lead=lead,
            worst_in_passage=_worst_match(query, in_passage),
            unknown_name=float(any(_stands_nowhere(index, name) for name in _NAME.findall(query.text))),
            lacks_kind=float(_lacks_kind(query.asked, " ".join(evidence.quote for evidence in best))),
            names_role=float(bool(query.roles)),
        )
    return RolelessSigns(
        read=read,
        score=best[0].score,
        lead=lead,
        passage=max(evidence.passage.dense for evidence in ranked),
        words=query.share_in(frozenset(terms(best[0].quote))),
    )


def _stands_nowhere(index: GenerationIndex, word: str) -> bool:
    return not any(index.document_count(term) for term in terms(word))


def _worst_match(query: Query, matches: Vectors) -> float:
    """The match of the rare word piece that is matched worst."""
    rare = query.encoded.weights > RARE
    return float(matches[rare].min()) if rare.any() else NEAR  # as if just supported


def _lacks_kind(question: str, answer: str) -> bool:
    if _ASKS_MONEY.search(question):
        return not _MONEY.search(answer)
    if _ASKS_TIME.search(question):
        return not _TIME.search(answer)
    if _ASKS_NUMBER.search(question):
        return not _NUMBER.search(answer)
    return bool(_ASKS_NAME.search(question)) and not re.search(r"(?<=[a-z,] )[A-Z][a-z]+", answer)


def judge(index: GenerationIndex, query: Query, ranked: Sequence[Evidence]) -> Verdict:
    seen = signs(index, query, ranked)
    weights = fitted.abstention_weights() if isinstance(seen, Signs) else fitted.roleless_weights()
    total = weights["bias"] + sum(weights[name] * value for name, value in asdict(seen).items())
    missing = tuple(term for term in query.terms if term not in _NAMES_NOTHING and not index.document_count(term))
    asks_of_others = leans_on_what_is_told(query.text) and not any(map(index.document_count, query.terms))
    return Verdict(0.0 if asks_of_others else 1 / (1 + math.exp(-total)), missing, _is_off_topic(query, ranked[:TOP]))


def _is_off_topic(query: Query, best: Sequence[Evidence]) -> bool:
    """Names no role, and the best units together match little of it, by its word pieces and by its words."""
    if query.roles or late_interaction(query.encoded, np.max([evidence.matches for evidence in best], axis=0)) >= OFF_TOPIC:
        return False
    return query.share_in({term for evidence in best for term in terms(evidence.passage.chunk.embedding_text())}) < OFF_TOPIC
