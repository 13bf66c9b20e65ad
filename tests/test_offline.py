"""Without a key nothing leaves the machine: each command runs in a process of its own, in which any other connection ends it."""

from __future__ import annotations

import json
import os
import re
import shutil
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
# several commands, as JSON, in one process: the model is loaded once
COMMANDS = """
import json, sys
from ui.cli import main
for command in json.loads(sys.argv[1]):
    print("STATUS", main(command), *command, flush=True)
"""
# the page as a browser sees it: its health, then runs of it until its advisor is open. The server becomes a program of its own and
# starts others, so the guard is a module that each Python imports as it starts
CHAT = """
import socket, subprocess, sys, time, urllib.request
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
def drawn(page):
    run, shown = BackMsg(), b""
    run.rerun_script.SetInParent()
    page.send(run.SerializeToString())
    while True:
        shown += (message := page.recv(timeout=60))
        if ForwardMsg.FromString(message).WhichOneof("type") == "script_finished": return shown
with socket.create_server(("127.0.0.1", 0)) as probe: port = str(probe.getsockname()[1])
server = subprocess.Popen([sys.executable, "-c", "import sys; from ui.cli import main; sys.exit(main(sys.argv[1:]))", "chat", "--port", port])
try:
    while True:
        try: health = urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health").read(); break
        except OSError: time.sleep(0.1)
        assert server.poll() is None
    with connect(f"ws://127.0.0.1:{port}/_stcore/stream", max_size=None) as page:
        while b"Getting the articles ready" in (shown := drawn(page)): time.sleep(0.1)
    assert server.poll() is None
    print("SERVED", health.decode(), len(shown) > 1000)
finally:
    server.terminate()
    server.wait(60)
"""
ROWS = [
    {
        "id": "a",
        "question": "What does a bread baker do?",
        "kind": "fact",
        "answerable": True,
        "evidence": ["kneads dough"],
        "facts": [["dough"]],
    },
    {"id": "b", "question": "Who invented the submarine?", "kind": "off", "answerable": False},
]
FIRST = [
    ["ingest"],
    ["ask", "What does a bread baker do?", "--json"],
    ["ask", "and the other one?", "--after", "What does a bread baker do?"],
    ["articles", "--json"],
    ["article", "bakers"],
    ["doctor"],
]
SECOND = [
    ["ingest", "--dry-run"],
    ["ingest"],
    ["gaps"],
    ["questions", "lint"],
    ["evaluate", "--out", "one"],
    ["evaluate", "--out", "two"],
    ["compare", "one", "two"],
    ["rollback"],
]


def run(
    program: str, settings: IngestSettings, *arguments: str, prefix: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "LANGSMITH_", "LANGCHAIN_"))}
    own = {"CAREER_CORPUS": str(settings.corpus), "CAREER_DATA": str(settings.data), "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        [*prefix, sys.executable, "-c", program, *arguments],
        env={**kept, **own, **environment},
        cwd=settings.data.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_guard_sees_a_connection(settings: IngestSettings) -> None:
    """The control: what is looked for would be found."""
    assert run(GUARD + "socket.create_connection(('192.0.2.1', 80))", settings).returncode == 99
    assert run(GUARD + "import urllib.request; urllib.request.urlopen('http://example.org')", settings).returncode == 99


def check(settings: IngestSettings, program: str, commands: list[list[str]], prefix: tuple[str, ...] = ()) -> None:
    """A tracer's own settings do not make it call out either. Bad news (a row to mend, something worse) is an answer too."""
    done = run(program, settings, json.dumps(commands), prefix=prefix, LANGSMITH_TRACING="true", LANGSMITH_API_KEY="x")
    assert done.returncode == 0, done.stderr
    assert "NETWORK" not in done.stderr
    told = [line.split() for line in done.stdout.splitlines() if line.startswith("STATUS ")]
    assert [words[2] for words in told] == [command[0] for command in commands]
    assert all(words[1] in {"0", "3"} for words in told), done.stdout + done.stderr


def check_chat(settings: IngestSettings, guard: str = "", prefix: tuple[str, ...] = ()) -> None:
    folder = settings.data.parent
    (folder / "sitecustomize.py").write_text(f"import sys\n{guard}\nprint('STARTED', sys.orig_argv, file=sys.stderr)\n")
    path = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
    done = run(CHAT, settings, prefix=prefix, PYTHONPATH=path, STREAMLIT_SERVER_HEADLESS="true")
    assert done.returncode == 0, done.stderr
    assert "SERVED ok True" in done.stdout, done.stdout
    assert "NETWORK" not in done.stderr
    assert re.search("STARTED .*'streamlit', 'run'", done.stderr), "the page's server has no guard"


# neither a network nor, until it is switched on, a loopback
ALONE = ("unshare", "-rn")
AMONG_ITSELF = (*ALONE, "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


def _may_be_alone() -> bool:
    return bool(shutil.which("unshare")) and subprocess.run([*AMONG_ITSELF, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _may_be_alone(), reason="this machine lets nobody start a process without a network (unshare -rn, ip)")
def test_a_process_of_its_own_network_reaches_nobody(settings: IngestSettings) -> None:
    """The control of the test below, which does without where this one is skipped."""
    for prefix in (ALONE, AMONG_ITSELF):
        assert "unreachable" in run("import socket; socket.create_connection(('192.0.2.1', 80), 5)", settings, prefix=prefix).stderr


@pytest.mark.model
def test_no_command_opens_a_socket_without_a_key(settings: IngestSettings) -> None:
    """Where this machine lets somebody start a process without a network (unshare -rn, ip) there is none: also for what a command
    starts itself, into which the guard does not see.
    """
    alone, among_itself = (ALONE, AMONG_ITSELF) if _may_be_alone() else ((), ())
    check(settings, GUARD + COMMANDS, FIRST, alone)
    check_chat(settings, GUARD, among_itself)
    (settings.corpus / "oats.txt").write_text("All About Oats\n\nOats are soaked overnight before they are baked.\n")
    settings.questions.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    check(settings, GUARD + COMMANDS, SECOND, alone)
