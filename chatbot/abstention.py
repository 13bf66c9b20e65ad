"""Whether the passages answer a question at all: a logistic fit on what the question asks for and how well the evidence matches it. Pure.

Similarity alone does not tell "what does an AI engineer in New York earn" from what the articles answer; the words that no
passage supports, and the sort of answer that is asked for, do. `python -m tests.benchmarks.fit_abstention` fits the weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files

import numpy as np

from chatbot.evidence import Evidence, Query, rarity
from ingest.index import GenerationIndex, terms

OFF_TOPIC = 0.4  # of a question's weight matched by the best units, below which it is about something else
TOP = 3  # units that are read together as one answer

_NUMBER = re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|million|half|twice|percent)\b", re.IGNORECASE)
_ASKS_NUMBER = re.compile(r"\bhow (?:many|much|long|often|old|far|big|large|high|fast)\b|\b(?:percentage|share|number|rate|ratio|average|salary|cost|price|fee|budget|pay) of\b|\bwhat (?:percentage|share|year|salary|age|rate|ratio|version|value|size|fee|budget|number)\b", re.IGNORECASE)
_ASKS_MONEY = re.compile(r"[$€£₹]|\b(?:dollars?|euros?|pounds?|rupees?|usd|eur|gbp|inr|per (?:hour|day|month|year)|a (?:month|year)|cost|fee|price|cheap\w*|expensive)\b", re.IGNORECASE)
_MONEY = re.compile(r"[$€£₹]\s?\d|\b\d[\d,.]*\s?(?:dollars?|euros?|pounds?|usd|eur|gbp|k\b)", re.IGNORECASE)
_ASKS_TIME = re.compile(r"\bhow (?:long|many (?:hours|days|weeks|months|years))\b|\b(?:when|what year|since when|what date|hours a|by when)\b", re.IGNORECASE)
_TIME = re.compile(r"\b(?:\d+|one|two|three|four|five|six|ten|a|an|each|per)[ -](?:hours?|days?|weeks?|months?|years?|decades?)\b|\b(?:19|20)\d\d\b", re.IGNORECASE)
_ASKS_NAME = re.compile(r"\bwho (?:invented|coined|founded|created|wrote|said|discovered|started|developed|owns|made|runs|is the|was)\b|\bwhat (?:company|compan(?:y|ies)|university|city|country|person)\b|\bwhich (?:company|companies|university|universities|city|cities|country|countries|employers?|person|people|state|school|course|book)\b|\bwhere\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for or against an answer; each about 0..1."""

    score: float  # of the best unit
    late: float  # the share of the question that the best units together match, by word pieces
    worst: float  # the best match of the rare word piece that is matched worst
    unmatched: float  # share of the question's weight in pieces that nothing comes near
    words: float  # share of the question's words, by rarity, that stand in the best units' passages
    unknown: float  # share of its words, by rarity, that stand nowhere in the articles
    lead: float  # of the best unit over the tenth
    missing_kind: float  # 1 where a number, price, date or name is asked for and the best units hold none
    length: float  # of the question, in content words, over ten


@dataclass(frozen=True, slots=True)
class Verdict:
    """`probability` that the evidence answers the question; `missing` are the stems of its words that stand nowhere in the articles;
    `off_topic` where it has nothing to do with them.
    """

    probability: float
    missing: tuple[str, ...]
    off_topic: bool


def signs(index: GenerationIndex, query: Query, ranked: Sequence[Evidence]) -> Signs:
    best = ranked[:TOP]
    weights = query.neutral.weights
    together = np.max([evidence.matches for evidence in best], axis=0) if best else np.zeros(len(weights))
    anywhere = np.max([evidence.matches for evidence in ranked], axis=0) if ranked else np.zeros(len(weights))
    total = max(float(weights.sum()), 1e-6)
    rare = weights > 0.5
    rarities = {term: rarity(index, term) for term in query.terms}
    whole = max(sum(rarities.values()), 1e-6)
    near = {term for evidence in best for term in terms(evidence.passage.chunk.embedding_text())}
    return Signs(
        score=best[0].score if best else 0.0,
        late=float(weights @ together) / total,
        worst=float(anywhere[rare].min()) if rare.any() else 0.5,
        unmatched=float(weights @ (anywhere < 0.45)) / total,
        words=sum(weight for term, weight in rarities.items() if term in near) / whole,
        unknown=sum(weight for term, weight in rarities.items() if not index.document_count(term)) / whole,
        lead=best[0].score - ranked[min(9, len(ranked) - 1)].score if best else 0.0,
        missing_kind=float(_lacks_kind(query.text, " ".join(evidence.quote for evidence in best))),
        length=min(len(query.terms), 20) / 10,
    )


def _lacks_kind(question: str, answer: str) -> bool:
    if _ASKS_MONEY.search(question):
        return not _MONEY.search(answer)
    if _ASKS_TIME.search(question):
        return not _TIME.search(answer)
    if _ASKS_NUMBER.search(question):
        return not _NUMBER.search(answer)
    return bool(_ASKS_NAME.search(question)) and not re.search(r"(?<=[a-z,] )[A-Z][a-z]+", answer)


def judge(index: GenerationIndex, query: Query, ranked: Sequence[Evidence]) -> Verdict:
    fitted = _fitted()
    seen = signs(index, query, ranked)
    total = fitted["bias"] + sum(fitted[field.name] * getattr(seen, field.name) for field in fields(Signs))
    missing = tuple(term for term in query.terms if not index.document_count(term))
    off_topic = not query.roles and seen.late < OFF_TOPIC and seen.words < OFF_TOPIC
    return Verdict(1 / (1 + float(np.exp(-total))), missing, off_topic)


def threshold() -> float:
    """The probability from which a question is answered."""
    return _fitted()["threshold"]


@cache
def _fitted() -> dict[str, float]:
    """The weights of a fit; see tests/benchmarks/fit_abstention.py."""
    found: dict[str, float] = json.loads(files("chatbot").joinpath("abstention.json").read_text(encoding="utf-8"))
    return found
