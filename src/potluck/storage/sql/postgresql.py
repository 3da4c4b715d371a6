"""All that is PostgreSQL's own: how it is reached, how its transactions begin, what its errors mean.

Version 12 and later. The error codes are those of https://www.postgresql.org/docs/current/errcodes-appendix.html.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Insert, Table, and_, create_engine, event, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from potluck.core.errors import BadRequest, NoRoom, OperatorError, PotluckError, StorageAway
from potluck.core.searching import Word
from potluck.storage.sql.database import WRITE_OPTION, Traits

# A household's server has a hundred connections for all that use it; two gateways of ours take twenty-six.
_READERS = 4
_WRITERS = 4
# Beside them, for what must not wait behind a long statement: who leads, and answers under way.
_QUICK_READERS = 2
_QUICK_WRITERS = 3
# A server on the same network accepts in milliseconds; one that is switched off says nothing at all.
_CONNECT_S = 5
# Longer than any statement of ours takes on millions of rows, shorter than people wait.
_STATEMENT_S = 30
# A transaction that waits for another's row; the longest of ours write a thousand records.
_LOCK_S = 10
# A lease is three seconds: an answer that takes longer than these is none.
_QUICK_S = 2
# A server that lost its power leaves connections that look open: they are found out after half a minute.
_KEEPALIVE: Final = {"keepalives": 1, "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}
# While the server is away it is asked so often at first, and so seldom at last.
_RETRY_FIRST_S = 0.25
_RETRY_MOST_S = 5.0
# Which gateway may change the schema; the number is any that nobody else uses.
_SCHEMA_LOCK = 8_420_001

_Connect = Callable[[], DBAPIConnection]


def open_engine(url: URL, *, clock: Callable[[], float], quick: bool = False) -> tuple[Engine, Traits]:
    """An engine on the database at ``url``, which must be there. Nothing is connected yet.

    ``clock`` is monotonic seconds: while the server is away, it is not asked again with every transaction. ``quick`` is
    for few and short ones, which fail rather than wait.
    """
    server = f"{url.host or 'this machine'}{f':{url.port}' if url.port else ''}"
    traits = Traits(
        readers=_QUICK_READERS if quick else _READERS,
        writers=_QUICK_WRITERS if quick else _WRITERS,
        explain=_explainer(server, url.database or url.username or ""),
        insert_new=_insert_new,
        has_words=_has_words,
        schema_is_whole=False,
        schema_lock=f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})",
        # Unlike a SELECT this takes no view of the data: what is read behind it is what the one before has left.
        audit_lock="LOCK TABLE audit_log IN SHARE ROW EXCLUSIVE MODE",
        hasty="SET LOCAL synchronous_commit TO off",
    )
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        paramstyle="format",  # `storage.sql.bulk` hands values over by their places
        connect_args={
            **_manner(quick=quick),
            **url.query,  # the owner's own wishes
        },
        pool_size=traits.connections,
        max_overflow=0,
        pool_use_lifo=True,
        pool_pre_ping=True,  # a server that was started again is met without an error
        hide_parameters=True,  # they hold what people wrote
    )
    gate = _Gate(clock)
    event.listen(engine, "do_connect", gate.connect)
    event.listen(engine, "begin", _begin)
    return engine, traits


def _manner(*, quick: bool) -> dict[str, str | int]:
    """How connections are made, in libpq's words."""
    statement_s, lock_s = (_QUICK_S, _QUICK_S) if quick else (_STATEMENT_S, _LOCK_S)
    found: dict[str, str | int] = {
        "connect_timeout": _QUICK_S if quick else _CONNECT_S,
        "application_name": "potluck",
        "options": f"-c statement_timeout={statement_s}s -c lock_timeout={lock_s}s -c client_encoding=utf8",
        **_KEEPALIVE,
    }
    if quick:  # a cable that was pulled is noticed by what is not acknowledged
        found["tcp_user_timeout"] = _QUICK_S * 1000
    return found


