"""The command that lists what the articles should answer and do not. Imports no streamlit."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ui.command import DONE, Commands, add_json, count, settings_of, write, write_json

if TYPE_CHECKING:
    from chatbot.gaps import Gap


def add_gaps_command(commands: Commands) -> None:
    about = "List the questions asked on the page that the articles should answer and do not, the most asked first."
    add_json(commands.add("gaps", _gaps, about, "gaps --json"), "the list")


def _gaps(options: argparse.Namespace) -> int:
    from chatbot.memory import open_memory  # noqa: PLC0415
    from chatbot.settings import MemorySettings  # noqa: PLC0415

    memory = open_memory(MemorySettings.read(), settings_of(options).data)
    try:
        gaps = memory.gaps()
    finally:
        memory.close()
    if options.json:
        write_json([gap.as_dict() for gap in gaps])
    else:
        write("\n".join(map(_line, gaps)) or "No question was left unanswered that the articles should answer.")
    return DONE


def _line(gap: Gap) -> str:
    near = f"; nearest: {' | '.join(gap.near)}" if gap.near else ""
    return f"{gap.question}\n  asked {count(gap.times, 'time')}, last on {gap.last_asked:%Y-%m-%d}{near}"
