"""The spine: question + history -> Reply."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock

from chatbot import abstention, evidence, extractive, fitted, understanding
from chatbot.abstention import Verdict
from chatbot.cite import Citations, without_marks
from chatbot.errors import ArticleUnknownError, QuestionError
from chatbot.evidence import Evidence, Query, rank, rarity
from chatbot.extractive import Picked
from chatbot.follow_up import standalone
from chatbot.person import without_person
from chatbot.retrieve import PassageRetriever, content_terms, retrieve
from chatbot.settings import ChatSettings
from chatbot.spelling import Speller
from chatbot.suggestions import suggested_questions
from chatbot.thesaurus import meanings
from chatbot.types import Answer, Passage, Reply, Timings
from ingest.embed import Embedder
from ingest.errors import IndexMismatchError
from ingest.index import GenerationIndex, StoredArticle, current_generation
from ingest.roles import RoleNames
from ingest.types import Chunk

MODE = "extractive"
NEAREST = 3  # passages shown when none answers
SUGGESTIONS = 2
STARTERS = 4
KEPT_QUERIES = 256  # questions whose vectors are kept: one is often searched for again, and the suggested ones with every abstention
MISSING_WORDS = 3  # named of those that stand nowhere in the articles

_WORD = re.compile(r"[A-Za-z]{2,}")
_ANY_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_PIECES = re.compile(r"\S+\s*")


class Opened:
    """A generation with what is derived from it when it is first needed: a list of the articles need not wait for the model."""

    def __init__(self, index: GenerationIndex, embedder: Embedder) -> None:
        self.index = index
        self.names = RoleNames(index.manifest.roles)
        self.articles = index.articles
        self.urls = {stored.article.id: stored.article.url for stored in self.articles}
        self._embedder = embedder
        self.query = lru_cache(maxsize=KEPT_QUERIES)(self._query)

    def _query(self, question: str) -> Query:
        vector = self._embedder.vectors([question])[0]
        neutral = self._embedder.encode([self.names.neutral(question)])[0]
        words = content_terms(question)
        rarities = {term: rarity(self.index, term) for term in words}
        return Query(question, vector, neutral, rarities, meanings(words), self.names.roles_in(question))

    @cached_property
    def speller(self) -> Speller:
        words = Counter(word.lower() for stored in self.articles for word in _WORD.findall(stored.article.text))
        words.update(word.lower() for role in self.names.roles for name in role.names for word in _WORD.findall(name))
        return Speller(words, self._embedder.knows)

    def standalone(self, question: str, history: Sequence[str]) -> str:
        """The question as it is searched for: its typing errors mended, what it leans on put into it, and without who asks it."""
        question, *history = (self.speller.mend(without_person(text)) for text in (question, *history))
        return standalone(question, history, self.names)


@dataclass(frozen=True, slots=True)
class Found:
    """One question of a turn, searched for."""

    asked: understanding.Asked
    passages: tuple[Passage, ...]
    ranked: tuple[Evidence, ...]
    verdict: Verdict
    picked: tuple[Picked, ...]

    @property
    def is_answered(self) -> bool:
        """Whether the evidence answers, and holds a unit that can be quoted as an answer."""
        return self.verdict.probability >= fitted.threshold() and bool(self.picked)


class Advisor:
    """Answers from the generation that is served, and follows when another is; safe to call from several threads."""

    def __init__(self, data: Path, settings: ChatSettings, embedder: Embedder) -> None:
        self._data = data
        self._settings = settings
        self._embedder = embedder
        self._opened: Opened | None = None
        self._retired: Opened | None = None
        self._opening = Lock()
        self._asked_itself: tuple[Opened, tuple[str, ...]] | None = None

    # --- what it is asked

    def answer(self, question: str, history: Sequence[str] = ()) -> Reply:
        """The reply to a question after earlier ones of the same user, oldest first. Raises QuestionError, SearchIndexError, EmbeddingModelError."""
        answer = self._answered(self._checked(question), [self._checked(earlier) for earlier in history if earlier.strip()])
        return Reply(iter(_PIECES.findall(answer.text)), lambda: answer)

    def search(self, question: str) -> list[Passage]:
        """The passages for a question, best first."""
        opened = self._current()
        return list(self._passages(opened, opened.query(self._checked(question))))

    def signs(self, question: str, history: Sequence[str] = ()) -> tuple[list[str], list[evidence.Signs], abstention.Signs]:
        """What the fits in tests/benchmarks see of a question: every unit's quote and signs, and the signs of the evidence as a whole."""
        opened = self._current()
        alone = opened.standalone(question, history)
        query = opened.query(alone)
        passages = self._passages(opened, query)
        units = evidence.signs_of(opened.index, query, passages)
        whole = abstention.signs(opened.index, query, rank(opened.index, query, passages))
        return [quote for quote, _ in units], [signs for _, signs in units], whole

    def retriever(self) -> PassageRetriever:
        """The search as a LangChain retriever."""
        return PassageRetriever(search=self.search)

    def articles(self) -> tuple[StoredArticle, ...]:
        return self._current().articles

    def article(self, article_id: str) -> StoredArticle:
        for stored in self.articles():
            if stored.article.id == article_id:
                return stored
        raise ArticleUnknownError(f"There is no article '{article_id}'; `career-advisor articles` lists them.")

    def chunks(self) -> list[Chunk]:
        """Every chunk of the generation that is served."""
        return self._current().index.all_chunks()

    @property
    def generation(self) -> str:
        return self._current().index.id

    def starters(self) -> tuple[str, ...]:
        """Questions to begin with, each of which it can answer."""
        return self._askable(self._current())[:STARTERS]

    def close(self) -> None:
        with self._opening:
            for opened in (self._opened, self._retired):
                if opened:
                    opened.index.close()
            self._opened = self._retired = None

    # --- one turn

    def _checked(self, question: str) -> str:
        if not question.strip():
            raise QuestionError("The question is empty; type what you would like to know.")
        if len(question) > self._settings.max_question_chars:
            raise QuestionError(
                f"The question is longer than {self._settings.max_question_chars:,} characters; please ask it in fewer words."
            )
        return question.encode(errors="replace").decode().strip()  # a lone surrogate is no text for a tokenizer

    def _answered(self, question: str, history: Sequence[str]) -> Answer:
        started = time.perf_counter()
        opened = self._current()
        blank = Answer(question, question, "abstained", "", MODE, opened.index.id)
        if kind := understanding.aside(question):
            only_english = "The articles are in English; please ask in English. " if kind == "foreign" else ""
            return replace(blank, text=only_english + _invitation(opened), suggestions=self._askable(opened)[:SUGGESTIONS])
        alone = opened.standalone(question, history)
        found = [self._found(opened, part) for part in dict.fromkeys(understanding.parts(alone))]
        searched = time.perf_counter()
        answer = self._composed(opened, replace(blank, standalone_question=alone), found)
        ended = time.perf_counter()
        return replace(answer, timings=Timings(1000 * (searched - started), 1000 * (ended - searched), 1000 * (ended - started)))

    def _found(self, opened: Opened, question: str) -> Found:
        query = opened.query(question)
        passages = self._passages(opened, query)
        ranked = rank(opened.index, query, passages)
        asked = understanding.understand(question, opened.names)
        verdict = abstention.judge(opened.index, query, ranked)
        return Found(asked, tuple(passages), tuple(ranked), verdict, tuple(extractive.choose(ranked, asked)))

    def _passages(self, opened: Opened, query: Query) -> list[Passage]:
        return retrieve(opened.index, query.vector, query.terms, self._settings.candidates, self._settings.dense_weight)

    def _composed(self, opened: Opened, blank: Answer, found: Sequence[Found]) -> Answer:
        answerable = [one for one in found if one.is_answered]
        passages = _best_first(found)
        if not answerable:
            return self._abstained(opened, replace(blank, passages=passages[:NEAREST]), found)
        citations = Citations(opened.urls)
        share = 1 / len(answerable)
        picked = [one.picked if share == 1 else extractive.choose(one.ranked, one.asked, share) for one in answerable]
        texts = [extractive.compose(units, citations) for units in picked]
        notices = tuple(f"The articles do not answer this part: {one.asked.text}" for one in found if not one.is_answered)
        shown = _cited_first(passages, citations)[: self._settings.passages]
        return replace(
            blank, status="answered", text="\n\n".join(dict.fromkeys(texts)), citations=citations.all(), passages=shown, notices=notices
        )

    def _abstained(self, opened: Opened, blank: Answer, found: Sequence[Found]) -> Answer:
        """Says what is missing, with the nearest passages and questions that can be answered; of an off-topic turn only the latter."""
        if all(one.verdict.off_topic for one in found):
            return replace(blank, text=_invitation(opened), passages=(), suggestions=self._askable(opened)[:SUGGESTIONS])
        suggestions = self._nearest_questions(opened, blank.standalone_question)
        return replace(blank, text=_nothing_on(blank.standalone_question, found), suggestions=suggestions)

    def _nearest_questions(self, opened: Opened, question: str) -> tuple[str, ...]:
        asked = opened.query(question).vector
        return tuple(sorted(self._askable(opened), key=lambda other: -float(opened.query(other).vector @ asked))[:SUGGESTIONS])

    def _askable(self, opened: Opened) -> tuple[str, ...]:
        """Of the questions that the articles suggest, those that are answered from them; asked once a generation."""
        if self._asked_itself is None or self._asked_itself[0] is not opened:
            questions = suggested_questions(opened.names, opened.index)
            self._asked_itself = opened, tuple(question for question in questions if self._found(opened, question).is_answered)
        return self._asked_itself[1]

    # --- the generation that is served

    def _current(self) -> Opened:
        with self._opening:
            folder = current_generation(self._data)
            if self._opened is None or self._opened.index.folder != folder:
                opened = self._open(folder)
                if self._retired:
                    self._retired.index.close()
                self._retired, self._opened = self._opened, opened  # a question that began before the switch ends on what it began with
            return self._opened

    def _open(self, folder: Path) -> Opened:
        index = GenerationIndex(folder)
        if index.manifest.model != self._embedder.fingerprint:
            index.close()
            raise IndexMismatchError(
                f"The index was made with the embedding model {index.manifest.model}, not {self._embedder.fingerprint}; run: career-advisor ingest"
            )
        return Opened(index, self._embedder)


