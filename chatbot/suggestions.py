"""Questions worth asking of the articles: those that their headings ask, and those that any two roles raise."""

from __future__ import annotations

from ingest.index import GenerationIndex
from ingest.roles import RoleNames

CHUNKS = 500  # whose headings are looked through for questions


def suggested_questions(names: RoleNames, index: GenerationIndex) -> list[str]:
    """The most general first; whether each can be answered is for the advisor to ask itself."""
    roles = [role.name for role in names.roles]
    found = [f"What is the difference between {_with_article(roles[0])} and {_with_article(roles[1])}?"] if len(roles) > 1 else []
    found += [f"What does {_with_article(role)} do?" for role in roles]
    headings = dict.fromkeys(chunk.heading[-1] for chunk in index.chunks(range(min(len(index), CHUNKS))) if chunk.heading)
    found += [heading for heading in headings if heading.endswith("?")]
    return found + [f"Which skills does {_with_article(role)} need?" for role in roles]


def _with_article(name: str) -> str:
    name = name if name[:2].isupper() else name[0].lower() + name[1:]
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
