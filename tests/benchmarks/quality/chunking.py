"""Where questions are answered in long texts: how much of the gold excerpts the first 4,000 retrieved characters hold, by character span."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_text_splitters import RecursiveCharacterTextSplitter

from chatbot.retrieve import CANDIDATES
from ingest.types import Article, Chunk, Span
from tests.benchmarks.quality.data import found, is_wanted, part_of, rows
from tests.benchmarks.quality.project import Search, Text, index_of, search_over
from tests.benchmarks.quality.rivals import Rivals
from tests.benchmarks.quality.session import Session, reached
from tests.benchmarks.quality.table import PROJECT, Reached

NAME = "chunking"
BUDGET = 4000  # characters retrieved for a question
SPLITTERS = {"RecursiveCharacterTextSplitter 1000/200": (1000, 200), "RecursiveCharacterTextSplitter 400/0": (400, 0)}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Of a corpus."""

    corpus: str
    span: Span


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    gold: tuple[Stretch, ...]


def run(folder: Path, session: Session) -> Iterator[Reached]:
    texts = {path.stem: _text_of(path) for path in found(folder, "corpora/*.md")}
    questions = [_question(row) for row in rows(found(folder, "questions.jsonl"))]
    asked = [one for one in questions if one.gold and one.gold[0].corpus in texts and is_wanted(part_of(one.text), session.part)]
    systems = {
        name: [_overlap(stretches, one.gold) for stretches, one in zip(retrieved, asked, strict=True)]
        for name, retrieved in _systems(texts, asked, session)
    }
    for number, measure in enumerate(("recall", "IoU", "precision")):
        yield from reached(
            NAME, f"{measure} of characters", {name: [values[number] for values in found] for name, found in systems.items()}
        )


def _text_of(path: Path) -> str:
    """With its line ends as they are: the excerpts' offsets count them."""
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


def _question(row: Mapping[str, Any]) -> Question:
    gold = tuple(Stretch(row["corpus_id"], Span(one["start_index"], one["end_index"])) for one in row["references"])
    return Question(row["question"], gold)


def _systems(texts: Mapping[str, str], asked: Sequence[Question], session: Session) -> Iterator[tuple[str, list[list[Stretch]]]]:
    """What each system retrieves for each question."""
    with search_over({name: Text(name.replace("_", " "), text) for name, text in texts.items()}, session.embedder) as search:
        yield PROJECT, _by_search(search, asked)
        rivals = Rivals([chunk.embedding_text() for chunk in search.chunks], session.plain)
        yield "its chunks, dense alone", _by_dense(rivals, search.chunks, asked)
    for name, (size, overlap) in SPLITTERS.items():
        chunks = [chunk for corpus, text in texts.items() for chunk in _recursive(corpus, text, size, overlap)]
        articles = [Article(corpus, corpus, text) for corpus, text in texts.items()]
        yield f"{name}, dense", _by_dense(Rivals([chunk.text for chunk in chunks], session.plain), chunks, asked)
        with index_of(articles, chunks, session.embedder) as index:
            yield f"{name}, the project's search", _by_search(Search(index, session.embedder, chunks), asked)


def _by_search(search: Search, asked: Sequence[Question]) -> list[list[Stretch]]:
    return [_first([search.chunks[row] for row in search.ranking(one.text, CANDIDATES)]) for one in asked]


def _by_dense(rivals: Rivals, chunks: Sequence[Chunk], asked: Sequence[Question]) -> list[list[Stretch]]:
    return [_first([chunks[number] for number in rivals.rankings(one.text)["dense"]]) for one in asked]


def _recursive(corpus: str, text: str, size: int, overlap: int) -> Iterator[Chunk]:
    splitter = RecursiveCharacterTextSplitter(chunk_size=size, chunk_overlap=overlap, add_start_index=True, strip_whitespace=False)
    for document in splitter.create_documents([text]):
        start, body = document.metadata["start_index"], document.page_content
        span = Span(start, start + len(body))
        yield Chunk(corpus, "", (), span.start, span.end, body, (), span)


def _first(chunks: Sequence[Chunk]) -> list[Stretch]:
    """The best chunks as far as the budget reaches, the last one cut; what two of them share is paid for twice."""
    kept: list[Stretch] = []
    left = BUDGET
    for chunk in chunks:
        if left <= 0:
            break
        end = min(chunk.end, chunk.start + left)
        left -= end - chunk.start
        kept.append(Stretch(chunk.article_id, Span(chunk.start, end)))
    return kept


def _overlap(retrieved: Sequence[Stretch], gold: Sequence[Stretch]) -> tuple[float, float, float]:
    """Recall, intersection over union, and precision. What is retrieved twice is in the union twice: it is read twice."""
    wanted, got = _characters(gold), _characters(retrieved)
    read = sum(stretch.span.end - stretch.span.start for stretch in retrieved)
    both = len(wanted & got)
    return both / len(wanted), both / max(read + len(wanted) - both, 1), both / max(read, 1)


def _characters(stretches: Sequence[Stretch]) -> set[tuple[str, int]]:
    return {(stretch.corpus, at) for stretch in stretches for at in range(stretch.span.start, stretch.span.end)}
