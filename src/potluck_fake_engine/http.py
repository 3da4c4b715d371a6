"""HTTP/1.1 on asyncio protocols: one request at a time per connection, one task per request.

A client that leaves cancels its request's task at once; that is how slots come free.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qsl, unquote

import httptools

JSON = "application/json; charset=utf-8"
SSE = "text/event-stream"
NDJSON = "application/x-ndjson"

Headers = tuple[tuple[str, str], ...]

_REASONS = {status.value: status.phrase for status in HTTPStatus}
# Pipelined requests beyond this are left in the socket.
_MAX_PIPELINED = 16


class Abandoned(Exception):
    """The answer was broken off on purpose; the handler has nothing more to do."""


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` is percent-decoded, ``query`` raw; header names are lower case, in the order received."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes

    def header(self, name: str) -> str:
        """The first header of that name (lower case), or an empty text."""
        return next((value for key, value in self.headers if key == name), "")

    def argument(self, name: str) -> str:
        return next((value for key, value in parse_qsl(self.query, keep_blank_values=True) if key == name), "")


class Reply:
    """The answer to one request. Either `respond`, or `start`, any number of `send`, and `finish`."""

    __slots__ = ("chunked", "connection", "extra", "head_only", "keep_alive")

    def __init__(self, connection: Connection, *, head_only: bool, chunked: bool) -> None:
        self.connection = connection
        self.head_only = head_only
        self.chunked = chunked
        self.extra: Headers = ()
        """Headers that every answer of this dialect carries."""
        self.keep_alive: Headers = ()
        """Further ones, where the connection is kept."""

    async def respond(self, status: int, body: bytes, content_type: str = JSON, headers: Headers = ()) -> None:
        """A whole answer with its length."""
        self.respond_now(status, body, content_type, headers)

    def respond_now(self, status: int, body: bytes, content_type: str = JSON, headers: Headers = ()) -> None:
        typed = (("Content-Type", content_type),) if content_type else ()
        head = self.head(status, (*typed, *headers, ("Content-Length", str(len(body)))))
        self.raw(head if self.head_only else head + body)

    async def start(self, content_type: str, headers: Headers = ()) -> None:
        """The head of a streamed answer with status 200."""
        if not self.chunked:
            self.connection.closing = True
        framing = (("Transfer-Encoding", "chunked"),) if self.chunked else ()
        self.raw(self.head(200, (("Content-Type", content_type), *headers, *framing)))

    async def send(self, data: bytes) -> None:
        """One chunk; waits while the client reads too slowly."""
        connection = self.connection
        connection.transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)
        connection.sent += len(data)
        if connection.can_write is not None:
            await connection.can_write

    async def finish(self) -> None:
        if self.chunked:
            self.connection.transport.write(b"0\r\n\r\n")

    def head(self, status: int, headers: Headers) -> bytes:
        closing = (("Connection", "close"),) if self.connection.closing else self.keep_alive
        lines = "".join(f"{name}: {value}\r\n" for name, value in (*self.extra, *headers, *closing))
        return f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}\r\n{lines}\r\n".encode("latin-1")

    def raw(self, data: bytes) -> None:
        """Bytes as they are, past all framing."""
        self.connection.transport.write(data)
        self.connection.sent += len(data)

    def break_off(self, *, reset: bool) -> None:
        """End the connection here and now: by RST, or by FIN after what was written."""
        self.connection.break_off(reset=reset)


Handler = Callable[[Request, Reply], Awaitable[None]]


class Connection(asyncio.Protocol):
    """One client connection. `handle` must not raise but for `Abandoned` and cancellation."""

    def __init__(self, handle: Handler, open_ones: set[Connection], idle_s: float | None = None) -> None:
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.can_write: asyncio.Future[None] | None = None
        self.sent = 0
        self.closing = False
        """The connection ends with the answer that is being given."""
        self._handle = handle
        self._idle_s = idle_s
        self._idle: asyncio.TimerHandle | None = None
        self._open_ones = open_ones
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._queue: deque[tuple[Request, bool, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._taker: Callable[[bytes], None] | None = None
        self._early: list[bytes] | None = None

    def take_over(self, taker: Callable[[bytes], None]) -> None:
        """What comes from now on is no HTTP any more: it is for ``taker``."""
        self._taker = taker
        for data in self._early or ():
            taker(data)

    # -- asyncio.Protocol --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._open_ones.add(self)
        self._rest()

    def data_received(self, data: bytes) -> None:
        if self._taker is not None:
            self._taker(data)
            return
        if self._early is not None:
            self._early.append(data)
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            self._early = [data[exc.args[0] :]]
        except httptools.HttpParserError as exc:
            if self._task is None:
                self.closing = True
                reply = Reply(self, head_only=False, chunked=False)
                reply.respond_now(400, str(exc).encode(), "text/plain; charset=utf-8")
            self.transport.close()

    def eof_received(self) -> bool:
        # A half-closed client is a client that left: Go's and llama.cpp's servers see it so too.
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_ones.discard(self)
        self._wake()
        self._queue.clear()
        if self._task is not None:
            self._task.cancel()
        self.resume_writing()

    def pause_writing(self) -> None:
        self.can_write = self._loop.create_future()

    def resume_writing(self) -> None:
        waiter, self.can_write = self.can_write, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # -- httptools ---------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._wake()
        self._url = b""
        self._headers = []
        self._body = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if any(name == "expect" and value.lower() == "100-continue" for name, value in self._headers):
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        method = self._parser.get_method().decode("latin-1")
        request = Request(
            method, unquote(path) if "%" in path else path, query, tuple(self._headers), b"".join(self._body)
        )
        self._queue.append((request, self._parser.should_keep_alive(), self._parser.get_http_version() == "1.1"))
        if self._task is None:
            self._next()
        elif len(self._queue) >= _MAX_PIPELINED:
            self.transport.pause_reading()

    # -- requests ----------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        request, keep_alive, chunked = self._queue.popleft()
        reply = Reply(self, head_only=request.method == "HEAD", chunked=chunked)
        self.closing = not keep_alive
        self._task = self._loop.create_task(self._run(request, reply))

    async def _run(self, request: Request, reply: Reply) -> None:
        answered = False
        try:
            await self._handle(request, reply)
            answered = True
        except Abandoned:
            return
        finally:
            self._task = None
            if not answered:
                self.transport.close()
        if self.transport.is_closing():
            return
        if self.closing:
            self.transport.close()
        elif self._queue:
            self._next()
        else:
            self.transport.resume_reading()
            self._rest()

    def _rest(self) -> None:
        """Nobody asks for anything now: after a while the connection goes."""
        if self._idle_s is not None:
            self._idle = self._loop.call_later(self._idle_s, self.transport.close)

    def _wake(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def break_off(self, *, reset: bool) -> None:
        if not reset:
            self.transport.close()
            return
        raw = cast("socket.socket", self.transport.get_extra_info("socket"))
        # Linger zero: the kernel throws away what is unsent and answers with RST.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
