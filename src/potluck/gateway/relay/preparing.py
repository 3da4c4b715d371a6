"""A model that its engine must make ready before it can be asked: a process started, weights loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from potluck.core.errors import PotluckError
from potluck.gateway.relay.states import State
from potluck.gateway.seats import Seat

if TYPE_CHECKING:
    from potluck.gateway.relay.exchange import Exchange

# From a crash of our own child to our knowing of it: the kernel's signal, and one turn of the loop.
CRASH_NOTICED_S = 0.2


async def prepare(exchange: Exchange, seat: Seat, then: Callable[[Seat], None], *, after_s: float = 0.0) -> None:
    """Have the model made ready, ``after_s`` seconds from now; ``then`` comes next, if the client is still there."""
    if after_s:
        await asyncio.sleep(after_s)
        if exchange.seat is not seat:
            return
    try:
        await seat.installation.backend.prepare(seat.model, exchange.ask.needs)
    except PotluckError as error:
        if exchange.seat is seat:
            exchange.attempt_failed(error)
        return
    if exchange.seat is seat:
        then(seat)


def own_child_returns(exchange: Exchange, seat: Seat) -> bool:
    """A child of ours that crashed is being restarted: worth one wait, where another engine's crash is not."""
    if seat.installation.supervised is None or exchange.retried_own:
        return False
    rescue = exchange.rescue
    if rescue is not None and not rescue.ways(seat.installation, seat.model, exchange.relay.proofs):
        return False
    exchange.retried_own = exchange.unheard = True
    exchange.drop_connection()
    exchange.state = State.CONNECTING
    exchange.spawn(prepare(exchange, seat, exchange.open, after_s=CRASH_NOTICED_S), "restart")
    return True
