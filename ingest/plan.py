"""What the articles are now against the generation that is served, and what a new one would hold: read, compare, split -> Plan.

Writes nothing, and embeds nothing. An article whose file is still the same is taken from the served generation.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ingest.articles import article_of, file_bytes, find_articles, reader_version
from ingest.embed import Embedder
from ingest.errors import ArticleError, CorpusError, SearchIndexError
from ingest.generations import held_by, is_whole, served_folder
from ingest.index import stored_articles
from ingest.kept import Manifest, current_generation, kept_generations
from ingest.reuse import KeptGeneration, KeptVectors, KeyedChunk, opened, reading_key
from ingest.roles import RoleNames, attribute, merged_roles
from ingest.sandbox import Sandbox
from ingest.seen import known_sources
from ingest.settings import IngestSettings
from ingest.split import SPLITTER_VERSION, blocks, split
from ingest.types import Article, Chunk, Role, content_hash

_NOT_WHOLE = "the index is damaged, or to be built anew"


@dataclass(frozen=True, slots=True)
class Sources:
    """The folder of articles, read: of every article its hash and its file's (`files`, as in the manifest); `read` are those that had to be read."""

    hashes: dict[str, str]
    files: dict[str, str]
    read: dict[str, Article]
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The articles against what is served. `held` is the generation that a rollback left, while the articles are as they were then."""

    sources: Sources
    served: Manifest | None
    reasons: tuple[str, ...]  # why the served generation would be built anew, whatever the articles are
    held: str | None = None
    other_model: bool = False

    @property
    def is_current(self) -> bool:
        return bool(self.served) and not self.reasons and self.served_articles == self.sources.hashes

    @property
    def is_held(self) -> bool:
        """Whether a rollback holds: a change of the model ends it, for the chat could not read what it restored."""
        return self.held is not None and not self.other_model

    @property
    def other_settings(self) -> tuple[str, ...]:
        """Which settings the served generation is not of: a rollback holds all the same, and says so."""
        return tuple(reason for reason in self.reasons if reason != _NOT_WHOLE) if self.served else ()

    @property
    def served_articles(self) -> Mapping[str, str]:
        return self.served.articles if self.served else {}

    @property
    def added(self) -> tuple[str, ...]:
        return tuple(sorted(self.sources.hashes.keys() - self.served_articles.keys()))

    @property
    def edited(self) -> tuple[str, ...]:
        served = self.served_articles
        return tuple(sorted(name for name, made in self.sources.hashes.items() if name in served and served[name] != made))

    @property
    def removed(self) -> tuple[str, ...]:
        return tuple(sorted(self.served_articles.keys() - self.sources.hashes.keys()))


@dataclass(frozen=True, slots=True)
class Plan:
    """A generation before it is embedded. `missing` are the chunks, by key, that no kept generation holds the vectors of."""

    manifest: Manifest
    articles: tuple[Article, ...]
    chunks: tuple[KeyedChunk, ...]
    vectors: KeptVectors
    served: KeptGeneration | None  # where it is whole and of the same model
    missing: Mapping[bytes, Chunk] = field(repr=False)

    @property
    def embeddings(self) -> int:
        """How many chunks are to be embedded."""
        return len(self.missing)


# --- read and compare


def compare(settings: IngestSettings, model: str, *, force: bool = False) -> Comparison:
    """Raises CorpusError where there is nothing to read. `force` takes nothing from what is served."""
    folder = None if force else served_folder(settings.data)
    served = Manifest.read(folder) if folder else _manifest_of_served(settings.data)
    sources = _read(settings, served if folder else None)
    held = None if force else held_by(settings.data, sources.hashes, model)
    other_model = served is not None and served.model != model
    return Comparison(sources, served, tuple(_reasons(served, settings, model, usable=bool(folder))), held, other_model)


def _manifest_of_served(data: Path) -> Manifest | None:
    """Of a served generation that nothing is to be taken from: what changed is still told against it, where its manifest can be read."""
    try:
        return Manifest.read(current_generation(data))
    except SearchIndexError:
        return None


def _reasons(served: Manifest | None, settings: IngestSettings, model: str, *, usable: bool) -> list[str]:
    if served is None:
        return ["there is no index yet"]
    reasons = [] if usable else [_NOT_WHOLE]
    reasons += [f"the embedding model was {served.model}"] if served.model != model else []
    reasons += ["the splitter has changed"] if served.splitter != SPLITTER_VERSION else []
    reasons += [f"chunks were of {served.chunk_pieces} word pieces"] if served.chunk_pieces != settings.chunk_pieces else []
    return reasons


def _read(settings: IngestSettings, served: Manifest | None) -> Sources:
    with Sandbox() as sandbox:
        return _read_files(settings, served, sandbox)


def _read_files(settings: IngestSettings, served: Manifest | None, sandbox: Sandbox) -> Sources:
    listing = find_articles(settings.articles, settings.data)
    known = known_sources(settings.data, served, reader_version()) if served else {}
    hashes: dict[str, str] = {}
    files: dict[str, str] = {}
    read: dict[str, Article] = {}
    left_out = list(listing.left_out)
    for article_id, path in listing.files.items():
        name = path.relative_to(settings.articles).as_posix()
        try:
            data = file_bytes(path, settings.articles, int(settings.max_article_mb * 1e6))
            files[article_id] = f"{hashlib.sha256(data).hexdigest()} {name}"
            if served and known.get(article_id) == files[article_id]:
                hashes[article_id] = served.articles[article_id]
                continue
            read[article_id] = _quotable(article_of(article_id, path, data, sandbox))
            hashes[article_id] = read[article_id].hash
        except ArticleError as error:
            files.pop(article_id, None)
            left_out.append((name, str(error)))
    if not hashes:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out[:3])
        raise CorpusError(f"No article in '{settings.articles}' can be read ({reasons}); nothing was changed.")
    return Sources(hashes, files, read, tuple(left_out))


def _quotable(article: Article) -> Article:
    """Raises ArticleError where an article holds nothing that could be quoted."""
    if not any(True for _ in blocks(article)):
        raise ArticleError("it holds no sentence, list or table")
    return article


# --- what a new generation would hold


def plan(settings: IngestSettings, embedder: Embedder, compared: Comparison, *, force: bool = False) -> Plan:
    """Raises EmbeddingModelError. `force` finds every vector missing."""
    generations = [] if force else opened(kept_generations(settings.data), embedder.fingerprint)
    articles = _articles(settings, compared)
    roles = merged_roles(articles)
    served = next((one for one in generations if one.folder.name == _parent(settings.data)), None)
    chunks = _keyed(articles, roles, _taken(compared, served), embedder, settings)
    kept = KeptVectors(generations)
    missing = {keyed.key: keyed.chunk for keyed in chunks if kept.of(keyed.key) is None}
    manifest = _manifest(settings, embedder.fingerprint, compared, chunks, roles)
    return Plan(manifest, articles, chunks, kept, served, missing)


def _articles(settings: IngestSettings, compared: Comparison) -> tuple[Article, ...]:
    read = compared.sources.read
    stored: dict[str, Article] = {}
    if compared.served and len(read) < len(compared.sources.hashes):
        folder = current_generation(settings.data)
        stored = {one.article.id: one.article for one in stored_articles(folder, compared.served)}
    return tuple(read.get(name) or stored[name] for name in compared.sources.hashes)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The chunks that are taken over from the served generation: of articles that are still the same, split by the same splitter."""

    served: KeptGeneration | None
    same: frozenset[str]
    roles: tuple[Role, ...]

    def chunks_of(self, article: Article) -> list[KeyedChunk] | None:
        return self.served.chunks_of(article.id) if self.served and article.id in self.same else None


