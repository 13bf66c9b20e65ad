"""Everything that an endpoint may do wrong, by name: what it does, and what a person must then read. TEXT is what the healthy one writes."""

from __future__ import annotations

import gzip
import json
from typing import NamedTuple

from model_server import Call, Script, chunk, completion, drip, event, events, fault, raw, says, status, stream_of

TEXT = "A bread baker kneads dough before dawn [1]. A pastry chef decorates cakes in the afternoon [1]."
HALF = [event(chunk({"role": "assistant", "content": ""})), event(chunk({"content": "A bread baker kneads dough before dawn [1]. "}))]


class Fault(NamedTuple):
    """`sentence` is a pattern of the notice; `calls` how many times the endpoint is asked; `slow` where it takes the whole deadline."""

    script: Script
    sentence: str
    calls: int | None = None
    slow: bool = False


def hang_at_once(call: Call) -> None:
    call.hang()


def hang_after_headers(call: Call) -> None:
    call.head(kind="text/event-stream" if call.streams else "application/json")
    call.hang()


def close_at_once(call: Call) -> None:
    call.connection.close()


def reset_at_once(call: Call) -> None:
    call.reset()


def reset_once_read(call: Call) -> None:
    call.closing.wait(0.5)  # a reset discards what the other side has not read yet
    call.reset()


def reset_in_the_body(call: Call) -> None:
    call.head(kind="text/event-stream" if call.streams else "application/json")
    call.send(HALF[0] if call.streams else '{"id": "1", "cho')
    call.reset()


def endless(call: Call) -> None:
    call.head(kind="text/event-stream" if call.streams else "application/json")
    while not call.closing.is_set():
        call.send(event(chunk({"content": "more " * 50})) if call.streams else " " * 100_000)


