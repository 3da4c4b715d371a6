"""`UsageStore` in SQL, and the counting that goes with the request log's writing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import Column, ColumnElement, Connection, TextClause, delete, func, select, text

from potluck.core.usage import HOUR_S, Dimension, hour_of
from potluck.storage.records import CallStatus, RequestRecord, UsageQuery, UsageRow
from potluck.storage.sql.content import clean
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import usage, usage_hours

# Sums of a day, and of an hour: the same but for their time.
_DAYS: Final[dict[Dimension, ColumnElement[str]]] = {
    Dimension.DAY: usage.c.day,
    Dimension.USER: usage.c.user_id,
    Dimension.KEY: usage.c.key_id,
    Dimension.MODEL: usage.c.model,
    Dimension.NODE: usage.c.node,
}
_HOURS: Final[dict[Dimension, ColumnElement[str]]] = {
    Dimension.DAY: func.substr(usage_hours.c.hour, 1, 10),
    Dimension.HOUR: usage_hours.c.hour,
    Dimension.USER: usage_hours.c.user_id,
    Dimension.KEY: usage_hours.c.key_id,
    Dimension.MODEL: usage_hours.c.model,
    Dimension.NODE: usage_hours.c.node,
}
_SUMS: Final = ("calls", "failed", "prompt_tokens", "completion_tokens", "cached_tokens", "images", "engine_s")


def _adding(table: str, time: str) -> TextClause:
    """SQLite (from 3.24 on) and PostgreSQL say this alike."""
    return text(  # names of our own tables, and no value
        f"""
        INSERT INTO {table} ({time}, user_id, key_id, model, node, calls, failed, prompt_tokens, completion_tokens,
            cached_tokens, images, engine_s, energy_j)
        VALUES (:time, :user_id, :key_id, :model, :node, :calls, :failed, :prompt_tokens, :completion_tokens,
            :cached_tokens, :images, :engine_s, :energy_j)
        ON CONFLICT ({time}, user_id, key_id, model, node) DO UPDATE SET
            calls = {table}.calls + excluded.calls,
            failed = {table}.failed + excluded.failed,
            prompt_tokens = {table}.prompt_tokens + excluded.prompt_tokens,
            completion_tokens = {table}.completion_tokens + excluded.completion_tokens,
            cached_tokens = {table}.cached_tokens + excluded.cached_tokens,
            images = {table}.images + excluded.images,
            engine_s = {table}.engine_s + excluded.engine_s,
            energy_j = COALESCE({table}.energy_j + excluded.energy_j, {table}.energy_j, excluded.energy_j)
        """  # noqa: S608
    )


_ADD_DAYS: Final = _adding("usage", "day")
_ADD_HOURS: Final = _adding("usage_hours", "hour")

_WELL: Final = frozenset({CallStatus.OK, CallStatus.CANCELLED})


class SqlUsage:
    """See `potluck.storage.ports.UsageStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tell(self, query: UsageQuery, *, limit: int) -> tuple[UsageRow, ...]:
        by_hour = Dimension.HOUR in query.by
        table, columns = (usage_hours, _HOURS) if by_hour else (usage, _DAYS)
        when: Column[str] = usage_hours.c.hour if by_hour else usage.c.day
        apart = [columns[dimension] for dimension in query.by]
        sums = [func.coalesce(func.sum(table.c[name]), 0).label(name) for name in _SUMS]
        statement = (
            select(*apart, *sums, func.sum(table.c.energy_j).label("energy_j"))
            # Hours of a day come behind its name, and before the next day's.
            .where(when >= query.first, when <= (f"{query.last}T23" if by_hour else query.last))
            .order_by(*apart)
            .limit(limit)
        )
        if apart:
            statement = statement.group_by(*apart)
        if query.user is not None:
            statement = statement.where(table.c.user_id == query.user)
        if query.key is not None:
            statement = statement.where(table.c.key_id == query.key)
        return await self._database.read_lagging(
            lambda connection: tuple(_read(row, query.by) for row in connection.execute(statement))
        )

    async def prune(self, before_day: str, hours_before_day: str) -> int:
        days = delete(usage).where(usage.c.day < before_day)
        hours = delete(usage_hours).where(usage_hours.c.hour < hours_before_day)

        def work(connection: Connection) -> int:
            connection.execute(hours).close()
            return connection.execute(days).rowcount

        return await self._database.write(work)


class _Sums(msgspec.Struct):
    """What is added to one row; the fields are its columns, ``time`` its day or hour. Thousands of calls may be added
    at once while streams wait for the interpreter, so it is added to in place."""

    time: str
    user_id: str
    key_id: str
    model: str
    node: str
    calls: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    images: int = 0
    engine_s: float = 0.0
    energy_j: float | None = None

    def add(self, record: RequestRecord) -> None:
        self.calls += 1
        self.failed += record.status not in _WELL
        self.prompt_tokens += record.prompt_tokens
        self.completion_tokens += record.completion_tokens
        self.cached_tokens += record.cached_tokens
        self.images += record.images
        self.engine_s += record.engine_s
        if record.energy_j is not None:
            self.energy_j = (self.energy_j or 0.0) + record.energy_j

    def join(self, other: _Sums) -> None:
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.energy_j is not None:
            self.energy_j = (self.energy_j or 0.0) + other.energy_j


@lru_cache(1024)
def _hour(number: float) -> str:
    """The name of the hour of that number since 1970."""
    return hour_of(number * HOUR_S)


def count(connection: Connection, records: Iterable[RequestRecord]) -> None:
    """Add calls to the sums of their hours and days; each must be new to the request log."""
    hours: dict[tuple[str, ...], _Sums] = {}
    for record in records:
        if record.user is None:
            continue
        place = (
            _hour(record.time_s // HOUR_S),
            record.user,
            record.key or "",
            clean(record.served_model or ""),
            clean(record.node or ""),
        )
        sums = hours.get(place)
        if sums is None:
            sums = hours[place] = _Sums(*place)
        sums.add(record)
    if not hours:
        return
    days: dict[tuple[str, ...], _Sums] = {}
    for (hour, *rest), sums in hours.items():
        day = (hour[:10], *rest)
        if day in days:
            days[day].join(sums)
        else:
            days[day] = replace(sums, time=hour[:10])
    # In one order for everybody: two gateways that add to the same rows must not wait for each other in a circle.
    connection.execute(_ADD_DAYS, [asdict(days[place]) for place in sorted(days)])
    connection.execute(_ADD_HOURS, [asdict(hours[place]) for place in sorted(hours)])


def _read(row: Any, by: Iterable[Dimension]) -> UsageRow:
    names: dict[str, Any] = {dimension.value: row[at] for at, dimension in enumerate(by)}
    energy_j = None if row.energy_j is None else float(row.energy_j)
    return UsageRow(
        **names,
        calls=int(row.calls),
        failed=int(row.failed),
        prompt_tokens=int(row.prompt_tokens),
        completion_tokens=int(row.completion_tokens),
        cached_tokens=int(row.cached_tokens),
        images=int(row.images),
        engine_s=float(row.engine_s),
        energy_j=energy_j,
    )
