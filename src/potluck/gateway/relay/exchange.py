"""One call, from a read ask to its settlement: seek a seat, open an attempt, relay the answer, settle.

States and what moves them (each line: state, event, next state):

    PREPARING   images fetched                        SEEKING
    SEEKING     seated / refused                      CONNECTING / DONE
    CONNECTING  connection ready / failed             AWAITING / SEEKING or DONE
    AWAITING    200 and a stream / anything else      STREAMING / COLLECTING
    STREAMING   body ends / breaks                    DONE / SEEKING (another engine starts anew, or goes on) or DONE
    COLLECTING  body ends / breaks                    DONE or SEEKING
    any         client gone                           DONE

Whatever the way, `_settle` runs once: it frees the slot, drops or keeps the connection, and writes the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from potluck.backends.port import Backend, Ready
from potluck.core.answer import collect
from potluck.core.auto import Choice, Look, choose, look
from potluck.core.call import Call
from potluck.core.context import NUM_CTX, SURE_CONTEXT, USUAL_ANSWER, Length
from potluck.core.context import needs as context_needed
from potluck.core.errors import (
    ClientError,
    ContextOverflow,
    MalformedAnswer,
    ModelNotFound,
    NodeError,
    NodeFailed,
    NodeTimeout,
    NodeUnreachable,
    PotluckError,
    Unsupported,
)
from potluck.core.health import Seen
from potluck.core.model import Capability, EngineId, Model, RequestId
from potluck.core.openings import conversation_name
from potluck.core.rescue import PROVABLE, Told, Way
from potluck.core.scheduling.decisions import Start
from potluck.core.scheduling.rates import Timing
from potluck.core.seam import AnotherAnswer
from potluck.gateway import answer_headers as told
from potluck.gateway.dispatch import Queued, Seat, Wish
from potluck.gateway.door import Door
from potluck.gateway.port import Caller
from potluck.gateway.relay import heads
from potluck.gateway.relay.engine import EngineConnection, Pool
from potluck.gateway.relay.fitting import counted, measured, notes, spoken_length
from potluck.gateway.relay.parts import PartsPassage, split
from potluck.gateway.relay.rescue import Rescue
from potluck.gateway.targets import Room, nothing_to_choose
from potluck.gateway.timing import timing_of
from potluck.wire.port import Account, AnswerMeta, Ask, Broken, Passage
from potluck.wire.terms import NO_TERMS, Terms
from potluck.wire.translation import Translation, interrupted

if TYPE_CHECKING:
    from potluck.gateway.relay.relay import Relay

log = structlog.get_logger(__name__)

# From a crash of our own child to our knowing of it: the kernel's signal, and one turn of the loop.
CRASH_NOTICED_S = 0.2
# An engine that has no time for a look may still be at work on an answer, and then says more of it now and then.
DESERTED_S = 3.0
# What a call needs that is answered with text, word by word; all else is over at once.
_GENERATING = frozenset({Capability.COMPLETION, Capability.INSERT})
_NONE: frozenset[EngineId] = frozenset()
# What is kept of an engine's error body: its message stands at the front.
_ERROR_BYTES = 64 * 1024
# Streams with comments.
_EVENTS = "text/event-stream"
# More than any context holds: such a call is looked at closely.
_TOO_MANY = 1 << 62


_HEAD = (
    f"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n{told.REQUEST_ID}: %b\r\n{told.NODE}: %b\r\n"
    f"{told.ATTEMPTS}: %d\r\n{told.QUEUE_MS}: %d\r\n"
).encode()
_HEAD_IN_LINE = (
    f"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n{told.REQUEST_ID}: %b\r\n{told.QUEUE_MS}: %d\r\n"
    f"{told.QUEUE_POSITION}: %d\r\n{told.QUEUE_ETA_MS}: %d\r\n"
).encode()


@lru_cache(256)
def _renamed(model: str, route: str, why: str) -> bytes:
    """The lines of a head for who asked by another name than the model's own."""
    return heads.fields(renaming(model, route, why).items())


def renaming(model: str, route: str, why: str) -> dict[str, str]:
    """Headers for what `Exchange.renamed` tells."""
    said = {told.MODEL: model, told.ROUTE: route, told.AUTO: why}
    return {name: value for name, value in said.items() if value}


class Sink(Protocol):
    """Where an answer goes. Either ``begin``, ``send``…, ``end``; or ``answer``; or ``refuse``."""

    def begin(self, exchange: Exchange) -> None:
        """A stream begins. After this there is no other head."""
        ...

    def send(self, data: bytes) -> None: ...

    def end(self) -> None: ...

    def answer(self, exchange: Exchange, body: bytes) -> None:
        """Not streamed: the whole answer."""
        ...

    def refuse(self, exchange: Exchange, error: PotluckError) -> None: ...


