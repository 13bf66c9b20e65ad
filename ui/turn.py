"""One turn of the chat page: the question, its answer as it grows and when it is there, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from chatbot.memory import LONGEST_COMMENT, Conversation, Exchange
from chatbot.recheck import Quoted, recheck
from chatbot.types import Answer
from ingest.errors import CareerAdvisorError
from ui import component, drafts, export, markdown, render
from ui.answering import Work
from ui.problems import sentence
from ui.view import Chat

AT_ONCE_SECONDS = 0.25  # most answers need less, and are then shown without a line that says to wait
NEAREST = 3  # passages shown below a question that the articles do not answer
PENDING = dict.fromkeys(range(1000), "")  # any number, while nothing is known of its source: it has its look already, so that no line moves
UNANSWERED = "This question was not answered; please ask again."


def show_turn(chat: Chat, conversation: Conversation, turn: Exchange) -> Exchange:
    """Draws a question and its answer, and returns it as it was drawn, for it may have been answered meanwhile; while that is under way it is drawn again and again, and nothing else of the page.

    An answer stays a fragment when it is complete: the browser would otherwise build its elements anew, and the page would jump.
    """
    is_last = turn is conversation.turns[-1]
    with st.container(key=f"turn-{turn.id}"):
        if chat.view.editing == turn.id:
            _editing(chat, turn)
        else:
            component.show(f"question-{turn.id}", [markdown.plain(turn.question)], "question", arrives=turn.id == chat.view.rising)
        work = chat.desk.work(turn.id) if turn.state == "asked" else None
        if work:
            work.finished.wait(AT_ONCE_SECONDS if not work.pieces else 0)
        if turn.state == "asked":
            turn = _as_kept(chat, conversation, turn)
        is_open, is_finished = seen = chat.opening.done(), turn.state != "asked" or work is None
        poll = None if is_finished else component.POLL_SECONDS if is_open else component.OPENING_POLL_SECONDS
        st.fragment(_reply, run_every=poll)(chat, conversation, turn, is_last, seen)
    return turn


def _as_kept(chat: Chat, conversation: Conversation, turn: Exchange) -> Exchange:
    """The turn as it is kept now: it may have been settled since the page was begun to be drawn."""
    try:
        kept = chat.memory.conversation(chat.owner, conversation.id)
    except CareerAdvisorError:
        return turn
    return next((one for one in kept.turns if one.id == turn.id), turn)


def _reply(chat: Chat, conversation: Conversation, turn: Exchange, is_last: bool, seen: tuple[bool, bool]) -> None:
    work = chat.desk.work(turn.id) if turn.state == "asked" else None
    if (chat.opening.done(), work is None) != seen:
        st.rerun()  # the whole page, once, to look at it more often, or no longer
    if turn.answer:
        _answer(chat, conversation, turn, turn.answer, is_last)
    elif work:
        _growing(chat, turn, work)
    else:
        _broken(chat, turn)


def _growing(chat: Chat, turn: Exchange, work: Work) -> None:
    if work.pieces:
        component.show(f"answer-{turn.id}", markdown.blocks(work.text, PENDING))
    else:
        waiting = "Looking through the articles …" if chat.opening.done() else "Getting the articles ready, then answering …"
        component.show(f"answer-{turn.id}", [markdown.plain(waiting)], "status")
    stop = component.Clicks(act={"stop": partial(chat.desk.stop, turn.id)})
    component.show(f"acts-{turn.id}", [render.actions(("stop", "Stop answering", False))], "acts", stop)


def _broken(chat: Chat, turn: Exchange) -> None:
    """What there is of an answer that did not come to its end, why, and the ways to ask again."""
    if turn.partial:
        component.show(f"answer-{turn.id}", markdown.blocks(turn.partial))
        component.show_sentence(f"incomplete-{turn.id}", "The answer above is incomplete.")
    if turn.state == "stopped":
        if not turn.partial:
            component.show_sentence(f"stopped-{turn.id}", "You stopped this answer.")
    else:
        component.show_sentence(f"error-{turn.id}", turn.problem or UNANSWERED, "problem")
    with st.container(horizontal=True):
        component.show_button("Ask again", f"error-{turn.id}-retry", partial(chat.ask, turn.question, turn.id))
        # one that is too long can only be asked in other words
        component.show_button("Edit the question", f"error-{turn.id}-edit", partial(setattr, chat.view, "editing", turn.id))


def _editing(chat: Chat, turn: Exchange) -> None:
    def ask() -> None:
        question = str(st.session_state.get(f"edited-{turn.id}", "")).strip()
        if question:
            chat.ask(question, turn.id)

    def cancel() -> None:
        chat.view.editing = None

    with st.form(f"edit-{turn.id}"):
        st.text_area("Your question", turn.question, key=f"edited-{turn.id}", height="content")
        with st.container(horizontal=True):
            st.form_submit_button("Ask this instead", type="primary", on_click=ask)
            st.form_submit_button("Cancel", on_click=cancel)


# --- an answer


def _answer(chat: Chat, conversation: Conversation, turn: Exchange, answer: Answer, is_last: bool) -> None:
    standings = _standings(chat, answer)
    clicks = component.Clicks(
        mark=partial(chat.open_source, turn.id, answer),
        open_mark=chat.view.open_mark(turn.id),
        quotes=render.quotes(answer.citations, standings),
    )
    component.show(f"answer-{turn.id}", render.answer_blocks(answer), clicks=clicks)
    if answer.notices:
        component.show(f"notices-{turn.id}", [markdown.plain(notice) for notice in answer.notices], "notice")
    if answer.citations:
        component.show(f"sources-{turn.id}", render.sources(answer.citations, _notes(chat, answer), standings), "sources", clicks)
    if answer.status == "abstained" and answer.passages:
        nearest = render.nearest(answer.passages[:NEAREST])
        component.show(f"nearest-{turn.id}", [markdown.plain("Nearest to it in the articles, but no answer:"), *nearest], "near")
    _acts(chat, conversation, turn, answer, is_last)
    if is_last and answer.suggestions:
        label = "Go on with" if answer.status == "answered" else "You could ask"
        ask = component.Clicks(choice=partial(ask_one, chat, answer.suggestions))
        component.show(f"suggestions-{turn.id}", [render.choices(answer.suggestions, label)], clicks=ask)
    with st.expander("How this answer came about", key=f"details-box-{turn.id}", type="compact"):
        component.show(f"details-{turn.id}", render.details(answer), "details")


def ask_one(chat: Chat, questions: Sequence[str], index: int) -> None:
    """Asks one of the questions that were offered; any other number asks nothing."""
    if 0 <= index < len(questions):
        chat.ask(questions[index])


def _notes(chat: Chat, answer: Answer) -> dict[str, str]:
    """Of each cited article, whose work it retells."""
    articles = {one.article.id: one.article for one in chat.advisor.articles()} if chat.advisor else {}
    cited = {citation.article_id for citation in answer.citations} & articles.keys()
    return {article_id: render.retold_from(articles[article_id].based_on) for article_id in cited}


def _standings(chat: Chat, answer: Answer) -> dict[int, str]:
    """What became of each quote of an answer that was given from other articles than are served now; nothing where they are the same."""
    if not chat.advisor or answer.generation == chat.advisor.generation:
        return {}
    articles = {one.article.id: one.article.text for one in chat.advisor.articles()}
    return {citation.number: recheck(Quoted.of(citation), articles).fate for citation in answer.citations}


# --- what can be done with it


def _acts(chat: Chat, conversation: Conversation, turn: Exchange, answer: Answer, is_last: bool) -> None:
    items: list[tuple[str, str, str | bool]] = [("copy", "Copy the answer with its quotes", export.turn_text(turn))]
    acts: dict[str, Callable[[], None]] = {
        "up": partial(_rate, chat, conversation, turn, 1),
        "down": partial(_rate, chat, conversation, turn, -1),
    }
    if is_last:
        items += [("again", "Answer anew", False), ("edit", "Edit the question", False)]
        acts |= {"again": partial(chat.ask, turn.question, turn.id), "edit": partial(setattr, chat.view, "editing", turn.id)}
    items += [("up", "Good answer", turn.thumb > 0), ("down", "Bad answer", turn.thumb < 0)]
    component.show(f"acts-{turn.id}", [render.actions(*items)], "acts", component.Clicks(act=acts))
    if chat.view.commenting == turn.id:
        _commenting(chat, conversation, turn, answer)
    elif thanks := chat.view.thanked.get(turn.id):
        component.show_sentence(f"thanks-{turn.id}", thanks, "caption")


def _rate(chat: Chat, conversation: Conversation, turn: Exchange, thumb: int) -> None:
    """A second click takes a thumb back."""
    given = 0 if turn.thumb == thumb else thumb
    _kept(chat, turn, partial(chat.memory.rate, chat.owner, conversation.id, turn.id, given, turn.comment if given else ""), "")
    chat.view.commenting = turn.id if given else None


def _commenting(chat: Chat, conversation: Conversation, turn: Exchange, answer: Answer) -> None:
    key = f"comment-{turn.id}"

    def comment() -> str:
        return str(st.session_state.get(key, "")).strip()

    def save() -> None:
        _kept(chat, turn, lambda: chat.memory.rate(chat.owner, conversation.id, turn.id, turn.thumb, comment()), "Thank you, it was kept.")

    def draft() -> None:
        save()
        earlier = [one.question for one in conversation.turns[: conversation.turns.index(turn)]]
        _kept(chat, turn, lambda: drafts.add(answer, earlier, comment()), "Kept, and a draft of it added to the question set.")

    with st.form(f"comment-box-{turn.id}"):
        st.text_area(
            "What is wrong with it? (optional)" if turn.thumb < 0 else "What is good about it? (optional)",
            turn.comment,
            key=key,
            max_chars=LONGEST_COMMENT,
            height=80,
        )
        with st.container(horizontal=True):
            st.form_submit_button("Send", type="primary", on_click=save)
            if chat.is_keeper and turn.thumb < 0:
                st.form_submit_button("Add to the question set", on_click=draft)


def _kept(chat: Chat, turn: Exchange, keep: Callable[[], object], thanks: str) -> None:
    chat.view.commenting = None
    try:
        keep()
        chat.view.thanked[turn.id] = thanks
    except CareerAdvisorError as error:
        chat.view.thanked[turn.id] = sentence(error)
