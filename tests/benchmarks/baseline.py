"""Renews tests/baseline: python -m tests.benchmarks.baseline

Prints the comparison with the baseline before, which belongs into the message of the commit that changes it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from chatbot.evaluation.comparison import compare
from chatbot.evaluation.evaluate import Evaluation
from chatbot.evaluation.questions import read_questions
from chatbot.evaluation.runs import RUN, SCORES, read_run
from chatbot.settings import ChatSettings
from chatbot.wiring import open_advisor, open_embedder
from ingest.pipeline import ingest
from ingest.settings import IngestSettings

ROOT = Path(__file__).parents[2]
BASELINE = ROOT / "tests/baseline"


def main() -> None:
    rows = [row for row in read_questions(ROOT / "corpus/questions.jsonl") if not row.draft]
    with tempfile.TemporaryDirectory() as folder:
        settings = IngestSettings(corpus=ROOT / "corpus/articles", data=Path(folder))
        ingest(settings, open_embedder(settings))
        advisor = open_advisor(ChatSettings(), settings)
        run = Evaluation(advisor, {**ChatSettings().model_dump(), "judge": None}).run(rows, Path(folder) / "run")
        advisor.close()
        if (BASELINE / RUN).exists():
            print(compare(read_run(BASELINE), run))
        else:
            print("\n".join(map(str, run.measures())))
        BASELINE.mkdir(exist_ok=True)
        for name in (RUN, SCORES):
            shutil.copy(Path(folder) / "run" / name, BASELINE / name)


if __name__ == "__main__":
    main()
