"""An answer that broke after its client had seen some of it: who may go on with it, and how that one is asked.

`core.rescue` decides which ways are sound, `rescue` keeps what was tried; here the call is moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace

from potluck.core.call import TextCall
from potluck.core.catalogue import Offer
from potluck.core.errors import NodeError, NodeTimeout, NodeUnreachable, PotluckError
from potluck.core.health import Seen
from potluck.core.model import EngineId, Model
from potluck.core.rescue import PROVABLE, Told, Way
from potluck.core.seam import AnotherAnswer
from potluck.gateway.relay import telling
from potluck.gateway.relay.fitting import with_context
from potluck.gateway.relay.parts import PartsPassage
from potluck.gateway.relay.preparing import own_child_returns
from potluck.gateway.relay.rescue import Rescue
from potluck.gateway.relay.states import State
from potluck.gateway.seats import Seat
from potluck.wire.port import Broken
from potluck.wire.translation import interrupted

if TYPE_CHECKING:
    from potluck.gateway.relay.exchange import Exchange

log = structlog.get_logger(__name__)

# A tokenizer takes milliseconds; somebody waits, and without a count the pieces of the answer do for one.
_COUNT_PATIENCE_S = 2.0


def broke(exchange: Exchange, seat: Seat, error: NodeError) -> None:
    """An answer broke that the client has seen some of.

    1. Its end had been said before the engine went: it is whole after all.
    2. An engine may go on with it: our own child that comes back, or another one.
    3. Nobody may: the dialect's error.
    """
    broken = where(exchange)
    if isinstance(error, NodeUnreachable | NodeTimeout) and _ended(exchange):
        return
    relay = exchange.relay
    told = broken.told if broken is not None else Told()
    exchange.tried(seat, error, told_tokens=told.tokens)
    error.node = error.node or seat.node
    if not isinstance(error, AnotherAnswer):
        relay.fleet.saw(seat.engine, Seen.CALL_FAILED, error.message, seat.start.at_s)
    over = exchange.account.finish is not None  # behind the end of an answer there is nothing to go on with
    rescue = None if over else _rescue_from(exchange, seat, broken)
    if rescue is None:
        exchange.fail(error)
        return
    if isinstance(error, NodeUnreachable) and own_child_returns(exchange, seat):
        return
    tried = exchange.wish.tried if isinstance(error, AnotherAnswer) else exchange.wish.tried | {seat.engine}
    tried |= _unfit(exchange, rescue, tried)
    exchange.drop_attempt()
    exchange.wish = replace(
        exchange.wish,
        model=rescue.model,
        tried=tried,
        failure=error,
        since_s=exchange.started_s,
        prompt_tokens=exchange.meta.prompt_tokens + told.tokens,
        sent_tokens=told.tokens,
        deadline_s=rescue.began_s + relay.limits.rescue.within_s,
    )
    exchange.seek()


def where(exchange: Exchange) -> Broken | None:
    """Where the answer stands, for who may go on with it."""
    if exchange.passage is None:
        return None
    try:
        return exchange.passage.broken(lambda: exchange.ask.writer(exchange.meta))
    except Exception as error:
        log.error("a broken answer could not be read back", request=exchange.id, exc_info=error)
        return None


def _ended(exchange: Exchange) -> bool:
    """Whether the answer is whole although the engine has gone; then it is out, and the call is settled."""
    passage = exchange.passage
    if passage is None or isinstance(passage, PartsPassage):
        return False
    try:
        out = passage.end(exchange.relay.wall_clock())
    except Exception:  # noqa: BLE001 - of whatever kind: it is not whole
        return False
    exchange.finish(out)
    return True


def _rescue_from(exchange: Exchange, seat: Seat, broken: Broken | None) -> Rescue | None:
    """What goes on with the answer, if anything may."""
    if broken is None:
        return None
    # Whatever comes next, the engine that broke says no more.
    exchange.passage = interrupted(broken, prompt_tokens=exchange.meta.prompt_tokens)
    exchange.rescue = rescue = _rescue_of(exchange, seat)
    if rescue is None:
        return None
    rescue.broke(broken)
    return rescue if rescue.allowed(exchange.relay.limits.rescue, exchange.relay.clock()) else None


def _rescue_of(exchange: Exchange, seat: Seat) -> Rescue | None:
    """The one under way or, from now on, a new one."""
    if exchange.rescue is not None:
        return exchange.rescue
    try:
        return Rescue(exchange.call(), seat.model.id, seat.route, exchange.relay.clock())
    except PotluckError:  # an engine took the client's bytes, of which we cannot make a call
        return None


def _unfit(exchange: Exchange, rescue: Rescue, tried: frozenset[EngineId]) -> frozenset[EngineId]:
    """Engines that have the model and cannot go on with the answer."""
    fleet = exchange.relay.fleet
    offers = fleet.catalogue.resolve(rescue.model, exchange.wish.needs, tried).offers
    return rescue.unfit(offers, fleet, exchange.relay.proofs)


def could(exchange: Exchange, seat: Seat, offers: Sequence[Offer], now_s: float) -> bool:
    """Whether one of the offers could go on with an answer, were its engine given up now."""
    broken, rescue = where(exchange), _rescue_of(exchange, seat)
    if broken is None or rescue is None:
        return False
    rescue.broke(broken)
    unfit = rescue.unfit(offers, exchange.relay.fleet, exchange.relay.proofs)
    return rescue.allowed(exchange.relay.limits.rescue, now_s) and len(unfit) < len(offers)


def begin(exchange: Exchange, rescue: Rescue, seat: Seat) -> bool:
    """Ask the engine to go on with what another one began, in the best way that it is not known to fail at. False
    if that must be seen first. Raises what encoding does, and `AnotherAnswer` if there is no way."""
    proofs, installation = exchange.relay.proofs, seat.installation
    way = next(iter(rescue.ways(installation, seat.model, proofs)), None)
    if way is None:
        raise AnotherAnswer("The engine cannot go on with an answer.", node=seat.node)
    if way in PROVABLE and proofs.known(installation, seat.model, way) is None:
        exchange.spawn(_prove(exchange, seat, way), "proof")
        return False
    if rescue.to_count(way):
        exchange.spawn(_count(exchange, rescue, seat), "count")
        return False
    request, passage = rescue.begin(seat, _as_it_runs(exchange, seat), way, exchange.meta.prompt_tokens)
    exchange.speak_through(request.path, request.body, passage)
    telling.comment(exchange, b": rescue way=%b\n\n", way.encode())
    return True


def _as_it_runs(exchange: Exchange, seat: Seat) -> Model:
    """The model as an engine is asked for it that could be made to load it anew."""
    if not seat.installation.backend.context_by_call:
        return seat.model
    begun_tokens = exchange.rescue.broken.told.tokens if exchange.rescue is not None else 0
    return with_context(exchange, seat, begun_tokens)


async def _prove(exchange: Exchange, seat: Seat, way: Way) -> None:
    proved = await exchange.relay.proofs.proved(seat.installation, _as_it_runs(exchange, seat), way)
    if not proved and exchange.rescue is not None:
        exchange.rescue.rule_out(seat.engine, way)
    if exchange.seat is seat and exchange.state is State.CONNECTING:  # else the client left meanwhile
        exchange.open(seat)


async def _count(exchange: Exchange, rescue: Rescue, seat: Seat) -> None:
    """Have the engine count the text so far. One that cannot goes on all the same."""
    tokens: int | None = None
    try:
        async with asyncio.timeout(_COUNT_PATIENCE_S):
            tokens = await _counted(seat, rescue.broken.told.text)
    except (PotluckError, TimeoutError) as error:
        log.info("an engine did not count an answer's tokens", engine=seat.engine, why=str(error))
    rescue.count(tokens)
    if exchange.seat is seat and exchange.state is State.CONNECTING:  # else the client left meanwhile
        exchange.open(seat)


async def _counted(seat: Seat, text: str) -> int | None:
    """Without the tokens that the engine puts before every text."""
    backend, http = seat.installation.backend, seat.installation.http
    with_text = await backend.count_tokens(TextCall(seat.model.id, (text,)), seat.model, http)
    without = await backend.count_tokens(TextCall(seat.model.id, ("",)), seat.model, http)
    return None if with_text is None or without is None else with_text - without
