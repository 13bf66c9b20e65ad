"""The articles page: the list of what answers are drawn from, and each article to read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

import streamlit as st

from ingest.errors import CareerAdvisorError
from ui import component, keeping, markdown, render
from ui.problems import sentence

if TYPE_CHECKING:
    from chatbot.advisor import Advisor

WIDTH = 720  # pixels
PARAMETER = "article"  # in the address, so that an article can be bookmarked and a refresh stays on it


def show(opening: Future[Advisor], reopen: Callable[[], object], is_keeper: bool = False) -> None:
    article_id = st.query_params.get(PARAMETER)
    with st.container(horizontal_alignment="center"), st.container(width=WIDTH):
        if article_id is None:
            st.title("Articles", anchor=False)
            if is_keeper:
                keeping.show()
        if not opening.done():
            component.show_opening(opening)
            return
        try:
            if article_id is None:
                _list(opening.result())
            else:
                _read(opening.result(), article_id)
        except Exception as error:
            component.show_problem("no-articles", error, reopen)


def _list(advisor: Advisor) -> None:
    stored = advisor.articles()
    component.show("articles-purpose", [markdown.plain("Answers are drawn from these articles, and from nothing else.")], "lead")
    cards = [render.article_card(one.article, one.passages, one.ingested_at) | {"index": index} for index, one in enumerate(stored)]

    def read(index: int) -> None:
        if 0 <= index < len(stored):
            st.query_params[PARAMETER] = stored[index].article.id

    component.show("articles", cards, "cards", component.Clicks(choice=read))


def _read(advisor: Advisor, article_id: str) -> None:
    st.button("All articles", key="all-articles", icon=":material/arrow_back:", type="tertiary", on_click=st.query_params.clear)
    try:
        panel = render.article_panel(advisor.article(article_id).article)
    except CareerAdvisorError as error:
        component.show("no-article", [markdown.plain(sentence(error))], "problem")
        return
    component.show(f"article-{article_id}", [{"kind": "head", **panel, "blocks": []}, *panel["blocks"]], "article")
