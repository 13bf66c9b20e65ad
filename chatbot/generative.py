"""A chat model through LangChain: messages -> text as it comes, within one deadline, at most two tries and the budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, SystemMessage

from chatbot import prompts
from chatbot.budgets import Budget
from chatbot.endpoint import Heard, OpenAIEndpoint, Opens, model_error
from chatbot.errors import BudgetError, ModelError
from chatbot.settings import ModelSettings
from chatbot.types import Tokens

TRIES = 2
PAUSE = 30.0  # seconds for which an endpoint that failed is left alone
LEAST = 0.5  # seconds that must be left for a second try
CHARACTERS_A_TOKEN = 4  # roughly, of English
REWRITTEN_TOKENS = 400  # a model that thinks first spends most of them on that
CHECK_SECONDS = 15.0
KEPT_BACK = 1.0  # seconds of a question's time in which the last claims are proved, or the quoted answer is made
AFTER_ENDING = 1.0  # seconds for which what is told after an answer's end (its tokens) is waited for
MOST_TOKENS = 10_000_000  # that an endpoint may say it read or wrote; what says more, or less than none, is not believed
UNSTREAMED = "The model's endpoint gave an answer that cannot be read, because it does not stream; set CAREER_MODEL_STREAM=false."

_ENDED = {"stop", "end_turn", "eos", "eos_token", "stop_sequence", "complete", "completed"}  # how endpoints name an answer's end
_CUT = {"length", "max_tokens"}


class Breaker:
    """Leaves an endpoint alone for a while after it failed, so that the next question does not wait for it again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._until = 0.0
        self._why: ModelError | None = None

    def check(self) -> None:
        """Raises the error that shut it; after the pause one caller may try."""
        with self._lock:
            if self._why is None:
                return
            if self._clock() < self._until:
                raise ModelError(str(self._why))
            self._until = self._clock() + PAUSE

    def note(self, error: ModelError | None) -> None:
        """How a call ended. An endpoint that answered, be it with an error, is asked again; a budget says nothing of it."""
        with self._lock:
            if error is not None and error.shuts:
                self._why, self._until = error, self._clock() + PAUSE
            elif not isinstance(error, BudgetError):
                self._why = None


