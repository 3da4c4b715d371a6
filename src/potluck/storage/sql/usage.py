"""`UsageStore` in SQL, and the counting that goes with the request log's writing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec.structs import asdict
from sqlalchemy import Column, Connection, delete, func, select, text

from potluck.core.usage import DAY_S, Dimension, day_of
from potluck.storage.records import CallStatus, RequestRecord, UsageQuery, UsageRow
from potluck.storage.sql.content import clean
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import usage

_COLUMNS: Final[dict[Dimension, Column[str]]] = {
    Dimension.DAY: usage.c.day,
    Dimension.USER: usage.c.user_id,
    Dimension.KEY: usage.c.key_id,
    Dimension.MODEL: usage.c.model,
    Dimension.NODE: usage.c.node,
}
_SUMS: Final = ("calls", "failed", "prompt_tokens", "completion_tokens", "cached_tokens", "images", "engine_s")

# SQLite (from 3.24 on) and PostgreSQL say this alike.
_ADD: Final = text(
    """
    INSERT INTO usage (day, user_id, key_id, model, node, calls, failed, prompt_tokens, completion_tokens,
        cached_tokens, images, engine_s, energy_j)
    VALUES (:day, :user_id, :key_id, :model, :node, :calls, :failed, :prompt_tokens, :completion_tokens,
        :cached_tokens, :images, :engine_s, :energy_j)
    ON CONFLICT (day, user_id, key_id, model, node) DO UPDATE SET
        calls = usage.calls + excluded.calls,
        failed = usage.failed + excluded.failed,
        prompt_tokens = usage.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = usage.completion_tokens + excluded.completion_tokens,
        cached_tokens = usage.cached_tokens + excluded.cached_tokens,
        images = usage.images + excluded.images,
        engine_s = usage.engine_s + excluded.engine_s,
        energy_j = COALESCE(usage.energy_j + excluded.energy_j, usage.energy_j, excluded.energy_j)
    """
)

_WELL: Final = frozenset({CallStatus.OK, CallStatus.CANCELLED})


class SqlUsage:
    """See `potluck.storage.ports.UsageStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tell(self, query: UsageQuery, *, limit: int) -> tuple[UsageRow, ...]:
        apart = [_COLUMNS[dimension] for dimension in query.by]
        sums = [func.coalesce(func.sum(usage.c[name]), 0).label(name) for name in _SUMS]
        statement = (
            select(*apart, *sums, func.sum(usage.c.energy_j).label("energy_j"))
            .where(usage.c.day >= query.first, usage.c.day <= query.last)
            .order_by(*apart)
            .limit(limit)
        )
        if apart:
            statement = statement.group_by(*apart)
        if query.user is not None:
            statement = statement.where(usage.c.user_id == query.user)
        if query.key is not None:
            statement = statement.where(usage.c.key_id == query.key)
        return await self._database.read_lagging(
            lambda connection: tuple(_read(row, query.by) for row in connection.execute(statement))
        )

    async def prune(self, before_day: str) -> int:
        statement = delete(usage).where(usage.c.day < before_day)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)


class _Sums(msgspec.Struct):
    """What is added to one row; the fields are its columns. Thousands of calls may be added at once while streams wait
    for the interpreter, so it is added to in place."""

    day: str
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


@lru_cache(1024)
def _day(number: float) -> str:
    """The name of the day of that number since 1970."""
    return day_of(number * DAY_S)


def count(connection: Connection, records: Iterable[RequestRecord]) -> None:
    """Add calls to the sums of their days; each must be new to the request log."""
    added: dict[tuple[str, ...], _Sums] = {}
    for record in records:
        if record.user is None:
            continue
        place = (
            _day(record.time_s // DAY_S),
            record.user,
            record.key or "",
            clean(record.served_model or ""),
            clean(record.node or ""),
        )
        sums = added.get(place)
        if sums is None:
            sums = added[place] = _Sums(*place)
        sums.add(record)
    if added:
        # In one order for everybody: two gateways that add to the same rows must not wait for each other in a circle.
        connection.execute(_ADD, [asdict(added[place]) for place in sorted(added)])


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
