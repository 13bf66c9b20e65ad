"""One generation on disk: its vectors in Chroma, its words in BM25, its articles and what made it. The only place that imports chromadb and bm25s.

<data>/generations/<id>-<n>/     see kept.py for which is served
    files.json                   size and SHA-256 of every other file
    manifest.json                what made it, its roles, its articles
    articles.jsonl               the canonical texts
    chunks.txt                   the chunks' ids, a row each
    chunks.jsonl  chunk_rows.npy the chunks, a line each, and where each line starts
    chroma/  lexical/            the chunks' vectors, and their words
    vectors.npy                  the chunks' vectors again (float32): of few a product with all misses none (Chroma's graph may, among many
                                 like ones), and Chroma cannot be read where it cannot write
    units.npy  unit_rows.npy     one vector a unit (float32), and where each chunk's units start in it
    tokens.npy  token_rows.npy   one vector a word piece of each chunk (float16), and where in it the pieces start that open each chunk,
                                 and those of each of its units
    chunk_keys.npy               hashes of what was embedded, by which a later build finds its vectors
"""

from __future__ import annotations

import json
import os
import shutil
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.chunk_vectors import ChunkVectors
from ingest.embed import Vectors
from ingest.errors import IndexMismatchError, SearchIndexError, StorageError
from ingest.halves import widened
from ingest.intact import TOP, check_files, record_files
from ingest.kept import DAMAGED, GENERATIONS, Manifest, Pointer, current_generation, earlier, kept_generations
from ingest.mapped import array, ask_for, mapped
from ingest.terms import terms
from ingest.types import Article, Chunk, Origin, Role, content_hash

MEND = "Run: career-advisor ingest --force"
MEND_HELD = "Run: career-advisor ingest"  # which serves another one, and goes on holding
CHROMA_BATCH = 5000  # Chroma takes 5,461 rows a call at most
COMPARED_ONE_BY_ONE = 20_000  # chunks, up to which a product with all vectors is as fast as Chroma's graph, and misses none
KNOWN_CHUNKS = 2_000  # read ones that are kept, some 5 MB
CHROMA_QUERIES = 32  # vectors a call, when all are searched for: more are slower
FREE_BYTES = 1_000_000  # Chroma writes a row whenever it is opened

_COLLECTION = "chunks"


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """An article as a generation holds it."""

    article: Article
    passages: int
    ingested_at: str


def open_served(data: Path, model: str) -> tuple[GenerationIndex, str | None]:
    """The served generation, opened. Where it is damaged or gone, another whole one of the same model, and a sentence that says so.

    Raises SearchIndexError where there is none.
    """
    try:
        return GenerationIndex(current_generation(data)), None
    except SearchIndexError as error:
        for folder in others(data):
            with suppress(SearchIndexError):
                if Manifest.read(folder).model == model:
                    return GenerationIndex(folder), _instead(folder, Pointer.read(data))
        raise error from None


def others(data: Path) -> list[Path]:
    """What could be served instead of the served one, the best first: those before it, then the newest; at last what was gone back from."""
    pointer, kept = Pointer.read(data), kept_generations(data)
    if pointer is None:
        return kept
    served = data / GENERATIONS / pointer.generation
    before = list(earlier(data, served))
    found = [*before, *(path for path in kept if path != served and path not in before)]
    return sorted(found, key=lambda path: path.name in pointer.all_left)


def _instead(folder: Path, pointer: Pointer | None) -> str:
    """Says which is served instead, and what mends it: while a rollback holds, to build anew would bring back what it left."""
    left = pointer.all_left if pointer else ()
    name = Manifest.read(folder).id
    if folder.name in left:
        return f"The index that was rolled back to is damaged; this is answered from the one that was left ({name}). {MEND}"
    return f"The index that is served is damaged; this is answered from another that is kept ({name}). {MEND_HELD if left else MEND}"


