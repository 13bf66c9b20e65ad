"""What the page costs: python -m tests.benchmarks.page [--articles FOLDER | --chunks 100000] [--rounds 3] [--peers PYTHON]

A server of its own each round, a fresh Chromium profile, and five questions. Shown are medians: seconds from the address to the first that is seen
(Chromium's first contentful paint) and to the box that takes a question, once the server is up; seconds from Enter to the end of the first and of a
later answer; the server's memory at its peak and at the end. With --peers beside LangChain's tutorial pipeline (tutorial_page.py) on the same articles. --chunks draws the vectors of so
many chunks at random, as tests.benchmarks.speed does; the tutorial's are computed and not measured then.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from ingest.embed import _default_folder
from tests.benchmarks.speed import WORDS_A_CHUNK, Place, told, write_corpus

ROOT = Path(__file__).parents[2]
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
QUESTIONS = (
    "What does an AI engineer do all day?",
    "Which skills does a generative AI engineer need?",
    "How much do they earn?",
    "What is the difference between the two roles?",
    "Do I need a degree?",
)
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"  # ms
Ended = Callable[[Any, str, int], None]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(command: Sequence[str], port: int) -> Iterator[int]:
    """The id of a server's process, once it is up."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                break
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def memory(process: int) -> dict[str, float]:
    """In MB, by Linux's account."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return {
        name: int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
        for name, field in (("MB at the peak", "VmHWM"), ("MB at the end", "VmRSS"))
    }


def visited(browser: Any, command: Sequence[str], port: int, ended: Ended) -> dict[str, float]:
    """One server, one visitor, all questions."""
    with served(command, port) as process:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(600_000)
        started = time.perf_counter()
        page.goto(f"http://127.0.0.1:{port}")
        page.locator("textarea").first.wait_for()
        until_box = time.perf_counter() - started
        found = {"s to the first paint": page.evaluate(PAINTED) / 1000, "s to the question box": until_box}
        answers = []
        for number, question in enumerate(QUESTIONS):
            page.locator("textarea").first.fill(question)
            started = time.perf_counter()
            page.keyboard.press("Enter")
            ended(page, question, number)
            answers.append(time.perf_counter() - started)
        page.goto(f"http://127.0.0.1:{port}")
        started = time.perf_counter()
        page.reload()
        page.locator("textarea").first.wait_for()
        found |= {"s to a later question box": time.perf_counter() - started, "s to the first answer": answers[0]}
        found |= {"s to a later answer": statistics.median(answers[1:]), **memory(process)}
        page.context.close()
        return found


def ours_ended(page: Any, _: str, number: int) -> None:
    page.get_by_text("How this answer came about").nth(number).wait_for()


def theirs_ended(page: Any, question: str, _: int) -> None:
    page.get_by_text(f"Found for: {question}").wait_for()


def ingested(place: Place, chunks: int) -> None:
    if chunks:
        write_corpus(place.corpus, WORDS_A_CHUNK * chunks)
        told(place.child("drawn"))
    else:
        subprocess.run(place.command("ingest"), check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=Path, default=ROOT / "corpus/articles")
    parser.add_argument("--chunks", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, help="the Python of the environment that holds the other libraries")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        place = Place(Path(folder))
        if not options.chunks:
            shutil.copytree(options.articles, place.corpus)
        ingested(place, options.chunks)
        rounds: dict[str, list[dict[str, float]]] = {}
        for _ in range(options.rounds):
            port = free_port()
            command = [*place.command("chat"), "--port", str(port)]
            rounds.setdefault("this page", []).append(visited(browser, command, port, ours_ended))
            if options.peers and not options.chunks:
                port = free_port()
                script = Path(__file__).with_name("tutorial_page.py")
                flags = ["--server.port", str(port), "--server.headless", "true", "--browser.gatherUsageStats", "false"]
                command = [
                    str(options.peers),
                    "-m",
                    "streamlit",
                    "run",
                    str(script),
                    *flags,
                    "--",
                    str(place.corpus),
                    str(_default_folder()),
                ]
                rounds.setdefault("LangChain's tutorial", []).append(visited(browser, command, port, theirs_ended))
        browser.close()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; medians of {options.rounds} rounds")
    for name, found in rounds.items():
        for measure in found[0]:
            values = [one[measure] for one in found]
            print(f"{name:<22} {measure:<24} {statistics.median(values):9.2f}   ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    sys.exit(main())
