"""What follows from silence, looked at by the sweep: the client is told that we are still at it, and an engine that
says nothing for too long is left."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from potluck.core.errors import NodeTimeout, NodeUnreachable
from potluck.core.model import Capability
from potluck.gateway.relay import going_on, hedging, last_look, telling
from potluck.gateway.relay.encoding import GENERATING
from potluck.gateway.relay.states import State

if TYPE_CHECKING:
    from potluck.gateway.relay.exchange import Exchange
    from potluck.gateway.seats import Seat

# An engine that has no time for a look may still be at work on an answer, and then says more of it now and then.
DESERTED_S = 3.0


def look(exchange: Exchange, now_s: float) -> None:
    """Of one call whose client is there and takes what is sent."""
    limits = exchange.relay.limits
    if exchange.ask.stream and now_s - exchange.last_sent_s >= limits.keep_alive_s:
        _fill(exchange, now_s)
    if exchange.state not in (State.AWAITING, State.COLLECTING, State.STREAMING):
        return
    silent_s = now_s - exchange.last_heard_s
    patience_s = limits.first_byte_s if exchange.unheard else limits.stall_s
    suspected = limits.silence_s and silent_s >= limits.silence_s and exchange.ask.needs & GENERATING
    if silent_s >= patience_s or (suspected and _hangs(exchange, silent_s, now_s)):
        exchange.attempt_failed(NodeTimeout(f"The engine was silent for {silent_s:.0f} s."))
    elif why := _deserted(exchange, silent_s):
        exchange.attempt_failed(NodeUnreachable(why))
    elif exchange.may_hedge and exchange.unheard and hedging.due(exchange, now_s):
        hedging.begin(exchange, now_s)


def _deserted(exchange: Exchange, silent_s: float) -> str:
    """Why nobody need wait for the engine any more; empty while there is hope, or part of the answer."""
    if exchange.spoken or silent_s < DESERTED_S or exchange.seat is None:
        return ""
    return exchange.relay.dispatcher.deserted(exchange.seat, exchange.wish)


def _hangs(exchange: Exchange, silent_s: float, now_s: float) -> bool:
    """Whether the engine is silent for longer than its speed explains, and another one could take over."""
    seat, relay, needs = exchange.seat, exchange.relay, exchange.wish.needs
    if seat is None or relay.late:
        return False
    whole_tokens = None if _streamed(exchange, seat) else exchange.ask.answer_tokens or inf
    whole_parts = Capability.TOOLS in exchange.ask.needs
    if silent_s < relay.dispatcher.silence_s(seat, whole_parts=whole_parts, whole_tokens=whole_tokens):
        return False
    tried = exchange.wish.tried | {seat.engine}
    # Not onto one that would have to load first: that might take longer, and this one works perhaps.
    offers = [
        offer
        for offer in relay.fleet.catalogue.resolve(str(seat.model.id), needs, tried).offers
        if offer.could_serve(needs, tried) and offer.model.resident and not offer.engine.loading
    ]
    if not offers:
        last_look.ahead(exchange, str(seat.model.id), tried)
        return False
    if not exchange.spoken:
        return True
    return going_on.could(exchange, seat, offers, now_s)


def _streamed(exchange: Exchange, seat: Seat) -> bool:
    """Whether the engine says what it writes as it writes it: some do whether the client asked for that or not."""
    return exchange.ask.stream or seat.installation.backend.hears_only_streams


def _fill(exchange: Exchange, now_s: float) -> None:
    """Say that we are still at it, where the dialect has a way to."""
    if exchange.state is State.SEEKING:
        telling.standing(exchange, now_s)
    elif exchange.passage is not None and exchange.passage.keep_alive:
        exchange.emit(exchange.passage.keep_alive, now_s, speaks=False)
