"""The keeper's part of the articles page: bring the index in line with the articles, and see beforehand what that would change."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui import component, jobs, keeper_words
from ui.markdown import Block, plain


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


def _report(told: dict[str, Any]) -> list[Block]:
    return [plain(" ".join([keeper_words.report(told), *keeper_words.left_out(told)]))]


def _preview(told: dict[str, Any]) -> list[Block]:
    """What `ingest --dry-run` tells."""
    sections = [*keeper_words.preview(told), *map(keeper_words.Section, keeper_words.left_out(told, "Would leave out"))]
    return [block for section in sections for block in _section(section)]


def _section(section: keeper_words.Section) -> list[Block]:
    """Plain text in every run: what articles say is read, and nothing else."""
    items = [[plain(line)] for line in section.lines]
    return [plain(section.head), *([{"kind": "list", "start": None, "items": items}] if items else [])]
