"""Before a call is refused because no engine is left: those that may have come back are looked at once more.

One that came back is found out by a probe, which may be half a minute away. That is late for a call whose other engines
have just failed, and soon enough for everybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from potluck.core.errors import NodeError, NoEngineReady, PotluckError
from potluck.core.model import EngineId, Health
from potluck.core.seam import AnotherAnswer
from potluck.gateway.relay.states import Attempt, State

if TYPE_CHECKING:
    from potluck.gateway.relay.exchange import Exchange

# A machine that is up answers at once; one that is off lets the call wait for so long, and then it is refused.
LOOK_S = 1.5
# What broke an engine so long ago may be over. What every engine answers at once with an error is the call's doing,
# and is not put to them twice.
OVER_S = 2.0

_SERVING = frozenset({Health.UP, Health.SUSPECT})


def hopes(exchange: Exchange, error: PotluckError) -> bool:
    """Whether there is an engine to look at; then the call seeks anew once that is done. Once for each engine:

    1. It was down when the call came, or went down since.
    2. It broke under this very call, a while ago or while it wrote.
    """
    if not isinstance(error, NoEngineReady | NodeError):
        return False
    engines = _down(exchange, exchange.wish.model, exchange.wish.tried) | _broke(exchange)
    if engines:
        exchange.spawn(_look(exchange, engines), "last look")
    return bool(engines)


def ahead(exchange: Exchange, model: str, tried: frozenset[EngineId]) -> None:
    """A running call's engine is suspected, and no other is up that could take over: one that is taken to be away may
    be up again. Once for each."""
    for engine in _down(exchange, model, tried):
        exchange.relay.fleet.look_now(engine)


def _down(exchange: Exchange, model: str, tried: frozenset[EngineId]) -> frozenset[EngineId]:
    """Engines that have the model, are taken to be away, and were not looked at for this call already."""
    offers = exchange.relay.fleet.catalogue.resolve(model, exchange.wish.needs, tried).offers
    away = frozenset(offer.engine.id for offer in offers if offer.engine.health is Health.DOWN)
    down = away - tried - exchange.looked_at
    exchange.looked_at |= down
    return down


def _broke(exchange: Exchange) -> frozenset[EngineId]:
    """Engines that this call was put to, and that may have come back since they failed: they have had the time, or
    they broke while they wrote, and no other one went on for them to the end."""
    health, over_s = exchange.relay.fleet.health, exchange.relay.clock() - OVER_S
    failed = [
        attempt
        for attempt in exchange.attempts
        if isinstance(attempt.error, NodeError) and not isinstance(attempt.error, AnotherAnswer)
    ]
    several = len({attempt.engine for attempt in exchange.attempts if attempt.error is not None}) > 1
    wrote = _wrote(failed) if several else frozenset[EngineId]()
    broke = frozenset(
        engine
        for engine in (attempt.engine for attempt in failed)
        if engine in health and (engine in wrote or health[engine].failed_s <= over_s)
    )
    broke -= exchange.looked_at
    exchange.looked_at |= broke
    return broke


def _wrote(attempts: Sequence[Attempt]) -> frozenset[EngineId]:
    """Those that wrote some of the answer themselves before they failed. What made them fail is hardly the call."""
    had, wrote = 0, set[EngineId]()
    for attempt in attempts:
        if attempt.told_tokens > had:
            had = attempt.told_tokens
            wrote.add(attempt.engine)
    return frozenset(wrote)


async def _look(exchange: Exchange, engines: frozenset[EngineId]) -> None:
    await exchange.relay.look(engines, LOOK_S)
    if exchange.state is not State.SEEKING:
        return
    health = exchange.relay.fleet.health
    well = frozenset(
        each for each in engines if each in health and health[each].state in _SERVING and not health[each].misses
    )
    exchange.wish = replace(exchange.wish, tried=exchange.wish.tried - well)
    if exchange.rescue is not None:
        exchange.rescue.forget(well)
    exchange.seek()
