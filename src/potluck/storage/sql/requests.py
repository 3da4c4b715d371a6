"""`RequestLog` in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, or_, select

from potluck.core.errors import NotFound
from potluck.core.model import EngineId, KeyId, ModelId, NodeId, RequestId, UserId
from potluck.core.scheduling.explain import Candidate
from potluck.storage.records import WENT_ON, AttemptRecord, CallStatus, RequestFilter, RequestRecord
from potluck.storage.sql.bulk import NewRows
from potluck.storage.sql.content import clean
from potluck.storage.sql.cursors import older
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import requests
from potluck.storage.sql.usage import count

_attempts = msgspec.json.Decoder(tuple[AttemptRecord, ...])


class _Named(msgspec.Struct):
    """A candidate as it was kept before: with its fields' names. Those of logs' first months have no figures."""

    engine: str
    reason: str
    model: str = ""
    run: float | None = None
    own: float = 0.0
    harm: float = 0.0
    eviction: float = 0.0
    doubt: float = 0.0
    prior: float = 1.0
    wait_s: float = 0.0
    first_s: float = 0.0
    finish_s: float = 0.0

    def candidate(self) -> Candidate:
        costs = (self.run, self.own, self.harm, self.eviction, self.doubt, self.prior)
        return Candidate(self.engine, self.model, self.reason, *costs, self.wait_s, self.first_s, self.finish_s)


# Now as a list of its values: nothing is made for that but the text itself.
_candidates = msgspec.json.Decoder(tuple[Candidate | _Named, ...])
_encode = msgspec.json.Encoder().encode


# In JSON no text holds a bare quotation mark: these stand between attempts, or begin a sentence of our own.
_RESCUED = f'%,"why":"{WENT_ON} %'
_RETRIED = '%},{"engine":"%'


class SqlRequests:
    """See `potluck.storage.ports.RequestLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = NewRows(requests, database.traits)

    async def add(self, records: Sequence[RequestRecord]) -> None:
        def work(connection: Connection) -> None:
            new = self._rows.add(connection, [_row(record) for record in records])
            count(connection, _first(records, new))

        if records:
            await self._database.write(work)

    async def get(self, request: RequestId) -> RequestRecord:
        statement = select(requests).where(requests.c.id == request)
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        if row is None:
            raise NotFound(f"There is no record of request {request!r}.", hint="It may be another user's.")
        return _read(row)

    async def recent(self, *, limit: int, where: RequestFilter | None = None) -> tuple[RequestRecord, ...]:
        statement = (
            select(requests)
            .where(*_conditions(where or RequestFilter()))
            .order_by(requests.c.time_s.desc(), requests.c.id.desc())
            .limit(limit)
        )
        return await self._database.read_lagging(
            lambda connection: tuple(_read(row) for row in connection.execute(statement))
        )

    async def prune(self, before_s: float) -> int:
        statement = delete(requests).where(requests.c.time_s < before_s)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)


def _first(records: Sequence[RequestRecord], new: set[object]) -> Iterator[RequestRecord]:
    """Those whose ids are ``new``; of two with one id the first, which is the one that was written."""
    for record in records:
        if record.id in new:
            new.discard(record.id)
            yield record


def _conditions(where: RequestFilter) -> Iterator[ColumnElement[bool]]:
    if where.user is not None:
        yield requests.c.user_id == where.user
    if where.node is not None:
        yield requests.c.node == where.node
    if where.model is not None:
        yield or_(requests.c.asked_model == where.model, requests.c.served_model == where.model)
    if where.status is not None:
        yield requests.c.status == where.status.value
    if where.before_s is not None:
        yield requests.c.time_s < where.before_s
    if where.since_s is not None:
        yield requests.c.time_s >= where.since_s
    if where.after is not None:
        yield older(requests.c.time_s, requests.c.id, where.after)
    if where.rescued is not None:
        yield requests.c.attempts.like(_RESCUED) if where.rescued else requests.c.attempts.not_like(_RESCUED)
    if where.retried is not None:
        yield requests.c.attempts.like(_RETRIED) if where.retried else requests.c.attempts.not_like(_RETRIED)


def _row(record: RequestRecord) -> tuple[object, ...]:
    """The values in the order of the table's columns."""
    return (
        record.id,
        record.time_s,
        record.key,
        record.family,
        record.route,
        clean(record.asked_model),
        clean(record.served_model) if record.served_model is not None else None,
        record.node,
        record.engine,
        record.status.value,
        record.http_status,
        _attempted(record.attempts),
        _encode(record.candidates).decode() if record.candidates else "[]",
        record.queue_s,
        record.first_byte_s,
        record.total_s,
        record.prompt_tokens,
        record.completion_tokens,
        record.cached_tokens,
        record.estimated,
        clean(record.error),
        clean(record.choice),
        record.user,
    )


# What was tried is the same for most calls.
@lru_cache(1024)
def _attempted(attempts: tuple[AttemptRecord, ...]) -> str:
    return _encode(attempts).decode()


def _considered(text: str) -> tuple[Candidate, ...]:
    return tuple(one.candidate() if isinstance(one, _Named) else one for one in _candidates.decode(text))


def _read(row: Row[Any]) -> RequestRecord:
    return RequestRecord(
        id=RequestId(row.id),
        time_s=row.time_s,
        family=row.family,
        asked_model=row.asked_model,
        status=CallStatus(row.status),
        http_status=row.http_status,
        total_s=row.total_s,
        key=KeyId(row.key_id) if row.key_id is not None else None,
        route=row.route,
        served_model=ModelId(row.served_model) if row.served_model is not None else None,
        node=NodeId(row.node) if row.node is not None else None,
        engine=EngineId(row.engine) if row.engine is not None else None,
        attempts=_attempts.decode(row.attempts),
        candidates=_considered(row.candidates),
        queue_s=row.queue_s,
        first_byte_s=row.first_byte_s,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        cached_tokens=row.cached_tokens,
        estimated=row.estimated,
        error=row.error,
        choice=row.choice,
        user=UserId(row.user_id) if row.user_id is not None else None,
    )
