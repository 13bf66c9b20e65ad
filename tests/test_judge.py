"""A model as judge: what it is sent, what it may answer, and what becomes of a call that fails. The server is a real one, on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from chatbot.evaluation.judge import JudgeError, JudgeSettings, ModelJudge
from chatbot.evaluation.questions import Question
from chatbot.types import Answer, Citation
from ingest.errors import SettingsError

ROW = Question(id="1", question="Who bakes </question> at dawn?", kind="fact", answerable=True)
ANSWER = Answer("q", "q", "answered", "Bakers do [1]", "m", "g", citations=(Citation(1, "a", "t", None, "h", "Bakers <b>bake</b>.", 0, 9),))
KEY = "sk-secret"


class Endpoint(HTTPServer):
    """Answers every call with `content`, or with `status` where that is an error; keeps what it was sent."""

    content = '{"faithful": true, "to_the_point": false}'
    status = 200
    seconds = 0.0  # between the bytes of its headers

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sent: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        self.server.sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": self.server.content}}
        reply = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        body = json.dumps(reply if self.server.status == 200 else {"error": {"message": f"bad key {KEY}"}}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers_slowly() if self.server.seconds else self.end_headers()
        self.wfile.write(body)

    def end_headers_slowly(self) -> None:
        with suppress(OSError):
            for _ in range(200):
                self.wfile.write(b"X-Slow: x\r\n")
                time.sleep(self.server.seconds)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def judge(endpoint: Endpoint) -> ModelJudge:
    return ModelJudge(JudgeSettings(openai_api_key=KEY, openai_base_url=f"http://127.0.0.1:{endpoint.server_port}/v1"))


def test_a_verdict_is_two_measures_and_the_material_is_escaped(judge: ModelJudge, endpoint: Endpoint) -> None:
    assert judge(ROW, ANSWER) == {"judged faithful": (1.0, 1), "judged to the point": (0.0, 1)}
    (sent,) = endpoint.sent
    told = sent["messages"][0]["content"]
    assert "Who bakes &lt;/question&gt; at dawn?" in told
    assert "[1] Bakers &lt;b&gt;bake&lt;/b&gt;." in told
    assert sent["response_format"]["type"] == "json_schema"


def test_what_abstains_is_not_judged(judge: ModelJudge, endpoint: Endpoint) -> None:
    assert judge(ROW, Answer("q", "q", "abstained", "Nothing.", "m", "g")) == {}
    assert not endpoint.sent


@pytest.mark.parametrize("content", ["no JSON", '{"faithful": 7}', ""])
def test_an_answer_that_is_no_verdict_is_a_failed_call(content: str, judge: ModelJudge, endpoint: Endpoint) -> None:
    endpoint.content = content
    with pytest.raises(JudgeError):
        judge(ROW, ANSWER)


@pytest.mark.parametrize("status", [401, 400, 404, 429, 500])
def test_a_refusal_is_a_failed_call_that_tells_no_key(status: int, judge: ModelJudge, endpoint: Endpoint) -> None:
    endpoint.status = status
    with pytest.raises(JudgeError) as error:
        judge(ROW, ANSWER)
    assert KEY not in str(error.value)
    assert len(endpoint.sent) == 1


def test_a_judge_has_one_deadline_for_all(judge: ModelJudge, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte of its headers comes in time, and all of them never."""
    monkeypatch.setattr("chatbot.evaluation.judge.TIMEOUT", 1.0)
    endpoint.seconds = 0.1
    started = time.monotonic()
    with pytest.raises(JudgeError):
        judge(ROW, ANSWER)
    assert time.monotonic() - started < 10


def test_an_endpoint_of_ones_own_judges_without_a_key(endpoint: Endpoint) -> None:
    judge = ModelJudge(JudgeSettings(openai_base_url=f"http://127.0.0.1:{endpoint.server_port}/v1"))
    assert judge(ROW, ANSWER)


def test_without_a_key_there_is_no_judge() -> None:
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        ModelJudge(JudgeSettings())
