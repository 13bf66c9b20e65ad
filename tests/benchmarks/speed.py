"""How fast the project is, beside what the machine can do and beside other libraries: python -m tests.benchmarks.speed [--chunks 1000] [--rounds 5]
[--drawn] [--peers PYTHON --adapters FOLDER]

Every figure is of whole processes or of a process of its own, the rounds are interleaved, and medians are shown; ratios are taken within a round. The
articles are the practice articles, varied until there are enough chunks. The limits: sentence-transformers' encode with its defaults, in fp32, over
the same texts; the same of one question; a matrix product over the chunks' vectors; `python -c pass`. Peers get the texts of the chunks, by the
adapters' protocol (ORDER RESULT); when they are asked, they are given the texts' vectors.
With --drawn the chunks' vectors are drawn at random and not computed, and given to the peers too, to see how questions do over many chunks without hours
of embedding. They are drawn in a subspace: those of texts lie near one, and of vectors that lie everywhere no graph of Chroma's finds each by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.wiring import open_advisor, open_embedder
from ingest.embed import Encoded, SentenceTransformerEmbedder, Vectors
from ingest.types import Chunk
from tests.benchmarks.practice import read_practice

MORE = 200  # questions that a peer is asked more,
MORE_OF_MANY = 40  # and of as many chunks as are drawn, of which some take a second
QUESTION = "What does the job pay at the start?"
TEXTS, VECTORS = "texts.json", "vectors.npy"  # of the chunks
DRAWN_DIMENSIONS = 64  # of the subspace; Chroma's graph misses 2 % of 75,000 vectors that are drawn in all 384, and none of these
Rounds = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a benchmark happens."""

    folder: Path

    @property
    def corpus(self) -> Path:
        return self.folder / "corpus"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "ui.cli", *words, "--corpus", str(self.corpus), "--data", str(self.data)]

    @property
    def help(self) -> list[str]:
        return [sys.executable, "-m", "ui.cli", "--help"]

    def child(self, name: str) -> list[str]:
        return [sys.executable, "-m", "tests.benchmarks.speed", "--child", name, "--folder", str(self.folder)]

    def forget(self) -> None:
        """All but the exported model."""
        for name in ("current", "generations", "ingest.lock"):
            subprocess.run(["rm", "-rf", str(self.data / name)], check=True)


def write_corpus(corpus: Path, words: int) -> None:
    """Practice articles, and variants whose titles and headings tell them apart, of so many words altogether."""
    corpus.mkdir(parents=True)
    written, turn = 0, 0
    while written < words:
        for practice in read_practice():
            folder = corpus / f"{practice.number}-{turn}"
            folder.mkdir()
            replace(practice, topic=f"{practice.topic} (part {turn + 1})").write(folder)
            (file,) = folder.iterdir()
            lines = file.read_text(encoding="utf-8").splitlines()
            varied = [f"{line} (part {turn + 1})" if turn and line.startswith("#") else line for line in lines]
            file.write_text("\n".join(varied) + "\n", encoding="utf-8")
            written += len(practice.article.split())
            if written >= words:
                return
        turn += 1


# --- what is measured


