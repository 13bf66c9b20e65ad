"""Trains ingest/reader.safetensors: python -m tests.benchmarks.train_reader [--epochs 3]

Low-rank changes (LoRA) to the upper layers of the default embedding model, so that the word pieces of a passage, read as a whole, tell which
of its sentences answers a question. It learns to give a question that the article does not answer to no sentence at all: that score is
compared with `null`. The layers below stay as they are, so that the vector that is searched with comes of the same reading. Trained on the
practice articles, whose roles have nothing to do with the project's own; every fifth is held out and reported. Run tests.benchmarks.fit_answers
and fit_support after it.

Held out, the answer is in the first 1, 2, 3, 5 units for .571, .744, .807, .880 of 410 questions (.512, .668, .749, .827 untrained), and the best
score tells what is answered with an AUC of .954 (.459).
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
from ingest.types import Chunk, Role
from tests.benchmarks.practice import Practice, is_gold, read_practice

RANK = 16
SCALE = 2.0  # of the low-rank product
RATE = 3e-4
DECAY = 0.05
WARM_UP = 20  # steps
TOGETHER = 16  # questions of one article a step
BATCH = 8  # texts that are run together
CHANGED = range(3, 6)  # the layers that are changed
SEED = 0
PIECES = 256  # of a text, at most

Ids = list[int]
Question = tuple[Ids, Tensor, list[int]]


@dataclass(frozen=True, slots=True)
class Lesson:
    """An article's chunks as the numbers of their word pieces, the stretches of them that are units, and questions with the weights of their
    pieces and the numbers of the units that answer them: none of an unanswerable one.
    """

    chunks: list[Ids]
    units: list[tuple[int, int, int]]  # which chunk, from which piece, to which
    openings: list[int]  # of each chunk, how many pieces stand before its first unit
    questions: list[Question]  # in an order that mixes those with an answer and those without
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
        self.transformer.eval()
        self.changes = {
            name: self._replace(name)
            for name, layer in list(self.transformer.named_modules())
            if isinstance(layer, nn.Linear) and name.startswith(tuple(f"encoder.layer.{number}." for number in CHANGED))
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

    def ids(self, text: str) -> Ids:
        found: Ids = self.tokenizer.encode(text, add_special_tokens=False, verbose=False)
        return found

    def marked(self, ids: Ids) -> Ids:
        return [self.tokenizer.cls_token_id, *ids[: PIECES - 2], self.tokenizer.sep_token_id]

    def read(self, texts: Sequence[Ids]) -> list[Tensor]:
        """Of each text its pieces' vectors, its marks left out, of shape (pieces, dimensions) and each of length 1."""
        pieces: list[Tensor] = [torch.empty(0)] * len(texts)
        order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
        for first in range(0, len(order), BATCH):
            numbers = order[first : first + BATCH]
            length = len(texts[numbers[0]])
            ids = torch.tensor([texts[number] + [0] * (length - len(texts[number])) for number in numbers])
            mask = torch.tensor([[1] * len(texts[number]) + [0] * (length - len(texts[number])) for number in numbers])
            states = self.transformer(input_ids=ids, attention_mask=mask).last_hidden_state
            for row, number in enumerate(numbers):
                pieces[number] = nn.functional.normalize(states[row, 1 : len(texts[number]) - 1], dim=-1)
        return pieces

    def weighed(self, question: str, names: RoleNames) -> tuple[Ids, Tensor]:
        """A question's pieces and their weights: those of a role's name weigh nothing."""
        cut = self.tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)
        inside = [any(one.start <= first < one.end for one in names.mentions(question)) for first, _ in cut["offset_mapping"]]
        weights = self.weights[torch.tensor(cut["input_ids"])] * ~torch.tensor(inside)
        return self.marked(cut["input_ids"]), weights

    def scores(self, lesson: Lesson, questions: Sequence[Question]) -> Tensor:
        """How well each unit answers each question, shape (questions, units): late interaction, by the unit or what its chunk opens with, and
        cosine of the means.
        """
        asked, told = self.read([ids for ids, _, _ in questions]), self.read(lesson.chunks)
        words = torch.cat(asked)
        late = []
        for chunk, opening in enumerate(lesson.openings):
            matches = words @ told[chunk].T
            before = matches[:, :opening].amax(-1) if opening else matches.new_full((len(words),), -1)
            late += [torch.maximum(matches[:, first:last].amax(-1), before) for of, first, last in lesson.units if of == chunk]
        weights = torch.cat([weights for _, weights, _ in questions])
        owner = torch.repeat_interleave(torch.tensor([len(weights) for _, weights, _ in questions]))
        total = torch.zeros(len(questions)).index_add(0, owner, weights).clamp(min=1e-6)
        summed = torch.zeros(len(questions), len(late)).index_add(0, owner, torch.stack(late, 1) * weights[:, None])
        means = nn.functional.normalize(torch.stack([pieces.mean(0) for pieces in asked]), dim=-1)
        units = nn.functional.normalize(torch.stack([told[chunk][first:last].mean(0) for chunk, first, last in lesson.units]), dim=-1)
        return self.balance[0] * summed / total[:, None] + self.balance[1] * (means @ units.T)

    def loss(self, scores: Tensor, gold: Sequence[int]) -> Tensor:
        """Listwise: the units that answer, or `null` where none does, against all of them."""
        right = torch.logsumexp(scores[list(gold)], 0) if gold else self.null
        return torch.logsumexp(torch.cat([scores, self.null[None]]), 0) - right

    def save(self, path: Path) -> None:
        tensors = {}
        for name, change in self.changes.items():
            tensors[f"{name}.a"] = change.a.detach().half().contiguous()
            tensors[f"{name}.b"] = (change.b.detach() * SCALE).half().contiguous()
        save_file(tensors, str(path))


