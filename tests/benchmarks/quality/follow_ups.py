"""TREC CAsT: turns of conversations, and each as a person rewrote it to stand alone. By the terms that would be searched for, in turns after the first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.follow_up import standalone
from chatbot.retrieve import content_terms
from ingest.roles import RoleNames
from tests.benchmarks.quality.data import AbsentError, found, is_wanted, part_of
from tests.benchmarks.quality.session import Session, reached
from tests.benchmarks.quality.table import PROJECT, Reached

NAME = "follow_ups"


@dataclass(frozen=True, slots=True)
class Turn:
    question: str
    history: tuple[str, ...]
    rewritten: str


def run(folder: Path, session: Session) -> Iterator[Reached]:
    asked = [turn for topic in topics(folder) if is_wanted(part_of(str(topic["number"])), session.part) for turn in turns(topic)]
    if not asked:
        raise AbsentError(f"no conversation in {folder.name} comes with rewritten turns")
    names = RoleNames(())
    alone = {
        PROJECT: [standalone(turn.question, turn.history, names) for turn in asked],
        "the turn as it is": [turn.question for turn in asked],
        "all turns joined": [" ".join([*turn.history, turn.question]) for turn in asked],
    }
    for number, measure in enumerate(("F1 of terms", "recall of terms")):
        values = {
            system: [_overlap(text, turn.rewritten)[number] for text, turn in zip(texts, asked, strict=True)]
            for system, texts in alone.items()
        }
        yield from reached(NAME, measure, values)


def topics(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Each conversation once, though several files hold it; one without rewritten turns is not asked."""
    seen: set[Any] = set()
    for path in found(folder, "*.json"):
        for topic in json.loads(path.read_text(encoding="utf-8")):
            if topic["number"] not in seen and any("manual_rewritten_utterance" in turn for turn in topic["turn"]):
                seen.add(topic["number"])
                yield topic


def turns(topic: Mapping[str, Any]) -> Iterator[Turn]:
    history: list[str] = []
    for turn in topic["turn"]:
        question = turn.get("raw_utterance") or turn.get("utterance")
        if not question:
            continue
        if history and turn.get("manual_rewritten_utterance"):
            yield Turn(question, tuple(history), turn["manual_rewritten_utterance"])
        history.append(question)


def _overlap(text: str, rewritten: str) -> tuple[float, float]:
    """F1 and recall of the terms, each counted once."""
    got, wanted = set(content_terms(text)), set(content_terms(rewritten))
    both = len(got & wanted)
    return 2 * both / max(len(got) + len(wanted), 1), both / max(len(wanted), 1)
