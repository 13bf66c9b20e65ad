"""A server on loopback that speaks chat completions and does, call by call, what a script says: also everything that goes wrong."""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

KEY = "sk-test-0123456789abcdef"

Script = Callable[["Call"], None]


class Call:
    """One request and the socket to answer it on."""

    def __init__(self, connection: socket.socket, headers: str, body: dict[str, Any], closing: Event) -> None:
        self.connection = connection
        self.headers = headers
        self.body = body
        self.closing = closing

    @property
    def streams(self) -> bool:
        return bool(self.body.get("stream"))

    def send(self, data: bytes | str) -> None:
        self.connection.sendall(data.encode() if isinstance(data, str) else data)

    def head(self, status: int = 200, kind: str = "application/json", more: str = "") -> None:
        """Without a length: the body ends where the connection does."""
        self.send(f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nConnection: close\r\n{more}\r\n")

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def hang(self) -> None:
        self.closing.wait(60)


class ModelServer(socketserver.ThreadingTCPServer):
    """Does `script` with every call; keeps what it was sent."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.calls: list[Call] = []
        self.closing = Event()
        self._thread = Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def last_request(self) -> str:
        return str(self.calls[-1].body["messages"][-1]["content"])

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what is tested."""


class _Handler(socketserver.BaseRequestHandler):
    server: ModelServer

    def handle(self) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (part := self.request.recv(65536)):
                return
            data += part
        headers, _, body = data.partition(b"\r\n\r\n")
        length = int(next(line.split(b":")[1] for line in headers.lower().split(b"\r\n") if line.startswith(b"content-length")))
        while len(body) < length:
            body += self.request.recv(65536)
        call = Call(self.request, headers.decode("latin-1"), json.loads(body), self.server.closing)
        self.server.calls.append(call)
        self.server.script(call)


# --- what a healthy endpoint says


def says(text: str, finish: str | None = "stop", usage: bool = True, size: int = 7) -> Script:
    """The text, in chunks of some characters where it is streamed."""

    def script(call: Call) -> None:
        if call.streams:
            call.head(kind="text/event-stream")
            call.send(stream_of(text, finish, usage, size))
        else:
            call.head()
            call.send(json.dumps(completion(text, finish, usage)))

    return script


def obeyed(call: Call, out: str, more: str = "") -> str:
    """All that it was sent, tags and all, as if the passages had said so, then `more` or the same again; and what it knows of ways to `out`."""
    told = call.body["messages"][-1]["content"]
    raw = told.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    return f"{raw}\n\nA bread baker kneads dough before dawn [1].\n\n{more or raw} [99] ![x]({out}/leak) [link]({out}) <img src={out}>"


def obeying(out: str, more: str = "") -> Script:
    return lambda call: says(obeyed(call, out, more), size=200)(call)


def completion(text: Any, finish: str | None = "stop", usage: bool = True, **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    found: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    return {**found, "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}} if usage else found


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def event(data: Any) -> str:
    return f"data: {json.dumps(data)}\n\n"


def stream_of(text: str, finish: str | None = "stop", usage: bool = True, size: int = 7) -> str:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    events = [event(chunk({"role": "assistant", "content": ""})), *(event(chunk({"content": piece})) for piece in pieces)]
    if finish:
        events.append(event(chunk({}, finish)))
    if usage:
        last = {**chunk({}), "choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}}
        events.append(event(last))
    return "".join([*events, "data: [DONE]\n\n"])


# --- what goes wrong


def status(code: int, body: Any = None, more: str = "") -> Script:
    def script(call: Call) -> None:
        call.head(code, more=more)
        call.send(json.dumps(body if body is not None else {"error": {"message": f"no: {KEY}", "type": "t", "code": None}}))

    return script


def fault(code: str) -> dict[str, Any]:
    return {"error": {"message": f"no: {KEY}", "type": code, "code": code}}


def raw(body: bytes | str, kind: str = "application/json", more: str = "") -> Script:
    def script(call: Call) -> None:
        call.head(kind=kind, more=more)
        call.send(body)

    return script


def events(*sent: str | bytes, ends: Callable[[Call], None] = lambda call: None) -> Script:  # noqa: ARG005
    """Events one after the other, then an end of some kind."""

    def script(call: Call) -> None:
        call.head(kind="text/event-stream")
        for one in sent:
            call.send(one)
        ends(call)

    return script


def drip(data: str, seconds: float = 0.05) -> Script:
    """A byte at a time, so slowly that it never ends, and never so slowly that a read times out."""

    def script(call: Call) -> None:
        call.head(kind="text/event-stream" if call.streams else "application/json")
        for byte in data:
            if call.closing.is_set():
                return
            call.send(byte)
            time.sleep(seconds)

    return script
