"""All that is SQLite's own: how it is opened, how its transactions begin, what its errors mean."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Engine, Insert, Table, and_, create_engine, event, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from potluck.core.errors import NoRoom, OperatorError
from potluck.core.searching import Word
from potluck.storage.sql.database import WRITE_OPTION, Traits

# WAL lets readers go on while one writes. synchronous FULL, because NORMAL may lose the last commits when the power
# fails, and they were acknowledged.
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")

# A connection keeps some 2 MB of cache once it has seen much of the data.
_READERS = 2


def open_engine(file: Path, *, busy_timeout_s: float) -> tuple[Engine, Traits]:
    """An engine on ``file``, which is made for its owner's eyes alone if it is not there.

    ``busy_timeout_s`` is how long a transaction waits while another program writes. Raises `OperatorError`.
    """
    try:
        # SQLite would make it with the usual mode; the files it puts beside it take the mode of this one.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise _told(_UNWRITABLE, file, error.strerror) from error
    traits = _traits(file, readers=_READERS)
    # Else the driver asks each one how it wants to be written, and makes an error of no answer.
    sqlite3.register_adapter(bool, int)
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        connect_args={"timeout": busy_timeout_s},
        pool_size=traits.connections,
        max_overflow=0,
        pool_use_lifo=True,  # those that a quiet service does not need stay unopened
        hide_parameters=True,  # they hold what people wrote
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine, traits


def open_read_only(file: Path) -> tuple[Engine, Traits]:
    """An engine on a copy in ``file``, of which nothing is changed, whatever may be written there."""
    # A folder that cannot be written is no place for SQLite's lock either: nobody else can write the file then.
    fixed = "" if os.access(file.parent, os.W_OK) else "&immutable=1"
    name = quote(str(file.absolute()))

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{name}?mode=ro{fixed}", uri=True, isolation_level=None, check_same_thread=False)

    traits = _traits(file, readers=1)
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return engine, traits


def _traits(file: Path, readers: int) -> Traits:
    return Traits(
        readers=readers,
        writers=1,
        explain=_explainer(file),
        insert_new=_insert_new,
        has_words=_has_words,
        schema_is_whole=True,
        search_schema=_SEARCH_SCHEMA,
    )


# FTS5, https://www.sqlite.org/fts5.html#external_content_tables: the index alone, and triggers that keep it.
_SEARCH_SCHEMA = (
    "CREATE VIRTUAL TABLE message_fts USING fts5(words, content='message_words', content_rowid='id', "
    "tokenize='unicode61 remove_diacritics 0')",
    "CREATE TRIGGER message_words_in AFTER INSERT ON message_words BEGIN "
    "INSERT INTO message_fts(rowid, words) VALUES (new.id, new.words); END",
    "CREATE TRIGGER message_words_out AFTER DELETE ON message_words BEGIN "
    "INSERT INTO message_fts(message_fts, rowid, words) VALUES ('delete', old.id, old.words); END",
)


def _has_words(words: Sequence[Word]) -> ColumnElement[bool]:
    # Words are letters and digits alone: nothing in them ends a quotation.
    query = " AND ".join(f'"{word.text}"{"*" if word.begins else ""}' for word in words)
    found = text("message_words.id IN (SELECT rowid FROM message_fts WHERE message_fts MATCH :words)")
    return and_(found.bindparams(words=query))


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver begins transactions late and on its own; `_begin` says when instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and then writes would be refused at once if another wrote in between:
    # one that will write takes its place from the beginning, and waits for it.
    writes = connection.get_execution_options().get(WRITE_OPTION, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _insert_new(table: Table) -> Insert:
    return insert(table).on_conflict_do_nothing()


def _explainer(file: Path) -> Callable[[DBAPIError], OperatorError]:
    def explain(error: DBAPIError) -> OperatorError:
        code = getattr(error.orig, "sqlite_errorcode", None)
        # The low byte is the error, the rest its finer shade (https://www.sqlite.org/rescode.html).
        plain = code & 0xFF if isinstance(code, int) else -1
        return _told(
            _MEANING.get(plain, _FAILED), file, error.orig, NoRoom if plain == sqlite3.SQLITE_FULL else OperatorError
        )

    return explain


def _told(
    meaning: tuple[str, str], file: Path, cause: object, kind: type[OperatorError] = OperatorError
) -> OperatorError:
    """By the file's name alone: this may be told to a client, who is not to learn where it lies."""
    message, hint = (text.format(file=file.name) for text in meaning)
    return kind(message, hint=hint, detail=f"{file}: {cause}")


_FAILED = ("The database {file} failed.", "See the log for what it said.")
_DAMAGED = (
    "The database {file} is damaged, or is not a database.",
    "Stop Potluck, put {file} away with the files beside it that begin with its name, and put a backup in its place.",
)
_UNWRITABLE = (
    "The database {file} cannot be opened or written.",
    "Give the user that runs Potluck the right to write this file and its folder, or choose another with --data.",
)
_MEANING = {
    sqlite3.SQLITE_BUSY: (
        "The database {file} is locked by another program.",
        "Close what has it open, such as a second Potluck, a backup or a database browser.",
    ),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CANTOPEN: _UNWRITABLE,
    sqlite3.SQLITE_READONLY: _UNWRITABLE,
    sqlite3.SQLITE_PERM: _UNWRITABLE,
    sqlite3.SQLITE_AUTH: _UNWRITABLE,
    sqlite3.SQLITE_FULL: (
        "The disk that holds {file} is full.",
        "Free some space; what was accepted before is safe.",
    ),
    sqlite3.SQLITE_IOERR: (
        "The disk that holds {file} fails.",
        "Look at the system's log, and make a backup now.",
    ),
}
