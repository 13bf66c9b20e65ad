"""Fits when a claim counts as supported, in chatbot/fitted.json: python -m tests.benchmarks.fit_support --data FOLDER, or --report

A logistic fit on the rows of claims.jsonl that are for tuning, and a little on the tune part of WiCE, which --data holds as wice/. Which statement a
claim is compared with is not given: each round takes the one that the fit before finds best, and of a false claim in several parts the part that is
told worst. The threshold lets through FALSE of the false claims, out of fold. The far ones can hardly be told apart by such signs, so that they weigh
but FAR in the fit.
`--report` fits nothing, and measures what is fitted on the other rows of claims.jsonl; `make bench-quality` measures the rest of WiCE.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from chatbot import fitted
from chatbot.statements import parts_of, sentences_as_statements
from chatbot.support import SIGNS, Reads, Remembering, signs_of, support
from chatbot.wiring import open_embedder
from ingest.settings import IngestSettings
from tests.benchmarks.claims import RIGHT, WRONG_PASSAGE, Case, cases
from tests.benchmarks.fit_answers import plain_weights
from tests.benchmarks.quality import wice
from tests.benchmarks.quality.data import part_of
from tests.benchmarks.quality.rivals import word_overlap

ROOT = Path(__file__).parents[2]
FALSE = 0.05  # of the false claims, but for those that cite another passage
FAR = 0.05  # AUC of the near rows out of fold, with the signs of the time: .980 with 0, .975 with .05, .969 with .1; of the far ones .669, .687, .694
PUBLIC = 0.1  # weight of a claim of WiCE: AUC of these out of fold .814 with it and with .4; of the near rows that cite the right passage .971 with either
ELSEWHERE = 1 / 3  # weight of a right claim that cites another passage, the easiest to tell
ROUNDS = 4

Scores = NDArray[np.float64]
Table = NDArray[np.float64]  # of one part of a claim: a row a statement, a column a sign


def tables(found: Iterable[Case], reads: Reads) -> list[list[Table]]:
    """Of each claim, those of its parts."""
    return [
        [np.array([signs.values for signs in signs_of(part, one.statements, reads, one.names)]) for part in parts_of(one.claim, one.names)]
        for one in found
    ]


def fit(found: Sequence[Case], signs: Sequence[Sequence[Table]]) -> Pipeline:
    start = np.array([{"late": 1.0, "words": 1.0, "turned": -1.0}.get(name, 0.0) for name in SIGNS])
    examples = _examples(found, signs, lambda table: table @ start)
    for _ in range(ROUNDS):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=3000, class_weight="balanced"))
        model.fit(
            np.array([one.signs for one in examples]),
            [one.is_right for one in examples],
            logisticregression__sample_weight=[one.weight for one in examples],
        )
        examples = _examples(found, signs, model.decision_function)
    return model


@dataclass(frozen=True, slots=True)
class _Example:
    signs: Scores
    is_right: bool
    weight: float


def _examples(found: Sequence[Case], signs: Sequence[Sequence[Table]], score: Callable[[Table], Scores]) -> list[_Example]:
    """Of each part of a right claim, and of a false claim's worst part, the best statement."""
    examples: list[_Example] = []
    for one, parts, scores in zip(found, signs, _scored(signs, score), strict=True):
        best = [table[int(np.argmax(of_part))] for table, of_part in zip(parts, scores, strict=True)]
        kept = best if one.is_right else [best[int(np.argmin([of_part.max() for of_part in scores]))]]
        examples += [_Example(row, one.is_right, _weight(one) / len(kept)) for row in kept]
    return examples


def _weight(one: Case) -> float:
    if one.names is None:  # it is of no article of this project
        return PUBLIC
    return (FAR if one.is_far else 1.0) * (ELSEWHERE if one.how == WRONG_PASSAGE else 1.0)


def _scored(signs: Sequence[Sequence[Table]], score: Callable[[Table], Scores]) -> list[list[Scores]]:
    """Of each statement, by claim and part; all at once, which takes a hundredth of the time."""
    every = [table for parts in signs for table in parts]
    of_tables = iter(np.split(score(np.concatenate(every)), np.cumsum([len(table) for table in every])[:-1]))
    return [[next(of_tables) for _ in parts] for parts in signs]


def out_of_fold(found: Sequence[Case], signs: Sequence[Sequence[Table]]) -> Scores:
    """The score of each claim by a fit that has not seen its article."""
    scores = np.zeros(len(found))
    for group in dict.fromkeys(one.group for one in found):
        rest = [at for at, one in enumerate(found) if one.group != group]
        held = [at for at, one in enumerate(found) if one.group == group]
        model = fit([found[at] for at in rest], [signs[at] for at in rest])
        for at, parts in zip(held, _scored([signs[at] for at in held], model.decision_function), strict=True):
            scores[at] = min(of_part.max() for of_part in parts)
    return scores


def told(found: Sequence[Case], scores: Iterable[float], threshold: float) -> str:
    """How many of each kind are verified."""
    kinds = defaultdict(list)
    for one, score in zip(found, scores, strict=True):
        kinds[one.how].append(score >= threshold)
        if one.how not in {RIGHT, WRONG_PASSAGE}:
            kinds["false, all but wrong passage"].append(score >= threshold)
    return "\n".join(f"{how:<28} {np.mean(passed):6.1%} of {len(passed)} verified" for how, passed in sorted(kinds.items()))


def public_cases(folder: Path) -> Iterator[Case]:
    """The claims of WiCE's tune part, each with the stretch that holds most of its words, in five groups."""
    claims = [claim for name, claim in wice.claims_in(folder).items() if part_of(name) == "tune"]
    for number, claim in enumerate(claims):
        stretch = max(claim.stretches, key=lambda stretch: word_overlap(claim.text, " ".join(stretch)))
        how = RIGHT if claim.is_supported else "not supported outright"
        yield Case(claim.text, tuple(sentences_as_statements(stretch)), None, how, f"{wice.NAME} {number % 5}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, help="the folder of the public sets")
    what.add_argument("--report", action="store_true")
    options = parser.parse_args()
    embedder = open_embedder(IngestSettings())
    reads = Remembering(embedder)
    if options.report:
        found = list(cases("test", embedder, reads))
        scores = np.array([support(one.claim, one.statements, reads, one.names).probability for one in found])
        print(told(found, scores, fitted.support_threshold()))
    else:
        public = list(public_cases(options.data / wice.NAME))
        refit(list(cases("tune", embedder, reads)), public, reads)


def refit(own: Sequence[Case], public: Sequence[Case], reads: Reads) -> None:
    found = [*own, *public]
    signs = tables(found, reads)
    scores = out_of_fold(found, signs)
    of_own = list(zip(own, scores[: len(own)], strict=True))
    false = [score for one, score in of_own if one.how not in {RIGHT, WRONG_PASSAGE}]
    threshold = float(np.quantile(false, 1 - FALSE))
    for kind, is_far in (("near", False), ("far", True)):
        of_kind = [(one, score) for one, score in of_own if one.is_far == is_far]
        print(f"{kind} ones, out of fold:\n{told([one for one, _ in of_kind], [score for _, score in of_kind], threshold)}")
    print(f"of WiCE, out of fold: AUC {roc_auc_score([one.is_right for one in public], scores[len(own) :]):.3f}")
    bias, weights = plain_weights(*fit(found, signs))
    path = ROOT / "chatbot/fitted.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    kept["support"] = {"bias": round(bias, 4), **dict(zip(SIGNS, weights.round(4).tolist(), strict=True))}
    kept["support_threshold"] = round(1 / (1 + float(np.exp(-threshold))), 4)
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
