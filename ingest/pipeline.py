"""The spine of ingest: read, compare, split, embed, store, switch -> IngestReport."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import numpy as np

from ingest.articles import find_articles, read_article
from ingest.embed import Embedder
from ingest.errors import ArticleError, CorpusError
from ingest.generations import ingest_lock, publish, served_manifest
from ingest.index import ChunkVectors, Manifest, write_generation
from ingest.roles import RoleNames, attribute, merged_roles
from ingest.settings import IngestSettings
from ingest.split import SPLITTER_VERSION, blocks, split
from ingest.types import Article, Chunk, Role, content_hash

T = TypeVar("T")

EMBED_STEP = 64  # texts between two steps of the progress bar


class Progress(Protocol):
    """Told how many texts are embedded, and of how many."""

    def __call__(self, done: int, total: int, /) -> None: ...


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did. `left_out` are (file, reason)."""

    generation: str
    changed: bool
    articles: int
    passages: int
    added: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "left_out": [{"file": name, "reason": reason} for name, reason in self.left_out]}


def ingest(settings: IngestSettings, embedder: Embedder, *, force: bool = False, progress: Progress | None = None) -> IngestReport:
    """Brings the served generation in line with the articles; writes nothing where nothing changed, unless forced.

    Raises CorpusError, IngestBusyError, StorageError, EmbeddingModelError; whichever it is, the old generation is served on.
    """
    with ingest_lock(settings.data):
        articles, left_out = _read_all(settings)
        served = served_manifest(settings.data)
        if served and not force and _made_of(served) == (embedder.fingerprint, SPLITTER_VERSION, settings.chunk_pieces, _hashes(articles)):
            return _report(served, served, left_out)
        roles = merged_roles(articles)
        names = RoleNames(roles)
        chunks = [chunk for article in articles for chunk in _split(article, names, embedder, settings.chunk_pieces)]
        manifest = _manifest(settings, embedder, articles, chunks, roles, served)
        vectors = _embed(chunks, names, embedder, progress)
        publish(
            settings.data,
            manifest.id,
            lambda folder: write_generation(folder, manifest, articles, chunks, vectors),
            settings.kept_generations,
        )
    return _report(manifest, served, left_out, changed=True)


def _read_all(settings: IngestSettings) -> tuple[list[Article], list[tuple[str, str]]]:
    articles: list[Article] = []
    left_out: list[tuple[str, str]] = []
    for article_id, path in find_articles(settings.articles).items():
        try:
            articles.append(_quotable(read_article(article_id, path, int(settings.max_article_mb * 1e6))))
        except ArticleError as error:
            left_out.append((path.relative_to(settings.articles).as_posix(), str(error)))
    if not articles:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out[:3])
        raise CorpusError(f"No article in '{settings.articles}' can be read ({reasons}); nothing was changed.")
    return articles, left_out


def _quotable(article: Article) -> Article:
    """Raises ArticleError where an article holds nothing that could be quoted."""
    if not any(True for _ in blocks(article)):
        raise ArticleError("it holds no sentence, list or table")
    return article


def _split(article: Article, names: RoleNames, embedder: Embedder, chunk_pieces: int) -> list[Chunk]:
    return attribute(split(article, embedder.count_pieces, chunk_pieces, embedder.max_pieces), names)


def _embed(chunks: Sequence[Chunk], names: RoleNames, embedder: Embedder, progress: Progress | None) -> list[ChunkVectors]:
    """Chunks as they are; units under their heading and lead, with every role called the same, so that what is said of it counts."""
    units = [names.neutral(chunk.unit_text(unit)) for chunk in chunks for unit in chunk.units]
    total = len(chunks) + len(units)
    vectors = np.stack(
        _in_steps([chunk.embedding_text() for chunk in chunks], lambda texts: list(embedder.vectors(texts)), progress, 0, total)
    )
    encoded = iter(_in_steps(units, embedder.encode, progress, len(chunks), total))
    computed = []
    for chunk, vector in zip(chunks, vectors, strict=True):
        parts = [next(encoded) for _ in chunk.units]
        computed.append(ChunkVectors(vector, np.stack([part.vector for part in parts]), tuple(part.tokens for part in parts)))
    return computed


def _in_steps(texts: Sequence[str], run: Callable[[Sequence[str]], list[T]], progress: Progress | None, before: int, total: int) -> list[T]:
    """`run` over texts in their order, computed in steps of texts of like length."""
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    found: dict[int, T] = {}
    for first in range(0, len(order), EMBED_STEP):
        step = order[first : first + EMBED_STEP]
        found.update(zip(step, run([texts[number] for number in step]), strict=True))
        if progress:
            progress(before + len(found), total)
    return [found[number] for number in range(len(texts))]


def _hashes(articles: Sequence[Article]) -> dict[str, str]:
    return {article.id: article.hash for article in articles}


def _made_of(manifest: Manifest) -> tuple[str, int, int, dict[str, str]]:
    return manifest.model, manifest.splitter, manifest.chunk_pieces, manifest.articles


def _manifest(  # noqa: PLR0913, PLR0917 - what a generation is made of is that many things
    settings: IngestSettings,
    embedder: Embedder,
    articles: Sequence[Article],
    chunks: Sequence[Chunk],
    roles: tuple[Role, ...],
    served: Manifest | None,
) -> Manifest:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    known = served.articles if served else {}
    return Manifest(
        model=embedder.fingerprint,
        splitter=SPLITTER_VERSION,
        chunk_pieces=settings.chunk_pieces,
        roles=roles,
        articles=_hashes(articles),
        chunks=content_hash([chunk.id for chunk in chunks]),
        counts={article.id: sum(chunk.article_id == article.id for chunk in chunks) for article in articles},
        ingested_at={
            article.id: served.ingested_at[article.id] if served and known.get(article.id) == article.hash else now for article in articles
        },
    )


def _report(manifest: Manifest, served: Manifest | None, left_out: list[tuple[str, str]], *, changed: bool = False) -> IngestReport:
    before = served.articles if served else {}
    return IngestReport(
        generation=manifest.id,
        changed=changed,
        articles=len(manifest.articles),
        passages=sum(manifest.counts.values()),
        added=tuple(sorted(manifest.articles.keys() - before.keys())),
        edited=tuple(sorted(name for name, made in manifest.articles.items() if name in before and before[name] != made)),
        removed=tuple(sorted(before.keys() - manifest.articles.keys())),
        left_out=tuple(left_out),
    )