class GenerationIndex:
    """A generation opened for reading; rows number its chunks from 0. It closes when nothing refers to it any more, or when told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest.read(folder)
        self.id = self.manifest.id
        check_files(folder)
        self._collection: Any = None
        self._known_chunks: dict[int, Chunk] = {}
        self._closing = weakref.finalize(self, lambda: None)
        try:
            self._load(folder)
            if len(self) > COMPARED_ONE_BY_ONE:
                self._open_store()
        except Exception as error:  # bm25s, numpy and Chroma each raise their own for what is damaged
            self.close()
            raise IndexMismatchError(DAMAGED) from error

    def _load(self, folder: Path) -> None:
        import bm25s  # noqa: PLC0415 - the command line's help need not wait for it

        self._words = bm25s.BM25.load(str(folder / "lexical"), mmap=True)
        self._vectors: Vectors = array(folder, "vectors")
        self._unit_vectors: Vectors = array(folder, "units")
        self._unit_rows: NDArray[np.int64] = np.array(array(folder, "unit_rows"))
        self._mapped_tokens = mapped(folder, "tokens")
        self._tokens: NDArray[np.float16] = np.asarray(self._mapped_tokens)
        self._token_rows: NDArray[np.int64] = np.array(array(folder, "token_rows"))
        self._chunk_rows: NDArray[np.int64] = np.array(array(folder, "chunk_rows"))
        self._lines = np.memmap(folder / "chunks.jsonl", mode="r")
        self._ids: list[str] = (folder / "chunks.txt").read_text(encoding="utf-8").split()
        self.articles = stored_articles(folder, self.manifest)
        if content_hash(self._ids) != self.manifest.chunks or not len(self._unit_rows) - 1 == len(self._vectors) == len(self._ids):
            raise IndexMismatchError(DAMAGED)
        self._rows = {chunk_id: row for row, chunk_id in enumerate(self._ids)}
        self._document_counts = np.diff(self._words.scores["indptr"])

    def _open_store(self) -> None:
        """Chroma's, where it can be opened at all."""
        if self._collection is None and _may_be_written(self.folder / TOP):
            client, self._collection = _open_chroma(self.folder / "chroma")
            self._closing = weakref.finalize(self, client.close)

    def __len__(self) -> int:
        return len(self._ids)

    def dense(self, vector: Vectors, count: int) -> dict[int, float]:
        """Row -> cosine, of the chunks nearest to a vector of shape (dimensions,), the nearest first."""
        if self._collection is None or len(self) <= COMPARED_ONE_BY_ONE:
            cosines = np.asarray(self._vectors @ vector)
            cut = np.partition(cosines, -count)[-count] if count < len(cosines) else -2.0
            rows = np.flatnonzero(cosines >= cut)
            return {int(row): float(cosines[row]) for row in rows[np.argsort(-cosines[rows], kind="stable")][:count]}
        found = self._collection.query(query_embeddings=[vector], n_results=min(count, len(self)), include=["distances"])
        return {self._rows[chunk_id]: 1.0 - distance for chunk_id, distance in zip(found["ids"][0], found["distances"][0], strict=True)}

    def cosines(self, vector: Vectors, rows: Sequence[int]) -> dict[int, float]:
        """Row -> cosine of these chunks, however far they are from a vector of shape (dimensions,) and length 1."""
        return dict(zip(rows, map(float, self._vectors[list(rows)] @ vector), strict=True))

    def lexical(self, query: Sequence[str]) -> NDArray[np.float32]:
        """BM25 of every chunk for a query's terms, shape (chunks,)."""
        known = [term for term in query if term in self._words.vocab_dict]
        if not known:
            return np.zeros(len(self), dtype=np.float32)
        scores: NDArray[np.float32] = self._words.get_scores(known)
        return scores

    def document_count(self, term: str) -> int:
        """How many chunks hold a term."""
        number = self._words.vocab_dict.get(term)
        return 0 if number is None else int(self._document_counts[number])

    def chunks(self, rows: Sequence[int]) -> list[Chunk]:
        return [self.chunk(row) for row in rows]

    def chunk(self, row: int) -> Chunk:
        """Those of the last questions are kept: to read one anew costs as much as to search for it."""
        if (known := self._known_chunks.get(row)) is not None:
            return known
        read = Chunk.from_dict(json.loads(self._lines[self._chunk_rows[row] : self._chunk_rows[row + 1]].tobytes()))
        if len(self._known_chunks) >= KNOWN_CHUNKS:
            self._known_chunks = {}
        self._known_chunks[row] = read
        return read

    def all_chunks(self) -> list[Chunk]:
        """In the order of their rows."""
        return self.chunks(range(len(self)))

    def unit_vectors(self, rows: Sequence[int]) -> Vectors:
        """One vector a unit of these chunks, shape (units, dimensions)."""
        return np.concatenate([self._unit_vectors[self._unit_rows[row] : self._unit_rows[row + 1]] for row in rows])

    def unit_tokens(self, row: int) -> list[Vectors]:
        """The word pieces' vectors of each unit of the chunk, each of shape (pieces, dimensions)."""
        starts = self._token_starts(row)[1:]
        return [np.asarray(self._tokens[start:end], dtype=np.float32) for start, end in pairwise(starts)]

    def unit_matches(self, rows: Sequence[int], pieces: Vectors) -> Vectors:
        """How well each unit of these chunks matches each of some word pieces, of shape (pieces, dimensions): the cosine of its own, or of
        those that open its chunk, that is nearest. Shape (units, pieces).
        """
        starts = [self._token_starts(row) for row in rows]
        ask_for(self._mapped_tokens, [(int(start[0]), int(start[-1])) for start in starts])
        across = np.ascontiguousarray(pieces.T)
        # a chunk at a time, which fits into a processor's cache
        cosines = np.concatenate([widened(self._tokens[start[0] : start[-1]]) @ across for start in starts])
        sizes = np.concatenate([np.diff(start) for start in starts])
        found = np.zeros((len(sizes), len(pieces)), dtype=np.float32)
        if found.size and len(cosines):
            first = (np.cumsum(sizes) - sizes)[sizes > 0]  # what has no piece matches nothing
            found[sizes > 0] = np.maximum.reduceat(cosines, first, axis=0)
        parts = np.array([len(start) - 1 for start in starts])  # of a chunk: what opens it, and its units
        opening = np.cumsum(parts) - parts
        return np.asarray(np.maximum(np.delete(found, opening, axis=0), np.repeat(found[opening], parts - 1, axis=0)))

    def _token_starts(self, row: int) -> NDArray[np.int64]:
        """Where the pieces start that open a chunk, and those of each of its units, and where the last one's end."""
        return self._token_rows[self._unit_rows[row] + row : self._unit_rows[row + 1] + row + 2]

    @property
    def ids(self) -> Sequence[str]:
        """Of the chunks, by row."""
        return self._ids

    def stored_vectors(self) -> Iterator[tuple[list[int], Vectors]]:
        """The chunks' rows and vectors as Chroma holds them, some at a time; nothing where it cannot be read."""
        self._open_store()
        for first in range(0, len(self) if self._collection is not None else 0, CHROMA_BATCH):
            found = self._collection.get(ids=self._ids[first : first + CHROMA_BATCH], include=["embeddings"])
            yield [self._rows[chunk_id] for chunk_id in found["ids"]], np.asarray(found["embeddings"], dtype=np.float32)

    def own_distances(self) -> Iterator[float]:
        """For each chunk how far (1 - cosine) its own vector is from the nearest that a search finds with it: nothing, in a whole index."""
        for first in range(0, len(self), CHROMA_QUERIES):
            asked = np.asarray(self._vectors[first : first + CHROMA_QUERIES])
            if self._collection is None or len(self) <= COMPARED_ONE_BY_ONE:
                yield from (1 - (asked @ self._vectors.T).max(axis=1)).tolist()
            else:
                found = self._collection.query(query_embeddings=asked, n_results=1, include=["distances"])
                yield from (near[0] if near else 1.0 for near in found["distances"])

    @property
    def vectors(self) -> Vectors:
        """One vector a chunk, shape (chunks, dimensions)."""
        return self._vectors

    def word_pairs(self) -> tuple[dict[str, int], NDArray[np.int64], NDArray[np.int64]]:
        """The words' numbers, and for each word number and row that holds it a pair of them."""
        scores = self._words.scores
        numbers = np.repeat(np.arange(len(scores["indptr"]) - 1), np.diff(scores["indptr"]))
        return self._words.vocab_dict, numbers.astype(np.int64), np.asarray(scores["indices"], dtype=np.int64)

    def close(self) -> None:
        self._closing()


