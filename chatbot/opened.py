"""A generation that is answered from, with what is derived from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache, partial

from chatbot.cite import without_marks
from chatbot.definition import other_names_in, subject_of
from chatbot.evidence import RARE, Query, rarity
from chatbot.follow_up import standalone
from chatbot.person import without_person
from chatbot.retrieve import content_terms
from chatbot.spelling import Speller, counts_of
from chatbot.suggestions import suggested_questions
from chatbot.thesaurus import meanings
from chatbot.understanding import told_before
from ingest.embed import Embedder, Encoded, Vectors
from ingest.index import GenerationIndex, StoredArticle
from ingest.roles import RoleNames
from ingest.types import Article, Span

KEPT_QUERIES = 256  # questions whose vectors are kept: one is often searched for again


class Opened:
    """A generation with what is derived from it when it is first needed: a list of the articles need not wait for the model.

    It closes when the last question that began with it has ended, so nothing that outlives a question may refer to it, itself included.
    `notice` is what is to be said of it with every answer.
    """

    def __init__(self, index: GenerationIndex, embedder: Embedder, notice: str | None = None) -> None:
        self.index = index
        self.notices = (notice,) if notice else ()
        self.names = RoleNames(index.manifest.roles)
        self.articles = index.articles
        self.urls = {stored.article.id: stored.article.url for stored in self.articles}
        self.titles = {stored.article.id: stored.article.title for stored in self.articles}
        self.dates = {stored.article.id: _date_of(stored.article) for stored in self.articles}
        self._embedder = embedder
        self.query = lru_cache(maxsize=KEPT_QUERIES)(partial(_query, index, embedder, self.names))
        self.askable: dict[str, bool] = {}  # of the suggested questions that were tried, whether they are answered

    @cached_property
    def suggested(self) -> dict[str, Vectors]:
        """The questions that the articles suggest, with their vectors."""
        questions = suggested_questions(self.names, self.index)
        return dict(zip(questions, self._embedder.vectors(questions), strict=True)) if questions else {}

    @cached_property
    def speller(self) -> Speller:
        return Speller(partial(_word_counts, self.articles, self.names), self._embedder.knows)

    @property
    def invitation(self) -> str:
        """What it answers questions about."""
        roles = " and ".join(f'"{without_marks(role.name)}"' for role in self.names.roles)
        about = f" about {roles}" if roles else ""
        return f"I answer questions{about} from {len(self.articles)} article{'' if len(self.articles) == 1 else 's'}, with the sentence that proves it."

    def standalone(self, question: str, history: Sequence[str]) -> str:
        """The question as it is searched for: its typing errors mended, what it leans on put into it, and without who asks it."""
        question, *history = (without_person(self.speller.mend(text)) for text in (question, *history))
        return standalone(question, history, self.names, self._knows)

    def _knows(self, term: str) -> bool:
        """Whether the articles, or the groups of career talk, have a term."""
        return bool(self.index.document_count(term) or meanings([term]))


def _word_counts(articles: Iterable[StoredArticle], names: RoleNames) -> Counter[str]:
    return counts_of([*(stored.article.text for stored in articles), *(name for role in names.roles for name in role.names)])


def without_roles(read: Encoded, names: RoleNames, question: str) -> Encoded:
    """A question as the model reads it, of whose roles' names no piece weighs anything."""
    encoded = read.without(Span(mention.start, mention.end) for mention in names.mentions(question))
    said_of_all = encoded.without(names.all_at_once(question))
    return said_of_all if any(said_of_all.weights > RARE) else encoded  # of "both roles?" nothing else is left


def _query(index: GenerationIndex, embedder: Embedder, names: RoleNames, question: str) -> Query:
    encoded = without_roles(embedder.encode([question])[0], names, question)
    words = content_terms(question)
    rarities = {term: rarity(index, term) for term in words}
    subject, other_names = subject_of(question, names), other_names_in(question, names)
    return Query(question, told_before(question), encoded, rarities, meanings(words), names.roles_in(question), subject, other_names)


def _date_of(article: Article) -> str | None:
    """When what it says was published: of a retelling, the work that it retells."""
    return article.based_on.published if article.based_on else article.published
