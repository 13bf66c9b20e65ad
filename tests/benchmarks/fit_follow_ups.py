"""Fits which words a follow-up leans on, into chatbot/fitted.json: python -m tests.benchmarks.fit_follow_ups --data FOLDER

On the tune part of the public set follow_ups (README says where it is published): words of earlier turns that the people who rewrote a turn put
into it. A table of rewritten turns beside the conversations (*.tsv: 31_2, a tab, the text) is read too. Printed are figures out of fold.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from chatbot.carried import ENOUGH, Signs, signs_of
from chatbot.retrieve import content_terms
from tests.benchmarks.fit_answers import plain_weights
from tests.benchmarks.quality.data import found, part_of
from tests.benchmarks.quality.follow_ups import Turn, topics, turns

ROOT = Path(__file__).parents[2]
FOLDS = 10

Case = tuple[str, Turn]  # the conversation, and one of its turns


def cases(folder: Path) -> Iterator[Case]:
    """The turns of the tune part."""
    for topic in [*topics(folder), *_with_table(folder)]:
        if part_of(str(topic["number"])) == "tune":
            yield from ((str(topic["number"]), turn) for turn in turns(topic))


def _with_table(folder: Path) -> Iterator[dict[str, object]]:
    """Conversations whose turns are rewritten in a table beside them."""
    lines = (line.split("\t", 1) for path in folder.glob("*.tsv") for line in path.read_text(encoding="utf-8").splitlines() if "\t" in line)
    rewritten = dict(lines)
    for path in found(folder, "*.json"):
        for topic in json.loads(path.read_text(encoding="utf-8")):
            if f"{topic['number']}_1" in rewritten:
                told = [
                    {**turn, "manual_rewritten_utterance": rewritten.get(f"{topic['number']}_{turn['number']}")} for turn in topic["turn"]
                ]
                yield {"number": topic["number"], "turn": told}


def fit(signs: NDArray[np.float64], wanted: NDArray[np.bool_]) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(signs, wanted)


def report(asked: Sequence[Case], owners: Sequence[int], terms: Sequence[str], chances: NDArray[np.float64]) -> None:
    """F1 and recall of terms, out of fold."""
    got = [set(content_terms(turn.question)) for _, turn in asked]
    for owner, term, chance in zip(owners, terms, chances, strict=True):
        if chance >= ENOUGH:
            got[owner].add(term)
    wanted = [set(content_terms(turn.rewritten)) for _, turn in asked]
    f1 = np.mean([2 * len(a & b) / max(len(a) + len(b), 1) for a, b in zip(got, wanted, strict=True)])
    recall = np.mean([len(a & b) / max(len(b), 1) for a, b in zip(got, wanted, strict=True)])
    print(f"out of fold, n = {len(asked)}: F1 of terms {f1:.3f}, recall {recall:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the public sets")
    asked = list(cases(parser.parse_args().data / "follow_ups"))
    told = [
        (number, term, signs) for number, (_, turn) in enumerate(asked) for term, signs in signs_of(turn.question, turn.history).items()
    ]
    signs = np.array([list(asdict(one).values()) for _, _, one in told])
    wanted = np.array([term in set(content_terms(asked[number][1].rewritten)) for number, term, _ in told])
    groups = np.array([asked[number][0] for number, _, _ in told])
    chances = np.zeros(len(told))
    for rest, held in GroupKFold(FOLDS).split(signs, wanted, groups):
        chances[held] = fit(signs[rest], wanted[rest]).predict_proba(signs[held])[:, 1]
    report(asked, [number for number, _, _ in told], [term for _, term, _ in told], chances)
    bias, weights = plain_weights(*fit(signs, wanted))
    path = ROOT / "chatbot/fitted.json"
    fitted = json.loads(path.read_text(encoding="utf-8"))
    fitted["carried"] = {"bias": round(bias, 4), **dict(zip((one.name for one in fields(Signs)), weights.round(4).tolist(), strict=True))}
    path.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
