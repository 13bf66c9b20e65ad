"""The evaluation page, for the keeper: ask the question set in the background, see what it came to, and two runs side by side."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from chatbot.evaluation.comparison import compare
from chatbot.evaluation.runs import ANSWERS, RUN, Run, read_run
from ingest.errors import CareerAdvisorError
from ingest.settings import IngestSettings
from ui import component, jobs, markdown, render_runs
from ui.problems import sentence

WIDTH = 760  # pixels
HALVES = {"tune": "Those to improve on", "report": "Those to report", "all": "All"}
FAILURES = 100  # shown of one run


def show() -> None:
    with st.container(horizontal_alignment="center"), st.container(width=WIDTH, key="evaluation"):
        st.title("Evaluation", anchor=False)
        component.show_sentence(
            "evaluation-purpose", "How well the question set is answered, asked through the front door like everybody’s questions.", "lead"
        )
        _start()
        runs = jobs.runs_folder(IngestSettings.read().data)
        names = sorted((folder.parent.name for folder in runs.glob(f"*/{RUN}")), reverse=True)
        if not names:
            component.show_sentence("no-runs", "There is no finished run yet.", "caption")
            return
        left, right = st.columns(2)
        chosen = left.selectbox("Run", names, key="run")
        beside = right.selectbox(
            "Beside", [None, *(name for name in names if name != chosen)], format_func=lambda name: name or "no other", key="beside"
        )
        try:
            _run(runs / chosen, runs / beside if beside else None)
        except CareerAdvisorError as error:
            component.show_sentence("bad-run", sentence(error), "problem")


def _start() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        half = st.selectbox("Questions", list(HALVES), format_func=HALVES.__getitem__, key="half", width=220)
        job = jobs.jobs().of("evaluate")
        is_running = bool(job and not job.finished.is_set())
        st.button("Evaluate", key="evaluate", type="primary", disabled=is_running, on_click=lambda: jobs.jobs().start("evaluate", half))
    jobs.show_job("evaluate", "Asking", lambda told: [markdown.plain(f"The run {told['run']} is done.")])


def _run(folder: Path, beside: Path | None) -> None:
    run = read_run(folder)
    if beside:
        older, newer = sorted((folder, beside), key=lambda one: one.name)
        component.show_sentence("compared", f"From {older.name} to {newer.name}", "heading")
        component.show("comparison", render_runs.comparison(compare(read_run(older), read_run(newer))), "details")
    component.show_sentence("measures-head", f"{len(run.scores):,} questions of generation {run.made_by['generation']}", "heading")
    component.show("measures", render_runs.bars(run.measures()), "details")
    _failures(folder, run)


def _failures(folder: Path, run: Run) -> None:
    try:
        lines = [json.loads(line) for line in (folder / ANSWERS).read_text(encoding="utf-8").splitlines()]
        found = render_runs.failures(lines)
    except (OSError, ValueError, KeyError, TypeError):
        raise CareerAdvisorError("The answers of this run cannot be read; its measures are above.") from None
    component.show_sentence("failures-head", f"{len(found):,} of {len(run.scores):,} questions not answered rightly", "heading")
    more = [markdown.plain(f"and {len(found) - FAILURES} more, in its report.html")] if len(found) > FAILURES else []
    component.show("failures", [*found[:FAILURES], *more], "near")
