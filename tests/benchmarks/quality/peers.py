"""The peers: other libraries' own search over the same texts, with the same model and as many texts wanted, each as a process in its own environment."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ingest.embed import DEFAULT_MODEL_PACKAGE, Vectors
from ingest.settings import DEFAULT_MODEL

ADAPTERS = Path(__file__).with_name("adapters")
PEERS = {
    "bm25s": "bm25s_alone",
    "LangChain (Chroma + BM25, ensemble)": "langchain_ensemble",
    "LlamaIndex (Chroma)": "llama_index_chroma",
    "txtai (hybrid)": "txtai_hybrid",
    "Haystack (vectors + BM25, joined)": "haystack_hybrid",
}
LIMIT_S = 3600  # of one peer on one set


def model_folder(name: str) -> Path:
    """Where the embedding model of the settings lies, as it was published: a folder or a name, which peers are given."""
    spec = find_spec(DEFAULT_MODEL_PACKAGE) if name == DEFAULT_MODEL else None
    return Path(spec.origin).parent / "model" if spec and spec.origin else Path(name)


class PeerError(Exception):
    """A peer could not be run; the text says why."""


@dataclass(frozen=True, slots=True)
class Peers:
    """`python` is that of their environment, `model` a folder, `kept` where rankings are remembered: they cost minutes."""

    python: Path
    model: Path
    kept: Path

    def rankings(
        self, texts: Sequence[str], questions: Sequence[str], vectors: Vectors, k: int
    ) -> Iterator[tuple[str, list[list[int]] | PeerError]]:
        """Of every peer: for each question the numbers of the texts, best first; or why there are none. `vectors` are of the texts and questions."""
        self.kept.mkdir(parents=True, exist_ok=True)
        file = self.kept / f"peers-{hashlib.sha256(vectors.tobytes()).hexdigest()[:16]}.npy"
        np.save(file, vectors, allow_pickle=False)
        head = {"model": str(self.model), "k": k, "vectors": str(file)}
        lines = [head, *({"text": text} for text in texts), *({"question": question} for question in questions)]
        order = "".join(json.dumps(line) + "\n" for line in lines)
        for name, adapter in PEERS.items():
            try:
                yield name, self._ranking(adapter, order)
            except PeerError as error:
                yield name, error
        file.unlink()

    def _ranking(self, adapter: str, order: str) -> list[list[int]]:
        script = ADAPTERS / f"{adapter}.py"
        result = self.kept / f"{adapter}-{hashlib.sha256((script.read_text(encoding='utf-8') + order).encode()).hexdigest()[:16]}.jsonl"
        if not result.exists():
            self._run(script, order, result)
        return [json.loads(line) for line in result.read_text(encoding="utf-8").splitlines()]

    def _run(self, script: Path, order: str, result: Path) -> None:
        if not self.python.exists():
            raise PeerError(f"there is no environment at {self.python.parents[1].name}; `make bench-quality` makes it")
        written, asked = result.with_suffix(".new"), result.with_suffix(".order")
        asked.write_text(order, encoding="utf-8")
        try:
            done = subprocess.run([self.python, script, asked, written], capture_output=True, text=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            raise PeerError(f"it took longer than {LIMIT_S} s") from None
        finally:
            asked.unlink()
        if done.returncode:
            raise PeerError((done.stderr.strip().splitlines() or ["it ended without a word"])[-1][:200])
        written.replace(result)
