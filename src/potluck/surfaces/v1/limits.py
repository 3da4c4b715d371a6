"""``/api/v1/limits``: what the caller may use, and how much of it is left."""

from __future__ import annotations

from potluck.gateway.admission import limit_fields
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.limit_shapes import LimitsReply, limit_levels


async def read_limits(exchange: Exchange) -> Reply:
    plan = exchange.caller.plan
    levels = limit_levels(await exchange.services.levels(exchange.caller))
    if plan is None:
        return Reply(LimitsReply(levels))
    models = plan.models
    return Reply(
        LimitsReply(
            levels,
            min((hold.most for hold in plan.holds), default=None),
            plan.ceiling,
            None if models is None else list(models),
        )
    )


async def standing(exchange: Exchange) -> dict[str, str]:
    """Header fields of an answer of a model; none for who has no limits."""
    if exchange.caller.plan is None:
        return {}
    services = exchange.services
    return dict(limit_fields("native", await services.levels(exchange.caller), services.clock()))
