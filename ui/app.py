"""The page's start: its navigation, and the advisor that all sessions share. Run by `career-advisor chat` or `streamlit run ui/app.py`."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import streamlit as st

from ingest.errors import CareerAdvisorError
from ui import articles_page, chat_page, component

if TYPE_CHECKING:
    from chatbot.advisor import Advisor


@st.cache_resource(show_spinner=False)
def opening() -> Future[Advisor]:
    """The advisor, or why there is none. Loading the model takes seconds: it goes on behind the page, which is shown at once."""
    future: Future[Advisor] = Future()
    threading.Thread(target=_open, args=(future,), name="open-advisor", daemon=True).start()
    return future


def _open(future: Future[Advisor]) -> None:
    try:
        # imported here because torch takes seconds to import
        from chatbot import wiring  # noqa: PLC0415
        from chatbot.settings import ChatSettings  # noqa: PLC0415
        from ingest.settings import IngestSettings  # noqa: PLC0415

        advisor = wiring.open_advisor(ChatSettings.read(), IngestSettings.read())
        with suppress(CareerAdvisorError):  # the page says it when it asks for them
            # read here, so that no run of the page waits for them
            advisor.articles()
            advisor.starters()
    except Exception as error:  # whatever it is, the page says it, and can try again
        component.log_unforeseen(error)
        future.set_exception(error)
        return
    future.set_result(advisor)
    with suppress(Exception):  # whatever is wrong is said to whoever asks
        advisor.search("warm up")  # loads the model before someone waits for it


def reopen() -> Future[Advisor]:
    """Tries again where there was no advisor; where there is one, or will be, it is that one."""
    if opening().done() and opening().exception():
        opening.clear()
    return opening()


def ask() -> None:
    chat_page.show(opening(), reopen=reopen)


def articles() -> None:
    articles_page.show(opening(), reopen=reopen)


def main() -> None:
    with as_file(files("ui") / "static" / "icon.svg") as icon:
        st.set_page_config(page_title="Career Advisor", page_icon=icon, layout="wide")
    pages = [st.Page(ask, title="Ask", default=True), st.Page(articles, title="Articles")]
    st.navigation(pages, position="top").run()


main()
