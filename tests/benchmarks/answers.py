"""How well the question set is answered on any folder of articles: python -m tests.benchmarks.answers [--split tune] [--articles FOLDER]

`career-advisor evaluate` for an index of its own. The report half is for reporting: do not look into it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from chatbot.evaluation.evaluate import Evaluation
from chatbot.evaluation.measures import measures
from chatbot.evaluation.questions import Split, read_questions, to_ask
from chatbot.evaluation.runs import Run
from chatbot.wiring import open_embedder
from ingest.settings import IngestSettings
from tests.benchmarks.advisors import advisor_over

ROOT = Path(__file__).parents[2]


def evaluated(articles: Path, split: Split, questions: Path) -> Run:
    """Every question of one half, asked of an index of its own."""
    with tempfile.TemporaryDirectory() as folder, advisor_over(articles, open_embedder(IngestSettings())) as advisor:
        return Evaluation(advisor, {}, personas=False).run(to_ask(read_questions(questions), split), Path(folder))


def table(run: Run) -> str:
    words = [
        outcomes["words an answer"][0]
        for score in run.scores
        if score.kind == "fact" and "words an answer" in (outcomes := run.marks.get(score.id, {}))
    ]
    lines = [str(measure) for measure in measures(run.marks)]
    return "\n".join([f"{len(run.marks)} rows", *lines, f"words of the median answer to a one-fact question: {statistics.median(words):g}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=["tune", "report"], default="report")
    parser.add_argument("--articles", type=Path, default=ROOT / "corpus/articles")
    parser.add_argument("--questions", type=Path, default=ROOT / "corpus/questions.jsonl")
    options = parser.parse_args()
    run = evaluated(options.articles, options.split, options.questions)
    print(f"{options.split} half: {table(run)}")


if __name__ == "__main__":
    main()
