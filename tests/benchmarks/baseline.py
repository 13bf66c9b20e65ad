"""Renews tests/baseline: python -m tests.benchmarks.baseline

Prints the comparison with the baseline before, which belongs into the message of the commit that changes it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from chatbot.evaluation.comparison import compare
from chatbot.evaluation.evaluate import Evaluation
from chatbot.evaluation.questions import read_questions, to_ask
from chatbot.evaluation.runs import RUN, SCORES, read_run
from chatbot.settings import ChatSettings
from chatbot.wiring import open_embedder
from ingest.settings import IngestSettings
from tests.benchmarks.advisors import advisor_over

ROOT = Path(__file__).parents[2]
BASELINE = ROOT / "tests/baseline"


def main() -> None:
    rows = to_ask(read_questions(ROOT / "corpus/questions.jsonl"))
    articles, embedder = ROOT / "corpus/articles", open_embedder(IngestSettings())
    with tempfile.TemporaryDirectory() as folder, advisor_over(articles, embedder) as advisor:
        run = Evaluation(advisor, ChatSettings().model_dump()).run(rows, Path(folder))
        if (BASELINE / RUN).exists():
            print(compare(read_run(BASELINE), run))
        else:
            print("\n".join(map(str, run.measures())))
        BASELINE.mkdir(exist_ok=True)
        for name in (RUN, SCORES):
            shutil.copy(Path(folder) / name, BASELINE / name)


if __name__ == "__main__":
    main()
