"""The page in a real browser: what a person clicks and sees, and what never leaves the page."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python import base as axe
from page_support import PYTHON, ROOT, STARTERS, collected, corpus_article, payloads
from sampling import sampled

from ui.settings import COOKIE

SECURITY = os.environ.get("CAREER_SECURITY_DATA", "")  # a folder of collected payloads; the tests do without
AXE = Path(axe.__file__).with_name("axe.min.js")
CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome", "chrome") if (path := shutil.which(name))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH"),
    # the browser's driver runs an event loop of its own, whose sockets the interpreter may find open at the end
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
SESSIONS, SOAK_SECONDS = 20, 600
SERVERS: dict[str, int] = {}  # address -> process id
SECONDS = 15_000  # milliseconds that a person would never wait

# every element of a kind, inside shadow roots too
DEEP = """(selector) => {
  const found = []
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.matches(selector)) found.push(element)
      if (element.shadowRoot) walk(element.shadowRoot)
    }
  }
  walk(document)
  return found.map((element) => element.href || element.outerHTML.slice(0, 200))
}"""
FOREIGN_MEDIA = "img, iframe, object, embed, [src]:not(head script), svg image, svg use, body script"


# --- the page, its browser, and a server that must never be called


def width_of(value: Any) -> str | None:
    """Names a case by its window's width."""
    return str(value["width"]) if isinstance(value, dict) else None


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(name: str, catcher: str = "", more: str = "") -> Iterator[str]:
    """The address of the page with one of page_support's advisors, or of another script; `more` is a file of payloads."""
    port = free_port()
    command = [sys.executable, str(ROOT / "tests" / "page_support.py"), str(port), name, catcher, more]
    folder = Path(tempfile.mkdtemp())
    environment = {**os.environ, "CAREER_DATA": str(folder)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not is_up(address):
            assert process.poll() is None, "the page's server ended"
            assert time.monotonic() < deadline, "the page's server did not start"
            time.sleep(0.1)
        SERVERS[address] = process.pid
        yield address
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder)


def wait_until(holds: Callable[[], bool]) -> None:
    """Raises AssertionError where it does not hold within the time that a person would wait."""
    deadline = time.monotonic() + SECONDS / 1000
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False


class Catcher:
    """A server in a stranger's place; `calls` is what reached it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        calls = self.calls

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                calls.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    server = Catcher()
    yield server
    server.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def usual() -> Iterator[str]:
    with served("usual") as address:
        yield address


Visit = Callable[..., Any]


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    """Opens an address in a fresh profile."""
    contexts = []

    def go(address: str, viewport: dict[str, int] = WIDE, **options: Any) -> Any:
        contexts.append(browser.new_context(viewport=viewport, **options))
        return opened(contexts[-1], address)

    yield go
    for context in contexts:
        context.close()


def opened(context: Any, address: str) -> Any:
    """A page, whose `requests` are all addresses that it asked for, and `errors` what went wrong in it."""
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    page.requests, page.errors = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("dialog", lambda dialog: (page.errors.append(f"a script says {dialog.message}"), dialog.dismiss()))
    page.goto(address)
    page.locator("textarea, h1, h2").first.wait_for()
    return page


@pytest.fixture(scope="module")
def answered(browser: Any, usual: str) -> Iterator[Any]:
    """A wide page with an answer, which tests share that put back what they change: to load one takes seconds."""
    context = browser.new_context(viewport=WIDE)
    page = opened(context, usual)
    ask(page, "What does an AI engineer do?")
    yield page
    context.close()


def foreign(page: Any, address: str) -> list[str]:
    """Requests to any place but the page's own server."""
    own = (address, address.replace("http", "ws", 1), "data:", "blob:")
    return [url for url in page.requests if not url.startswith(own)]


def ask(page: Any, question: str) -> None:
    before = page.get_by_text("How this answer came about").count()
    page.locator("textarea").fill(question)
    page.keyboard.press("Enter")
    page.get_by_text("How this answer came about").nth(before).wait_for()


