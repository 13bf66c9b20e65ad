"""What every set is measured with."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ingest.embed import Embedder
from tests.benchmarks.quality.data import Part
from tests.benchmarks.quality.peers import Peers
from tests.benchmarks.quality.table import Reached


@dataclass(frozen=True, slots=True)
class Session:
    """`plain` is the embedding model as it was published: what rivals and peers are given. `part` is asked; `peers` is None where they are not to
    be run.
    """

    embedder: Embedder
    plain: Embedder
    part: Part
    peers: Peers | None = None

    def say(self, line: str) -> None:
        """What is no result."""
        print(line, file=sys.stderr, flush=True)


def reached(name: str, measure: str, systems: Mapping[str, Sequence[float]], truth: Sequence[bool] | None = None) -> Iterator[Reached]:
    """What each system reached on one measure of a set."""
    for system, values in systems.items():
        yield Reached(name, measure, system, tuple(map(float, values)), None if truth is None else tuple(truth))
