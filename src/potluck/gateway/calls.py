"""Calls from inside, over the same exchanges as everybody's: native chat and code review want events, not bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from msgspec.structs import replace

from potluck.core.answer import Answer, Event
from potluck.core.call import Call, ChatCall, EmbedCall, InfillCall, LoadCall, said
from potluck.core.catalogue import SERVING
from potluck.core.errors import NodeError, NotFound, PotluckError
from potluck.core.generations import Standing
from potluck.core.model import Capability, ModelId, NodeId, RequestId
from potluck.core.names import AUTO, canonical
from potluck.core.openings import NO_OPENING, Opening, opening_of_text, opening_of_turns
from potluck.core.scheduling.classes import Kind
from potluck.gateway.door import Door
from potluck.gateway.port import Begun, Caller, Generation
from potluck.gateway.relay.exchange import Exchange
from potluck.gateway.relay.relay import Relay
from potluck.gateway.relay.rescue import Rescue
from potluck.gateway.relay.states import State
from potluck.gateway.relay.telling import renaming
from potluck.gateway.targets import nothing_to_choose
from potluck.wire.port import NO_OPTIONS, AnswerMeta, AnswerWriter, Broken, ErrorReply, Passage, Shape
from potluck.wire.terms import NO_TERMS, Terms

# Events that may wait for a slow reader before the engine is told to wait too.
_HIGH_WATER = 1024
# So many pauses end with the answer, if that is sooner: who says little keeps its slot no longer than it must.
_BRIEF_PAUSES = 10


class InsideAsk:
    """A `wire.port.Ask` whose request never had bytes; ``body`` is what the model is to read."""

    shape = Shape.NATIVE
    stream = True
    untouchable = False
    generations = 1
    kind = None
    options = NO_OPTIONS
    may_cut = False

    def __init__(self, call: Call, inbox: Inbox) -> None:
        self._call = call
        self._inbox = inbox
        self.model = call.model
        self.body = said(call).encode("utf-8", "surrogatepass")

    @property
    def opening(self) -> Opening:
        call = self._call
        if isinstance(call, ChatCall):
            return opening_of_turns((each.role, each.text) for each in call.messages)
        return opening_of_text(call.prefix) if isinstance(call, InfillCall) else NO_OPENING

    @property
    def answer_tokens(self) -> int | None:
        return 0 if isinstance(self._call, EmbedCall | LoadCall) else self._call.sampling.max_tokens

    @property
    def needs(self) -> frozenset[Capability]:
        return self._call.needs

    def call(self) -> Call:
        return self._call

    def writer(self, meta: AnswerMeta) -> AnswerWriter:
        self._inbox.empty()  # of an attempt that nobody heard of
        return self._inbox

    def passed(self, model: str) -> bytes:
        raise AssertionError("no engine speaks the native shape")

    def passage(self, meta: AnswerMeta) -> Passage:
        raise AssertionError("no engine speaks the native shape")


class Inbox:
    """Takes an exchange's events for a reader in another task. Writer and sink at once: the bytes are only a signal.

    With ``whole`` no signal is given before the end. So the exchange holds that nobody has heard anything, which is
    true, and an engine that breaks in the middle costs no answer.
    """

    stream_type = "application/octet-stream"
    keep_alive = b""

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole
        self._events: deque[Event] = deque()
        self._woken = asyncio.Event()
        self._pausing = False
        self._pauses = 0
        self._over = False
        self._error: PotluckError | None = None
        self.exchange: Exchange | None = None
        self.began: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def empty(self) -> None:
        self._events.clear()

    # --- wire.port.AnswerWriter ---

    def open(self) -> bytes:
        return b""

    def write(self, events: Sequence[Event], now_s: float) -> bytes:
        self._events.extend(events)
        if self._whole:
            return b""
        if not self._pausing:
            self._woken.set()
        if len(self._events) > _HIGH_WATER and self.exchange is not None:
            self.exchange.client_full()
        return b"." if events else b""

    def close(self, now_s: float) -> bytes:
        return b"." if self._whole else b""

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        self._error = error
        return b"!"

    def whole(self, answer: Answer, now_s: float) -> bytes:
        raise AssertionError("native asks stream")

    # --- exchange.Sink ---

    def begin(self, exchange: Exchange) -> None:
        if not self.began.done():
            self.began.set_result(None)

    def send(self, data: bytes) -> None:
        """The events are here already."""

    def end(self) -> None:
        self._over = True
        self._woken.set()
        if not self.began.done():
            self.began.set_result(None)

    def answer(self, exchange: Exchange, body: bytes) -> None:
        raise AssertionError("native asks stream")

    def refuse(self, exchange: Exchange, error: PotluckError) -> None:
        self._error = error
        self._over = True
        self._woken.set()
        if not self.began.done():
            self.began.set_exception(error)

    # --- the reader ---

    async def events(self) -> AsyncIterator[Event]:
        """Everything to the end. Raises what ended the answer early."""
        while True:
            while self._events:
                event = self._events.popleft()
                if len(self._events) == _HIGH_WATER // 2 and self.exchange is not None:
                    self.exchange.client_ready()
                yield event
            if self._over:
                break
            self._woken.clear()
            await self._woken.wait()
        if self._error is not None:
            raise self._error

    async def more(self, pause_s: float) -> Sequence[Event]:
        """As `Generation.more`. One timer and one wait for all that comes meanwhile."""
        if pause_s and not self._over:
            await self._pause(pause_s)
        while not self._events and not self._over:
            self._woken.clear()
            await self._woken.wait()
        found = tuple(self._events)
        self._events.clear()
        if len(found) > _HIGH_WATER and self.exchange is not None:
            self.exchange.client_ready()
        if not found and self._error is not None:
            raise self._error
        return found

    async def _pause(self, pause_s: float) -> None:
        """In a long answer nobody listens meanwhile: what the engine says gathers in the kernel and is read at once,
        where each of its words would wake us, which costs more than all that is then done with the word."""
        self._pauses += 1
        exchange = self.exchange if self._pauses > _BRIEF_PAUSES else None
        self._pausing = True
        self._woken.clear()
        if exchange is not None:
            exchange.client_full()
        timer = asyncio.get_running_loop().call_later(pause_s, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            timer.cancel()
            self._pausing = False
            if exchange is not None:
                exchange.client_ready()


class InsideGeneration:
    """A `gateway.port.Generation`."""

    def __init__(self, exchange: Exchange, inbox: Inbox) -> None:
        self._inbox = inbox
        served = exchange.served
        self.request = RequestId(exchange.id)
        self.node = served.node if served else NodeId("")
        self.model = served.model.id if served else ModelId(exchange.wish.model)
        self.attempts = len(exchange.attempts) + 1
        self.queue_s = exchange.queue_s
        self.renamed: Mapping[str, str] = renaming(exchange)

    def events(self) -> AsyncIterator[Event]:
        return self._inbox.events()

    async def more(self, pause_s: float = 0.0) -> Sequence[Event]:
        return await self._inbox.more(pause_s)


def _no_errors_as_bytes(error: PotluckError, request_id: str) -> ErrorReply:
    raise AssertionError("native calls raise their errors") from error


def _no_reading(body: bytes) -> InsideAsk:
    raise AssertionError("native calls are not read from bytes")


def inside_door(family: str, kind: Kind) -> Door:
    """The door of a call that comes from inside, which no request passes."""
    return Door(path="", family=family, read=_no_reading, errors=_no_errors_as_bytes, kind=kind)


class InsideCalls:
    """Implements `gateway.port.Calls` on a relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._under_way: dict[RequestId, Exchange] = {}

    @asynccontextmanager
    async def generate(
        self,
        call: Call,
        caller: Caller,
        *,
        family: str = "native",
        kind: Kind = Kind.CHAT,
        whole: bool = False,
        request: str = "",
        terms: Terms = NO_TERMS,
        begun: Begun | None = None,
        node: str = "",
    ) -> AsyncGenerator[Generation, None]:
        inbox = Inbox(whole=whole)
        ask, door = InsideAsk(call, inbox), inside_door(family, kind)
        exchange = Exchange.of(self._relay, inbox, door, ask, caller, RequestId(request) or None, terms)
        inbox.exchange = exchange
        # Two attempts would write into one inbox, and neither speak; nor does anybody go on with an answer twice.
        exchange.may_hedge = not whole and begun is None
        if node:
            self._only_at(exchange, node)
        if begun is not None and begun.told.pieces:
            self._go_on(exchange, inbox, begun)
        self._under_way[exchange.id] = exchange
        try:
            exchange.start()
            await inbox.began
            yield InsideGeneration(exchange, inbox)
        finally:
            exchange.client_gone()
            self._under_way.pop(exchange.id, None)

    def _only_at(self, exchange: Exchange, node: str) -> None:
        """Leave a call no engines but a node's. Raises `NotFound`."""
        engines = self._relay.fleet.engines
        elsewhere = frozenset(each.id for each in engines.values() if each.node != node)
        if len(elsewhere) == len(engines):
            raise NotFound(f"There is no node '{node}' with an engine.", hint="'potluck nodes' lists them.")
        exchange.wish = replace(exchange.wish, tried=exchange.wish.tried | elsewhere)

    def _go_on(self, exchange: Exchange, inbox: Inbox, begun: Begun) -> None:
        """Set an exchange out as if its engine had just broken. Raises `NodeError` if there are engines with the model
        and none can go on."""
        relay, now_s = self._relay, self._relay.clock()
        exchange.rescue = rescue = Rescue(exchange.call(), begun.model, "", now_s)
        rescue.broke(Broken(begun.told, inbox))
        offers = relay.fleet.catalogue.resolve(begun.model, exchange.wish.needs).offers
        unfit = rescue.unfit(offers, relay.fleet, relay.proofs)
        if offers and {offer.engine.id for offer in offers} <= unfit | exchange.wish.tried:
            raise NodeError("No engine can go on with this answer.")
        exchange.spoken = True  # nobody starts it anew
        exchange.free = True
        exchange.wish = replace(
            exchange.wish,
            model=begun.model,
            tried=exchange.wish.tried | unfit,
            prompt_tokens=exchange.meta.prompt_tokens + begun.told.tokens,
            sent_tokens=begun.told.tokens,
        )

    def under_way(self, request: RequestId) -> Standing | None:
        exchange = self._under_way.get(request)
        if exchange is None:
            return None
        attempts = len(exchange.attempts) + 1
        if exchange.state is State.SEEKING:
            place = self._relay.dispatcher.standing(request)
            return Standing(attempts=attempts) if place is None else Standing(place.position, place.eta_s)
        # An answer that is there already has no seat any more, and yet readers who have not heard it.
        seat = exchange.served if exchange.state is State.DONE else exchange.seat
        way = exchange.rescue.way if exchange.rescue is not None else None
        return Standing(node=seat.node if seat is not None else "", attempts=attempts, way=str(way) if way else "")

    def ready(self, model: str) -> bool:
        """The choice that is left to us (`auto`) is one among all."""
        if canonical(model) == AUTO:
            return any(engine.health in SERVING for engine in self._relay.snapshot())
        return any(engine.health in SERVING for engine, _ in self._relay.where(model))

    def default_model(self, call: Call) -> str:
        route = "coding" if isinstance(call, InfillCall) else "chat"
        name = self._relay.fleet.catalogue.default(call.needs, route)
        if not name:
            raise nothing_to_choose(self._relay.fleet.catalogue.names())
        return name
