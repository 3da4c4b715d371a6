"""Transactions, each whole in one thread, and what a database's errors mean. No SQL of any kind stands here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Insert, Table
from sqlalchemy.exc import DBAPIError, IntegrityError

from potluck.core.errors import PotluckError
from potluck.core.searching import Word

if TYPE_CHECKING:  # few have any
    from potluck.storage.sql.replicas import Replicas

WRITE_OPTION = "potluck_write"
"""Execution option that marks a transaction that will write, for databases that must know at its beginning."""

T = TypeVar("T")


class Traits(msgspec.Struct, frozen=True):
    """What databases do not do alike.

    ``readers`` and ``writers`` say how many transactions of each kind run at the same time, each in a thread and on a
    connection: one writer where they would only wait for each other. ``explain`` says in an owner's words what a
    driver's error means. ``insert_new`` is an insert that passes over rows whose key is there already.
    ``schema_is_whole``: `schema.metadata` says all there is, so that an empty database needs no migration.
    ``schema_lock`` is a statement after which nobody else changes the schema until the transaction ends, for databases
    that let several write at once; ``audit_lock`` the same for the end of the audit log. After ``hasty`` a transaction
    does not wait for the disk: if the server loses its power, it may be gone. ``has_words`` is that a row of
    `schema.message_words` has all of some words, by the database's own full text search; ``search_schema`` makes that,
    for databases that `schema.metadata` does not make whole without it.
    """

    readers: int
    writers: int
    explain: Callable[[DBAPIError], PotluckError]
    insert_new: Callable[[Table], Insert]
    has_words: Callable[[Sequence[Word]], ColumnElement[bool]]
    schema_is_whole: bool
    search_schema: tuple[str, ...] = ()
    schema_lock: str = ""
    audit_lock: str = ""
    hasty: str = ""

    @property
    def connections(self) -> int:
        """As many as there are threads, so that none waits for one."""
        return self.readers + self.writers


class Database:
    """Runs transactions; those of a kind begin in the order in which they were asked for.

    ``work`` is called in a thread with a connection that is its own until it returns; what it returns must not need the
    connection any more. A caller that is cancelled leaves at once: a transaction that has begun still ends by itself,
    in a commit unless ``work`` raises, and one that has not never does.

    Errors of the driver leave it as `OperatorError`, or `BadRequest` for what no text can be, except `IntegrityError`,
    which a store turns into what it means there.
    """

    def __init__(self, engine: Engine, traits: Traits, replicas: Replicas | None = None) -> None:
        self._replicas = replicas
        self._reading = engine
        self._writing = engine.execution_options(**{WRITE_OPTION: True})
        self.traits = traits
        self._readers = ThreadPoolExecutor(traits.readers, thread_name_prefix="storage-reader")
        self._writers = ThreadPoolExecutor(traits.writers, thread_name_prefix="storage-writer")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` makes of one view of the data."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._run, self._reading, work)

    async def read_lagging(self, work: Callable[[Connection], T]) -> T:
        """The same, where what others have written in the last moment may be missing: by a replica, if there is one
        that has all that was written here. Not for anything that decides who may do what."""
        if self._replicas is None:
            return await self.read(work)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._run_lagging, self._replicas, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns, once its transaction is on disk; if it raises, it has left no trace."""
        return await asyncio.get_running_loop().run_in_executor(self._writers, self._write, work)

    def close(self) -> None:
        """Finish what was asked for, then let go of the connections. Waits, so it is for a thread."""
        self._writers.shutdown()
        self._readers.shutdown()
        self._reading.dispose()
        if self._replicas is not None:
            self._replicas.close()

    def _run_lagging(self, replicas: Replicas, work: Callable[[Connection], T]) -> T:
        found = replicas.read(work)
        return found[0] if found is not None else self._run(self._reading, work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        result = self._run(self._writing, work)
        if self._replicas is not None:
            self._replicas.wrote()
        return result

    def _run(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        try:
            with engine.begin() as connection:
                return work(connection)
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise self.traits.explain(error) from error


@asynccontextmanager
async def open_database(
    engine: Engine, traits: Traits, replicas: Replicas | None = None
) -> AsyncGenerator[Database, None]:
    """``engine``'s transactions; at the end of the block they are finished and it is closed, even for a caller that is
    cancelled meanwhile: who comes after may rely on it."""
    database = Database(engine, traits, replicas)
    try:
        yield database
    finally:
        await _to_the_end(asyncio.get_running_loop().run_in_executor(None, database.close))


async def _to_the_end(work: asyncio.Future[None]) -> None:
    """Wait for ``work``, and pass a cancellation on only after it."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    work.result()
    if cancelled is not None:
        raise cancelled
