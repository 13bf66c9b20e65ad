"""Claims for the check that a claim is supported: claims.jsonl, written for this project, under the licence of corpus/.

One sentence of a practice article a line: topic, source (the unit), claim (says the same in other words), false (says what it does not)
and how (role, number, name, negation or invention: what was changed). The rows of "tune" are of other articles than those of "test"; those that are "far" say it in words that are
further from the source's, right or false, than what models write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from chatbot.statements import Statement, statements_of
from chatbot.support import Reads
from ingest.articles import find_articles, read_article
from ingest.embed import Embedder
from ingest.roles import RoleNames, attribute
from ingest.split import split
from ingest.types import Chunk, Role
from tests.benchmarks.practice import Practice, read_practice

FILE = Path(__file__).with_name("claims.jsonl")
RIGHT = "right"
WRONG_PASSAGE = "wrong passage"


@dataclass(frozen=True, slots=True)
class Case:
    """A claim and what it cites. `how` is "right", or what is false about it; one `is_far` in words further from the source's."""

    claim: str
    statements: tuple[Statement, ...]
    names: RoleNames | None
    how: str
    group: str
    is_far: bool = False

    @property
    def is_right(self) -> bool:
        return self.how == RIGHT


def cases(which: Literal["tune", "test"], embedder: Embedder, reads: Reads) -> Iterator[Case]:
    """Each row as a right claim, as a false one, and as a right claim that cites the nearest other passage of its article."""
    rows = [row for line in FILE.read_text(encoding="utf-8").splitlines() if (row := json.loads(line))["split"] == which]
    articles = {practice.topic: practice for practice in reversed(read_practice())}  # of two on one topic the first was meant
    for topic in dict.fromkeys(row["topic"] for row in rows):
        chunks, names = _chunks(articles[topic], embedder)
        vectors = [one.vector for one in reads.encode([names.neutral(chunk.text) for chunk in chunks])]
        for row in (row for row in rows if row["topic"] == topic):
            cited = next(chunk for chunk in chunks for unit in chunk.units if _is_same(row["source"], chunk.quote(unit)))
            right, far = tuple(statements_of(cited, names)), row.get("far", False)
            yield Case(row["claim"], right, names, RIGHT, topic, far)
            yield Case(row["false"], right, names, row["how"], topic, far)
            (claim,) = reads.encode([names.neutral(row["claim"])])
            order = sorted(range(len(chunks)), key=lambda number: -float(vectors[number] @ claim.vector))
            other = next(chunks[number] for number in order if chunks[number] is not cited)
            yield Case(row["claim"], tuple(statements_of(other, names)), names, WRONG_PASSAGE, topic, far)


def _is_same(source: str, quote: str) -> bool:
    """A splitter may cut a unit in two."""
    return source in quote or quote in source


def _chunks(practice: Practice, embedder: Embedder) -> tuple[list[Chunk], RoleNames]:
    """As ingest makes them."""
    with TemporaryDirectory() as folder:
        practice.write(Path(folder))
        (article,) = (read_article(name, path, 1_000_000) for name, path in find_articles(Path(folder)).files.items())
    names = RoleNames([Role(name, tuple(others)) for name, others in practice.roles.items()])
    return attribute(split(article, embedder.count_pieces, 128, 256), names), names
