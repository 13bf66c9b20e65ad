"""What every command of the command line shares: how one is declared, where its results and its other words go, its settings and advisor. Imports no streamlit."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatbot.advisor import Advisor
    from ingest.pipeline import Progress
    from ingest.settings import IngestSettings

DONE, FAILED, USAGE, BAD_NEWS, INTERRUPTED = 0, 1, 2, 3, 130  # exit statuses: of `BAD_NEWS` the command is done, and the answer is bad news


class Commands:
    """The commands of a program, or of a group of them: each with the options of all, its help and an example."""

    def __init__(self, parser: argparse.ArgumentParser, common: argparse.ArgumentParser, metavar: str = "COMMAND") -> None:
        self._commands = parser.add_subparsers(metavar=metavar, required=True)
        self._common = common

    def add(self, name: str, run: Callable[[argparse.Namespace], int], about: str, example: str) -> argparse.ArgumentParser:
        added = self._parser(name, about, example, [self._common])
        added.set_defaults(run=run)
        return added

    def group(self, name: str, about: str, example: str) -> Commands:
        return Commands(self._parser(name, about, example, []), self._common, "ACTION")

    def _parser(self, name: str, about: str, example: str, parents: list[argparse.ArgumentParser]) -> argparse.ArgumentParser:
        return self._commands.add_parser(name, parents=parents, help=about, description=about, epilog=f"example: career-advisor {example}")


def add_json(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--json", action="store_true", help=f"print {what} as JSON")


def add_after(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--after", action="append", default=[], metavar="QUESTION", help="an earlier question of the conversation; may be repeated"
    )


def settings_of(options: argparse.Namespace) -> IngestSettings:
    from ingest.settings import IngestSettings  # noqa: PLC0415

    return IngestSettings.read(corpus=options.corpus, data=options.data)


@contextmanager
def advisor_of(options: argparse.Namespace, *, asks: bool = False) -> Iterator[Advisor]:
    """One that is asked loads its model while the index is opened."""
    from chatbot.settings import ChatSettings, ModelSettings  # noqa: PLC0415
    from chatbot.wiring import open_advisor  # noqa: PLC0415

    advisor = open_advisor(ChatSettings.read(), settings_of(options), ModelSettings.read())
    if asks:
        threading.Thread(target=advisor.warm).start()
    try:
        yield advisor
    finally:
        advisor.close()


@contextmanager
def progress_bar(label: str) -> Iterator[Progress | None]:
    """A bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def write(text: str) -> None:
    """A result, to standard output."""
    sys.stdout.write(_printable(text) + "\n")


def write_json(value: object) -> None:
    sys.stdout.write(_printable(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")


def say(text: str) -> None:
    """All else, to standard error."""
    sys.stderr.write(_printable(text) + "\n")


def _printable(text: str) -> str:
    """Without the characters that a terminal obeys."""
    return "".join(character for character in text if character == "\n" or unicodedata.category(character) not in {"Cc", "Cf", "Cs"})
