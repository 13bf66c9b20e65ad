"""The command line. Each command imports only what it needs: help must not wait for a model. Imports no streamlit."""

from __future__ import annotations

import argparse
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatbot.advisor import Advisor
    from chatbot.evaluation.runs import Run
    from chatbot.types import Answer
    from ingest.index import StoredArticle
    from ingest.pipeline import IngestReport, Progress
    from ingest.settings import IngestSettings

DONE, FAILED, USAGE, BAD_NEWS, INTERRUPTED = 0, 1, 2, 3, 130  # exit statuses: of `BAD_NEWS` the command is done, and the answer is bad news

DEFAULT_PORT = 8501
RUNS = "runs"  # the folder of runs, below the data folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status. No traceback reaches a person."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        say("Stopped.")
        return INTERRUPTED
    except Exception as error:
        say(_sentence(error))
        return FAILED
    return status


def _sentence(error: Exception) -> str:
    from ingest.errors import CareerAdvisorError  # noqa: PLC0415

    if isinstance(error, CareerAdvisorError):
        return str(error)
    return f"Something went wrong that should not have ({type(error).__name__}); please report the command that you ran."


# --- what is typed


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--corpus", type=Path, metavar="DIR", help="the folder of articles (CAREER_CORPUS, else corpus/articles)")
    common.add_argument("--data", type=Path, metavar="DIR", help="where the index lies (CAREER_DATA, else .data)")
    parser = argparse.ArgumentParser(
        prog="career-advisor",
        description="Answers questions about two roles from articles, and proves every claim with the sentence it came from.",
        epilog='example: career-advisor ask "What does a generative AI engineer do?"',
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('career-advisor')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], about: str, example: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=about, description=about, epilog=f"example: career-advisor {example}")
        added.set_defaults(run=run)
        return added

    ingest = command("ingest", _ingest, "Bring the index in line with the articles.", "ingest --corpus my-articles")
    ingest.add_argument("--force", action="store_true", help="build anew even where nothing changed")
    ingest.add_argument("--json", action="store_true", help="print the report as JSON")
    ask = command(
        "ask", _ask, "Answer a question, or a file of questions.", 'ask "And for the other role?" --after "What does an ML engineer earn?"'
    )
    ask.add_argument("question", nargs="?", help="the question")
    ask.add_argument(
        "--after", action="append", default=[], metavar="QUESTION", help="an earlier question of the conversation; may be repeated"
    )
    ask.add_argument("--batch", type=Path, metavar="FILE", help='a file of {"id", "question", "history"} lines')
    ask.add_argument("--out", type=Path, metavar="FILE", help="where --batch writes its answers (else to standard output)")
    ask.add_argument("--json", action="store_true", help="print the answer as JSON")
    chat = command("chat", _chat, "Serve the chat page.", "chat --port 8600")
    chat.add_argument("--port", type=_port, help=f"the page's port (STREAMLIT_SERVER_PORT, else {DEFAULT_PORT})")
    articles = command("articles", _articles, "List the articles that are answered from.", "articles --json")
    articles.add_argument("--json", action="store_true", help="print the list as JSON")
    article = command("article", _article, "Print one article's canonical text.", "article ai-engineer-or-generative-ai-engineer")
    article.add_argument("id", help="the article's id, as `articles` lists it")
    article.add_argument("--json", action="store_true", help="print it as JSON, with its text")
    evaluate = command("evaluate", _evaluate, "Ask a question set, measure the answers, and keep the run.", "evaluate --out before")
    _question_set(evaluate)
    evaluate.add_argument("--split", choices=["tune", "report"], help="one half of the set alone")
    evaluate.add_argument("--out", type=Path, metavar="DIR", help="the run's folder (else a new one below the data folder's runs)")
    evaluate.add_argument("--judge", action="store_true", help="let a model judge the answers too; needs OPENAI_API_KEY")
    evaluate.add_argument("--json", action="store_true", help="print the run as JSON")
    compare = command("compare", _compare, "Tell what got better or worse from one run to another.", "compare before after")
    compare.add_argument("runs", nargs=2, metavar="RUN", help="a run's folder, or its name below the data folder's runs")
    compare.add_argument("--json", action="store_true", help="print the comparison as JSON")
    _question_commands(commands, common)
    return parser


def _question_set(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--questions", type=Path, metavar="FILE", help="the question set (else corpus/questions.jsonl, beside the articles)"
    )


