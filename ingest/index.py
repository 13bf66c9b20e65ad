"""One generation on disk: its vectors in Chroma, its words in BM25, its articles and what made it. The only place that imports chromadb and bm25s.

<data>/current                   the name of the generation that is served, one line
<data>/generations/<id>-<n>/     never written again once it stands under that name; n counts builds of the same content
    manifest.json                what made it, its roles, its articles
    articles.jsonl               the canonical texts
    chunks.txt                   the chunks' ids, a row each
    chroma/  lexical/            the chunks with their vectors, and their words
    units.npy  unit_rows.npy     one vector a unit (float32), and where each chunk's units start in it
    tokens.npy  token_rows.npy   one vector a word piece of each unit (float16), and where each unit's pieces start in it
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import Stemmer
from numpy.typing import NDArray

from ingest.embed import Vectors
from ingest.errors import IndexMismatchError, NoIndexError, StorageError
from ingest.types import HUMP, Article, Chunk, Origin, Role, content_hash

FORMAT = 1  # of the files of a generation
POINTER = "current"
GENERATIONS = "generations"
GENERATION_NAME = re.compile(r"(?P<id>[0-9a-f]{16})-\d+")
DAMAGED = "The index is damaged, or may not be read; run: career-advisor ingest --force"
CHROMA_BATCH = 5000  # Chroma takes 5,461 rows a call at most

_COLLECTION = "chunks"
_WORD = re.compile(r"[^\W_]+(?:[.+#'’][^\W_]+|\+\+|#)*", re.UNICODE)
_stemmer = Stemmer.Stemmer("english")


def terms(text: str) -> list[str]:
    """The stems of a text's words; of words that ran into one, their parts too."""
    words = [word for whole in _WORD.findall(text) for word in (whole, *HUMP.split(whole)[: None if HUMP.search(whole) else 0])]
    stems: list[str] = _stemmer.stemWords([word.lower().replace("’", "'").removesuffix("'s") for word in words])
    return stems


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """An article as a generation holds it."""

    article: Article
    passages: int
    ingested_at: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation was made of and by. Its id hashes the content alone, so that two machines agree on it."""

    model: str
    splitter: int
    chunk_pieces: int
    roles: tuple[Role, ...]
    articles: dict[str, str]  # id -> hash
    chunks: str  # hash of the chunks' ids, in order
    counts: dict[str, int]  # article id -> chunks
    ingested_at: dict[str, str]  # article id -> when it last changed, ISO 8601, UTC
    format: int = FORMAT

    @property
    def id(self) -> str:
        return content_hash({**asdict(self), "ingested_at": None})[:16]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises IndexMismatchError where the generation is damaged or of another program version."""
        try:
            fields = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            if fields["format"] != FORMAT:
                raise IndexMismatchError("The index was made by another version of this program; run: career-advisor ingest --force")
            roles = tuple(Role(role["name"], tuple(role["others"])) for role in fields.pop("roles"))
            return cls(roles=roles, **fields)
        except (OSError, ValueError, KeyError, TypeError):
            raise IndexMismatchError(DAMAGED) from None


def current_generation(data: Path) -> Path:
    """The folder of the generation that is served. Raises NoIndexError where nothing was ingested."""
    try:
        name = (data / POINTER).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        name = ""
    folder = data / GENERATIONS / name
    if not GENERATION_NAME.fullmatch(name) or not folder.is_dir():
        raise NoIndexError(f"There is no index in '{data}' yet; run: career-advisor ingest")
    return folder


class GenerationIndex:
    """A generation opened for reading; rows number its chunks from 0. Close it when it is no longer served."""

    def __init__(self, folder: Path) -> None:
        import bm25s  # noqa: PLC0415 - the command line's help need not wait for it

        self.folder = folder
        self.manifest = Manifest.read(folder)
        self.id = self.manifest.id
        self._client, self._collection = _open_chroma(folder / "chroma")
        try:
            self._words = bm25s.BM25.load(str(folder / "lexical"), mmap=True)
            self._unit_vectors: Vectors = np.load(folder / "units.npy", mmap_mode="r", allow_pickle=False)
            self._unit_rows: NDArray[np.int64] = np.load(folder / "unit_rows.npy", allow_pickle=False)
            self._tokens: NDArray[np.float16] = np.load(folder / "tokens.npy", mmap_mode="r", allow_pickle=False)
            self._token_rows: NDArray[np.int64] = np.load(folder / "token_rows.npy", allow_pickle=False)
            self._ids: list[str] = (folder / "chunks.txt").read_text(encoding="utf-8").split()
            self.articles = _stored_articles(folder, self.manifest)
            if content_hash(self._ids) != self.manifest.chunks or len(self._unit_rows) != len(self._ids) + 1:
                raise IndexMismatchError(DAMAGED)
        except Exception as error:  # bm25s and numpy each raise their own for what is damaged
            self._client.close()
            raise IndexMismatchError(DAMAGED) from error
        self._rows = {chunk_id: row for row, chunk_id in enumerate(self._ids)}
        self._document_counts = np.diff(self._words.scores["indptr"])

    def __len__(self) -> int:
        return len(self._ids)

    def dense(self, vector: Vectors, count: int) -> dict[int, float]:
        """Row -> cosine, of the chunks nearest to a vector of shape (dimensions,)."""
        found = self._collection.query(query_embeddings=[vector], n_results=min(count, len(self)), include=["distances"])
        return {self._rows[chunk_id]: 1.0 - distance for chunk_id, distance in zip(found["ids"][0], found["distances"][0], strict=True)}

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
        found = self._collection.get(ids=[self._ids[row] for row in rows], include=["metadatas"])
        by_id = {chunk_id: metadata["chunk"] for chunk_id, metadata in zip(found["ids"], found["metadatas"], strict=True)}
        return [Chunk.from_dict(json.loads(by_id[self._ids[row]])) for row in rows]

    def all_chunks(self) -> list[Chunk]:
        """In the order of their rows."""
        return [
            chunk
            for first in range(0, len(self), CHROMA_BATCH)
            for chunk in self.chunks(range(first, min(first + CHROMA_BATCH, len(self))))
        ]

    def unit_vectors(self, row: int) -> Vectors:
        """One vector a unit of the chunk, shape (units, dimensions)."""
        first, last = self._unit_rows[row : row + 2]
        return np.asarray(self._unit_vectors[first:last])

    def unit_tokens(self, row: int) -> list[Vectors]:
        """The word pieces' vectors of each unit of the chunk, each of shape (pieces, dimensions)."""
        first, last = self._unit_rows[row : row + 2]
        starts = self._token_rows[first : last + 1]
        return [np.asarray(self._tokens[start:end], dtype=np.float32) for start, end in pairwise(starts)]

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True, slots=True)
class ChunkVectors:
    """What was computed of one chunk: its vector, and for each unit its vector and its word pieces' vectors."""

    vector: Vectors
    units: Vectors
    tokens: tuple[Vectors, ...]


