"""Claims of a model -> citations of the very stretch that supports them. Pure but for the embedder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatbot import fitted
from chatbot.cite import Citations
from chatbot.statements import statements_of
from chatbot.support import Reads, Remembering, Support, support
from ingest.roles import RoleNames
from ingest.types import Chunk

MOST_CLAIMS = 300  # that are proved of one answer, which takes up to 60 ms each; no honest answer holds as many
MOST_CHARACTERS = 1000  # of a claim; the embedder would not read a longer one to its end


@dataclass(frozen=True, slots=True)
class Proof:
    """The stretch of a passage that comes nearest to a claim, and whether it supports it."""

    chunk: Chunk
    support: Support

    @property
    def is_verified(self) -> bool:
        return self.support.probability >= fitted.support_threshold()


class Prover:
    """Proves claims by the passages that the model was sent, numbered from 1."""

    def __init__(self, chunks: Sequence[Chunk], names: RoleNames, reads: Reads, citations: Citations) -> None:
        self._told = [(chunk, statements_of(chunk, names)) for chunk in chunks]
        self._names = names
        self._reads = Remembering(reads)
        self._citations = citations
        self.verified = 0
        self._proved = 0

    def __call__(self, claim: str, numbers: Sequence[int]) -> str:
        """The marks of a claim: of every passage that it cites and that supports it; else of the nearest of those, not verified.

        A claim that cites none gets a mark only where a passage supports it; a number that no passage has is as none.
        """
        self._proved += 1
        if self._proved > MOST_CLAIMS or len(claim) > MOST_CHARACTERS:
            return ""
        cited = [number for number in dict.fromkeys(numbers) if 1 <= number <= len(self._told)]
        proofs = [self._proof(claim, number) for number in cited or range(1, len(self._told) + 1)]
        proofs.sort(key=lambda proof: -proof.support.probability)
        right = [proof for proof in proofs if proof.is_verified]
        self.verified += bool(right)
        shown = right if cited else right[:1]
        return "".join(dict.fromkeys(self._mark(proof) for proof in shown or (proofs[:1] if cited else [])))

    def _proof(self, claim: str, number: int) -> Proof:
        chunk, statements = self._told[number - 1]
        return Proof(chunk, support(claim, statements, self._reads, self._names))

    def _mark(self, proof: Proof) -> str:
        return self._citations.mark(proof.chunk, proof.chunk.units[proof.support.number].span, proof.is_verified)
