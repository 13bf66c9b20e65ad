"""What can be wrong with a question; below CareerAdvisorError in ingest.errors, where the tree is drawn."""

from __future__ import annotations

from ingest.errors import CareerAdvisorError


class QuestionError(CareerAdvisorError):
    """A question that cannot be asked: empty, or too long."""


class ArticleUnknownError(CareerAdvisorError):
    """No article has this id."""