def _question_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    about = "Keep the question set in line with the articles."
    questions = commands.add_parser("questions", help=about, description=about, epilog="example: career-advisor questions lint")
    actions = questions.add_subparsers(metavar="ACTION", required=True)
    about = "List the rows to mend: quotes that are gone, duplicates, drafts, rows without evidence."
    lint = actions.add_parser(
        "lint", parents=[common], help=about, description=about, epilog="example: career-advisor questions lint --json"
    )
    _question_set(lint)
    lint.add_argument("--json", action="store_true", help="print the list as JSON")
    lint.set_defaults(run=_lint)
    about = "Make a draft row of a question that was answered badly."
    add = actions.add_parser(
        "add",
        parents=[common],
        help=about,
        description=about,
        epilog='example: career-advisor questions add "Who earns more?" --comment "names nobody"',
    )
    _question_set(add)
    add.add_argument("question", help="the question")
    add.add_argument(
        "--after", action="append", default=[], metavar="QUESTION", help="an earlier question of the conversation; may be repeated"
    )
    add.add_argument("--comment", default="", help="what is wrong with the answer")
    add.set_defaults(run=_add)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port (1 to 65535)")
    return int(text)


# --- the commands


def _ingest(options: argparse.Namespace) -> int:
    from chatbot.wiring import open_embedder  # noqa: PLC0415
    from ingest.pipeline import ingest  # noqa: PLC0415

    settings = _settings(options)
    with _progress_bar("Embedding") as progress:
        report = ingest(settings, open_embedder(settings), force=options.force, progress=progress)
    if options.json:
        write_json(report.as_dict())
    else:
        write(_report_text(report))
    for name, reason in report.left_out:
        say(f"Left out {name}: {reason}.")
    return BAD_NEWS if report.left_out else DONE


def _report_text(report: IngestReport) -> str:
    size = f"{_count(report.articles, 'article')}, {_count(report.passages, 'passage')}; generation {report.generation}"
    if not report.changed:
        return f"Nothing changed: {size}."
    changes = [(report.added, "added"), (report.edited, "changed"), (report.removed, "removed")]
    told = ", ".join(f"{len(names)} {what}" for names, what in changes if names) or "built anew"
    return f"Ingested {size} ({told})."


def _ask(options: argparse.Namespace) -> int:
    if (options.question is None) == (options.batch is None):
        say("Give one question, or a file of them with --batch.")
        return USAGE
    if options.out and not options.batch:
        say("--out goes with --batch.")
        return USAGE
    if options.batch and (options.after or options.json):
        say("--after and --json go with one question; --batch takes each line's history and writes JSON.")
        return USAGE
    if options.out and options.out.exists() and options.batch.exists() and options.out.samefile(options.batch):
        say("--out is the file of questions itself; name another.")
        return USAGE
    with _advisor(options) as advisor:
        if options.batch:
            return _ask_batch(advisor, options.batch, options.out)
        answer = advisor.answer(options.question, options.after).answer
    if options.json:
        write_json(answer.as_dict())
    else:
        write(_answer_text(answer))
    return DONE


def _ask_batch(advisor: Advisor, path: Path, out: Path | None) -> int:
    """One answer a line, written as it comes; a row that cannot be asked is named, and the others go on."""
    from ingest.errors import CareerAdvisorError  # noqa: PLC0415

    status = DONE
    with ExitStack() as files:
        lines = files.enter_context(_opened(path, "r"))
        target = files.enter_context(_opened(out, "w")) if out else sys.stdout
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = _batch_row(line)
                answer = advisor.answer(row["question"], row["history"]).answer
            except (CareerAdvisorError, ValueError) as error:
                say(f"Line {number} of {path.name} was not asked: {error}")
                status = FAILED
                continue
            target.write(json.dumps(answer.as_dict(row["id"]), ensure_ascii=False) + "\n")
            target.flush()
    return status


