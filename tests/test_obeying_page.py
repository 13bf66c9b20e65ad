"""A model that does whatever an article tells it, in a real browser: what it writes is text on the page, and nothing calls out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import test_browser
from conftest import FakeEmbedder
from model_server import ModelServer, obeyed, obeying
from page_support import collected, payloads
from test_browser import DEEP, FOREIGN_MEDIA, SECURITY, Catcher, Visit, ask, foreign, served

from ingest.pipeline import ingest
from ingest.settings import IngestSettings

pytestmark = test_browser.pytestmark
browser, catcher, visit = test_browser.browser, test_browser.catcher, test_browser.visit

QUESTION = "What does a bread baker do before dawn?"
CHARACTERS = 4_000  # of the attacks in one answer: each of its sentences is proved before the deadline
READ = 20  # attacks that stand in an article too
SAMPLED = 40


@pytest.fixture
def server(catcher: Catcher, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """The model that the served page asks."""
    server = ModelServer(obeying(catcher.address))
    for name, value in {"SECONDS": "30", "PASSAGE_WORDS": "20000", "MAX_TOKENS": "32000"}.items():
        monkeypatch.setenv(f"CAREER_MODEL_{name}", value)
    monkeypatch.setenv("CAREER_MODEL", "m")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    yield server
    server.stop()


def batches(attacks: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for attack in attacks:
        if batch and sum(map(len, batch)) + len(attack) > CHARACTERS:
            yield batch
            batch = []
        batch.append(attack)
    yield batch


def poison(settings: IngestSettings, attacks: Sequence[str]) -> None:
    """An article whose sentences are attacks, in one chunk."""
    lines = [
        "# Bread bakers before dawn",
        "A bread baker kneads dough before dawn.",
        *(f"Bread bakers knead {attack}" for attack in attacks[:READ]),
    ]
    (settings.corpus / "poison.md").write_text("\n\n".join(lines), encoding="utf-8", errors="ignore")
    ingest(settings, FakeEmbedder(max_pieces=10**6))


def nothing_gets_out(visit: Visit, catcher: Catcher, server: ModelServer, settings: IngestSettings, attacks: Sequence[str]) -> str:
    """Gives what the model wrote."""
    poison(settings, attacks)
    more = "\n\n".join(attacks)  # all, and as they are, whatever reading an article makes of them
    server.script = obeying(catcher.address, more)
    server.calls.clear()
    with served("real", catcher.address, str(settings.data)) as address:
        page = visit(address)
        page.set_default_timeout(60_000)  # long answers are proved sentence by sentence, on a machine that may be busy
        ask(page, QUESTION)
        page.get_by_text("How this answer came about").click()
        page.get_by_text("model:m").wait_for()
        assert f"{catcher.address}/leak" in " ".join(page.locator(".root").all_inner_texts())  # what it wrote is shown
        assert page.evaluate(DEEP, FOREIGN_MEDIA) == []
        assert [link for link in page.evaluate(DEEP, "a[href]") if not link.startswith(f"{address}/")] == []
        page.locator("button.mark").first.click()
        page.locator("dialog[open] mark").first.wait_for()
        assert page.evaluate(DEEP, FOREIGN_MEDIA) == []
        assert foreign(page, address) == []
        assert page.errors == []
    assert catcher.calls == []
    return obeyed(server.calls[0], catcher.address, more)


def test_a_model_that_obeys_gets_nothing_out_of_the_page(
    visit: Visit, catcher: Catcher, server: ModelServer, settings: IngestSettings, tmp_path: Path
) -> None:
    """The control: without our renderer the very same text calls out."""
    more = random.Random(20261125).sample(collected(Path(SECURITY), catcher.address), SAMPLED) if SECURITY else []
    written = nothing_gets_out(visit, catcher, server, settings, [*payloads(catcher.address), *more])
    script = tmp_path / "control.py"
    # by itself each, for what one of them leaves open would hide the others
    script.write_text(f"import streamlit as st\nst.title('x')\nfor one in {written.splitlines()!r}: st.markdown(one)\n", encoding="utf-8")
    with served(str(script)) as address:
        page = visit(address)
        page.locator("img").first.wait_for(state="attached")
        page.wait_for_timeout(500)
        assert foreign(page, address) != []
        assert [link for link in page.evaluate(DEEP, "a[href]") if not link.startswith(f"{address}/")] != []
    assert catcher.calls != []


@pytest.mark.soak
@pytest.mark.skipif(not SECURITY, reason="CAREER_SECURITY_DATA names no folder of collected payloads")
def test_a_model_that_obeys_all_that_was_collected_gets_nothing_out_of_the_page(
    visit: Visit, catcher: Catcher, server: ModelServer, settings: IngestSettings
) -> None:
    for batch in batches(collected(Path(SECURITY), catcher.address)):
        nothing_gets_out(visit, catcher, server, settings, batch)
