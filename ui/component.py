"""The one component of the page: it shows the trees that ui.render makes, and tells which number or question was clicked.

Its script (static/text.js) builds the page's elements with textContent alone, so no text can become markup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import streamlit as st

from ui.markdown import Block, plain, visible
from ui.problems import sentence

OnClick = Callable[[int], None]

POLL_SECONDS = 0.2  # how often the page looks at an answer that grows
IDLE_POLL_SECONDS = 4.0  # at a conversation that another tab may go on with
OPENING_POLL_SECONDS = 1.0  # and at the model that is loaded, which needs the processor itself
PAINT_SECONDS = 1.0  # what a browser needs, and both of a laptop's cores, until the first page can be seen


def _asset(name: str) -> str:
    return (files("ui") / "static" / name).read_text(encoding="utf-8")


# declared once, when the module is imported, as Streamlit asks
_text = st.components.v2.component("career_advisor_text", css=_asset("text.css"), js=_asset("text.js"))


@dataclass(frozen=True, slots=True)
class Clicks:
    """What happens at a click on a source's number, on one of several choices, or on a named action.

    `open_mark` is the number whose article is open, `quotes` what each number shows before it is opened.
    """

    mark: OnClick | None = None
    choice: OnClick | None = None
    act: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    open_mark: int | None = None
    quotes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def show(key: str, blocks: Sequence[Block], tone: str = "answer", clicks: Clicks = Clicks(), arrives: bool = False) -> None:
    """Blocks in one of the looks that text.css knows; `arrives` scrolls to it when it first appears."""
    data = {"blocks": list(blocks), "tone": tone, "openMark": clicks.open_mark, "quotes": clicks.quotes, "arrives": arrives}
    handlers: dict[str, Any] = {}
    if clicks.mark:
        handlers["on_mark_change"] = _reading(key, "mark", clicks.mark)
    if clicks.choice:
        handlers["on_choice_change"] = _reading(key, "choice", clicks.choice)
    if clicks.act:
        handlers["on_act_change"] = _acting(key, clicks.act)
    _mount(key, data, **handlers)


def show_sentence(key: str, text: str, tone: str = "notice") -> None:
    """One line of words."""
    show(key, [plain(text)], tone)


def show_panel(key: str, panel: Mapping[str, Any], on_close: Callable[[], None]) -> None:
    """An article beside the conversation, or over it where the screen is narrow."""
    _mount(key, {"tone": "panel", "panel": dict(panel)}, on_closed_change=on_close)


def announce(key: str, text: str) -> None:
    """Has a screen reader say it; nothing is seen."""
    _mount(key, {"tone": "live", "live": text})


def tend() -> None:
    """Keeps in the browser what is half typed in the question box while another page is looked at, and folds the list away once a new conversation was chosen on a phone."""
    _mount("tend", {"tone": "tend"})


def _mount(key: str, data: Mapping[str, Any], **handlers: Any) -> None:
    # in a list, since Streamlit looks for data frames in a mapping, for which it imports pandas: .7 s of the first visitor's page
    _text(key=key, data=[visible(data)], **handlers)


def _reading(key: str, name: str, handler: OnClick) -> Callable[[], None]:
    """Calls the handler with the number that was clicked; what the browser sends is checked, and anything else is ignored."""

    def handle() -> None:
        value = getattr(st.session_state.get(key), name, None)
        if isinstance(value, int) and not isinstance(value, bool):
            handler(value)
            st.rerun()  # the whole page, where the click was in a part that is drawn by itself

    return handle


def _acting(key: str, handlers: Mapping[str, Callable[[], None]]) -> Callable[[], None]:
    """Calls the handler of the action that was clicked; a name that was not offered is ignored."""

    def handle() -> None:
        name = getattr(st.session_state.get(key), "act", None)
        if isinstance(name, str) and name in handlers:
            handlers[name]()
            st.rerun()

    return handle


# --- what all pages show while there is no advisor to ask


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
    show_button(label, f"{key}-retry", retry)


def show_button(label: str, key: str, act: Callable[[], object]) -> None:
    """A button that may stand in a part of the page that is drawn by itself."""

    def handle() -> None:
        act()
        st.rerun()  # the whole page, as above

    st.button(label, key=key, on_click=handle)
