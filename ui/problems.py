"""What the page says, and what its log keeps, of an error. Pure but for the log."""

from __future__ import annotations

import logging
import traceback

from ingest.errors import CareerAdvisorError

logger = logging.getLogger(__name__)


def sentence(error: BaseException) -> str:
    """What a person reads of an error: an error of ours says it itself; of any other the text may hold a secret, and is not shown."""
    if isinstance(error, CareerAdvisorError):
        return str(error)
    return "Something went wrong here that was not foreseen; please try again."


def log_unforeseen(error: BaseException) -> None:
    """Where an error that is not ours came from, for the keeper's log; not its text, which may hold a secret."""
    if not isinstance(error, CareerAdvisorError):
        where = traceback.extract_tb(error.__traceback__)[-3:]
        logger.error("%s at %s", type(error).__name__, " > ".join(f"{frame.filename}:{frame.lineno}" for frame in where))
