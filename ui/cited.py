"""What an ingest does to the citations of kept answers: those it would touch, and those that are forgotten with their article. Tells nothing of who asked, or what. Imports no streamlit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ui.command import count
from ui.evaluation_commands import RUNS

if TYPE_CHECKING:
    from chatbot.memory import Memory
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
    from chatbot.recheck import Quoted, touched_quotes  # noqa: PLC0415

    if not found.is_change:
        return []
    with _memory(settings) as memory:
        times = Counter(map(Quoted.of, memory.citations() if memory else ()))
    touched = touched_quotes(times, found.before, found.after)
    return [TouchedCitation(quoted.article_id, quoted.text, result.fate, times[quoted]) for quoted, result in touched]


def touched_section(touched: Sequence[Mapping[str, Any]]) -> tuple[str, tuple[str, ...]]:
    """For a person: how many, and below it the quotes that would not stand any more as they were. `touched` as in --json."""
    lost = [one for one in touched if one["fate"] != "moved"]
    lines = [f"{one['fate']} {one['article_id']}: {' '.join(one['quote'].split())}" for one in lost[:SHOWN]]
    more = [f"... and {count(len(lost) - SHOWN, 'more quote')}"] if len(lost) > SHOWN else []
    return f"{_touched_sentence(touched)}{':' if lost else '.'}", (*lines, *more)


def _touched_sentence(touched: Sequence[Mapping[str, Any]]) -> str:
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


def stands_in_answers(settings: IngestSettings, article_id: str) -> bool:
    """Whether a kept answer holds an article's words, or an evaluation names it. Raises MemoryStoreError."""
    from chatbot.evaluation.runs import runs_that_hold  # noqa: PLC0415

    with _memory(settings) as memory:
        is_kept = memory is not None and memory.holds_article(article_id)
    return is_kept or bool(runs_that_hold(settings.data / RUNS, article_id))


def forget_in_answers(settings: IngestSettings, ids: Sequence[str]) -> Forgotten:
    """Of all that an article was ever called. Raises MemoryStoreError."""
    from chatbot.evaluation.runs import runs_that_hold  # noqa: PLC0415

    with _memory(settings) as memory:
        answers = sum(map(memory.forget_article, ids)) if memory else None
    runs = {run for name in ids for run in runs_that_hold(settings.data / RUNS, name)}
    return Forgotten(answers, tuple(sorted(runs)))


@contextmanager
def _memory(settings: IngestSettings) -> Iterator[Memory | None]:
    """None where no conversations are kept. Raises MemoryStoreError."""
    from chatbot.memory import kept_memory  # noqa: PLC0415
    from chatbot.settings import MemorySettings  # noqa: PLC0415

    memory = kept_memory(MemorySettings.read(), settings.data)
    try:
        yield memory
    finally:
        if memory:
            memory.close()
