"""What a folder of public sets holds, and which part of it a row belongs to: one part to fit on, the other to report.

scifact/corpus.jsonl, claims_*.jsonl, qrels_*.tsv     chunking/corpora/*.md, questions.jsonl     squad2/*.json
clapnq/answerable.jsonl, unanswerable.jsonl           wice/oracle_chunks_claim_*.jsonl           follow_ups/*.json
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

Part = Literal["tune", "report", "all"]
PARTS: tuple[Part, ...] = ("tune", "report", "all")


class AbsentError(Exception):
    """A set's files are not in the folder; the text says which."""


def part_of(name: str) -> Part:
    """By the parity of the SHA-1 of a row's id: even is for fitting."""
    return "report" if int(hashlib.sha1(name.encode()).hexdigest(), 16) % 2 else "tune"


def part_of_title(title: str, titles: Sequence[str]) -> Part:
    """By the place of an article's title among all of them, sorted: even is for fitting."""
    return "report" if sorted(titles).index(title) % 2 else "tune"


def is_wanted(part: Part, wanted: Part) -> bool:
    return wanted in ("all", part)


def found(folder: Path, *patterns: str) -> list[Path]:
    """The files of every pattern, sorted. Raises AbsentError for a pattern that none has."""
    files: list[Path] = []
    for pattern in patterns:
        matching = sorted(path for path in folder.glob(pattern) if path.is_file())
        if not matching:
            raise AbsentError(f"there is no {folder.name}/{pattern}")
        files += matching
    return files


def rows(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The objects of JSON lines files, one after another."""
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())
