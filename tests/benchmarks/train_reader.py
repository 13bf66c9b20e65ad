"""Trains ingest/reader.safetensors: python -m tests.benchmarks.train_reader [--epochs 2]

Low-rank changes (LoRA) to the layers of the default embedding model, so that its word pieces tell which sentence answers a question.
It learns to give a question that the article does not answer to no sentence at all: that score is compared with `null`. Trained on the
practice articles, whose roles have nothing to do with the project's own; every fifth is held out and reported.
Half of SQuAD 2.0 beside them made it worse at abstaining here (66.7 % of the unanswerable for 75.9 %). Run tests.benchmarks.fit_answers after it.
The reader as it is was trained before practice/v*.jsonl were written; with them a training takes about an hour on two cores.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from ingest.articles import find_articles, read_article
from ingest.embed import ADAPTER, _default_folder, _weights
from ingest.roles import RoleNames, attribute
from ingest.split import split
from ingest.types import Role
from tests.benchmarks.practice import Practice, is_gold, read_practice

RANK = 16
SCALE = 2.0  # of the low-rank product
RATE = 1.5e-4
DECAY = 0.05
WARM_UP = 30  # steps
TOGETHER = 12  # questions of one article a step
SEED = 0
PIECES = 96  # of a unit or question, at most


@dataclass(frozen=True, slots=True)
class Lesson:
    """An article's units, and questions with the numbers of the units that answer them: none of an unanswerable one."""

    units: list[str]
    questions: list[tuple[str, list[int]]]  # in an order that mixes those with an answer and those without
    is_held_out: bool


