"""The switch from one generation to the next: under questions, under kill -9, on a full disk and on one that is read only."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from conftest import FakeEmbedder

from chatbot import fitted
from chatbot.advisor import Advisor
from chatbot.types import Answer
from ingest.errors import StorageError
from ingest.index import GenerationIndex
from ingest.kept import GENERATIONS, Manifest, current_generation
from ingest.pipeline import ingest
from ingest.probe import flaws_of
from ingest.settings import IngestSettings

ROOT = Path(__file__).parents[1]
QUESTION = "How many days does rye flour keep bread moist?"


def flour(number: int) -> str:
    """An article whose every sentence tells in which version it stands."""
    return f"All About Flour\n\nRye flour keeps bread moist for {number} days. Wheat flour keeps bread moist for {number} hours.\n"


# --- under questions


class Asker:
    """Asks all the while from another thread, and keeps every answer and error with its moment."""

    def __init__(self, advisor: Advisor) -> None:
        self.answers: list[tuple[float, Answer]] = []
        self.errors: list[Exception] = []
        self._advisor = advisor
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Asker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                began = time.monotonic()
                self.answers.append((began, self._advisor.answer(QUESTION).answer))
            except Exception as error:
                self.errors.append(error)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the listing itself is what is counted


def re_ingest_under_questions(times: int, settings: IngestSettings, advisor: Advisor) -> None:
    path = settings.articles / "flour.txt"
    texts: dict[str, str] = {}
    switches: list[tuple[float, str]] = []
    counts: list[int] = []
    path.write_text(flour(1))
    ingest(settings, FakeEmbedder())
    with Asker(advisor) as asker:
        for number in range(2, times + 2):
            path.write_text(flour(number))
            report = ingest(settings, FakeEmbedder())
            texts[report.generation] = f" {number} "
            switches.append((time.monotonic(), report.generation))
            assert advisor.answer(QUESTION).answer.generation == report.generation  # the next question is of the new one
            counts.append(open_files())
    assert asker.errors == []
    assert len(asker.answers) > times
    for began, answer in asker.answers:
        served = [generation for moment, generation in switches if moment <= began]
        if answer.generation in texts:
            assert all(texts[answer.generation] in citation.quote for citation in answer.citations if "moist" in citation.quote)
        if served:
            assert list(texts).index(answer.generation) >= list(texts).index(served[-1])  # none that was switched away from
    assert max(counts[len(counts) // 2 :]) <= max(counts[: len(counts) // 2]) + 16  # a question that runs holds one generation more


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted, "threshold", lambda: 0.0)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files by /proc")
@pytest.mark.usefixtures("answering")
def test_questions_go_on_over_re_ingests(settings: IngestSettings, advisor: Advisor) -> None:
    re_ingest_under_questions(6, settings, advisor)


@pytest.mark.soak
@pytest.mark.usefixtures("answering")
def test_questions_go_on_over_fifty_re_ingests(settings: IngestSettings, advisor: Advisor) -> None:
    re_ingest_under_questions(50, settings, advisor)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files by /proc")
def test_a_generation_closes_when_the_last_question_of_it_has_ended(
    settings: IngestSettings, advisor: Advisor, write_article: Callable[[str, str], Path]
) -> None:
    held = advisor._current()
    for number in range(3):
        write_article("new.md", f"Number {number} is about yeast.")
        ingest(settings, FakeEmbedder())
        advisor.starters()
    assert len(held.index.chunks([0])) == 1  # a question that began before three switches still reads what it began with
    folder = str(held.index.folder)  # whole: generations of other tests may be of the same name
    assert any(target.startswith(folder) for target in _targets())
    del held
    assert not any(target.startswith(folder) for target in _targets())


def _targets() -> Iterator[str]:
    for path in Path("/proc/self/fd").iterdir():
        try:
            yield str(path.readlink())
        except OSError:
            continue


# --- under kill -9

KILLED = """
import sys
sys.path.insert(0, "tests")
from pathlib import Path
from conftest import FakeEmbedder
from ingest.pipeline import ingest
from ingest.settings import IngestSettings
from test_switch import flour
settings = IngestSettings(corpus=Path(sys.argv[1]), data=Path(sys.argv[2]))
print("ready", flush=True)
for number in range(10**6):
    Path(sys.argv[1], "flour.txt").write_text(flour(number % 2))
    ingest(settings, FakeEmbedder())