def _batch_row(line: str) -> dict[str, Any]:
    """Raises ValueError, whose text says what the line should be."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("It is not JSON.") from None
    question = row.get("question") if isinstance(row, dict) else None
    history = row.get("history") or [] if isinstance(row, dict) else None
    if not isinstance(question, str) or not isinstance(history, list) or not all(isinstance(earlier, str) for earlier in history):
        raise ValueError('It should be {"id": ..., "question": "...", "history": ["..."]}.')
    return {"id": row.get("id"), "question": question, "history": history}


def _opened(path: Path, mode: str) -> AbstractContextManager[IO[str]]:
    from ingest.errors import CareerAdvisorError  # noqa: PLC0415

    try:
        return path.open(mode, encoding="utf-8-sig" if mode == "r" else "utf-8", errors="replace" if mode == "r" else "backslashreplace")
    except OSError as error:
        raise CareerAdvisorError(f"The file '{path}' cannot be opened ({error.strerror}).") from None


def _answer_text(answer: Answer) -> str:
    lines = [answer.text]
    lines += [f"Note: {notice}" for notice in answer.notices]
    if answer.standalone_question != answer.question:
        lines.append(f"Searched for: {answer.standalone_question}")
    if answer.citations:
        lines.append("Sources")
        lines += [
            f"[{citation.number}] {citation.title} > {citation.heading}: {' '.join(citation.quote.split())}"
            for citation in answer.citations
        ]
    if answer.status == "abstained" and answer.passages:
        lines.append("Nearest passages")
        lines += [f"- {passage.chunk.title}: {' '.join(passage.chunk.text.split())[:160]}" for passage in answer.passages]
    if answer.suggestions:
        lines.append("You could ask")
        lines += [f"- {suggestion}" for suggestion in answer.suggestions]
    return "\n".join(lines)


def _articles(options: argparse.Namespace) -> int:
    with _advisor(options) as advisor:
        stored = advisor.articles()
    if options.json:
        write_json([_article_fields(one) for one in stored])
        return DONE
    for one in stored:
        write(f"{one.article.id}\n  {one.article.title} ({_count(one.passages, 'passage')}, ingested {one.ingested_at})")
    return DONE


def _article(options: argparse.Namespace) -> int:
    with _advisor(options) as advisor:
        stored = advisor.article(options.id)
    if options.json:
        write_json({**_article_fields(stored), "text": stored.article.text})
    else:
        write(stored.article.text.rstrip("\n"))
    return DONE


def _evaluate(options: argparse.Namespace) -> int:
    from chatbot.evaluation.evaluate import Evaluation  # noqa: PLC0415
    from chatbot.evaluation.judge import JudgeSettings, ModelJudge  # noqa: PLC0415
    from chatbot.evaluation.questions import read_questions  # noqa: PLC0415
    from chatbot.settings import ChatSettings  # noqa: PLC0415

    settings = _settings(options)
    rows = read_questions(options.questions or settings.questions)
    asked = [row for row in rows if not row.draft and options.split in (None, row.split)]
    if not asked:
        say("The question set has no rows to ask.")
        return FAILED
    judge_settings = JudgeSettings.read() if options.judge else None
    judge = ModelJudge(judge_settings) if judge_settings else None
    told = {**ChatSettings.read().model_dump(), "judge": judge_settings.judge_model if judge_settings else None}
    with _advisor(options) as advisor, _progress_bar("Asking") as progress:
        evaluation = Evaluation(advisor, told, judge)
        folder = options.out or _run_folder(settings.data / RUNS, evaluation.parts(asked))
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


def _run_folder(runs: Path, parts: dict[str, Any]) -> Path:
    """The newest run of the same parts that was interrupted, else a new folder."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from chatbot.evaluation.runs import is_unfinished  # noqa: PLC0415

    unfinished = [folder for folder in sorted(runs.glob("*"), reverse=True) if is_unfinished(folder, parts)]
    return unfinished[0] if unfinished else runs / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"


def _run_text(run: Run, folder: Path, drafts: int) -> str:
    from chatbot.evaluation.report import REPORT  # noqa: PLC0415

    lines = [f"{_count(len(run.scores), 'question')} asked of generation {run.made_by['generation']}"]
    lines += [f"{_count(drafts, 'draft')} not asked; `career-advisor questions lint` lists them"] if drafts else []
    lines += [f"{_count(run.failed, 'call')} failed and counted nowhere"] if run.failed else []
    lines += [str(measure) for measure in run.measures()]
    if "median_ms" in run.times:
        lines.append(f"{'milliseconds an answer':<24} {run.times['median_ms']:>8g}   95 % under {run.times['p95_ms']:g}")
    return "\n".join([*lines, f"Run: {folder}", f"Report: {folder / REPORT}"])


def _compare(options: argparse.Namespace) -> int:
    from chatbot.evaluation.comparison import compare  # noqa: PLC0415
    from chatbot.evaluation.runs import read_run  # noqa: PLC0415

    runs = _settings(options).data / RUNS
    before, after = (read_run(Path(name) if Path(name).is_dir() or not (runs / name).is_dir() else runs / name) for name in options.runs)
    comparison = compare(before, after)
    if options.json:
        write_json(comparison.as_dict())
    else:
        write(str(comparison))
    return BAD_NEWS if comparison.is_worse else DONE


