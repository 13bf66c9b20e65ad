"""What the keeper starts from the page, as a program of its own, so that the page goes on answering: an ingest, its preview, or an evaluation.

python -m ui.background ingest | preview | evaluate tune|report|all

It tells its progress and its end as lines of JSON on standard output. Imports no streamlit.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ui.problems import log_unforeseen, sentence

NICENESS = 10  # whoever asks a question comes first


def main(arguments: Sequence[str]) -> int:
    os.nice(NICENESS)
    kind, *options = arguments
    try:
        result = JOBS[kind](*options)
    except Exception as error:
        log_unforeseen(error)
        _tell(problem=sentence(error))
        return 1
    _tell(result=result)
    return 0


def _tell(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _progress(done: int, total: int) -> None:
    _tell(done=done, total=total)


def _ingest() -> dict[str, Any]:
    from chatbot.wiring import open_embedder  # noqa: PLC0415
    from ingest.pipeline import ingest  # noqa: PLC0415
    from ingest.settings import IngestSettings  # noqa: PLC0415

    settings = IngestSettings.read()
    return ingest(settings, open_embedder(settings), progress=_progress).as_dict()


def _preview() -> dict[str, Any]:
    from ingest.settings import IngestSettings  # noqa: PLC0415
    from ui.keeper_commands import previewed  # noqa: PLC0415

    return previewed(IngestSettings.read())


def _evaluate(half: str) -> dict[str, Any]:
    from chatbot.evaluation.evaluate import Evaluation  # noqa: PLC0415
    from chatbot.evaluation.questions import read_questions, to_ask  # noqa: PLC0415
    from chatbot.evaluation.runs import folder_for  # noqa: PLC0415
    from chatbot.settings import ChatSettings  # noqa: PLC0415
    from chatbot.wiring import open_advisor  # noqa: PLC0415
    from ingest.settings import IngestSettings  # noqa: PLC0415
    from ui.evaluation_commands import RUNS  # noqa: PLC0415

    settings, chat = IngestSettings.read(), ChatSettings.read()
    asked = [row for row in to_ask(read_questions(settings.questions)) if half in ("all", row.split)]
    advisor = open_advisor(chat, settings)
    try:
        evaluation = Evaluation(advisor, chat.model_dump())
        folder = folder_for(settings.data / RUNS, evaluation.parts(asked))
        evaluation.run(asked, folder, _progress)
    finally:
        advisor.close()
    return {"run": folder.name}


JOBS: dict[str, Callable[..., dict[str, Any]]] = {"ingest": _ingest, "preview": _preview, "evaluate": _evaluate}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
