"""What all tests share: a deterministic embedder that needs no model, small corpora, and a guard against the network."""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdist.scheduler import LoadScopeScheduling

from chatbot import fitted
from chatbot.advisor import Advisor
from chatbot.settings import ChatSettings
from ingest.embed import Encoded, SentenceTransformerEmbedder, Vectors
from ingest.pipeline import ingest
from ingest.probe import flaws_of
from ingest.settings import DEFAULT_MODEL, IngestSettings
from ingest.terms import terms
from ui import cli

ROOT = Path(__file__).parents[1]
Run = Callable[..., tuple[int, str, str]]  # arguments -> exit status, standard output, standard error
DIMENSIONS = 64
# what loads the real model, or torch for another: one worker imports it
REAL = ("test_runs", "test_embed", "test_advisor", "test_rerank", "test_split", "test_support", "test_chunk_vectors", "test_train_reader")
LONGEST = ("test_browser", *REAL, "test_model", "test_offline", "test_generations", "test_switch", "test_obeying_page", "test_documents")

# of a question set on the small corpus
ROW = {
    "id": "rye",
    "question": "How long does rye keep?",
    "kind": "fact",
    "answerable": True,
    "evidence": ["Rye flour keeps bread moist for four days."],
    "facts": [["four days"]],
}


def write_corpus(folder: Path) -> Path:
    """Two short articles about two roles that are not the project's own."""
    folder.mkdir()
    (folder / "bakers.md").write_text(
        "---\ntitle: Bakers and pastry chefs\nauthor: The test\npublished: 2026-01-02\nroles:\n  Bread baker: [miller's friend]\n  Pastry chef: [cake artist]\n---\n"
        "# Bakers and pastry chefs\n\n## Work\n\nA bread baker kneads dough before dawn. A pastry chef decorates cakes in the afternoon.\n\n"
        "## Tools\n\nA bread baker owns these tools:\n\n- a stone oven\n- a proofing basket\n- a bench scraper\n\n"
        "| Aspect | Bread baker | Pastry chef |\n|---|---|---|\n| Pay | 21 coins | 34 coins |\n| Mood | calm | hectic |\n",
        encoding="utf-8",
    )
    (folder / "flour.txt").write_text(
        "All About Flour\n\nRye flour keeps bread moist for four days. Wheat flour rises higher.\n", encoding="utf-8"
    )
    return folder


class FakeEmbedder:
    """A word is a random direction that its stem decides, a text the mean of its words; records what it was asked to encode."""

    def __init__(self, fingerprint: str = "fake/1", max_pieces: int = 64) -> None:
        self.fingerprint = fingerprint
        self.max_pieces = max_pieces
        self.asked: list[str] = []

    def warm(self) -> None:
        pass

    def knows(self, word: str) -> bool:
        return word in {"about", "decorates", "engineer", "question", "tools", "what", "which", "with"}

    def vectors(self, texts: Sequence[str]) -> Vectors:
        return np.stack([encoded.vector for encoded in self.encode(texts)])

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        self.asked += texts
        return [self._encoded(text) for text in texts]

    def count_pieces(self, text: str) -> int:
        return len(text.split())

    def _encoded(self, text: str) -> Encoded:
        found = [(word, match.start()) for match in re.finditer(r"\S+", text) for word in terms(match.group())] or [("nothing", 0)]
        words, starts = zip(*found, strict=True)
        tokens = np.stack([_direction(word) for word in words])
        mean = tokens.mean(axis=0)
        return Encoded(mean / np.linalg.norm(mean), tokens, np.ones(len(words), dtype=np.float32), words, np.array(starts))


@cache
def _direction(word: str) -> Vectors:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(DIMENSIONS).astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


