"""The rules of the house: imports run one way, each vendor has one door, and the project's own files say the same thing."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.evaluation.judge import JudgeSettings
from chatbot.settings import ChatSettings, MemorySettings, ModelSettings
from ingest.settings import IngestSettings
from ui.settings import PageSettings

ROOT = Path(__file__).parents[1]
ROOMS = ("ingest", "chatbot", "ui")
# what a room may import from those to its left
ALLOWED = {
    "ingest": {"ingest": None},
    "chatbot": {"ingest": {"types", "errors", "settings", "embed", "index", "kept", "roles", "terms"}, "chatbot": None},
    "ui": {"ingest": None, "chatbot": None, "ui": None},
}
DOORS = {
    "sentence_transformers": {"chatbot/rerank.py", "ingest/torch_model.py"},
    "torch": {"ingest/torch_model.py"},
    "onnx": {"ingest/torch_model.py"},
    "onnxruntime": {"ingest/exported.py"},
    "tokenizers": {"ingest/exported.py"},
    "chromadb": {"ingest/index.py"},
    "bm25s": {"ingest/index.py"},
    "sqlalchemy": {"chatbot/memory.py"},
    "streamlit": {"ui"},
    "trafilatura": {"ingest/read_html.py"},
    "pypdf": {"ingest/read_pdf.py", "ingest/pdf_page.py"},
    "mammoth": {"ingest/read_docx.py"},
    "markdownify": {"ingest/shown_html.py"},
    "lxml": {"ingest/read_docx.py", "ingest/shown_html.py"},
    "markdown_it": {"ingest/markdown.py", "ingest/split.py", "ui/markdown.py"},
    "openai": {"chatbot/endpoint.py"},
    "httpx2": {"chatbot/endpoint.py"},
    "langsmith": {"chatbot/generative.py"},
    "langchain_openai": {"chatbot/endpoint.py"},
}


def modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_run_along_the_line(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for name in imported(path):
        top, *rest = name.split(".")
        if top in ROOMS:
            assert top in ALLOWED[room], f"{path} imports {name}"
            inner = ALLOWED[room][top]
            assert inner is None or not rest or rest[0] in inner, f"{path} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_vendor_has_one_door(path: Path) -> None:
    here = path.relative_to(ROOT).as_posix()
    for name in imported(path):
        doors = DOORS.get(name.split(".")[0])
        assert doors is None or any(here.startswith(door) for door in doors), f"{here} imports {name}"
    if here in {
        "ui/cli.py",
        "ui/cited.py",
        "ui/command.py",
        "ui/evaluation_commands.py",
        "ui/gaps_command.py",
        "ui/keeper_commands.py",
        "ui/answering.py",
        "ui/background.py",
        "ui/export.py",
    }:
        assert "streamlit" not in {name.split(".")[0] for name in imported(path)}


# whose first argument Streamlit reads as Markdown, or shows as it likes
SHOWN_BY_STREAMLIT = frozenset(
    [
        "badge",
        "button",
        "caption",
        "chat_message",
        "code",
        "dialog",
        "download_button",
        "error",
        "exception",
        "expander",
        "feedback",
        "form_submit_button",
        "header",
        "html",
        "image",
        "info",
        "json",
        "latex",
        "link_button",
        "markdown",
        "metric",
        "multiselect",
        "pills",
        "popover",
        "radio",
        "segmented_control",
        "selectbox",
        "slider",
        "spinner",
        "status",
        "subheader",
        "success",
        "tabs",
        "text",
        "text_area",
        "text_input",
        "title",
        "toast",
        "toggle",
        "warning",
        "write",
        "write_stream",
    ]
)
# names that hold words of ours
OURS = {
    "app.py": {"style"},
    "chat_page.py": {"earlier"},
    "component.py": {"label"},
    "conversations.py": {"said"},
    "guide_page.py": {"QUESTION"},
}


@pytest.mark.parametrize("path", sorted((ROOT / "ui").glob("*.py")), ids=lambda path: path.name)
def test_streamlit_is_given_no_words_but_ours_to_show(path: Path) -> None:
    """Everything else goes through the component, which sets textContent only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in SHOWN_BY_STREAMLIT:
            continue
        if not isinstance(node.func.value, ast.Name) or node.func.value.id not in {"st", "left", "right"}:
            continue
        for words in [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg in {"help", "label", "body"})]:
            branches = [words.body, words.orelse] if isinstance(words, ast.IfExp) else [words]
            for branch in branches:
                is_ours = isinstance(branch, ast.Name) and branch.id in OURS.get(path.name, set())
                assert isinstance(branch, ast.Constant) or is_ours, f"{path.name}:{node.lineno} shows {ast.unparse(words)}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_functions_are_short_and_nothing_is_unpickled(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, f"{path}: {node.name}"
    assert not {"pickle", "marshal", "shelve"} & set(imported(path))


def test_no_role_and_no_topic_of_the_articles_is_named_in_code() -> None:
    for path in [*(ROOT / "ingest").glob("*.py"), *(ROOT / "chatbot").rglob("*.py")]:
        strings = [
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        documentation = {
            ast.get_docstring(node, clean=False)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        }
        for text in strings:
            assert text in documentation or not re.search(r"generative|machine learning|\bLLM\b|LangChain|scikit|\bRAG\b", text), (
                f"{path}: {text!r}"
            )


def test_env_example_is_true_to_the_settings() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    listed = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    expected = {}
    for settings in (IngestSettings, ChatSettings, MemorySettings, PageSettings, ModelSettings, JudgeSettings):
        for name, field in settings.model_fields.items():
            if field.validation_alias:  # a name that every OpenAI client has; a key is never set by an example
                assert f"#{field.validation_alias}=" in lines
                continue
            default = field.default
            expected[f"CAREER_{name.upper()}"] = _written(default)
    assert listed == expected


def _written(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else "" if default is None else str(default)


def test_constraints_are_plain() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._]+", line), line


def test_what_is_committed_names_no_place_of_this_machine() -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, listing):
        path = ROOT / name
        if path.suffix in {".png", ".safetensors"} or not path.is_file() or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/work/|/root/|/home/\w+/|file:///|--index-url|pypi\.org", text), name
