"""The chat page: a question box, the conversation so far, and the article that a number opens.

A run of this page never waits for an answer (answering.py): it is drawn from what there is, and drawn again as more comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from chatbot.errors import ConversationUnknownError, MemoryStoreError
from chatbot.memory import Exchange, Revision
from chatbot.recheck import Quoted, recheck
from chatbot.types import Citation
from ingest.errors import CareerAdvisorError
from ingest.types import Article, Span
from ui import component, conversations, markdown, render
from ui.problems import sentence
from ui.turn import ask_one, show_turn
from ui.view import Chat, Opened

if TYPE_CHECKING:
    from chatbot.advisor import Advisor

CHAT_WIDTH = 640  # pixels: about 80 characters a line
SHELF = 5  # titles that the opening page names

PLACEHOLDER = "Ask about a career in AI"
PURPOSE = (
    "Questions about careers in AI, answered from the articles named here and from nothing else. "
    "Each number in an answer opens the very sentence that it stands on."
)


def show(chat: Chat) -> None:
    with st.bottom, _stage("foot"):
        with st.container(width=CHAT_WIDTH):
            if question := (st.chat_input(PLACEHOLDER, key="question") or "").strip():
                chat.ask(question)
        if chat.view.opened:
            with st.container():
                component.show("foot-space", [], "space")
    conversations.sidebar(chat)  # after the box, so that what was just asked is in it
    stage = _stage("stage")
    with stage, st.container(width=CHAT_WIDTH, key="chat"):
        landing = st.empty()  # emptied at once by the first question, not when that run ends
        if chat.view.conversation_id is None:
            with landing.container():
                _landing(chat)
        else:
            _conversation(chat)
        _lost(chat)
        component.tend()
    if chat.view.opened and chat.advisor:
        with stage, st.container(key="reader"):
            component.show_panel("panel", _panel(chat.advisor, chat.view.opened), chat.view.close)


def _conversation(chat: Chat) -> None:
    try:
        revision = chat.memory.revision(chat.owner, chat.view.conversation_id or "")
        conversation = chat.memory.conversation(chat.owner, chat.view.conversation_id or "")
    except CareerAdvisorError as error:
        component.show_sentence("no-conversation", sentence(error), "problem")
        st.button("New conversation", key="anew", on_click=chat.view.enter, args=(None,))
        return
    chat.view.rising = chat.view.rising or (conversation.turns[-1].id if conversation.turns else None)
    conversations.header(chat, conversation)
    hidden = chat.view.hidden(len(conversation.turns))
    with st.empty():
        if hidden:
            earlier = f"Show earlier questions ({hidden})"
            st.button(earlier, key="earlier", type="tertiary", on_click=chat.view.show_earlier)
    shown = [show_turn(chat, conversation, turn) for turn in conversation.turns[hidden:]]
    component.announce("live", _announcement([turn for turn in shown if turn.id == chat.view.rising]))
    if not any(chat.desk.work(turn.id) for turn in shown):
        st.fragment(_follow, run_every=component.IDLE_POLL_SECONDS)(chat, conversation.id, revision)


def _follow(chat: Chat, conversation_id: str, revision: Revision) -> None:
    """Draws the page anew when another tab changed the conversation, but never while something is written or edited in it."""
    if chat.view.editing or chat.view.commenting:
        return
    with suppress(MemoryStoreError):  # the next look may find it
        if _revision(chat, conversation_id) != revision:
            st.rerun()


def _revision(chat: Chat, conversation_id: str) -> Revision | None:
    """None where it is gone."""
    try:
        return chat.memory.revision(chat.owner, conversation_id)
    except ConversationUnknownError:
        return None


def _lost(chat: Chat) -> None:
    """A question that could not be kept: it stands here, with the reason, until it is asked again."""
    if not chat.view.lost:
        return
    question, problem = chat.view.lost
    if question:
        component.show("lost-question", [markdown.plain(question)], "question")
    component.show_sentence("lost", problem, "problem")
    if question:
        st.button("Ask again", key="lost-retry", on_click=chat.ask, args=(question,))


def _announcement(turns: Sequence[Exchange]) -> str:
    answered = [turn.answer for turn in turns if turn.answer]
    return render.announcement(answered[-1].question, answered[-1]) if answered else ""


# --- the opening page


def _landing(chat: Chat) -> None:
    st.title("Career Advisor", anchor=False)
    component.show("purpose", [markdown.plain(PURPOSE)], "lead")
    if not chat.opening.done():
        component.show_opening(chat.opening)
        return
    try:
        advisor = chat.opening.result()
        articles = [stored.article for stored in advisor.articles()]
        starters = advisor.starters()
    except Exception as error:  # said in one sentence; the question box stays
        component.show_problem("no-advisor", error, chat.reopen)
        return
    _shelf(chat, articles)
    if starters:
        clicks = component.Clicks(choice=partial(ask_one, chat, starters))
        component.show("starters", [render.choices(starters, "Try one of these")], clicks=clicks)
    conversations.recent(chat)
    with st.container(horizontal=True, vertical_alignment="center"):
        if chat.guide:
            st.page_link(chat.guide, icon=":material/signpost:")
        conversations.introduce(chat, chat.view.profile)


def _shelf(chat: Chat, articles: Sequence[Article]) -> None:
    named = articles[:SHELF]
    more = len(articles) - len(named)
    roles = list(dict.fromkeys(role.name for article in articles for role in article.roles))
    about = f", about: {', '.join(roles)}" if roles else ""
    label = f"{len(articles)} {'article' if len(articles) == 1 else 'articles'}{about}{'; among them' if more else ''}"
    shelf = [render.choices([article.title for article in named], label)]

    def open_one(index: int) -> None:
        if 0 <= index < len(named):
            chat.view.open(named[index].id)

    component.show("shelf", shelf, "shelf", component.Clicks(choice=open_one))


# --- the open article


def _panel(advisor: Advisor, opened: Opened) -> dict[str, object]:
    try:
        article = advisor.article(opened.article_id).article
    except CareerAdvisorError as error:
        return {**render.message_panel(opened.citation.title if opened.citation else "Article", sentence(error)), "opening": opened.count}
    if not opened.citation:
        return {**render.article_panel(article), "opening": opened.count}
    lit, warning = _quoted_at(opened.citation, article)
    return {**render.article_panel(article, lit), "warning": warning, "opening": opened.count}


def _quoted_at(citation: Citation, article: Article) -> tuple[Span | None, str]:
    """Where the quote stands in the article as it is now, or what it became, and what to say where it is not as it was."""
    found = recheck(Quoted.of(citation), {article.id: article.text})
    quote = markdown.text_of(citation.quote)
    if not found.now:
        return None, f"The article was changed since, and this is no longer in it: “{quote}”"
    changed = f"The article was changed since; the marked words seem to stand for what was quoted: “{quote}”"
    return Span(found.now.start, found.now.end), changed if found.fate == "changed" else ""


# --- the two columns


def _stage(key: str) -> DeltaGenerator:
    """A row that holds the conversation in its middle, or beside the open article where the screen is wide enough for both."""
    return st.container(horizontal=True, horizontal_alignment="center", gap="medium", key=key)
