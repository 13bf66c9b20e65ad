"""Articles that do not agree: figures of one sort that answer one question otherwise. Pure.

Two units answer alike when both come close to the best, speak about the same roles in much the same words, and stand in different
articles; they disagree when the figures of one sort (money, share, time, count) that they hold have nothing in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from chatbot.evidence import Evidence
from chatbot.extractive import Picked
from chatbot.retrieve import content_terms

CLOSE = 0.12  # of the best score: a unit this much below it still answers the same question
ALIKE = 0.4  # of the shorter one's words, that both must share

_FIGURE = re.compile(
    r"(?P<money>[$€£₹]\s?\d[\d,.]*\s?[kKmM]?|\d[\d,.]*\s?[kK]?\s?(?:dollars?|euros?|pounds?|rupees?|coins?|usd|eur|gbp|inr)\b)"
    r"|(?P<share>\d[\d,.]*\s?(?:%|per ?cent\b|percent\b))"
    r"|(?P<time>\d[\d,.]*[ -](?:hours?|days?|weeks?|months?|years?)\b)"
    r"|(?P<count>(?<![\w.-])\d[\d,.]*(?![\w-]))",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def figures(text: str) -> dict[str, set[str]]:
    """The figures of each sort, as bare digits; years are dates and no figures."""
    found: dict[str, set[str]] = {}
    for match in _FIGURE.finditer(_YEAR.sub(" ", text)):
        found.setdefault(str(match.lastgroup), set()).add(re.sub(r"\D", "", match.group()))
    return found


def rivals(ranked: Sequence[Evidence], picked: Sequence[Picked]) -> list[Picked]:
    """Units of other articles that answer as well as what was picked, and otherwise."""
    if not picked or not ranked:
        return []
    chosen = {one.place for one in picked}
    near = (evidence for evidence in ranked if evidence.score >= ranked[0].score - CLOSE)
    others = (Picked(evidence.passage.chunk, evidence.number) for evidence in near)
    return [other for other in others if other.place not in chosen and _differs(picked[0], other)][:1]


def disputed(picked: Sequence[Picked]) -> Iterator[tuple[str, str]]:
    """The ids of the articles that the first unit and another that was picked stand in, where they disagree."""
    for other in picked[1:]:
        if _differs(picked[0], other):
            yield picked[0].chunk.article_id, other.chunk.article_id


def _differs(one: Picked, other: Picked) -> bool:
    if one.chunk.article_id == other.chunk.article_id or set(one.unit.roles) != set(other.unit.roles):
        return False
    quote, other_quote = one.chunk.quote(one.unit), other.chunk.quote(other.unit)
    first, second = figures(quote), figures(other_quote)
    differ = any(not first[sort] & second[sort] for sort in first.keys() & second.keys())
    return differ and _overlap(quote, other_quote) >= ALIKE


def _overlap(one: str, other: str) -> float:
    """The share of the shorter text's words, figures left out, that stand in the other."""
    first, second = ({term for term in content_terms(text) if not term.isdigit()} for text in (one, other))
    return len(first & second) / max(1, min(len(first), len(second)))


def notice(first: str, second: str, titles: Mapping[str, str], dates: Mapping[str, str | None]) -> str:
    """One sentence that names both articles with their dates."""
    named = [f"“{titles[article]}” ({dates[article] or 'undated'})" for article in (first, second)]
    return f"The articles do not agree on this: {named[0]} and {named[1]} are both quoted."


def dated(quotes: Sequence[tuple[str, str]], titles: Mapping[str, str], dates: Mapping[str, str | None]) -> list[str]:
    """For each article whose figures are quoted without a year, a sentence that says of when they are; of (article id, quote)."""
    articles = dict.fromkeys(article for article, quote in quotes if figures(quote) and not _YEAR.search(quote))
    return [f"The figures of “{titles[article]}” are of {date[:4]}." for article in articles if (date := dates[article])]
