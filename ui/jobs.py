"""What goes on in the background, as the page sees it: one job of a kind at a time, for all sessions."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from ui import component
from ui.evaluation_commands import RUNS
from ui.markdown import Block

POLL_SECONDS = 1.0
ENDED = "It ended before it was done; the page's log says why."
ROOT = Path(__file__).resolve().parents[1]


@dataclass(eq=False, slots=True)
class Job:
    """A program under way, or how it ended: with a result, a problem, or because it was stopped."""

    process: subprocess.Popen[str]
    done: int = 0
    total: int = 0
    result: dict[str, Any] | None = None
    problem: str = ""
    is_stopped: bool = False
    finished: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Reads what it tells, to its end."""
        with self.process:
            for line in self.process.stdout or ():
                told = _told(line)
                self.done, self.total = told.get("done", self.done), told.get("total", self.total)
                self.result, self.problem = told.get("result", self.result), told.get("problem", self.problem)
        if self.result is None and not self.problem and not self.is_stopped:
            self.problem = ENDED
        self.finished.set()

    def stop(self) -> None:
        self.is_stopped = True
        self.process.terminate()


def _told(line: str) -> dict[str, Any]:
    """Nothing for a line of somebody else's, such as a library's warning."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


class Jobs:
    """By kind."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._starting = threading.Lock()

    def start(self, kind: str, *options: str) -> None:
        """Nothing where one of the kind is under way."""
        with self._starting:
            running = self._jobs.get(kind)
            if running and not running.finished.is_set():
                return
            command = [sys.executable, "-m", "ui.background", kind, *options]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8")  # noqa: S603 - our own program
            self._jobs[kind] = job = Job(process)
            threading.Thread(target=job.read, name=kind, daemon=True).start()

    def of(self, kind: str) -> Job | None:
        return self._jobs.get(kind)


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    return Jobs()


Told = Callable[[dict[str, Any]], Sequence[Block]]  # what a job's result is shown as


def show_job(kind: str, doing: str, told: Told) -> bool:
    """How far a job is, drawn again until it has ended, and then what came of it; whether it is under way."""
    job = jobs().of(kind)
    if job is None:
        return False
    is_running = not job.finished.is_set()
    st.fragment(_job, run_every=POLL_SECONDS if is_running else None)(kind, job, doing, told, is_running)
    return is_running


def _job(kind: str, job: Job, doing: str, told: Told, was_running: bool) -> None:
    if was_running and job.finished.is_set():
        st.rerun()
    if was_running:
        st.progress(job.done / job.total if job.total else 0.0)
        count = f": {job.done:,} of {job.total:,}" if job.total else " …"
        component.show_sentence(f"{kind}-progress", f"{doing}{count}", "caption")
        st.button("Stop", key=f"{kind}-stop", on_click=job.stop)
    elif job.is_stopped:
        component.show_sentence(f"{kind}-stopped", "Stopped.", "caption")
    elif job.problem:
        component.show_sentence(f"{kind}-problem", job.problem, "problem")
    elif job.result is not None:
        component.show(f"{kind}-result", told(job.result), "notice")


def runs_folder(data: Path) -> Path:
    return data / RUNS
