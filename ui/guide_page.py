"""The page "Which path fits me?": a few questions drawn from the articles, then a recommendation that becomes a conversation of its own."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from chatbot.guide import QUESTION, Choice
from ingest.errors import CareerAdvisorError
from ui import component, render
from ui.problems import sentence
from ui.view import Chat

WIDTH = 720  # pixels
PURPOSE = "Pick what sounds more like you, and leave out what you cannot tell. Each option is what the articles say of one of the roles."
Picks = dict[int, int]  # question -> option


def show(chat: Chat, go_to_chat: Callable[[], None]) -> None:
    with st.container(horizontal_alignment="center"), st.container(width=WIDTH, key="guide"):
        st.title(QUESTION, anchor=False)
        if not chat.opening.done():
            component.show_opening(chat.opening)
            return
        try:
            asked = chat.opening.result().choices()
        except Exception as error:
            component.show_problem("no-guide", error, chat.reopen)
            return
        if not asked:
            component.show_sentence(
                "no-choices", "The articles do not set two roles apart, so there is nothing to choose between; ask instead.", "lead"
            )
            return
        component.show_sentence("guide-purpose", PURPOSE, "lead")
        if _ask(asked):
            _recommend(chat, asked, go_to_chat)


def _ask(asked: tuple[Choice, ...]) -> bool:
    """Whether the recommendation is wanted."""
    picks = _picks(asked)

    def pick(click: int) -> None:
        number, option = render.picked(click)
        if picks.get(number) == option:
            del picks[number]
        elif 0 <= number < len(asked) and 0 <= option < len(asked[number].options):
            picks[number] = option

    blocks = render.poll([(choice.about, [option.text for option in choice.options]) for choice in asked], picks)
    component.show("guide-questions", blocks, "form", component.Clicks(choice=pick))
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button("Show my path", key="guide-done", type="primary", disabled=not picks)
        component.show_sentence("guide-count", f"{len(picks)} of {len(asked)} picked", "caption")
    return wanted


def _picks(asked: tuple[Choice, ...]) -> Picks:
    """What was picked so far; of other articles' questions nothing counts."""
    told = [(choice.about, *(option.text for option in choice.options)) for choice in asked]
    if st.session_state.get("guide-asked") != told:
        st.session_state["guide-asked"], st.session_state["guide-picks"] = told, {}
    picks: Picks = st.session_state["guide-picks"]
    return picks


def _recommend(chat: Chat, asked: tuple[Choice, ...], go_to_chat: Callable[[], None]) -> None:
    with st.spinner("Looking for the first steps …"):
        try:
            chat.keep(QUESTION, chat.opening.result().path(asked, _picks(asked)))
        except CareerAdvisorError as error:
            component.show_sentence("no-path", sentence(error), "problem")
            return
    del st.session_state["guide-asked"]
    go_to_chat()
