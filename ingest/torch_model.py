"""A model as sentence-transformers loads and torch runs it, and how it is exported; the only place that imports them.

Importing takes seconds: what embeds or asks does it only where there is no export.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.embed import MAP, Reading, Vectors
from ingest.errors import EmbeddingModelError
from ingest.exported import GRAPH, Details, Export, UnfitError, write_details
from ingest.settings import DEFAULT_MODEL

FALLBACK_PIECES = 512  # of a model that does not say how many word pieces it reads
BATCH = 8  # texts; measured best on two cores' caches
OPSET = 20
TOLERANCE = 1e-4  # between torch and the export, of any number of a vector of length 1
SAMPLE = (
    "A short question?",
    "  Odd   spacing,\ttabs\nand line ends, CAPITALS, naïve café, 你好 мир, 👩‍🚀 emoji, $5–$10, C++/C# and a_b ",
    "12345 " * 40,
    "A text of many more words than most models read, so that its end is cut off. " * 60,
    "",
)


class TorchTokenizer:
    """The tokenizer of a loaded model."""

    def __init__(self, model: Any) -> None:
        self._tokenizer = model.tokenizer
        self.max_pieces = int(model.max_seq_length or FALLBACK_PIECES)
        self.vocabulary = frozenset(self._tokenizer.get_vocab())

    def pieces(self, text: str) -> list[str]:
        ids = self._tokenizer.encode(text, add_special_tokens=False, verbose=False, truncation=False)
        return list(self._tokenizer.convert_ids_to_tokens(ids))


class TorchModel:
    """A loaded model as this project's Model."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def vectors(self, texts: Sequence[str]) -> Vectors:
        found: NDArray[Any] = self._model.encode(list(texts), batch_size=BATCH, convert_to_numpy=True, show_progress_bar=False)
        return np.asarray(found, dtype=np.float32).reshape(len(texts), -1)

    def read(self, texts: Sequence[str]) -> list[Reading]:
        found = self._model.encode(list(texts), batch_size=BATCH, output_value=None, show_progress_bar=False)
        return [self._reading(*one) for one in zip(texts, found, strict=True)]

    def _reading(self, text: str, features: dict[str, Any]) -> Reading:
        mask = features["attention_mask"].bool()
        ids = features["input_ids"][mask].tolist()[1:-1]
        tokens = features["token_embeddings"].float().cpu().numpy()[mask.cpu().numpy()][1:-1]
        pieces = tuple(self._model.tokenizer.convert_ids_to_tokens(ids))
        return Reading(tuple(ids), pieces, self._starts(text, len(ids)), tokens, features["sentence_embedding"].float().cpu().numpy())

    def _starts(self, text: str, count: int) -> tuple[int, ...]:
        """Where in a text each of its first pieces starts; evenly spread where the tokenizer does not tell."""
        prompt = _prompt(self._model)
        if not self._model.tokenizer.is_fast:
            return tuple(len(text) * number // max(count, 1) for number in range(count))
        cut = self._model.tokenizer(prompt + text, return_offsets_mapping=True, truncation=False, verbose=False)
        return tuple(first - len(prompt) for first, _ in cut["offset_mapping"][1 : 1 + count])


class TorchModels:
    """A model by name or folder, with an adapter where there is one; loaded when first used. Raises EmbeddingModelError there."""

    def __init__(self, name: str, adapter: Path | None) -> None:
        self._name = name
        self._adapter = adapter

    @cached_property
    def _loaded(self) -> Any:
        model = _load(self._name)
        if self._adapter:
            _adapt(model, self._adapter)
        return model

    @cached_property
    def tokenizer(self) -> TorchTokenizer:
        return TorchTokenizer(self._loaded)

    @property
    def has_gpu(self) -> bool:
        return bool(self._loaded.device.type != "cpu")

    @property
    def model(self) -> TorchModel:
        return TorchModel(self._loaded)

    def export(self, folder: Path) -> None:
        """Writes the export into a folder and tries it. Raises UnfitError where the model cannot be exported or the export differs,
        ModuleNotFoundError where what exports is not installed.
        """
        if find_spec("onnx") is None:  # torch writes the graphs with it
            raise ModuleNotFoundError("onnx")
        try:
            _write_graph(self._loaded, folder / GRAPH)
            write_details(folder, _write_tokenizer(self._loaded, folder))
            _compare(self.model.read(SAMPLE), Export(folder).model.read(SAMPLE))
        except (OSError, UnfitError):
            raise
        except Exception as error:  # torch's exporter raises whatever a layer of a model did
            raise UnfitError(f"it cannot be exported ({type(error).__name__})") from error


def _load(name: str) -> Any:
    if Path(name).is_absolute() and not Path(name).is_dir():  # no model's name begins so; said at once, before torch is imported
        raise _cannot_be_loaded(name, "there is no such folder")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    _quiet()
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        local = Path(name).is_dir()
        return SentenceTransformer(name, device=None, trust_remote_code=False, local_files_only=local)
    except Exception as error:  # the hub, torch and the tokenizer each raise their own
        raise _cannot_be_loaded(name, type(error).__name__) from error


def _cannot_be_loaded(name: str, why: str) -> EmbeddingModelError:
    return EmbeddingModelError(
        f"The embedding model '{name}' cannot be loaded ({why}); "
        f"set CAREER_EMBEDDING_MODEL to a sentence-transformers model that is on this machine, or leave it unset for {DEFAULT_MODEL}."
    )


def _adapt(model: Any, adapter: Path) -> None:
    """Adds the adapter's low-rank changes to the model's layers (Hu et al., 2021), and its linear map to what pooling makes of a text."""
    from safetensors.torch import load_file  # noqa: PLC0415
    from sentence_transformers.sentence_transformer.modules import Dense  # noqa: PLC0415

    changes = {key: tensor.float().to(model.device) for key, tensor in load_file(str(adapter)).items()}
    onto = changes.pop(MAP)
    for name in {key.rpartition(".")[0] for key in changes}:
        model[0].auto_model.get_submodule(name).weight.data += changes[f"{name}.b"] @ changes[f"{name}.a"]
    mapping = Dense(onto.shape[1], onto.shape[0], bias=False, activation_function=None, init_weight=onto)
    model.insert(2, mapping.to(model.device).eval())  # behind transformer and pooling


def _quiet() -> None:
    for name in ("transformers", "sentence_transformers", "huggingface_hub"):
        logging.getLogger(name).setLevel(logging.ERROR)
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")


# --- the export


def _write_tokenizer(model: Any, folder: Path) -> Details:
    tokenizer = model.tokenizer
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    return Details(max_pieces=TorchTokenizer(model).max_pieces, padding=int(tokenizer.pad_token_id or 0), prompt=_prompt(model))


def _prompt(model: Any) -> str:
    return str((model.prompts or {}).get(model.default_prompt_name or "", ""))


def _write_graph(model: Any, path: Path) -> None:
    """Attention is written out, which ONNX Runtime runs 1.1 times faster than torch's own form."""
    import torch  # noqa: PLC0415

    names = ("input_ids", "attention_mask", "token_type_ids")
    features = {name: value for name, value in model.preprocess(["a", "a text of some words"]).items() if name in names}

    class Graph(torch.nn.Module):
        def forward(self, *inputs: Any) -> tuple[Any, Any]:
            found = model(dict(zip(features, inputs, strict=True)))
            return found["token_embeddings"], found["sentence_embedding"]

    graph = Graph()
    graph.add_module("model", model)  # so that its weights belong to the graph
    transformer = model[0].auto_model
    attention = transformer.config._attn_implementation
    axes = {name: {0: "texts", 1: "pieces"} for name in (*features, "tokens")} | {"vector": {0: "texts"}}
    try:
        transformer.set_attn_implementation("eager")
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of the older exporter, which needs a third of the packages of the newer and a sixth of its time
            torch.onnx.export(
                graph.eval(),
                tuple(value.to(model.device) for value in features.values()),
                str(path),
                input_names=list(features),
                output_names=["tokens", "vector"],
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
    finally:
        transformer.set_attn_implementation(attention)
    _part_weights(path)


def _part_weights(path: Path) -> None:
    """Puts a graph's weights into a file beside it, which is mapped and not read: half the memory, and a third of the time to load."""
    import onnx  # noqa: PLC0415

    graph, weights = onnx.load(path), path.with_suffix(".weights")
    onnx.save(graph, path, save_as_external_data=True, location=weights.name)
    weights.chmod(path.stat().st_mode)


def _compare(expected: Sequence[Reading], found: Sequence[Reading]) -> None:
    for ours, theirs in zip(expected, found, strict=True):
        if (ours.ids, ours.pieces, ours.starts) != (theirs.ids, theirs.pieces, theirs.starts):
            raise UnfitError("its export cuts texts into other word pieces")
        for one, other in ((ours.vector, theirs.vector), (ours.tokens, theirs.tokens)):
            scale = np.maximum(np.linalg.norm(one, axis=-1, keepdims=True), 1e-9)
            if one.shape != other.shape or (np.abs(one - other) / scale).max(initial=0) > TOLERANCE:
                raise UnfitError("its export gives other vectors")