class _Gate:
    """Lets connections be tried while the server answers, and with growing pauses while it does not.

    Several threads come here. At worst two of them try at the same time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._not_before_s = float("-inf")
        self._last: Exception | None = None

    def connect(
        self, dialect: Dialect, _entry: ConnectionPoolEntry, args: list[Any], options: dict[str, Any]
    ) -> DBAPIConnection:
        if self._last is not None and self._clock() < self._not_before_s:
            raise self._last
        try:
            connection = dialect.connect(*args, **options)
        except Exception as error:
            self._not_before_s = self._clock() + min(_RETRY_MOST_S, _RETRY_FIRST_S * 2**self._failures)
            self._failures = min(self._failures + 1, 10)
            self._last = error
            raise
        self._failures, self._last = 0, None
        return connection


def _begin(connection: Connection) -> None:
    # psycopg begins a transaction with its first statement, and in this manner: a reader has one view of the data.
    own: Any = connection.connection.dbapi_connection
    writes = connection.get_execution_options().get(WRITE_OPTION, False)
    own.isolation_level = None if writes else _REPEATABLE_READ
    own.read_only = not writes


# psycopg.IsolationLevel.REPEATABLE_READ
_REPEATABLE_READ = 3


def _insert_new(table: Table) -> Insert:
    return insert(table).on_conflict_do_nothing()


def _has_words(words: Sequence[Word]) -> ColumnElement[bool]:
    # By an expression that has an index (revision 0017). Words are letters and digits alone: no quote is in them.
    query = " & ".join(f"'{word.text}'{':*' if word.begins else ''}" for word in words)
    found = text("array_to_tsvector(string_to_array(message_words.words, ' ')) @@ CAST(:words AS tsquery)")
    return and_(found.bindparams(words=query))


class _Meaning(msgspec.Struct, frozen=True):
    """What to tell; ``heals``: time alone may mend it."""

    message: str
    hint: str
    heals: bool = False


def _explainer(server: str, database: str) -> Callable[[DBAPIError], PotluckError]:
    def explain(error: DBAPIError) -> PotluckError:
        state = getattr(error.orig, "sqlstate", None)
        if state is None and isinstance(error, DataError):  # the driver's word: the server was not asked
            return BadRequest("A text holds a character that is kept nowhere (NUL).", hint="Leave it out.")
        meaning = _FAILED
        if error.connection_invalidated or state is None:
            meaning = _AWAY
        if isinstance(state, str):
            meaning = _MEANING.get(state) or _CLASSES.get(state[:2], meaning)
        elif said := _refusal(str(error.orig)):
            meaning = said
        names = {"server": server, "database": database}
        message, hint, detail = meaning.message.format(**names), meaning.hint.format(**names), str(error.orig)
        if meaning.heals:
            return StorageAway(message, retry_after_s=_RETRY_MOST_S, hint=hint, detail=detail)
        return (NoRoom if meaning is _FULL else OperatorError)(message, hint=hint, detail=detail)

    return explain


def _refusal(text: str) -> _Meaning | None:
    """What a server says that lets nobody in comes without a code in libpq: only its words tell."""
    return next((meaning for words, meaning in _REFUSALS if words in text), None)


_FAILED = _Meaning("PostgreSQL failed.", "See the log for what it said.")
_AWAY = _Meaning(
    "PostgreSQL at {server} does not answer.",
    "See whether it runs and can be reached from here; it is tried again by itself.",
    heals=True,
)
_STOPS = _Meaning(
    "PostgreSQL at {server} is stopping or starting.", "Wait a moment; it is tried again by itself.", heals=True
)
_PASSWORD = _Meaning(
    "PostgreSQL at {server} does not accept the user or the password.", "Mend them in storage.database."
)
_NO_DATABASE = _Meaning(
    "PostgreSQL at {server} has no database '{database}'.",
    "Make it (createdb {database}), or name another in storage.database.",
)
_CROWDED = _Meaning(
    "PostgreSQL at {server} takes no more connections.",
    "Raise its max_connections, or close what does not need one.",
    heals=True,
)
_FULL = _Meaning(
    "The disk of PostgreSQL at {server} is full.", "Free some space there; what was accepted before is safe."
)
_REFUSALS = (
    ("password authentication failed", _PASSWORD),
    ("no password supplied", _PASSWORD),
    ("no pg_hba.conf entry", _PASSWORD),
    ('role "', _PASSWORD),
    ("does not exist", _NO_DATABASE),
    ("too many clients", _CROWDED),
    ("remaining connection slots", _CROWDED),
    ("the database system is", _STOPS),
)
_MEANING = {
    "28P01": _PASSWORD,
    "28000": _PASSWORD,
    "3D000": _NO_DATABASE,
    "53100": _FULL,
    "53300": _CROWDED,
    "57014": _Meaning("PostgreSQL took too long.", "Look at what else its machine does.", heals=True),
    "55P03": _Meaning(
        "PostgreSQL took too long: another transaction holds what this one needs.", "Try again.", heals=True
    ),
    "57P01": _STOPS,
    "57P02": _STOPS,
    "57P03": _STOPS,
    "25006": _Meaning(
        "PostgreSQL at {server} takes no changes: it is a replica, or was made read-only.",
        "Name its primary in storage.database.",
    ),
    "42501": _Meaning(
        "The user of storage.database may not do this in '{database}'.",
        "Make it the owner of the database.",
    ),
}
_CLASSES = {"08": _AWAY}
