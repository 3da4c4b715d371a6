"""Before a call is refused because no engine is up: those that were down are looked at once more.

One that came back is found out by a probe, which may be half a minute away. That is late for a call whose other engines
have just failed, and soon enough for everybody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from potluck.core.errors import NodeError, NoEngineReady, PotluckError
from potluck.core.model import EngineId, Health
from potluck.gateway.relay.states import State

if TYPE_CHECKING:
    from potluck.gateway.relay.exchange import Exchange

# A machine that is up answers at once; one that is off lets the call wait for so long, and then it is refused.
LOOK_S = 1.5


def hopes(exchange: Exchange, error: PotluckError) -> bool:
    """Whether there is an engine to look at; then the call seeks anew once that is done. Once for each failure."""
    if not isinstance(error, NoEngineReady | NodeError):
        return False
    down = _down(exchange, exchange.wish.model, exchange.wish.tried)
    if down:
        exchange.spawn(_look(exchange, down), "last look")
    return bool(down)


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


async def _look(exchange: Exchange, engines: frozenset[EngineId]) -> None:
    await exchange.relay.look(engines, LOOK_S)
    if exchange.state is State.SEEKING:
        exchange.seek()
