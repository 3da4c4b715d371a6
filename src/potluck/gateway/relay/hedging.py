"""A second attempt beside one whose answer does not begin. Whichever speaks first is the call's; the other is cut off.

Only of streams: a whole answer is silent until it is there. `core.hedging` says when and how often, the scheduler
where: it is never waited for, and no model is loaded for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from potluck.backends.port import Ready
from potluck.core.context import NUM_CTX
from potluck.core.errors import MalformedAnswer, NodeError, NodeUnreachable, PotluckError
from potluck.core.health import Seen
from potluck.core.hedging import Allowance, HedgeRule
from potluck.core.model import RequestId
from potluck.gateway.relay import heads, telling
from potluck.gateway.relay.encoding import Asked, encode
from potluck.gateway.relay.engine import EngineConnection, Pool
from potluck.gateway.relay.states import State
from potluck.gateway.seats import Seat
from potluck.wire.port import Passage

if TYPE_CHECKING:
    from potluck.gateway.relay.exchange import Exchange


def counted(exchange: Exchange, route: str) -> None:
    """A call of a route has its first seat. Where the route hedges, that earns a part of a hedge."""
    rule = exchange.relay.fleet.catalogue.hedges.get(route)
    if rule is not None and exchange.ask.stream:
        exchange.relay.hedge_allowances.setdefault(route, Allowance()).called(rule.share)


def due(exchange: Exchange, now_s: float) -> bool:
    """Whether a call's first byte is late by its route's rule, and a second engine may be asked."""
    relay, seat = exchange.relay, exchange.seat
    if seat is None or relay.late or exchange.state not in (State.AWAITING, State.STREAMING):
        return False
    rule = relay.fleet.catalogue.hedges.get(seat.route)
    if rule is None or not exchange.ask.stream or exchange.ask.generations != 1 or exchange.rescue is not None:
        return False
    allowance = relay.hedge_allowances.get(seat.route)
    if allowance is None or not allowance.left:
        return False
    after_s = _after_s(exchange, seat, rule)
    return after_s is not None and now_s - exchange.sent_s >= after_s


def _after_s(exchange: Exchange, seat: Seat, rule: HedgeRule) -> float | None:
    return exchange.relay.dispatcher.late_s(seat, rule.quantile) if rule.after_s is None else rule.after_s


def begin(exchange: Exchange, now_s: float) -> None:
    """Ask a second engine, if one could begin at once."""
    seat, relay = exchange.seat, exchange.relay
    assert seat is not None
    twin = relay.dispatcher.hedge(seat, RequestId(f"{exchange.id}-hedge"))
    if twin is None:
        return
    if not _stays_as_it_is(exchange, twin):
        relay.dispatcher.release(twin)
        return
    asked = _asked(exchange, twin)
    address = twin.installation.backend.address(twin.model, exchange.ask.needs)
    if asked is None or address is None:
        relay.dispatcher.release(twin)
        return
    exchange.may_hedge = False
    relay.hedge_allowances[twin.route].spend()
    exchange.hedge = hedge = Hedge(exchange, twin, now_s - exchange.sent_s, *asked)
    hedge.connect(relay.pools.to(address))


def _asked(exchange: Exchange, twin: Seat) -> Asked | None:
    """What it is asked; None where it cannot do this, or need not: the first one may."""
    try:
        asked = encode(exchange.ask, exchange.call, exchange.meta, twin.installation.backend, twin.model)
    except PotluckError:
        return None
    return None if isinstance(asked, Ready) else asked


def _stays_as_it_is(exchange: Exchange, twin: Seat) -> bool:
    """Whether the call surely fits into what the model is loaded with there: another context would load it anew."""
    if not twin.installation.backend.context_by_call:
        return True
    loaded = exchange.relay.dispatcher.contexts.loaded(twin.engine, twin.model)
    if loaded is None or loaded != twin.model.loaded_context or NUM_CTX in exchange.ask.options:
        return False
    return exchange.wish.most_tokens <= loaded


class Hedge:
    """The second attempt of one call, until it has won, lost or failed. Implements `engine.EngineUser`."""

    def __init__(
        self, exchange: Exchange, seat: Seat, after_s: float, path: str, body: bytes, passage: Passage
    ) -> None:
        self._exchange = exchange
        self.seat = seat
        self._after_s = after_s
        self.path = path
        self.body = body
        self.passage = passage
        self.opening = passage.open()  # before it is fed: writers count their events from there
        self.connection: EngineConnection | None = None
        self.status = 0
        self.sent_s = 0.0

    def connect(self, pool: Pool) -> None:
        connection = pool.take()
        if connection is not None:
            self._send(pool, connection)
        else:
            self._exchange.relay.tasks.spawn(self._dial(pool), f"dial for the hedge of {self._exchange.id}")

    async def _dial(self, pool: Pool) -> None:
        try:
            connection = await pool.dial()
        except NodeError as error:
            self._failed(error)
            return
        if self._under_way:
            self._send(pool, connection)
        else:
            pool.give(connection)

    def _send(self, pool: Pool, connection: EngineConnection) -> None:
        if connection.transport.is_closing():
            self.engine_lost(NodeUnreachable("The engine closed the connection."), stale=connection.reused)
            return
        self.connection = connection
        self.sent_s = self._exchange.relay.clock()
        connection.send(self, pool.head("POST", self.path, "application/json", self.body) + self.body)

    @property
    def _under_way(self) -> bool:
        return self._exchange.hedge is self

    # --- engine.EngineUser ---

    def engine_head(self, status: int) -> None:
        self.status = status

    def engine_body(self, data: bytes) -> None:
        relay = self._exchange.relay
        try:
            if self.status != 200:
                raise self.seat.installation.backend.error(self.status, data, self._exchange.wish.model)
            out = self.passage.forward(data, relay.wall_clock())
        except PotluckError as error:
            self._failed(error)
            return
        if out:
            self._won()
            self._exchange.emit(out, relay.clock())

    def engine_end(self) -> None:
        """It said all that it had to say, and none of it was for the client yet: rarely an answer."""
        self.connection = None
        relay = self._exchange.relay
        try:
            if self.status != 200:
                raise self.seat.installation.backend.error(self.status, b"", self._exchange.wish.model)
            out = self.passage.end(relay.wall_clock())
            if not out:
                raise MalformedAnswer("The engine's answer is empty.")
        except PotluckError as error:
            self._failed(error)
            return
        self._won()
        self._exchange.finish(out)

    def engine_lost(self, error: NodeError, *, stale: bool) -> None:
        self.connection = None
        if stale:  # nothing was asked yet: it is the first attempt's turn as before
            self._over("failed")
        else:
            self._failed(error)

    # --- how it ends ---

    def _won(self) -> None:
        exchange = self._exchange
        first = exchange.seat
        assert first is not None
        exchange.tried(first, None, beside=self._beside("this one was late"))
        exchange.drop_connection()
        exchange.take_over(self)
        exchange.relay.dispatcher.beaten(first)
        self._told("won")

    def lost(self) -> None:
        """The first attempt speaks."""
        self._exchange.tried(self.seat, None, beside=self._beside("the first one was late, and yet sooner"))
        self._over("lost")

    def steps_in(self) -> bool:
        """The first attempt has failed: whether this one is the call's from now on."""
        if self.connection is None:  # not asked yet; the call finds its next place as always
            self._over("cancelled")
            return False
        self._exchange.take_over(self)
        self._told("won")
        return True

    def dropped(self) -> None:
        """The call is over, or begins anew."""
        self._over("cancelled")

    def _failed(self, error: PotluckError) -> None:
        """It is as bad as the other, or worse. What is wrong with the call itself, the first engine says as well."""
        if not self._under_way:
            return
        exchange, engine = self._exchange, self.seat.engine
        if isinstance(error, NodeError):
            error.node = error.node or self.seat.node
            exchange.tried(self.seat, error)
            exchange.relay.fleet.saw(engine, Seen.CALL_FAILED, error.message, self.seat.start.at_s)
            exchange.wish = replace(exchange.wish, tried=exchange.wish.tried | {engine})
        self._over("failed")

    def _over(self, outcome: str) -> None:
        """Cut it off: the engine stops, and its slot is free at once."""
        exchange = self._exchange
        exchange.hedge = None
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.abort()
        exchange.relay.dispatcher.release(self.seat)
        self._told(outcome)

    def _told(self, outcome: str) -> None:
        exchange = self._exchange
        exchange.relay.ledger.hedged(outcome)
        if exchange.state is not State.DONE:
            figures = (heads.value(self.seat.node), round(self._after_s * 1000), outcome.encode())
            telling.beforehand(exchange, b": hedge node=%b after-ms=%d %b\n\n" % figures)

    def _beside(self, why: str) -> str:
        return f"Two engines were asked, the second after {self._after_s:.1f} s: {why}."
