"""Questions worth asking of the articles: those that their headings ask, and those that any two roles raise."""

from __future__ import annotations

import re

from ingest.index import GenerationIndex
from ingest.roles import RoleNames

_ARTICLE = re.compile(r"\ban?\s+$", re.IGNORECASE)
_PRONOUN = re.compile(r"(?<![\w.'’-])i(?![\w.-])")  # "i" and "i'm", not "i.e." or "i-th"
CHUNKS = 500  # whose headings are looked through for questions


def suggested_questions(names: RoleNames, index: GenerationIndex) -> list[str]:
    """The most general first; whether each can be answered is for the advisor to ask itself."""
    roles = [role.name for role in names.roles]
    found = [f"What is the difference between {with_article(roles[0])} and {with_article(roles[1])}?"] if len(roles) > 1 else []
    found += [f"What does {with_article(role)} do?" for role in roles]
    headings = dict.fromkeys(chunk.heading[-1] for chunk in index.chunks(range(min(len(index), CHUNKS))) if chunk.heading)
    found += [heading for heading in headings if heading.endswith("?")]
    return found + [f"Which skills does {with_article(role)} need?" for role in roles]


def first_steps(role: str) -> str:
    """How to begin."""
    return f"What should a beginner learn first to become {with_article(role)}?"


def of_the_other_role(question: str, names: RoleNames) -> str | None:
    """The same question of the other role, where it names one of two."""
    asked = names.roles_in(question)
    others = names.other_than(asked[0]) if len(asked) == 1 else ()
    if len(others) != 1:
        return None
    swapped = question
    for mention in reversed(names.mentions(question)):
        before, after = swapped[: mention.start], swapped[mention.end :]
        article = _ARTICLE.search(before)
        is_plural = swapped[: mention.end].endswith("s")
        name = with_article(others[0]) if article else _lowered(others[0]) + "s" * is_plural
        swapped = f"{before[: article.start()] if article else before}{name}{after}"
    return _PRONOUN.sub("I", swapped[:1].upper() + swapped[1:])


def with_article(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {_lowered(name)}"


def _lowered(name: str) -> str:
    return name if name[:2].isupper() else name[0].lower() + name[1:]
