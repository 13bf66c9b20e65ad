"""The spine: question + history -> Reply."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from chatbot import abstention, comparison, disagreement, evidence, extractive, understanding
from chatbot.aspects import by_aspect
from chatbot.cite import Citations
from chatbot.errors import ArticleUnknownError, ModelError, QuestionError
from chatbot.evidence import Evidence, Query, rank, reordered
from chatbot.extractive import Picked
from chatbot.follow_up import leans_back
from chatbot.found import WORD, Found, nothing_on
from chatbot.guide import Choice, choices, path_of, recommendation
from chatbot.opened import Opened
from chatbot.proof import Prover
from chatbot.rerank import Reranker, rerank_evidence, rerank_passages
from chatbot.retrieve import retrieve
from chatbot.settings import ChatSettings
from chatbot.suggestions import first_steps, of_the_other_role
from chatbot.types import Answer, Passage, Reply, Timings, Tokens, pieces_of
from chatbot.understanding import Asked
from chatbot.writing import Task, Writing
from ingest.embed import Embedder
from ingest.errors import EmbeddingModelError, IndexMismatchError
from ingest.index import StoredArticle, open_served
from ingest.kept import Pointer
from ingest.roles import RoleNames
from ingest.types import Chunk, Span

if TYPE_CHECKING:
    from chatbot.generative import WritingModel
    from chatbot.langchain import PassageRetriever

MODE = "extractive"
NEAREST = 3  # passages shown when none answers
SUGGESTIONS = 2
STARTERS = 4
FOLLOW_UPS = 3
TRIED = 30  # of the questions that the articles suggest, before it shows fewer: many articles suggest hundreds

Rewriter = Callable[[str, Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with what was found for it and the answer quoted from that; `started` by time.perf_counter, `deadline` by time.monotonic."""

    opened: Opened
    quoted: Answer
    found: tuple[Found, ...]
    tokens: Tokens
    started: float
    deadline: float


