"""Practice articles with questions, to train and fit on: pairs of roles of any trade (t, u, v, z, zzzzl), pairs near the project's own (w, and some of z and zzzx:
data scientist, prompt engineer, agent developer ...), and encyclopedia articles (x, y, zx to zz, zzf to zzh, zzp, zzw, zzzo to zzzr, zzzzg and zzzzm), whose
unanswerable questions are as near to them as SQuAD 2.0's, and whose topics are none of its development set's. z6 to zw and zza to zze ask much that only a
table's row or a list answers. The project's two roles are compared in the first four articles of each of zk to zr, the first six of each of zs to zw and zza to
zze, and all of zzi to zzzzo not named above, and the first six of zzzx, every one with figures, tools and advice of its own; from zzya on many questions
ask for lists and comparisons, and from zzyw on about half have eight words or fewer (zzzzo's are long). Who wrote w to zzzzo had read neither the project's articles nor its question set; who chose
the subjects of zzi to zzzzo, and what their questions ask for, knew the articles and the tune half. No seven words in a row of zc to zzzzo, but roles' names and "what
an AI (or generative AI) engineer does", stand in the articles or what they retell. By other eyes were read whole, of zzi to zzx 33 articles and of zzya to zzyv 24: 6 of 1,171 and 11 of
872 unanswerable questions were answered after all, 3 of 1,583 and 14 of 1,468 marked units did not answer, and 16 and 29 that answer were not marked; these
were mended but for a few that are doubtful. Of zzyw to zzzzo other eyes looked at the 5,008 of 39,551 questions where an earlier reader disagreed (it ranked an
unmarked unit high, or scored an unanswerable question as answered), and mended 170 marks and questions. Of these the kept reader was taught all but every fifth.

zzzzp to zzzzzs are encyclopedia articles again, by 30 writers, with questions as people ask them; the kept reader was taught none of them. Those of zzzzp to zzzzs, zzzzx to zzzzz and zzzzzf to
zzzzzs were typed as into a search box, as by somebody who has not seen the article: lower case, no question mark, and what is not answered is often mentioned all the same. Those of zzzzt to zzzzw and
zzzzza to zzzzze were asked of a paragraph, and the unanswerable made to fool a reader: a sentence's words with one thing changed. Topics that CLAP NQ or SQuAD 2.0's development set have were left out.

practice/*.jsonl, one article a line: topic, roles (name -> other names; none of an encyclopedia's), article (Markdown, or bare lines as saved from a page),
questions (q, answer: the units of the article that answer it) and unanswerable (questions that it does not answer). Written for this
project, under the licence of corpus/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from chatbot.advisor import Advisor
from ingest.embed import Embedder
from tests.benchmarks.advisors import advisor_over

FOLDER = Path(__file__).with_name("practice")
HELD_OUT = 5  # every fifth article is never trained on, and tells how well the training carries over


def is_held_out(number: int) -> bool:
    return number % HELD_OUT == HELD_OUT - 1


@dataclass(frozen=True, slots=True)
class Practice:
    number: int
    topic: str
    roles: dict[str, list[str]]
    article: str
    questions: tuple[tuple[str, tuple[str, ...]], ...]
    unanswerable: tuple[str, ...]

    @property
    def is_held_out(self) -> bool:
        return is_held_out(self.number)

    @property
    def asked(self) -> list[tuple[str, tuple[str, ...]]]:
        """All questions with their answers, of which the unanswerable have none."""
        return [*self.questions, *((question, ()) for question in self.unanswerable)]

    @property
    def is_typed(self) -> bool:
        """Whether its questions are as people type them before they see an article: none ends in a question mark."""
        return not any(question.endswith("?") for question, _ in self.asked)

    def write(self, folder: Path) -> None:
        """As an article file: Markdown, or plain text where it has no headings."""
        name = "article.md" if "## " in self.article else "article.txt"
        front = yaml.safe_dump({"title": self.topic, "roles": self.roles}, allow_unicode=True)
        (folder / name).write_text(f"---\n{front}---\n{self.article}\n", encoding="utf-8")


def read_practice() -> list[Practice]:
    lines = [line for path in sorted(FOLDER.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]
    return [_practice(number, json.loads(line)) for number, line in enumerate(lines)]


def _practice(number: int, row: dict[str, Any]) -> Practice:
    questions = tuple((question["q"], tuple(question["answer"])) for question in row["questions"])
    return Practice(number, row["topic"], row["roles"], row["article"], questions, tuple(row["unanswerable"]))


@contextmanager
def advisor_on(practice: Practice, embedder: Embedder) -> Iterator[Advisor]:
    """An advisor over this one article."""
    with TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        practice.write(corpus)
        with advisor_over(corpus, embedder) as advisor:
            yield advisor


def is_gold(quote: str, answers: tuple[str, ...]) -> bool:
    """Whether a unit is one of the answers, or the sentence that one stands in."""
    return any(_plain(answer) in _plain(quote) or _plain(quote) in _plain(answer) for answer in answers)


def _plain(text: str) -> str:
    return " ".join(text.strip(" |").split())
