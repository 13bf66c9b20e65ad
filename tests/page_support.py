"""Fake advisors for the page, and text that tries to get out of it. Run as a program, it serves the page with one of them:

python tests/page_support.py PORT usual|slow|hostile|echo [CATCHER [PAYLOADS.json]]     below CAREER_DATA, where conversations are kept
python tests/page_support.py PORT real CATCHER DATA      a real advisor over a folder of the fake embedder's, with the settings' model
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chatbot.advisor import Advisor
from chatbot.budgets import Budget
from chatbot.errors import ArticleUnknownError
from chatbot.guide import Choice, Option, path_of, recommendation
from chatbot.settings import ChatSettings, ModelSettings
from chatbot.types import Answer, Citation, Passage, Reply, Timings
from ingest.errors import CareerAdvisorError
from ingest.index import StoredArticle
from ingest.types import Article, Chunk, Origin, Role, Span, Unit

ROOT = Path(__file__).parents[1]
APP = ROOT / "ui" / "app.py"
SERVER = ROOT / "ui" / "server.py"

BUILDS = (
    "A traditional AI engineer creates machine learning systems from scratch: designing the architecture, "
    "training models on datasets, tuning performance metrics and deploying the pipeline."
)
PYTHON = "Python is the dominant programming language in both roles."
ROW = "| 3 | Implementing RAG pipelines and vector databases | No | Yes |"
STARTERS = (
    "What does an AI engineer do?",
    "Do I need a degree to become a generative AI engineer?",
    "How do the two roles compare?",
    "Which role pays more?",
)

ROLES = (Role("AI engineer"), Role("Generative AI engineer"))

Script = Callable[[str], Answer]


class FakeAdvisor:
    """Answers from a script and records what it was asked; `seconds` is how long each word takes."""

    def __init__(self, script: Script, articles: Sequence[Article], seconds: float = 0.0, starters: Sequence[str] = STARTERS) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.searched: list[str] = []
        self._script = script
        self._stored = tuple(StoredArticle(article, 12, "2026-11-22T03:20:00+00:00") for article in articles)
        self._seconds = seconds
        self._starters = tuple(starters)
        self._choices = choices_of(articles[0], [("Primary focus", "Modeling", "Apps"), ("Mindset", "Analytical", "Creative")])

    def answer(self, question: str, history: Sequence[str] = ()) -> Reply:
        self.asked.append((question, tuple(history)))
        answer = self._script(question)
        return Reply(self._pieces(answer.text), lambda: answer)

    def _pieces(self, text: str) -> Iterator[str]:
        for word in text.split(" "):
            time.sleep(self._seconds)
            yield word + " "

    def search(self, question: str) -> list[Passage]:
        self.searched.append(question)
        return []

    @property
    def generation(self) -> str:
        return "g-1"

    def follow_ups(self, answer: Answer, history: Sequence[str] = ()) -> tuple[str, ...]:
        return () if answer.status == "abstained" else tuple(one for one in self._starters if one not in {answer.question, *history})[:2]

    def choices(self) -> tuple[Choice, ...]:
        return self._choices

    def path(self, asked: Sequence[Choice], picks: Mapping[int, int]) -> Answer:
        return recommendation(path_of(asked, picks), (), {}, self.generation)

    def starters(self) -> tuple[str, ...]:
        return self._starters

    def articles(self) -> tuple[StoredArticle, ...]:
        return self._stored

    def article(self, article_id: str) -> StoredArticle:
        for stored in self._stored:
            if stored.article.id == article_id:
                return stored
        raise ArticleUnknownError(f"There is no article '{article_id}' here.")


def choices_of(article: Article, rows: Sequence[tuple[str, str, str]]) -> tuple[Choice, ...]:
    """Questions of "which path fits me?", each option a quote of the article's opening."""
    source = passage(article, article.text[2:40]).chunk
    return tuple(
        Choice(about, tuple(Option(role.name, said, source, source.units[0]) for role, said in zip(ROLES, texts, strict=True)))
        for about, *texts in rows
    )


