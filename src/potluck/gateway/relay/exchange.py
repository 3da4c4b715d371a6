"""One call, from a read ask to its settlement: seek a seat, open an attempt, relay the answer, settle.

States and what moves them (each line: state, event, next state):

    PREPARING   images fetched                        SEEKING
    SEEKING     seated / refused                      CONNECTING / DONE
    CONNECTING  connection ready / failed             AWAITING / SEEKING or DONE
    AWAITING    200 and a stream / anything else      STREAMING / COLLECTING
    STREAMING   body ends / breaks                    DONE / SEEKING (another engine starts anew, or goes on) or DONE
    COLLECTING  body ends / breaks                    DONE or SEEKING
    any         client gone                           DONE

Whatever the way, `settle` runs once: it frees the slot, drops or keeps the connection, and writes the record.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog
from msgspec.structs import replace

from potluck.backends.port import Ready
from potluck.core.answer import collect
from potluck.core.auto import Choice, Look, choose, look
from potluck.core.call import Call
from potluck.core.context import USUAL_ANSWER, Length
from potluck.core.errors import (
    ClientError,
    ContextOverflow,
    MalformedAnswer,
    NodeError,
    NodeFailed,
    NodeUnreachable,
    PotluckError,
)
from potluck.core.health import Seen
from potluck.core.model import EngineId, RequestId
from potluck.core.openings import conversation_name
from potluck.core.scheduling.decisions import Start
from potluck.core.scheduling.rates import Timing
from potluck.gateway.door import Door
from potluck.gateway.port import Caller
from potluck.gateway.relay import failing, going_on, hedging, last_look, silence, telling
from potluck.gateway.relay.encoding import encode
from potluck.gateway.relay.engine import EngineConnection, Pool
from potluck.gateway.relay.fitting import found_shorter, measured, notes, with_context
from potluck.gateway.relay.parts import PartsPassage
from potluck.gateway.relay.preparing import prepare
from potluck.gateway.relay.rescue import Rescue
from potluck.gateway.relay.states import Attempt, State
from potluck.gateway.seats import Queued, Seat, Wish
from potluck.gateway.targets import Room, nothing_to_choose
from potluck.gateway.timing import timing_of
from potluck.wire.port import Account, AnswerMeta, Ask, Passage
from potluck.wire.terms import NO_TERMS, Terms

if TYPE_CHECKING:
    from potluck.gateway.admission import Ticket
    from potluck.gateway.relay.hedging import Hedge
    from potluck.gateway.relay.relay import Relay

log = structlog.get_logger(__name__)

_NONE: frozenset[EngineId] = frozenset()
# Up to Python 3.11 a member of an enumeration costs as much as a call, where it is named by its class.
_PREPARING, _SEEKING, _CONNECTING, _AWAITING = State.PREPARING, State.SEEKING, State.CONNECTING, State.AWAITING
_COLLECTING, _STREAMING, _DONE = State.COLLECTING, State.STREAMING, State.DONE
_CALL_OK = Seen.CALL_OK
# What is kept of an engine's error body: its message stands at the front.
_ERROR_BYTES = 64 * 1024


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


class Exchange(msgspec.Struct, eq=False):
    """One call under way. All times are the relay's monotonic clock.

    Here is the way of a call that goes well. What else may become of it stands in files of its own, as functions of
    the call: `failing`, `going_on`, `last_look`, `silence`, `preparing`; so does what it tells its client beside the
    answer, `telling`.

    A struct, since one is made for every call: what a call may come to have is set without any of our code.
    """

    relay: Relay
    sink: Sink
    door: Door
    ask: Ask
    caller: Caller
    id: RequestId
    meta: AnswerMeta
    wish: Wish
    started_s: float
    last_sent_s: float
    last_heard_s: float
    state: State = State.PREPARING
    seat: Seat | None = None
    served: Seat | None = None
    decision: Start | None = None
    error: PotluckError | None = None
    choice: Choice | None = None
    seated_s: float | None = None
    sent_s: float = 0.0  # when the request of this attempt went out
    first_byte_s: float | None = None
    began: bool = False  # the head of the answer is out
    opened: bool = False  # and what the dialect's streams open with
    spoken: bool = False  # part of the answer is out: no other engine can start it anew, only go on with it
    stream_type: str = "application/octet-stream"  # the dialect's, as soon as an attempt has a passage
    place: Queued | None = None  # where it stood when its stream began in line
    attempts: tuple[Attempt, ...] = ()
    ticket: Ticket | None = None  # what was set aside of its caller's limits
    free: bool = False  # part of a call that was paid for already
    _call: Call | None = None
    _look: Look | None = None
    passage: Passage | None = None
    _connection: EngineConnection | None = None
    _status: int = 0
    _collected: list[bytes] | None = None
    _collected_bytes: int = 0
    _retried_stale: bool = False
    retried_own: bool = False
    _full: bool = False
    _cancelled: bool = False
    rescue: Rescue | None = None
    hedge: Hedge | None = None  # a second attempt, until one of the two speaks
    may_hedge: bool = True  # once, and not where somebody reads what a passage has written before it speaks
    unheard: bool = True  # this attempt has said nothing yet
    opening: bytes = b""
    _path: str = ""
    _body: bytes = b""
    length: Length | None = None
    num_ctx: int | None = None
    too_long: ContextOverflow | None = None
    looked_at: frozenset[EngineId] = frozenset()  # engines looked at once more for this call
    notes: bytes = b""

    @classmethod
    def of(
        cls,
        relay: Relay,
        sink: Sink,
        door: Door,
        ask: Ask,
        caller: Caller,
        request: RequestId | None = None,
        terms: Terms = NO_TERMS,
    ) -> Exchange:
        """``request`` is the call's id where it has one already, ``terms`` what its client said beside it."""
        request = request or RequestId(relay.new_id())
        now_s = relay.clock()
        model = ask.model or relay.fleet.catalogue.default(ask.needs, door.route)
        # A guess at the prompt's tokens, for dialects that tell them before the engine does: four bytes each.
        size, wanted = len(ask.body), ask.answer_tokens
        prompt_tokens = size // 4 or 1
        deadline_s = None
        if terms is not NO_TERMS:
            deadline_s = terms.deadline_s(now_s, heard_within_s=relay.limits.keep_alive_s if ask.stream else None)
        wish = Wish(
            request,
            caller.user,
            model,
            ask.needs,
            _NONE,
            None,
            terms.kind or ask.kind or door.kind,
            prompt_tokens,
            None,
            deadline_s,
            size + (USUAL_ANSWER if wanted is None else wanted),
        )
        meta = AnswerMeta(request, model, relay.wall_clock(), prompt_tokens)
        return cls(relay, sink, door, ask, caller, request, meta, wish, now_s, now_s, now_s)

    def __repr__(self) -> str:
        return f"<Exchange {self.id} {self.state.name}>"

    # --- begin ---

    def start(self) -> None:
        """Set out. May settle before it returns."""
        self.relay.exchanges.add(self)
        if not self.wish.model:
            self.fail(nothing_to_choose(self.relay.fleet.catalogue.names()))
        elif (scope := self.caller.scope) is not None and not scope.allows(self.wish.model):
            self.fail(scope.model_refusal(self.wish.model))
        elif (self.caller.plan is not None or self.relay.admission.routes) and not self.free:
            self.relay.admission.admit(self)
        else:
            self.admitted()

    def admitted(self) -> None:
        """It is within its caller's limits."""
        if self.ask.untouchable:
            self.seek()
        else:
            self._start_translated()

    def _start_translated(self) -> None:
        """The call must be read whole, and may hold images that lie elsewhere."""
        try:
            remote = self.relay.images.needed(self.call())
        except ClientError as error:
            self.fail(error)
            return
        if remote:
            self.spawn(self._fetch_images(), "images")
        else:
            self.seek()

    def call(self) -> Call:
        """The neutral record, made once."""
        if self._call is None:
            self._call = self.ask.call()
        return self._call

    async def _fetch_images(self) -> None:
        try:
            self._call = await self.relay.images.fetched(self.call())
        except PotluckError as error:
            if self.state is not _DONE:
                self.fail(error)
            return
        if self.state is not _DONE:
            self.seek()

    def seek(self) -> None:
        self.state = _SEEKING
        self.relay.dispatcher.seek(self)

    # --- dispatch.Seeker ---

    def choose(self) -> None:
        """The client left the choice of a model to us."""
        try:
            if self._look is None:
                self._look = look(self.call(), coding=self.door.route == "coding")
            self.choice = choose(self._look, self.relay.fleet.catalogue, self.wish.tried)
        except PotluckError as error:
            if not last_look.hopes(self, failure := self.wish.failure or error):
                self.fail(failure)
            return
        self.wish = replace(self.wish, model=self.choice.name, needs=self._look.needs)
        if self.relay.admission.routes and not self.free:
            self.relay.admission.admit_chosen(self)
        else:
            self.seek()

    @property
    def conversation(self) -> str:
        return conversation_name(self.caller.user, self.ask.opening)

    def room(self) -> Room:
        if self.length is None:
            self.length = measured(self.ask, self.call)
        return Room(self.length, self.ask.answer_tokens, self.ask.may_cut)

    def refused(self, error: PotluckError) -> None:
        if isinstance(error, ContextOverflow) and error.estimated and found_shorter(self):
            self.seek()
            return
        if last_look.hopes(self, error):
            return
        failure = self.wish.failure
        if self.rescue is not None and failure is not None:
            error = failure
        # What an engine said of the prompt tells more than that no other place was found.
        self.fail(error if self.too_long is None or isinstance(error, ContextOverflow) else self.too_long)

    def seated(self, seat: Seat) -> None:
        self.seat = self.served = seat
        self.decision = seat.start
        self.last_heard_s = self.relay.clock()
        if self.seated_s is None:
            self.seated_s = self.last_heard_s
            if seat.route:
                hedging.counted(self, seat.route)
        self.unheard = True
        self.state = _CONNECTING
        if self.began:
            telling.seated(self, seat.node)
        self.open(seat)

    def open(self, seat: Seat) -> None:
        """Make the engine's request, and find a connection for it."""
        try:
            if not self._encode(seat):
                return
            address = seat.installation.backend.address(seat.model, self.ask.needs)
        except PotluckError as error:
            self.attempt_failed(error)
            return
        except Exception as error:  # noqa: BLE001 - not into the arms of whoever gave the slot free
            self._stumbled(error)
            return
        if address is None:
            self.spawn(prepare(self, seat, self._reach), "prepare")
        else:
            self._connect(self.relay.pools.to(address))

    def _encode(self, seat: Seat) -> bool:
        """Make the engine's request; False if no engine was needed and the answer is out already, or if something else
        comes first."""
        if self.rescue is not None:
            return going_on.begin(self, self.rescue, seat)
        backend, model, ask = seat.installation.backend, seat.model, self.ask
        if backend.context_by_call:
            model = with_context(self, seat)
        if ask.options or self.length is not None:
            self.notes = notes(ask, self.length, model)
        asked = encode(ask, self.call, self.meta, backend, model)
        if isinstance(asked, Ready):
            self._answer_ready(asked)
            return False
        self.speak_through(*asked)
        return True

    def speak_through(self, path: str, body: bytes, passage: Passage) -> None:
        """Take a request and its passage for this attempt. That is opened before it is fed: writers count their events
        from there."""
        self._path, self._body = path, body
        self.passage, self.opening, self.stream_type = passage, passage.open(), passage.stream_type

    def _answer_ready(self, ready: Ready) -> None:
        writer, now = self.ask.writer(self.meta), self.relay.wall_clock()
        if self.ask.stream:
            self.stream_type, self.opening = writer.stream_type, b""
            self.finish(writer.open() + writer.write(ready.events, now) + writer.close(now))
        else:
            body = writer.whole(collect(ready.events), now)
            self.settle()
            self.sink.answer(self, body)

    def _reach(self, seat: Seat) -> None:
        """Find a connection to where the engine runs the model, which is ready."""
        try:
            address = seat.installation.backend.address(seat.model, self.ask.needs)
        except PotluckError as error:
            self.attempt_failed(error)
            return
        if address is None:
            self.attempt_failed(NodeError("The model was unloaded again.", node=seat.node))
        else:
            self._connect(self.relay.pools.to(address))

    def _connect(self, pool: Pool) -> None:
        connection = pool.take()
        if connection is not None:
            self._send(pool, connection)
        else:
            self.relay.tasks.spawn(self._dial(pool, self.seat), f"dial for {self.id}")

    async def _dial(self, pool: Pool, seat: Seat | None) -> None:
        try:
            connection = await pool.dial()
        except NodeError as error:
            if self.seat is seat and self.state is _CONNECTING:
                self.attempt_failed(error)
            return
        if self.seat is seat and self.state is _CONNECTING:
            self._send(pool, connection)
        else:  # the client left meanwhile; the connection is as good for the next one
            pool.give(connection)

    def _send(self, pool: Pool, connection: EngineConnection) -> None:
        if connection.transport.is_closing():  # an engine may accept and hang up before we come to speak
            self.engine_lost(NodeUnreachable("The engine closed the connection."), stale=connection.reused)
            return
        self._connection = connection
        self.state = _AWAITING
        self.sent_s = self.last_heard_s = self.relay.clock()
        head = pool.head("POST", self._path, "application/json", self._body)
        connection.send(self, head + self._body)

    # --- engine.EngineUser ---

    def engine_head(self, status: int) -> None:
        self._status = status
        streams = self.ask.stream and status == 200
        self.state = _STREAMING if streams else _COLLECTING
        if streams and self._full and self._connection is not None:
            self._connection.pause()

    def engine_body(self, data: bytes) -> None:
        self.last_heard_s = now_s = self.relay.clock()
        if self.state is _STREAMING:
            assert self.passage is not None
            try:
                out = self.passage.forward(data, self.relay.wall_clock())
            except PotluckError as error:
                self.attempt_failed(error)
                return
            if out:
                self.emit(out, now_s)
        elif self.state is _COLLECTING:
            self._collect(data)

    def _collect(self, data: bytes) -> None:
        """A part of an answer that is not streamed, or of an engine's error."""
        self._collected_bytes += len(data)
        if self._collected is None:
            self._collected = [data]
        elif self._status == 200 or self._collected_bytes <= _ERROR_BYTES:
            self._collected.append(data)
        if self._collected_bytes > self.relay.limits.max_answer:
            self.attempt_failed(MalformedAnswer("The engine's answer is too large."))

    def engine_end(self) -> None:
        self._connection = None
        assert self.passage is not None
        now = self.relay.wall_clock()
        parts, self._collected = self._collected, None
        body = b"" if parts is None else parts[0] if len(parts) == 1 else b"".join(parts)
        try:
            if self._status != 200:
                assert self.seat is not None
                raise self.seat.installation.backend.error(self._status, body, self.wish.model)
            out = self.passage.end(now) if self.ask.stream else self.passage.whole(body, now)
        except PotluckError as error:
            self.attempt_failed(error)
            return
        except Exception as error:  # noqa: BLE001 - the connection is gone from us: nobody else would end the call
            self._stumbled(error)
            return
        if isinstance(self.passage, PartsPassage) and self.passage.more:
            self._next_part(self.passage, out)
            return
        if self.ask.stream:
            self.finish(out)
        else:
            if self.first_byte_s is None:
                self.first_byte_s = self.relay.clock()
            self.settle()
            self.sink.answer(self, out)

    def engine_lost(self, error: NodeError, *, stale: bool) -> None:
        self._connection = None
        if stale and not self._retried_stale and self.seat is not None:
            # The engine closed an idle connection in the instant we used it: it never saw the request.
            self._retried_stale = True
            self.state = _CONNECTING
            address = self.seat.installation.backend.address(self.seat.model, self.ask.needs)
            if address is not None:
                self.relay.tasks.spawn(self._dial(self.relay.pools.to(address), self.seat), f"redial {self.id}")
                return
        self.attempt_failed(error)

    def _next_part(self, passage: PartsPassage, out: bytes) -> None:
        """One of several generations is whole; the next goes to the same engine, in the same answer."""
        self._retried_stale = False  # each may meet a connection that the engine closes in that instant
        if out and self.ask.stream:
            self.emit(out, self.relay.clock())
        assert self.seat is not None
        request = passage.advance()
        self._path, self._body = request.path, request.body
        self.state = _CONNECTING
        self._reach(self.seat)

    # --- the client's side ---

    def client_gone(self) -> None:
        """The client left: the engine stops at once and the slot is free."""
        if self.state is not _DONE:
            self.relay.dispatcher.leave(self)
            self.settle(cancelled=True)

    def give_up(self, error: PotluckError) -> None:
        """End a call that is under way with an error of ours; its engine stops at once."""
        if self.state is not State.DONE:
            self.relay.dispatcher.leave(self)
            self.fail(error)

    def withdraw(self) -> None:
        """Somebody else answers this request, of which no answer has begun: it is as if it had not come here."""
        self.relay.dispatcher.leave(self)
        self.state = _DONE
        self.relay.exchanges.discard(self)
        if self.hedge is not None:
            self.hedge.dropped()
        self.error = NodeError("Another gateway answers.")
        if self.ticket is not None:
            self.relay.admission.withdrawn(self, self.ticket)
        self.drop_attempt()

    def client_full(self) -> None:
        """The client reads slower than the engine writes: let the engine wait."""
        self._full = True
        if self._connection is not None and self.state is _STREAMING:
            self._connection.pause()

    def client_ready(self) -> None:
        self._full = False
        self.last_heard_s = self.relay.clock()
        if self._connection is not None and self.state is _STREAMING:
            self._connection.resume()

    def hears(self, engine: EngineId) -> bool:
        """Whether an answer comes from there now."""
        return self.state in (_STREAMING, _COLLECTING) and self.seat is not None and self.seat.engine == engine

    def take_over(self, hedge: Hedge) -> None:
        """The second attempt is the only one from now on; the first has been let go."""
        seat = self.seat = self.served = hedge.seat
        self.decision = seat.start
        self.hedge, self.unheard = None, True
        self.sent_s, self.last_heard_s = hedge.sent_s, self.relay.clock()
        self._path, self._body = hedge.path, hedge.body
        self.passage, self.opening, self.stream_type = hedge.passage, hedge.opening, hedge.passage.stream_type
        self._connection, self._status = hedge.connection, hedge.status
        streams = hedge.status == 200
        self.state = _STREAMING if streams else _COLLECTING if hedge.status else _AWAITING
        if hedge.connection is not None:
            hedge.connection.hand_to(self)
            if self._full and streams:
                hedge.connection.pause()

    def tick(self, now_s: float) -> None:
        """Called by the sweep: fill silences, and end waits that are too long."""
        if not self._full and self.state not in (_PREPARING, _DONE):
            silence.look(self, now_s)

    # --- outcomes ---

    @property
    def account(self) -> Account:
        return self.passage.account() if self.passage is not None else Account()

    @property
    def queue_s(self) -> float:
        return (self.seated_s if self.seated_s is not None else self.relay.clock()) - self.started_s

    def emit(self, data: bytes, now_s: float, *, speaks: bool = True) -> None:
        """Send what the passage made; a keep-alive does not ``speak``, so another engine may still take over."""
        self.last_sent_s = now_s
        if speaks and self.unheard:
            self.unheard = False
            self.spoken = True
            if self.hedge is not None:
                self.hedge.lost()
            if self.first_byte_s is None:
                self.first_byte_s = now_s
            if self.seat is not None:
                self.relay.dispatcher.first(self.seat, now_s)
        if not self.opened:
            if not self.began:
                self.began = True
                self.sink.begin(self)
            self.opened = True
            data = self.opening + data
        self.sink.send(data)

    def finish(self, rest: bytes) -> None:
        """A stream is whole once this is out."""
        if rest:
            self.emit(rest, self.relay.clock())
        self.settle()
        self.sink.end()

    def attempt_failed(self, error: PotluckError) -> None:
        """This attempt is over."""
        failing.attempt_failed(self, error)

    def _stumbled(self, error: Exception) -> None:
        """A fault of our own, in a codec or a backend: this attempt's end, and of no other call. Perhaps the next
        engine's codec has none."""
        log.error("a call stumbled", request=self.id, exc_info=error)
        if self.state is not _DONE:
            self.attempt_failed(NodeFailed("The gateway could not speak to the engine."))

    def spawn(self, work: Coroutine[None, None, None], what: str) -> None:
        """Do for this call what takes time."""
        self.relay.tasks.spawn(self._contained(work), f"{what} for {self.id}")

    async def _contained(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the edge of a task
            self._stumbled(error)

    def fail(self, error: PotluckError) -> None:
        """No answer, or no more of it: the dialect's error, in-band if the stream has begun."""
        self.error = error
        passage = self.passage
        self.settle()
        if self.began:
            if passage is None or not self.opened:  # it ended in line: nobody has said a word yet
                writer = self.ask.writer(self.meta)
                self.sink.send(writer.open() + writer.fail(error, self.id))
            else:
                self.sink.send(passage.fail(error, self.id))
            self.sink.end()
        else:
            self.sink.refuse(self, error)

    def drop_attempt(self) -> None:
        """Leave the engine: the connection is cut, so it stops, and the slot is free."""
        self.drop_connection()
        seat, self.seat = self.seat, None
        if seat is not None:
            answered = self.state is _DONE and self.error is None and not self._cancelled
            self.relay.dispatcher.release(seat, self._timing if answered else None)

    def _timing(self, seat: Seat, now: float) -> Timing | None:
        """What the answer tells of the engine's speed."""
        passage = self.passage
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

    def drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        self._collected, self._collected_bytes = None, 0

    def tried(self, seat: Seat, error: PotluckError | None, *, told_tokens: int = 0, beside: str = "") -> None:
        """Remember an attempt that came to nothing."""
        began_s, ended_s = seat.start.at_s - self.started_s, self.relay.clock() - self.started_s
        self.attempts = (*self.attempts, Attempt(seat.engine, error, told_tokens, beside, began_s, ended_s))

    def settle(self, *, cancelled: bool = False) -> None:
        """The one way out. After this nothing is held."""
        if self.state is _DONE:
            return
        self.state = _DONE
        self._cancelled = cancelled
        self.relay.exchanges.discard(self)
        if self.hedge is not None:
            self.hedge.dropped()
        seat = self.seat
        if seat is not None and self.error is None and not cancelled:
            self.relay.fleet.saw(seat.engine, _CALL_OK, "answered a call", seat.start.at_s)
        try:
            self.relay.settled(self, cancelled=cancelled)
        finally:
            self.drop_attempt()