class Advisor:
    """Answers from the generation that is served, and follows when another is; safe to call from several threads."""

    def __init__(
        self, data: Path, settings: ChatSettings, embedder: Embedder, model: WritingModel | None = None, reranker: Reranker | None = None
    ) -> None:
        self._data = data
        self._settings = settings
        self._embedder = embedder
        self._reranker = reranker
        self._model = model
        self._opened: Opened | None = None
        self._pointer: Pointer | None = None
        self._opening = Lock()

    # --- what it is asked

    def warm(self) -> None:
        """Loads the model beside what the caller does next; what is wrong with it is said when it is used."""
        with suppress(EmbeddingModelError):
            self._embedder.warm()

    def answer(self, question: str, history: Sequence[str] = ()) -> Reply:
        """The reply to a question after earlier ones of the same user, oldest first. Raises QuestionError, SearchIndexError, EmbeddingModelError."""
        asked, before = self._checked(question), [self._checked(earlier) for earlier in history if earlier.strip()]
        turn = self._turn(asked, before, self._model)
        if self._model is None or turn.quoted.status == "abstained":
            answer = replace(turn.quoted, tokens=dict(turn.tokens) or None)
            return Reply(iter(pieces_of(answer.text)), lambda: answer)
        writing = self._writing(turn, before, self._model)
        return Reply(iter(writing), writing.answer)

    def search(self, question: str) -> list[Passage]:
        """The passages for a question, best first."""
        opened = self._current()
        query = opened.query(self._checked(question))
        passages = self._passages(opened, query)
        return self._ordered(query, passages, rank(opened.index, query, passages))

    def standalone(self, question: str, history: Sequence[str] = ()) -> str:
        """A question, not yet taken into parts, as it is searched for where no model writes."""
        return self._current().standalone(question, history)

    def signs(self, question: str, history: Sequence[str] = ()) -> tuple[list[str], evidence.Signs, abstention.SomeSigns]:
        """What the fits in tests/benchmarks see of a question: every unit's quote and signs, and the signs of the evidence as a whole."""
        opened = self._current()
        alone = opened.standalone(question, history)
        query = opened.query(alone)
        passages = self._passages(opened, query)
        quotes, units = evidence.signs_of(opened.index, query, passages)
        whole = abstention.signs(opened.index, query, rank(opened.index, query, passages))
        return quotes, units, whole

    def retriever(self) -> PassageRetriever:
        """The search as a LangChain retriever."""
        from chatbot.langchain import PassageRetriever  # noqa: PLC0415

        return PassageRetriever(search=self.search)

    def articles(self) -> tuple[StoredArticle, ...]:
        return self._current().articles

    def article(self, article_id: str) -> StoredArticle:
        for stored in self.articles():
            if stored.article.id == article_id:
                return stored
        raise ArticleUnknownError(f"There is no article '{article_id}'; `career-advisor articles` lists them.")

    def names(self) -> RoleNames:
        """The roles that the articles are about, with all their names."""
        return self._current().names

    def chunks(self) -> list[Chunk]:
        """Every chunk of the generation that is served."""
        return self._current().index.all_chunks()

    def choices(self) -> tuple[Choice, ...]:
        """The questions of "which path fits me?", drawn from the articles."""
        opened = self._current()
        return choices(opened.index.all_chunks(), opened.names)

    def path(self, asked: Sequence[Choice], picks: Mapping[int, int]) -> Answer:
        """What somebody's picks among those questions come to, with its reasons and first steps, each cited."""
        opened = self._current()
        path = path_of(asked, picks)
        roles = [path.role] if path.role else [role.name for role in opened.names.roles]
        steps = [self._turn(first_steps(role), (), None).quoted for role in roles]
        answer = recommendation(path, steps, opened.urls, opened.index.id)
        return replace(answer, suggestions=self.follow_ups(answer))

    @property
    def generation(self) -> str:
        return self._current().index.id

    def starters(self) -> tuple[str, ...]:
        """Questions to begin with, each of which it can answer."""
        opened = self._current()
        return self._askable(opened, opened.suggested, STARTERS)

    def follow_ups(self, answer: Answer, history: Sequence[str] = ()) -> tuple[str, ...]:
        """Questions to go on with after an answer, each of which it can answer: the same of the other role, and those nearest to it."""
        if answer.status == "abstained":
            return ()
        opened = self._current()
        asked = {_folded(text) for text in (*history, answer.question, answer.standalone_question)}
        swapped = of_the_other_role(answer.standalone_question, opened.names)
        found = [swapped] if swapped and self._found(opened, swapped).is_answered else []
        nearest = (question for question in self._nearest(opened, answer.standalone_question) if question not in found)
        found += self._askable(opened, (question for question in nearest if _folded(question) not in asked), FOLLOW_UPS)
        return tuple(question for question in found if _folded(question) not in asked)[:FOLLOW_UPS]

    def close(self) -> None:
        with self._opening:
            if self._opened:
                self._opened.index.close()
            self._opened = None

    # --- one turn

    def _checked(self, question: str) -> str:
        if not question.strip():
            raise QuestionError("The question is empty; type what you would like to know.")
        if len(question) > self._settings.max_question_chars:
            raise QuestionError(
                f"The question is longer than {self._settings.max_question_chars:,} characters; please ask it in fewer words."
            )
        return question.encode(errors="replace").decode().strip()  # a lone surrogate is no text for a tokenizer

    def _turn(self, question: str, history: Sequence[str], model: WritingModel | None) -> Turn:
        """What is found for a question, and the answer quoted from it."""
        started = time.perf_counter()
        opened = self._current()
        tokens, deadline = Tokens(), model.deadline() if model else 0.0
        blank = Answer(question, question, "abstained", "", MODE, opened.index.id, notices=opened.notices)
        if kind := understanding.aside(question):
            only_english = "The articles are in English; please ask in English. " if kind == "foreign" else ""
            suggestions = self._askable(opened, opened.suggested, SUGGESTIONS)
            quoted = replace(blank, text=only_english + opened.invitation, suggestions=suggestions)
            return Turn(opened, quoted, (), tokens, started, deadline)
        rewriter = partial(model.standalone, deadline=deadline, tokens=tokens) if model else None
        parts = self._standalone(opened, question, history, rewriter)
        found = [self._found(opened, text, aspect) for part in parts for text, aspect in by_aspect(part, opened.names)]
        searched = time.perf_counter()
        answer = self._composed(opened, replace(blank, standalone_question=" ".join(parts)), found)
        ended = time.perf_counter()
        timings = Timings(1000 * (searched - started), 1000 * (ended - searched), 1000 * (ended - started))
        return Turn(opened, replace(answer, timings=timings), tuple(found), tokens, started, deadline)

    def _standalone(self, opened: Opened, question: str, history: Sequence[str], writer: Rewriter | None) -> list[str]:
        """The questions in a question, each alone: by the model where there is one and it leans on those before it; by rules where it fails."""
        if writer and history and leans_back(question, opened.names):
            with suppress(ModelError, QuestionError):
                return understanding.parts(self._checked(opened.standalone(writer(question, history), ())), opened.names)
        mended = opened.speller.mend(question)  # first: "and wich tools ..." is told from what stands before it by its first word
        return list(dict.fromkeys(opened.standalone(part, history) for part in understanding.parts(mended, opened.names)))

    def _writing(self, turn: Turn, history: Sequence[str], model: WritingModel) -> Writing:
        opened, citations = turn.opened, Citations(turn.opened.urls)
        ranked = sorted((evidence for one in turn.found for evidence in one.ranked), key=lambda evidence: -evidence.score)
        abstained = replace(turn.quoted, status="abstained", citations=(), notices=(), passages=_best_first(turn.found)[:NEAREST])
        task = Task(
            turn.quoted,
            ranked,
            history,
            lambda: self._abstained(opened, abstained, turn.found, is_on_topic=True),
            turn.started,
            turn.deadline,
        )
        prover = Prover([passage.chunk for passage in turn.quoted.passages], opened.names, self._embedder, citations)
        return Writing(model, task, prover, citations, turn.tokens)

    def _found(self, opened: Opened, question: str, aspect: Span | None = None) -> Found:
        query = opened.query(question)
        passages = self._passages(opened, query)
        ranked = rank(opened.index, query, passages)
        passages = self._ordered(query, passages, ranked)
        if self._reranker:
            ranked = rerank_evidence(self._reranker, question, ranked)
        asked = replace(understanding.understand(question, opened.names), aspect=aspect)
        verdict = abstention.judge(opened.index, query, ranked)
        if aspect:
            ranked = _on_aspect(query, aspect, ranked)
        picked = _chosen(ranked, asked) if ranked and (verdict.answers or asked.outsider) else ()
        return Found(asked, tuple(passages), tuple(ranked), verdict, tuple(picked))

    def _passages(self, opened: Opened, query: Query) -> list[Passage]:
        return retrieve(opened.index, query.vector, query.searched, self._settings.candidates, self._settings.dense_weight)

    def _ordered(self, query: Query, passages: Sequence[Passage], ranked: Sequence[Evidence]) -> list[Passage]:
        """By their sentences too, once those are ranked; a cross-encoder has the last word."""
        ordered = reordered(passages, ranked)
        return rerank_passages(self._reranker, query.text, ordered) if self._reranker else ordered

    def _composed(self, opened: Opened, blank: Answer, found: Sequence[Found]) -> Answer:
        answerable = [one for one in found if one.is_answered]
        passages = _best_first(found)
        if not answerable:
            return self._abstained(opened, replace(blank, passages=passages[:NEAREST]), found)
        citations = Citations(opened.urls)
        share = 1 / len(answerable)
        picked = [one.picked if share == 1 else _chosen(one.ranked, one.asked, share) for one in answerable]
        texts = _texts_of([(one.asked, units) for one, units in zip(answerable, picked, strict=True)], opened.names, citations)
        unanswered = tuple(one.asked.text for one in found if not one.is_answered)
        notices = [*(f"The articles do not answer this part: {part}" for part in unanswered), *_notices_on_figures(opened, picked)]
        blank = replace(blank, unanswered=unanswered)
        shown = _cited_first(passages, citations, self._settings.passages)
        return replace(
            blank,
            status="answered",
            text="\n\n".join(dict.fromkeys(texts)),
            citations=citations.all(),
            passages=shown,
            notices=(*blank.notices, *notices),
        )

    def _abstained(self, opened: Opened, blank: Answer, found: Sequence[Found], is_on_topic: bool = False) -> Answer:
        """Says what is missing, with the nearest passages and questions that can be answered; of an off-topic turn only the latter."""
        if not is_on_topic and all(one.verdict.off_topic for one in found):
            return replace(blank, text=opened.invitation, passages=(), suggestions=self._askable(opened, opened.suggested, SUGGESTIONS))
        suggestions = self._nearest_questions(opened, blank.standalone_question)
        text, unanswered = nothing_on(blank.standalone_question, found), tuple(one.asked.text for one in found)
        return replace(blank, text=text, suggestions=suggestions, unanswered=unanswered)

    def _nearest_questions(self, opened: Opened, question: str) -> tuple[str, ...]:
        return self._askable(opened, self._nearest(opened, question), SUGGESTIONS)

    def _nearest(self, opened: Opened, question: str) -> list[str]:
        asked = opened.query(question).vector
        return sorted(opened.suggested, key=lambda other: -float(opened.suggested[other] @ asked))

    def _askable(self, opened: Opened, questions: Iterable[str], count: int) -> tuple[str, ...]:
        """The first of the questions that are answered from the articles; each is tried once a generation, and none that is not needed."""
        tried = islice(questions, TRIED)
        return tuple(islice((question for question in tried if self._is_askable(opened, question)), count))

    def _is_askable(self, opened: Opened, question: str) -> bool:
        if question not in opened.askable:
            opened.askable[question] = self._found(opened, question).is_answered
        return opened.askable[question]

    # --- the generation that is served

    def _current(self) -> Opened:
        with self._opening:
            pointer = Pointer.read(self._data)
            if self._opened is None or self._pointer != pointer:
                self._opened = self._open()  # a question that began before the switch ends on what it began with
                self._pointer = pointer
            return self._opened

    def _open(self) -> Opened:
        index, notice = open_served(self._data, self._embedder.fingerprint)
        if index.manifest.model != self._embedder.fingerprint:
            index.close()
            raise IndexMismatchError(
                f"The index was made with the embedding model {index.manifest.model}, not {self._embedder.fingerprint}; run: career-advisor ingest"
            )
        return Opened(index, self._embedder, notice)


