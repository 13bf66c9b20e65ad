"""Chat completions as a server speaks them that nobody here wrote: `transformers serve`, with two tiny models that are made here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import FakeEmbedder
from model_faults import TEXT
from test_advisor import assert_proved

from chatbot import fitted
from chatbot.advisor import Advisor
from chatbot.budgets import Budget
from chatbot.errors import ModelError
from chatbot.generative import WritingModel, check_endpoint
from chatbot.settings import ChatSettings, ModelSettings
from chatbot.types import Answer, Tokens
from ingest.pipeline import ingest
from ingest.settings import IngestSettings

NEEDED = ("accelerate", "fastapi", "transformers", "uvicorn")
MISSING = [name for name in NEEDED if find_spec(name) is None]
pytestmark = [
    pytest.mark.soak,  # it starts for as long as torch is imported
    pytest.mark.skipif(bool(MISSING), reason=f"`transformers serve` needs {' and '.join(MISSING)}, which the dev extra installs"),
]

QUESTION = "What does a bread baker do before dawn?"
STARTING = 120  # seconds, on a machine that is busy with other things
SLACK = 10.0  # seconds for all but the model
BOTH = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])

Settings = Callable[..., ModelSettings]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The server's address, and the folder in which its models are."""
    folder = tmp_path_factory.mktemp("models")
    log, program = folder / "log", Path(__file__).with_name("served_models.py")
    with log.open("w") as written:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen([sys.executable, str(program), str(folder)], env=environment, stdout=written, stderr=written)
    try:
        deadline = time.monotonic() + STARTING
        while not (found := re.search(r"running on (http://[\d.:]+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"{found[1]}/v1", folder
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def model(models: tuple[str, Path]) -> Settings:
    """The settings with which one of its models is asked."""
    url, folder = models
    return lambda name, **more: ModelSettings(openai_base_url=url, model=str(folder / name), **{"model_max_tokens": 60, **more})


Ask = Callable[[ModelSettings], Answer]


@pytest.fixture
def ask(settings: IngestSettings, embedder: FakeEmbedder, monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setattr(fitted, "threshold", lambda: 0.0)  # the fake embedder's likenesses mean nothing to it
    ingest(settings, embedder)

    def ask(chosen: ModelSettings) -> Answer:
        advisor = Advisor(settings.data, ChatSettings(), embedder, WritingModel(chosen, Budget(settings.data, chosen)))
        try:
            started = time.monotonic()
            answer = advisor.answer(QUESTION).answer
            assert time.monotonic() - started < chosen.model_seconds + SLACK
            assert_proved(advisor, answer)
            return answer
        finally:
            advisor.close()

    return ask


@BOTH
def test_what_it_writes_is_proved(stream: bool, model: Settings, ask: Ask) -> None:
    answer = ask(model("parrot", model_stream=stream))
    assert answer.mode.startswith("model:")
    assert answer.text == TEXT.replace("afternoon [1]", "afternoon [2]")
    assert all(citation.verified for citation in answer.citations)
    assert answer.notices == ()
    assert answer.tokens is not None
    assert answer.tokens["output"] == 15  # its pieces, and the one that ends it


@BOTH
def test_nonsense_is_replaced_by_the_quoted_answer(stream: bool, model: Settings, ask: Ask) -> None:
    answer = ask(model("random", model_stream=stream))
    assert (answer.status, answer.mode) == ("answered", "extractive")
    assert answer.citations
    assert re.search("was cut|supported", answer.notices[-1])


@BOTH
def test_its_text_comes_as_it_is_written(stream: bool, model: Settings, tmp_path: Path) -> None:
    chosen, tokens = model("parrot", model_stream=stream), Tokens()
    asked = WritingModel(chosen, Budget(tmp_path, chosen))
    pieces = list(asked.answer(QUESTION, asked.deadline(), tokens))
    assert "".join(pieces) == TEXT
    assert len(pieces) > 5 if stream else len(pieces) == 1


def test_an_answer_without_an_end_is_hung_up_on(model: Settings, tmp_path: Path) -> None:
    chosen = model("random", model_max_tokens=30_000, model_seconds=1)
    asked = WritingModel(chosen, Budget(tmp_path, chosen))
    deadline, pieces = asked.deadline(), []
    with pytest.raises(ModelError, match=r"did not answer|more than"):
        pieces.extend(asked.answer(QUESTION, deadline, Tokens()))
    assert time.monotonic() < deadline + 1
    assert pieces


def test_it_is_checked_with_one_call(model: Settings) -> None:
    assert check_endpoint(model("parrot")) is None
    assert re.search("out of order|does not know|did not accept", check_endpoint(model("nobody")) or "")