def short_length(call: Call) -> None:
    call.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{")
    call.connection.close()


def broken_chunks(call: Call) -> None:
    call.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\ndata")


def unreadable(value: object) -> Script:
    """A body that is JSON, and no completion; streamed, as the only event."""

    def script(call: Call) -> None:
        if call.streams:
            events(event(value), "data: [DONE]\n\n")(call)
        else:
            raw(json.dumps(value))(call)

    return script


def ended(finish: str | None, text: str = "") -> Script:
    return says(text, finish)


def message(**fields: object) -> Script:
    def script(call: Call) -> None:
        if call.streams:
            events(event(chunk({"role": "assistant", **fields})), event(chunk({}, "stop")), "data: [DONE]\n\n")(call)
        else:
            raw(json.dumps(completion(None, **fields)))(call)

    return script


REFUSED, BUSY, DOWN = "did not accept", "asked too often", "out of order"
BROKE, STRANGE, EMPTY, LATE = "broke", "cannot be read|empty|broke|reported an error", "empty|broke off", "did not answer (within|in time)"
ANY = "cannot be read|empty|broke|reported an error|reached"

COMPRESSED = "compresses its answers"
FAULTS: dict[str, Fault] = {
    "400": Fault(status(400), REFUSED, 1),
    "400, too long": Fault(status(400, fault("context_length_exceeded")), "too long", 1),
    "400, content filter": Fault(status(400, fault("content_filter")), "refuses the question", 1),
    "400, no JSON": Fault(status(400, "no"), REFUSED, 1),
    "401": Fault(status(401), "refuses the key", 1),
    "402": Fault(status(402), "no credit", 1),
    "403": Fault(status(403), "may not use", 1),
    "404": Fault(status(404), "does not know the model", 1),
    "408": Fault(status(408), "took too long", 2),
    "409": Fault(status(409), "status 409", 2),
    "413": Fault(status(413), "too long", 1),
    "418": Fault(status(418), "status 418", 1),
    "422": Fault(status(422), REFUSED, 1),
    "429": Fault(status(429), BUSY),
    "429, with an hour to wait": Fault(status(429, more="Retry-After: 3600\r\n"), BUSY),
    "429, quota": Fault(status(429, fault("insufficient_quota")), "no credit", 1),
    "500": Fault(status(500), DOWN, 2),
    "500, HTML": Fault(status(500, "<html>"), DOWN, 2),
    "502": Fault(status(502), DOWN, 2),
    "503": Fault(status(503), DOWN, 2),
    "504": Fault(status(504), DOWN, 2),
    "529": Fault(status(529), DOWN, 2),
    "301": Fault(status(301, more="Location: http://127.0.0.1:9/elsewhere\r\n"), "another address", 1),
    "302, without a place": Fault(status(302), "another address", 1),
    "307": Fault(status(307, more="Location: http://192.0.2.1/v1\r\n"), "another address", 1),
    "308": Fault(status(308, more="Location: /again\r\n"), "another address", 1),
    "204": Fault(status(204, ""), ANY),
    "an empty body": Fault(raw(""), ANY),
    "HTML": Fault(raw("<html><body>Welcome</body></html>", "text/html"), ANY),
    "bad JSON": Fault(raw('{"choices": [{"mess'), ANY),
    "bad UTF-8": Fault(raw(b'{"choices": [{"message": {"content": "\xff\xfe\xc3"}}]}'), ANY),
    "no gzip": Fault(raw("plain", more="Content-Encoding: gzip\r\n"), COMPRESSED),
    "gzip, cut": Fault(raw(gzip.compress(json.dumps(completion(TEXT)).encode())[:-12], more="Content-Encoding: gzip\r\n"), COMPRESSED),
    "choices: []": Fault(unreadable({**completion(""), "choices": []}), STRANGE),
    "choices: null": Fault(unreadable({**completion(""), "choices": None}), STRANGE),
    "no choices": Fault(unreadable({"id": "1"}), STRANGE),
    "choices: a number": Fault(unreadable({**completion(""), "choices": 7}), STRANGE),
    "a choice that is null": Fault(unreadable({**completion(""), "choices": [None]}), STRANGE),
    "message: null": Fault(unreadable({**completion(""), "choices": [{"index": 0, "message": None, "delta": None}]}), STRANGE),
    "content: null": Fault(message(content=None), EMPTY),
    "content: a number": Fault(message(content=7), STRANGE),
    "content: blanks": Fault(says("  \n "), "empty|supported"),
    "a list": Fault(unreadable([]), STRANGE),
    "a number": Fault(unreadable(7), STRANGE),
    "null": Fault(unreadable(None), STRANGE),
    "an error with 200": Fault(unreadable({"error": {"message": f"no {TEXT}", "code": 500}}), STRANGE),
    "deep JSON": Fault(raw("[" * 100_000), ANY),
    "refusal": Fault(message(content=None, refusal="I cannot"), "declined|empty"),  # LangChain drops it from a stream
    "finished by its filter": Fault(ended("content_filter"), "withheld", 1),
    "finished by its length, empty": Fault(ended("length"), "was cut", 1),
    "a tool call": Fault(ended("tool_calls", "x"), "broke off", 1),
    "hangs at once": Fault(hang_at_once, LATE, slow=True),
    "hangs after the headers": Fault(hang_after_headers, LATE, slow=True),
    "drips": Fault(drip(" " * 2000), LATE, slow=True),
    "drips an answer": Fault(drip(stream_of(TEXT)), LATE, slow=True),
    "closes at once": Fault(close_at_once, ANY),
    "resets at once": Fault(reset_at_once, ANY),
    "resets in the body": Fault(reset_in_the_body, ANY),
    "no HTTP": Fault(lambda call: call.send("hello\r\n\r\n"), ANY),
    "a short body": Fault(short_length, ANY),
    "broken chunks": Fault(broken_chunks, ANY),
    "sends without end": Fault(endless, "more than|did not answer"),
    "20 MB": Fault(raw(json.dumps(completion("x" * 20_000_000))), "more than|empty|broke"),
}

# what goes wrong once a part of the answer is there: kept, and marked incomplete
PARTIAL: dict[str, Fault] = {
    "ends without a finish": Fault(events(*HALF), "broke off"),
    "closes in an event": Fault(events(*HALF, 'data: {"id": "1", "cho'), "broke|read"),
    "resets": Fault(events(*HALF, ends=reset_once_read), "broke|reached"),
    "hangs": Fault(events(*HALF, ends=lambda call: call.hang()), LATE, slow=True),
    "drips on": Fault(lambda call: (events(*HALF)(call), drip(" " * 2000)(call))[0], LATE, slow=True),
    "an error event": Fault(events(*HALF, event({"error": {"message": "no", "code": 500}})), "reported an error"),
    "bad JSON": Fault(events(*HALF, "data: {no\n\n"), "read"),
    "bad UTF-8": Fault(events(*HALF), "broke off"),
    "choices: null": Fault(events(*HALF, event({**chunk({}), "choices": None}), event({**chunk({}), "choices": 7})), "read|broke"),
    "its length": Fault(events(*HALF, event(chunk({}, "length")), "data: [DONE]\n\n"), "was cut"),
    "its filter": Fault(events(*HALF, event(chunk({}, "content_filter")), "data: [DONE]\n\n"), "withheld"),
}
