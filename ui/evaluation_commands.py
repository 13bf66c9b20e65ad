"""The engineer's commands: evaluate, compare, questions lint and questions add. Imports no streamlit."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ui.command import (
    BAD_NEWS,
    DONE,
    FAILED,
    INTERRUPTED,
    Commands,
    add_after,
    add_json,
    advisor_of,
    count,
    progress_bar,
    say,
    settings_of,
    write,
    write_json,
)

if TYPE_CHECKING:
    from chatbot.evaluation.runs import Run

RUNS = "runs"  # the folder of runs, below the data folder


def add_evaluation_commands(commands: Commands) -> None:
    evaluate = commands.add("evaluate", _evaluate, "Ask a question set, measure the answers, and keep the run.", "evaluate --out before")
    _add_question_set(evaluate)
    evaluate.add_argument("--split", choices=["tune", "report"], help="one half of the set alone")
    evaluate.add_argument("--out", type=Path, metavar="DIR", help="the run's folder (else a new one below the data folder's runs)")
    evaluate.add_argument("--judge", action="store_true", help="let a model judge the answers too; needs OPENAI_API_KEY")
    add_json(evaluate, "the run")
    compare = commands.add("compare", _compare, "Tell what got better or worse from one run to another.", "compare before after")
    compare.add_argument("runs", nargs=2, metavar="RUN", help="a run's folder, or its name below the data folder's runs")
    add_json(compare, "the comparison")
    questions = commands.group("questions", "Keep the question set in line with the articles.", "questions lint")
    about = "List the rows to mend: quotes that are gone, duplicates, drafts, rows without evidence."
    lint = questions.add("lint", _lint, about, "questions lint --json")
    _add_question_set(lint)
    add_json(lint, "the list")
    about = "Make a draft row of a question that was answered badly."
    add = questions.add("add", _add, about, 'questions add "Who earns more?" --comment "names nobody"')
    _add_question_set(add)
    add.add_argument("question", help="the question")
    add_after(add)
    add.add_argument("--comment", default="", help="what is wrong with the answer")


def _add_question_set(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--questions", type=Path, metavar="FILE", help="the question set (else corpus/questions.jsonl, beside the articles)"
    )


def _evaluate(options: argparse.Namespace) -> int:
    from chatbot.evaluation.evaluate import Evaluation  # noqa: PLC0415
    from chatbot.evaluation.judge import JudgeSettings, ModelJudge  # noqa: PLC0415
    from chatbot.evaluation.questions import read_questions, to_ask  # noqa: PLC0415
    from chatbot.evaluation.runs import folder_for  # noqa: PLC0415
    from chatbot.settings import ChatSettings, ModelSettings  # noqa: PLC0415

    settings = settings_of(options)
    rows = read_questions(options.questions or settings.questions)
    asked = to_ask(rows, options.split)
    if not asked:
        say("The question set has no rows to ask.")
        return FAILED
    judge = ModelJudge(JudgeSettings.read()) if options.judge else None
    with advisor_of(options) as advisor, progress_bar("Asking") as progress:
        evaluation = Evaluation(advisor, {**ChatSettings.read().model_dump(), **ModelSettings.read().as_parts()}, judge)
        folder = options.out or folder_for(settings.data / RUNS, evaluation.parts(asked))
        try:
            run = evaluation.run(asked, folder, progress)
        except KeyboardInterrupt:
            say("Stopped; the same command goes on where it stopped.")
            return INTERRUPTED
    if options.json:
        write_json({**run.as_dict(), "run": str(folder), "times": {name: value for name, value in run.times.items() if name != "ms"}})
    else:
        write(_run_text(run, folder, len(rows) - len(asked) if not options.split else 0))
    if run.failed == len(run.scores):
        say("Every call failed, so that nothing was measured.")
        return FAILED
    return DONE


def _run_text(run: Run, folder: Path, drafts: int) -> str:
    from chatbot.evaluation.report import REPORT  # noqa: PLC0415

    lines = [f"{count(len(run.scores), 'question')} asked of generation {run.made_by['generation']}"]
    lines += [f"{count(drafts, 'draft')} not asked; `career-advisor questions lint` lists them"] if drafts else []
    lines += [f"{count(run.failed, 'call')} failed and counted nowhere"] if run.failed else []
    lines += [str(measure) for measure in run.measures()]
    if "median_ms" in run.times:
        lines.append(f"{'milliseconds an answer':<24} {run.times['median_ms']:>8g}   95 % under {run.times['p95_ms']:g}")
    if "tokens" in run.times:
        spent = ", ".join(f"{number:,.0f} {name}" for name, number in run.times["tokens"].items())
        cost = f"; cost {run.times['cost']:.4f}" if "cost" in run.times else ""
        lines.append(f"{'tokens of all answers':<24} {spent}{cost}")
    return "\n".join([*lines, f"Run: {folder}", f"Report: {folder / REPORT}"])


def _compare(options: argparse.Namespace) -> int:
    from chatbot.evaluation.comparison import compare  # noqa: PLC0415
    from chatbot.evaluation.runs import folder_named, read_run  # noqa: PLC0415

    runs = settings_of(options).data / RUNS
    before, after = (read_run(folder_named(runs, name)) for name in options.runs)
    comparison = compare(before, after)
    if options.json:
        write_json(comparison.as_dict())
    else:
        write(str(comparison))
    return BAD_NEWS if comparison.is_worse else DONE


def _lint(options: argparse.Namespace) -> int:
    from chatbot.evaluation.lint import lint  # noqa: PLC0415
    from chatbot.evaluation.questions import read_questions  # noqa: PLC0415

    rows = read_questions(options.questions or settings_of(options).questions)
    with advisor_of(options) as advisor:
        articles = {stored.article.id: stored.article.text for stored in advisor.articles()}
        units = [chunk.quote(unit) for chunk in advisor.chunks() for unit in chunk.units]
    flaws = lint(rows, articles, units)
    if options.json:
        write_json([flaw.as_dict() for flaw in flaws])
    else:
        write("\n".join(map(str, flaws)) or f"{count(len(rows), 'row')}, none to mend.")
    return BAD_NEWS if flaws else DONE


def _add(options: argparse.Namespace) -> int:
    from chatbot.evaluation.questions import append_question, draft_of, read_questions  # noqa: PLC0415

    path = options.questions or settings_of(options).questions
    taken = [row.id for row in read_questions(path)] if path.exists() else []
    with advisor_of(options) as advisor:
        row = draft_of(advisor.answer(options.question, options.after).answer, options.after, taken, options.comment)
    append_question(path, row)
    write(f"Added the draft {row.id} to {path}; fill in evidence, facts and answerable, then delete its draft.")
    return DONE
