"""Transactions, and what a database's errors mean. No SQL of any kind stands here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

from sqlalchemy import Insert, Table
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from potluck.core.errors import OperatorError

WRITE_OPTION = "potluck_write"
"""Execution option that marks a transaction that will write, for databases that must know at its beginning."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What databases do not do alike. ``explain`` says in an owner's words what a driver's error means.

    ``single_writer``: writers wait for each other, so it is better done in an orderly queue of our own.
    ``insert_new`` is an insert that passes over rows whose key is there already.
    """

    single_writer: bool
    explain: Callable[[DBAPIError], OperatorError]
    insert_new: Callable[[Table], Insert]


class Database:
    """Hands out transactions. Errors of the driver leave it as `OperatorError`, except `IntegrityError`, which a store
    turns into what it means there."""

    def __init__(self, engine: AsyncEngine, traits: Traits) -> None:
        self._reading = engine
        self._writing = engine.execution_options(**{WRITE_OPTION: True})
        self.traits = traits
        self._turn = asyncio.Lock() if traits.single_writer else None

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection, None]:
        """One view of the data for a few queries."""
        with self._explained():
            async with self._reading.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection, None]:
        """A transaction that is on disk when the block has been left, or has left no trace if it raised."""
        async with AsyncExitStack() as stack:
            if self._turn is not None:
                await stack.enter_async_context(self._turn)
            with self._explained():
                async with self._writing.begin() as connection:
                    yield connection

    @contextmanager
    def _explained(self) -> Generator[None, None, None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise self.traits.explain(error) from error
        except PoolTimeout as error:
            raise OperatorError("The database does not answer.", detail=str(error)) from error
