"""``/api/v1/usage``: what was used, by whom and on what. Owners and admins see everybody's, others their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from potluck.core.errors import BadRequest
from potluck.core.people import Right
from potluck.core.usage import Dimension, read_days, read_dimensions, table
from potluck.storage.records import UsageQuery, UsageRow
from potluck.surfaces.v1.exchange import Exchange, Page, Reply, Result
from potluck.surfaces.v1.usage_shapes import UsageQueryShape, UsageReply, UsageSums

# A table of more nobody reads, and it would take some ten megabytes.
_MOST_ROWS: Final = 50_000
_J_PER_WH: Final = 3600.0

_FIGURES: Final = (
    "calls",
    "failed",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "images",
    "engine_s",
    "energy_wh",
)
_NAMED: Final[Mapping[Dimension, tuple[str, ...]]] = {
    Dimension.DAY: ("day",),
    Dimension.HOUR: ("hour",),
    Dimension.USER: ("user", "user_name"),
    Dimension.KEY: ("key", "key_name"),
    Dimension.MODEL: ("model",),
    Dimension.NODE: ("node",),
}


async def read_usage(exchange: Exchange, query: UsageQueryShape) -> Result:
    services, caller = exchange.services, exchange.caller
    by = read_dimensions(query.by)
    first, last = read_days(query.since, query.until, services.clock())
    every = caller.may(Right.SEE_ALL)
    user = None if every else caller.user
    if query.user and every:
        user = (await services.people.user(query.user)).id
    # A key that is limited must not tell what its user does by others.
    key = None if caller.scope is None else caller.key
    await services.requests_written()
    rows = await services.storage.usage.tell(UsageQuery(first, last, by, user, key), limit=_MOST_ROWS + 1)
    if len(rows) > _MOST_ROWS:
        raise BadRequest(f"That is more than {_MOST_ROWS} rows.", param="by", hint="Ask for fewer days, or by less.")
    users = {str(each.id): each.name for each in await services.people.users()} if Dimension.USER in by else {}
    keys = {str(each.id): each.name for each in await services.storage.keys.all()} if Dimension.KEY in by else {}
    told = [_sums(row, by, users, keys) for row in rows]
    if query.format == "csv":
        return _csv(told, by, first, last)
    return Reply(UsageReply(first, last, list(by), told, _sums(_total(rows), (), {}, {})))


def _sums(row: UsageRow, by: Sequence[Dimension], users: Mapping[str, str], keys: Mapping[str, str]) -> UsageSums:
    sums = UsageSums(
        row.calls,
        row.failed,
        row.prompt_tokens,
        row.completion_tokens,
        row.cached_tokens,
        row.images,
        round(row.engine_s, 3),
        None if row.energy_j is None else round(row.energy_j / _J_PER_WH, 4),
    )
    for dimension in by:
        setattr(sums, dimension.value, getattr(row, dimension.value))
    if Dimension.USER in by:
        sums.user_name = users.get(row.user, "")
    if Dimension.KEY in by:
        sums.key_name = keys.get(row.key, "")
    return sums


def _total(rows: Sequence[UsageRow]) -> UsageRow:
    measured = [row.energy_j for row in rows if row.energy_j is not None]
    return UsageRow(
        calls=sum(row.calls for row in rows),
        failed=sum(row.failed for row in rows),
        prompt_tokens=sum(row.prompt_tokens for row in rows),
        completion_tokens=sum(row.completion_tokens for row in rows),
        cached_tokens=sum(row.cached_tokens for row in rows),
        images=sum(row.images for row in rows),
        engine_s=sum(row.engine_s for row in rows),
        energy_j=sum(measured) if measured else None,
    )


def _csv(told: Sequence[UsageSums], by: Sequence[Dimension], first: str, last: str) -> Page:
    header = [*(name for dimension in by for name in _NAMED[dimension]), *_FIGURES]
    text = table(header, ([getattr(sums, name) for name in header] for sums in told))
    return Page(
        text.encode(),
        "text/csv; charset=utf-8",
        {"content-disposition": f'attachment; filename="potluck-usage-{first}-{last}.csv"'},
    )