"""


def kill_at_random_moments(settings: IngestSettings, kills: int) -> None:
    states = {}
    for number in (0, 1):
        (settings.articles / "flour.txt").write_text(flour(number))
        states[ingest(settings, FakeEmbedder()).generation] = flour(number).split("\n\n")[1]
    moments = np.random.default_rng(7)
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(settings.corpus), str(settings.data)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout
        with process.stdout:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(float(moments.uniform(0.0, 3.0)))
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert_whole(settings, states)
    _wait_for_probes(process.pid)
    (settings.articles / "flour.txt").write_text(flour(2))  # neither state: an ingest that has nothing to do clears nothing away
    ingest(settings, FakeEmbedder())
    assert not list((settings.data / GENERATIONS).glob(".building-*"))


def _wait_for_probes(session: int) -> None:
    """The probe of an ingest that was killed may read on for a moment, in what the next one clears away."""
    end = time.monotonic() + 20
    while any(fields[3] == str(session) and fields[0] != "Z" for fields in _processes()):
        assert time.monotonic() < end, "a probe does not end"
        time.sleep(0.1)


def _processes() -> Iterator[list[str]]:
    """The state, parent, group and session of each, as proc(5) has them."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            yield path.read_text().rpartition(")")[2].split()


def assert_whole(settings: IngestSettings, states: dict[str, str]) -> None:
    """What is served opens, is one of the two states, and holds that one's sentences alone."""
    folder = current_generation(settings.data)
    assert list(flaws_of(folder, thorough=True)) == []
    index = GenerationIndex(folder)
    (text,) = (stored.article.text for stored in index.articles if stored.article.id == "flour")
    assert states[index.id] in text
    index.close()


def test_killed_at_any_moment_nothing_is_lost(settings: IngestSettings) -> None:
    kill_at_random_moments(settings, 4)


@pytest.mark.soak
def test_killed_three_hundred_times_nothing_is_lost(settings: IngestSettings) -> None:
    kill_at_random_moments(settings, 300)


# --- on a disk that will take no more

FULL = """
import resource, signal, sys
sys.path.insert(0, "tests")
from pathlib import Path
from conftest import FakeEmbedder
from ingest.errors import StorageError
from ingest.pipeline import ingest
from ingest.settings import IngestSettings
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    ingest(IngestSettings(corpus=Path(sys.argv[1]), data=Path(sys.argv[2])), FakeEmbedder())
except StorageError as error:
    print(error)
    sys.exit(1)
"""


@pytest.mark.parametrize("limit", [0, 5_000, 40_000])
def test_where_no_more_can_be_written_the_old_one_serves_on(
    limit: int, settings: IngestSettings, advisor: Advisor, write_article: Callable[[str, str], Path]
) -> None:
    before = advisor.generation
    write_article("new.md", "New text.")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(settings.corpus), str(settings.data), str(limit)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.count("\n")) == (1, 1), done.stderr[-2000:]
    assert "cannot be written" in done.stdout
    assert advisor.generation == before == Manifest.read(current_generation(settings.data)).id
    assert ingest(settings, FakeEmbedder()).added == ("new",)


READ_ONLY = """
import sys
sys.path.insert(0, "tests")
from pathlib import Path
from conftest import FakeEmbedder
from chatbot.advisor import Advisor
from chatbot.settings import ChatSettings
from ingest.errors import StorageError
from ingest.pipeline import ingest
from ingest.settings import IngestSettings
settings = IngestSettings(corpus=Path(sys.argv[1]), data=Path(sys.argv[2]))
advisor = Advisor(settings.data, ChatSettings(), FakeEmbedder())
advisor.answer("What does rye flour keep moist?").answer.generation
print(advisor.generation)
try:
    ingest(settings, FakeEmbedder())
except StorageError as error:
    print(error)
"""


def test_a_data_folder_that_is_read_only_is_answered_from(
    settings: IngestSettings, embedder: FakeEmbedder, write_article: Callable[[str, str], Path]
) -> None:
    """Mounted read only, for root may write where the mode forbids it."""
    generation = ingest(settings, embedder).generation
    write_article("new.md", "New text.")
    data = settings.data
    mount = f'mount --bind "{data}" "{data}" && mount -o remount,ro,bind "{data}" && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", mount, "sh", sys.executable, "-c", READ_ONLY, str(settings.corpus), str(data)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("this user cannot mount")
    said = done.stdout.splitlines()
    assert said[0] == generation, done.stderr[-2000:]
    assert "cannot be written" in said[1]


def test_a_storage_error_is_what_a_folder_in_a_file_gives(settings: IngestSettings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="--data"):
        ingest(settings.model_copy(update={"data": tmp_path / "file" / "data"}), FakeEmbedder())


def test_limits_of_this_process_stay_as_they_are() -> None:
    """A reader's limits are its own process's."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
