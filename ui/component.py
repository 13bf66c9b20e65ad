"""The one component of the page: it shows the trees that ui.render makes, and tells which number or question was clicked.

Its script (static/text.js) builds the page's elements with textContent alone, so no text can become markup.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import streamlit as st

from ingest.errors import CareerAdvisorError
from ui.markdown import Block, plain, visible
from ui.render import sentence

logger = logging.getLogger(__name__)

OnClick = Callable[[int], None]

POLL_SECONDS = 0.2  # how often the page looks at an answer that grows
OPENING_POLL_SECONDS = 1.0  # and at the model that is loaded, which needs the processor itself


def _asset(name: str) -> str:
    return (files("ui") / "static" / name).read_text(encoding="utf-8")


# declared once, when the module is imported, as Streamlit asks
_text = st.components.v2.component("career_advisor_text", css=_asset("text.css"), js=_asset("text.js"))


@dataclass(frozen=True, slots=True)
class Clicks:
    """What happens at a click on a source's number or on one of several choices; `open_mark` is the number whose article is open."""

    mark: OnClick | None = None
    choice: OnClick | None = None
    open_mark: int | None = None


def show(key: str, blocks: Sequence[Block], tone: str = "answer", clicks: Clicks = Clicks(), arrives: bool = False) -> None:
    """Blocks in one of the looks that text.css knows; `arrives` scrolls to it when it first appears."""
    data = {"blocks": list(blocks), "tone": tone, "openMark": clicks.open_mark, "arrives": arrives}
    handlers: dict[str, Any] = {}
    if clicks.mark:
        handlers["on_mark_change"] = _reading(key, "mark", clicks.mark)
    if clicks.choice:
        handlers["on_choice_change"] = _reading(key, "choice", clicks.choice)
    _text(key=key, data=visible(data), **handlers)


def show_panel(key: str, panel: Mapping[str, Any], on_close: Callable[[], None]) -> None:
    """An article beside the conversation, or over it where the screen is narrow."""
    _text(key=key, data=visible({"tone": "panel", "panel": dict(panel)}), on_closed_change=on_close)


def announce(key: str, text: str) -> None:
    """Has a screen reader say it; nothing is seen."""
    _text(key=key, data=visible({"tone": "live", "live": text}))


def _reading(key: str, name: str, handler: OnClick) -> Callable[[], None]:
    """Calls the handler with the number that was clicked; what the browser sends is checked, and anything else is ignored."""

    def handle() -> None:
        value = getattr(st.session_state.get(key), name, None)
        if isinstance(value, int) and not isinstance(value, bool):
            handler(value)
            st.rerun()  # the whole page, where the click was in a part that is drawn by itself

    return handle


# --- what both pages show while there is no advisor to ask


def show_opening(opening: Future[Any]) -> None:
    """A quiet line until the advisor is there; then the page is drawn anew."""
    st.fragment(_opening_line, run_every=OPENING_POLL_SECONDS)(opening)


def _opening_line(opening: Future[Any]) -> None:
    if opening.done():
        st.rerun()
    show("opening", [plain("Getting the articles ready …")], "status")


def show_problem(key: str, error: BaseException, retry: Callable[[], object], label: str = "Try again") -> None:
    """One sentence, and a button that does something about it."""
    show(key, [plain(sentence(error))], "problem")

    def handle() -> None:
        retry()
        st.rerun()  # the whole page, as above

    st.button(label, key=f"{key}-retry", on_click=handle)


def log_unforeseen(error: BaseException) -> None:
    """Where an error that is not ours came from, for the keeper's log; not its text, which may hold a secret."""
    if not isinstance(error, CareerAdvisorError):
        where = traceback.extract_tb(error.__traceback__)[-3:]
        logger.error("%s at %s", type(error).__name__, " > ".join(f"{frame.filename}:{frame.lineno}" for frame in where))