def write_generation(
    folder: Path, manifest: Manifest, articles: Sequence[Article], chunks: Sequence[Chunk], vectors: Sequence[ChunkVectors]
) -> None:
    """Writes every file of a generation into an empty folder. Raises StorageError where the disk will not take it."""
    import bm25s  # noqa: PLC0415

    try:
        folder.mkdir(parents=True)
        _write_chroma(folder / "chroma", chunks, np.stack([computed.vector for computed in vectors]))
        words = bm25s.BM25()
        words.index([terms(chunk.embedding_text()) or [""] for chunk in chunks], show_progress=False)
        words.save(str(folder / "lexical"), show_progress=False)
        _write_units(folder, vectors)
        (folder / "chunks.txt").write_text("\n".join(chunk.id for chunk in chunks) + "\n", encoding="utf-8")
        lines = (json.dumps(asdict(article), ensure_ascii=False) + "\n" for article in articles)
        (folder / "articles.jsonl").write_text("".join(lines), encoding="utf-8")
        (folder / "manifest.json").write_text(json.dumps(asdict(manifest), ensure_ascii=False, indent=1), encoding="utf-8")
    except Exception as error:  # Chroma has an error of its own for a full disk
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise StorageError(f"The index cannot be written ({reason}); free some space or name another folder with --data.") from error


def _write_units(folder: Path, vectors: Sequence[ChunkVectors]) -> None:
    tokens = [pieces for computed in vectors for pieces in computed.tokens]
    np.save(folder / "units.npy", np.concatenate([computed.units for computed in vectors]), allow_pickle=False)
    np.save(folder / "unit_rows.npy", np.cumsum([0, *(len(computed.units) for computed in vectors)]), allow_pickle=False)
    np.save(folder / "tokens.npy", np.concatenate(tokens).astype(np.float16), allow_pickle=False)
    np.save(folder / "token_rows.npy", np.cumsum([0, *map(len, tokens)]), allow_pickle=False)


def _write_chroma(path: Path, chunks: Sequence[Chunk], vectors: Vectors) -> None:
    client, collection = _open_chroma(path, create=True)
    try:
        for first in range(0, len(chunks), CHROMA_BATCH):
            batch = chunks[first : first + CHROMA_BATCH]
            collection.add(
                ids=[chunk.id for chunk in batch],
                embeddings=vectors[first : first + CHROMA_BATCH],
                documents=[chunk.text for chunk in batch],
                metadatas=[{"article_id": chunk.article_id, "chunk": json.dumps(chunk.as_dict(), ensure_ascii=False)} for chunk in batch],
            )
    finally:
        client.close()


def _open_chroma(path: Path, *, create: bool = False) -> tuple[Any, Any]:
    """Chroma reads `.env` and generic names by itself; it is given its settings here instead. No default embedding function: that one downloads."""
    import chromadb  # noqa: PLC0415
    from chromadb.config import Settings  # noqa: PLC0415

    settings = Settings(_env_file=None, anonymized_telemetry=False, is_persistent=True, persist_directory=str(path), allow_reset=False)  # type: ignore[call-arg]
    if create:
        client: Any = chromadb.PersistentClient(str(path), settings=settings)
        return client, client.create_collection(_COLLECTION, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None)
    try:
        client = chromadb.PersistentClient(str(path), settings=settings)
        return client, client.get_collection(_COLLECTION, embedding_function=None)
    except Exception as error:  # Chroma raises its own for what is damaged
        raise IndexMismatchError(DAMAGED) from error


def _stored_articles(folder: Path, manifest: Manifest) -> tuple[StoredArticle, ...]:
    with (folder / "articles.jsonl").open(encoding="utf-8") as lines:
        found = [_article_from(json.loads(line)) for line in lines]
    return tuple(StoredArticle(article, manifest.counts[article.id], manifest.ingested_at[article.id]) for article in found)


def _article_from(fields: dict[str, Any]) -> Article:
    origin = fields.pop("based_on")
    roles = tuple(Role(role["name"], tuple(role["others"])) for role in fields.pop("roles"))
    return Article(**fields, based_on=Origin(**origin) if origin else None, roles=roles)
