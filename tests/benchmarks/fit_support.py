"""Fits when a claim counts as supported, in chatbot/fitted.json: python -m tests.benchmarks.fit_support [--report] [--wice FILE]

A logistic fit on the rows of claims.jsonl that are for tuning. Which statement a claim is compared with is not given: each round takes the one
that the fit before finds best. The threshold lets through FALSE of the false claims, out of fold; a right claim that cites another passage, the easiest
to tell, weighs a third. `--report` fits nothing, and measures what is fitted on the other rows; `--wice` adds the AUC on a file of that set.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from chatbot import fitted
from chatbot.support import Reads, Remembering, Signs, sentences_as_statements, signs_of, support
from chatbot.wiring import open_embedder
from ingest.settings import IngestSettings
from tests.benchmarks.claims import RIGHT, WRONG_PASSAGE, Case, cases
from tests.benchmarks.fit_answers import plain_weights

ROOT = Path(__file__).parents[2]
FALSE = 0.0225  # of the false claims, but for those that cite another passage
ROUNDS = 4
NAMES = [field.name for field in fields(Signs)]

Table = NDArray[np.float64]  # of one claim: a row a statement, a column a sign


def tables(found: Iterable[Case], reads: Reads) -> list[Table]:
    """Of a claim in several parts, the table of its part that is told worst is a guess; the fit takes the whole."""
    return [np.array([list(asdict(signs).values()) for signs in signs_of(one.claim, one.statements, reads, one.names)]) for one in found]


def fit(found: Sequence[Case], signs: Sequence[Table]) -> Pipeline:
    right = np.array([one.is_right for one in found])
    weights = np.array([1 / 3 if one.how == WRONG_PASSAGE else 1.0 for one in found])
    first = NAMES.index("late"), NAMES.index("words"), NAMES.index("turned")
    picked = [int(np.argmax(table[:, first[0]] + table[:, first[1]] - table[:, first[2]])) for table in signs]
    for _ in range(ROUNDS):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=3000, class_weight="balanced"))
        rows = np.array([table[at] for table, at in zip(signs, picked, strict=True)])
        model.fit(rows, right, logisticregression__sample_weight=weights)
        picked = [int(np.argmax(model.decision_function(table))) for table in signs]
    return model


def out_of_fold(found: Sequence[Case], signs: Sequence[Table]) -> NDArray[np.float64]:
    """The score of each claim by a fit that has not seen its article."""
    scores = np.zeros(len(found))
    for group in {one.group for one in found}:
        rest = [at for at, one in enumerate(found) if one.group != group]
        model = fit([found[at] for at in rest], [signs[at] for at in rest])
        for at in (at for at, one in enumerate(found) if one.group == group):
            scores[at] = model.decision_function(signs[at]).max()
    return scores


def told(found: Sequence[Case], scores: NDArray[np.float64], threshold: float) -> str:
    """How many of each kind are verified."""
    kinds = defaultdict(list)
    for one, score in zip(found, scores, strict=True):
        kinds[one.how].append(score >= threshold)
        if one.how not in {RIGHT, WRONG_PASSAGE}:
            kinds["false, all but wrong passage"].append(score >= threshold)
    return "\n".join(f"{how:<28} {np.mean(passed):6.1%} of {len(passed)} verified" for how, passed in sorted(kinds.items()))


def wice_auc(path: Path, reads: Reads) -> str:
    """The greatest score of a claim's chunks against whether it is supported, of the half with an even sha1 as of the other."""
    from hashlib import sha1  # noqa: PLC0415

    best: dict[str, tuple[bool, float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        score = support(row["claim"], sentences_as_statements(row["evidence"]), reads).probability
        name = row["meta"]["id"]
        best[name] = row["label"] == "supported", max(score, best.get(name, (False, 0.0))[1])
    halves = [[pair for name, pair in best.items() if int(sha1(name.encode()).hexdigest(), 16) % 2 == half] for half in (0, 1)]
    return ", ".join(
        f"{name} half: AUC {roc_auc_score([pair[0] for pair in half], [pair[1] for pair in half]):.3f} of {len(half)} claims"
        for name, half in zip(("even", "odd"), halves, strict=True)
        if half
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--wice", type=Path, help="a file of wice's oracle chunks")
    options = parser.parse_args()
    embedder = open_embedder(IngestSettings())
    reads = Remembering(embedder)
    if options.report:
        found = list(cases("test", embedder, reads))
        scores = np.array([support(one.claim, one.statements, reads, one.names).probability for one in found])
        print(told(found, scores, fitted.support_threshold()))
    elif not options.wice:
        refit(list(cases("tune", embedder, reads)), reads)
    if options.wice:
        print(wice_auc(options.wice, reads))


def refit(found: Sequence[Case], reads: Reads) -> None:
    signs = tables(found, reads)
    scores = out_of_fold(found, signs)
    false = [score for one, score in zip(found, scores, strict=True) if one.how not in {RIGHT, WRONG_PASSAGE}]
    threshold = float(np.quantile(false, 1 - FALSE))
    print(f"out of fold:\n{told(found, scores, threshold)}")
    bias, weights = plain_weights(fit(found, signs))
    path = ROOT / "chatbot/fitted.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    kept["support"] = {"bias": round(bias, 4), **dict(zip(NAMES, weights.round(4).tolist(), strict=True))}
    kept["support_threshold"] = round(1 / (1 + float(np.exp(-threshold))), 4)
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
