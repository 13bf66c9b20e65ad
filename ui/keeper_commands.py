"""The commands of the articles' keeper: ingest, rollback and doctor. Imports no streamlit."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ui.cited import TouchedCitation, forget_in_answers, touched_citations, touched_lines
from ui.command import BAD_NEWS, DONE, USAGE, Commands, add_json, count, progress_bar, say, settings_of, write, write_json

if TYPE_CHECKING:
    from chatbot.recheck import TouchedRow
    from ingest.doctor import Finding
    from ingest.embed import Embedder
    from ingest.pipeline import IngestReport
    from ingest.preview import ArticleChange, Preview
    from ingest.settings import IngestSettings

MEND_ENDPOINT = "look at OPENAI_API_KEY, OPENAI_BASE_URL and CAREER_MODEL, or wait and run this again; until then answers are quoted"
SHOWN = 20  # sentences of one article that a preview prints; --json gives all


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
    embedder = open_embedder(settings)
    if options.dry_run:
        return _dry_run(options, settings, embedder)
    if options.watch:
        return _watch(options, settings, embedder)
    return _ingest_once(options, settings, embedder)


def _complaint(options: argparse.Namespace) -> str | None:
    """What is wrong with a combination of options."""
    if options.exit_code and not options.dry_run:
        return "--exit-code goes with --dry-run."
    if options.forget is not None and (options.dry_run or options.watch or options.force):
        return "--forget goes alone."
    if options.dry_run and options.watch:
        return "--dry-run and --watch do not go together."
    return None


def _ingest_once(options: argparse.Namespace, settings: IngestSettings, embedder: Embedder) -> int:
    from ingest.pipeline import ingest, ingest_without  # noqa: PLC0415

    with progress_bar("Embedding") as progress:
        if options.forget is not None:
            report = ingest_without(settings, embedder, options.forget, progress)
        else:
            report = ingest(settings, embedder, force=options.force, progress=progress)
    forgotten = forget_in_answers(settings, options.forget) if options.forget is not None else None
    if options.json:
        write_json({**report.as_dict(), **(forgotten.as_dict() if forgotten else {})})
    else:
        write("\n".join([_report_text(report), *(forgotten.lines() if forgotten else [])]))
    for name, reason in report.left_out:
        say(f"Left out {name}: {reason}.")
    return BAD_NEWS if report.left_out else DONE


def _watch(options: argparse.Namespace, settings: IngestSettings, embedder: Embedder) -> int:
    """Never ends by itself; what goes wrong once is said, and the next change is waited for."""
    from ingest.errors import CareerAdvisorError  # noqa: PLC0415
    from ingest.watch import settled_changes  # noqa: PLC0415

    for _ in settled_changes(settings.articles):
        try:
            _ingest_once(options, settings, embedder)
        except CareerAdvisorError as error:
            say(str(error))
        options.force = False
        say("Watching for changes; Ctrl-C ends it.")
    return DONE


def _report_text(report: IngestReport) -> str:
    size = f"{count(report.articles, 'article')}, {count(report.passages, 'passage')}; generation {report.generation}"
    if report.held:
        return (
            f"Nothing was changed: {size} is held since a rollback, until the articles differ from those of {report.held} "
            "or you run: career-advisor ingest --force"
        )
    changes = [(report.added, "added"), (report.edited, "changed"), (report.removed, "removed")]
    told = ", ".join(f"{len(names)} {what}" for names, what in changes if names) or "built anew"
    text = f"Ingested {size} ({told})." if report.changed else f"Nothing changed: {size}."
    if report.forgotten is None:
        return text
    gone = f"{', '.join(report.forgotten)} can no longer be rolled back to" if report.forgotten else "no kept index held it"
    return f"{text}\nForgotten: {gone}."


# --- the preview


def _dry_run(options: argparse.Namespace, settings: IngestSettings, embedder: Embedder) -> int:
    from ingest.preview import preview  # noqa: PLC0415

    found = preview(settings, embedder, force=options.force)
    rows, citations = _touched_rows(settings, found), touched_citations(settings, found)
    if options.json:
        told = {"questions": [_row_fields(row) for row in rows], "citations": [one.as_dict() for one in citations]}
        write_json({**found.as_dict(), **told})
    else:
        write(_preview_text(found, rows, citations))
    for name, reason in found.left_out:
        say(f"Would leave out {name}: {reason}.")
    return BAD_NEWS if options.exit_code and found.is_change else DONE


def _touched_rows(settings: IngestSettings, found: Preview) -> list[TouchedRow]:
    from chatbot.evaluation.questions import read_questions  # noqa: PLC0415
    from chatbot.recheck import touched_rows  # noqa: PLC0415

    if not settings.questions.is_file():
        return []
    return touched_rows(read_questions(settings.questions), found.before, found.after)


def _row_fields(row: TouchedRow) -> dict[str, Any]:
    return {"id": row.id, "evidence": row.evidence}


def _preview_text(found: Preview, rows: list[TouchedRow], citations: list[TouchedCitation]) -> str:
    if found.held:
        return f"A rollback from {found.held} holds: nothing would change until the articles differ from those of it, or with --force."
    if not found.is_change:
        return "Nothing would change."
    lines = [f"Everything would be built anew: {reason}." for reason in found.reasons]
    for change in found.articles:
        lines += _change_lines(change)
    lines += [f"question {row.id} would lose its evidence: {' '.join(row.evidence.split())}" for row in rows]
    lines += touched_lines(citations)
    return "\n".join([*lines, f"{count(found.embeddings, 'text')} would be embedded."])


def _change_lines(change: ArticleChange) -> list[str]:
    lines = [f"{change.change} {change.id}: {count(change.passages_new, 'new passage')}, {change.passages_gone} gone"]
    lines += [f"  other: {', '.join(change.fields)}"] if change.fields else []
    sentences = [*(f"  - {text}" for text in change.gone), *(f"  + {text}" for text in change.new)]
    lines += [" ".join(sentence.split()).join(("  ", "")) for sentence in sentences[:SHOWN]]
    return [*lines, f"  ... and {count(len(sentences) - SHOWN, 'more line')}"] if len(sentences) > SHOWN else lines


# --- back, and what is wrong


def _rollback(options: argparse.Namespace) -> int:
    from chatbot.wiring import open_embedder  # noqa: PLC0415
    from ingest.generations import roll_back  # noqa: PLC0415

    settings = settings_of(options)
    done = roll_back(settings.data, open_embedder(settings).fingerprint)
    for name in done.skipped:
        say(f"The index {name} is damaged and was passed over.")
    size = f"{count(len(done.manifest.articles), 'article')}, {count(done.manifest.passages, 'passage')}"
    write(
        f"Rolled back from {done.left} to {done.served} ({size}, built {done.manifest.built_at}). It is held until the articles differ from "
        f"those of {done.left}, or you run: career-advisor ingest --force"
    )
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
