"""Every system's ranking of the same texts for the same questions, and what the rankings are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import ir_measures

from chatbot.retrieve import CANDIDATES
from tests.benchmarks.quality.peers import PeerError
from tests.benchmarks.quality.rivals import Rivals, by_owner
from tests.benchmarks.quality.session import Session, reached
from tests.benchmarks.quality.table import PROJECT, Reached


@dataclass(frozen=True, slots=True)
class Task:
    """Questions to texts; what is to be found are the texts' owners, each relevant to a degree."""

    name: str
    texts: Sequence[str]
    owners: Sequence[str]
    questions: Sequence[str]
    relevant: Sequence[Mapping[str, int]]


def measured(
    task: Task, measures: Mapping[str, ir_measures.measures.Measure], project: Callable[[str], list[int]], session: Session
) -> Iterator[Reached]:
    """`project` gives the numbers of the texts for a question, best first."""
    systems = rankings(task, project, session)
    for measure, kind in measures.items():
        yield from reached(task.name, measure, {name: values(task, ranked, kind) for name, ranked in systems.items()})


def rankings(task: Task, project: Callable[[str], list[int]], session: Session) -> dict[str, list[list[str]]]:
    """System -> for each question the owners, best first."""
    rivals = Rivals(task.texts, session.plain)
    systems = {PROJECT: [project(question) for question in task.questions]}
    for question in task.questions:
        for name, ranking in rivals.rankings(question).items():
            systems.setdefault(name, []).append(ranking)
    systems.update(_of_peers(task, session))
    return {name: [by_owner(ranking, task.owners) for ranking in ranked] for name, ranked in systems.items()}


def _of_peers(task: Task, session: Session) -> dict[str, list[list[int]]]:
    if not session.peers:
        return {}
    found = {}
    vectors = session.plain.vectors([*task.texts, *task.questions])
    for name, ranked in session.peers.rankings(task.texts, task.questions, vectors, CANDIDATES):
        if isinstance(ranked, PeerError):
            session.say(f"{task.name}: {name} is left out: {ranked}")
        else:
            found[f"peer: {name}"] = ranked
    return found


def values(task: Task, ranked: Sequence[Sequence[str]], kind: ir_measures.measures.Measure) -> list[float]:
    """One a question."""
    truth = {str(number): dict(relevant) for number, relevant in enumerate(task.relevant)}
    run = {str(number): {owner: 1 / rank for rank, owner in enumerate(owners, start=1)} for number, owners in enumerate(ranked)}
    found = {metric.query_id: float(metric.value) for metric in ir_measures.iter_calc([kind], truth, run)}
    return [found.get(name, 0.0) for name in truth]
