"""What an ingest does to the citations of kept answers: those it would touch, and those that are forgotten with their article. Tells nothing of who asked, or what. Imports no streamlit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ui.command import count
from ui.evaluation_commands import RUNS

if TYPE_CHECKING:
    from chatbot.recheck import Fate
    from ingest.preview import Preview
    from ingest.settings import IngestSettings

SHOWN = 20  # quotes that a preview prints; --json gives all


@dataclass(frozen=True, slots=True)
class TouchedCitation:
    """A quote that would stand elsewhere, read otherwise or be gone; `times` is how often kept answers cite it."""

    article_id: str
    quote: str
    fate: Fate
    times: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def touched_citations(settings: IngestSettings, found: Preview) -> list[TouchedCitation]:
    """Of all kept conversations; none where none are kept. Raises MemoryStoreError."""
    from chatbot.memory import kept_memory  # noqa: PLC0415
    from chatbot.recheck import Quoted, touched_quotes  # noqa: PLC0415
    from chatbot.settings import MemorySettings  # noqa: PLC0415

    memory = kept_memory(MemorySettings.read(), settings.data) if found.is_change else None
    if memory is None:
        return []
    try:
        times = Counter(map(Quoted.of, memory.citations()))
    finally:
        memory.close()
    touched = touched_quotes(times, found.before, found.after)
    return [TouchedCitation(quoted.article_id, quoted.text, result.fate, times[quoted]) for quoted, result in touched]


def touched_lines(touched: Sequence[TouchedCitation]) -> list[str]:
    """For a person: how many, and the quotes that would not stand any more as they were."""
    if not touched:
        return []
    lost = [one for one in touched if one.fate != "moved"]
    lines = [f"{touched_sentence([one.as_dict() for one in touched])}{':' if lost else ''}"]
    lines += [f"  {one.fate} {one.article_id}: {' '.join(one.quote.split())}" for one in lost[:SHOWN]]
    return [*lines, f"  ... and {count(len(lost) - SHOWN, 'more quote')}"] if len(lost) > SHOWN else lines


def touched_sentence(touched: Sequence[dict[str, Any]]) -> str:
    """`touched` as in --json. Without its full stop."""
    fates: Counter[str] = Counter()
    for one in touched:
        fates[one["fate"]] += one["times"]
    told = ", ".join(f"{fates[fate]:,} {fate}" for fate in ("moved", "changed", "removed") if fates[fate])
    return f"In kept conversations {count(fates.total(), 'citation')} would be touched ({told})"


# --- an article that is forgotten


@dataclass(frozen=True, slots=True)
class Forgotten:
    """In how many kept answers an article's words were; None where no conversations are kept. `runs` are the evaluations that still hold them."""

    answers: int | None
    runs: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"forgotten_answers": self.answers or 0, "runs_that_hold_it": list(self.runs)}

    def lines(self) -> list[str]:
        told = [] if self.answers is None else [f"Its words were taken out of {count(self.answers, 'kept answer')}."]
        if self.runs:
            told.append(f"Evaluations still hold its words: delete {', '.join(self.runs)} below the data folder's {RUNS}.")
        return told


def forget_in_answers(settings: IngestSettings, article_id: str) -> Forgotten:
    """Raises MemoryStoreError."""
    from chatbot.evaluation.runs import runs_that_hold  # noqa: PLC0415
    from chatbot.memory import kept_memory  # noqa: PLC0415
    from chatbot.settings import MemorySettings  # noqa: PLC0415

    memory = kept_memory(MemorySettings.read(), settings.data)
    try:
        answers = memory.forget_article(article_id) if memory else None
    finally:
        if memory:
            memory.close()
    return Forgotten(answers, tuple(runs_that_hold(settings.data / RUNS, article_id)))