class Gate:
    """An advisor that waits for leave to go on: before it answers, and after its first piece."""

    def __init__(self) -> None:
        self.may_start, self.may_end = threading.Event(), threading.Event()
        self.usual = usual_advisor()

    def answer(self, question: str, history: Sequence[str] = ()) -> Reply:
        assert self.may_start.wait(20)
        answer = self.usual.answer(question, history).answer

        def pieces() -> Iterator[str]:
            yield "The first words"
            assert self.may_end.wait(20)
            yield " and the last."

        return Reply(pieces(), lambda: answer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.usual, name)


# --- what a usual advisor says


def corpus_article(name: str = "ai-engineer-or-generative-ai-engineer") -> Article:
    source = (ROOT / "corpus" / "articles" / f"{name}.md").read_text(encoding="utf-8")
    text = source.split("---\n", 2)[2].strip("\n") + "\n"
    title = text.split("\n", 1)[0].removeprefix("# ")
    return Article(name, title, text, "the Career Advisor project", None, "2026-11-22", Origin(author="Celoris Learning"), ROLES)


def citation(number: int, article: Article, quote: str, heading: str = "The difference in short") -> Citation:
    start = article.text.index(quote)
    return Citation(number, article.id, article.title, article.url, heading, quote, start, start + len(quote))


def passage(article: Article, quote: str) -> Passage:
    start = article.text.index(quote)
    span = Span(start, start + len(quote))
    chunk = Chunk(article.id, article.title, ("The difference in short",), span.start, span.end, quote, (Unit(span, "sentence"),), span)
    return Passage(chunk, row=0, score=0.8123, dense=0.71, lexical=1.0)


def answered(question: str, text: str, citations: Sequence[Citation], **fields: Any) -> Answer:
    answer = Answer(question, question, "answered", text, "extractive", "g-1", tuple(citations), timings=Timings(12, 3, 15))
    return replace(answer, **fields)


def usual_answer(question: str) -> Answer:
    """Two claims and a table's row; a table when asked to compare; an abstention when asked about the weather; errors on demand."""
    article = corpus_article()
    if "too long" in question:
        raise CareerAdvisorError("The question is too long; please ask it in fewer words.")
    if "bug" in question:
        raise ValueError("a secret: sk-123")
    found = (passage(article, BUILDS), passage(article, PYTHON))
    if "weather" in question:
        text = "The articles say nothing about the weather."
        return answered(question, text, (), status="abstained", passages=found, suggestions=STARTERS[:2])
    cited = (
        citation(1, article, BUILDS),
        citation(2, article, PYTHON, "Frequently asked questions > Which programming language and skills do the two roles need?"),
        citation(3, article, ROW, "Skills and responsibilities side by side"),
    )
    notices = ("The articles do not answer this part: what is the pay?",) if "pay" in question else ()
    text = _COMPARISON if "compare" in question else f"{BUILDS} [1]\n\n- {PYTHON} [2]\n- RAG pipelines are **not** part of its job. [3]"
    return answered(question, text, cited, passages=found, notices=notices)


_COMPARISON = """The two roles, side by side:

| Aspect | AI engineer | Generative AI engineer |
|---|---|---|
| Builds | Machine learning systems from scratch [1] | Applications on top of large language models [3] |
| Language | Python [2] | Python [2] |
| Holidays | | The articles do not say. |
"""


def usual_advisor(seconds: float = 0.0) -> FakeAdvisor:
    return FakeAdvisor(usual_answer, [corpus_article(), corpus_article("traditional-and-generative-ai-engineers")], seconds)


def echo_advisor() -> FakeAdvisor:
    """Says which question it answers, so that a mixed-up answer shows."""
    article = corpus_article()
    return FakeAdvisor(lambda question: answered(question, f"Asked: {question} [1]", (citation(1, article, BUILDS),)), [article], 0.01)


# --- what a hostile one says


