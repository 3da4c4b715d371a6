"""`AuditLog` in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select

from potluck.core.audit import EMPTY, Detail, Entry, Fact, Head, bounded, chained, forgetting
from potluck.storage.records import AuditFilter, Noted
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import audit_log

_detail = msgspec.json.Decoder(dict[str, str | int])


class SqlAudit:
    """See `potluck.storage.ports.AuditLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, noted: Sequence[Noted]) -> Head:
        def work(connection: Connection) -> Head:
            self._alone(connection)
            last = _head(connection)
            known = select(audit_log.c.id).where(audit_log.c.id.in_([each.id for each in noted]))
            there = set(connection.execute(known).scalars())
            for each in noted:
                if each.id not in there:
                    entry = chained(last, each.time_ms, each.id, bounded(each.fact))
                    connection.execute(insert(audit_log).values(**_fields(entry)))
                    there.add(each.id)
                    last = entry.head
            return last

        return await self._database.write(work)

    async def head(self) -> Head:
        return await self._database.read(_head)

    async def page(self, *, after: int, limit: int) -> tuple[Entry, ...]:
        statement = select(audit_log).where(audit_log.c.seq > after).order_by(audit_log.c.seq).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(_entry(row) for row in rows)

    async def recent(self, *, limit: int, where: AuditFilter | None = None) -> tuple[Entry, ...]:
        statement = select(audit_log).order_by(audit_log.c.seq.desc()).limit(limit)
        if where is not None:
            statement = statement.where(*_conditions(where))
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(_entry(row) for row in rows)

    async def prune(self, *, before_ms: int, now_ms: int, id: str) -> int:
        def work(connection: Connection) -> int:
            self._alone(connection)
            through = _old(connection, before_ms)
            if through is None:
                return 0
            entry = chained(_head(connection), now_ms, id, forgetting(through))
            connection.execute(insert(audit_log).values(**_fields(entry)))
            return connection.execute(delete(audit_log).where(audit_log.c.seq <= through.seq)).rowcount

        return await self._database.write(work)

    def _alone(self, connection: Connection) -> None:
        """Until the transaction ends nobody else appends: of two that follow one entry, one would be refused."""
        if self._database.traits.audit_lock:
            connection.exec_driver_sql(self._database.traits.audit_lock)


def _conditions(where: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if where.event is not None:
        conditions.append(audit_log.c.event.startswith(where.event, autoescape=True))
    if where.actor is not None:
        conditions.append(audit_log.c.actor == where.actor)
    if where.since_ms is not None:
        conditions.append(audit_log.c.time_ms >= where.since_ms)
    if where.before is not None:
        conditions.append(audit_log.c.seq < where.before)
    return conditions


def _head(connection: Connection) -> Head:
    statement = select(audit_log.c.seq, audit_log.c.hash).order_by(audit_log.c.seq.desc()).limit(1)
    row = connection.execute(statement).first()
    return EMPTY if row is None else Head(row.seq, row.hash)


def _old(connection: Connection, before_ms: int) -> Head | None:
    """The last of the entries at the beginning that are all older than a time."""
    kept = select(func.min(audit_log.c.seq)).where(audit_log.c.time_ms >= before_ms)
    first_kept = connection.execute(kept).scalar()
    statement = select(audit_log.c.seq, audit_log.c.hash).order_by(audit_log.c.seq.desc()).limit(1)
    if first_kept is not None:
        statement = statement.where(audit_log.c.seq < first_kept)
    row = connection.execute(statement).first()
    return None if row is None else Head(row.seq, row.hash)


def _fields(entry: Entry) -> dict[str, object]:
    fact = entry.fact
    return {
        "seq": entry.seq,
        "time_ms": entry.time_ms,
        "id": entry.id,
        "event": str(fact.event),
        "actor": fact.actor,
        "name": fact.name,
        "key_prefix": fact.key,
        "address": fact.address,
        "subject": fact.subject,
        "detail": msgspec.json.encode(fact.detail).decode(),
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _entry(row: Row[Any]) -> Entry:
    fact = Fact(row.event, row.actor, row.name, row.key_prefix, row.address, row.subject, _read(row.detail))
    return Entry(row.seq, row.time_ms, row.id, fact, row.previous, row.hash)


def _read(text: str) -> Detail:
    try:
        return _detail.decode(text)
    except msgspec.MsgspecError:  # somebody changed it; so it can be shown, and is no part of the chain
        return {"unreadable": text}
