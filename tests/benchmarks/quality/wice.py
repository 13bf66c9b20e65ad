"""WiCE: claims of an encyclopedia, and stretches of the pages that they cite. Only what is supported outright counts; a claim has the score of its best stretch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatbot.statements import sentences_as_statements
from chatbot.support import support
from ingest.embed import Embedder, Vectors
from tests.benchmarks.quality.data import found, is_wanted, part_of, rows
from tests.benchmarks.quality.rivals import word_overlap
from tests.benchmarks.quality.session import Session, reached
from tests.benchmarks.quality.table import PROJECT, Reached

NAME = "wice"


@dataclass(frozen=True, slots=True)
class Claim:
    """`stretches` are lists of sentences."""

    text: str
    is_supported: bool
    stretches: tuple[tuple[str, ...], ...]


def run(folder: Path, session: Session) -> Iterator[Reached]:
    claims = [claim for name, claim in claims_in(folder).items() if is_wanted(part_of(name), session.part)]
    texts = list(dict.fromkeys(text for claim in claims for text in (claim.text, *_sentences(claim))))
    vectors = dict(zip(texts, session.plain.vectors(texts), strict=True))
    scores = {
        PROJECT: [_support(claim, session.embedder) for claim in claims],
        "word overlap": [max(word_overlap(claim.text, " ".join(stretch)) for stretch in claim.stretches) for claim in claims],
        "best sentence's cosine": [_best_cosine(claim, vectors) for claim in claims],
    }
    yield from reached(NAME, "support AUC", scores, [claim.is_supported for claim in claims])


def claims_in(folder: Path) -> dict[str, Claim]:
    """By their ids."""
    claims: dict[str, Claim] = {}
    for row in rows(found(folder, "oracle_chunks_claim_*.jsonl")):
        name = row["meta"]["id"]
        before: Sequence[tuple[str, ...]] = claims[name].stretches if name in claims else ()
        claims[name] = Claim(row["claim"], row["label"] == "supported", (*before, tuple(row["evidence"])))
    return claims


def _sentences(claim: Claim) -> Iterator[str]:
    for stretch in claim.stretches:
        yield from stretch


def _best_cosine(claim: Claim, vectors: dict[str, Vectors]) -> float:
    return max(float(vectors[claim.text] @ vectors[sentence]) for sentence in _sentences(claim))


def _support(claim: Claim, embedder: Embedder) -> float:
    return max(support(claim.text, sentences_as_statements(stretch), embedder).probability for stretch in claim.stretches)
