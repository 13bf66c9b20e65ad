"""The project as the sets ask it: its own splitter, index, search, ranking, answers and verdicts, with what the face of an advisor hides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml

from chatbot import abstention, extractive
from chatbot.evidence import Evidence, rank, reordered
from chatbot.extractive import Picked
from chatbot.opened import Opened
from chatbot.retrieve import content_terms, retrieve
from chatbot.settings import ChatSettings
from chatbot.types import Passage
from chatbot.understanding import understand
from ingest.chunk_vectors import ChunkVectors
from ingest.embed import Embedder, Vectors
from ingest.index import GenerationIndex, Row, write_generation
from ingest.kept import Manifest, current_generation
from ingest.pipeline import ingest
from ingest.reuse import reading_key
from ingest.settings import IngestSettings
from ingest.split import SPLITTER_VERSION, split
from ingest.types import Article, Chunk, content_hash

ANSWER_WORDS = 60  # of a quoted answer, as the measure on SQuAD 2.0 allows


@dataclass(frozen=True, slots=True)
class Text:
    title: str
    body: str


class Asked:
    """The project over an index of its own."""

    def __init__(self, index: GenerationIndex, embedder: Embedder) -> None:
        self._index = index
        self._opened = Opened(index, embedder)
        self._settings = ChatSettings()
        self.chunks = index.all_chunks()
        self._rows: dict[str, list[int]] = {}
        for row, chunk in enumerate(self.chunks):
            self._rows.setdefault(chunk.article_id, []).append(row)

    def article(self, name: str) -> str:
        """The canonical text of an article."""
        return next(stored.article.text for stored in self._index.articles if stored.article.id == name)

    def passages(self, question: str) -> list[Passage]:
        """As an advisor searches."""
        query = self._opened.query(question)
        passages = retrieve(self._index, query.vector, query.searched, self._settings.candidates, self._settings.dense_weight)
        return reordered(passages, rank(self._index, query, passages))

    def within(self, question: str, article: str) -> list[Passage]:
        """The passages of one article, for a question that is asked of it alone."""
        cosines = self._index.cosines(self._opened.query(question).vector, self._rows[article])
        return [Passage(self.chunks[row], cosine, cosine, 0.0, row) for row, cosine in cosines.items()]

    def ranked(self, question: str, passages: Sequence[Passage]) -> list[Evidence]:
        return rank(self._index, self._opened.query(question), passages)

    def probability(self, question: str, ranked: Sequence[Evidence]) -> float:
        """That these answer the question: the score of abstention."""
        return abstention.judge(self._index, self._opened.query(question), ranked).probability

    def signs(self, question: str, ranked: Sequence[Evidence]) -> abstention.SomeSigns:
        """What abstention sees of them, for fitting its weights."""
        return abstention.signs(self._index, self._opened.query(question), ranked)

    def answer(self, question: str, ranked: Sequence[Evidence]) -> list[Picked]:
        """What is quoted in the words that the measure allows, whether or not it would be abstained."""
        asked = understand(question, self._opened.names)
        return extractive.choose(ranked, asked, ANSWER_WORDS / extractive.WORDS[asked.shape])


@contextmanager
def asked_of(texts: Mapping[str, Text], embedder: Embedder) -> Iterator[Asked]:
    """The project over articles, as ingest takes them in."""
    with TemporaryDirectory() as folder:
        corpus, data = Path(folder) / "corpus", Path(folder) / "data"
        corpus.mkdir()
        for name, text in texts.items():
            front = yaml.safe_dump({"title": text.title}, allow_unicode=True)
            (corpus / f"{name}.md").write_text(f"---\n{front}---\n{text.body}\n", encoding="utf-8")
        ingest(IngestSettings(corpus=corpus, data=data), embedder)
        index = GenerationIndex(current_generation(data))
        try:
            yield Asked(index, embedder)
        finally:
            index.close()


class Search:
    """The project's splitter, index and search over texts as they are, whose sentences are not looked at."""

    def __init__(self, index: GenerationIndex, embedder: Embedder, chunks: Sequence[Chunk]) -> None:
        self._index = index
        self._embedder = embedder
        self.chunks = chunks

    def ranking(self, question: str, count: int) -> list[int]:
        """The numbers of the chunks, best first."""
        vector = self._embedder.vectors([question])[0]
        found = retrieve(self._index, vector, content_terms(question), count, ChatSettings().dense_weight)
        return [passage.row for passage in found]


@contextmanager
def search_over(texts: Mapping[str, Text], embedder: Embedder) -> Iterator[Search]:
    """Offsets of the chunks count in the bodies as they were given."""
    pieces = IngestSettings().chunk_pieces
    articles = [Article(name, text.title, text.body) for name, text in texts.items()]
    chunks = [chunk for article in articles for chunk in split(article, embedder.count_pieces, pieces, embedder.max_pieces)]
    with index_of(articles, chunks, embedder) as index:
        yield Search(index, embedder, chunks)


@contextmanager
def index_of(articles: Sequence[Article], chunks: Sequence[Chunk], embedder: Embedder) -> Iterator[GenerationIndex]:
    """A generation of these chunks, in which each stands for its sentences."""
    vectors = embedder.vectors([chunk.embedding_text() for chunk in chunks])
    manifest = Manifest(
        model=embedder.fingerprint,
        splitter=SPLITTER_VERSION,
        chunk_pieces=IngestSettings().chunk_pieces,
        roles=(),
        articles={article.id: article.hash for article in articles},
        chunks=content_hash([chunk.id for chunk in chunks]),
        counts=dict.fromkeys((article.id for article in articles), 0),
        ingested_at=dict.fromkeys((article.id for article in articles), ""),
    )
    with TemporaryDirectory() as folder:
        generation = Path(folder) / "generation"
        rows = [_row(chunk, vector) for chunk, vector in zip(chunks, vectors, strict=True)]
        write_generation(generation, manifest, articles, rows)
        index = GenerationIndex(generation)
        try:
            yield index
        finally:
            index.close()


def _row(chunk: Chunk, vector: Vectors) -> Row:
    vectors = ChunkVectors(vector, vector[None], vector[None].astype(np.float16), np.array([0, 0, 1]))
    return Row(chunk, chunk.id, reading_key(chunk), vectors)
