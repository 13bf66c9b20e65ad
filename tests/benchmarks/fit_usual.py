"""Fits chatbot/usual.json: python -m tests.benchmarks.fit_usual

How usual it is that an article answers such a question, by the question alone ("What does it pay?", "Which laptop do I need?"): a logistic fit on the mean of its
word pieces, on the questions of the practice articles that are not held out. The reader was taught these very questions, so that only what is held out tells how
well it does: AUC .970 on roles (6,467 questions on 93 articles), .853 on an encyclopedia's (1,343 on 23). Of the question set's tune half .858 is abstained
with it at 3 % refused, .891 at 5 %, out of fold; without, .848 and .884. Run after train_reader, and fit_answers after it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from chatbot.abstention import asked_vector
from chatbot.opened import without_roles
from chatbot.understanding import told_before
from chatbot.wiring import open_embedder
from ingest.embed import Embedder, Vectors
from ingest.roles import RoleNames
from ingest.settings import IngestSettings
from ingest.types import Role
from tests.benchmarks.practice import Practice, read_practice

OUT = Path(__file__).parents[2] / "chatbot/usual.json"
STRENGTH = 0.3  # of the fit: the inverse of its ridge


def vectors_of(practices: Sequence[Practice], embedder: Embedder) -> tuple[Vectors, NDArray[np.bool_]]:
    """Of their questions, shape (questions, dimensions), and whether each is answered."""
    found = [_vectors_of(practice, embedder) for practice in practices]
    return np.concatenate([vectors for vectors, _ in found]), np.concatenate([answered for _, answered in found])


def _vectors_of(practice: Practice, embedder: Embedder) -> tuple[Vectors, NDArray[np.bool_]]:
    names = RoleNames([Role(name, tuple(others)) for name, others in practice.roles.items()])
    asked = [*(question for question, _ in practice.questions), *practice.unanswerable]
    read = zip(asked, embedder.encode(asked), strict=True)
    vectors = [asked_vector(without_roles(encoded, names, question), told_before(question)) for question, encoded in read]
    return np.stack(vectors), np.arange(len(asked)) < len(practice.questions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    embedder, practices = open_embedder(IngestSettings()), read_practice()
    vectors, answered = vectors_of([one for one in practices if not one.is_held_out], embedder)
    fit = LogisticRegression(C=STRENGTH, max_iter=1000).fit(vectors, answered)
    weights = fit.coef_[0].astype(float)
    ordinary = float((vectors @ weights).mean())  # 0 is then an ordinary question
    for name, has_roles in (("on roles", True), ("an encyclopedia's", False)):
        held_out = [one for one in practices if one.is_held_out and bool(one.roles) == has_roles]
        vectors, answered = vectors_of(held_out, embedder)
        found = roc_auc_score(answered, vectors @ weights)
        print(f"held out, {name}: AUC {found:.3f} of {len(answered)} questions on {len(held_out)} articles")
    usual = {"model": embedder.fingerprint, "bias": round(-ordinary, 3), "weights": weights.round(3).tolist()}
    OUT.write_text(json.dumps(usual) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
