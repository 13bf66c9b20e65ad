"""What the model may cost: calls a minute and a day, tokens a day, counted in one file for all sessions and processes, so that a restart changes nothing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from chatbot.errors import BudgetError
from chatbot.settings import ModelSettings

FILE = "budgets.sqlite"  # in the data folder
MINUTE, DAY = 60.0, 86_400.0  # seconds
PATIENCE = 2.0  # seconds that a call waits for another process's lock

_TABLE = "CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY, at REAL NOT NULL, tokens INTEGER NOT NULL)"
_SPENT = "SELECT count(*) FILTER (WHERE at > ?), count(*), coalesce(sum(tokens), 0) FROM calls"


class Budget:
    """Counts calls. What cannot be counted is not allowed."""

    def __init__(self, data: Path, settings: ModelSettings, clock: Callable[[], float] = time.time) -> None:
        self._path = data / FILE
        self._settings = settings
        self._clock = clock

    def take(self, tokens: int) -> int:
        """Counts a call with the tokens that it may need; gives its number. Raises BudgetError."""
        now = self._clock()
        with self._open() as database:
            database.execute("DELETE FROM calls WHERE at < ? OR at > ?", (now - DAY, now + DAY))
            in_minute, in_day, spent = database.execute(_SPENT, (now - MINUTE,)).fetchone()
            self._check(in_minute, in_day, spent + tokens)
            return int(database.execute("INSERT INTO calls (at, tokens) VALUES (?, ?)", (now, tokens)).lastrowid or 0)

    def _check(self, in_minute: int, in_day: int, tokens: int) -> None:
        if in_day >= self._settings.model_calls_a_day or tokens > self._settings.model_tokens_a_day:
            raise BudgetError("The model was asked as much as is allowed a day.")
        if in_minute >= self._settings.model_calls_a_minute:
            raise BudgetError("The model was asked as often as is allowed a minute.")

    def settle(self, call: int, tokens: int) -> None:
        """The tokens that a call came to. Where they cannot be written down, those that it was allowed stay counted: its answer is there."""
        with suppress(BudgetError), self._open() as database:
            database.execute("UPDATE calls SET tokens = ? WHERE id = ?", (tokens, call))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction that no other process is in."""
        try:
            with closing(sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                database.execute(_TABLE)
                yield database
                database.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise BudgetError(f"The model is not asked, because its calls cannot be counted ({type(error).__name__}).") from None
