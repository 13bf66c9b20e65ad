"""A model as it was exported, run by ONNX Runtime without torch; the only place that imports onnxruntime and tokenizers.

<exports>/<hash of the model's fingerprint and of what exports>/
    export.json       how texts are cut, and the SHA-256 of each other file; or why the model cannot be exported
    tokenizer.json
    model.onnx  model.weights    its graph, from word pieces to their vectors and the text's
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.embed import Reading, Vectors
from ingest.errors import EmbeddingModelError, StorageError

FORMAT = 2  # of an export's files; part of the name of its folder
TOGETHER = 256  # word pieces that are run together, padding included: what a processor's cache of 512 KB holds
THREADS = 2  # that run a batch together, of texts of few batches
MANY_BATCHES = 16  # from which each is run by one thread: 200 chunks take two cores 7.2 s, and 7.8 where two threads share each
STALE = 3600  # seconds after which a folder that is being written belongs to nobody any more

GRAPH = "model.onnx"
_DETAILS = "export.json"
_WRITING = ".writing-"


class UnfitError(Exception):
    """A model that cannot be exported; torch runs it. Its text completes "because "."""


class DamagedError(Exception):
    """An export that is missing, not whole, or not what was written."""


@dataclass(frozen=True, slots=True)
class Details:
    """How a model's texts are cut: how many word pieces it reads, the number that fills a shorter text up, what stands before each text."""

    max_pieces: int
    padding: int
    prompt: str


def prepared(exports: Path, fingerprint: str, make: Callable[[Path], None]) -> Export | None:
    """The model's export, made where there is none or a damaged one; None for a model that cannot be exported.

    `make` writes one into an empty folder and raises UnfitError where it cannot. Two processes may do this at once. Raises StorageError.
    """
    folder = _folder(exports, fingerprint)
    try:
        return _opened(folder)
    except DamagedError:
        _make(folder, make)
    try:
        return _opened(folder)
    except DamagedError:
        raise StorageError(f"The exported model in '{exports}' does not stay as it was written.") from None


def is_prepared(exports: Path, fingerprint: str) -> bool:
    """Whether `prepared` has made something before."""
    return (_folder(exports, fingerprint) / _DETAILS).exists()


def _folder(exports: Path, fingerprint: str) -> Path:
    return exports / hashlib.sha256(f"{FORMAT} {fingerprint}".encode()).hexdigest()[:16]