class WritingModel:
    """Asks the model; safe to call from several threads."""

    def __init__(self, settings: ModelSettings, budget: Budget, opens: Opens | None = None) -> None:
        self.settings = settings
        self.name = settings.model
        self._budget = budget
        self._opens = opens or OpenAIEndpoint(settings)
        self._breaker = Breaker()

    def deadline(self) -> float:
        """For everything that one question asks of the model, from now: a little is kept back for what is done when its time is up.

        The libraries, which take seconds to import, are there then.
        """
        if isinstance(self._opens, OpenAIEndpoint):
            self._opens.prepare()
        seconds = self.settings.model_seconds
        return time.monotonic() + seconds - min(KEPT_BACK, seconds / 10)

    def answer(self, request: str, deadline: float, tokens: Tokens) -> Generator[str, None, None]:
        """The answer's text as it comes. Raises ModelError, also after a part of it."""
        yield from self._tries([SystemMessage(prompts.SYSTEM), HumanMessage(request)], deadline, self.settings.model_max_tokens, tokens)

    def standalone(self, question: str, history: Sequence[str], deadline: float, tokens: Tokens) -> str:
        """A follow-up as a question of its own. Raises ModelError."""
        asked = [SystemMessage(prompts.REWRITE), HumanMessage(prompts.rewriting(question, history))]
        lines = "".join(self._tries(asked, deadline, REWRITTEN_TOKENS, tokens)).strip().splitlines()
        if len(lines) != 1 or len(lines[0]) > 3 * len(question) + sum(map(len, history)):
            raise ModelError("The model wrote no question.")
        return prompts.unmarked(lines[0])

    def _tries(self, messages: list[BaseMessage], deadline: float, max_tokens: int, tokens: Tokens) -> Iterator[str]:
        self._breaker.check()
        for attempt in range(1, TRIES + 1):
            began = False
            try:
                for piece in self._counted(messages, deadline, max_tokens, tokens):
                    began = True
                    yield piece
            except ModelError as error:
                left = deadline - time.monotonic()
                if began or attempt == TRIES or error.again is None or left - error.again < LEAST:
                    self._breaker.note(error)
                    raise
                time.sleep(error.again)
            else:
                self._breaker.note(None)
                return

    def _counted(self, messages: list[BaseMessage], deadline: float, max_tokens: int, tokens: Tokens) -> Iterator[str]:
        read = sum(len(str(message.content)) for message in messages) // CHARACTERS_A_TOKEN
        number = self._budget.take(read + max_tokens)
        call = _Call(self._opens, messages, deadline, max_tokens, self.settings)
        try:
            yield from call
        finally:
            used = call.tokens or (read, call.written // CHARACTERS_A_TOKEN) if call.was_read else (0, 0)
            if call.was_read:
                tokens.add(*used)
            self._budget.settle(number, sum(used))


class _Call:
    """One request. It runs on a thread of its own, so that no endpoint can hold the answer beyond the deadline."""

    def __init__(self, opens: Opens, messages: list[BaseMessage], deadline: float, max_tokens: int, settings: ModelSettings) -> None:
        self._opens = opens
        self._messages = messages
        self._deadline = deadline
        self._max_tokens = max_tokens
        self._settings = settings
        self._queue: SimpleQueue[AIMessageChunk | Exception | None] = SimpleQueue()
        self._left = Event()
        self._close: Callable[[], None] = lambda: None
        self._heard = Heard()
        self._ending = ""
        self._refused = False
        self._thoughts = Thoughts()
        self._half = ""  # of a character that an endpoint sends in two
        self.tokens: tuple[int, int] | None = None
        self.written = 0
        self.was_read = False  # whether the endpoint may have read the request: what came of it, or nothing in time

    def __iter__(self) -> Iterator[str]:
        Thread(target=self._work, name="model", daemon=True).start()
        try:
            while (chunk := self._next()) is not None:
                if text := self._noted(chunk):
                    yield text
            if rest := self._thoughts.end():
                yield rest
        finally:
            self._left.set()
            Thread(target=self._close, name="hang-up", daemon=True).start()  # closing may wait for what it closes
        self._check_ending()

    @property
    def _is_unstreamed(self) -> bool:
        return self._settings.model_stream and "json" in self._heard.kind

    @property
    def _is_whole(self) -> bool:
        """Whether an answer that does not say how it ended came to its end: some endpoints name no reason."""
        return self._heard.is_done or not self._settings.model_stream

    @property
    def is_cut(self) -> bool:
        """Whether it wrote, and more than it was allowed to."""
        return bool(self.written) and self._ending in _CUT

    def _next(self) -> AIMessageChunk | None:
        """What comes next. Once an answer has said that it ends, what is wrong with the connection no longer matters."""
        left = self._deadline - time.monotonic()
        try:
            if left <= 0:
                raise Empty
            found = self._queue.get(timeout=min(left, AFTER_ENDING) if self._ending else left)
        except Empty:
            self.was_read = True
            if self._ending:
                return None
            raise _late(self._settings.model_seconds) from None
        if not isinstance(found, Exception):
            return found
        if self._ending:
            return None
        if self._is_unstreamed and isinstance(found, ValueError):  # LangChain's own, where no event came
            raise ModelError(UNSTREAMED)
        raise model_error(found, self._settings.model_seconds) from None

    def _work(self) -> None:
        try:
            opened = self._opens(self._deadline, self._max_tokens)
            self._close, self._heard = opened.close, opened.heard
            if self._left.is_set():  # given up before it was sent
                opened.close()
                return
            with _tracing(self._settings.tracing):
                for chunk in opened.model.stream(self._messages):
                    if self._left.is_set():
                        break
                    self._queue.put(chunk)
            self._queue.put(None)
        except Exception as error:  # the libraries raise IndexError, TypeError and others of their own for what they cannot read
            self._queue.put(error)

    def _noted(self, chunk: AIMessageChunk) -> str:
        """Keeps how a chunk says that the answer ended, and gives its text."""
        self.was_read = True
        self._ending = str(chunk.response_metadata.get("finish_reason") or self._ending).lower()
        self._refused = self._refused or bool(chunk.additional_kwargs.get("refusal"))
        self.tokens = _usage(chunk) or self.tokens
        text = self._whole(str(chunk.text))
        self.written += len(text)
        if self.written > 8 * CHARACTERS_A_TOKEN * self._max_tokens:
            raise ModelError("The model wrote more than it was allowed to.")
        return self._thoughts.feed(text)

    def _whole(self, text: str) -> str:
        """Joins a character that came in two halves; what is no character becomes a question mark."""
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\ufffd", "?")

    def _check_ending(self) -> None:
        if self._refused:
            raise ModelError("The model declined to answer.")
        if self._ending == "content_filter":
            raise ModelError("The model's provider withheld the answer.")
        if self._ending in _CUT:
            raise ModelError("The model's answer was cut, because CAREER_MODEL_MAX_TOKENS allows no more.")
        if not self.written:
            raise ModelError("The model's answer was empty.", again=0.2)
        if self._ending not in _ENDED and (self._ending or not self._is_whole):
            raise ModelError("The model's answer broke off.")


class Thoughts:
    """Leaves out what a model thinks aloud before its answer, between the tags that open models put around it."""

    OPEN, CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self._held: str | None = ""  # None once the answer has begun

    def feed(self, text: str) -> str:
        if self._held is None:
            return text
        self._held += text
        start = self._held.lstrip()
        if start.startswith(self.OPEN):
            _, ended, answer = start.partition(self.CLOSE)
            return self._begin(answer.lstrip()) if ended else ""
        return "" if self.OPEN.startswith(start) else self._begin(self._held)

    def end(self) -> str:
        """What was held, where it was no thought after all."""
        held = self._held or ""
        return "" if held.lstrip().startswith(self.OPEN) else held

    def _begin(self, answer: str) -> str:
        self._held = None
        return answer


def _usage(chunk: AIMessageChunk) -> tuple[int, int] | None:
    """The tokens that were read and written, as far as they can be believed."""
    told = (chunk.usage_metadata["input_tokens"], chunk.usage_metadata["output_tokens"]) if chunk.usage_metadata else (0, 0)
    return told if any(told) and all(isinstance(count, int) and 0 <= count <= MOST_TOKENS for count in told) else None


def _late(seconds: float) -> ModelError:
    return ModelError(f"The model did not answer within {seconds:g} seconds.", shuts=True)


def _tracing(allowed: bool) -> Any:
    """LangSmith's own settings alone send nothing: it must be allowed here too."""
    from langsmith import tracing_context  # noqa: PLC0415

    return tracing_context() if allowed else tracing_context(enabled=False)


def check_endpoint(settings: ModelSettings, opens: Opens | None = None) -> str | None:
    """Asks the model one word: what is wrong, in one sentence, or None where it answers. Nothing is counted."""
    opens = opens or OpenAIEndpoint(settings)
    if isinstance(opens, OpenAIEndpoint):
        opens.prepare()
    deadline = time.monotonic() + min(CHECK_SECONDS, settings.model_seconds)
    call = _Call(opens, [HumanMessage(prompts.CHECK)], deadline, REWRITTEN_TOKENS, settings)
    try:
        written = "".join(call)
    except ModelError as error:
        return None if call.is_cut else str(error)
    return None if written.strip() else "The model's answer was empty."
