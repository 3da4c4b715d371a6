"""Open the stores: the schema is looked at, brought up to date if it is older, and refused if it is newer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from potluck.core.errors import OperatorError
from potluck.storage.generations import GenerationLogs
from potluck.storage.leadership import LeadershipStore
from potluck.storage.ports import SettingsStore, Storage
from potluck.storage.sql.audit import SqlAudit
from potluck.storage.sql.conversations import SqlConversations
from potluck.storage.sql.credentials import SqlCredentials
from potluck.storage.sql.database import Traits, open_database
from potluck.storage.sql.files import SqlFiles
from potluck.storage.sql.folders import SqlFolders
from potluck.storage.sql.generations import SqlGenerations
from potluck.storage.sql.identities import SqlIdentities
from potluck.storage.sql.incidents import SqlIncidents
from potluck.storage.sql.jobs import SqlJobs
from potluck.storage.sql.keys import SqlKeys
from potluck.storage.sql.leadership import SqlLeadership
from potluck.storage.sql.links import SqlLinks
from potluck.storage.sql.move_progress import is_unfinished
from potluck.storage.sql.pictures import SqlPictures
from potluck.storage.sql.preferences import SqlPreferences
from potluck.storage.sql.prompts import SqlPrompts
from potluck.storage.sql.requests import SqlRequests
from potluck.storage.sql.schema import HEAD, REVISIONS, metadata
from potluck.storage.sql.sessions import SqlSessions
from potluck.storage.sql.settings import SqlSettings
from potluck.storage.sql.shares import SqlShares
from potluck.storage.sql.sqlite import open_engine as open_sqlite
from potluck.storage.sql.usage import SqlUsage
from potluck.storage.sql.users import SqlUsers

if TYPE_CHECKING:
    from potluck.storage.sql.replicas import Replicas

# Longer than any transaction here takes on a slow SD card, short enough that a start says what is wrong.
BUSY_TIMEOUT_S = 5.0


# As Alembic makes it.
_VERSION_TABLE = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)


def sqlite_url(file: Path) -> str:
    """The URL of a database in ``file``."""
    return URL.create("sqlite", database=str(file)).render_as_string(hide_password=False)


@asynccontextmanager
async def open_storage(
    url: str, *, clock: Callable[[], float], busy_timeout_s: float = BUSY_TIMEOUT_S, replicas: Sequence[str] = ()
) -> AsyncGenerator[Storage, None]:
    """The stores of the database at ``url``, closed at the end of the block.

    ``sqlite:///relative/path`` or ``sqlite:////absolute/path`` (`sqlite_url`); the file is made if it is not there, its
    folder is not. ``postgresql://user:password@host:port/database``, which must be there; its tables are made.

    Raises `OperatorError` for a URL that is not understood, and for a database that cannot be opened, reached or
    written, is locked for ``busy_timeout_s``, is damaged, is not Potluck's, or was written by a newer version.
    ``clock`` is monotonic seconds, for pauses between attempts to reach a server. ``replicas`` are URLs of servers that
    follow a PostgreSQL; none of them has to answer.
    """
    engine, traits = engine_for(url, clock, busy_timeout_s)
    async with open_database(engine, traits, _replicas(replicas, engine, clock)) as database:
        # It writes, so that what cannot be written is known now.
        await database.write(partial(_make_ready, traits=traits))
        yield Storage(
            users=SqlUsers(database),
            keys=SqlKeys(database),
            sessions=SqlSessions(database),
            credentials=SqlCredentials(database),
            links=SqlLinks(database),
            files=SqlFiles(database),
            identities=SqlIdentities(database),
            conversations=SqlConversations(database),
            requests=SqlRequests(database),
            usage=SqlUsage(database),
            settings=SqlSettings(database),
            audit=SqlAudit(database),
            jobs=SqlJobs(database),
            incidents=SqlIncidents(database),
            folders=SqlFolders(database),
            shares=SqlShares(database),
            prompts=SqlPrompts(database),
            preferences=SqlPreferences(database),
            pictures=SqlPictures(database),
        )


class Coordination(msgspec.Struct, frozen=True):
    """What gateways share that use one database. ``generations`` are the logs of a leader, by its term and a clock of
    Unix seconds."""

    leadership: LeadershipStore
    settings: SettingsStore
    generations: Callable[[int, Callable[[], float]], GenerationLogs]


def sqlite_file(url: str) -> Path | None:
    """The file that a database at ``url`` lies in; None for one on a server. Raises `OperatorError`."""
    parts = url_of(url)
    return Path(parts.database) if parts.get_backend_name() == "sqlite" and parts.database else None


def serves_many(url: str) -> bool:
    """Whether several gateways may use the database at ``url``: a file is one gateway's own."""
    return url.startswith("postgresql")


