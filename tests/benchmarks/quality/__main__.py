"""The project on public sets, beside its rivals, in one table: python -m tests.benchmarks.quality --data FOLDER [--sets scifact,squad2] [--part report]

What was fitted was fitted on the tune parts; the report parts tell how good it is. What was computed is kept in --cache, so that a second run is quick.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from chatbot.wiring import open_embedder
from ingest.settings import IngestSettings
from tests.benchmarks.quality import chunking, clapnq, follow_ups, scifact, squad2, wice
from tests.benchmarks.quality.data import PARTS, AbsentError
from tests.benchmarks.quality.peers import Peers, model_folder
from tests.benchmarks.quality.session import Session
from tests.benchmarks.quality.table import Line, Reached, as_text, lines
from tests.benchmarks.quality.vectors import RememberingEmbedder

SETS: dict[str, Callable[[Path, Session], Iterator[Reached]]] = {
    "scifact": scifact.run,
    "chunking": chunking.run,
    "squad2": squad2.run,
    "clapnq": clapnq.run,
    "wice": wice.run,
    "follow_ups": follow_ups.run,
}
NO_DATA = "Name the folder of the public sets, as in: make bench-quality DATA=folder (README says where each set is published)."


def measured(data: Path, sets: Sequence[str], session: Session) -> list[Line]:
    """The lines of every set that is there; of one that is not, a line that says so."""
    found: list[Line] = []
    for name in sets:
        started = time.perf_counter()
        try:
            found += lines(SETS[name](data / name, session))
            session.say(f"{name}: {time.perf_counter() - started:.0f} s")
        except AbsentError as error:
            session.say(f"{name}: skipped, {error}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.data is None or not options.data.is_dir():
        print(NO_DATA if options.data is None else f"There is no folder '{options.data}'.", file=sys.stderr)
        return 2
    settings = IngestSettings()
    published = model_folder(settings.embedding_model)
    embedder = RememberingEmbedder(open_embedder(settings), options.cache)
    plain = RememberingEmbedder(open_embedder(settings.model_copy(update={"embedding_model": str(published)})), options.cache)
    peers = Peers(options.peers, published, options.cache) if options.peers else None
    found = measured(options.data, options.sets, Session(embedder, plain, options.part, peers))
    print(f"part: {options.part}; model: {embedder.fingerprint}\n{as_text(found)}")
    if options.json:
        told = {"part": options.part, "model": embedder.fingerprint, "lines": [line.as_dict() for line in found]}
        options.json.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of the public sets")
    parser.add_argument("--sets", type=_sets, default=list(SETS), help="which of them, with commas between")
    parser.add_argument("--part", choices=PARTS, default="report", help="which part of each")
    parser.add_argument("--peers", type=Path, help="the Python of the peers' environment; without it they are not run")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "bench-quality", help="where vectors and the peers' rankings are kept"
    )
    parser.add_argument("--json", type=Path, help="a file for the same figures")
    return parser


def _sets(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in SETS]:
        raise argparse.ArgumentTypeError(f"there is no set {unknown[0]}; there are {', '.join(SETS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
