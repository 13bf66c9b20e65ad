"""The conversations of one owner: the list of them, and what can be done with the one that is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from chatbot.memory import LONGEST_TITLE, Conversation, Summary
from chatbot.profile import LONGEST, Profile
from ingest.errors import CareerAdvisorError
from ui import component, export, markdown, render
from ui.problems import sentence
from ui.view import Chat

RECENT = 3  # named on the opening page


def sidebar(chat: Chat) -> None:
    """The list, newest first."""
    with st.sidebar:
        st.button("New conversation", key="new-one", icon=":material/add:", width="stretch", on_click=chat.view.enter, args=(None,))
        try:
            listed = chat.memory.listed(chat.owner)
        except CareerAdvisorError as error:
            component.show_sentence("no-list", sentence(error), "problem")
            return
        if not listed:
            component.show_sentence("empty-list", "Your conversations will stand here.", "caption")
            return
        ids = [one.id for one in listed]
        current = ids.index(chat.view.conversation_id) if chat.view.conversation_id in ids else None
        block = render.conversation_list([one.title for one in listed], [_when(one.changed_at) for one in listed], current)
        component.show("conversations", [block], "list", component.Clicks(choice=partial(_enter, chat, listed)))
        if st.button("Delete all", key="delete-all", type="tertiary", icon=":material/delete:"):
            _confirm_all(chat)
        if st.user.get("is_logged_in"):
            st.button("Sign out", key="sign-out", type="tertiary", on_click=st.logout)


def recent(chat: Chat) -> None:
    """Those that were talked in last, on the opening page."""
    try:
        listed = chat.memory.listed(chat.owner)[:RECENT]
    except CareerAdvisorError:  # the list in the sidebar says so
        return
    if listed:
        block = render.choices([one.title for one in listed], "Go on where you left off")
        component.show("recent", [block], "shelf", component.Clicks(choice=partial(_enter, chat, listed)))


def _enter(chat: Chat, listed: Sequence[Summary], index: int) -> None:
    if 0 <= index < len(listed):
        chat.view.enter(listed[index].id)


def _when(at: datetime) -> str:
    days = (datetime.now(UTC).date() - at.date()).days
    return "Today" if days <= 0 else "Yesterday" if days == 1 else render.day(at.date().isoformat())


# --- the one that is open


def header(chat: Chat, conversation: Conversation) -> None:
    """Its title, and a menu."""
    with st.container(horizontal=True, vertical_alignment="center", key="conversation-head"):
        with st.container(width="stretch"):
            component.show(f"title-{conversation.id}", [markdown.plain(conversation.title)], "title")
        with st.container(width="content", horizontal=True, vertical_alignment="center"):
            st.button(
                "New", key="new", icon=":material/add:", type="tertiary", help="A new conversation", on_click=chat.view.enter, args=(None,)
            )
            introduce(chat, conversation.profile, conversation)
            with st.popover("More", icon=":material/more_horiz:", type="tertiary", key=f"menu-{conversation.id}"):
                _menu(chat, conversation)


def _menu(chat: Chat, conversation: Conversation) -> None:
    key = f"title-of-{conversation.id}"

    def rename() -> None:
        _told(chat, partial(chat.memory.rename, chat.owner, conversation.id, str(st.session_state[key])))

    if st.session_state.get(key) != conversation.title:
        st.session_state[key] = conversation.title  # which follows a first question that is edited, and may be changed in another tab
    st.text_input("Title", key=key, max_chars=LONGEST_TITLE, on_change=rename)
    st.download_button(
        "Export as Markdown",
        partial(export.conversation_text, conversation),
        export.file_name(conversation.title),
        "text/markdown",
        key=f"export-{conversation.id}",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )
    component.show_sentence("link-hint", "This page's address is the link to this conversation, in this browser.", "caption")
    _delete_one(chat, conversation)


def _delete_one(chat: Chat, conversation: Conversation) -> None:
    """Asks once more, in its place: a dialog would open behind the menu."""
    view = chat.view
    if view.deleting != conversation.id:
        ask_again = partial(setattr, view, "deleting", conversation.id)
        st.button("Delete", key=f"delete-{conversation.id}", icon=":material/delete:", width="stretch", on_click=ask_again)
        return
    component.show_sentence(f"delete-what-{conversation.id}", "Deleted is gone, with what you thought of its answers.", "caption")
    delete = partial(_delete, chat, partial(chat.memory.delete, chat.owner, conversation.id))
    st.button("Delete it for good", key="delete-sure", type="primary", width="stretch", on_click=delete)
    st.button("Keep it", key="delete-not", width="stretch", on_click=partial(setattr, view, "deleting", None))


@st.dialog("Delete all conversations?")
def _confirm_all(chat: Chat) -> None:
    component.show_sentence("delete-all-what", "All your conversations, with what you thought of the answers, will be gone.", "lead")

    def delete() -> None:
        chat.view.turn_to(None)
        _told(chat, partial(chat.memory.delete_all, chat.owner))

    is_deleted = st.button("Delete them all for good", key="delete-all-sure", type="primary", width="stretch", on_click=delete)
    if st.button("Keep them", key="delete-all-not", width="stretch") or is_deleted:
        st.rerun()


def _delete(chat: Chat, delete: partial[None]) -> None:
    chat.view.enter(None)
    _told(chat, delete)


def _told(chat: Chat, change: partial[None]) -> None:
    try:
        change()
    except CareerAdvisorError as error:
        chat.view.lost = "", sentence(error)


# --- what somebody says of themselves

FIELDS = {
    "background": ("I am …", "a software developer"),
    "likes": ("I like …", "statistics and calculus"),
    "wants": ("I want …", "to build products quickly"),
}


def introduce(chat: Chat, profile: Profile, conversation: Conversation | None = None) -> None:
    """A small form, behind a button that says whether there is anything in it."""
    key = f"profile-{conversation.id if conversation else 'new'}"

    def keep(chosen: Profile) -> None:
        if conversation:
            _told(chat, partial(chat.memory.introduce, chat.owner, conversation.id, chosen))
        else:
            chat.view.profile = chosen

    def read() -> None:
        keep(Profile(*(str(st.session_state[f"{key}-{name}"]).strip()[:LONGEST] for name in FIELDS)))

    def clear() -> None:
        for name in FIELDS:
            st.session_state[f"{key}-{name}"] = ""
        keep(Profile())

    with st.popover("About you (in use)" if profile else "About you", icon=":material/person:", type="tertiary", key=key):
        component.show_sentence(
            f"{key}-purpose", "Optional. It chooses and orders advice in this conversation, and changes no facts.", "caption"
        )
        for name, (said, example) in FIELDS.items():
            st.text_input(said, getattr(profile, name), key=f"{key}-{name}", max_chars=LONGEST, placeholder=example, on_change=read)
        if profile:
            st.button("Clear", key=f"{key}-clear", on_click=clear)