@asynccontextmanager
async def open_coordination(url: str, *, clock: Callable[[], float]) -> AsyncGenerator[Coordination, None]:
    """For a database that `serves_many`, on connections of its own, which wait for nothing long. The schema is there:
    `open_storage` saw to it."""
    engine, traits = engine_for(url, clock, quick=True)
    async with open_database(engine, traits) as database:
        yield Coordination(
            SqlLeadership(database),
            SqlSettings(database),
            lambda term, wall_clock: SqlGenerations(database, term=term, clock=wall_clock),
        )


async def look_at_storage(url: str, *, clock: Callable[[], float]) -> None:
    """Raise the `OperatorError` that `open_storage` would raise over what is in the database. Changes nothing in it."""
    engine, traits = engine_for(url, clock)
    async with open_database(engine, traits) as database:
        await database.read(known_revision)


def _replicas(urls: Sequence[str], primary: Engine, clock: Callable[[], float]) -> Replicas | None:
    if not urls:
        return None
    from potluck.storage.sql.replicas import Replicas  # noqa: PLC0415 - few have any

    return Replicas([engine_for(url, clock)[0] for url in urls], primary, clock)


def url_of(url: str) -> URL:
    """A URL in its parts. Raises `OperatorError`."""
    try:
        return make_url(url)
    except ArgumentError:  # its text would repeat the URL, password and all
        raise OperatorError(
            "The database's URL is not understood.", hint="It looks like postgresql://USER:PASSWORD@HOST/DATABASE."
        ) from None


def engine_for(
    url: str, clock: Callable[[], float], busy_timeout_s: float = BUSY_TIMEOUT_S, *, quick: bool = False
) -> tuple[Engine, Traits]:
    """Not connected yet. ``quick``: for transactions that fail rather than wait. Raises `OperatorError` for a URL that
    is not understood."""
    parts = url_of(url)
    match parts.get_backend_name():
        case "sqlite" if parts.database and parts.database != ":memory:":
            return open_sqlite(Path(parts.database), busy_timeout_s=busy_timeout_s)
        case "postgresql":
            from potluck.storage.sql.postgresql import open_engine  # noqa: PLC0415 - 3 MB that SQLite does not need

            return open_engine(parts, clock=clock, quick=quick)
        case name:
            raise OperatorError(
                f"No database of the kind {name!r} is known.",
                hint="Use postgresql://… or sqlite:////PATH, or leave the setting out.",
            )


def _make_ready(connection: Connection, *, traits: Traits) -> None:
    bring_up_to_date(connection, traits=traits)
    if is_unfinished(connection):
        raise OperatorError(
            "The database is the target of a move that was not finished.",
            hint="Run 'potluck migrate' again: it goes on where it was.",
        )


def bring_up_to_date(connection: Connection, *, traits: Traits) -> None:
    """Make the tables, or alter those of an earlier version. Raises as `known_revision`."""
    # 1. The usual case: read one row, and no more.
    revision = known_revision(connection)
    if revision == HEAD:
        return
    # 2. Another gateway that starts at this moment may do the same.
    if traits.schema_lock:
        connection.exec_driver_sql(traits.schema_lock)
        revision = known_revision(connection)
        if revision == HEAD:
            return
    # 3. A new one.
    if revision is None and traits.schema_is_whole:
        metadata.create_all(connection, checkfirst=False)  # what is in the way is an error
        for statement in traits.search_schema:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(_VERSION_TABLE)
        connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": HEAD})
        return
    # 4. An older one, or one that only migrations make.
    from potluck.storage.sql.migrate import upgrade  # noqa: PLC0415 - 0.3 s and 11 MB that nearly no start needs

    upgrade(connection)


def known_revision(connection: Connection) -> str | None:
    """The schema that the database has, None for an empty one. Raises `OperatorError` for one not known here."""
    revision = _revision(connection)
    if revision is not None and revision not in REVISIONS:
        raise OperatorError(
            f"The database was written by a newer version of Potluck (its schema is {revision}, the newest one known "
            f"here is {HEAD}).",
            hint="Install that version or a later one, or start with another data directory (--data).",
        )
    return revision


def _revision(connection: Connection) -> str | None:
    """The schema that the database has, None for an empty one."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if "alembic_version" in tables:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
        if len(found) == 1:
            return str(found[0])
    raise OperatorError(
        "The database holds tables that are not Potluck's.",
        hint="Give Potluck a database of its own, or another data directory (--data).",
    )