def lesson_of(practice: Practice, reader: Reader) -> Lesson:
    """The chunks as ingest makes and embeds them."""
    with TemporaryDirectory() as folder:
        practice.write(Path(folder))
        (article,) = (read_article(name, path, 1_000_000) for name, path in find_articles(Path(folder)).files.items())
    names = RoleNames([Role(name, tuple(others)) for name, others in practice.roles.items()])
    chunks = attribute(split(article, lambda text: len(reader.ids(text)), 128, 256), names)
    read = [_stretches(chunk, reader) for chunk in chunks]
    units = [(number, first, last) for number, (_, stretches) in enumerate(read) for first, last in stretches]
    quotes = [chunk.quote(unit) for chunk in chunks for unit in chunk.units]
    answered = [
        (question, [number for number, quote in enumerate(quotes) if is_gold(quote, answers)]) for question, answers in practice.questions
    ]
    unanswerable: list[tuple[str, list[int]]] = [(question, []) for question in practice.unanswerable]
    questions = [(*reader.weighed(text, names), gold) for text, gold in (*(pair for pair in answered if pair[1]), *unanswerable)]
    random.shuffle(questions)
    openings = [stretches[0][0] for _, stretches in read]
    return Lesson([reader.marked(ids) for ids, _ in read], units, openings, questions, practice.is_held_out)


def _stretches(chunk: Chunk, reader: Reader) -> tuple[Ids, list[tuple[int, int]]]:
    """The pieces of a chunk, and from where to where among them each of its units goes."""
    ids, found = reader.ids(chunk.preamble), []
    for unit in chunk.units:
        own = reader.ids(chunk.quote(unit))
        first = min(len(ids), PIECES - 3)
        ids = ids + own
        found.append((first, max(first + 1, min(len(ids), PIECES - 2))))
    return ids, found


def steps(lessons: Sequence[Lesson]) -> Iterator[tuple[Lesson, list[Question]]]:
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
    number, losses = 0, []
    for _ in range(epochs):
        for lesson, questions in steps(lessons):
            scores = reader.scores(lesson, questions)
            loss = torch.stack([reader.loss(score, gold) for score, (_, _, gold) in zip(scores, questions, strict=True)]).mean()
            loss.backward()
            nn.utils.clip_grad_norm_(changes, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            number += 1
            losses.append(float(loss.detach()))
            if number % 40 == 0:
                print(f"step {number} of {total}: loss {np.mean(losses[-40:]):.3f}", flush=True)


def report(reader: Reader, lessons: Sequence[Lesson]) -> str:
    """How often the first units hold one that answers, and how well the best score tells what is answered, on what was held out."""
    places: list[int] = []
    best: list[float] = []
    answered: list[bool] = []
    for lesson in lessons:
        if lesson.is_held_out:
            with torch.no_grad():
                scores = reader.scores(lesson, lesson.questions)
            for score, (_, _, gold) in zip(scores, lesson.questions, strict=True):
                best.append(float(score.max()))
                answered.append(bool(gold))
                order = torch.argsort(-score).tolist()
                places += [min(order.index(number) for number in gold)] if gold else []
    told_of = f"AUC of the best score {roc_auc_score(answered, best):.3f}, null {float(reader.null.detach()):.2f}, balance {reader.balance.tolist()}"
    shares = ", ".join(f"in the first {k} {np.mean(np.array(places) < k):.3f}" for k in (1, 2, 3, 5))
    return f"{told_of}; n = {len(places)}: {shares}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3)
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