def timed(command: Sequence[str]) -> tuple[float, float]:
    """Seconds of a process, and its peak memory in MB. Raises CalledProcessError."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        message = process.stderr.read().decode() if process.stderr else ""
        raise subprocess.CalledProcessError(status, command, stderr=message)
    return seconds, used.ru_maxrss / (1024 if sys.platform == "linux" else 1024 * 1024)


def told(command: Sequence[str], **environment: str) -> Any:
    """What a child process says of itself, as JSON in its last line."""
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    return json.loads(done.stdout.splitlines()[-1])


def one_drawn_round(place: Place, peers: Sequence[Peer]) -> dict[str, float]:
    found = {"nothing changed": timed(place.command("ingest"))[0]} | asked(place)
    for peer in peers:
        found |= peer.asked(place, MORE_OF_MANY)
    return found


def one_round(place: Place, peers: Sequence[Peer]) -> dict[str, float]:
    place.forget()
    found = {"first ingest": timed(place.command("ingest"))[0]}
    found["nothing changed"] = timed(place.command("ingest"))[0]
    article = min(place.corpus.rglob("article.*"))
    before = article.read_text(encoding="utf-8")
    article.write_text(f"{before}\nOne more sentence stands here.\n", encoding="utf-8")
    found["one article changed"] = timed(place.command("ingest"))[0]
    article.write_text(before, encoding="utf-8")
    found |= asked(place) | medians(place.child("encode"))
    for peer in peers:
        found |= peer.ingested(place) | peer.asked(place, MORE)
    return found


def asked(place: Place) -> dict[str, float]:
    """What a question costs, and the limits of that."""
    seconds, megabytes = timed(place.command("ask", QUESTION))
    found = {"cold question": seconds, "MB of a question": megabytes, "--help": timed(place.help)[0]}
    found["python -c pass"] = timed([sys.executable, "-c", "pass"])[0]
    warmed = medians(place.child("warm"), OPENBLAS_NUM_THREADS="1")  # as ui/cli.py sets it for the page
    return found | warmed | medians(place.child("embed"))


def medians(command: Sequence[str], **environment: str) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in told(command, **environment).items()}


@dataclass(frozen=True, slots=True)
class Peer:
    """Another library, by its adapter."""

    python: Path
    adapter: Path
    model: Path

    def ingested(self, place: Place) -> dict[str, float]:
        return self._run(lambda: {"ingest": timed(self._order(place, 0, None))[0]})

    def asked(self, place: Place, more: int) -> dict[str, float]:
        """Over texts whose vectors it is given."""

        def run() -> dict[str, float]:
            one = timed(self._order(place, 1, place.folder / VECTORS))[0]
            milliseconds: list[float] = told(self._order(place, 1 + more, place.folder / VECTORS))[1:]
            return {"one question, vectors given": one, "ms a question": statistics.median(milliseconds)}

        return self._run(run)

    def _run(self, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
        try:
            return {f"{self.adapter.stem}: {name}": value for name, value in measure().items()}
        except subprocess.CalledProcessError as error:
            print(f"{self.adapter.stem} cannot be run: {(error.stderr.strip().splitlines() or ['no reason given'])[-1][:200]}")
        except (IndexError, ValueError):
            print(f"{self.adapter.stem} does not tell how long its questions took")
        return {}

    def _order(self, place: Place, questions: int, vectors: Path | None) -> list[str]:
        head = {"model": str(self.model), "k": 8, "vectors": vectors and str(vectors)}
        asked = [{"question": f"{QUESTION} ({number})"} for number in range(questions)]
        order = place.folder / "order.jsonl"
        order.write_text(
            "".join(json.dumps(line) + "\n" for line in (head, *({"text": text} for text in _texts(place)), *asked)), encoding="utf-8"
        )
        return [str(self.python), str(self.adapter), str(order), str(place.folder / "result.jsonl")]


# --- in processes of their own


def questions() -> list[str]:
    return [question for practice in read_practice() for question, _ in practice.questions][:100]


def milliseconds(run: Callable[[str], object]) -> list[float]:
    found = []
    for question in questions():
        started = time.perf_counter()
        run(question)
        found.append(1000 * (time.perf_counter() - started))
    return found


def warm(place: Place) -> Rounds:
    """Questions of a process that has answered before, and the product of a question with every chunk's vector."""
    settings, chat = _settings(place)
    advisor = open_advisor(chat, settings)
    for question in questions()[:5]:
        advisor.answer(question)
    answers = milliseconds(advisor.answer)
    vectors = np.load(place.folder / VECTORS)
    product = milliseconds(lambda _: vectors @ vectors[0])
    advisor.close()
    return {"ms a question": answers, "ms a question, 95 %": [float(np.percentile(answers, 95))], "ms a matrix product": product}


def embed(_: Place) -> Rounds:
    """A question by sentence-transformers with its defaults."""
    model = _plain()
    model.encode("The first takes longer.")
    return {"ms a question's bare embedding": milliseconds(model.encode)}


def encode(place: Place) -> Rounds:
    """The chunks by sentence-transformers with its defaults, the model loaded."""
    chunks, model = _texts(place), _plain()
    model.encode(chunks[:8])
    started = time.perf_counter()
    model.encode(chunks)
    return {"bare encode of the chunks": [time.perf_counter() - started]}


def _plain() -> Any:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    from ingest.embed import _default_folder  # noqa: PLC0415

    return SentenceTransformer(str(_default_folder()), device="cpu", local_files_only=True)


def texts(place: Place) -> Rounds:
    """Writes down what an ingest of the articles embeds, with its vectors, and exports the model."""
    embedder = open_embedder(_settings(place)[0])
    embedder.vectors(["export it"])

    from ingest.articles import find_articles, read_article  # noqa: PLC0415
    from ingest.split import split  # noqa: PLC0415

    articles = [read_article(name, path, 5_000_000) for name, path in find_articles(place.corpus).files.items()]
    chunks = [chunk for article in articles for chunk in split(article, embedder.count_pieces, 128, 256)]
    return _written(place, chunks, embedder.vectors([chunk.embedding_text() for chunk in chunks]))