def _taken(compared: Comparison, served: KeptGeneration | None) -> _Taken:
    if served is None or compared.reasons:
        return _Taken(None, frozenset(), ())
    known = served.manifest.articles
    same = frozenset(article_id for article_id, made in compared.sources.hashes.items() if known.get(article_id) == made)
    return _Taken(served, same, served.manifest.roles)


def _keyed(
    articles: Sequence[Article], roles: tuple[Role, ...], taken: _Taken, embedder: Embedder, settings: IngestSettings
) -> tuple[KeyedChunk, ...]:
    """The chunks of all articles with their keys. A chunk's roles depend on the roles that all articles name together."""
    names = RoleNames(roles)
    found: list[KeyedChunk] = []
    for article in articles:
        known = taken.chunks_of(article)
        if known is not None and taken.roles == roles:
            found += known
            continue
        chunks = [keyed.chunk for keyed in known] if known else _split(article, embedder, settings.chunk_pieces)
        found += [KeyedChunk(chunk, chunk.id, reading_key(chunk)) for chunk in attribute(chunks, names)]
    return tuple(found)


def _split(article: Article, embedder: Embedder, chunk_pieces: int) -> list[Chunk]:
    return split(article, embedder.count_pieces, chunk_pieces, embedder.max_pieces)


def _manifest(
    settings: IngestSettings, model: str, compared: Comparison, chunks: Sequence[KeyedChunk], roles: tuple[Role, ...]
) -> Manifest:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    hashes, known = compared.sources.hashes, compared.served_articles
    times = compared.served.ingested_at if compared.served else {}
    counts = Counter(keyed.chunk.article_id for keyed in chunks)
    return Manifest(
        model=model,
        splitter=SPLITTER_VERSION,
        chunk_pieces=settings.chunk_pieces,
        roles=roles,
        articles=hashes,
        chunks=content_hash([keyed.id for keyed in chunks]),
        counts={name: counts[name] for name in hashes},
        ingested_at={name: times[name] if known.get(name) == made and name in times else now for name, made in hashes.items()},
        sources=compared.sources.files,
        reader=reader_version(),
        parent=_parent(settings.data),
        built_at=datetime.now(UTC).isoformat(timespec="microseconds"),  # two may be built within a second
    )


def _parent(data: Path) -> str | None:
    """What is served; where nothing says what that is, the newest that is whole, for that one is answered from."""
    try:
        return current_generation(data).name
    except SearchIndexError:
        return next((folder.name for folder in kept_generations(data) if is_whole(folder)), None)