def payloads(catcher: str) -> list[str]:
    """Text that makes a browser call `catcher`, run a script or show a link, wherever it is taken for markup."""
    return [
        f"![a]({catcher}/inline)",
        f"![a][r]\n\n[r]: {catcher}/reference",
        f"[![a]({catcher}/badge)]({catcher}/link)",
        f"<img src={catcher}/html onerror=alert(1)>",
        f"<{catcher}/autolink>",
        f"{catcher}/bare",
        f"[label]({catcher}/label)",
        f"<svg/onload=fetch('{catcher}/svg')>",
        f"<script>fetch('{catcher}/script')</script>",
        f"<iframe src={catcher}/frame></iframe>",
        f"<style>@import '{catcher}/style';</style>",
        f"| a | b |\n|---|---|\n| ![a]({catcher}/cell) | <img src={catcher}/cell2> |",
        f"> ![a]({catcher}/quote)",
        f"- ![a]({catcher}/item)",
        f"# ![a]({catcher}/heading)",
        f"**![a]({catcher}/bold)**",
        f":red[![a]({catcher}/directive)]",
        "[click](javascript:alert(1))",
        "$\\href{javascript:alert(1)}{x}$ $$\\frac{1}{2}$$",
        ":material/home: :streamlit: :rocket:",
        "[99] [1](x) </div></template>",
        "\u202egnp.exe\u202c \u2066turned\u2069 \x1b[31m",
    ]


def collected(folder: Path, catcher: str) -> list[str]:
    """The payloads of a folder of collections, each calling `catcher` where it calls anybody."""
    xss, markdown, naughty = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("xss_payloads", "markdown_exfil_xss", "naughty_strings")
    )
    found = [*xss, *(one["markdown"] for one in markdown), *naughty]
    return [re.sub(r"https?://127\.0\.0\.1:18999", catcher, one) for one in found if one.strip()]


def hostile_advisor(catcher: str, more: Sequence[str] = ()) -> FakeAdvisor:
    """Every place that holds text holds payloads: titles, authors, headings, quotes, notices, suggestions and errors."""
    attacks = [*more, *payloads(catcher)]
    line = " ".join(" ".join(attacks).split())
    quote = f"Look: {line}"
    text = f"# {line}\n\n" + "\n\n".join([*attacks, quote, "The end."])
    origin = Origin(line, line, f"{catcher}/original", line)
    article = Article("a/" + line[:40], line, text, line, "javascript:alert(1)", line, origin)

    def script(question: str) -> Answer:
        if "fail" in question:
            raise CareerAdvisorError(line)
        cited = (citation(1, article, quote, line),)
        answer = answered(question, "\n\n".join([*attacks, "A claim. [1]"]), cited, passages=(passage(article, quote),), notices=attacks)
        if "nothing" in question:
            return replace(answer, status="abstained", citations=(), suggestions=tuple(attacks[:3]))
        return replace(answer, suggestions=tuple(attacks[:3]), standalone_question=line, mode=f"model:{line}")

    advisor = FakeAdvisor(script, [article], starters=[line, *attacks[:3]])
    advisor._choices = choices_of(article, [(attack, attack, attack) for attack in attacks])
    return advisor


def real_advisor(data: Path) -> Advisor:
    """The fake embedder's likenesses mean nothing to the fitted verdict: everything is answered."""
    from conftest import FakeEmbedder  # noqa: PLC0415

    from chatbot import fitted  # noqa: PLC0415
    from chatbot.generative import WritingModel  # noqa: PLC0415

    fitted.threshold = lambda: 0.0
    settings = ModelSettings.read()
    return Advisor(data, ChatSettings(), FakeEmbedder(), WritingModel(settings, Budget(data, settings)))


# --- the page, served with one of them


def _serve(port: int, name: str, catcher: str, more: str) -> None:
    from streamlit.web import bootstrap  # noqa: PLC0415

    from chatbot import wiring  # noqa: PLC0415

    advisors: dict[str, Callable[[], FakeAdvisor | Advisor]] = {
        "usual": usual_advisor,
        "slow": lambda: usual_advisor(0.05),
        "hostile": lambda: hostile_advisor(catcher, json.loads(Path(more).read_text(encoding="utf-8")) if more else ()),
        "echo": echo_advisor,
        "real": lambda: real_advisor(Path(more)),
    }

    def open_advisor(*_: object) -> FakeAdvisor | Advisor:
        time.sleep(1 if name == "slow" else 0)
        return advisors[name]()

    wiring.open_advisor = open_advisor  # type: ignore[assignment]
    options = {"server_port": port, "server_headless": True}
    bootstrap.load_config_options(options)
    if name in advisors:
        bootstrap.run_asgi_app(str(SERVER), "ui.server:app", [], options)
    else:
        bootstrap.run(str(ROOT / name), False, [], options)


if __name__ == "__main__":
    _port, _name, _catcher, _more = [*sys.argv[1:], "", ""][:4]
    _serve(int(_port), _name, _catcher, _more)