def _written(place: Place, chunks: Sequence[Chunk], vectors: Vectors) -> Rounds:
    (place.folder / TEXTS).write_text(json.dumps([chunk.embedding_text() for chunk in chunks]), encoding="utf-8")
    np.save(place.folder / VECTORS, vectors)
    return {"chunks": [float(len(chunks))], "units": [float(sum(len(chunk.units) for chunk in chunks))]}


def _texts(place: Place) -> list[str]:
    found: list[str] = json.loads((place.folder / TEXTS).read_text(encoding="utf-8"))
    return found


class Drawn(SentenceTransformerEmbedder):
    """Says that it is the model, and draws every vector at random."""

    _random = np.random.default_rng(7)
    _subspace = _random.standard_normal((DRAWN_DIMENSIONS, 384), dtype=np.float32)

    def _draw(self, count: int) -> Vectors:
        drawn = self._random.standard_normal((count, DRAWN_DIMENSIONS), dtype=np.float32) @ self._subspace
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        return self._draw(len(texts))

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        return [self._drawn(text) for text in texts]

    def _drawn(self, text: str) -> Encoded:
        words = list(re.finditer(r"\S+", text))
        pieces, starts = tuple(word.group() for word in words), np.array([word.start() for word in words], dtype=np.int64)
        return Encoded(self._draw(1)[0], self._draw(len(words)), np.ones(len(words), dtype=np.float32), pieces, starts)


def drawn(place: Place) -> Rounds:
    """Ingests the articles with drawn vectors, and writes down what is in the index."""
    from ingest.index import GenerationIndex  # noqa: PLC0415
    from ingest.kept import current_generation  # noqa: PLC0415
    from ingest.pipeline import ingest  # noqa: PLC0415

    settings, _ = _settings(place)
    open_embedder(settings).vectors(["export it"])
    ingest(settings, Drawn(settings.embedding_model, settings.models))
    index = GenerationIndex(current_generation(place.data))
    return _written(place, index.all_chunks(), index.vectors)


def _settings(place: Place):  # type: ignore[no-untyped-def]
    from chatbot.settings import ChatSettings  # noqa: PLC0415
    from ingest.settings import IngestSettings  # noqa: PLC0415

    return IngestSettings(corpus=place.corpus, data=place.data), ChatSettings()


CHILDREN: dict[str, Callable[[Place], Rounds]] = {
    "warm": warm,
    "embed": embed,
    "encode": encode,
    "texts": texts,
    "drawn": drawn,
}


# --- the table


def table(rounds: Sequence[dict[str, float]]) -> Iterator[str]:
    for name in rounds[0]:
        values = [found[name] for found in rounds if name in found]
        unit = "" if name.startswith("M") or "ms " in name else " s"
        yield f"{name:<44} {statistics.median(values):>11.3f}{unit:<2}   ({min(values):.3f} to {max(values):.3f})"
    ratios: dict[str, Callable[[dict[str, float]], float]] = {
        "bare encode of chunks / first ingest": lambda of: of["bare encode of the chunks"] / of["first ingest"],
        "a question / its bare embedding": lambda of: of["ms a question"] / of["ms a question's bare embedding"],
    }
    for name, ratio in ratios.items():
        try:
            values = [ratio(found) for found in rounds]
        except KeyError:  # of drawn vectors nothing is encoded
            continue
        yield f"{name:<48} {statistics.median(values):>6.2f}     ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=1000, help="about how many")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--drawn", action="store_true", help="draw the chunks' vectors at random")
    parser.add_argument("--peers", type=Path, help="the Python of the environment that holds the other libraries")
    parser.add_argument("--adapters", type=Path, default=Path(__file__).parent / "quality" / "adapters")
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(CHILDREN[options.child](Place(options.folder))))
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            bench(Place(Path(folder)), options)
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"{error} It said: {(error.stderr or 'nothing').strip()[-2000:]}") from None


def bench(place: Place, options: argparse.Namespace) -> None:
    write_corpus(place.corpus, WORDS_A_CHUNK * options.chunks)
    sizes = {name: int(values[0]) for name, values in told(place.child("drawn" if options.drawn else "texts")).items()}
    print(f"{sizes['chunks']} chunks of {sizes['units']} units; medians of {options.rounds} rounds", flush=True)
    measure = one_drawn_round if options.drawn else one_round
    print("\n".join(table([measure(place, _peers(options)) for _ in range(options.rounds)])))


WORDS_A_CHUNK = 52  # of the practice articles


def _peers(options: argparse.Namespace) -> list[Peer]:
    from ingest.embed import _default_folder  # noqa: PLC0415

    if not options.peers:
        return []
    adapters = [path for path in sorted(options.adapters.glob("*.py")) if path.stem not in {"protocol", "__init__"}]
    return [Peer(options.peers, path, _default_folder()) for path in adapters]


if __name__ == "__main__":
    main()