def _opened(folder: Path) -> Export | None:
    """None where the model is known to be unfit. Raises DamagedError."""
    try:
        kept = json.loads((folder / _DETAILS).read_text(encoding="utf-8"))
        if kept.get("unfit"):
            return None
        with ThreadPoolExecutor(max(len(kept["sha256"]), 1)) as pool:
            if list(pool.map(_sha256, (folder / name for name in kept["sha256"]))) != list(kept["sha256"].values()):
                raise DamagedError
        return Export(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DamagedError from None


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    """Written beside and renamed, so that nobody opens half an export."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        building = folder.parent / f"{_WRITING}{secrets.token_hex(8)}"
        building.mkdir()
        try:
            _write(building, make)
            _put(building, folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    except (OSError, ImportError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "disk error"
        raise StorageError(f"The embedding model cannot be exported to '{folder.parent}' ({reason}).") from error


def _write(building: Path, make: Callable[[Path], None]) -> None:
    try:
        make(building)
    except UnfitError as error:
        (building / _DETAILS).write_text(json.dumps({"unfit": str(error)}), encoding="utf-8")


def _put(building: Path, folder: Path) -> None:
    """Where another process was first, its export is as good, unless it is the damaged one."""
    try:
        building.rename(folder)
    except OSError:
        try:
            _opened(folder)
        except DamagedError:
            folder.rename(building.with_name(f"{building.name}-damaged"))
            building.rename(folder)
    shutil.rmtree(building.with_name(f"{building.name}-damaged"), ignore_errors=True)


def _sweep(exports: Path) -> None:
    """What a process that was killed left behind."""
    for path in exports.glob(f"{_WRITING}*"):
        if time.time() - path.stat().st_mtime > STALE:
            shutil.rmtree(path, ignore_errors=True)


def write_details(folder: Path, details: Details) -> None:
    """Writes export.json, the last file of an export, with the hashes of the others."""
    hashes = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    (folder / _DETAILS).write_text(json.dumps({**asdict(details), "sha256": hashes}), encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Export:
    """An export that is whole; it is loaded when first used."""

    def __init__(self, folder: Path) -> None:
        """Raises KeyError, TypeError, ValueError, OSError where export.json is not what was written."""
        self._folder = folder
        kept = json.loads((folder / _DETAILS).read_text(encoding="utf-8"))
        self._details = Details(int(kept["max_pieces"]), int(kept["padding"]), str(kept["prompt"]))

    @cached_property
    def tokenizer(self) -> ExportedTokenizer:
        return ExportedTokenizer(self._folder / "tokenizer.json", self._details)

    @cached_property
    def model(self) -> ExportedModel:
        return ExportedModel(self._folder / GRAPH, self.tokenizer)


@dataclass(frozen=True, slots=True)
class Cut:
    """The numbers of a text's word pieces, and where in it each starts: before 0 for those of a prompt."""

    ids: list[int]
    starts: list[int]


class ExportedTokenizer:
    def __init__(self, path: Path, details: Details) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415

        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.details = details
        self.max_pieces = details.max_pieces

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        return frozenset(self._tokenizer.get_vocab())

    def pieces(self, text: str) -> list[str]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).tokens)

    def cut(self, text: str) -> Cut:
        """With the marks that open and close a text; one that is too long keeps both."""
        prompt = self.details.prompt
        found = self._tokenizer.encode(prompt + text)
        ids, starts = found.ids, [first - len(prompt) for first, _ in found.offsets]
        if len(ids) > self.max_pieces:
            ids, starts = [*ids[: self.max_pieces - 1], ids[-1]], starts[: self.max_pieces]
        return Cut(ids, starts)

    def names(self, ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(self._tokenizer.id_to_token(number) or "" for number in ids)


class ExportedModel:
    """An exported graph as this project's Model. It is loaded when first run, so that what embeds and what answers load it each in their own way.

    A question is run by two threads, which take two thirds of the time of one, and on busy processors too as long as they do not wait for each other
    in a loop (spinning: 200 ms a question). Of many texts each processor runs a batch of its own. Both ways raise EmbeddingModelError.
    """

    def __init__(self, path: Path, tokenizer: ExportedTokenizer) -> None:
        self._path = path
        self._tokenizer = tokenizer
        self._sessions: dict[int, Any] = {}  # by the threads that run a batch
        self._loading = Lock()

    def vectors(self, texts: Sequence[str]) -> Vectors:
        found: dict[int, Vectors] = {}
        for numbers, (vectors,) in self._run([self._tokenizer.cut(text).ids for text in texts], ["vector"]):
            found.update(zip(numbers, vectors, strict=True))
        return np.stack([found[number] for number in range(len(texts))])

    def read(self, texts: Sequence[str]) -> list[Reading]:
        cuts = [self._tokenizer.cut(text) for text in texts]
        found: dict[int, Reading] = {}
        for numbers, (vectors, tokens) in self._run([cut.ids for cut in cuts], ["vector", "tokens"]):
            for number, vector, states in zip(numbers, vectors, tokens, strict=True):
                ids, starts = tuple(cuts[number].ids[1:-1]), tuple(cuts[number].starts[1:-1])
                found[number] = Reading(ids, self._tokenizer.names(ids), starts, states[1 : 1 + len(ids)], vector)
        return [found[number] for number in range(len(texts))]

    def _run(self, ids: Sequence[Sequence[int]], outputs: Sequence[str]) -> Iterator[tuple[list[int], list[NDArray[np.float32]]]]:
        """The numbers of the texts of each batch, with its outputs."""
        batches = list(_batches([len(one) for one in ids]))
        threads = THREADS if len(batches) < MANY_BATCHES else 1
        session = self._session(threads)
        run: Callable[[list[int]], list[Any]] = lambda batch: session.run(outputs, self._fed(session, [ids[number] for number in batch]))  # noqa: E731
        beside = min(len(batches), _processors() - threads + 1)  # further threads of ONNX Runtime are shared by what runs beside each other
        if beside <= 1:
            yield from ((batch, run(batch)) for batch in batches)
            return
        with ThreadPoolExecutor(beside) as pool:
            yield from zip(batches, pool.map(run, batches), strict=True)

    def _session(self, threads: int) -> Any:
        with self._loading:
            if threads not in self._sessions:
                self._sessions[threads] = _load(self._path, threads)
            return self._sessions[threads]

    def _fed(self, session: Any, ids: Sequence[Sequence[int]]) -> dict[str, NDArray[np.int64]]:
        shape = len(ids), max(map(len, ids))
        numbers, mask = np.full(shape, self._tokenizer.details.padding, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, one in enumerate(ids):
            numbers[row, : len(one)], mask[row, : len(one)] = one, 1
        fed = {"input_ids": numbers, "attention_mask": mask, "token_type_ids": np.zeros(shape, dtype=np.int64)}
        return {given.name: fed[given.name] for given in session.get_inputs()}


def _load(path: Path, threads: int) -> Any:
    """An onnxruntime.InferenceSession. Raises EmbeddingModelError."""
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a tree of its own
        raise EmbeddingModelError(f"The exported embedding model cannot be loaded ({type(error).__name__}).") from error


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """The texts' numbers, the longest first, so that a batch holds texts of like length and hardly any padding."""
    order = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    first = 0
    while first < len(order):
        count = max(1, TOGETHER // lengths[order[first]])
        yield order[first : first + count]
        first += count


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
