"""Reads HTML, PDF, DOCX and Markdown with HTML in it in a child process that may take so much memory and time and no more (documents.py is what runs in it)."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from typing import Any, Self

from ingest.errors import ArticleError

SECONDS = 10.0  # for one document
START_SECONDS = 120.0  # for what the child imports, on a busy machine
DOCUMENTS_A_CHILD = 50  # then a fresh one: what leaks does not add up

_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG")  # what the child is told; no key is among it


class Sandbox:
    """Starts its child when the first document comes, and another where one ended or had to be ended."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._read = 0
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, suffix: str, data: bytes) -> tuple[str, dict[str, str]]:
        """A document's Markdown, and what it tells about itself. Raises ArticleError, whose text says why it is left out."""
        if self._read >= DOCUMENTS_A_CHILD:
            self.close()
        child = self._child or self._start()
        self._read += 1
        try:
            outcome = self._asked(child, suffix, data)
        except (BrokenPipeError, TimeoutError, ValueError) as error:
            self.close()
            slow = isinstance(error, TimeoutError)
            raise ArticleError(
                f"it takes more than {self._seconds:g} s to read" if slow else "reading it ends the program that does"
            ) from None
        if "error" in outcome:
            raise ArticleError(str(outcome["error"]))
        return str(outcome["markdown"]), dict(outcome["fields"])

    def close(self) -> None:
        if self._child:
            self._child.kill()
            self._child.communicate()
            self._child = None

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        command = [sys.executable, "-P", "-m", "ingest.documents"]
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        self._read, self._unread = 0, b""
        return self._child

    def _asked(self, child: subprocess.Popen[bytes], suffix: str, data: bytes) -> dict[str, Any]:
        """Raises TimeoutError, BrokenPipeError or ValueError where no answer comes."""
        assert child.stdin is not None  # noqa: S101 - it was opened as a pipe
        child.stdin.write(json.dumps({"suffix": suffix, "bytes": len(data)}).encode() + b"\n" + data)
        child.stdin.flush()
        self._line(child, START_SECONDS)
        outcome: dict[str, Any] = json.loads(self._line(child, self._seconds))
        return outcome

    def _line(self, child: subprocess.Popen[bytes], seconds: float) -> bytes:
        """The child's next line; what comes after it is kept. Raises TimeoutError; ValueError where the child has ended."""
        assert child.stdout is not None  # noqa: S101 - it was opened as a pipe
        ends = time.monotonic() + seconds
        parts = [self._unread]
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while b"\n" not in parts[-1]:
                if not selector.select(max(0.0, ends - time.monotonic())):
                    raise TimeoutError
                parts.append(os.read(child.stdout.fileno(), 65_536))
                if not parts[-1]:
                    raise ValueError("the child has ended")
        line, _, self._unread = b"".join(parts).partition(b"\n")
        return line
