"""Conversations, what people thought of the answers, and what the articles did not answer, in a database. The only place that imports SQLAlchemy.

A question is stored before anyone is asked, and its answer when it has come. Everything of a conversation is its owner's:
another owner's id finds nothing. A gap is part of the turn that showed it, and gone with its conversation.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from chatbot import kept_answer
from chatbot.errors import ConversationUnknownError, MemoryStoreError
from chatbot.gaps import Gap, gathered
from chatbot.profile import NOBODY, Profile
from chatbot.settings import MemorySettings
from chatbot.types import Answer, Citation

State = Literal["asked", "answered", "failed", "stopped"]
Revision = tuple[object, ...]

TITLE_CHARS = 60
LONGEST_TITLE = 200  # characters, of one that a person types
LONGEST_COMMENT = 2000
LISTED = 200  # conversations of one owner
DAY = 86_400.0  # seconds
SQLITE = {  # readers go on while one writes; what was deleted is overwritten
    "journal_mode": "WAL",
    "busy_timeout": "10000",
    "secure_delete": "ON",
    "synchronous": "NORMAL",
}

_schema = sql.MetaData()
_conversations = sql.Table(
    "conversations",
    _schema,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("owner", sql.String(64), nullable=False, index=True),
    sql.Column("title", sql.Text, nullable=False),
    sql.Column("profile", sql.Text, nullable=False, default="{}"),
    sql.Column("changed_at", sql.Float, nullable=False),  # seconds since 1970
)
_turns = sql.Table(
    "turns",
    _schema,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("conversation_id", sql.ForeignKey("conversations.id"), nullable=False, index=True),
    sql.Column("place", sql.Integer, nullable=False),
    sql.Column("question", sql.Text, nullable=False),
    sql.Column("asked_at", sql.Float, nullable=False),
    sql.Column("state", sql.String(8), nullable=False),
    sql.Column("answer", sql.Text),  # JSON
    sql.Column("partial", sql.Text, nullable=False, default=""),
    sql.Column("problem", sql.Text, nullable=False, default=""),
    sql.Column("thumb", sql.Integer, nullable=False, default=0),
    sql.Column("comment", sql.Text, nullable=False, default=""),
    sql.Column("gaps", sql.Text),  # JSON: the questions that the articles did not answer
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what came of it. `partial` is what there was of an answer that broke off; `thumb` is 1, -1 or 0."""

    id: str
    question: str
    asked_at: datetime
    state: State
    answer: Answer | None = None
    partial: str = ""
    problem: str = ""
    thumb: int = 0
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation in the list of them."""

    id: str
    title: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    title: str
    profile: Profile
    turns: tuple[Exchange, ...]


class Memory:
    """Safe to call from several threads. Each call may raise MemoryStoreError; those that name what is not the owner's ConversationUnknownError."""

    def __init__(self, url: str, *, retention_days: int = 0, keeps_gaps: bool = True) -> None:
        self._keeps_gaps = keeps_gaps
        self._retention_days = retention_days
        try:
            self._engine = _engine(url)
            with _told():
                _schema.create_all(self._engine)
        except (SQLAlchemyError, ImportError) as error:  # the driver of another database is not installed
            raise MemoryStoreError(
                f"The conversations' database cannot be used ({type(error).__name__}); look at CAREER_DATABASE."
            ) from None
        self.forget_old()

    def close(self) -> None:
        self._engine.dispose()

    # --- conversations

    def begin(self, owner: str, question: str, profile: Profile = NOBODY) -> str:
        """A conversation that is named after its first question; its id."""
        fields = {"id": _new_id(), "owner": owner, "title": _title(question), "profile": json.dumps(asdict(profile))}
        with self._writing() as database:
            database.execute(_conversations.insert().values(**fields, changed_at=time.time()))
        return fields["id"]

    def listed(self, owner: str) -> tuple[Summary, ...]:
        """An owner's conversations, the one that was talked in last first."""
        query = sql.select(_conversations).where(_conversations.c.owner == owner).order_by(_conversations.c.changed_at.desc()).limit(LISTED)
        with self._reading() as database:
            return tuple(Summary(row.id, row.title, _when(row.changed_at)) for row in database.execute(query))

    def conversation(self, owner: str, conversation_id: str) -> Conversation:
        with self._reading() as database:
            row = _owned(database, owner, conversation_id)
            turns = database.execute(sql.select(_turns).where(_turns.c.conversation_id == conversation_id).order_by(_turns.c.place)).all()
        return Conversation(row.id, row.title, Profile(**json.loads(row.profile)), tuple(_exchange(turn) for turn in turns))

    def revision(self, owner: str, conversation_id: str) -> Revision:
        """Another one after each change of its title, its profile, its questions, or what came or was thought of them; costs little."""
        query = sql.select(_turns.c.id, _turns.c.state, _turns.c.thumb).where(_turns.c.conversation_id == conversation_id)
        with self._reading() as database:
            row = _owned(database, owner, conversation_id)
            return (row.title, row.profile, *map(tuple, database.execute(query.order_by(_turns.c.place))))

    def rename(self, owner: str, conversation_id: str, title: str) -> None:
        """A title of nothing but spaces changes nothing."""
        if title := " ".join(title.split())[:LONGEST_TITLE]:
            self._change(owner, conversation_id, title=title)

    def introduce(self, owner: str, conversation_id: str, profile: Profile) -> None:
        self._change(owner, conversation_id, profile=json.dumps(asdict(profile)))

    def delete(self, owner: str, conversation_id: str) -> None:
        """With its turns, what was thought of them, and its gaps."""
        with self._writing() as database:
            _owned(database, owner, conversation_id)
            _delete(database, [conversation_id])

    def delete_all(self, owner: str) -> None:
        with self._writing() as database:
            _delete(database, database.scalars(sql.select(_conversations.c.id).where(_conversations.c.owner == owner)).all())

    def forget_old(self) -> None:
        """Deletes what nobody talked in for longer than is kept; nothing where all is kept."""
        if not self._retention_days:
            return
        oldest = time.time() - self._retention_days * DAY
        with self._writing() as database:
            _delete(database, database.scalars(sql.select(_conversations.c.id).where(_conversations.c.changed_at < oldest)).all())

    # --- turns

    def ask(self, owner: str, conversation_id: str, question: str, instead_of: str | None = None) -> str:
        """Writes a question down, at the end or in another's place, whose answer goes; its id. A title that nobody chose follows the first question."""
        turn = {"id": _new_id(), "conversation_id": conversation_id, "question": question, "asked_at": time.time(), "state": "asked"}
        of_conversation = _turns.c.conversation_id == conversation_id
        with self._writing() as database:
            title = _owned(database, owner, conversation_id).title
            place = database.scalar(sql.select(_turns.c.place).where(of_conversation, _turns.c.id == instead_of)) if instead_of else None
            if place is None:
                last = database.scalar(sql.select(sql.func.max(_turns.c.place)).where(of_conversation))
                place = 0 if last is None else last + 1
            if place == 0:
                first = database.scalar(sql.select(_turns.c.question).where(of_conversation, _turns.c.place == 0))
                title = _title(question) if title == _title(first or question) else title
            database.execute(_turns.delete().where(of_conversation, _turns.c.place == place))
            database.execute(_turns.insert().values(**turn, place=place))
            change = _conversations.update().where(_conversations.c.id == conversation_id)
            database.execute(change.values(changed_at=time.time(), title=title))
        return str(turn["id"])

    def settle(self, turn_id: str, answer: Answer) -> None:
        """What came of a question; nothing where its conversation was deleted meanwhile."""
        gaps = json.dumps(answer.unanswered) if answer.unanswered and self._keeps_gaps else None
        self._change_turn(turn_id, state="answered", answer=kept_answer.to_json(answer), gaps=gaps)

    def fail(self, turn_id: str, problem: str, partial: str = "") -> None:
        self._change_turn(turn_id, state="failed", problem=problem, partial=partial)

    def stop(self, turn_id: str, partial: str = "") -> None:
        self._change_turn(turn_id, state="stopped", partial=partial)

    def rate(self, owner: str, conversation_id: str, turn_id: str, thumb: int, comment: str = "") -> None:
        """1 for good, -1 for bad, 0 to take it back."""
        where = (_turns.c.id == turn_id, _turns.c.conversation_id == conversation_id)
        with self._writing() as database:
            _owned(database, owner, conversation_id)
            database.execute(_turns.update().where(*where).values(thumb=max(-1, min(1, thumb)), comment=comment.strip()[:LONGEST_COMMENT]))

    def gaps(self) -> list[Gap]:
        """What the articles did not answer, of all owners, the most asked first. Names nobody."""
        query = sql.select(_turns.c.gaps, _turns.c.asked_at, _turns.c.answer).where(_turns.c.gaps.is_not(None)).order_by(_turns.c.asked_at)
        with self._reading() as database:
            rows = database.execute(query).all()
        return gathered((json.loads(row.gaps), _when(row.asked_at), kept_answer.from_json(row.answer)) for row in rows)

    def citations(self) -> list[Citation]:
        """What all kept answers cite, of all owners. Names nobody."""
        with self._reading() as database:
            answers = [
                kept_answer.from_json(text) for text in database.scalars(sql.select(_turns.c.answer).where(_turns.c.answer.is_not(None)))
            ]
        return [citation for answer in answers if answer for citation in answer.citations]

    def holds_article(self, article_id: str) -> bool:
        """Whether any kept answer, of any owner, holds an article's words."""
        with self._reading() as database:
            answers = list(database.scalars(sql.select(_turns.c.answer).where(_turns.c.answer.is_not(None))))
        return any(kept_answer.without_article(text, article_id) != text for text in answers)

    def forget_article(self, article_id: str) -> int:
        """Takes an article's words out of all kept answers, of all owners; how many were changed.

        An answer that cites it becomes one sentence that says so. One that broke off goes: nothing says what it quotes.
        """
        changed = 0
        with self._writing() as database:
            for row in database.execute(sql.select(_turns.c.id, _turns.c.answer, _turns.c.partial)).all():
                kept = kept_answer.without_article(row.answer, article_id)
                if (kept, "") != (row.answer, row.partial):
                    database.execute(_turns.update().where(_turns.c.id == row.id).values(answer=kept, partial=""))
                    changed += 1
        if self._engine.dialect.name == "sqlite":
            with self._reading() as database:  # the write-ahead log holds the words until it is emptied
                database.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return changed

    # --- how

    def _change(self, owner: str, conversation_id: str, **values: object) -> None:
        with self._writing() as database:
            _owned(database, owner, conversation_id)
            database.execute(_conversations.update().where(_conversations.c.id == conversation_id).values(**values))

    def _change_turn(self, turn_id: str, **values: object) -> None:
        """What was settled once stays: the one that comes second changes nothing."""
        with self._writing() as database:
            database.execute(_turns.update().where(_turns.c.id == turn_id, _turns.c.state == "asked").values(**values))

    @contextmanager
    def _reading(self) -> Iterator[sql.Connection]:
        with _told(), self._engine.connect() as database:
            yield database

    @contextmanager
    def _writing(self) -> Iterator[sql.Connection]:
        with _told(), self._engine.begin() as database:
            yield database


