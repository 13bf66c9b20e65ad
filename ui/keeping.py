"""The keeper's part of the articles page: bring the index in line with the articles, and see beforehand what that would change."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui import component, jobs
from ui.cited import touched_sentence


def show() -> None:
    with st.container(border=True, key="keeping"):
        component.show_sentence(
            "keeping-purpose",
            "Bring the index in line with the folder of articles. Questions are answered from the old one until the new one is whole.",
            "caption",
        )
        with st.container(horizontal=True):
            is_running = _is_running("ingest")
            st.button("Ingest", key="ingest", type="primary", disabled=is_running, on_click=jobs.jobs().start, args=("ingest",))
            is_busy = is_running or _is_running("preview")
            st.button("Preview", key="preview", disabled=is_busy, on_click=jobs.jobs().start, args=("preview",))
        if not is_running:
            jobs.show_job("preview", "Comparing", _preview)
        jobs.show_job("ingest", "Embedding", _report)


def _is_running(kind: str) -> bool:
    job = jobs.jobs().of(kind)
    return bool(job and not job.finished.is_set())


def _report(report: dict[str, Any]) -> str:
    left_out = "".join(f" Left out {one['file']}: {one['reason']}." for one in report["left_out"])
    if not report["changed"]:
        return f"Nothing changed: {report['articles']} articles, {report['passages']} passages.{left_out}"
    return f"Ingested {report['articles']} articles, {report['passages']} passages ({_changes(report)}).{left_out}"


def _preview(planned: dict[str, Any]) -> str:
    """What `ingest --dry-run --json` tells, by article."""
    changed = [one for one in planned["articles"] if one.get("change") not in (None, "unchanged")]
    if not changed:
        return "An ingest would build the index anew; no article changed." if planned["changes"] else "An ingest would change nothing."
    told = "; ".join(f"{one['title']}: {one['change']} ({len(one['new'])} new and {len(one['gone'])} gone sentences)" for one in changed)
    cited = f" {touched_sentence(planned['citations'])}." if planned["citations"] else ""
    return f"An ingest would bring these changes. {told}.{cited}"


def _changes(report: dict[str, Any]) -> str:
    told = [
        f"{what} {', '.join(report[name])}"
        for name, what in (("added", "added"), ("edited", "changed"), ("removed", "removed"))
        if report[name]
    ]
    return "; ".join(told) or "no article changed"
