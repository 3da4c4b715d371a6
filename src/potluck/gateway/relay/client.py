"""The client's side of the relay: one connection, its requests in order, each to a door or to the ASGI application.

States of a connection: reading a head, reading a body, answering; at last saying no more (``_gone``). Requests that
arrive while one is being answered (pipelining) wait in line. The connection is always read, so that a client's leaving
is seen at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, cast

from potluck.core.errors import (
    ClientError,
    MethodNotAllowed,
    PayloadTooLarge,
    PotluckError,
    RateLimited,
)
from potluck.gateway import guard_headers
from potluck.gateway.answer_headers import REQUEST_ID
from potluck.gateway.door import Door
from potluck.gateway.port import Caller
from potluck.gateway.relay import heads
from potluck.gateway.relay.exchange import Exchange
from potluck.gateway.relay.hops import Hops
from potluck.gateway.relay.reading import RequestReader, Unreadable
from potluck.gateway.relay.request import Request
from potluck.gateway.relay.states import State
from potluck.gateway.relay.telling import head, last_chunk, limits, trials
from potluck.wire.port import Ask
from potluck.wire.terms import NO_TERMS, Terms, read_terms

if TYPE_CHECKING:
    from potluck.gateway.relay.relay import Limits

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STREAMED = b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"
# What is still read of a body that was refused: enough that an ordinary client gets to see its answer.
_DISCARD_LIMIT = 4 * 1024 * 1024
# What is said anew of a body that is handed on: it was decompressed.
_OF_THE_BODY = frozenset({b"content-length", b"content-encoding", b"transfer-encoding", b"expect"})
# How long a client that was told "connection: close" may go on sending; nginx's lingering_timeout.
_LINGER_S = 5.0


class Answering(Protocol):
    """What answers one request that is not for a door: `bridge.Bridge`, or `forwarding.Forward`."""

    @property
    def spoken(self) -> bool:
        """Whether a byte of the answer is out."""
        ...

    @property
    def holds_back(self) -> bool:
        """Whether the client must wait with its body until more of it is taken."""
        ...

    def body(self, data: bytes) -> None: ...

    def body_end(self) -> None: ...

    def client_gone(self) -> None: ...

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...


class Side(Protocol):
    """Where such requests go."""

    def open(self, request: Request, client: asyncio.Transport, done: Callable[[bool], None]) -> Answering:
        """Begin a request; ``done(keep)`` is called once its answer is complete."""
        ...


class Host(Protocol):
    """What a connection needs of whose it is: `relay.Relay`, or `standby.Standby`."""

    @property
    def limits(self) -> Limits: ...

    @property
    def clock(self) -> Callable[[], float]: ...

    @property
    def connections(self) -> set[ClientConnection]: ...

    @property
    def doors(self) -> Mapping[bytes, Mapping[bytes, Door]]: ...

    @property
    def fallback(self) -> Door: ...

    @property
    def asgi(self) -> Side: ...

    @property
    def draining(self) -> bool: ...

    @property
    def authenticate(self) -> Callable[[Request], Caller]: ...

    @property
    def hops(self) -> Hops | None:
        """Checks what other gateways write above requests that they forward; None where there are no others."""
        ...

    @property
    def new_id(self) -> Callable[[], str]: ...

    @property
    def page_fields(self) -> Callable[[bytes], bytes]: ...

    def exchange(self, client: ClientConnection, door: Door, ask: Ask, caller: Caller, terms: Terms) -> Exchange: ...

    def refused(self, door: Door, error: PotluckError, caller: Caller | None, request_id: str) -> None: ...


class ClientConnection(asyncio.Protocol):
    """One client's connection. Implements `reading.Receiver`, and `exchange.Sink` for what is being answered."""

    __slots__ = (
        "_bridge",
        "_caller",
        "_door",
        "_exchange",
        "_full",
        "_gone",
        "_last_words",
        "_line",
        "_reader",
        "_refused",
        "_relay",
        "_request",
        "_unsent",
        "_unsent_since_s",
        "deadline_s",
        "transport",
    )

    def __init__(self, relay: Host) -> None:
        self._relay = relay
        self._reader = RequestReader(self, relay.limits)
        self._line: list[Request] = []  # read or being read, not yet begun to be answered; a few at most
        self._last_words: Unreadable | None = None  # to be said when everything before it is answered
        self._request: Request | None = None  # being answered
        self._door: Door | None = None
        self._caller: Caller | None = None
        self._exchange: Exchange | None = None
        self._bridge: Answering | None = None
        self._refused = False
        self._full = False
        self._gone = False
        self._unsent = 0
        self._unsent_since_s = 0.0
        self.deadline_s = 0.0
        self.transport: asyncio.Transport

    @property
    def busy(self) -> bool:
        """Whether a request is being read or answered: such a connection is not closed on a graceful stop."""
        under_way = self._request is not None or self._reader.incoming is not None
        return (under_way and not self._gone) or self.transport.get_write_buffer_size() > 0

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        self.deadline_s = self._relay.clock() + self._relay.limits.head_s
        self._relay.connections.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
        except Unreadable as error:
            self._unreadable(error)

    def eof_received(self) -> bool:
        """Who stops sending has left: no API client half-closes, and waiting would leave engines at work for nobody."""
        self._leave()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._relay.connections.discard(self)
        self._leave()

    def pause_writing(self) -> None:
        self._full = True
        if self._exchange is not None:
            self._exchange.client_full()
        if self._bridge is not None:
            self._bridge.pause_writing()

    def resume_writing(self) -> None:
        self._full = False
        if self._exchange is not None:
            self._exchange.client_ready()
        if self._bridge is not None:
            self._bridge.resume_writing()

    # --- reading.Receiver ---

    def request_begins(self) -> None:
        if self._request is None:
            self.deadline_s = self._relay.clock() + self._relay.limits.head_s

    def request_head(self, request: Request) -> None:
        self.deadline_s = self._relay.clock() + self._relay.limits.body_s
        if self._request is None:
            self._begin(request)
            return
        self._line.append(request)
        if len(self._line) >= self._relay.limits.pipeline:
            request.keep_alive = False  # what comes after it, the client will ask for again (RFC 9112 9.3.2)

    def request_body(self, request: Request, piece: bytes) -> None:
        if self._gone:
            return
        limits = self._relay.limits
        self.deadline_s = self._relay.clock() + limits.body_s
        if request is not self._request:
            self._keep_in_line(request, piece)
        elif self._refused:
            if request.size > _DISCARD_LIMIT:
                self._hang_up()
        elif self._bridge is not None:
            self._upload(self._bridge, request, piece)
        elif request.size > limits.max_body:
            request.keep_alive = False
            request.body.clear()
            self._refuse(PayloadTooLarge(limits.max_body))
        else:
            request.keep(piece)

    def request_end(self, request: Request) -> None:
        if request is self._request and not self._gone:
            self._complete()

    def _keep_in_line(self, request: Request, piece: bytes) -> None:
        """All that waits in line is held to the limit for one body; what is over it is refused when its turn comes."""
        if sum(each.size for each in self._line) > self._relay.limits.max_body:
            request.too_large = True
            request.body.clear()
        elif not request.too_large:
            request.keep(piece)

    def _upload(self, bridge: Answering, request: Request, piece: bytes) -> None:
        """A body on its way to the application, which has limits of its own below the one for uploads."""
        if request.size > self._relay.limits.max_upload:
            self._leave()
            self.transport.abort()  # the application may have begun to answer: there is nothing left to say
        else:
            bridge.body(piece)

    # --- one request ---

    def _begin(self, request: Request) -> None:
        """A head was read and it is its turn: find who answers it."""
        self._request = request
        self._refused = False
        if self._relay.hops is not None:
            request.forwarded_for = self._relay.hops.client(request.headers, request.method, request.target) or ""
        doors = self._relay.doors.get(request.target) or self._relay.doors.get(request.path)
        if doors is None or (request.method == b"OPTIONS" and request.origin):  # a browser asks before it calls
            self._begin_asgi(request)
            return
        self._door = door = doors.get(request.method) or next(iter(doors.values()))
        try:
            if request.method.decode("latin-1") != door.method:
                raise MethodNotAllowed(request.method.decode("latin-1"), [each.decode() for each in doors])
            request.client = self.transport
            self._caller = caller = self._relay.authenticate(request)
            if not caller.may(door.right):
                raise caller.refusal(door.right)
            if caller.scope is not None and not caller.scope.allows_surface(door.family):
                raise caller.scope.surface_refusal(door.family)
            if (request.content_length or 0) > self._relay.limits.max_body or request.too_large:
                raise PayloadTooLarge(self._relay.limits.max_body)
        except ClientError as error:
            self._refuse(error)
            return
        if request.expects_continue and not request.complete and not request.body:
            self.transport.write(_CONTINUE)

    def _begin_asgi(self, request: Request) -> None:
        limits = self._relay.limits
        if (request.content_length or 0) > limits.max_upload or request.too_large:
            self._refuse(PayloadTooLarge(limits.max_body if request.too_large else limits.max_upload))
            return
        self._bridge = self._relay.asgi.open(request, self.transport, self._asgi_done)
        if self._full:  # of the answer before: nobody tells again
            self._bridge.pause_writing()
        for piece in request.body:
            self._bridge.body(bytes(piece))
        request.body.clear()

    def _complete(self) -> None:
        """The request being answered has its whole body."""
        request = self._request
        assert request is not None
        if self._bridge is not None:
            self._bridge.body_end()
        elif self._refused:
            self._next()
        else:
            self._start_exchange(request)

    def _start_exchange(self, request: Request) -> None:
        door, caller = self._door, self._caller
        assert door is not None
        assert caller is not None
        try:
            body = request.payload(self._relay.limits.max_body)
            if door.others:
                self._door = door = door.for_body(body)
            ask = door.read(body)
            terms = read_terms(request.terms) if request.terms else NO_TERMS
        except ClientError as error:
            self._refuse(error)
            return
        request.body.clear()
        self._exchange = exchange = self._relay.exchange(self, door, ask, caller, terms)
        if self._full:  # of the answer before: nobody tells again
            exchange.client_full()
        exchange.start()

    def move(self, side: Side, *, waiting: bool) -> bool:
        """Have ``side`` answer the request that is under way here, if nothing of an answer is out but perhaps its head
        and, with ``waiting``, it has no engine yet. Whether that was so. The client notices nothing; its next request
        takes another connection."""
        request, exchange = self._request, self._exchange
        if request is None or exchange is None or exchange.opened:
            return False
        if waiting and exchange.state not in (State.PREPARING, State.SEEKING):
            return False
        self._exchange = None
        body = exchange.ask.body
        request.begun = exchange.stream_type if exchange.began else ""
        exchange.withdraw()
        request.keep_alive = False
        request.headers = [field for field in request.headers if field[0] not in _OF_THE_BODY]
        request.headers.append((b"content-length", b"%d" % len(body)))
        request.chunked, request.content_length = False, len(body)
        self._bridge = bridge = side.open(request, self.transport, self._asgi_done)
        if self._full:
            bridge.pause_writing()
        bridge.body(body)
        bridge.body_end()
        return True

    def _next(self) -> None:
        """The answer is out: close, or turn to the next request."""
        request, self._request = self._request, None
        self._door = self._caller = self._exchange = self._bridge = None
        if self._gone:
            return
        if request is None or not request.keep_alive or self._relay.draining:
            self._hang_up()
            return
        self.deadline_s = self._relay.clock() + self._relay.limits.idle_s
        if self._line:
            self._take_up(self._line.pop(0))
        elif self._last_words is not None:
            self._say(self._last_words)

    def _take_up(self, request: Request) -> None:
        """A pipelined request's turn has come; its body may be here already."""
        self._begin(request)
        if request.complete and self._request is request:
            self._complete()

    def _asgi_done(self, keep: bool) -> None:
        request = self._request
        if request is None:
            return
        request.keep_alive = request.keep_alive and keep
        self._bridge = None
        if request.complete:
            self._next()
        elif request.keep_alive:  # answered early: what is left of the body is read and dropped
            self._refused = True
        else:
            self._hang_up()

    # --- exchange.Sink ---

    def begin(self, exchange: Exchange) -> None:
        request = self._request
        assert request is not None
        fields = head(exchange, exchange.stream_type) + _STREAMED
        framing = b"" if request.version == "1.0" else b"transfer-encoding: chunked\r\n"
        self.transport.write(b"%b%b%b\r\n" % (fields, framing, self._own_fields(request)))

    def send(self, data: bytes) -> None:
        request = self._request
        assert request is not None
        self.transport.write(data if request.version == "1.0" else heads.chunk(data))

    def end(self) -> None:
        request = self._request
        assert request is not None
        if request.version != "1.0":
            exchange = self._exchange
            self.transport.write(heads.LAST_CHUNK if exchange is None else last_chunk(exchange, request.headers))
        self._next()

    def answer(self, exchange: Exchange, body: bytes) -> None:
        self._write_whole(head(exchange, exchange.door.whole_type), body)
        self._next()

    def refuse(self, exchange: Exchange, error: PotluckError) -> None:
        self._exchange = None
        self._refuse(error, exchange)

    # --- refusals ---

    def _refuse(self, error: PotluckError, exchange: Exchange | None = None) -> None:
        """Answer with the dialect's error. A body still coming is read to its end, so that the answer gets through."""
        request, door = self._request, self._door or self._relay.fallback
        assert request is not None
        self._refused = True
        request_id = exchange.id if exchange is not None else self._relay.new_id()
        reply = door.errors(error, request_id)
        if not request.complete and request.expects_continue:
            request.keep_alive = False  # the client may or may not send the body now: only closing is sure
        headers = {"content-type": reply.content_type, REQUEST_ID: request_id, **dict(reply.headers)}
        if exchange is not None:
            headers.update(trials(exchange))
        head = heads.status_line(reply.status) + heads.fields(headers.items())
        if exchange is not None and not isinstance(error, RateLimited):  # which tells by itself
            head += limits(exchange)
        self._write_whole(head, reply.body)
        if exchange is None:
            self._relay.refused(door, error, self._caller, request_id)
        if request.complete:
            self._next()
        elif not request.keep_alive:
            self._hang_up()

    def _write_whole(self, head: bytes, body: bytes) -> None:
        request = self._request
        assert request is not None
        data = b"" if request.method == b"HEAD" else body
        fields = guard_headers.WHOLE + self._own_fields(request)
        self.transport.write(b"%bcontent-length: %d\r\n%b\r\n%b" % (head, len(body), fields, data))

    def _own_fields(self, request: Request) -> bytes:
        """The header lines of every answer, and those of this request: that a page may read the answer, that it
        is the last one here."""
        if self._relay.draining:
            request.keep_alive = False
        fields = guard_headers.DOOR
        if request.origin:
            fields += self._relay.page_fields(request.origin)
        return fields if request.keep_alive else fields + b"connection: close\r\n"

    # --- the end ---

    def _unreadable(self, error: Unreadable) -> None:
        """Not HTTP, too much of it, or too slow. What was asked before is answered first."""
        if self._gone:
            return
        self._reader.stop()
        if self._line and not self._line[-1].complete:
            self._line.pop()  # it was this one's body
        request, bridge = self._request, self._bridge
        if request is not None and request.complete:
            self._last_words = error
        elif self._refused or (bridge is not None and bridge.spoken):
            self._hang_up()
        else:
            self._say(error)

    def _say(self, error: Unreadable) -> None:
        """A plain answer without a dialect, and the end."""
        self.transport.write(
            b"%bcontent-type: text/plain\r\ncontent-length: %d\r\n%b%bconnection: close\r\n\r\n%b"
            % (
                heads.status_line(error.status),
                len(error.reason),
                guard_headers.WHOLE,
                guard_headers.DOOR,
                error.reason,
            )
        )
        self._hang_up()

    def _hang_up(self) -> None:
        """The last word is said. The client, which may still be sending, is waited for: closing at once would make the
        kernel reset the connection, and drop the answer on its way."""
        if self._gone:
            return
        self._leave()
        if not self.transport.can_write_eof() or self.transport.is_closing():
            self.transport.close()
            return
        try:
            self.transport.write_eof()
        except OSError:  # the client is gone, and asyncio has not read that yet
            self.transport.abort()

    def _leave(self) -> None:
        """Nothing more is read or said here, and nobody works for it."""
        self._gone = True
        self._reader.stop()
        self._line.clear()
        self.deadline_s = self._relay.clock() + _LINGER_S
        exchange, self._exchange = self._exchange, None
        bridge, self._bridge = self._bridge, None
        if exchange is not None:
            exchange.client_gone()
        if bridge is not None:
            bridge.client_gone()

    def expire(self, now_s: float) -> None:
        """Called by the sweep: a client that sends too slowly, takes nothing, or does neither, is let go."""
        if self._takes_nothing(now_s):
            self._leave()
            self.transport.abort()
        elif now_s < self.deadline_s:
            return
        elif self._gone:
            if not self._unsent:
                self.transport.abort()
        elif self._request is not None and self._request.complete:
            return  # the client waits for us
        elif self._bridge is not None and self._bridge.holds_back:
            self.deadline_s = now_s + self._relay.limits.body_s  # and here for the application to take the body
        elif self._reader.incoming is None:
            self._hang_up()
        else:
            self._unreadable(Unreadable(408, b"The request did not arrive in time."))

    def _takes_nothing(self, now_s: float) -> bool:
        """Whether what is to be sent has not become less for too long."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self._unsent, self._unsent_since_s = unsent, now_s
            return False
        return now_s - self._unsent_since_s >= self._relay.limits.send_s
