"""What follows when an attempt fails: another engine, the same one once more, or the end.

After the client has seen some of the answer, nobody can begin anew: `going_on`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from potluck.core.context import SURE_CONTEXT
from potluck.core.errors import (
    ClientError,
    ContextOverflow,
    ModelNotFound,
    NodeBusy,
    NodeError,
    NodeFailed,
    NodeUnreachable,
    PotluckError,
)
from potluck.core.health import Seen
from potluck.core.seam import AnotherAnswer
from potluck.gateway.relay import going_on
from potluck.gateway.relay.fitting import counted
from potluck.gateway.relay.preparing import own_child_returns
from potluck.gateway.seats import Seat

if TYPE_CHECKING:
    from potluck.gateway.relay.exchange import Exchange

# More than any context holds: such a call is looked at closely.
_TOO_MANY = 1 << 62


def attempt_failed(exchange: Exchange, error: PotluckError) -> None:
    """This attempt is over. Another engine may do better: start anew, or go on with what the client has seen."""
    seat = exchange.seat
    if seat is None:
        exchange.fail(error)
        return
    relay = exchange.relay
    error = _whose(exchange, seat, error)
    if exchange.spoken and isinstance(error, NodeError):
        going_on.broke(exchange, seat, error)
        return
    exchange.tried(seat, error)
    if isinstance(error, ContextOverflow):
        _overflowed(exchange, seat, error)
        return
    if not isinstance(error, NodeError):
        exchange.fail(error)
        return
    if seat.installation.backend.context_by_call:  # it may be the context that it cannot load
        relay.dispatcher.contexts.forget(seat.engine, seat.model.id)
    if isinstance(error, NodeUnreachable) and own_child_returns(exchange, seat):
        return
    if isinstance(error, NodeBusy) and error.loading and _may_wait(exchange):
        _wait_for_the_load(exchange, seat, error)
        return
    error.node = error.node or seat.node
    relay.fleet.saw(seat.engine, Seen.CALL_FAILED, error.message, seat.start.at_s)
    exchange.drop_attempt()
    # By the name that was asked for: one that left the choice to us leaves it again, without this engine. Who hears
    # keep-alives does not hang up for silence.
    exchange.wish = replace(
        exchange.wish,
        model=exchange.meta.model,
        tried=exchange.wish.tried | {seat.engine},
        failure=error,
        since_s=exchange.started_s,
        deadline_s=None if exchange.began else exchange.wish.deadline_s,
    )
    if exchange.hedge is not None and exchange.hedge.steps_in():
        return
    exchange.seek()


def _may_wait(exchange: Exchange) -> bool:
    """Until then an engine that says that it loads is believed."""
    return exchange.relay.clock() - exchange.started_s < exchange.relay.limits.first_byte_s


def _wait_for_the_load(exchange: Exchange, seat: Seat, error: NodeBusy) -> None:
    """The engine will be ready in a while: no failure of its, and nobody else need be asked who is not better placed.
    Until a look finds it ready, the scheduler seats nobody there."""
    exchange.relay.fleet.saw(seat.engine, Seen.LOADING, error.message)
    exchange.drop_attempt()
    exchange.wish = replace(exchange.wish, model=exchange.meta.model, failure=error, since_s=exchange.started_s)
    if exchange.hedge is not None and exchange.hedge.steps_in():
        return
    exchange.seek()


def _whose(exchange: Exchange, seat: Seat, error: PotluckError) -> PotluckError:
    """What looks like the client's error and is an engine's, as such."""
    if isinstance(error, ModelNotFound) and exchange.relay.dispatcher.elsewhere(seat, exchange.wish):
        # It was chosen because it lists the model, which was deleted since, or cannot be found there.
        return NodeFailed("The engine does not have a model that it lists.", status=404)
    if exchange.rescue is not None and isinstance(error, ClientError):
        # It was asked in our words, not in the client's, who had an answer to its own.
        return AnotherAnswer("The engine refuses to go on with an answer.", detail=error.message)
    return error


def _overflowed(exchange: Exchange, seat: Seat, error: ContextOverflow) -> None:
    """The engine has counted, and the prompt is too long for it; perhaps not for the same model elsewhere, or
    loaded with a larger context.
    """
    grows = seat.installation.backend.context_by_call
    context = error.context or (exchange.num_ctx or SURE_CONTEXT if grows else seat.model.context or 0)
    guess = exchange.room().prompt
    exchange.length = length = counted(guess, error.prompt_tokens, context)
    if exchange.spoken or length.least <= guess.least:
        exchange.fail(error)
        return
    exchange.drop_attempt()
    if exchange.hedge is not None:  # it is too long for it as well, or will be asked in its turn
        exchange.hedge.dropped()
    exchange.too_long = error
    tried = exchange.wish.tried if grows else exchange.wish.tried | {seat.engine}
    exchange.wish = replace(
        exchange.wish, model=exchange.meta.model, tried=tried, since_s=exchange.started_s, most_tokens=_TOO_MANY
    )
    exchange.seek()