class State(Enum):
    PREPARING = auto()
    SEEKING = auto()
    CONNECTING = auto()
    AWAITING = auto()
    COLLECTING = auto()
    STREAMING = auto()
    DONE = auto()


class Attempt(msgspec.Struct, frozen=True):
    """One try on one engine. ``error`` is None for the one that succeeded or is under way. ``told_tokens`` is about how
    much the client had of the answer when it failed."""

    engine: EngineId
    error: PotluckError | None
    told_tokens: int = 0


class Exchange:
    """One call under way. All times are the relay's monotonic clock."""

    # What a call has from its first moment is set below; what it may come to have begins as here.
    state = State.PREPARING
    seat: Seat | None = None
    served: Seat | None = None
    decision: Start | None = None
    error: PotluckError | None = None
    choice: Choice | None = None
    seated_s: float | None = None
    sent_s = 0.0  # when the request of this attempt went out
    first_byte_s: float | None = None
    began = False  # the head of the answer is out
    opened = False  # and what the dialect's streams open with
    spoken = False  # part of the answer is out: no other engine can start it anew, only go on with it
    stream_type = "application/octet-stream"  # the dialect's, as soon as an attempt has a passage
    place: Queued | None = None  # where it stood when its stream began in line
    attempts: Sequence[Attempt] = ()
    _call: Call | None = None
    _look: Look | None = None
    _passage: Passage | None = None
    _connection: EngineConnection | None = None
    _status = 0
    _collected: list[bytes] | None = None
    _collected_bytes = 0
    _retried_stale = False
    _retried_own = False
    _full = False
    _cancelled = False
    rescue: Rescue | None = None
    _unheard = True  # this attempt has said nothing yet
    _opening = b""
    _path = ""
    _body = b""
    _length: Length | None = None
    _num_ctx: int | None = None
    _too_long: ContextOverflow | None = None
    _notes = b""

    def __init__(
        self,
        relay: Relay,
        sink: Sink,
        door: Door,
        ask: Ask,
        caller: Caller,
        request: RequestId | None = None,
        terms: Terms = NO_TERMS,
    ) -> None:
        """``request`` is the call's id where it has one already, ``terms`` what its client said beside it."""
        self._relay = relay
        self._sink = sink
        self.door = door
        self.ask = ask
        self.caller = caller
        self.id = request = request or RequestId(relay.new_id())
        self.started_s = self.last_sent_s = self.last_heard_s = relay.clock()
        model = ask.model or relay.fleet.catalogue.default(ask.needs, door.route)
        # A guess at the prompt's tokens, for dialects that tell them before the engine does: four bytes each.
        size, wanted = len(ask.body), ask.answer_tokens
        self.meta = AnswerMeta(request, model, relay.wall_clock(), size // 4 or 1)
        kind = terms.kind or ask.kind or door.kind
        heard_s = relay.limits.keep_alive_s if ask.stream else None
        deadline_s = terms.deadline_s(self.started_s, heard_within_s=heard_s) if terms is not NO_TERMS else None
        self.wish = Wish(
            request,
            caller.key,
            model,
            ask.needs,
            _NONE,
            None,
            kind,
            self.meta.prompt_tokens,
            None,
            deadline_s,
            size + (USUAL_ANSWER if wanted is None else wanted),
        )

    # --- begin ---

    def start(self) -> None:
        """Set out. May settle before it returns."""
        self._relay.exchanges.add(self)
        if not self.wish.model:
            self._fail(nothing_to_choose(self._relay.fleet.catalogue.names()))
        elif self.ask.untouchable:
            self._seek()
        else:
            self._start_translated()

    def _start_translated(self) -> None:
        """The call must be read whole, and may hold images that lie elsewhere."""
        try:
            remote = self._relay.images.needed(self.call())
        except ClientError as error:
            self._fail(error)
            return
        if remote:
            self._relay.tasks.spawn(self._contained(self._fetch_images()), f"images of {self.id}")
        else:
            self._seek()

    def call(self) -> Call:
        """The neutral record, made once."""
        if self._call is None:
            self._call = self.ask.call()
        return self._call

    async def _fetch_images(self) -> None:
        try:
            self._call = await self._relay.images.fetched(self.call())
        except PotluckError as error:
            if self.state is not State.DONE:
                self._fail(error)
            return
        if self.state is not State.DONE:
            self._seek()

    def _seek(self) -> None:
        self.state = State.SEEKING
        self._relay.dispatcher.seek(self)

    # --- dispatch.Seeker ---

    def choose(self) -> None:
        """The client left the choice of a model to us."""
        try:
            if self._look is None:
                self._look = look(self.call(), coding=self.door.route == "coding")
            self.choice = choose(self._look, self._relay.fleet.catalogue, self.wish.tried)
        except PotluckError as error:
            self._fail(self.wish.failure or error)
            return
        self.wish = self.wish._replace(model=self.choice.name, needs=self._look.needs)
        self._seek()

    @property
    def conversation(self) -> str:
        return conversation_name(self.caller.key, self.ask.opening)

    def room(self) -> Room:
        if self._length is None:
            self._length = measured(self.ask, self.call)
        return Room(self._length, self.ask.answer_tokens, self.ask.may_cut)

    def refused(self, error: PotluckError) -> None:
        if isinstance(error, ContextOverflow) and error.estimated and self._is_shorter():
            self._seek()
            return
        failure = self.wish.failure
        if self.rescue is not None and failure is not None:
            error = failure
        # What an engine said of the prompt tells more than that no other place was found.
        self._fail(error if self._too_long is None or isinstance(error, ContextOverflow) else self._too_long)

    def _is_shorter(self) -> bool:
        """Whether the prompt is less than its body let one think, which may hold much that no model reads."""
        if self._too_long is not None:  # an engine has counted
            return False
        try:
            closer = spoken_length(self.call())
        except PotluckError:  # an engine might tell what is wrong with it; here it is too long as well
            return False
        shorter = self._length is not None and closer.least < self._length.least
        if shorter:
            self._length = closer
        return shorter

    def seated(self, seat: Seat) -> None:
        self.seat = self.served = seat
        self.decision = seat.start
        self.last_heard_s = self._relay.clock()
        if self.seated_s is None:
            self.seated_s = self.last_heard_s
        self._unheard = True
        self.state = State.CONNECTING
        if self.began:
            self._tell(b": seated node=%b attempts=%d queue-ms=%d\n\n", heads.value(seat.node), *self._efforts())
        self._open(seat)

    def _open(self, seat: Seat) -> None:
        """Make the engine's request, and find a connection for it."""
        try:
            if not self._encode(seat):
                return
            address = seat.installation.backend.address(seat.model, self.ask.needs)
        except PotluckError as error:
            self._attempt_failed(error)
            return
        except Exception as error:  # noqa: BLE001 - not into the arms of whoever gave the slot free
            self._stumbled(error)
            return
        if address is None:
            self._relay.tasks.spawn(self._contained(self._prepare(seat)), f"prepare for {self.id}")
        else:
            self._connect(self._relay.pools.to(address))

    def _encode(self, seat: Seat) -> bool:
        """Make the engine's request; False if no engine was needed and the answer is out already, or if something else
        comes first."""
        if self.rescue is not None:
            return self._go_on(self.rescue, seat)
        backend, model, ask = seat.installation.backend, seat.model, self.ask
        if backend.context_by_call:
            model = self._with_context(seat)
        if ask.options or self._length is not None:
            self._notes = notes(ask, self._length, model)
        if ask.untouchable and self._passes(backend):
            try:
                self._path, self._body = backend.pass_through(ask, model)
            except Unsupported:  # not for this model: what a translation can do is seen below
                pass
            else:
                self._speak_through(ask.passage(self.meta))
                return True
        parts = (self.call(),) if backend.many else split(self.call())
        request = backend.encode(parts[0], model, stream=ask.stream)
        writer = ask.writer(self.meta)
        if isinstance(request, Ready):
            self._answer_ready(request)
            return False
        self._path, self._body = request.path, request.body
        if len(parts) == 1:
            self._speak_through(Translation(request.reader, writer, prompt_tokens=self.meta.prompt_tokens))
        else:
            rest = [backend.encode(part, model, stream=ask.stream) for part in parts[1:]]
            asked = [each for each in rest if not isinstance(each, Ready)]
            self._speak_through(PartsPassage(request, asked, writer, prompt_tokens=self.meta.prompt_tokens))
        return True

    def _with_context(self, seat: Seat) -> Model:
        """The model as the engine is asked to run it for this call."""
        contexts, model = self._relay.dispatcher.contexts, seat.model
        loaded, needed = contexts.loaded(seat.engine, model), self.wish.most_tokens
        if needed > (SURE_CONTEXT if loaded is None else loaded):
            room = self.room()
            needed = context_needed(room.prompt, room.wanted_tokens)
        wish = self.ask.options.get(NUM_CTX) if self.ask.options else None
        self._num_ctx, seat.look = contexts.choose(seat.engine, model, needed, wish)
        return model if self._num_ctx == model.loaded_context else replace(model, loaded_context=self._num_ctx)

    def _go_on(self, rescue: Rescue, seat: Seat) -> bool:
        """Ask the engine to go on with what another one began, in the best way that it is not known to fail at. False
        if that must be seen first, or if there is none."""
        proofs, installation = self._relay.proofs, seat.installation
        way = next(iter(rescue.ways(installation, seat.model, proofs)), None)
        if way is None:
            raise AnotherAnswer("The engine cannot go on with an answer.", node=seat.node)
        if way in PROVABLE and proofs.known(installation, seat.model, way) is None:
            self._relay.tasks.spawn(self._contained(self._prove(seat, way)), f"proof for {self.id}")
            return False
        request, passage = rescue.begin(seat, self._as_it_runs(seat), way, self.meta.prompt_tokens)
        self._path, self._body = request.path, request.body
        self._speak_through(passage)
        self._tell(b": rescue way=%b\n\n", way.encode())
        return True

    def _as_it_runs(self, seat: Seat) -> Model:
        """The model as an engine is asked for it that could be made to load it anew."""
        return self._with_context(seat) if seat.installation.backend.context_by_call else seat.model

    async def _prove(self, seat: Seat, way: Way) -> None:
        proved = await self._relay.proofs.proved(seat.installation, self._as_it_runs(seat), way)
        if not proved and self.rescue is not None:
            self.rescue.rule_out(seat.engine, way)
        if self.seat is seat and self.state is State.CONNECTING:  # else the client left meanwhile
            self._open(seat)

    def _speak_through(self, passage: Passage) -> None:
        """Take a passage for this attempt. It is opened before it is fed: writers count their events from there."""
        self._passage, self._opening, self.stream_type = passage, passage.open(), passage.stream_type

    def _passes(self, backend: Backend) -> bool:
        """Whether the client's own bytes may go to the engine, and the engine's to the client."""
        ask = self.ask
        if ask.shape not in backend.shapes or not (backend.many or ask.generations == 1):
            return False
        return ask.stream or not backend.hears_only_streams or not ask.needs & _GENERATING

    def _answer_ready(self, ready: Ready) -> None:
        writer, now = self.ask.writer(self.meta), self._relay.wall_clock()
        if self.ask.stream:
            self.stream_type, self._opening = writer.stream_type, b""
            self._emit(writer.open() + writer.write(ready.events, now) + writer.close(now), self._relay.clock())
            self._settle()
            self._sink.end()
        else:
            body = writer.whole(collect(ready.events), now)
            self._settle()
            self._sink.answer(self, body)

    async def _prepare(self, seat: Seat) -> None:
        """The model must be made ready first: a process started, weights loaded."""
        try:
            await seat.installation.backend.prepare(seat.model, self.ask.needs)
            address = seat.installation.backend.address(seat.model, self.ask.needs)
        except PotluckError as error:
            if self.seat is seat:
                self._attempt_failed(error)
            return
        if self.seat is not seat:  # the client left meanwhile
            return
        if address is None:
            self._attempt_failed(NodeError("The model was unloaded again.", node=seat.node))
        else:
            self._connect(self._relay.pools.to(address))

    def _connect(self, pool: Pool) -> None:
        connection = pool.take()
        if connection is not None:
            self._send(pool, connection)
        else:
            self._relay.tasks.spawn(self._dial(pool, self.seat), f"dial for {self.id}")

    async def _dial(self, pool: Pool, seat: Seat | None) -> None:
        try:
            connection = await pool.dial()
        except NodeError as error:
            if self.seat is seat and self.state is State.CONNECTING:
                self._attempt_failed(error)
            return
        if self.seat is seat and self.state is State.CONNECTING:
            self._send(pool, connection)
        else:  # the client left meanwhile; the connection is as good for the next one
            pool.give(connection)

    def _send(self, pool: Pool, connection: EngineConnection) -> None:
        if connection.transport.is_closing():  # an engine may accept and hang up before we come to speak
            self.engine_lost(NodeUnreachable("The engine closed the connection."), stale=connection.reused)
            return
        self._connection = connection
        self.state = State.AWAITING
        self.sent_s = self.last_heard_s = self._relay.clock()
        head = pool.head("POST", self._path, "application/json", self._body)
        connection.send(self, head + self._body)

    # --- engine.EngineUser ---

    def engine_head(self, status: int) -> None:
        self._status = status
        streams = self.ask.stream and status == 200
        self.state = State.STREAMING if streams else State.COLLECTING
        if streams and self._full and self._connection is not None:
            self._connection.pause()

    def engine_body(self, data: bytes) -> None:
        self.last_heard_s = now_s = self._relay.clock()
        if self.state is State.STREAMING:
            assert self._passage is not None
            try:
                out = self._passage.forward(data, self._relay.wall_clock())
            except PotluckError as error:
                self._attempt_failed(error)
                return
            if out:
                self._emit(out, now_s)
        elif self.state is State.COLLECTING:
            self._collect(data)

    def _collect(self, data: bytes) -> None:
        """A part of an answer that is not streamed, or of an engine's error."""
        self._collected_bytes += len(data)
        if self._collected is None:
            self._collected = [data]
        elif self._status == 200 or self._collected_bytes <= _ERROR_BYTES:
            self._collected.append(data)
        if self._collected_bytes > self._relay.limits.max_answer:
            self._attempt_failed(MalformedAnswer("The engine's answer is too large."))

    def engine_end(self) -> None:
        self._connection = None
        assert self._passage is not None
        now = self._relay.wall_clock()
        parts, self._collected = self._collected, None
        body = b"" if parts is None else parts[0] if len(parts) == 1 else b"".join(parts)
        try:
            if self._status != 200:
                assert self.seat is not None
                raise self.seat.installation.backend.error(self._status, body, self.wish.model)
            out = self._passage.end(now) if self.ask.stream else self._passage.whole(body, now)
        except PotluckError as error:
            self._attempt_failed(error)
            return
        except Exception as error:  # noqa: BLE001 - the connection is gone from us: nobody else would end the call
            self._stumbled(error)
            return
        if isinstance(self._passage, PartsPassage) and self._passage.more:
            self._next_part(self._passage, out)
            return
        if self.ask.stream:
            if out:
                self._emit(out, self._relay.clock())
            self._settle()
            self._sink.end()
        else:
            if self.first_byte_s is None:
                self.first_byte_s = self._relay.clock()
            self._settle()
            self._sink.answer(self, out)

    def engine_lost(self, error: NodeError, *, stale: bool) -> None:
        self._connection = None
        if stale and not self._retried_stale and self.seat is not None:
            # The engine closed an idle connection in the instant we used it: it never saw the request.
            self._retried_stale = True
            self.state = State.CONNECTING
            address = self.seat.installation.backend.address(self.seat.model, self.ask.needs)
            if address is not None:
                self._relay.tasks.spawn(self._dial(self._relay.pools.to(address), self.seat), f"redial {self.id}")
                return
        self._attempt_failed(error)

    def _next_part(self, passage: PartsPassage, out: bytes) -> None:
        """One of several generations is whole; the next goes to the same engine, in the same answer."""
        self._retried_stale = False  # each may meet a connection that the engine closes in that instant
        if out and self.ask.stream:
            self._emit(out, self._relay.clock())
        assert self.seat is not None
        request = passage.advance()
        self._path, self._body = request.path, request.body
        self.state = State.CONNECTING
        address = self.seat.installation.backend.address(self.seat.model, self.ask.needs)
        if address is None:
            self._attempt_failed(NodeError("The model was unloaded between two answers.", node=self.seat.node))
        else:
            self._connect(self._relay.pools.to(address))

    # --- the client's side ---

    def client_gone(self) -> None:
        """The client left: the engine stops at once and the slot is free."""
        if self.state is not State.DONE:
            self._relay.dispatcher.leave(self)
            self._settle(cancelled=True)

    def client_full(self) -> None:
        """The client reads slower than the engine writes: let the engine wait."""
        self._full = True
        if self._connection is not None and self.state is State.STREAMING:
            self._connection.pause()

    def client_ready(self) -> None:
        self._full = False
        self.last_heard_s = self._relay.clock()
        if self._connection is not None and self.state is State.STREAMING:
            self._connection.resume()

    def hears(self, engine: EngineId) -> bool:
        """Whether an answer comes from there now."""
        return (
            self.state in (State.STREAMING, State.COLLECTING) and self.seat is not None and self.seat.engine == engine
        )

    def tick(self, now_s: float) -> None:
        """Called by the sweep: fill silences, and end waits that are too long."""
        if self._full or self.state in (State.PREPARING, State.DONE):
            return
        limits = self._relay.limits
        if self.ask.stream and now_s - self.last_sent_s >= limits.keep_alive_s:
            self._fill_silence(now_s)
        if self.state in (State.AWAITING, State.COLLECTING, State.STREAMING):
            silent_s = now_s - self.last_heard_s
            patience_s = limits.first_byte_s if self._unheard else limits.stall_s
            # Whole answers are silent until they are there: nobody can say for how long.
            suspected = self.ask.stream and limits.silence_s and silent_s >= limits.silence_s
            if silent_s >= patience_s or (suspected and self._hangs(silent_s, now_s)):
                self._attempt_failed(NodeTimeout(f"The engine was silent for {silent_s:.0f} s."))
            elif not self.spoken and silent_s >= DESERTED_S and self.seat is not None:
                why = self._relay.dispatcher.deserted(self.seat, self.wish)
                if why:
                    self._attempt_failed(NodeUnreachable(why))

    def _hangs(self, silent_s: float, now_s: float) -> bool:
        """Whether the engine is silent for longer than its speed explains, and another one could take over."""
        seat = self.seat
        if seat is None or self._relay.late:
            return False
        if silent_s < self._relay.dispatcher.silence_s(seat, whole_parts=Capability.TOOLS in self.ask.needs):
            return False
        fleet, tried = self._relay.fleet, self.wish.tried | {seat.engine}
        # Not onto one that would have to load first: that might take longer, and this one works perhaps.
        offers = [
            offer
            for offer in fleet.catalogue.resolve(str(seat.model.id), self.wish.needs, tried).offers
            if offer.could_serve(self.wish.needs, tried) and offer.model.resident
        ]
        if not offers or not self.spoken:
            return bool(offers)
        broken, rescue = self._broken(), self._rescue_of(seat)
        if broken is None or rescue is None:
            return False
        rescue.broke(broken)
        unfit = rescue.unfit(offers, fleet, self._relay.proofs)
        return rescue.allowed(self._relay.limits.rescue, now_s) and len(unfit) < len(offers)

    def _fill_silence(self, now_s: float) -> None:
        """Say that we are still at it, where the dialect has a way to."""
        if self.state is State.SEEKING:
            self._tell_place(now_s)
        elif self._passage is not None and self._passage.keep_alive:
            self._emit(self._passage.keep_alive, now_s, speaks=False)

    # --- in line ---

    def _tell_place(self, now_s: float) -> None:
        """Tell where the call stands. The stream begins with it, if it has not: who is refused from then on gets the
        dialect's error in the stream and no status of its own."""
        place = self._relay.dispatcher.standing(self.id)
        if place is None:
            return
        self.last_sent_s = now_s
        if not self.began:
            writer = self.ask.writer(self.meta)
            if not (writer.keep_alive and writer.stream_type.startswith(_EVENTS)):
                return
            self.began, self.stream_type, self.place = True, writer.stream_type, place
            self._sink.begin(self)
        self._tell(b": queued position=%d eta=%ds\n\n", place.position, round(place.eta_s))

    def _tell(self, comment: bytes, *figures: bytes | int) -> None:
        """A comment in a stream that has begun, if its dialect has comments."""
        if self.stream_type.startswith(_EVENTS):
            self._sink.send(comment % figures)

    def _efforts(self) -> tuple[int, int]:
        """Engines tried, with the one that is, and milliseconds in line."""
        return len(self.attempts) + 1, round(self.queue_s * 1000)

    # --- outcomes ---

    @property
    def account(self) -> Account:
        return self._passage.account() if self._passage is not None else Account()

    @property
    def queue_s(self) -> float:
        return (self.seated_s if self.seated_s is not None else self._relay.clock()) - self.started_s

    def head(self, content_type: str) -> bytes:
        """The head of the answer to the client, but for framing and the empty line."""
        if self.place is not None:
            figures = (round(self.queue_s * 1000), self.place.position, round(self.place.eta_s * 1000))
            return _HEAD_IN_LINE % (heads.value(content_type), self.id.encode(), *figures)
        served = self.served
        head = _HEAD % (
            heads.value(content_type),
            self.id.encode(),
            heads.value(served.node if served is not None else ""),
            len(self.attempts) + 1,
            round(self.queue_s * 1000),
        )
        if self._notes:
            head += self._notes
        return head if served is None or served.model.id == self.meta.model else head + _renamed(*self.renamed)

    @property
    def renamed(self) -> tuple[str, str, str]:
        """Which model answers, by which route, and why `auto` chose it; each empty where there is nothing to say."""
        served = self.served
        if served is None or served.model.id == self.meta.model:
            return "", "", ""
        return served.model.id, served.route, self.choice.why if self.choice is not None else ""

    def trials(self) -> Mapping[str, str]:
        """For the head of an error: what was tried, and for how long the call waited."""
        found = {told.QUEUE_MS: str(round(self.queue_s * 1000))}
        if self.served is not None:
            found = {told.NODE: self.served.node, told.ATTEMPTS: str(max(1, len(self.attempts))), **found}
        return found

    def _emit(self, data: bytes, now_s: float, *, speaks: bool = True) -> None:
        """Send what the passage made; a keep-alive does not ``speak``, so another engine may still take over."""
        self.last_sent_s = now_s
        if not self.opened:
            if not self.began:
                self.began = True
                self._sink.begin(self)
            self.opened = True
            data = self._opening + data
        if speaks and self._unheard:
            self._unheard = False
            self.spoken = True
            if self.first_byte_s is None:
                self.first_byte_s = now_s
            if self.seat is not None:
                self._relay.dispatcher.first(self.seat, now_s)
        self._sink.send(data)

    def _attempt_failed(self, error: PotluckError) -> None:
        """This attempt is over. Another engine may do better: start anew, or go on with what the client has seen."""
        seat = self.seat
        if seat is None:
            self._fail(error)
            return
        if isinstance(error, ModelNotFound) and self._relay.dispatcher.elsewhere(seat, self.wish):
            # It was chosen because it lists the model, which was deleted since, or cannot be found there.
            error = NodeFailed("The engine does not have a model that it lists.", status=404)
        if self.rescue is not None and isinstance(error, ClientError):
            # It was asked in our words, not in the client's, who had an answer to its own.
            error = AnotherAnswer("The engine refuses to go on with an answer.", detail=error.message)
        if self.spoken and isinstance(error, NodeError):
            self._broke(seat, error)
            return
        self.attempts = (*self.attempts, Attempt(seat.engine, error))
        if isinstance(error, ContextOverflow):
            self._overflowed(seat, error)
            return
        if not isinstance(error, NodeError):
            self._fail(error)
            return
        if seat.installation.backend.context_by_call:  # it may be the context that it cannot load
            self._relay.dispatcher.contexts.forget(seat.engine, seat.model.id)
        if isinstance(error, NodeUnreachable) and self._own_child_returns(seat):
            return
        error.node = error.node or seat.node
        self._relay.fleet.saw(seat.engine, Seen.CALL_FAILED, error.message)
        self._drop_attempt()
        # By the name that was asked for: one that left the choice to us leaves it again, without this engine. Who hears
        # keep-alives does not hang up for silence.
        self.wish = self.wish._replace(
            model=self.meta.model,
            tried=self.wish.tried | {seat.engine},
            failure=error,
            since_s=self.started_s,
            deadline_s=None if self.began else self.wish.deadline_s,
        )
        self._seek()

    def _overflowed(self, seat: Seat, error: ContextOverflow) -> None:
        """The engine has counted, and the prompt is too long for it; perhaps not for the same model elsewhere, or
        loaded with a larger context.
        """
        grows = seat.installation.backend.context_by_call
        context = error.context or (self._num_ctx or SURE_CONTEXT if grows else seat.model.context or 0)
        guess = self.room().prompt
        self._length = length = counted(guess, error.prompt_tokens, context)
        if self.spoken or length.least <= guess.least:
            self._fail(error)
            return
        self._drop_attempt()
        self._too_long = error
        tried = self.wish.tried if grows else self.wish.tried | {seat.engine}
        self.wish = self.wish._replace(
            model=self.meta.model, tried=tried, since_s=self.started_s, most_tokens=_TOO_MANY
        )
        self._seek()

    def _broke(self, seat: Seat, error: NodeError) -> None:
        """An answer broke that the client has seen some of.

        1. Its end had been said before the engine went: it is whole after all.
        2. An engine may go on with it: our own child that comes back, or another one.
        3. Nobody may: the dialect's error.
        """
        broken = self._broken()
        if isinstance(error, NodeUnreachable | NodeTimeout) and self._ended():
            return
        told = broken.told if broken is not None else Told()
        self.attempts = (*self.attempts, Attempt(seat.engine, error, told.tokens))
        error.node = error.node or seat.node
        if not isinstance(error, AnotherAnswer):
            self._relay.fleet.saw(seat.engine, Seen.CALL_FAILED, error.message)
        over = self.account.finish is not None  # behind the end of an answer there is nothing to go on with
        rescue = None if over else self._rescue_from(seat, broken)
        if rescue is None:
            self._fail(error)
            return
        if isinstance(error, NodeUnreachable) and self._own_child_returns(seat):
            return
        tried = self.wish.tried if isinstance(error, AnotherAnswer) else self.wish.tried | {seat.engine}
        tried |= self._unfit(rescue, tried)
        self._drop_attempt()
        self.wish = self.wish._replace(
            model=rescue.model,
            tried=tried,
            failure=error,
            since_s=self.started_s,
            prompt_tokens=self.meta.prompt_tokens + told.tokens,
            sent_tokens=told.tokens,
            deadline_s=rescue.began_s + self._relay.limits.rescue.within_s,
        )
        self._seek()

    def _broken(self) -> Broken | None:
        """Where the answer stands, for who may go on with it."""
        if self._passage is None:
            return None
        try:
            return self._passage.broken(lambda: self.ask.writer(self.meta))
        except Exception as error:
            log.error("a broken answer could not be read back", request=self.id, exc_info=error)
            return None

    def _ended(self) -> bool:
        """Whether the answer is whole although the engine has gone; then it is out, and the call is settled."""
        passage = self._passage
        if passage is None or isinstance(passage, PartsPassage):
            return False
        try:
            out = passage.end(self._relay.wall_clock())
        except Exception:  # noqa: BLE001 - of whatever kind: it is not whole
            return False
        if out:
            self._emit(out, self._relay.clock())
        self._settle()
        self._sink.end()
        return True

    def _rescue_from(self, seat: Seat, broken: Broken | None) -> Rescue | None:
        """What goes on with the answer, if anything may."""
        if broken is None:
            return None
        # Whatever comes next, the engine that broke says no more.
        self._passage = interrupted(broken, prompt_tokens=self.meta.prompt_tokens)
        self.rescue = rescue = self._rescue_of(seat)
        if rescue is None:
            return None
        rescue.broke(broken)
        return rescue if rescue.allowed(self._relay.limits.rescue, self._relay.clock()) else None

    def _rescue_of(self, seat: Seat) -> Rescue | None:
        """The one under way or, from now on, a new one."""
        if self.rescue is not None:
            return self.rescue
        try:
            return Rescue(self.call(), seat, self._relay.clock())
        except PotluckError:  # an engine took the client's bytes, of which we cannot make a call
            return None

    def _unfit(self, rescue: Rescue, tried: frozenset[EngineId]) -> frozenset[EngineId]:
        """Engines that have the model and cannot go on with the answer."""
        fleet = self._relay.fleet
        offers = fleet.catalogue.resolve(rescue.model, self.wish.needs, tried).offers
        return rescue.unfit(offers, fleet, self._relay.proofs)

    def _stumbled(self, error: Exception) -> None:
        """A fault of our own, in a codec or a backend: this attempt's end, and of no other call. Perhaps the next
        engine's codec has none."""
        log.error("a call stumbled", request=self.id, exc_info=error)
        if self.state is not State.DONE:
            self._attempt_failed(NodeFailed("The gateway could not speak to the engine."))

    async def _contained(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the edge of a task
            self._stumbled(error)

    def _own_child_returns(self, seat: Seat) -> bool:
        """A child of ours that crashed is being restarted: worth one wait, where another engine's crash is not."""
        if seat.installation.supervised is None or self._retried_own:
            return False
        if self.rescue is not None and not self.rescue.ways(seat.installation, seat.model, self._relay.proofs):
            return False
        self._retried_own = self._unheard = True
        self._drop_connection()
        self.state = State.CONNECTING
        self._relay.tasks.spawn(self._contained(self._prepare_again(seat)), f"restart for {self.id}")
        return True

    async def _prepare_again(self, seat: Seat) -> None:
        await asyncio.sleep(CRASH_NOTICED_S)
        if self.seat is not seat:
            return
        try:
            await seat.installation.backend.prepare(seat.model, self.ask.needs)
        except PotluckError as error:
            if self.seat is seat:
                self._attempt_failed(error)
            return
        if self.seat is seat:
            self._open(seat)

    def _fail(self, error: PotluckError) -> None:
        """No answer, or no more of it: the dialect's error, in-band if the stream has begun."""
        self.error = error
        passage = self._passage
        self._settle()
        if self.began:
            if passage is None or not self.opened:  # it ended in line: nobody has said a word yet
                writer = self.ask.writer(self.meta)
                self._sink.send(writer.open() + writer.fail(error, self.id))
            else:
                self._sink.send(passage.fail(error, self.id))
            self._sink.end()
        else:
            self._sink.refuse(self, error)

    def _drop_attempt(self) -> None:
        """Leave the engine: the connection is cut, so it stops, and the slot is free."""
        self._drop_connection()
        seat, self.seat = self.seat, None
        if seat is not None:
            answered = self.state is State.DONE and self.error is None and not self._cancelled
            self._relay.dispatcher.release(seat, self._timing if answered else None)

    def _timing(self, seat: Seat, now: float) -> Timing | None:
        """What the answer tells of the engine's speed."""
        passage = self._passage
        if passage is None or self.ask.generations != 1 or self.rescue is not None:
            return None
        first_s = self.first_byte_s if self.spoken and self.first_byte_s is not None else now
        return timing_of(
            passage.account(),
            prompt_tokens=self.meta.prompt_tokens,
            first_s=first_s - self.sent_s,
            rest_s=now - first_s,
            loads=seat.start.loads,
        )

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        self._collected, self._collected_bytes = None, 0

    def _settle(self, *, cancelled: bool = False) -> None:
        """The one way out. After this nothing is held."""
        if self.state is State.DONE:
            return
        self.state = State.DONE
        self._cancelled = cancelled
        self._relay.exchanges.discard(self)
        seat = self.seat
        if seat is not None and self.error is None and not cancelled:
            self._relay.fleet.saw(seat.engine, Seen.CALL_OK, "answered a call")
        try:
            self._relay.settled(self, cancelled=cancelled)
        finally:
            self._drop_attempt()
