"""The chat page: a question box, the conversation so far, and the article that a number opens.

A run of this page never waits for an answer. Each question is written into the conversation and answered on a thread of its own;
the page is drawn from what there is, and drawn again as more comes. So a click or another question in the middle loses nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from chatbot.errors import ArticleUnknownError
from chatbot.types import Answer, Citation
from ingest.errors import CareerAdvisorError
from ingest.types import Article, Span
from ui import component, markdown, render

if TYPE_CHECKING:
    from chatbot.advisor import Advisor

PATIENCE_SECONDS = 180.0  # from the question to the last word, a first load of the model included
AT_ONCE_SECONDS = 0.25  # most answers need less, and are then shown without a line that says to wait
CHAT_WIDTH = 640  # pixels: about 80 characters a line
NEAREST = 3  # passages shown below a question that the articles do not answer
SHELF = 5  # titles that the opening page names

PLACEHOLDER = "Ask about a career in AI"
PURPOSE = (
    "Questions about careers in AI, answered from the articles named here and from nothing else. "
    "Each number in an answer opens the very sentence that it stands on."
)

Reopen = Callable[[], "Future[Advisor]"]  # tries again to open what could not be opened, and gives what there is to wait for


# --- the conversation


@dataclass(eq=False, slots=True)
class Turn:
    """A question and what has come of it so far; `answer` and `error` are set once, by whoever is first.

    `notes` says of each cited article whose work it retells.
    """

    question: str
    history: tuple[str, ...]
    asked_at: float = field(default_factory=time.monotonic)
    pieces: list[str] = field(default_factory=list)
    answer: Answer | None = None
    notes: dict[str, str] = field(default_factory=dict)
    error: BaseException | None = None
    finished: threading.Event = field(default_factory=threading.Event)

    def settle(self, answer: Answer | None = None, error: BaseException | None = None) -> None:
        if not self.finished.is_set():
            self.answer, self.error = answer, error
            self.finished.set()

    def settle_if_overdue(self) -> None:
        if time.monotonic() - self.asked_at > PATIENCE_SECONDS:
            self.settle(error=CareerAdvisorError("No answer came in time; please ask again."))

    def work(self, opening: Future[Advisor]) -> None:
        """Asks the advisor; runs on a thread of its own, and calls nothing of Streamlit."""
        try:
            advisor = opening.result()
            reply = advisor.answer(self.question, self.history)
            for piece in reply:
                self.pieces.append(piece)
            self.notes = _notes(advisor, reply.answer)
            self.settle(answer=reply.answer)
        except Exception as error:  # said under the question, which stays
            component.log_unforeseen(error)
            self.settle(error=error)


def _notes(advisor: Advisor, answer: Answer) -> dict[str, str]:
    notes: dict[str, str] = {}
    for article_id in {citation.article_id for citation in answer.citations}:
        with suppress(ArticleUnknownError):  # removed since: the panel says so when it is opened
            notes[article_id] = render.retold_from(advisor.article(article_id).article.based_on)
    return notes


@dataclass(frozen=True, slots=True)
class Opened:
    """The article that stands open, and what of it was cited. `count` tells one opening from the next."""

    article_id: str
    count: int
    turn: int | None = None
    citation: Citation | None = None


@dataclass(eq=False, slots=True)
class Conversation:
    """What this browser asked, since the page was opened or a new conversation begun."""

    number: int = 0
    turns: list[Turn] = field(default_factory=list)
    opened: Opened | None = None
    openings: int = 0

    def ask(self, question: str, opening: Future[Advisor], at: int | None = None) -> None:
        """Writes the question down before anyone is asked; `at` asks the question at that place again."""
        place = len(self.turns) if at is None else at
        turn = Turn(question, tuple(turn.question for turn in self.turns[:place] if turn.error is None))
        self.turns[place : place + 1] = [turn]
        threading.Thread(target=turn.work, args=(opening,), name="answer", daemon=True).start()

    def open(self, article_id: str, turn: int | None = None, citation: Citation | None = None) -> None:
        self.openings += 1
        self.opened = Opened(article_id, self.openings, turn, citation)

    def close(self) -> None:
        self.opened = None

    def begin_anew(self) -> None:
        self.number += 1
        self.turns.clear()
        self.close()

    def open_mark(self, turn: int) -> int | None:
        """The number of a turn whose article stands open."""
        opened = self.opened
        return opened.citation.number if opened and opened.citation and opened.turn == turn else None


def _conversation() -> Conversation:
    conversation: Conversation = st.session_state.setdefault("conversation", Conversation())
    return conversation


# --- the page


def show(opening: Future[Advisor], reopen: Reopen) -> None:
    chat = _conversation()
    with st.bottom, _stage("foot"):
        with st.container(width=CHAT_WIDTH):
            if question := st.chat_input(PLACEHOLDER, key="question"):
                opening = reopen()
                chat.ask(question, opening)
        if chat.opened:
            with st.container():
                component.show("foot-space", [], "space")
    stage = _stage("stage")
    with stage, st.container(width=CHAT_WIDTH, key="chat"):
        landing = st.empty()  # emptied at once by the first question, not when that run ends
        if not chat.turns:
            with landing.container():
                _landing(chat, opening, reopen)
        for index in range(len(chat.turns)):
            _turn(chat, index, opening, reopen)
        if chat.turns:
            st.button("New conversation", key="new", type="tertiary", icon=":material/add:", on_click=chat.begin_anew)
        component.announce("live", _announcement(chat))
    if chat.opened and opening.done() and not opening.exception():
        with stage, st.container(key="reader"):
            component.show_panel("panel", _panel(opening.result(), chat.opened), chat.close)


def _landing(chat: Conversation, opening: Future[Advisor], reopen: Reopen) -> None:
    st.title("Career Advisor", anchor=False)
    component.show("purpose", [markdown.plain(PURPOSE)], "lead")
    if not opening.done():
        component.show_opening(opening)
        return
    try:
        advisor = opening.result()
        articles = [stored.article for stored in advisor.articles()]
        starters = advisor.starters()
    except Exception as error:  # said in one sentence; the question box stays
        component.show_problem("no-advisor", error, reopen)
        return
    _shelf(chat, articles)
    if starters:
        clicks = component.Clicks(choice=partial(_ask_one, chat, opening, starters))
        component.show("starters", [render.choices(starters, "Try one of these")], clicks=clicks)


def _shelf(chat: Conversation, articles: Sequence[Article]) -> None:
    named = articles[:SHELF]
    more = len(articles) - len(named)
    roles = list(dict.fromkeys(role.name for article in articles for role in article.roles))
    about = f", about: {', '.join(roles)}" if roles else ""
    label = f"{len(articles)} {'article' if len(articles) == 1 else 'articles'}{about}{'; among them' if more else ''}"
    shelf = [render.choices([article.title for article in named], label)]

    def open_one(index: int) -> None:
        if 0 <= index < len(named):
            chat.open(named[index].id)

    component.show("shelf", shelf, "shelf", component.Clicks(choice=open_one))


def _ask_one(chat: Conversation, opening: Future[Advisor], questions: Sequence[str], index: int) -> None:
    if 0 <= index < len(questions):
        chat.ask(questions[index], opening)


# --- a turn


def _turn(chat: Conversation, index: int, opening: Future[Advisor], reopen: Reopen) -> None:
    """Draws a question and its answer; while that is under way it is drawn again and again, and nothing else of the page.

    An answer stays a fragment when it is complete: the browser would otherwise build its elements anew, and the page would jump.
    """
    turn = chat.turns[index]
    with st.container(key=f"turn-{chat.number}-{index}"):
        question = [markdown.plain(turn.question)]
        component.show(f"question-{chat.number}-{index}", question, "question", arrives=turn is chat.turns[-1])
        turn.finished.wait(AT_ONCE_SECONDS if not turn.pieces else 0)
        is_open, is_finished = seen = opening.done(), turn.finished.is_set()
        poll = None if is_finished else component.POLL_SECONDS if is_open else component.OPENING_POLL_SECONDS
        st.fragment(_reply, run_every=poll)(chat, index, opening, reopen, seen)


def _reply(chat: Conversation, index: int, opening: Future[Advisor], reopen: Reopen, seen: tuple[bool, bool]) -> None:
    turn = chat.turns[index]
    key = f"{chat.number}-{index}"
    turn.settle_if_overdue()
    if (opening.done(), turn.finished.is_set()) != seen:
        st.rerun()  # the whole page, once, to look at it more often, or no longer
    if turn.answer:
        _answer(chat, index, turn, turn.answer, opening)
    elif turn.pieces:
        component.show(f"answer-{key}", markdown.blocks("".join(turn.pieces)))
    elif not turn.error:
        waiting = "Looking through the articles …" if opening.done() else "Getting the articles ready, then answering …"
        component.show(f"answer-{key}", [markdown.plain(waiting)], "status")
    if turn.error and turn.pieces:
        component.show(f"incomplete-{key}", [markdown.plain("The answer above is incomplete.")], "notice")
    if turn.error:
        component.show_problem(f"error-{key}", turn.error, lambda: chat.ask(turn.question, reopen(), index), "Ask again")


def _answer(chat: Conversation, index: int, turn: Turn, answer: Answer, opening: Future[Advisor]) -> None:
    key = f"{chat.number}-{index}"
    clicks = component.Clicks(mark=partial(_open_source, chat, index, answer), open_mark=chat.open_mark(index))
    component.show(f"answer-{key}", render.answer_blocks(answer), clicks=clicks)
    if answer.notices:
        component.show(f"notices-{key}", [markdown.plain(notice) for notice in answer.notices], "notice")
    if answer.citations:
        component.show(f"sources-{key}", render.sources(answer.citations, turn.notes), "sources", clicks)
    if answer.status == "abstained" and answer.passages:
        nearest = render.nearest(answer.passages[:NEAREST])
        component.show(f"nearest-{key}", [markdown.plain("Nearest to it in the articles, but no answer:"), *nearest], "near")
    if answer.suggestions:
        ask = component.Clicks(choice=partial(_ask_one, chat, opening, answer.suggestions))
        component.show(f"suggestions-{key}", [render.choices(answer.suggestions, "You could ask")], clicks=ask)
    with st.expander("How this answer came about", key=f"details-box-{key}", type="compact"):
        component.show(f"details-{key}", render.details(answer), "details")


def _open_source(chat: Conversation, index: int, answer: Answer, number: int) -> None:
    for citation in answer.citations:
        if citation.number == number:
            chat.open(citation.article_id, index, citation)


def _announcement(chat: Conversation) -> str:
    answered = [turn.answer for turn in chat.turns if turn.answer]
    return render.announcement(answered[-1].question, answered[-1]) if answered else ""


# --- the open article


def _panel(advisor: Advisor, opened: Opened) -> dict[str, object]:
    try:
        article = advisor.article(opened.article_id).article
    except CareerAdvisorError as error:
        return render.message_panel(opened.citation.title if opened.citation else "Article", render.sentence(error))
    lit = _where(article, opened.citation) if opened.citation else None
    panel = render.article_panel(article, lit)
    if opened.citation and lit is None:
        panel["warning"] = f"The article was changed since, and this is no longer in it: “{markdown.text_of(opened.citation.quote)}”"
    return {**panel, "opening": opened.count}


def _where(article: Article, citation: Citation) -> Span | None:
    """Where a quote stands now: where it stood, or elsewhere when its article was edited since."""
    if article.text[citation.start : citation.end] == citation.quote:
        return Span(citation.start, citation.end)
    start = article.text.find(citation.quote)
    return None if start < 0 else Span(start, start + len(citation.quote))


# --- the two columns


def _stage(key: str) -> DeltaGenerator:
    """A row that holds the conversation in its middle, or beside the open article where the screen is wide enough for both."""
    return st.container(horizontal=True, horizontal_alignment="center", gap="medium", key=key)
