"""What is wrong with the index, found by comparing the articles' folder, the manifest, Chroma and the words' index; and what mends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ingest.errors import CorpusError, NoIndexError, SearchIndexError
from ingest.generations import held_folder
from ingest.index import FREE_BYTES
from ingest.kept import Manifest, Pointer, current_generation, kept_generations
from ingest.plan import Comparison, compare
from ingest.probe import probe
from ingest.settings import IngestSettings

INGEST = "run: career-advisor ingest"
REBUILD = "run: career-advisor ingest --force"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence on what was found. `mend` says what to do; where it is None nothing need be done."""

    what: str
    mend: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    generation: str | None
    findings: tuple[Finding, ...]

    @property
    def is_healthy(self) -> bool:
        return not any(finding.mend for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return {"generation": self.generation, "healthy": self.is_healthy, "findings": [asdict(finding) for finding in self.findings]}


def diagnose(settings: IngestSettings, model: str) -> Diagnosis:
    """Reads everything, writes nothing. `model` is the fingerprint of the embedding model that is set."""
    try:
        folder = current_generation(settings.data)
    except NoIndexError as error:
        whole = any(not probe(path) for path in kept_generations(settings.data))
        what = "Nothing says which index is served, so that the newest whole one is." if whole else str(error).split(";")[0] + "."
        return Diagnosis(None, (Finding(what, REBUILD if whole else INGEST),))
    flaws = probe(folder, thorough=True)
    findings = [Finding(f"The index that is served is damaged: {flaw}.", _mend(settings, model, folder)) for flaw in flaws]
    findings += [*_sources(settings, model), *_others(settings), *_disk(settings)]
    try:
        generation = Manifest.read(folder).id
    except SearchIndexError:
        generation = None
    return Diagnosis(generation, tuple(findings))


def _mend(settings: IngestSettings, model: str, folder: Path) -> str:
    """Of a damaged index: while a rollback holds, to build anew would bring back what it left."""
    pointer = Pointer.read(settings.data)
    if pointer is None or not pointer.left:
        return REBUILD
    held = held_folder(settings.data, model)
    if held and held != folder:
        return f"{INGEST} (it will serve {held.name}, and hold that one)"
    return f"put the articles right (a rollback left {pointer.left}), then {REBUILD}"


def _sources(settings: IngestSettings, model: str) -> Iterator[Finding]:
    try:
        compared = compare(settings, model)
    except CorpusError as error:
        yield Finding(str(error), "put the articles back, or name their folder with --corpus")
        return
    yield from _held(settings, compared) if compared.is_held else _differences(compared)
    for name, reason in compared.sources.left_out:
        yield Finding(f"The file {name} is left out: {reason}.", "mend or delete the file, then run: career-advisor ingest")


def _held(settings: IngestSettings, compared: Comparison) -> Iterator[Finding]:
    pointer = Pointer.read(settings.data)
    yield Finding(
        f"A rollback from {compared.held} to {pointer.generation if pointer else 'this index'} holds until the articles change "
        "or `career-advisor ingest --force` is run."
    )
    for reason in compared.other_settings:
        yield Finding(f"What the rollback holds is of other settings: {reason}.", f"{REBUILD} (which ends what is held)")


def _differences(compared: Comparison) -> Iterator[Finding]:
    yield from (Finding(f"The index is of other settings: {reason}.", INGEST) for reason in compared.other_settings)
    for names, what in ((compared.added, "not in the index"), (compared.edited, "otherwise in the index"), (compared.removed, "gone")):
        if names:
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            yield Finding(f"The articles have changed since the last ingest: {shown} ({what}).", INGEST)


def _others(settings: IngestSettings) -> Iterator[Finding]:
    served = current_generation(settings.data)
    for folder in kept_generations(settings.data):
        if folder != served and (flaws := probe(folder)):
            yield Finding(f"The kept index {folder.name} is damaged ({flaws[0]}); a rollback passes over it.")


def _disk(settings: IngestSettings) -> Iterator[Finding]:
    if not os.access(settings.data, os.W_OK):
        yield Finding(f"The data folder '{settings.data}' cannot be written.", "make it writable, or name another with --data")
    elif shutil.disk_usage(settings.data).free < FREE_BYTES:
        yield Finding("The disk is full.", "free some space")
