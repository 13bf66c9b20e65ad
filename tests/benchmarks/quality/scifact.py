"""SciFact: scientific claims, and the abstracts that bear on them. nDCG@10 of the abstracts found."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from ir_measures import nDCG

from chatbot.retrieve import CANDIDATES
from tests.benchmarks.quality.data import found, is_wanted, part_of, rows
from tests.benchmarks.quality.project import Text, search_over
from tests.benchmarks.quality.ranking import Task, measured
from tests.benchmarks.quality.session import Session
from tests.benchmarks.quality.table import Reached

NAME = "scifact"


def run(folder: Path, session: Session) -> Iterator[Reached]:
    abstracts = {row["_id"]: Text(row.get("title", ""), row["text"]) for row in rows(found(folder, "corpus.jsonl"))}
    relevant = _relevant(folder)
    asked = {row["_id"]: row["text"] for row in rows(found(folder, "claims_*.jsonl"))}
    wanted = [name for name in asked if name in relevant and is_wanted(part_of(name), session.part)]
    with search_over(abstracts, session.embedder) as search:
        owners = [chunk.article_id for chunk in search.chunks]
        texts = [chunk.embedding_text() for chunk in search.chunks]
        task = Task(NAME, texts, owners, [asked[name] for name in wanted], [relevant[name] for name in wanted])
        yield from measured(task, {"nDCG@10": nDCG @ 10}, lambda claim: search.ranking(claim, CANDIDATES), session)


def _relevant(folder: Path) -> dict[str, dict[str, int]]:
    """Claim -> abstract -> how relevant."""
    judged: dict[str, dict[str, int]] = {}
    for path in found(folder, "qrels_*.tsv"):
        with path.open(encoding="utf-8", newline="") as file:
            for claim, abstract, score in list(csv.reader(file, delimiter="\t"))[1:]:
                judged.setdefault(claim, {})[abstract] = int(score)
    return judged
