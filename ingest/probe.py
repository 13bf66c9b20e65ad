"""Whether a generation is whole: every file as it was written, every chunk in its article and its own nearest neighbour.

It runs in a process of its own, for what reads a damaged store may end the process: python -m ingest.probe, told on standard input what to read.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from ingest.errors import SearchIndexError
from ingest.index import GenerationIndex, load_engines
from ingest.intact import check_files
from ingest.kept import Manifest
from ingest.terms import terms
from ingest.types import Chunk

SECONDS = 120  # for a generation of any size, and on top of it for each thousand chunks:
SECONDS_A_THOUSAND = 10
UNFOUND = 1e-3  # share of the chunks that Chroma's graph may miss: of vectors that are alike it cannot always reach each
SAME = 1e-4  # cosine distance and difference of a number, up to which two vectors are one


class Probe:
    """A process that reads one generation and ends. It loads what it reads with as soon as it is started: while the generation is written."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", "-m", "ingest.probe"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603 - our own interpreter and module

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def flaws(self, folder: Path, *, thorough: bool = False) -> list[str]:
        """What is wrong with a generation, each in some words; nothing of a whole one. `thorough` compares every word of its index too."""
        try:
            limit = SECONDS + SECONDS_A_THOUSAND * Manifest.read(folder).passages / 1000
            told, _ = self._process.communicate(json.dumps([str(folder), thorough]), timeout=limit)
        except SearchIndexError:
            return ["its manifest cannot be read"]
        except subprocess.TimeoutExpired:
            return ["it cannot be searched in reasonable time"]
        try:
            found: list[str] = json.loads(told)
        except ValueError:
            return ["reading it ends the program that does"]
        return found


def probe(folder: Path, *, thorough: bool = False) -> list[str]:
    """`Probe.flaws` by a process that is started for it."""
    with Probe() as started:
        return started.flaws(folder, thorough=thorough)


def flaws_of(folder: Path, *, thorough: bool) -> Iterator[str]:
    """What is wrong with a generation, found by reading all of it."""
    try:
        check_files(folder, thorough=True)
    except SearchIndexError:
        yield "a file is not as it was written"
        return
    try:
        index = GenerationIndex(folder)
    except SearchIndexError:
        yield "it cannot be opened"
        return
    chunks = index.all_chunks()
    yield from _articles(index, chunks)
    yield from _vectors(index)
    if thorough:
        yield from _words(index, chunks)
    index.close()


def _articles(index: GenerationIndex, chunks: list[Chunk]) -> Iterator[str]:
    texts = {stored.article.id: stored.article.text for stored in index.articles}
    if {stored.article.id: stored.article.hash for stored in index.articles} != index.manifest.articles:
        yield "its articles are not those of its manifest"
    elif any(texts.get(chunk.article_id, "")[chunk.start : chunk.end] != chunk.text for chunk in chunks):
        yield "a chunk does not stand in its article"


def _vectors(index: GenerationIndex) -> Iterator[str]:
    """Chroma's vectors are those that were computed, and each chunk is its own nearest neighbour."""
    if not np.isfinite(index.vectors).all():
        yield "a vector is not a number"
        return
    seen = [0]
    for rows, vectors in index.stored_vectors():
        seen.append(len(rows))
        if rows and np.abs(vectors - index.vectors[rows]).max() > SAME:
            yield "Chroma holds other vectors"
            return
    if len(seen) > 1 and sum(seen) != len(index):  # else it could not be opened at all, which is no flaw
        yield "Chroma holds other chunks"
        return
    if (lost := sum(distance > SAME for distance in index.own_distances())) > len(index) * UNFOUND:
        yield f"{lost} chunks are not found by their own vectors"


def _words(index: GenerationIndex, chunks: list[Chunk]) -> Iterator[str]:
    if [chunk.id for chunk in chunks] != list(index.ids):
        yield "its chunks are not those of its manifest"
    vocabulary, numbers, rows = index.word_pairs()
    expected = [
        np.array(sorted({vocabulary.get(term, -1) for term in terms(chunk.embedding_text()) or [""]})) * len(chunks) + row
        for row, chunk in enumerate(chunks)
    ]
    if not np.array_equal(np.sort(numbers * len(chunks) + rows), np.sort(np.concatenate(expected))):
        yield "its words are not those of its chunks"


def main() -> None:
    load_engines()  # which may pass before there is something to read
    folder, thorough = json.loads(sys.stdin.read())
    sys.stdout.write(json.dumps(list(flaws_of(Path(folder), thorough=thorough))))


if __name__ == "__main__":
    main()
