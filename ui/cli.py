"""The command line. Each command imports only what it needs: help must not wait for a model. Imports no streamlit."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ui.command import (
    DONE,
    FAILED,
    INTERRUPTED,
    USAGE,
    Commands,
    add_after,
    add_json,
    advisor_of,
    count,
    say,
    settings_of,
    write,
    write_json,
)
from ui.evaluation_commands import add_evaluation_commands
from ui.gaps_command import add_gaps_command
from ui.keeper_commands import add_keeper_commands

if TYPE_CHECKING:
    from chatbot.advisor import Advisor
    from chatbot.types import Answer
    from ingest.index import StoredArticle

DEFAULT_PORT = 8501
# numpy's own threads wait in a loop for products as small as a question's: with them it takes a tenth longer and twice the processor
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


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
    commands = Commands(parser, common)
    add_keeper_commands(commands)
    ask = commands.add(
        "ask", _ask, "Answer a question, or a file of questions.", 'ask "And for the other role?" --after "What does an ML engineer earn?"'
    )
    ask.add_argument("question", nargs="?", help="the question")
    add_after(ask)
    ask.add_argument("--batch", type=Path, metavar="FILE", help='a file of {"id", "question", "history"} lines')
    ask.add_argument("--out", type=Path, metavar="FILE", help="where --batch writes its answers (else to standard output)")
    add_json(ask, "the answer")
    chat = commands.add("chat", _chat, "Serve the chat page.", "chat --port 8600")
    chat.add_argument("--port", type=_port, help=f"the page's port (STREAMLIT_SERVER_PORT, else {DEFAULT_PORT})")
    articles = commands.add("articles", _articles, "List the articles that are answered from.", "articles --json")
    add_json(articles, "the list")
    article = commands.add("article", _article, "Print one article's canonical text.", "article ai-engineer-or-generative-ai-engineer")
    article.add_argument("id", help="the article's id, as `articles` lists it")
    article.add_argument("--json", action="store_true", help="print it as JSON, with its text")
    add_evaluation_commands(commands)
    add_gaps_command(commands)
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port (1 to 65535)")
    return int(text)


# --- the commands


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
    with advisor_of(options, asks=True) as advisor:
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
            f"[{citation.number}]{'' if citation.verified else ' not verified:'} {citation.title} > {citation.heading}: {' '.join(citation.quote.split())}"
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
    with advisor_of(options) as advisor:
        stored = advisor.articles()
    if options.json:
        write_json([_article_fields(one) for one in stored])
        return DONE
    for one in stored:
        write(f"{one.article.id}\n  {one.article.title} ({count(one.passages, 'passage')}, ingested {one.ingested_at})")
    return DONE


def _article(options: argparse.Namespace) -> int:
    with advisor_of(options) as advisor:
        stored = advisor.article(options.id)
    if options.json:
        write_json({**_article_fields(stored), "text": stored.article.text})
    else:
        write(stored.article.text.rstrip("\n"))
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
    from chatbot.settings import ChatSettings, MemorySettings, ModelSettings  # noqa: PLC0415
    from ui.settings import PageSettings  # noqa: PLC0415

    port = options.port or _environment_port()
    address = os.environ.get("STREAMLIT_SERVER_ADDRESS") or "127.0.0.1"
    if _is_busy(port, address):
        say(f"Port {port} is in use; choose another with --port.")
        return FAILED
    for settings in (settings_of(options), ChatSettings.read(), MemorySettings.read(), PageSettings.read()):
        os.environ.update({f"CAREER_{name.upper()}": str(_absolute(value)) for name, value in settings})
    os.environ.update(ModelSettings.read().as_environment())
    app = Path(__file__).resolve().with_name("server.py")
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


if __name__ == "__main__":
    sys.exit(main())
