"""Fits the weights in chatbot/fitted.json: python -m tests.benchmarks.fit_answers --articles FOLDER [FOLDER ...]

Which unit answers: a listwise logistic fit, on the tune half of corpus/questions.jsonl, asked of each folder of articles, and on the practice
articles that the reader was not trained on. Whether any does: a logistic fit on the signs of the evidence as it is then ranked, on the tune
half alone: likeness means another thing in a single short article. Printed are figures out of fold.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from chatbot import abstention, evidence
from chatbot.evaluation.questions import holds, read_questions, to_ask
from chatbot.understanding import aside
from chatbot.wiring import open_embedder
from ingest.embed import Embedder
from ingest.settings import IngestSettings
from tests.benchmarks.advisors import advisor_over
from tests.benchmarks.practice import advisor_on, is_gold, read_practice

ROOT = Path(__file__).parents[2]
FOLDS = 5
REFUSED = 0.03  # of the answerable questions, out of fold: the threshold is set to refuse no more
RIDGE = 0.02


@dataclass(frozen=True, slots=True)
class Case:
    """One question: the signs of every unit, which of them answer (none of an unanswerable one), and the fold it belongs to."""

    units: NDArray[np.float64]
    gold: NDArray[np.bool_]
    whole: tuple[float, ...]
    answerable: bool
    fold: int


def cases_of_questions(articles: Path, embedder: Embedder) -> Iterable[Case]:
    """The tune half of the question set, asked of one folder of articles."""
    rows = to_ask(read_questions(ROOT / "corpus/questions.jsonl"), "tune")
    with advisor_over(articles, embedder) as advisor:
        for number, row in enumerate(row for row in rows if not aside(row.question)):
            quotes, units, whole = advisor.signs(row.question, row.history)
            gold = [
                any(_same(quote, wanted) for wanted in row.evidence) or any(holds(quote, fact) for fact in row.facts) for quote in quotes
            ]
            yield Case(units.table().astype(np.float64), np.array(gold), _row(whole), row.answerable, number % FOLDS)


def cases_of_practice(embedder: Embedder) -> Iterable[Case]:
    for practice in read_practice():
        if practice.is_held_out:
            with advisor_on(practice, embedder) as advisor:
                for question, answers in [*practice.questions, *((question, ()) for question in practice.unanswerable)]:
                    quotes, units, whole = advisor.signs(question)
                    gold = np.array([bool(answers) and is_gold(quote, answers) for quote in quotes])
                    yield Case(units.table().astype(np.float64), gold, _row(whole), bool(answers), practice.number // FOLDS % FOLDS)


def _same(quote: str, wanted: str) -> bool:
    return quote in wanted or wanted in quote


def _row(whole: abstention.Signs) -> tuple[float, ...]:
    return tuple(asdict(whole).values())


def fit_evidence(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Weights under which the units that answer stand above the others of their question."""
    kept = [(torch.tensor(case.units), torch.tensor(case.gold)) for case in cases if case.gold.any()]
    weights = torch.zeros(kept[0][0].shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=100)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        scores = [units @ weights * 10 for units, _ in kept]
        total = sum(torch.logsumexp(score, 0) - torch.logsumexp(score[gold], 0) for score, (_, gold) in zip(scores, kept, strict=True))
        mean = total / len(kept) + RIDGE * (weights**2).sum()
        mean.backward()
        return mean

    optimizer.step(loss)
    found = weights.detach().numpy()
    return np.asarray(found / np.abs(found).sum())


def ranks(cases: Sequence[Case], weights: NDArray[np.float64]) -> list[int]:
    """Of the best-placed unit that answers, per question, from 0."""
    return [int(np.flatnonzero(case.gold[np.argsort(-case.units @ weights)])[0]) for case in cases if case.gold.any()]


def report_evidence(cases: Sequence[Case]) -> None:
    found = [
        rank
        for fold in range(FOLDS)
        for rank in ranks([c for c in cases if c.fold == fold], fit_evidence([c for c in cases if c.fold != fold]))
    ]
    print(
        f"a unit that answers, out of fold, n = {len(found)}: "
        + ", ".join(f"in the first {k} {np.mean(np.array(found) < k):.3f}" for k in (1, 2, 3, 5))
    )


def fit_abstention(cases: Sequence[Case]) -> Pipeline:
    signs = np.array([case.whole for case in cases])
    answerable = np.array([case.answerable for case in cases])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=3000, class_weight="balanced"))
    return model.fit(signs, answerable)


def plain_weights(model: Pipeline) -> tuple[float, NDArray[np.float64]]:
    """Bias and weights of a fit, for signs that are not standardised."""
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    return float(regression.intercept_[0] - weights @ scaler.mean_), weights


def out_of_fold(cases: Sequence[Case]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Probability that each question is answerable, by a fit that has not seen its fold; and whether it is."""
    found: list[float] = []
    truth: list[bool] = []
    for fold in range(FOLDS):
        model = fit_abstention([case for case in cases if case.fold != fold])
        held = [case for case in cases if case.fold == fold]
        found += model.predict_proba(np.array([case.whole for case in held]))[:, 1].tolist()
        truth += [case.answerable for case in held]
    return np.array(found), np.array(truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=Path, nargs="+", default=[ROOT / "corpus/articles"])
    parser.add_argument(
        "--only", choices=["evidence", "abstention"], help="run once for each, evidence first: the second is fitted on what the first ranks"
    )
    options = parser.parse_args()
    embedder = open_embedder(IngestSettings())
    cases = [case for folder in options.articles for case in cases_of_questions(folder, embedder)]
    path = ROOT / "chatbot/fitted.json"
    weights = json.loads(path.read_text(encoding="utf-8"))
    if options.only != "abstention":
        more = [*cases, *cases_of_practice(embedder)]
        report_evidence(more)
        weights["evidence"] = dict(zip((f.name for f in fields(evidence.Signs)), fit_evidence(more).round(4).tolist(), strict=True))
    if options.only != "evidence":
        probability, truth = out_of_fold(cases)
        threshold = float(np.quantile(probability[truth], REFUSED))
        print(
            f"abstention, out of fold, n = {len(truth)}: AUC {roc_auc_score(truth, probability):.3f}; threshold {threshold:.3f} refuses {REFUSED:.1%} of the answerable"
        )
        print(f"and abstains on {np.mean(probability[~truth] < threshold):.3f} of the unanswerable")
        bias, coefficients = plain_weights(fit_abstention(cases))
        names = [field.name for field in fields(abstention.Signs)]
        weights["abstention"] = {"bias": round(bias, 4), **dict(zip(names, coefficients.round(4).tolist(), strict=True))}
        weights["threshold"] = round(threshold, 4)
    path.write_text(json.dumps(weights, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
