"""HTML, PDF, DOCX and Markdown's HTML blocks -> Markdown. It runs as a process of its own, with limits (see sandbox.py): python -m ingest.documents

For each document it reads a line of JSON, {"suffix", "bytes"}, and the document; writes a line once what it needs is imported, and then
{"markdown", "fields"} or {"error"}. It opens no file and no connection: what a document refers to is not fetched.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest.errors import ArticleError

MEMORY = 200_000_000  # bytes that a document may take, on top of what its reader takes
CHARACTERS = 10_000_000  # of the Markdown

# a module and its function: each is imported where the first document of its kind comes
READERS = {
    ".html": ("ingest.read_html", "read_html"),
    ".htm": ("ingest.read_html", "read_html"),
    ".pdf": ("ingest.read_pdf", "read_pdf"),
    ".docx": ("ingest.read_docx", "read_docx"),
    ".md": ("ingest.shown_html", "read_blocks"),
}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for header in iter(sys.stdin.buffer.readline, b""):
        asked = json.loads(header)
        data = sys.stdin.buffer.read(asked["bytes"])
        module, name = READERS[asked["suffix"]]
        reader = getattr(importlib.import_module(module), name)
        _limit_memory()
        _say({"ready": True})
        _say(_outcome(reader, data))


def _outcome(reader: Callable[[bytes], tuple[str, dict[str, str | None]]], data: bytes) -> dict[str, Any]:
    try:
        markdown, fields = reader(data)
    except ArticleError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": f"it takes more than {MEMORY // 1_000_000} MB of memory to read"}
    except RecursionError:
        return {"error": "it is nested too deeply"}
    except Exception as error:  # each library raises its own for what is damaged
        return {"error": f"it is damaged ({type(error).__name__})"}
    if len(markdown) > CHARACTERS:
        return {"error": f"its text is longer than {CHARACTERS:,} characters"}
    return {"markdown": markdown, "fields": {name: value for name, value in fields.items() if isinstance(value, str)}}


def _limit_memory() -> None:
    """So much more than is taken already; where the system does not tell (macOS), the wall clock alone limits."""
    try:
        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        return


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
