"""What one session of the page looks at: which conversation, which article beside it, what is being edited. Nothing here is kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from chatbot.errors import ConversationUnknownError
from chatbot.memory import Conversation, Memory
from chatbot.profile import NOBODY, Profile
from chatbot.types import Answer, Citation
from ingest.errors import CareerAdvisorError
from ui.answering import Asked, Desk, history_before
from ui.problems import sentence

if TYPE_CHECKING:
    from chatbot.advisor import Advisor

SHOWN = 10  # questions of a conversation that are drawn at least, and that one click adds; with hundreds a page takes minutes
PARAMETER = "c"  # in the address: the conversation, so that it can be linked to and a refresh stays in it

Reopen = Callable[[], "Future[Advisor]"]  # tries again to open what could not be opened, and gives what there is to wait for


@dataclass(frozen=True, slots=True)
class Opened:
    """The article that stands open, and what of it was cited. `count` tells one opening from the next."""

    article_id: str
    count: int
    turn_id: str | None = None
    citation: Citation | None = None


@dataclass(eq=False, slots=True)
class View:
    """`profile` is what was said before there was a conversation to keep it in; `lost` is a question that could not be kept, and why.

    `rising` is the question that rises to the top: the one that was asked here, else the last when the conversation was entered. `earlier` is how many more questions than the last ones are shown. `is_arriving` while the address is changed: a click may end that run of the page in the middle, and the next one finishes it.
    """

    conversation_id: str | None = None
    opened: Opened | None = None
    openings: int = 0
    editing: str | None = None
    commenting: str | None = None
    deleting: str | None = None
    thanked: dict[str, str] = field(default_factory=dict)
    profile: Profile = NOBODY
    lost: tuple[str, str] | None = None
    is_arriving: bool = False
    earlier: int = 0
    rising: str | None = None

    def open(self, article_id: str, turn_id: str | None = None, citation: Citation | None = None) -> None:
        self.openings += 1
        self.opened = Opened(article_id, self.openings, turn_id, citation)

    def close(self) -> None:
        self.opened = None

    def enter(self, conversation_id: str | None) -> None:
        """Goes to a conversation, or to the opening page."""
        self.turn_to(conversation_id)
        if conversation_id:
            st.query_params[PARAMETER] = conversation_id
        else:
            st.query_params.pop(PARAMETER, None)
        self.is_arriving = False

    def turn_to(self, conversation_id: str | None) -> None:
        """Goes there in the next run: where that follows at once, as after a dialog, what this one tells the address is lost."""
        if conversation_id != self.conversation_id:
            self.opened = self.editing = self.commenting = self.deleting = self.lost = None
            self.profile = NOBODY
            self.earlier = 0
            self.rising = None
        self.conversation_id = conversation_id
        self.is_arriving = True

    def hidden(self, turns: int) -> int:
        """How many of a conversation's first questions are not drawn. It changes at every tenth question only, for each change sets the page anew."""
        return max(0, (turns // SHOWN - 1) * SHOWN - self.earlier)

    def show_earlier(self) -> None:
        self.earlier += SHOWN

    def open_mark(self, turn_id: str) -> int | None:
        """The number of a turn whose article stands open."""
        opened = self.opened
        return opened.citation.number if opened and opened.citation and opened.turn_id == turn_id else None


def session_view() -> View:
    view: View = st.session_state.setdefault("view", View())
    return view


def current_view() -> View:
    """This session's view, where the address has it; coming back from another page it is as it was left."""
    view = session_view()
    asked = st.query_params.get(PARAMETER)
    is_back = st.session_state.pop("away", False) and asked is None and view.conversation_id
    if is_back or view.is_arriving:
        view.enter(view.conversation_id)
    elif asked != view.conversation_id:
        view.enter(asked)
    return view


def leave() -> None:
    """Called by every other page: the chat is to be found as it was left."""
    st.session_state["away"] = True


@dataclass(frozen=True, slots=True)
class Chat:
    """What the parts of the chat page share in one run of it."""

    owner: str
    desk: Desk
    opening: Future[Advisor]
    reopen: Reopen
    view: View
    is_keeper: bool = False
    guide: StreamlitPage | None = None  # the page that helps to choose

    @property
    def memory(self) -> Memory:
        return self.desk.memory

    @property
    def advisor(self) -> Advisor | None:
        """Where it has been opened."""
        return self.opening.result() if self.opening.done() and not self.opening.exception() else None

    def ask(self, question: str, instead_of: str | None = None) -> None:
        """Hands a question in; one that cannot be kept stays on the page with the reason."""
        view = self.view
        view.editing = view.commenting = view.lost = None
        try:
            opening = self.reopen()
            kept = self._conversation(question)
            asked = Asked(question, history_before(kept.turns, instead_of), kept.profile)
            turn_id = self.desk.ask(self.owner, kept.id, asked, opening, instead_of)
            view.turn_to(kept.id)
            view.rising = turn_id
            view.enter(kept.id)  # last, for a click may end this run where the page is told anything
        except CareerAdvisorError as error:
            view.lost = question, sentence(error)

    def _conversation(self, question: str) -> Conversation:
        """The one that is open; a new one where there is none, or where it is gone (a stranger's link, or deleted in another tab)."""
        if self.view.conversation_id:
            with suppress(ConversationUnknownError):
                return self.memory.conversation(self.owner, self.view.conversation_id)
        return self.memory.conversation(self.owner, self.memory.begin(self.owner, question, self.view.profile))

    def keep(self, question: str, answer: Answer) -> None:
        """A conversation that begins with an answer that is there already."""
        conversation_id = self.memory.begin(self.owner, question, self.view.profile)
        self.memory.settle(self.memory.ask(self.owner, conversation_id, question), answer)
        self.view.enter(conversation_id)

    def open_source(self, turn_id: str, answer: Answer, number: int) -> None:
        for citation in answer.citations:
            if citation.number == number:
                self.view.open(citation.article_id, turn_id, citation)
