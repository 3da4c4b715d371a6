"""`UsageStore` in SQL, and the counting that goes with the request log's writing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec.structs import asdict, replace
from sqlalchemy import Column, Connection, delete, func, select, text

from potluck.core.usage import Dimension, day_of
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
        return await self._database.read(
            lambda connection: tuple(_read(row, query.by) for row in connection.execute(statement))
        )

    async def prune(self, before_day: str) -> int:
        statement = delete(usage).where(usage.c.day < before_day)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)


def count(connection: Connection, records: Iterable[RequestRecord]) -> None:
    """Add calls to the sums of their days; each must be new to the request log."""
    added: dict[tuple[str, ...], UsageRow] = {}
    for record in records:
        if record.user is None:
            continue
        place = (
            day_of(record.time_s),
            record.user,
            record.key or "",
            clean(record.served_model or ""),
            clean(record.node or ""),
        )
        added[place] = _with(added.get(place) or UsageRow(*place), record)
    if added:
        # In one order for everybody: two gateways that add to the same rows must not wait for each other in a circle.
        connection.execute(_ADD, [_values(added[place]) for place in sorted(added)])


def _with(row: UsageRow, record: RequestRecord) -> UsageRow:
    drawn = [each for each in (row.energy_j, record.energy_j) if each is not None]
    return replace(
        row,
        calls=row.calls + 1,
        failed=row.failed + (record.status not in _WELL),
        prompt_tokens=row.prompt_tokens + record.prompt_tokens,
        completion_tokens=row.completion_tokens + record.completion_tokens,
        cached_tokens=row.cached_tokens + record.cached_tokens,
        images=row.images + record.images,
        engine_s=row.engine_s + record.engine_s,
        energy_j=sum(drawn) if drawn else None,
    )


def _values(row: UsageRow) -> dict[str, object]:
    values: dict[str, object] = asdict(row)
    return {**values, "user_id": row.user, "key_id": row.key}


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
