"""Fake advisors for the page, and text that tries to get out of it. Run as a program, it serves the page with one of them:

python tests/page_support.py PORT usual|slow|hostile [CATCHER]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chatbot.errors import ArticleUnknownError
from chatbot.types import Answer, Citation, Passage, Reply, Timings
from ingest.errors import CareerAdvisorError
from ingest.index import StoredArticle
from ingest.types import Article, Chunk, Origin, Role, Span, Unit

ROOT = Path(__file__).parents[1]
APP = ROOT / "ui" / "app.py"

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

    def starters(self) -> tuple[str, ...]:
        return self._starters

    def articles(self) -> tuple[StoredArticle, ...]:
        return self._stored

    def article(self, article_id: str) -> StoredArticle:
        for stored in self._stored:
            if stored.article.id == article_id:
                return stored
        raise ArticleUnknownError(f"There is no article '{article_id}' here.")


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


def hostile_advisor(catcher: str) -> FakeAdvisor:
    """Every place that holds text holds payloads: titles, authors, headings, quotes, notices, suggestions and errors."""
    attacks = payloads(catcher)
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

    return FakeAdvisor(script, [article], starters=[line, *attacks[:3]])


# --- the page, served with one of them


def _serve(port: int, name: str, catcher: str) -> None:
    from streamlit.web import bootstrap  # noqa: PLC0415

    from chatbot import wiring  # noqa: PLC0415

    advisors = {"usual": usual_advisor(), "slow": usual_advisor(0.08), "hostile": hostile_advisor(catcher)}

    def open_advisor(*_: object) -> FakeAdvisor:
        time.sleep(1 if name == "slow" else 0)
        return advisors[name]

    wiring.open_advisor = open_advisor  # type: ignore[assignment]
    options = {"server_port": port, "server_headless": True}
    bootstrap.load_config_options(options)
    bootstrap.run(str(APP if name in advisors else ROOT / name), False, [], options)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