def _invitation(opened: Opened) -> str:
    roles = " and ".join(f'"{without_marks(role.name)}"' for role in opened.names.roles)
    about = f" about {roles}" if roles else ""
    return f"I answer questions{about} from {len(opened.articles)} article{'' if len(opened.articles) == 1 else 's'}, with the sentence that proves it."


def _nothing_on(question: str, found: Sequence[Found]) -> str:
    """What is missing: the question's own words that stand nowhere in the articles."""
    unknown = {term for one in found for term in one.verdict.missing}
    words = dict.fromkeys(word for word in _ANY_WORD.findall(question) if unknown & set(content_terms(word)))
    if not words:
        return "The articles do not answer this."
    named = ", ".join(f"“{word}”" for word in list(words)[:MISSING_WORDS])
    return f"The articles do not answer this. They say nothing about {named}."


def _best_first(found: Sequence[Found]) -> tuple[Passage, ...]:
    """The passages of all parts of a question, each once."""
    passages = {passage.row: passage for one in found for passage in one.passages}
    return tuple(sorted(passages.values(), key=lambda passage: -passage.score))


def _cited_first(passages: Sequence[Passage], citations: Citations) -> tuple[Passage, ...]:
    """Every passage that is cited, and after them the others, each in the order of their scores."""
    places = [(citation.article_id, citation.start) for citation in citations.all()]
    return tuple(
        sorted(
            passages,
            key=lambda passage: (
                not any(
                    article == passage.chunk.article_id and passage.chunk.start <= start < passage.chunk.end for article, start in places
                )
            ),
        )
    )
