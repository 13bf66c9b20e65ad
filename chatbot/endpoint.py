"""An OpenAI-compatible endpoint, and what any error of it says to a person: bounded in time and bytes, no redirect, no question or key in a log.

The only place that knows openai's errors: whatever goes wrong becomes a ModelError of one sentence, which holds nothing of what the endpoint said.
"""

from __future__ import annotations

import logging
import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Timer
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel

from chatbot.errors import ModelError
from chatbot.settings import EndpointSettings, ModelSettings

CONNECTING = 5.0  # seconds
BODY_BYTES = 4_000_000  # of what an endpoint sends, at most
DONE_BYTES = 20  # of the line that ends a stream, at most
OPENAI_URL = "https://api.openai.com/v1"

_DONE_LINE = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\]")  # within an event a line's end is escaped

_QUIET = ("openai", "httpx2", "httpcore2", "httpx", "httpcore", "langsmith", "langchain", "langchain_core", "langchain_openai")
_NETWORK = {"httpx2", "httpcore2", "httpx", "httpcore", "h11"}
_STATUS = {
    400: "The model's endpoint did not accept the request",
    401: "The model's endpoint refuses the key in OPENAI_API_KEY",
    403: "The key in OPENAI_API_KEY may not use this model",
    404: "The model's endpoint does not know the model in CAREER_MODEL, or OPENAI_BASE_URL leads elsewhere",
    408: "The model's endpoint took too long",
    413: "The question with its passages is too long for the model",
    422: "The model's endpoint did not accept the request",
    429: "The model's endpoint is asked too often at the moment",
}
_AGAIN = {408: 0.2, 409: 0.2, 429: 1.0}  # seconds; and every 5xx
_SHUTS = {401, 403, 404, 407, 429}


@dataclass(slots=True)
class Heard:
    """What LangChain does not tell of a response: of what kind it was, and whether a stream came to its [DONE]."""

    kind: str = ""
    is_done: bool = False


@dataclass(slots=True)
class Opened:
    """A LangChain chat model, how to hang up on it, and what was heard of its response."""

    model: BaseChatModel
    close: Callable[[], None] = field(default=lambda: None)
    heard: Heard = field(default_factory=Heard)


class Opens(Protocol):
    """Makes the chat model for one call that must end by `deadline` (time.monotonic) and writes `max_tokens` at most."""

    def __call__(self, deadline: float, max_tokens: int) -> Opened: ...


class OpenAIEndpoint:
    """Any OpenAI-compatible endpoint, by LangChain. Follows no redirect: the question and the key would go elsewhere."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings

    def prepare(self) -> None:
        """Imports what takes seconds to import, and keeps it from logging what it sends."""
        import langchain.chat_models  # noqa: F401, PLC0415
        import langchain_openai  # noqa: F401, PLC0415

        _quiet()

    def __call__(self, deadline: float, max_tokens: int) -> Opened:
        from langchain.chat_models import init_chat_model  # noqa: PLC0415

        _quiet()
        timeout = _timeout(deadline)
        heard = Heard()
        client = bounded_client(deadline, heard)
        asked: dict[str, Any] = {"max_tokens": max_tokens, "disable_streaming": not self._settings.model_stream}
        if not self._settings.openai_api_key:
            asked["extra_body"] = {
                "max_tokens": max_tokens
            }  # the older name, all that some know; OpenAI, and a gateway to it, refuses both at once
        if self._settings.model_temperature is not None:
            asked["temperature"] = self._settings.model_temperature
        model = init_chat_model(
            self._settings.model,
            model_provider="openai",
            api_key=self._settings.openai_api_key or "none",  # an endpoint of one's own may need no key; the library does
            base_url=self._settings.openai_base_url or OPENAI_URL,  # else it is read from other variables too
            http_client=client,
            timeout=timeout,  # LangChain's own None would win over the client's
            max_retries=0,
            stream_usage=True,
            use_responses_api=False,
            **asked,
        )
        return Opened(model, client.close, heard)


def _quiet() -> None:
    """At their lower levels these log questions and headers; pydantic's warnings quote what an endpoint sent, a key that it echoes among it."""
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pydantic(\..*)?$")


def _timeout(deadline: float) -> Any:
    import openai  # noqa: PLC0415

    seconds = max(0.05, deadline - time.monotonic())
    return openai.Timeout(seconds, connect=min(CONNECTING, seconds))


