"""What all connections and exchanges share, and the one timer that sweeps them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from potluck.backends.port import Child
from potluck.core.errors import NoEngineReady, PotluckError
from potluck.core.hedging import Allowance
from potluck.core.model import Engine, EngineId, Model, ModelId, NodeId, UserId
from potluck.core.rescue import Bounds
from potluck.core.scheduling.rates import Rates
from potluck.core.scheduling.standing import UserTurn
from potluck.gateway.admission import Admission
from potluck.gateway.dispatch import Decided, Dispatcher
from potluck.gateway.door import Door
from potluck.gateway.fleet import Fleet
from potluck.gateway.images import RemoteImages
from potluck.gateway.last_minute import Minute
from potluck.gateway.ledger import Ledger
from potluck.gateway.port import Caller
from potluck.gateway.proofs import Proofs
from potluck.gateway.relay.client import ClientConnection, Side
from potluck.gateway.relay.exchange import Exchange
from potluck.gateway.relay.hops import Hops
from potluck.gateway.relay.pools import Pools
from potluck.gateway.relay.request import Request
from potluck.gateway.relay.states import State
from potluck.gateway.seats import Queued, Running
from potluck.gateway.tasks import Tasks
from potluck.wire.port import Ask
from potluck.wire.terms import Terms

if TYPE_CHECKING:  # it brings uvicorn, which no call needs
    from potluck.gateway.relay.bridge import AsgiSide

log = structlog.get_logger(__name__)

# Coarse on purpose: every deadline here is seconds long, and one timer for all costs nothing.
SWEEP_S = 0.5
# What is left to be said when a stop has run out of patience is a few hundred bytes for each client.
LAST_WORDS_S = 0.5
# Services that are started anew answer again after so many seconds.
_BACK_S = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds that a client, or an engine's answer, may take.

    ``max_body`` holds for an inference request as sent and decompressed, ``max_upload`` for all others (model blobs
    are gigabytes). ``head_s`` is for a whole head to arrive, ``body_s`` for the next piece of a body, ``idle_s`` for
    the next request on a kept connection, ``send_s`` for a client to take some of what is sent. ``pipeline`` requests
    may wait behind the one being answered. ``first_byte_s`` and ``stall_s`` are how long an engine may be silent before
    and after its first byte; ``keep_alive_s`` is the silence after which a client gets a comment, where its dialect has
    one. ``rescue`` bounds what is done for an answer whose engine broke; where another one can take over, an engine may
    be silent for as long as its learned speed says, ``silence_s`` at least: 0 is for as long as any.
    """

    max_body: int = 64_000_000
    max_head: int = 65_536
    max_headers: int = 128
    max_upload: int = 1 << 40
    max_answer: int = 256_000_000
    pipeline: int = 16
    head_s: float = 20.0
    body_s: float = 60.0
    idle_s: float = 75.0
    send_s: float = 60.0
    # A cold 70B model from a slow disk takes minutes; Ollama itself gives a load five (OLLAMA_LOAD_TIMEOUT).
    first_byte_s: float = 600.0
    stall_s: float = 120.0
    keep_alive_s: float = 15.0
    rescue: Bounds = field(default_factory=Bounds)
    silence_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Clocks:
    """``monotonic`` for waits, ``wall`` (Unix seconds) for what is written down."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]


class Relay:
    """Owns the client connections and the exchanges under way."""

    def __init__(
        self,
        *,
        doors: Iterable[Door],
        fallback: Door,
        authenticate: Callable[[Request], Caller],
        fleet: Fleet,
        pools: Pools,
        dispatcher: Dispatcher,
        proofs: Proofs,
        images: RemoteImages,
        tasks: Tasks,
        ledger: Ledger,
        admission: Admission,
        clocks: Clocks,
        new_id: Callable[[], str],
        page_fields: Callable[[bytes], bytes],
        limits: Limits = Limits(),
    ) -> None:
        """``fallback`` renders errors that happen before any door is known. ``page_fields`` are the header lines of an
        answer to a web page, by its origin."""
        self.doors: dict[bytes, dict[bytes, Door]] = {}
        for door in doors:
            self.doors.setdefault(door.path.encode(), {})[door.method.encode()] = door
        self.fallback = fallback
        self.authenticate = authenticate
        self._open_asgi: Callable[[], AsgiSide]
        self._asgi: AsgiSide | None = None
        self.fleet = fleet
        self.pools = pools
        self.dispatcher = dispatcher
        self.proofs = proofs
        self.images = images
        self.tasks = tasks
        self.ledger = ledger
        self.admission = admission
        self.clock = clocks.monotonic
        self.wall_clock = clocks.wall
        self.new_id = new_id
        self.page_fields = page_fields
        self.limits = limits
        self.look: Callable[[Iterable[EngineId], float], Awaitable[None]] = _nobody_looks
        """Look at engines now, for so many seconds at most; told once, before the first connection."""
        self.hops: Hops | None = None
        """Told once, before the first connection, where other gateways forward requests to this one."""
        self.hedge_allowances: dict[str, Allowance] = {}
        self.draining = False
        self.late = False
        self._swept_s = self.clock()
        self.connections: set[ClientConnection] = set()
        self.exchanges: set[Exchange] = set()
        self.watcher: Callable[[Exchange, bool], None] | None = None
        """Hears of every call that is over, and whether its client had left: a drill, while there is one."""

    def serve_rest(self, open_asgi: Callable[[], AsgiSide]) -> None:
        """Hand everything that is not inference to an application, which is made when it is first asked for. It is
        told once, before the first connection: the application itself may run calls over this relay."""
        self._open_asgi = open_asgi

    def bound(self, rescue: Bounds, silence_s: float) -> None:
        """Other bounds for answers that break (`Limits`), those under way too."""
        self.limits = replace(self.limits, rescue=rescue, silence_s=silence_s)

    # --- what the control plane looks at ---

    def snapshot(self) -> tuple[Engine, ...]:
        return self.fleet.snapshot()

    def where(self, model: str) -> tuple[tuple[Engine, Model], ...]:
        return self.fleet.where(model)

    def aliases(self) -> Mapping[str, str]:
        return self.fleet.catalogue.aliases()

    def listing(self) -> Sequence[Model]:
        return self.fleet.listing()

    def starts_s(self, engine: EngineId, model: ModelId) -> float | None:
        return self.dispatcher.starts_s(engine, model)

    def children(self, engine: EngineId) -> Sequence[Child]:
        return self.fleet.children(engine)

    def waiting(self) -> int:
        return self.dispatcher.waiting

    def queue(self) -> Sequence[Queued]:
        return self.dispatcher.queue()

    def under_way(self) -> Sequence[Running]:
        """The calls that have a seat now."""
        return [
            Running(
                request=each.id,
                user=each.caller.user,
                asked=each.meta.model,
                model=each.seat.model.id,
                node=each.seat.node,
                engine=each.seat.engine,
                family=each.door.family,
                kind=each.seat.start.ask.kind,
                since_s=each.meta.created_s,
                answering=each.first_byte_s is not None,
            )
            for each in self.exchanges
            if each.seat is not None
        ]

    def waiting_by_node(self) -> Mapping[NodeId, int]:
        """How many of the calls in line each node could serve."""
        wanted = Counter(each.model for each in self.dispatcher.queue()) if self.dispatcher.waiting else Counter[str]()
        found: Counter[NodeId] = Counter()
        for model, calls in wanted.items():
            for node in {engine.node for engine, _ in self.fleet.where(model)}:
                found[node] += calls
        return found

    def heard_s(self, engine: EngineId) -> float:
        """When a byte of some answer last came from an engine, on the relay's clock; minus infinity: none is coming."""
        return max((each.last_heard_s for each in self.exchanges if each.hears(engine)), default=float("-inf"))

    def turns(self) -> Mapping[UserId, UserTurn]:
        return self.dispatcher.turns()

    def rates(self) -> Mapping[tuple[EngineId, ModelId], Rates]:
        return self.dispatcher.rates()

    def decided(self) -> Decided:
        return self.dispatcher.decided

    def last_minute(self) -> Minute:
        return self.ledger.last_minute(self.wall_clock())

    # --- what connections and exchanges call ---

    @property
    def asgi(self) -> AsgiSide:
        """The application's side of the switch."""
        if self._asgi is None:
            self._asgi = self._open_asgi()
        return self._asgi

    def connection(self) -> ClientConnection:
        """A protocol for one more client; what a server's factory calls."""
        return ClientConnection(self)

    def exchange(self, client: ClientConnection, door: Door, ask: Ask, caller: Caller, terms: Terms) -> Exchange:
        """A call that a connection asks for."""
        return Exchange.of(self, client, door, ask, caller, None, terms)

    def refused(self, door: Door, error: PotluckError, caller: Caller | None, request_id: str) -> None:
        """A request was refused before it became a call."""
        self.ledger.refused(door.family, error, caller, request_id, self.wall_clock())

    def settled(self, exchange: Exchange, *, cancelled: bool) -> None:
        """A call is over, whichever way."""
        record = self.ledger.settled(exchange, now_s=self.clock(), wall_s=self.wall_clock(), cancelled=cancelled)
        if exchange.ticket is not None:
            self.admission.settled(exchange, exchange.ticket, record)
        if self.watcher is not None:
            self.watcher(exchange, cancelled)

    def sweep(self) -> None:
        """Once every `SWEEP_S`: deadlines of connections and calls, keep-alives, idle engine connections."""
        now_s = self.clock()
        # Late ourselves, we have not heard what engines said meanwhile: no silence is theirs.
        self.late = now_s - self._swept_s > 2 * SWEEP_S
        self._swept_s = now_s
        for exchange in tuple(self.exchanges):
            exchange.tick(now_s)
        for connection in tuple(self.connections):
            connection.expire(now_s)
        self.dispatcher.expire()
        self.pools.sweep()

    async def sweeping(self, every_s: float = SWEEP_S) -> None:
        """Sweep for ever: what one call's end stumbles over must not stop the deadlines of all others."""
        while True:
            await asyncio.sleep(every_s)
            try:
                self.sweep()
            except Exception:  # the edge of a task that has to live as long as the service
                log.exception("a sweep failed")

    def held(self) -> Mapping[tuple[EngineId, ModelId], int]:
        """The slots that calls have, by engine and model."""
        seats = [exchange.seat for exchange in self.exchanges]
        seats += [exchange.hedge.seat for exchange in self.exchanges if exchange.hedge is not None]
        return Counter((seat.engine, seat.model.id) for seat in seats if seat is not None)

    def move(self, side: Side, *, waiting: bool) -> int:
        """Hand requests of which no answer has begun to ``side``, with ``waiting`` only those that have no engine; how
        many they were. What is answered here from now on is the last of its connection."""
        self.draining = True
        return sum(connection.move(side, waiting=waiting) for connection in tuple(self.connections))

    async def drain(
        self,
        patience_s: float,
        hurry: asyncio.Event | None = None,
        hand_over: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Let calls under way finish, at most ``patience_s`` and until ``hurry``. What is left then ends in its
        dialect's error, but for what ``hand_over`` takes out of our hands first; who does not hear it in time is cut
        off."""
        self.draining = True
        for connection in tuple(self.connections):
            if not connection.busy:
                connection.transport.close()
        await self._idle(self.clock() + patience_s, hurry)
        if hand_over is not None:
            await hand_over()
        # Those in line first: they would else be given the slots of the others.
        for exchange in sorted(self.exchanges, key=lambda each: each.state is not State.SEEKING):
            exchange.give_up(NoEngineReady("Potluck is stopping.", retry_after_s=_BACK_S))
        await self._idle(self.clock() + LAST_WORDS_S)
        for connection in tuple(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # one turn later their ends are heard, and what they were waiting for is settled

    async def _idle(self, deadline_s: float, hurry: asyncio.Event | None = None) -> None:
        """Until no call is under way and everything is said, or it is time, or there is a ``hurry``."""
        while self.exchanges or any(each.busy for each in self.connections):
            if self.clock() >= deadline_s or (hurry is not None and hurry.is_set()):
                return
            await asyncio.sleep(0.05)


async def _nobody_looks(engines: Iterable[EngineId], within_s: float) -> None:
    """Where nobody watches engines."""
