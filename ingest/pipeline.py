"""The spine of ingest: read, compare, split, embed, store, switch -> IngestReport."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ingest.articles import reader_version
from ingest.chunk_vectors import ChunkVectors, chunk_vectors
from ingest.embed import Embedder, Encoded
from ingest.errors import CorpusError
from ingest.forgetting import forget, to_forget
from ingest.generations import Rollback, end_hold, go_back, ingest_lock, keep_hold, publish
from ingest.index import Row, write_generation
from ingest.kept import Manifest
from ingest.plan import Comparison, Plan, compare, plan
from ingest.reuse import KeyedChunk
from ingest.seen import note_sources
from ingest.settings import IngestSettings
from ingest.types import Chunk

EMBED_STEP = 128  # chunks between two steps of the progress bar: batches enough for every processor


class Progress(Protocol):
    """Told how many texts are embedded, and of how many."""

    def __call__(self, done: int, total: int, /) -> None: ...


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did. `left_out` are (file, reason); `embedded` is how many texts had to be; `held` is the generation that a rollback
    left, while the articles are as they were then: nothing was done but that a whole one is served where what was held is damaged, though it may be of other settings
    (`reasons`). `forgotten` are the generations that were deleted with an article, `forgotten_ids` what its words were found as, and
    `still_in` the files that hold the same and are still there.
    """

    generation: str
    changed: bool
    articles: int
    passages: int
    added: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    embedded: int = 0
    held: str | None = None
    reasons: tuple[str, ...] = ()
    forgotten: tuple[str, ...] | None = None
    forgotten_ids: tuple[str, ...] = ()
    still_in: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "left_out": [{"file": name, "reason": reason} for name, reason in self.left_out]}


def ingest(settings: IngestSettings, embedder: Embedder, *, force: bool = False, progress: Progress | None = None) -> IngestReport:
    """Brings the served generation in line with the articles; writes nothing where nothing changed, unless forced.

    Raises CorpusError, IngestBusyError, StorageError, EmbeddingModelError; whichever it is, the old generation is served on.
    """
    with ingest_lock(settings.data):
        return _ingest(settings, embedder, compare(settings, embedder.fingerprint, force=force), force=force, progress=progress)


def ingest_without(settings: IngestSettings, embedder: Embedder, article_id: str, progress: Progress | None = None) -> IngestReport:
    """`ingest` after an article's file was deleted, and then the deletion of every kept generation that holds its words.

    Raises CorpusError where the file is still there, and what `ingest` raises.
    """
    with ingest_lock(settings.data):
        compared = compare(settings, embedder.fingerprint)
        wanted = to_forget(settings, article_id, compared.sources)
        if compared.served and wanted.stands_in(compared.served):
            compared = replace(compared, held=None)
        report = _ingest(settings, embedder, compared, force=False, progress=progress)
        return replace(report, forgotten=forget(settings.data, wanted), forgotten_ids=wanted.ids, still_in=wanted.still_in)


def roll_back(settings: IngestSettings, model: str) -> Rollback:
    """Serves the generation again that was served before this one, and holds it until the articles are others than they are now.

    Raises NoIndexError where there is none before, StorageError, IngestBusyError.
    """
    with ingest_lock(settings.data):
        try:
            articles = compare(settings, model).sources.hashes
        except CorpusError:
            articles = None
        return go_back(settings.data, model, articles)


def _ingest(settings: IngestSettings, embedder: Embedder, compared: Comparison, *, force: bool, progress: Progress | None) -> IngestReport:
    served = compared.served
    if compared.is_held and not force:
        kept = keep_hold(settings.data, embedder.fingerprint)
        return replace(_report(kept, compared, compared.held), changed=not served or kept.id != served.id)
    if served and compared.is_current and not force:
        end_hold(settings.data)
        if compared.sources.read:  # files that are others, and gave the same articles
            note_sources(settings.data, compared.sources.files, reader_version())
        return _report(served, compared)
    planned = plan(settings, embedder, compared, force=force)
    rows = _rows(planned, embedder, progress)

    def write(folder: Path) -> None:
        write_generation(folder, planned.manifest, planned.articles, rows)

    publish(settings.data, planned.manifest.id, write, settings.kept_generations)
    return replace(_report(planned.manifest, compared), changed=True, embedded=planned.embeddings)


def _report(manifest: Manifest, compared: Comparison, held: str | None = None) -> IngestReport:
    return IngestReport(
        generation=manifest.id,
        changed=False,
        articles=len(manifest.articles),
        passages=manifest.passages,
        added=() if held else compared.added,
        edited=() if held else compared.edited,
        removed=() if held else compared.removed,
        left_out=compared.sources.left_out,
        held=held,
        reasons=compared.other_settings if held else (),
    )


# --- chunks -> rows


def _rows(planned: Plan, embedder: Embedder, progress: Progress | None) -> list[Row]:
    """Every chunk with its vectors: those that are kept, and those that are now computed."""
    computed = _computed(planned.missing, embedder, progress)
    return [_row(keyed, computed.get(keyed.key) or planned.vectors.of(keyed.key)) for keyed in planned.chunks]


def _row(keyed: KeyedChunk, vectors: ChunkVectors | None) -> Row:
    assert vectors is not None  # noqa: S101 - what was not kept was missing, and was computed
    return Row(keyed.chunk, keyed.id, keyed.key, vectors)


def _computed(missing: Mapping[bytes, Chunk], embedder: Embedder, progress: Progress | None) -> dict[bytes, ChunkVectors]:
    """The vectors of the missing chunks, in steps of chunks of like length."""
    order = sorted(missing, key=lambda key: len(missing[key].embedding_text()))
    with ThreadPoolExecutor(1) as behind:  # parts what one step gave while the next is read, which stays where an interrupt arrives
        parted = []
        for first in range(0, len(order), EMBED_STEP):
            step = {key: missing[key] for key in order[first : first + EMBED_STEP]}
            read = embedder.encode([chunk.embedding_text() for chunk in step.values()])
            parted.append(behind.submit(_parted, step, read))
            if progress:
                progress(first + len(step), len(order))
        return {key: vectors for part in parted for key, vectors in part.result().items()}


def _parted(step: Mapping[bytes, Chunk], read: Sequence[Encoded]) -> dict[bytes, ChunkVectors]:
    return {key: chunk_vectors(one, chunk.unit_spans) for (key, chunk), one in zip(step.items(), read, strict=True)}