def is_in_view(locator: Any) -> bool:
    """Whether a person sees it: inside the window, and nothing lies over it."""
    return bool(
        locator.evaluate(
            """element => {
              const box = element.getClientRects()[0]
              const [x, y] = [box.left + box.width / 2, box.top + box.height / 2]
              let top = document.elementFromPoint(x, y)
              while (top?.shadowRoot) {
                const inner = top.shadowRoot.elementFromPoint(x, y)
                if (!inner || inner === top) break
                top = inner
              }
              return box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight && element.contains(top)
            }"""
        )
    )


def overflows(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"))


# --- what a person does


@pytest.mark.parametrize(("scheme", "viewport"), sampled(product(("light", "dark"), (WIDE, NARROW)), 2), ids=width_of)
def test_one_click_on_a_number_shows_the_quoted_sentence_highlighted(usual: str, visit: Visit, viewport: Any, scheme: str) -> None:
    page = visit(usual, viewport, color_scheme=scheme)
    ask(page, "What does an AI engineer do?")
    page.get_by_role("button", name=f"Source 2: {corpus_article().title}").first.click()
    mark = page.locator("dialog[open] mark")
    mark.first.wait_for()
    assert mark.all_inner_texts() == [PYTHON]
    assert is_in_view(mark.first)
    dialog = page.locator("dialog[open]")
    for words in (corpus_article().title, "the Career Advisor project", "22 November 2026", "Retold here from a text by Celoris Learning"):
        assert is_in_view(dialog.locator("header").get_by_text(words).first), words
    assert not overflows(page)
    assert foreign(page, usual) == []
    assert page.errors == []


def test_the_article_stands_beside_the_conversation_on_a_wide_screen_and_over_it_on_a_narrow_one(answered: Any) -> None:
    page = answered
    before = page.locator(".root.answer").first.bounding_box()
    page.locator("button.mark").first.click()
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    answer = page.locator(".root.answer").first.bounding_box()
    assert (answer["y"], answer["width"], answer["height"]) == (before["y"], before["width"], before["height"])  # nothing is set anew
    assert answer["x"] + answer["width"] <= dialog.bounding_box()["x"]
    assert is_in_view(page.locator("textarea"))
    page.set_viewport_size(NARROW)
    wait_until(lambda: dialog.bounding_box() == {"x": 0, "y": 0, **NARROW})  # the page hears of its size a moment later
    page.keyboard.press("Escape")
    page.set_viewport_size(WIDE)  # as it closes: it does not come back for that
    page.locator("dialog").wait_for(state="detached")


def test_the_keyboard_opens_a_source_and_comes_back(answered: Any) -> None:
    page = answered
    number = page.get_by_role("button", name="Source 1: ").first
    number.focus()
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    assert number.evaluate("element => element.getRootNode().activeElement === element")


def test_the_same_number_can_be_opened_closed_and_opened_again(usual: str, visit: Visit) -> None:
    page = visit(usual, NARROW)
    ask(page, "What does an AI engineer do?")
    for _ in range(3):
        page.locator("button.mark").first.click()
        page.locator("dialog[open] mark").first.wait_for()
        page.get_by_role("button", name="Close").click()
        page.locator("dialog").wait_for(state="detached")


def test_back_closes_an_article_that_lies_over_the_conversation(usual: str, visit: Visit) -> None:
    page = visit(usual, NARROW)
    ask(page, "What does an AI engineer do?")
    link = page.url
    number = page.locator("button.mark").first
    for leave in (page.go_back, page.get_by_role("button", name="Close").click, lambda: page.keyboard.press("Escape"), page.go_back):
        number.click()
        page.locator("dialog[open] mark").first.wait_for()
        leave()
        page.locator("dialog").wait_for(state="detached")
        assert page.url == link
        assert is_in_view(number)
    page.go_back()
    page.get_by_text("Try one of these").wait_for()
    assert page.errors == []


def test_a_half_typed_question_outlasts_another_page_and_a_refresh(usual: str, visit: Visit) -> None:
    page = visit(usual, NARROW)
    box = page.locator("textarea")
    page.locator(".st-key-tend .root").wait_for(state="attached")  # a person types no faster
    box.fill("What does an AI")
    for name in ("Articles", "Which path fits me?", "Evaluation"):
        page.locator(".st-key-pages").get_by_role("link", name=name, exact=True).click()
        page.get_by_role("heading", name=name, exact=True).wait_for()
        box.wait_for(state="detached")
        page.locator(".st-key-pages").get_by_role("link", name="Ask", exact=True).click()
        page.wait_for_function("() => document.querySelector('textarea')?.value === 'What does an AI'")
    page.reload()
    page.wait_for_function("() => document.querySelector('textarea')?.value === 'What does an AI'")
    assert page.locator(".root.question").count() == 0
    box.press_sequentially(" engineer do?")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What does an AI engineer do?", exact=True, level=2).wait_for()
    page.reload()  # what was sent is no draft any more
    page.get_by_text("How this answer came about").wait_for()
    page.wait_for_timeout(500)
    assert box.input_value() == ""


def test_a_starter_asks_and_a_suggestion_asks(usual: str, visit: Visit) -> None:
    page = visit(usual, NARROW)
    page.get_by_role("button", name=STARTERS[2]).click()
    page.get_by_role("table").wait_for()
    assert page.get_by_role("columnheader").all_inner_texts() == ["Aspect", "AI engineer", "Generative AI engineer"]
    assert not overflows(page)
    ask(page, "How is the weather?")
    page.get_by_role("button", name=STARTERS[0]).click()
    page.get_by_text("How this answer came about").nth(2).wait_for()
    assert page.locator(".root.question").nth(2).inner_text() == STARTERS[0]


def test_a_new_question_rises_to_the_top_and_its_end_is_announced(usual: str, visit: Visit) -> None:
    page = visit(usual, NARROW)
    for question in ("What does an AI engineer do?", "How is the weather?"):
        ask(page, question)
    page.get_by_role("status").filter(has_text="The articles do not answer “How is the weather?”.").wait_for(state="attached")
    assert is_in_view(page.locator(".root.question > *").last)


GROWING = """answer => {
    answer.dataset.kept = "yes"
    return [answer.innerText, answer.querySelectorAll("button").length]
}"""  # looked at in one moment, however slow the machine is


def test_a_question_typed_while_the_model_loads_is_answered_as_it_comes(visit: Visit) -> None:
    with served("slow") as address:
        page = visit(address)
        page.locator("textarea").fill("What does an AI engineer do?")
        page.keyboard.press("Enter")
        page.locator(".root.question").wait_for()
        page.get_by_text("A traditional AI engineer creates").wait_for()
        first = page.locator(".root.answer").first
        early, buttons = first.evaluate(GROWING)
        assert buttons == 0  # nothing to click before it is known what a number stands for
        page.get_by_text("How this answer came about").wait_for()
        assert first.get_attribute("data-kept") == "yes"  # the answer grew in place
        assert first.locator("button.mark").count() == 3
        assert early.split()[0] in first.inner_text()
        assert "part of its job" in first.inner_text()
        assert "part of its job" not in early  # it was shown before it was whole
        page.locator("textarea").fill("What does an AI engineer do again?")
        page.keyboard.press("Enter")
        page.locator(".root.answer").nth(1).get_by_text("A traditional").wait_for()
        page.get_by_role("button", name="Stop answering").click()
        page.get_by_text("The answer above is incomplete.").wait_for()
        assert len(page.locator(".root.answer").nth(1).inner_text()) < len(first.inner_text())
        page.get_by_role("button", name="Ask again").wait_for()


def test_the_articles_page_lists_and_reads(usual: str, visit: Visit) -> None:
    page = visit(f"{usual}/articles", NARROW)
    page.get_by_role("button", name=corpus_article().title).click()
    page.get_by_role("heading", name="Demand and pay").wait_for()
    assert "article=ai-engineer-or-generative-ai-engineer" in page.url
    assert not overflows(page)
    page.reload()
    page.get_by_role("heading", name="Demand and pay").wait_for()
    page.get_by_role("button", name="All articles").click()
    page.get_by_text("12 passages").first.wait_for()


def test_the_pages_links_stand_in_the_same_place_on_every_page(usual: str, visit: Visit) -> None:
    page = visit(usual)
    link = page.locator("[data-testid=stHeader]").get_by_role("link", name="Articles", exact=True)
    page.locator("[data-testid=stExpandSidebarButton]").wait_for()
    left = link.bounding_box()["x"]
    link.click()
    page.get_by_role("heading", name="Articles", exact=True).wait_for()
    page.wait_for_timeout(500)  # the list's button goes now or with a later run, and the links stand still either way
    assert link.bounding_box()["x"] == left


@pytest.mark.parametrize("viewport", sampled([WIDE, NARROW, {"width": 320, "height": 600}], 1), ids=width_of)
def test_the_pages_can_be_gone_to_without_opening_a_menu(usual: str, visit: Visit, viewport: Any) -> None:
    page = visit(usual, viewport)
    bar = page.locator(".st-key-pages" if viewport["width"] < 768 else "[data-testid=stHeader]")  # Streamlit's own breakpoint
    for name, heading in (("Articles", "Articles"), ("Which path fits me?", "Which path fits me?"), ("Ask", "Career Advisor")):
        link = bar.get_by_role("link", name=name, exact=True)
        link.wait_for()
        assert is_in_view(link)
        link.click()
        page.get_by_role("heading", name=heading, exact=True).wait_for()
    assert not overflows(page)


def test_the_word_on_an_open_menu_can_be_read_in_the_dark(usual: str, visit: Visit) -> None:
    page = visit(usual, NARROW, color_scheme="dark")
    menu = page.get_by_role("button", name="About you")
    colour = "element => getComputedStyle(element).color"
    closed = menu.evaluate(colour)
    menu.click()
    page.get_by_label("I am").wait_for()
    assert menu.evaluate(colour) == closed


def test_an_answer_is_copied_where_the_browser_has_no_clipboard(answered: Any) -> None:
    page = answered
    # as over plain http from another machine
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
    page.evaluate("document.addEventListener('copy', () => { window.copied = String(document.activeElement.value) })")
    page.get_by_role("button", name="Copy the answer").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert PYTHON in page.evaluate("window.copied")
    page.evaluate("delete navigator.clipboard")  # the browser's own is seen again


# --- conversations


def test_a_conversation_chosen_on_a_phone_is_seen_and_its_questions_are_headings(usual: str, visit: Visit) -> None:
    page = visit(usual, NARROW)
    ask(page, "What does an AI engineer do?")
    page.locator("[data-testid=stExpandSidebarButton]").click()
    page.locator("button.conversation").first.click()
    page.locator("#stSidebar[data-collapsed=true]").wait_for(state="attached")
    question = page.get_by_role("heading", name="What does an AI engineer do?", exact=True, level=2)
    question.wait_for()
    page.locator("[data-testid=stExpandSidebarButton]").click()
    page.get_by_role("button", name="New conversation").click()
    page.locator("#stSidebar[data-collapsed=true]").wait_for(state="attached")
    page.get_by_text("Try one of these").wait_for()
    page.go_back()
    question.wait_for()
    page.locator("button.mark").nth(1).click()
    mark = page.locator("dialog[open] mark").first
    mark.wait_for()
    page.set_viewport_size({"width": NARROW["height"], "height": NARROW["width"]})  # turned
    page.wait_for_timeout(300)
    assert is_in_view(mark)


def test_a_conversation_outlives_a_refresh_and_is_this_browsers_alone(usual: str, visit: Visit) -> None:
    page = visit(usual)
    ask(page, "What does an AI engineer do?")
    link = page.url
    assert "?c=" in link
    page.locator("button.mark").nth(1).hover()
    assert PYTHON in page.locator(".quoted").inner_text()
    (cookie,) = [cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    page.reload()
    page.get_by_text("A traditional AI engineer creates").wait_for()
    tab = page.context.new_page()
    tab.goto(link)
    tab.get_by_text("A traditional AI engineer creates").wait_for()
    stranger = visit(link)
    stranger.get_by_text("There is no such conversation here").wait_for()
    assert stranger.get_by_text("A traditional AI engineer creates").count() == 0


def test_another_tab_follows_and_leaves_what_is_read_and_typed_there(usual: str, visit: Visit) -> None:
    page = visit(usual, NARROW)
    ask(page, "What does an AI engineer do?")
    tab = page.context.new_page()
    tab.goto(page.url)
    tab.get_by_text("How this answer came about").wait_for()
    tab.locator("textarea").fill("half a question")
    tab.wait_for_timeout(500)
    tab.evaluate(
        "() => { window.changes = 0; new MutationObserver(() => window.changes++).observe(document.querySelector('#stMain') ?? document.body, {subtree: true, childList: true}) }"
    )
    top, said = tab.locator(".root.answer").first.bounding_box()["y"], tab.get_by_role("status").all_inner_texts()
    tab.wait_for_timeout(5000)
    assert tab.evaluate("window.changes") == 0  # to look costs nothing that anybody notices
    ask(page, "How do the two roles compare?")
    tab.get_by_role("table").wait_for()
    assert tab.locator("textarea").input_value() == "half a question"
    assert tab.locator(".root.answer").first.bounding_box()["y"] == top
    assert tab.get_by_role("status").all_inner_texts() == said
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_label("Title").fill("Chosen")
    page.keyboard.press("Enter")
    tab.locator(".root.title").get_by_text("Chosen").wait_for()
    assert tab.locator("textarea").input_value() == "half a question"


def test_a_conversation_is_named_exported_and_deleted(usual: str, visit: Visit) -> None:
    page = visit(usual, NARROW)
    ask(page, "What does an AI engineer do?")
    page.get_by_role("button", name="More").click()
    page.get_by_label("Title").fill("<b>My</b> ![name](x)")
    page.keyboard.press("Enter")
    page.locator(".root.title").get_by_text("<b>My</b> ![name](x)").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as Markdown").click()
    assert download.value.suggested_filename == "b-my-b-name-x.md"
    assert PYTHON in Path(download.value.path()).read_text(encoding="utf-8")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete it for good").click()
    page.get_by_text("Try one of these").wait_for()
    assert "?c=" not in page.url


def test_all_conversations_are_kept_or_deleted(usual: str, visit: Visit) -> None:
    page = visit(usual)
    ask(page, "What does an AI engineer do?")
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("button", name="Delete all").click()
    page.get_by_role("button", name="Keep them").click()
    page.get_by_role("dialog").wait_for(state="detached")
    page.get_by_role("button", name="Delete all").click()
    page.get_by_role("button", name="Delete them all for good").click()
    page.get_by_text("Try one of these").wait_for()
    page.wait_for_url(lambda url: "?c=" not in url)  # a refresh would not find what is gone


def test_a_finger_sees_the_quote_and_then_the_article(usual: str, visit: Visit) -> None:
    page = visit(usual, NARROW, has_touch=True, is_mobile=True)
    ask(page, "What does an AI engineer do?")
    page.locator("button.mark").nth(1).tap()
    card = page.locator(".quoted")
    card.get_by_text(PYTHON).wait_for()
    assert not overflows(page)
    card.get_by_role("button", name="Read it in the article").tap()
    page.locator("dialog[open] mark").first.wait_for()
    assert page.locator("dialog[open] mark").all_inner_texts() == [PYTHON]


def test_the_guide_leads_to_a_conversation(usual: str, visit: Visit) -> None:
    page = visit(f"{usual}/guide", NARROW)
    for name in ("Apps", "Creative"):
        page.get_by_role("button", name=name).click()
        page.locator("button[aria-pressed=true]", has_text=name).wait_for()
    page.get_by_role("button", name="Show my path").click()
    page.get_by_text("more speak for").wait_for()
    assert "?c=" in page.url
    assert not overflows(page)


def test_every_answer_of_the_server_carries_its_guards(usual: str) -> None:
    with urllib.request.urlopen(usual) as page, urllib.request.urlopen(f"{usual}/_stcore/health") as health:
        for response in (page, health):
            assert "connect-src 'self'" in response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert COOKIE in page.headers["Set-Cookie"]
        assert COOKIE not in (health.headers["Set-Cookie"] or "")
    again = urllib.request.Request(usual, headers={"Cookie": page.headers["Set-Cookie"].split(";")[0]})
    with urllib.request.urlopen(again) as page:
        assert COOKIE not in (page.headers["Set-Cookie"] or "")


def resident(address: str) -> int:
    """The memory in MB of the page's server."""
    status = Path(f"/proc/{SERVERS[address]}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024  # type: ignore[index]


@pytest.mark.soak
def test_twenty_people_at_once_get_each_their_own_answer(browser: Any) -> None:
    """For ten minutes: no error, no mixed answer, and memory that does not grow once everybody is there."""
    with served("echo") as address:
        pages = []
        for _ in range(SESSIONS):
            page = browser.new_context(viewport=NARROW).new_page()
            page.set_default_timeout(60_000)
            page.errors = []
            page.on("pageerror", lambda error, page=page: page.errors.append(str(error)))
            page.goto(address)
            pages.append(page)
        end = time.monotonic() + SOAK_SECONDS
        early, turn = 0, 0
        while time.monotonic() < end:
            for number, page in enumerate(pages):
                page.locator("textarea").fill(f"Question {turn} of person {number}?")
                page.keyboard.press("Enter")
            for number, page in enumerate(pages):
                page.get_by_text(f"Asked: Question {turn} of person {number}?").first.wait_for()
                told = set(re.findall(r"of person (\d+)", " ".join(page.locator(".root").all_inner_texts())))
                assert told == {str(number)}
                assert page.errors == []
                assert page.locator(".root.problem").count() == 0
            turn += 1
            if turn % 5 == 0:  # a conversation of a few turns, as people have them
                for page in pages:
                    page.get_by_role("button", name="New", exact=True).click()
                    page.get_by_text("Try one of these").wait_for()
            if turn == 10:
                early = resident(address)
        assert turn >= 10
        assert resident(address) < early * 1.25 + 40
        for page in pages:
            page.context.close()


# --- for everybody


def violations(page: Any) -> list[str]:
    """What axe-core finds of serious or worse."""
    page.wait_for_timeout(300)  # what fades in has a low contrast until it is there
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found if one["impact"] in {"serious", "critical"}]


@pytest.mark.parametrize(("viewport", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=width_of)
def test_nothing_stands_in_the_way_of_a_screen_reader(usual: str, visit: Visit, viewport: Any, scheme: str) -> None:
    page = visit(usual, viewport, color_scheme=scheme)
    page.get_by_text("Try one of these").wait_for()
    assert violations(page) == []
    ask(page, "How do the two roles compare, and what is the pay?")
    page.get_by_text("How this answer came about").click()
    page.get_by_role("button", name="Bad answer").click()
    page.get_by_text("What is wrong with it?").wait_for()
    assert violations(page) == []
    page.locator("button.mark").first.click()
    page.locator("dialog[open] mark").first.wait_for()
    assert violations(page) == []
    for place, shown in (("guide", "button.option"), ("articles", "article.card"), ("evaluation", "h1")):
        page.goto(f"{usual}/{place}")
        page.locator(shown).first.wait_for()
        assert violations(page) == []
        assert not overflows(page)


# --- what never leaves the page


def see_everything(page: Any, question: str) -> list[str]:
    """Opens all that the page shows, and collects the links of each state."""
    links: list[str] = []

    def look() -> None:
        page.wait_for_timeout(400)
        assert page.evaluate(DEEP, FOREIGN_MEDIA) == []
        links.extend(href for href in page.evaluate(DEEP, "a[href]") if "127.0.0.1" in href or not href.startswith("http"))

    look()
    for asked in (question, f"nothing {question}", "fail"):
        page.locator("textarea").fill(asked)
        page.keyboard.press("Enter")
        page.get_by_text("How this answer came about").or_(page.get_by_role("button", name="Ask again")).last.wait_for()
        look()
    for details in page.get_by_text("How this answer came about").all():
        details.click()
    page.get_by_role("button", name="More").click()
    look()
    page.keyboard.press("Escape")
    page.locator("[data-testid=stExpandSidebarButton]").click()
    page.locator("button.conversation").first.wait_for()
    look()
    page.locator("button.mark").first.click()
    page.locator("dialog[open] mark").first.wait_for()
    look()
    return links


def test_hostile_text_stays_text(visit: Visit, catcher: Catcher) -> None:
    nothing_gets_out(visit, catcher)


@pytest.mark.skipif(not SECURITY, reason="CAREER_SECURITY_DATA names no folder of collected payloads")
def test_a_sample_of_collected_payloads_stays_text(visit: Visit, catcher: Catcher, tmp_path: Path) -> None:
    attacks = random.Random(20261124).sample(collected(Path(SECURITY), catcher.address), 60)
    nothing_gets_out(visit, catcher, attacks, tmp_path / "payloads.json")


@pytest.mark.soak
@pytest.mark.skipif(not SECURITY, reason="CAREER_SECURITY_DATA names no folder of collected payloads")
def test_all_collected_payloads_stay_text(visit: Visit, catcher: Catcher, tmp_path: Path) -> None:
    attacks = collected(Path(SECURITY), catcher.address)
    for first in range(0, len(attacks), 100):
        nothing_gets_out(visit, catcher, attacks[first : first + 100], tmp_path / "payloads.json")


def nothing_gets_out(visit: Visit, catcher: Catcher, attacks: Sequence[str] = (), file: Path | None = None) -> None:
    """Over every surface that shows text: no foreign request, no image, no script, no link but the article's own."""
    if file:
        file.write_text(json.dumps(list(attacks)), encoding="utf-8")
    with served("hostile", catcher.address, str(file or "")) as address:
        page = visit(address)
        page.get_by_text("Try one of these").wait_for()
        links = see_everything(page, attacks[0] if attacks else payloads(catcher.address)[0])
        # the pages, and the link that skips to the text
        own = re.compile(rf"{re.escape(address)}/(?:\w*)(?:\?c=[\w-]+)?(?:#stMain)?")
        assert {link for link in links if not own.fullmatch(link)} == {f"{catcher.address}/original"}  # the article's own
        for attribute, value in (("rel", "noopener noreferrer"), ("target", "_blank")):
            assert page.locator("dialog[open] header a").get_attribute(attribute) == value
        assert foreign(page, address) == []
        page.goto(f"{address}/guide")
        page.locator("button.option").first.click()
        page.locator("button.option[aria-pressed=true]").wait_for()
        page.get_by_role("button", name="Show my path").click()
        page.get_by_text("What speaks for").first.wait_for()
        assert page.evaluate(DEEP, FOREIGN_MEDIA) == []
        page.goto(f"{address}/articles")
        page.locator("article.card button").first.click()
        page.get_by_text("The end.").wait_for()
        assert page.evaluate(DEEP, FOREIGN_MEDIA) == []
        assert foreign(page, address) == []
        assert page.errors == []
    assert catcher.calls == []


def test_the_same_text_without_the_renderer_does_call_out(visit: Visit, catcher: Catcher, tmp_path: Path) -> None:
    """The control: were the test above blind, this one would fail."""
    script = tmp_path / "control.py"
    script.write_text(
        f"import streamlit as st\nst.title('x')\nst.markdown({chr(10).join(payloads(catcher.address))!r})\n", encoding="utf-8"
    )
    with served(str(script), catcher.address) as address:
        page = visit(address)
        page.locator("img").first.wait_for(state="attached")
        page.wait_for_timeout(500)
        assert foreign(page, address) != []
    assert catcher.calls != []
