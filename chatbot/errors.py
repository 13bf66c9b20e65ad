"""What can be wrong with a question, a conversation, or a model; below CareerAdvisorError in ingest.errors, where the tree is drawn."""

from __future__ import annotations

from ingest.errors import CareerAdvisorError


class QuestionError(CareerAdvisorError):
    """A question that cannot be asked: empty, or too long."""


class ArticleUnknownError(CareerAdvisorError):
    """No article has this id."""


class RerankModelError(CareerAdvisorError):
    """The cross-encoder cannot be loaded."""


class ConversationUnknownError(CareerAdvisorError):
    """This owner has no conversation with this id."""


class MemoryStoreError(CareerAdvisorError):
    """The database of conversations cannot be used."""


class ModelError(CareerAdvisorError):
    """The model did not answer, or not to the end. `again` after how many seconds a second try may help (None: never); `shuts` where the
    next question need not wait for the same endpoint.
    """

    def __init__(self, sentence: str, *, again: float | None = None, shuts: bool = False) -> None:
        super().__init__(sentence)
        self.again = again
        self.shuts = shuts


class BudgetError(ModelError):
    """The model was asked as much as the settings allow, or that cannot be counted."""