def _on_aspect(query: Query, aspect: Span, ranked: Sequence[Evidence]) -> list[Evidence]:
    """The units that speak of an aspect; none where none of the best does: of one that the articles say nothing on, those on others are the best."""
    speaking = [one for one in ranked if evidence.speaks_of(query, aspect, one)]
    return speaking if any(evidence.speaks_of(query, aspect, one) for one in ranked[: abstention.TOP]) else []


def _chosen(ranked: Sequence[Evidence], asked: Asked, word_share: float = 1.0) -> list[Picked]:
    """The units that answer; `word_share` is what a question in several parts leaves to one of them."""
    if asked.shape == "comparison":
        return comparison.choose(ranked, asked.roles, word_share)
    picked = extractive.choose(ranked, asked, word_share)
    return [*picked, *disagreement.rivals(ranked, picked)]


def _texts_of(answers: Sequence[tuple[Asked, Sequence[Picked]]], names: RoleNames, citations: Citations) -> list[str]:
    """What is quoted for each question; one text for a comparison on several aspects, in which nothing is said twice."""
    texts: list[str] = []
    for roles, group in groupby(answers, key=lambda one: one[0].roles if one[0].aspect else None):
        if roles is None:
            texts += [_text_of(asked, picked, names, citations) for asked, picked in group]
        else:
            texts.append(comparison.compose(_each_once(group), roles, names.roles_in, citations))
    return texts


