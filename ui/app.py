"""The page's start: its navigation, and the advisor that all sessions share. Run by `career-advisor chat` or `streamlit run ui/server.py`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from chatbot.memory import open_memory
from chatbot.settings import ChatSettings, MemorySettings, ModelSettings
from ingest.errors import CareerAdvisorError
from ingest.settings import IngestSettings
from ui import articles_page, chat_page, component, evaluation_page, guide_page, visitor
from ui.answering import Desk
from ui.problems import log_unforeseen, sentence
from ui.settings import PageSettings
from ui.view import Chat, View, current_view, leave, session_view

if TYPE_CHECKING:
    from chatbot.advisor import Advisor


@st.cache_resource(show_spinner=False)
def opening(_wait: float = component.PAINT_SECONDS) -> Future[Advisor]:
    """The advisor, or why there is none. Loading the model takes seconds: it goes on behind the page, once that can be seen."""
    future: Future[Advisor] = Future()
    timer = threading.Timer(_wait, _start, args=(future,))
    timer.daemon = True
    timer.start()
    return future


def _start(future: Future[Advisor]) -> None:
    # no daemon: a program that ends while a model is loaded is aborted by the library that loads it; it takes seconds at most
    threading.Thread(target=_open, args=(future,), name="open-advisor").start()


def _open(future: Future[Advisor]) -> None:
    try:
        # imported here because it takes a second
        from chatbot import wiring  # noqa: PLC0415

        advisor = wiring.open_advisor(ChatSettings.read(), IngestSettings.read(), ModelSettings.read())
        with suppress(CareerAdvisorError):  # the page says it when it asks for them
            # read here, so that no run of the page waits for them
            advisor.articles()
            advisor.starters()
    except Exception as error:  # whatever it is, the page says it, and can try again
        log_unforeseen(error)
        future.set_exception(error)
        return
    future.set_result(advisor)
    with suppress(Exception):  # whatever is wrong is said to whoever asks
        advisor.search("warm up")  # loads the model before someone waits for it


def reopen() -> Future[Advisor]:
    """Tries again where there was no advisor; where there is one, or will be, it is that one."""
    if opening().done() and opening().exception():
        opening.clear()
    return opening(0)


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """Where all sessions hand their questions in."""
    return Desk(open_memory(MemorySettings.read(), IngestSettings.read().data))


def ask() -> None:
    with _told():
        chat_page.show(_chat(current_view()))


def _chat(view: View) -> Chat:
    return Chat(visitor.owner(), desk(), opening(), reopen, view, visitor.is_keeper(PageSettings.read()), GUIDE)


def guide() -> None:
    leave()
    with _told():
        guide_page.show(_chat(session_view()), lambda: st.switch_page(ASK))


def articles() -> None:
    leave()
    with _told():
        articles_page.show(opening(), reopen, visitor.is_keeper(PageSettings.read()))


def evaluation() -> None:
    leave()
    with _told():
        evaluation_page.show()


@contextmanager
def _told() -> Iterator[None]:
    """An error of ours that no part of the page has said."""
    try:
        yield
    except CareerAdvisorError as error:
        component.show_sentence("problem", sentence(error), "problem")


ASK = st.Page(ask, title="Ask", default=True)
GUIDE = st.Page(guide, title="Which path fits me?")


def main() -> None:
    with as_file(files("ui") / "static") as static:
        st.set_page_config(page_title="Career Advisor", page_icon=static / "icon.svg", layout="wide", initial_sidebar_state="collapsed")
        style = static / "page.css"
        st.html(style)
    with _told():
        settings = PageSettings.read()
        if visitor.sign_in(settings):
            # no icons: Streamlit fetches a page's icon from another host
            pages = [ASK, GUIDE, st.Page(articles, title="Articles")]
            pages += [st.Page(evaluation, title="Evaluation")] if visitor.is_keeper(settings) else []
            page = st.navigation(pages, position="top")
            _links(pages)
            page.run()


def _links(pages: Sequence[StreamlitPage]) -> None:
    """The pages once more, for narrow screens: page.css shows them there, where Streamlit hides its own."""
    with st.container(horizontal=True, vertical_alignment="center", key="pages"):
        for page in pages:
            st.page_link(page)


main()
