"""Without a key nothing leaves the machine: each command runs in a process of its own, in which any other connection ends it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.settings import IngestSettings

# what a child runs before the program: a socket to anything but this machine, and any look-up of a name, ends it
GUARD = """
import os, socket, sys
def refuse(what):
    sys.stderr.write(f"NETWORK {what}\\n"); sys.stderr.flush(); os._exit(99)
def guarded(method):
    def call(self, address, *rest):
        if isinstance(address, tuple) and str(address[0]) not in {"127.0.0.1", "::1", "localhost"}: refuse(address)
        return method(self, address, *rest)
    return call
for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
looked_up = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: looked_up(host, *rest, **more) if host in {None, "127.0.0.1", "localhost", "::1"} else refuse(host)
"""
RUN = GUARD + "from ui.cli import main\nsys.exit(main(sys.argv[1:]))\n"


def run(program: str, settings: IngestSettings, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "LANGSMITH_", "LANGCHAIN_"))}
    own = {"CAREER_CORPUS": str(settings.corpus), "CAREER_DATA": str(settings.data), "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**kept, **own, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_guard_sees_a_connection(settings: IngestSettings) -> None:
    """The control: what is looked for would be found."""
    assert run(GUARD + "socket.create_connection(('192.0.2.1', 80))", settings).returncode == 99
    assert run(GUARD + "import urllib.request; urllib.request.urlopen('http://example.org')", settings).returncode == 99


@pytest.mark.model
def test_no_command_opens_a_socket_without_a_key(settings: IngestSettings) -> None:
    commands = [
        ("ingest",),
        ("ask", "What does a bread baker do?", "--json"),
        ("ask", "and the other one?", "--after", "What does a bread baker do?"),
        ("articles", "--json"),
        ("article", "bakers"),
        ("doctor",),
    ]
    for command in commands:
        # a tracer's own settings do not make it call out either
        done = run(RUN, settings, *command, LANGSMITH_TRACING="true", LANGSMITH_API_KEY="x")
        assert done.returncode == 0, done.stderr
        assert "NETWORK" not in done.stderr
