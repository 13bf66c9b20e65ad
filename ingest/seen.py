"""Files that were read again and gave the articles that are served: noted beside the generation, which is never written again.

<data>/seen.json    the name of the served generation, what read the files, and for each article its file's hash and name
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ingest.kept import Manifest, Pointer

NOTES = "seen.json"


def note_sources(data: Path, sources: Mapping[str, str], reader: str) -> None:
    """Without it the files are read once more, no worse: a data folder that cannot be written is passed over."""
    pointer = Pointer.read(data)
    if pointer is None:
        return
    beside = data / f"{NOTES}.new"
    with suppress(OSError):
        beside.write_text(json.dumps({"generation": pointer.generation, "reader": reader, "sources": dict(sources)}), encoding="utf-8")
        beside.replace(data / NOTES)


def known_sources(data: Path, served: Manifest, reader: str) -> Mapping[str, str]:
    """Of the served articles by id the files that this reader would read them from; none where another reader made them."""
    pointer = Pointer.read(data)
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        noted = json.loads((data / NOTES).read_text(encoding="utf-8"))
        if pointer and (noted["generation"], noted["reader"]) == (pointer.generation, reader):
            return {name: str(file) for name, file in noted["sources"].items() if name in served.articles}
    return served.sources if served.reader == reader else {}