class LowRank(nn.Module):
    """A layer that stays as it is, and a low-rank change to it that is learnt."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.a = nn.Parameter(torch.randn(RANK, layer.in_features) * 0.02)
        self.b = nn.Parameter(torch.zeros(layer.out_features, RANK))

    def forward(self, inputs: Tensor) -> Tensor:
        changed: Tensor = self.layer(inputs) + (inputs @ self.a.T @ self.b.T) * SCALE
        return changed


class Reader(nn.Module):
    """The default model's transformer with low-rank changes, and the weights of its score."""

    def __init__(self) -> None:
        super().__init__()
        model = SentenceTransformer(str(_default_folder()), device="cpu", local_files_only=True)
        self.tokenizer = model.tokenizer
        self.transformer: Any = model[0].auto_model
        self.transformer.requires_grad_(False)
        self.changes = {
            name: self._replace(name)
            for name, layer in list(self.transformer.named_modules())
            if isinstance(layer, nn.Linear) and "encoder" in name
        }
        self.balance = nn.Parameter(torch.tensor([12.0, 8.0]))
        self.null = nn.Parameter(torch.tensor(14.0))  # the score that a unit must pass to answer at all
        pieces = self.tokenizer.convert_ids_to_tokens(range(len(self.tokenizer)))
        self.weights = torch.tensor(_weights(range(len(pieces)), pieces, len(pieces)))

    def _replace(self, name: str) -> LowRank:
        parent, _, last = name.rpartition(".")
        change = LowRank(self.transformer.get_submodule(name))
        setattr(self.transformer.get_submodule(parent), last, change)
        return change

    def scores(self, questions: Sequence[str], units: Sequence[str]) -> Tensor:
        """How well each unit answers each question, shape (questions, units): late interaction and cosine."""
        asked, asked_vectors, asked_mask, ids = self._read(questions)
        told, told_vectors, told_mask, _ = self._read(units)
        matches = torch.einsum("qid,ujd->quij", asked, told).masked_fill(~told_mask[None, :, None, :], -1).amax(-1)
        weights = self.weights[ids] * asked_mask
        late = (matches * weights[:, None, :]).sum(-1) / weights.sum(-1, keepdim=True).clamp(min=1e-6)
        return self.balance[0] * late + self.balance[1] * (asked_vectors @ told_vectors.T)

    def loss(self, scores: Tensor, gold: Sequence[int]) -> Tensor:
        """Listwise: the units that answer, or `null` where none does, against all of them."""
        right = torch.logsumexp(scores[list(gold)], 0) if gold else self.null
        return torch.logsumexp(torch.cat([scores, self.null[None]]), 0) - right

    def _read(self, texts: Sequence[str]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        batch = self.tokenizer(list(texts), padding=True, truncation=True, max_length=PIECES, return_tensors="pt")
        states = self.transformer(**batch).last_hidden_state
        mask = batch["attention_mask"]
        pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        words = mask.clone()
        words[:, 0] = 0
        words[torch.arange(len(texts)), mask.sum(1) - 1] = 0
        normal = nn.functional.normalize
        return normal(states, dim=-1), normal(pooled, dim=-1), words.bool(), batch["input_ids"]

    def save(self, path: Path) -> None:
        tensors = {}
        for name, change in self.changes.items():
            tensors[f"{name}.a"] = change.a.detach().half().contiguous()
            tensors[f"{name}.b"] = (change.b.detach() * SCALE).half().contiguous()
        save_file(tensors, str(path))


def lesson_of(practice: Practice, reader: Reader) -> Lesson:
    """The units as ingest makes and embeds them."""
    with TemporaryDirectory() as folder:
        practice.write(Path(folder))
        (article,) = (read_article(name, path, 1_000_000) for name, path in find_articles(Path(folder)).files.items())
    names = RoleNames([Role(name, tuple(others)) for name, others in practice.roles.items()])
    count = lambda text: len(reader.tokenizer.encode(text, add_special_tokens=False, verbose=False))  # noqa: E731
    units = [(chunk, unit) for chunk in attribute(split(article, count, 128, 256), names) for unit in chunk.units]
    answered = [
        (names.neutral(question), [number for number, (chunk, unit) in enumerate(units) if is_gold(chunk.quote(unit), answers)])
        for question, answers in practice.questions
    ]
    unanswerable: list[tuple[str, list[int]]] = [(names.neutral(question), []) for question in practice.unanswerable]
    questions = [*(pair for pair in answered if pair[1]), *unanswerable]
    random.shuffle(questions)
    return Lesson([names.neutral(chunk.unit_text(unit)) for chunk, unit in units], questions, practice.is_held_out)


def steps(lessons: Sequence[Lesson]) -> Iterator[tuple[Lesson, list[tuple[str, list[int]]]]]:
    groups = [
        (lesson, lesson.questions[first : first + TOGETHER]) for lesson in lessons for first in range(0, len(lesson.questions), TOGETHER)
    ]
    random.shuffle(groups)
    yield from groups


def train(reader: Reader, lessons: Sequence[Lesson], epochs: int) -> None:
    changes = [parameter for change in reader.changes.values() for parameter in (change.a, change.b)]
    optimizer = torch.optim.AdamW(
        [{"params": changes, "lr": RATE, "weight_decay": DECAY}, {"params": [reader.balance, reader.null], "lr": 0.05, "weight_decay": 0.0}]
    )
    total = epochs * sum(1 for _ in steps(lessons))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, (step + 1) / WARM_UP) * max(0.05, 1 - step / total))
    for epoch in range(epochs):
        reader.train()
        for lesson, questions in steps(lessons):
            scores = reader.scores([question for question, _ in questions], lesson.units)
            losses = [reader.loss(score, gold) for score, (_, gold) in zip(scores, questions, strict=True)]
            torch.stack(losses).mean().backward()
            nn.utils.clip_grad_norm_(changes, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        print(f"epoch {epoch + 1} of {epochs} done", flush=True)


def report(reader: Reader, lessons: Sequence[Lesson]) -> str:
    """How often the first units hold one that answers, and how well the best score tells what is answered, on what was held out."""
    reader.eval()
    places: list[int] = []
    best: list[float] = []
    answered: list[bool] = []
    for lesson in lessons:
        if lesson.is_held_out:
            with torch.no_grad():
                scores = reader.scores([question for question, _ in lesson.questions], lesson.units)
            for score, (_, gold) in zip(scores, lesson.questions, strict=True):
                best.append(float(score.max()))
                answered.append(bool(gold))
                order = torch.argsort(-score).tolist()
                places += [min(order.index(number) for number in gold)] if gold else []
    told = f"AUC of the best score {roc_auc_score(answered, best):.3f}, null {float(reader.null.detach()):.2f}, balance {reader.balance.tolist()}"
    return f"{told}; n = {len(places)}: " + ", ".join(f"in the first {k} {np.mean(np.array(places) < k):.3f}" for k in (1, 2, 3, 5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "ingest" / ADAPTER)
    options = parser.parse_args()
    torch.manual_seed(SEED)
    random.seed(SEED)
    reader = Reader()
    lessons = [lesson_of(practice, reader) for practice in read_practice()]
    print(f"before, held out, {report(reader, lessons)}")
    taught = [lesson for lesson in lessons if not lesson.is_held_out]
    print(f"learning from {sum(len(lesson.questions) for lesson in taught)} questions on {len(taught)} articles", flush=True)
    train(reader, taught, options.epochs)
    print(f"after, held out, {report(reader, lessons)}")
    reader.save(options.out)


if __name__ == "__main__":
    main()