def _lint(options: argparse.Namespace) -> int:
    from chatbot.evaluation.lint import lint  # noqa: PLC0415
    from chatbot.evaluation.questions import read_questions  # noqa: PLC0415

    rows = read_questions(options.questions or _settings(options).questions)
    with _advisor(options) as advisor:
        articles = {stored.article.id: stored.article.text for stored in advisor.articles()}
        units = [chunk.quote(unit) for chunk in advisor.chunks() for unit in chunk.units]
    flaws = lint(rows, articles, units)
    if options.json:
        write_json([flaw.as_dict() for flaw in flaws])
    else:
        write("\n".join(map(str, flaws)) or f"{_count(len(rows), 'row')}, none to mend.")
    return BAD_NEWS if flaws else DONE


def _add(options: argparse.Namespace) -> int:
    from chatbot.evaluation.questions import append_question, draft_of, read_questions  # noqa: PLC0415

    path = options.questions or _settings(options).questions
    taken = [row.id for row in read_questions(path)] if path.exists() else []
    with _advisor(options) as advisor:
        row = draft_of(advisor.answer(options.question, options.after).answer, options.after, taken, options.comment)
    append_question(path, row)
    write(f"Added the draft {row.id} to {path}; fill in evidence, facts and answerable, then delete its draft.")
    return DONE


def _article_fields(stored: StoredArticle) -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415

    article = stored.article
    return {
        "id": article.id,
        "title": article.title,
        "author": article.author,
        "url": article.url,
        "published": article.published,
        "based_on": asdict(article.based_on) if article.based_on else None,
        "passages": stored.passages,
        "ingested_at": stored.ingested_at,
    }


def _chat(options: argparse.Namespace) -> int:
    """Becomes the page's server, so that a signal to this process is a signal to it."""
    from chatbot.settings import ChatSettings  # noqa: PLC0415

    port = options.port or _environment_port()
    address = os.environ.get("STREAMLIT_SERVER_ADDRESS") or "127.0.0.1"
    if _is_busy(port, address):
        say(f"Port {port} is in use; choose another with --port.")
        return FAILED
    for settings in (_settings(options), ChatSettings.read()):
        os.environ.update({f"CAREER_{name.upper()}": str(_absolute(value)) for name, value in settings})
    app = Path(__file__).resolve().with_name("app.py")
    os.chdir(app.parents[1])  # where .streamlit/config.toml lies
    write(f"The chat page is on http://localhost:{port} (Ctrl-C ends it).")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port), "--server.address", address])  # noqa: S606
    return FAILED


def _absolute(value: object) -> object:
    """A folder in a setting, as it is called from anywhere; a model may be named by its folder."""
    is_folder = isinstance(value, Path) or (isinstance(value, str) and os.sep in value and Path(value).is_dir())
    return Path(str(value)).absolute() if is_folder else value


def _environment_port() -> int:
    from ingest.errors import SettingsError  # noqa: PLC0415

    text = os.environ.get("STREAMLIT_SERVER_PORT") or str(DEFAULT_PORT)
    try:
        return _port(text)
    except argparse.ArgumentTypeError as error:
        raise SettingsError(f"STREAMLIT_SERVER_PORT cannot be used: {error}.") from None


def _is_busy(port: int, address: str) -> bool:
    import errno  # noqa: PLC0415
    import socket  # noqa: PLC0415

    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


# --- what they share


def _settings(options: argparse.Namespace) -> IngestSettings:
    from ingest.settings import IngestSettings  # noqa: PLC0415

    return IngestSettings.read(corpus=options.corpus, data=options.data)


@contextmanager
def _advisor(options: argparse.Namespace) -> Iterator[Advisor]:
    from chatbot.settings import ChatSettings  # noqa: PLC0415
    from chatbot.wiring import open_advisor  # noqa: PLC0415

    advisor = open_advisor(ChatSettings.read(), _settings(options))
    try:
        yield advisor
    finally:
        advisor.close()


@contextmanager
def _progress_bar(label: str) -> Iterator[Progress | None]:
    """A bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def write(text: str) -> None:
    """A result, to standard output."""
    sys.stdout.write(_printable(text) + "\n")


def write_json(value: object) -> None:
    sys.stdout.write(_printable(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")


def say(text: str) -> None:
    """All else, to standard error."""
    sys.stderr.write(_printable(text) + "\n")


def _printable(text: str) -> str:
    """Without the characters that a terminal obeys."""
    return "".join(character for character in text if character == "\n" or unicodedata.category(character) not in {"Cc", "Cf", "Cs"})


if __name__ == "__main__":
    sys.exit(main())