def bounded_client(deadline: float, heard: Heard) -> Any:
    """An http client for a call that must end by `deadline` (time.monotonic). It asks for no compression, which can blow up."""
    import openai  # noqa: PLC0415

    return openai.DefaultHttpxClient(
        follow_redirects=False,
        timeout=_timeout(deadline),
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [lambda response: _bound(response, deadline, heard)]},
    )


def _bound(response: Any, deadline: float, heard: Heard) -> None:
    """Lets a response send no more, and for no longer, than is allowed. A slow drip passes every timeout of a single read."""
    import httpx2  # noqa: PLC0415

    if response.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise ModelError("The model's endpoint compresses its answers though it was asked not to.")
    heard.kind = "" if response.is_error else response.headers.get("Content-Type", "")

    class Bounded(httpx2.SyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            seen, tail = 0, b""
            for part in self._stream:
                seen, tail = seen + len(part), tail[-DONE_BYTES:] + part
                heard.is_done = heard.is_done or bool(_DONE_LINE.search(tail))
                if seen > BODY_BYTES:
                    raise ModelError("The model's endpoint sent more than any answer needs.")
                if time.monotonic() > deadline:
                    raise ModelError("The model did not answer in time.", shuts=True)
                yield part

        def close(self) -> None:
            self._stream.close()

    response.stream = Bounded(response.stream)


@contextmanager
def judge_client(settings: EndpointSettings, seconds: float) -> Iterator[Any]:
    """An openai client for one call whose answer has a schema, made and read within the seconds. Its errors go through `model_error`."""
    import openai  # noqa: PLC0415

    _quiet()
    deadline = time.monotonic() + seconds
    client = openai.OpenAI(
        api_key=settings.openai_api_key or "none",
        base_url=settings.openai_base_url or OPENAI_URL,
        timeout=_timeout(deadline),
        max_retries=0,
        http_client=bounded_client(deadline, Heard()),
    )
    hang_up = Timer(seconds, client.close)  # on headers that drip, which no timeout of a single read ends
    hang_up.daemon = True
    hang_up.start()
    try:
        yield client
    finally:
        hang_up.cancel()
        client.close()


# --- errors


def model_error(error: BaseException, seconds: float) -> ModelError:
    """What any error of LangChain, openai or the network says to a person."""
    chain = list(_chain(error))
    own = next((one for one in chain if isinstance(one, ModelError)), None)
    return own or next(filter(None, (_openai_error(one, seconds) for one in chain)), None) or _other_error(chain)


def _openai_error(error: BaseException, seconds: float) -> ModelError | None:
    import openai  # noqa: PLC0415

    if isinstance(error, openai.APIStatusError):
        return _status_error(error)
    if isinstance(error, openai.APITimeoutError):
        return ModelError(f"The model did not answer within {seconds:g} seconds.", again=0.2, shuts=True)
    if isinstance(error, openai.APIConnectionError):
        return ModelError("The model's endpoint cannot be reached.", again=0.2, shuts=True)
    return ModelError("The model's endpoint reported an error.", again=0.2) if isinstance(error, openai.APIError) else None


def _other_error(chain: Sequence[BaseException]) -> ModelError:
    if any(type(one).__module__.partition(".")[0] in _NETWORK or isinstance(one, OSError) for one in chain):
        return ModelError("The connection to the model's endpoint broke.", again=0.2)
    return ModelError("The model's endpoint gave an answer that cannot be read.", again=0.2)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _status_error(error: Any) -> ModelError:
    status, code = int(error.status_code), f"{error.code} {error.type}"
    if "insufficient_quota" in code or status == 402:
        return ModelError("The account of the key in OPENAI_API_KEY has no credit left.", shuts=True)
    if "context_length" in code:
        return ModelError("The question with its passages is too long for the model.")
    if "content_filter" in code or "content_policy" in code:
        return ModelError("The model's provider refuses the question.")
    if 300 <= status < 400:
        return ModelError("The model's endpoint sends to another address; set OPENAI_BASE_URL to that one.", shuts=True)
    if status >= 500:
        return ModelError("The model's endpoint is out of order.", again=0.2, shuts=True)
    sentence = _STATUS.get(status, f"The model's endpoint refused the request (status {status})")
    return ModelError(f"{sentence}.", again=_AGAIN.get(status), shuts=status in _SHUTS)
