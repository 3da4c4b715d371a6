"""Servers that follow the primary, for reads that may be a little old: never older than what this gateway has written.

Only PostgreSQL has them. The primary is asked how far its log reaches after our last write; a replica that has not
replayed it yet is passed over, so nobody misses what they have just done. While the primary is away, replicas answer
as far as they have come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DataError, DBAPIError

T = TypeVar("T")

log = structlog.get_logger(__name__)

# A replica that failed is left alone for so long: each try may take a reader's thread for seconds.
_AGAIN_S = 30.0

_POSITION = text("SELECT CAST(pg_current_wal_lsn() AS text)")
# One that was made a primary itself goes its own way.
_REACHED = text("SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= CAST(:position AS pg_lsn)")
_FOLLOWS = text("SELECT pg_is_in_recovery()")


class Replicas:
    """Called from several threads. ``clock`` is monotonic seconds."""

    def __init__(self, engines: Sequence[Engine], primary: Engine, clock: Callable[[], float]) -> None:
        self._engines = engines
        self._primary = primary
        self._clock = clock
        self._not_before_s = [float("-inf")] * len(engines)
        self._turn = count()
        self._written = 0
        self._asked_at = 0
        self._position = ""

    def wrote(self) -> None:
        """Something was committed on the primary."""
        self._written += 1

    def read(self, work: Callable[[Connection], T]) -> tuple[T] | None:
        """What ``work`` makes of a replica's view; None if none has all that it must have. Raises what ``work`` raises
        beside errors of the database."""
        position = self._must_have()
        first = next(self._turn)
        for at in range(len(self._engines)):
            place = (first + at) % len(self._engines)
            if self._clock() < self._not_before_s[place]:
                continue
            try:
                with self._engines[place].begin() as connection:
                    if _has(connection, position):
                        return (work(connection),)
            except DataError:  # what was asked is wrong, and no replica
                return None
            except DBAPIError as error:
                self._not_before_s[place] = self._clock() + _AGAIN_S
                log.warning("a replica was passed over", replica=place + 1, why=str(error.orig).strip()[:300])
        return None

    def close(self) -> None:
        for engine in self._engines:
            engine.dispose()

    def _must_have(self) -> str:
        """How far a replica must have come. While the primary is away: what was known before."""
        written = self._written
        if written != self._asked_at:
            try:
                with self._primary.begin() as connection:
                    self._position = str(connection.execute(_POSITION).scalar_one())
                self._asked_at = written
            except DBAPIError:
                return self._position
        return self._position


def _has(connection: Connection, position: str) -> bool:
    if not position:
        return bool(connection.execute(_FOLLOWS).scalar())
    return bool(connection.execute(_REACHED, {"position": position}).scalar())
