"""What an ingest would change, before it does: articles, passages, sentences, and how many texts it would embed. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ingest.embed import Embedder
from ingest.errors import SearchIndexError
from ingest.generations import served_folder
from ingest.index import stored_articles
from ingest.kept import current_generation
from ingest.plan import Comparison, Plan, compare, plan
from ingest.settings import IngestSettings
from ingest.split import blocks
from ingest.types import Article

FIELDS = ("title", "author", "url", "published", "based_on", "roles")

Change = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class ArticleChange:
    """`fields` are the names of what else than the text changed; `gone` and `new` are sentences, list items and table rows, in their order."""

    id: str
    title: str
    change: Change
    fields: tuple[str, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    passages_gone: int
    passages_new: int


@dataclass(frozen=True, slots=True)
class Preview:
    """`reasons` are why everything is built anew, whatever the articles are; `held` is the generation that a rollback left, while it holds.

    `before` and `after` are the canonical texts of all articles by id, as they are served and as they would be.
    """

    served: str | None
    generation: str
    reasons: tuple[str, ...]
    held: str | None
    mends_hold: bool  # whether what is held is damaged, so that an ingest would hold another
    articles: tuple[ArticleChange, ...]
    left_out: tuple[tuple[str, str], ...]
    embeddings: int
    before: Mapping[str, str] = field(repr=False)
    after: Mapping[str, str] = field(repr=False)

    @property
    def is_change(self) -> bool:
        """Whether an ingest would serve another generation."""
        return self.mends_hold if self.held else bool(self.articles) or bool(self.reasons)

    def as_dict(self) -> dict[str, Any]:
        return {
            "served": self.served,
            "generation": self.generation,
            "changes": self.is_change,
            "reasons": list(self.reasons),
            "held": self.held,
            "articles": [asdict(change) for change in self.articles],
            "left_out": [{"file": name, "reason": reason} for name, reason in self.left_out],
            "embeddings": self.embeddings,
        }


def preview(settings: IngestSettings, embedder: Embedder, *, force: bool = False) -> Preview:
    """Raises CorpusError, EmbeddingModelError."""
    compared = compare(settings, embedder.fingerprint, force=force)
    before = _served_articles(settings, compared)
    planned = plan(settings, embedder, compared, force=force)
    after = {article.id: article for article in planned.articles}
    return Preview(
        served=compared.served.id if compared.served else None,
        generation=planned.manifest.id,
        reasons=compared.other_settings if compared.is_held else compared.reasons,
        held=compared.held if compared.is_held else None,
        mends_hold=compared.is_held and served_folder(settings.data) is None,
        articles=tuple(_changes(compared, before, after, planned)),
        left_out=compared.sources.left_out,
        embeddings=planned.embeddings,
        before={name: article.text for name, article in before.items()},
        after={name: article.text for name, article in after.items()},
    )


def _served_articles(settings: IngestSettings, compared: Comparison) -> dict[str, Article]:
    if compared.served is None:
        return {}
    try:
        stored = stored_articles(current_generation(settings.data), compared.served)
    except SearchIndexError:  # of a damaged generation nothing is known
        return {}
    return {one.article.id: one.article for one in stored}


def _changes(compared: Comparison, before: Mapping[str, Article], after: Mapping[str, Article], planned: Plan) -> Iterator[ArticleChange]:
    kinds: list[tuple[Change, Sequence[str]]] = [("added", compared.added), ("changed", compared.edited), ("removed", compared.removed)]
    for kind, names in kinds:
        for name in names:
            old, new = before.get(name), after.get(name)
            passages_gone, passages_new = _passages(name, compared, planned)
            yield ArticleChange(
                id=name,
                title=(new or old or Article(name, name, "")).title,
                change=kind,
                fields=tuple(one for one in FIELDS if old and new and getattr(old, one) != getattr(new, one)),
                gone=_less(_units(old), _units(new)),
                new=_less(_units(new), _units(old)),
                passages_gone=passages_gone,
                passages_new=passages_new,
            )


def _units(article: Article | None) -> list[str]:
    return [unit.span.of(article.text) for block in blocks(article) for unit in block.units] if article else []


def _less(units: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The units that are not among the others, each as often as it is there too many."""
    spare = Counter(others)
    left = []
    for unit in units:
        if spare[unit] > 0:
            spare[unit] -= 1
        else:
            left.append(unit)
    return tuple(left)


def _passages(article_id: str, compared: Comparison, planned: Plan) -> tuple[int, int]:
    """How many of an article's passages go and come: those whose embedded text is another."""
    old = (
        Counter(keyed.key for keyed in planned.served.chunks_of(article_id))
        if planned.served and _is_in(article_id, compared)
        else Counter()
    )
    new = Counter(keyed.key for keyed in planned.chunks if keyed.chunk.article_id == article_id)
    if compared.served and not planned.served:
        return compared.served.counts.get(article_id, 0), new.total()
    return (old - new).total(), (new - old).total()


def _is_in(article_id: str, compared: Comparison) -> bool:
    return article_id in compared.served_articles