def open_memory(settings: MemorySettings, data: Path) -> Memory:
    """The conversations, in the database that is named, else in a file below the data folder. Raises MemoryStoreError."""
    return Memory(settings.database or _sqlite_url(data), retention_days=settings.retention_days, keeps_gaps=settings.keep_gaps)


def kept_memory(settings: MemorySettings, data: Path) -> Memory | None:
    """The conversations where there is a database of them, else None: none is made, and nothing is forgotten for its age. Raises MemoryStoreError."""
    url = settings.database or f"sqlite:///{_file(data)}"
    prefix, _, file = url.partition(":///")
    if prefix.partition("+")[0] == "sqlite" and not Path(file.partition("?")[0]).is_file():
        return None
    return Memory(url, keeps_gaps=settings.keep_gaps)


def _sqlite_url(data: Path) -> str:
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MemoryStoreError(f"The data folder '{data}' cannot be written ({error.strerror}); name another with --data.") from None
    return f"sqlite:///{_file(data)}"


def _file(data: Path) -> Path:
    return data.absolute() / "conversations.sqlite"


def _engine(url: str) -> sql.Engine:
    engine = sql.create_engine(url)
    if engine.dialect.name == "sqlite":

        @sql.event.listens_for(engine, "connect")
        def _prepare(connection: Any, _: object) -> None:
            for name, value in SQLITE.items():
                connection.execute(f"PRAGMA {name}={value}")

    return engine