def load_engines() -> None:
    """Imports what an index is searched with, which takes a second or two."""
    import bm25s  # noqa: F401, PLC0415
    import chromadb  # noqa: F401, PLC0415


@dataclass(frozen=True, slots=True)
class Row:
    """A chunk as a generation is to hold it: with its id, and the hash of what is embedded of it."""

    chunk: Chunk
    id: str
    key: bytes
    vectors: ChunkVectors


def write_generation(folder: Path, manifest: Manifest, articles: Iterable[Article], rows: Sequence[Row]) -> None:
    """Writes every file of a generation into an empty folder. Raises StorageError where the disk will not take it."""
    try:
        folder.mkdir(parents=True)
        _write_chroma(folder / "chroma", rows)
        _write_words(folder / "lexical", rows)
        _write_vectors(folder, rows)
        _write_chunks(folder, rows)
        lines = (json.dumps(asdict(article), ensure_ascii=False) + "\n" for article in articles)
        (folder / "articles.jsonl").write_text("".join(lines), encoding="utf-8")
        (folder / "manifest.json").write_text(json.dumps(asdict(manifest), ensure_ascii=False, indent=1), encoding="utf-8")
        record_files(folder)
    except Exception as error:  # Chroma has an error of its own for a full disk
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise StorageError(f"The index cannot be written ({reason}); free some space or name another folder with --data.") from error


