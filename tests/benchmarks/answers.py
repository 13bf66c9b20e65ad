"""How well the question set is answered, with counts and 95 % intervals: python -m tests.benchmarks.answers [--split tune] [--articles FOLDER]

Ingests the articles into a folder of its own, asks every question of one half through the front door, and prints the measures
for all its rows and for the plain ones (ids that begin with p) alone. The report half is for reporting: do not look into it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from chatbot.evaluation.measures import Marked, measures, median_words
from chatbot.evaluation.questions import read_questions
from chatbot.settings import ChatSettings
from chatbot.wiring import open_advisor, open_embedder
from ingest.pipeline import ingest
from ingest.settings import IngestSettings

ROOT = Path(__file__).parents[2]


def marked(articles: Path, split: str, questions: Path) -> list[Marked]:
    """Every question of one half, asked of an index of its own."""
    with tempfile.TemporaryDirectory() as data:
        settings = IngestSettings(corpus=articles, data=Path(data))
        ingest(settings, open_embedder(settings))
        advisor = open_advisor(ChatSettings(), settings)
        rows = [row for row in read_questions(questions) if row.split == split]
        found = [Marked(row, advisor.answer(row.question, row.history).answer) for row in rows]
        advisor.close()
    return found


def table(found: list[Marked]) -> str:
    lines = [str(measure) for measure in measures(found)]
    return "\n".join([*lines, f"words of the median answer to a one-fact question: {median_words(found):g}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=["tune", "report"], default="report")
    parser.add_argument("--articles", type=Path, default=ROOT / "corpus/articles")
    parser.add_argument("--questions", type=Path, default=ROOT / "corpus/questions.jsonl")
    options = parser.parse_args()
    found = marked(options.articles, options.split, options.questions)
    print(f"{options.split} half, all {len(found)} rows\n{table(found)}")
    plain = [one for one in found if one.question.id.startswith("p-")]
    print(f"\n{options.split} half, the {len(plain)} plain rows\n{table(plain)}")


if __name__ == "__main__":
    main()