class ByFile(LoadScopeScheduling):
    """A file is one worker's, and so are all files that load the real model."""

    def _split_scope(self, nodeid: str) -> str:
        name = Path(nodeid.split("::", 1)[0]).stem
        return REAL[0] if name in REAL else name


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that none is left to begin when the others are through."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test, and no test writes outside its own folder."""
    for name in ("CAREER_CORPUS", "CAREER_DATA", "CAREER_EMBEDDING_MODEL", "CAREER_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CAREER_DATA", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key nothing may leave the machine: a connection to any other host fails the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and str(address[0]) not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a connection to {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def probed_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A generation is probed in this process, for a new one takes a second; a test marked `child` has it probed as it is in use."""
    if not request.node.get_closest_marker("child"):
        monkeypatch.setattr("ingest.generations.Probe", ProbeHere)
        for name in ("ingest.generations.probe", "ingest.doctor.probe"):
            monkeypatch.setattr(name, ProbeHere().flaws)


class ProbeHere(AbstractContextManager["ProbeHere"]):
    """The probe, without its process."""

    def __exit__(self, *_: object) -> None:
        pass

    def flaws(self, folder: Path, *, thorough: bool = False) -> list[str]:
        return list(flaws_of(folder, thorough=thorough))


@pytest.fixture
def embedder() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


@pytest.fixture
def settings(corpus: Path, tmp_path: Path) -> IngestSettings:
    return IngestSettings(corpus=corpus, data=tmp_path / "data")


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the small corpus, embedded by the fake embedder."""
    folder = tmp_path_factory.mktemp("small")
    ingest(IngestSettings(corpus=write_corpus(folder / "corpus"), data=folder / "data"), FakeEmbedder())
    return folder / "data"


@pytest.fixture
def ingested(settings: IngestSettings, small_data: Path) -> Path:
    """The data folder of `settings` after an ingest: a copy, for an ingest takes ten times as long."""
    shutil.copytree(small_data, settings.data)
    return settings.data


@pytest.fixture
def advisor(ingested: Path, embedder: FakeEmbedder) -> Iterator[Advisor]:
    """Over the small corpus, with the fake embedder."""
    advisor = Advisor(ingested, ChatSettings(), embedder)
    yield advisor
    advisor.close()


@pytest.fixture(scope="session")
def exports(pytestconfig: pytest.Config) -> Path:
    """Where exported models lie, from one run to the next; what exports them or may change them has a new folder, and the old one goes, as
    does what could not be exported.
    """
    made_by = b"".join((ROOT / name).read_bytes() for name in ("ingest/torch_model.py", "ingest/exported.py"))
    made_by += "".join(version(name) for name in ("torch", "onnx", "onnxruntime", "sentence-transformers", "transformers")).encode()
    assert pytestconfig.cache
    folder = pytestconfig.cache.mkdir(f"models-{hashlib.sha256(made_by).hexdigest()[:12]}")
    for old in folder.parent.glob("models-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    for details in folder.glob("*/export.json"):
        if "unfit" in details.read_text(encoding="utf-8"):
            shutil.rmtree(details.parent, ignore_errors=True)
    return folder


class RememberingEmbedder(SentenceTransformerEmbedder):
    """The default model, which reads a text once however many runs ask it."""

    def __init__(self, exports: Path, known: dict[str, Encoded] | None = None) -> None:
        super().__init__(DEFAULT_MODEL, exports)
        self.known = {} if known is None else known

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        self.known.update(zip(new, super().encode(new), strict=True))
        return [self.known[text] for text in texts]


@pytest.fixture(scope="session")
def real_embedder(exports: Path) -> RememberingEmbedder:
    return RememberingEmbedder(exports)


@pytest.fixture(scope="session")
def real_data(real_embedder: SentenceTransformerEmbedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the project's own corpus, embedded by the default model."""
    data = tmp_path_factory.mktemp("real")
    ingest(IngestSettings(corpus=ROOT / "corpus/articles", data=data), real_embedder)
    return data


@pytest.fixture(scope="session")
def real_advisor(real_data: Path, real_embedder: SentenceTransformerEmbedder) -> Iterator[Advisor]:
    advisor = Advisor(real_data, ChatSettings(), real_embedder)
    yield advisor
    advisor.close()


@pytest.fixture
def write_article(corpus: Path) -> Callable[[str, str], Path]:
    """Writes a file into the small corpus."""

    def write(name: str, text: str) -> Path:
        path = corpus / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def run(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command on the small corpus with the fake embedder: exit status, standard output, standard error."""
    monkeypatch.setattr("chatbot.wiring.SentenceTransformerEmbedder", lambda *_: FakeEmbedder())
    monkeypatch.setattr(fitted, "threshold", lambda: 0.0)

    def command(*arguments: str) -> tuple[int, str, str]:
        try:
            words = 2 if arguments[0] == "questions" else 1
            status = cli.main([*arguments[:words], "--corpus", str(corpus), "--data", str(tmp_path / "data"), *arguments[words:]])
        except SystemExit as stop:
            status = int(stop.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return status, out, err

    return command