def _text_of(asked: Asked, picked: Sequence[Picked], names: RoleNames, citations: Citations) -> str:
    if asked.shape == "comparison":
        return comparison.compose([("", picked)], asked.roles, names.roles_in, citations)
    return extractive.compose(picked, citations)


def _each_once(answers: Iterable[tuple[Asked, Sequence[Picked]]]) -> list[tuple[str, list[Picked]]]:
    """The units for each aspect, by its name, without those that an earlier one has."""
    given: set[tuple[str, int]] = set()
    found = []
    for asked, picked in answers:
        new = [one for one in picked if one.place not in given]
        given |= {one.place for one in new}
        found += [(asked.aspect.of(asked.text) if asked.aspect else "", new)] if new else []
    return found


def _notices_on_figures(opened: Opened, picked: Sequence[Sequence[Picked]]) -> list[str]:
    """Which articles disagree, and of when the figures are that are quoted without a year."""
    disputes = dict.fromkeys(pair for units in picked for pair in disagreement.disputed(units))
    if disputes:
        return [disagreement.notice(*pair, opened.titles, opened.dates) for pair in disputes]
    quotes = [(one.chunk.article_id, one.chunk.quote(one.unit)) for units in picked for one in units]
    return disagreement.dated(quotes, opened.titles, opened.dates)


def _folded(question: str) -> str:
    return " ".join(WORD.findall(question.casefold()))


def _best_first(found: Sequence[Found]) -> tuple[Passage, ...]:
    """The passages of all parts of a question, each once."""
    passages = {passage.row: passage for one in found for passage in one.passages}
    return tuple(sorted(passages.values(), key=lambda passage: -passage.score))


def _cited_first(passages: Sequence[Passage], citations: Citations, count: int) -> tuple[Passage, ...]:
    """Every passage that is cited, and after them others as long as there are no more than `count`, each in the order of their scores."""
    places = [(citation.article_id, citation.start) for citation in citations.all()]
    cited = [passage for passage in passages if any(passage.chunk.holds(*place) for place in places)]
    others = [passage for passage in passages if passage not in cited]
    return (*cited, *others[: max(count - len(cited), 0)])
