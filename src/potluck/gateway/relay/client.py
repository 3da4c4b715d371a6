"""The client's side of the relay: one connection, its requests in order, each to a door or to the ASGI application.

States of a connection: reading a head, reading a body, answering. Requests that arrive while one is being answered
(pipelining) wait in line. The connection is always read, so that a client's leaving is seen at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from potluck.core.errors import (
    ClientError,
    MethodNotAllowed,
    PayloadTooLarge,
    PotluckError,
)
from potluck.gateway.door import Door
from potluck.gateway.port import Caller
from potluck.gateway.relay import heads
from potluck.gateway.relay.bridge import Bridge
from potluck.gateway.relay.exchange import Exchange
from potluck.gateway.relay.request import Request

if TYPE_CHECKING:
    from potluck.gateway.relay.relay import Relay

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# What is still read of a body that was refused: enough that an ordinary client gets to see its answer.
_DISCARD_LIMIT = 4 * 1024 * 1024


class _HeadTooLarge(Exception):
    """Raised inside a parser callback to stop the parser."""


class _UnknownFraming(Exception):
    """Raised inside a parser callback: a transfer coding other than chunked."""


class _TooSlow(Exception):
    """A head or a body did not come in time."""


class ClientConnection(asyncio.Protocol):
    """One client's connection. Implements `exchange.Sink` for the exchange that is being answered."""

    __slots__ = (
        "_bridge",
        "_caller",
        "_door",
        "_exchange",
        "_gone",
        "_head_bytes",
        "_incoming",
        "_line",
        "_parser",
        "_refused",
        "_relay",
        "_request",
        "_upgrading",
        "deadline_s",
        "transport",
    )

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._parser = httptools.HttpRequestParser(self)
        self._incoming: Request | None = None  # being read
        self._line: deque[Request] = deque()  # read or being read, not yet begun to be answered
        self._request: Request | None = None  # being answered
        self._door: Door | None = None
        self._caller: Caller | None = None
        self._exchange: Exchange | None = None
        self._bridge: Bridge | None = None
        self._refused = False
        self._upgrading = False
        self._gone = False
        self._head_bytes = 0
        self.deadline_s = 0.0
        self.transport: asyncio.Transport

    @property
    def busy(self) -> bool:
        """Whether a request is being read or answered: such a connection is not closed on a graceful stop."""
        return self._request is not None or self._incoming is not None

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        self.deadline_s = self._relay.clock() + self._relay.limits.head_s
        self._relay.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._gone:
            return
        if self._incoming is None or not self._incoming.version:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._refuse_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._unreadable(error)
        else:
            # A header that never ends reaches no callback: count what came without completing a head.
            if self._head_bytes > self._relay.limits.max_head and not self._gone and not self._line:
                self._unreadable(_HeadTooLarge())

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        self._relay.connections.discard(self)
        if self._exchange is not None:
            self._exchange.client_gone()
        if self._bridge is not None:
            self._bridge.client_gone(exc)
        self._exchange = self._bridge = None
        self._line.clear()

    def pause_writing(self) -> None:
        if self._exchange is not None:
            self._exchange.client_full()
        if self._bridge is not None:
            self._bridge.pause_writing()

    def resume_writing(self) -> None:
        if self._exchange is not None:
            self._exchange.client_ready()
        if self._bridge is not None:
            self._bridge.resume_writing()

    # --- httptools callbacks ---

    def on_message_begin(self) -> None:
        self._incoming = Request(version="")
        self._upgrading = False

    def on_url(self, url: bytes) -> None:
        assert self._incoming is not None
        self._incoming.target += url
        if len(self._incoming.target) > self._relay.limits.max_head:
            raise _HeadTooLarge

    def on_header(self, name: bytes, value: bytes) -> None:
        request = self._incoming
        assert request is not None
        if request.version:
            return  # a trailer: nothing here reads any
        request.note(name, value)
        limits = self._relay.limits
        if name.lower() == b"transfer-encoding" and value.strip().lower() != b"chunked":
            # llhttp notices only after the head is complete; by then the request would be on its way.
            raise _UnknownFraming
        if len(request.headers) > limits.max_headers or request.head_size > limits.max_head:
            raise _HeadTooLarge

    def on_headers_complete(self) -> None:
        request = self._incoming
        assert request is not None
        request.method = self._parser.get_method()
        request.version = self._parser.get_http_version()
        request.keep_alive = self._parser.should_keep_alive()
        self._head_bytes = 0
        if self._parser.should_upgrade():
            self._upgrading = True
            return
        self.deadline_s = self._relay.clock() + self._relay.limits.body_s
        if self._request is None:
            self._begin(request)
        else:
            self._line.append(request)
            if len(self._line) > self._relay.limits.pipeline:
                raise _HeadTooLarge

    def on_body(self, body: bytes) -> None:
        request = self._incoming
        assert request is not None
        request.size += len(body)
        self.deadline_s = self._relay.clock() + self._relay.limits.body_s
        if request is self._request and self._refused:
            if request.size > _DISCARD_LIMIT:
                self.transport.close()
        elif request is self._request and self._bridge is not None:
            self._upload(self._bridge, request, body)
        elif request.size > self._relay.limits.max_body:
            request.keep_alive = False
            request.body.clear()
            if request is self._request:
                self._refuse(PayloadTooLarge(self._relay.limits.max_body))
        else:
            request.body.append(body)

    def _upload(self, bridge: Bridge, request: Request, piece: bytes) -> None:
        """A body on its way to the application, which has limits of its own below the one for uploads."""
        if request.size > self._relay.limits.max_upload:
            self.transport.abort()  # the application may have begun to answer: there is nothing left to say
        else:
            bridge.body(piece)

    def on_message_complete(self) -> None:
        request = self._incoming
        if request is None or self._upgrading:
            return
        request.complete = True
        self._incoming = None
        if request is self._request:
            self._complete()

    # --- one request ---

    def _begin(self, request: Request) -> None:
        """A head was read and it is its turn: find who answers it."""
        self._request = request
        self._refused = False
        doors = self._relay.doors.get(request.path)
        if doors is None or request.method == b"OPTIONS":
            self._begin_asgi(request)
            return
        self._door = door = doors.get(request.method) or next(iter(doors.values()))
        try:
            if request.method.decode("latin-1") != door.method:
                raise MethodNotAllowed(request.method.decode("latin-1"), [each.decode() for each in doors])
            self._caller = self._relay.authenticate(request)
            if (request.content_length or 0) > self._relay.limits.max_body:
                raise PayloadTooLarge(self._relay.limits.max_body)
        except ClientError as error:
            self._refuse(error)
            return
        if request.expects_continue and not request.complete and not request.body:
            self.transport.write(_CONTINUE)

    def _begin_asgi(self, request: Request) -> None:
        if (request.content_length or 0) > self._relay.limits.max_upload:
            self._door = self._relay.fallback
            self._refuse(PayloadTooLarge(self._relay.limits.max_upload))
            return
        self._bridge = self._relay.asgi.open(request, self.transport, self._asgi_done)
        for piece in request.body:
            self._bridge.body(piece)
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
        except ClientError as error:
            self._refuse(error)
            return
        request.body.clear()
        self._exchange = exchange = Exchange(self._relay, self, door, ask, caller)
        exchange.start()

    def _next(self) -> None:
        """The answer is out: close, or turn to the next request."""
        request, self._request = self._request, None
        self._door = self._caller = self._exchange = self._bridge = None
        if self._gone:
            return
        if request is None or not request.keep_alive or self._relay.draining:
            self.transport.close()
            self._gone = True
            return
        self.deadline_s = self._relay.clock() + self._relay.limits.idle_s
        if self._line:
            self._take_up(self._line.popleft())

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
        else:  # answered early: what is left of the body is read and dropped
            self._refused = True

    # --- exchange.Sink ---

    def begin(self, exchange: Exchange) -> None:
        request = self._request
        assert request is not None
        head = exchange.head(200, exchange.stream_type, ("cache-control", "no-cache"), ("x-accel-buffering", "no"))
        if request.version == "1.0":
            request.keep_alive = False
            self.transport.write(head + b"connection: close\r\n\r\n")
        else:
            self.transport.write(head + b"transfer-encoding: chunked\r\n\r\n")

    def send(self, data: bytes) -> None:
        request = self._request
        assert request is not None
        self.transport.write(data if request.version == "1.0" else heads.chunk(data))

    def end(self) -> None:
        request = self._request
        assert request is not None
        if request.version != "1.0":
            self.transport.write(heads.LAST_CHUNK)
        self._next()

    def answer(self, exchange: Exchange, body: bytes) -> None:
        self._write_whole(exchange.head(200, "application/json"), body)
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
        headers = {"content-type": reply.content_type, "x-potluck-request-id": request_id, **dict(reply.headers)}
        self._write_whole(heads.status_line(reply.status) + heads.fields(headers.items()), reply.body)
        if exchange is None:
            self._relay.refused(door, error, self._caller, request_id)
        if request.complete:
            self._next()
        elif not request.keep_alive:
            self.transport.close()
            self._gone = True

    def _write_whole(self, head: bytes, body: bytes) -> None:
        request = self._request
        assert request is not None
        close = b"" if request.keep_alive else b"connection: close\r\n"
        data = b"" if request.method == b"HEAD" else body
        self.transport.write(b"%bcontent-length: %d\r\n%b\r\n%b" % (head, len(body), close, data))

    def _refuse_upgrade(self, rest: bytes) -> None:
        """Nothing here upgrades: the request is read again as if it had not asked (RFC 9110 7.8 allows that)."""
        request = self._incoming
        assert request is not None
        kept = [(name, value) for name, value in request.headers if name not in (b"upgrade", b"connection")]
        head = b"%b %b HTTP/1.1\r\n%b\r\n" % (
            request.method,
            request.target,
            b"".join(b"%b: %b\r\n" % header for header in kept),
        )
        self._incoming = None
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(head + rest)

    def _unreadable(self, error: Exception) -> None:
        """Not HTTP, or too much of it: one plain answer if nothing is under way, and the end."""
        if isinstance(error, _HeadTooLarge) or isinstance(error.__context__, _HeadTooLarge):
            status, reason = 431, b"The request's head is too large."
        elif isinstance(error, _TooSlow):
            status, reason = 408, b"The request did not arrive in time."
        elif isinstance(error, httptools.HttpParserCallbackError) and not isinstance(
            error.__context__, _UnknownFraming
        ):
            raise error
        else:
            status, reason = 400, b"The request is not valid HTTP/1.1."
        if self._request is None or self._request is self._incoming:
            self.transport.write(
                b"%bcontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
                % (heads.status_line(status), len(reason), reason)
            )
        if self._exchange is not None:
            self._exchange.client_gone()
            self._exchange = None
        self._gone = True
        self.transport.close()

    def expire(self, now_s: float) -> None:
        """Called by the sweep: a client that sends too slowly, or nothing at all, is let go."""
        if now_s < self.deadline_s or self._gone:
            return
        waiting_for_us = self._request is not None and self._request.complete
        if not waiting_for_us:
            if self._bridge is not None:
                self._bridge.client_gone(None)
                self._bridge = None
            elif self._incoming is not None and not self._refused:
                self._unreadable(_TooSlow())
            self._gone = True
            self.transport.close()
