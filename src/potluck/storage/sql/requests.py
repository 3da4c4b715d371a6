"""`RequestLog` in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, delete, insert, or_, select

from potluck.core.errors import NotFound
from potluck.core.model import EngineId, KeyId, ModelId, NodeId, RequestId
from potluck.storage.records import AttemptRecord, CallStatus, CandidateRecord, RequestFilter, RequestRecord
from potluck.storage.sql.content import clean
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import requests

_attempts = msgspec.json.Decoder(tuple[AttemptRecord, ...])
_candidates = msgspec.json.Decoder(tuple[CandidateRecord, ...])

# Below the number of parameters that any database takes in one statement (SQLite before 3.32: 999).
_AT_ONCE = 500


class SqlRequests:
    """See `potluck.storage.ports.RequestLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, records: Sequence[RequestRecord]) -> None:
        new = {record.id: record for record in reversed(records)}  # of two with one id the first stays
        ids = list(new)
        if not ids:
            return
        async with self._database.write() as connection:
            for start in range(0, len(ids), _AT_ONCE):
                stored = select(requests.c.id).where(requests.c.id.in_(ids[start : start + _AT_ONCE]))
                for row in await connection.execute(stored):
                    del new[row.id]
            if new:
                await connection.execute(insert(requests), [_fields(record) for record in new.values()])

    async def get(self, request: RequestId) -> RequestRecord:
        async with self._database.read() as connection:
            row = (await connection.execute(select(requests).where(requests.c.id == request))).first()
        if row is None:
            raise NotFound(f"There is no record of request {request!r}.", hint="It may be another key's.")
        return _record(row)

    async def recent(self, *, limit: int, where: RequestFilter | None = None) -> tuple[RequestRecord, ...]:
        statement = (
            select(requests)
            .where(*_conditions(where or RequestFilter()))
            .order_by(requests.c.time_s.desc(), requests.c.id.desc())
            .limit(limit)
        )
        async with self._database.read() as connection:
            return tuple(_record(row) for row in await connection.execute(statement))

    async def prune(self, before_s: float) -> int:
        async with self._database.write() as connection:
            return (await connection.execute(delete(requests).where(requests.c.time_s < before_s))).rowcount


def _conditions(where: RequestFilter) -> Iterator[ColumnElement[bool]]:
    if where.key is not None:
        yield requests.c.key_id == where.key
    if where.node is not None:
        yield requests.c.node == where.node
    if where.model is not None:
        yield or_(requests.c.asked_model == where.model, requests.c.served_model == where.model)
    if where.status is not None:
        yield requests.c.status == where.status.value
    if where.before_s is not None:
        yield requests.c.time_s < where.before_s


def _fields(record: RequestRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "time_s": record.time_s,
        "key_id": record.key,
        "family": record.family,
        "route": record.route,
        "asked_model": clean(record.asked_model),
        "served_model": record.served_model,
        "node": record.node,
        "engine": record.engine,
        "status": record.status.value,
        "http_status": record.http_status,
        "attempts": msgspec.json.encode(record.attempts).decode(),
        "candidates": msgspec.json.encode(record.candidates).decode(),
        "queue_s": record.queue_s,
        "first_byte_s": record.first_byte_s,
        "total_s": record.total_s,
        "prompt_tokens": record.prompt_tokens,
        "completion_tokens": record.completion_tokens,
        "cached_tokens": record.cached_tokens,
        "estimated": record.estimated,
        "error": clean(record.error),
    }


def _record(row: Row[Any]) -> RequestRecord:
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
        candidates=_candidates.decode(row.candidates),
        queue_s=row.queue_s,
        first_byte_s=row.first_byte_s,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        cached_tokens=row.cached_tokens,
        estimated=row.estimated,
        error=row.error,
    )