@contextmanager
def _told() -> Iterator[None]:
    """SQLAlchemy's errors as ours; their text may hold a question, and is not repeated."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None)
        raise MemoryStoreError(f"The conversations cannot be read or kept ({type(cause or error).__name__}); please try again.") from None


def _owned(database: sql.Connection, owner: str, conversation_id: str) -> Any:
    query = sql.select(_conversations).where(_conversations.c.id == conversation_id, _conversations.c.owner == owner)
    row = database.execute(query).first()
    if row is None:
        raise ConversationUnknownError("There is no such conversation here; it may have been deleted, or belong to another browser.")
    return row


def _delete(database: sql.Connection, conversation_ids: Sequence[str]) -> None:
    for conversation_id in conversation_ids:
        database.execute(_turns.delete().where(_turns.c.conversation_id == conversation_id))
        database.execute(_conversations.delete().where(_conversations.c.id == conversation_id))


def _new_id() -> str:
    return secrets.token_hex(16)  # letters and figures alone: Streamlit takes no key with two underscores


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _title(question: str) -> str:
    words = " ".join(question.split())
    return words if len(words) <= TITLE_CHARS else words[:TITLE_CHARS].rsplit(" ", 1)[0] + " …"


def _exchange(row: Any) -> Exchange:
    turn = Exchange(
        row.id,
        row.question,
        _when(row.asked_at),
        row.state,
        kept_answer.from_json(row.answer),
        row.partial,
        row.problem,
        row.thumb,
        row.comment,
    )
    if turn.state == "answered" and turn.answer is None:
        return replace(turn, state="failed", problem="This answer was kept by another version of this program; please ask again.")
    return turn
