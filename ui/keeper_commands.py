"""The commands of the articles' keeper: ingest, rollback and doctor. Imports no streamlit."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from ui import keeper_words
from ui.cited import forget_in_answers, stands_in_answers, touched_citations
from ui.command import BAD_NEWS, DONE, FAILED, USAGE, Commands, add_json, count, progress_bar, say, settings_of, write, write_json

if TYPE_CHECKING:
    from chatbot.recheck import TouchedRow
    from ingest.doctor import Finding
    from ingest.embed import Embedder
    from ingest.preview import Preview
    from ingest.settings import IngestSettings

MEND_ENDPOINT = "look at OPENAI_API_KEY, OPENAI_BASE_URL and CAREER_MODEL, or wait and run this again; until then answers are quoted"


def add_keeper_commands(commands: Commands) -> None:
    ingest = commands.add("ingest", _ingest, "Bring the index in line with the articles.", "ingest --dry-run")
    ingest.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    ingest.add_argument("--exit-code", action="store_true", help="with --dry-run: exit status 3 where something would change")
    ingest.add_argument("--watch", action="store_true", help="go on, and ingest again whenever the articles have changed")
    ingest.add_argument("--force", action="store_true", help="build anew even where nothing changed, and end what a rollback holds")
    ingest.add_argument(
        "--forget",
        metavar="ID",
        help="of an article whose file is deleted: delete the kept indexes that hold it too, and its words in kept answers",
    )
    add_json(ingest, "the report")
    commands.add("rollback", _rollback, "Serve the index again that was served before.", "rollback")
    doctor = commands.add(
        "doctor",
        _doctor,
        "Compare articles and index, try the model's endpoint where one is set, and say what mends what is wrong.",
        "doctor --json",
    )
    add_json(doctor, "the findings")


def _ingest(options: argparse.Namespace) -> int:
    from chatbot.wiring import open_embedder  # noqa: PLC0415

    if complaint := _complaint(options):
        say(complaint)
        return USAGE
    settings = settings_of(options)
    if options.dry_run:
        return _dry_run(options, settings)
    embedder = open_embedder(settings)
    if options.watch:
        return _watch(options, settings, embedder)
    if options.forget is not None:
        return _forget(options, settings, embedder)
    return _ingest_once(options, settings, embedder)


def _complaint(options: argparse.Namespace) -> str | None:
    """What is wrong with a combination of options."""
    if options.exit_code and not options.dry_run:
        return "--exit-code goes with --dry-run."
    if options.forget is not None and (options.dry_run or options.watch or options.force):
        return "--forget goes alone."
    if options.forget is not None and not options.forget.strip():
        return "--forget needs the id of an article, as `career-advisor articles` lists them."
    if options.dry_run and options.watch:
        return "--dry-run and --watch do not go together."
    return None


def _ingest_once(options: argparse.Namespace, settings: IngestSettings, embedder: Embedder) -> int:
    from ingest.pipeline import ingest  # noqa: PLC0415

    with progress_bar("Embedding") as progress:
        report = ingest(settings, embedder, force=options.force, progress=progress)
    return _tell(options, report.as_dict())


def _tell(options: argparse.Namespace, report: dict[str, Any], more: Sequence[str] = ()) -> int:
    if options.json:
        write_json(report)
    else:
        write("\n".join([keeper_words.report(report), *more]))
    for line in keeper_words.left_out(report):
        say(line)
    return BAD_NEWS if report["left_out"] else DONE


def _forget(options: argparse.Namespace, settings: IngestSettings, embedder: Embedder) -> int:
    from ingest.pipeline import ingest_without  # noqa: PLC0415

    if complaint := _unknown(settings, options.forget):
        say(complaint)
        return FAILED
    with progress_bar("Embedding") as progress:
        report = ingest_without(settings, embedder, options.forget, progress)
    forgotten = forget_in_answers(settings, report.forgotten_ids)
    return _tell(options, {**report.as_dict(), **forgotten.as_dict()}, [*keeper_words.forgotten(report.as_dict()), *forgotten.lines()])


def _unknown(settings: IngestSettings, article_id: str) -> str | None:
    """What to say of an id that nothing knows."""
    from ingest.forgetting import is_known  # noqa: PLC0415

    def knows(name: str) -> bool:
        return is_known(settings, name) or stands_in_answers(settings, name)

    if knows(article_id):
        return None
    stem = article_id.rpartition(".")[0]
    meant = f"; did you mean {stem}?" if stem and knows(stem) else "; `career-advisor articles` lists those that are answered from."
    return f"No file, kept index or kept answer knows an article '{article_id}', and nothing was done{meant}"


def _watch(options: argparse.Namespace, settings: IngestSettings, embedder: Embedder) -> int:
    """Never ends by itself; what goes wrong is said, and tried again after a while, or at the next change where the articles are to blame."""
    from ingest.errors import CareerAdvisorError, CorpusError  # noqa: PLC0415
    from ingest.watch import Watch  # noqa: PLC0415

    watch = Watch(settings.articles, settings.data)
    for _ in watch.settled_changes():
        try:
            _ingest_once(options, settings, embedder)
            options.force = watch.has_failed = False
        except CareerAdvisorError as error:
            say(str(error))
            watch.has_failed = not isinstance(error, CorpusError)
        sys.stdout.flush()  # a log must tell of it now, and a signal ends this without another chance
        say("Trying again in a while; Ctrl-C ends it." if watch.has_failed else "Watching for changes; Ctrl-C ends it.")
    return DONE


# --- the preview


def _dry_run(options: argparse.Namespace, settings: IngestSettings) -> int:
    told = previewed(settings, force=options.force)
    if options.json:
        write_json(told)
    else:
        write("\n".join(section.as_text() for section in keeper_words.preview(told)))
    for line in keeper_words.left_out(told, "Would leave out"):
        say(line)
    return BAD_NEWS if options.exit_code and told["changes"] else DONE


def previewed(settings: IngestSettings, *, force: bool = False) -> dict[str, Any]:
    """What an ingest would change, with the rows of the question set and the kept citations that it would touch. Raises CareerAdvisorError."""
    from chatbot.wiring import open_embedder  # noqa: PLC0415
    from ingest.preview import preview  # noqa: PLC0415

    found = preview(settings, open_embedder(settings), force=force)
    rows, citations = _touched_rows(settings, found), touched_citations(settings, found)
    return {**found.as_dict(), "questions": [asdict(row) for row in rows], "citations": [one.as_dict() for one in citations]}


def _touched_rows(settings: IngestSettings, found: Preview) -> list[TouchedRow]:
    from chatbot.evaluation.questions import read_questions  # noqa: PLC0415
    from chatbot.recheck import touched_rows  # noqa: PLC0415

    if not settings.questions.is_file():
        return []
    return touched_rows(read_questions(settings.questions), found.before, found.after)


# --- back, and what is wrong


def _rollback(options: argparse.Namespace) -> int:
    from chatbot.wiring import open_embedder  # noqa: PLC0415
    from ingest.pipeline import roll_back  # noqa: PLC0415

    settings = settings_of(options)
    done = roll_back(settings, open_embedder(settings).fingerprint)
    for name in done.skipped:
        say(f"The index {name} is damaged and was passed over.")
    size = f"{count(len(done.manifest.articles), 'article')}, {count(done.manifest.passages, 'passage')}"
    held = (
        f"It is held {keeper_words.UNTIL}"
        if done.holds
        else "It cannot be held, for the articles cannot be read: the next ingest follows them."
    )
    write(f"Rolled back from {done.left} to {done.served} ({size}, built {done.manifest.built_at.partition('.')[0]}). {held}")
    return DONE


def _endpoint() -> Iterator[Finding]:
    """Of the model's endpoint, where one is set; else nothing is asked."""
    from chatbot.settings import ModelSettings  # noqa: PLC0415
    from ingest.doctor import Finding  # noqa: PLC0415

    settings = ModelSettings.read()
    if not settings.is_on:
        return
    from chatbot.generative import check_endpoint  # noqa: PLC0415

    flaw = check_endpoint(settings)
    yield Finding(flaw, MEND_ENDPOINT) if flaw else Finding("The model's endpoint answers.")


def _doctor(options: argparse.Namespace) -> int:
    from chatbot.wiring import open_embedder  # noqa: PLC0415
    from ingest.doctor import diagnose  # noqa: PLC0415

    settings = settings_of(options)
    found = diagnose(settings, open_embedder(settings).fingerprint)
    diagnosis = replace(found, findings=(*found.findings, *_endpoint()))
    if options.json:
        write_json(diagnosis.as_dict())
    else:
        lines = [f"{finding.what}{f' To mend it, {finding.mend}' if finding.mend else ''}" for finding in diagnosis.findings]
        write("\n".join([*lines, *(["Nothing is wrong."] if diagnosis.is_healthy else [])]))
    return DONE if diagnosis.is_healthy else BAD_NEWS