def _write_words(folder: Path, rows: Sequence[Row]) -> None:
    import bm25s  # noqa: PLC0415

    words = bm25s.BM25()
    words.index([terms(row.chunk.embedding_text()) or [""] for row in rows], show_progress=False)
    words.save(str(folder), show_progress=False)


def _write_vectors(folder: Path, rows: Sequence[Row]) -> None:
    read = [row.vectors for row in rows]
    first = np.cumsum([0, *(len(one.tokens) for one in read)])
    arrays = {
        "vectors": np.stack([one.vector for one in read]),
        "units": np.concatenate([one.units for one in read]),
        "unit_rows": np.cumsum([0, *(len(one.units) for one in read)]),
        "token_rows": np.concatenate([*(start + one.rows[:-1] for start, one in zip(first, read, strict=False)), first[-1:]]),
        "chunk_keys": np.frombuffer(b"".join(row.key for row in rows), dtype=np.uint8).reshape(len(rows), -1),
    }
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values, allow_pickle=False)
    shape = (int(first[-1]), read[0].tokens.shape[1])
    written = np.lib.format.open_memmap(folder / "tokens.npy", mode="w+", dtype=np.float16, shape=shape)
    for start, one in zip(first, read, strict=False):
        written[start : start + len(one.tokens)] = one.tokens
    written.flush()


def _write_chunks(folder: Path, rows: Sequence[Row]) -> None:
    lines = [json.dumps(row.chunk.as_dict(), ensure_ascii=False).encode() + b"\n" for row in rows]
    (folder / "chunks.txt").write_text("\n".join(row.id for row in rows) + "\n", encoding="utf-8")
    (folder / "chunks.jsonl").write_bytes(b"".join(lines))
    np.save(folder / "chunk_rows.npy", np.cumsum([0, *map(len, lines)]), allow_pickle=False)


def _may_be_written(path: Path) -> bool:
    """Whether Chroma can be opened at all; where it cannot (a folder that is read only, a full disk), the vectors are compared one by one."""
    return os.access(path, os.W_OK) and shutil.disk_usage(path).free >= FREE_BYTES


def _write_chroma(path: Path, rows: Sequence[Row]) -> None:
    client, collection = _open_chroma(path, create=len(rows))
    try:
        for first in range(0, len(rows), CHROMA_BATCH):
            batch = rows[first : first + CHROMA_BATCH]
            collection.add(ids=[row.id for row in batch], embeddings=np.stack([row.vectors.vector for row in batch]))
    finally:
        client.close()


def _open_chroma(path: Path, *, create: int = 0) -> tuple[Any, Any]:
    """`create` makes a store for so many chunks, whose graph is on disk when all are added, and is only read after that. No default embedding
    function: that one downloads.
    """
    import chromadb  # noqa: PLC0415

    settings = _chroma_settings().model_copy(update={"persist_directory": str(path)})
    if create:
        client: Any = chromadb.PersistentClient(str(path), settings=settings)
        size = max(2, min(create, CHROMA_BATCH))
        graph = {"space": "cosine", "sync_threshold": size, "batch_size": min(100, size)}
        return client, client.create_collection(_COLLECTION, configuration={"hnsw": graph}, embedding_function=None)
    try:
        client = chromadb.PersistentClient(str(path), settings=settings)
        return client, client.get_collection(_COLLECTION, embedding_function=None)
    except Exception as error:  # Chroma raises its own for what is damaged
        raise IndexMismatchError(DAMAGED) from error


@cache
def _chroma_settings() -> Any:
    """Chroma reads `.env` and generic names by itself; it is given its settings here instead."""
    from chromadb.config import Settings  # noqa: PLC0415

    return Settings(_env_file=None, anonymized_telemetry=False, is_persistent=True, allow_reset=False)  # type: ignore[call-arg]


def stored_articles(folder: Path, manifest: Manifest) -> tuple[StoredArticle, ...]:
    """The articles of a generation, in the order of their ids. Raises IndexMismatchError."""
    try:
        with (folder / "articles.jsonl").open(encoding="utf-8") as lines:
            found = [_article_from(json.loads(line)) for line in lines]
        return tuple(StoredArticle(article, manifest.counts[article.id], manifest.ingested_at[article.id]) for article in found)
    except (OSError, ValueError, KeyError, TypeError):
        raise IndexMismatchError(DAMAGED) from None


def _article_from(fields: dict[str, Any]) -> Article:
    origin = fields.pop("based_on")
    roles = tuple(Role(role["name"], tuple(role["others"])) for role in fields.pop("roles"))
    return Article(**fields, based_on=Origin(**origin) if origin else None, roles=roles)
