"""The engine's side of the relay: one connection as a protocol, and the pool that keeps idle ones.

Reuse rules (PERFORMANCE.md): last in, first out; idle for less time than the engine's own limit; never after
unsolicited bytes, bytes past the end, a parse error, or ``Connection: close``.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from potluck.backends.port import Address
from potluck.backends.unreachable import why_unreachable
from potluck.core.errors import MalformedAnswer, NodeError, NodeUnreachable
from potluck.gateway.relay import heads, vanished

# Paths whose heads are kept: far more than engines that write have.
_REMEMBERED_HEADS = 256
# uvicorn and llama.cpp close an idle connection after 5 s; closing ours first leaves no race to lose.
IDLE_LIMIT_S = 4.0
# A refused connection answers at once; only a dead host keeps silent, and the next node should not wait long for it.
CONNECT_TIMEOUT_S = 5.0
# More than any engine sends; a flood of headers is not an answer.
MAX_HEAD_BYTES = 64 * 1024


class _UnknownCoding(Exception):
    """Raised inside a parser callback to stop the parser."""


class EngineUser(Protocol):
    """Who sent the request and gets the answer. Calls come in this order, ``engine_end`` or ``engine_lost`` last."""

    def engine_head(self, status: int) -> None: ...

    def engine_body(self, data: bytes) -> None: ...

    def engine_end(self) -> None: ...

    def engine_lost(self, error: NodeError, *, stale: bool) -> None:
        """``stale``: a reused connection broke before any byte of an answer, so the request may be sent again."""
        ...


class EngineConnection(asyncio.Protocol):
    """One connection to an engine, for one exchange at a time."""

    __slots__ = (
        "_answering",
        "_body",
        "_complete",
        "_framed",
        "_head_bytes",
        "_head_done",
        "_keep",
        "_parser",
        "_paused",
        "_pool",
        "_user",
        "idle_since_s",
        "reused",
        "transport",
    )

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._user: EngineUser | None = None
        self._paused = False
        self.reused = False
        self.idle_since_s = 0.0
        self.transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._reset()

    def _reset(self) -> None:
        """Ready for the next answer. So is the parser, after one that ended as it should."""
        self._answering = False
        self._head_bytes = 0
        self._head_done = False
        self._framed = False
        self._keep = False
        self._complete = False

    def send(self, user: EngineUser, data: bytes) -> None:
        """Write a whole request; ``user`` hears the answer."""
        self._user = user
        self.transport.write(data)

    def hand_to(self, user: EngineUser) -> None:
        """Somebody else hears the rest of the answer."""
        self._user = user

    def pause(self) -> None:
        """The client is slower than the engine: let the engine wait."""
        if not self._paused and not self.transport.is_closing():
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        if self._paused and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()

    def abort(self) -> None:
        """Nobody wants the answer any more: the engine sees the connection close and stops generating."""
        self._user = None
        self.transport.abort()

    def cut(self, why: str) -> None:
        """End as if the engine's machine had gone."""
        self._lost(NodeUnreachable(why))

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        if (own := transport.get_extra_info("socket")) is not None:
            vanished.notice((own,))
        self._pool.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._user is None:
            self.transport.abort()
            return
        self._answering = True
        if not self._head_done:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # Bytes past the end are the engine's slip, not this answer's: deliver it, but never reuse the connection.
            if not self._complete:
                self._deliver()
                self._lost(MalformedAnswer("The engine's answer is not HTTP.", detail=str(error)))
                return
            self._keep = False
        if not self._head_done and self._head_bytes > MAX_HEAD_BYTES:
            self._lost(MalformedAnswer("The engine's answer has an endless head."))
            return
        self._deliver()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.forget(self)
        if self._user is None:
            return
        if self._head_done and not self._framed and exc is None:
            self._complete, self._keep = True, False
            self._deliver()
            return
        stale = self.reused and not self._answering
        detail = str(exc) if exc else "connection closed"
        self._lost(NodeUnreachable("The engine closed the connection.", detail=detail), stale=stale)

    def pause_writing(self) -> None:
        """A request is at most one body long; it waits in the transport's buffer."""

    def resume_writing(self) -> None:
        """See `pause_writing`."""

    # --- httptools callbacks ---

    def on_message_begin(self) -> None:
        if self._complete:
            # A second answer to one request; llhttp goes on parsing, we do not.
            self._keep = False
        else:
            # An interim answer (103 Early Hints) may have brought fields that are not the answer's.
            self._framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:
            return  # a trailer
        name = name.lower()
        if name == b"content-length":
            self._framed = True
        elif name == b"transfer-encoding":
            if value.strip().lower() != b"chunked":
                # llhttp would hand on the coded bytes as they are, up to the end of the connection.
                raise _UnknownCoding
            self._framed = True

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 or self._complete:  # 100 Continue, 103 Early Hints: the answer is still to come
            return
        self._head_done = True
        self._keep = self._parser.should_keep_alive()
        if status in (204, 304):
            self._framed = True
        if self._user is not None:
            self._user.engine_head(status)

    def on_body(self, body: bytes) -> None:
        if not self._complete:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._head_done:
            self._complete = True

    # --- outcomes ---

    def _deliver(self) -> None:
        """Hand over what this read brought, in one piece, and the end if it is there."""
        user = self._user
        if user is not None and self._body:
            body = self._body
            self._body = []
            user.engine_body(body[0] if len(body) == 1 else b"".join(body))
        user = self._user  # the user may have aborted us on hearing the body
        if user is not None and self._complete:
            self._user = None
            if self._reusable():
                self.resume()  # a slow client may have had us paused: the next answer must be heard
                self._reset()
                self._pool.give(self)
            else:
                self.transport.abort()
            user.engine_end()

    def _reusable(self) -> bool:
        """Whether the next request may go here. An engine that answered before it took the whole request may be
        about to close: its next words would be no answer to ours."""
        return self._keep and not self.transport.is_closing() and not self.transport.get_write_buffer_size()

    def _lost(self, error: NodeError, *, stale: bool = False) -> None:
        user, self._user = self._user, None
        self.transport.abort()
        if user is not None:
            user.engine_lost(error, stale=stale)


class Pool:
    """The connections to one address. ``clock`` is monotonic seconds."""

    def __init__(self, address: Address, clock: Callable[[], float], tls: ssl.SSLContext | None) -> None:
        self.address = address
        self._clock = clock
        self._tls = tls
        self._idle: list[EngineConnection] = []
        self._open: set[EngineConnection] = set()
        self._blocked = ""
        self._last_used_s = clock()
        bracketed = f"[{address.host}]" if ":" in address.host else address.host
        self._host = f"{bracketed}:{address.port}"
        self._heads: dict[tuple[str, str, str], bytes] = {}  # an engine has a dozen paths, so this stays small

    def head(self, method: str, path: str, content_type: str, body: bytes) -> bytes:
        """A request's whole head, up to and with the empty line."""
        start = self._heads.get((method, path, content_type))
        if start is None:
            kind = (("content-type", content_type),) if content_type else ()
            headers = (*self.address.headers, *kind)
            start = heads.engine_head(self._host, self.address.base_path, path, method, headers)
            if len(self._heads) >= _REMEMBERED_HEADS:  # image engines are asked for every prompt by its id
                self._heads.clear()
            self._heads[method, path, content_type] = start
        return start + b"content-length: %d\r\n\r\n" % len(body)

    def take(self) -> EngineConnection | None:
        """The connection that was idle for the shortest time, or None if one must be dialled."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing() and self._clock() - connection.idle_since_s < IDLE_LIMIT_S:
                connection.reused = True
                return connection
            connection.abort()
        return None

    async def dial(self) -> EngineConnection:
        """A new connection. Raises `NodeUnreachable`."""
        self._see_open()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, connection = await loop.create_connection(
                    lambda: EngineConnection(self), self.address.host, self.address.port, ssl=self._tls
                )
        except TimeoutError as error:
            raise NodeUnreachable("The engine's machine does not answer.", detail="connect timed out") from error
        except OSError as error:
            raise NodeUnreachable(why_unreachable(error), detail=str(error)) from error
        try:
            self._see_open()
        except NodeUnreachable:
            connection.abort()
            raise
        return connection

    def _see_open(self) -> None:
        if self._blocked:
            raise NodeUnreachable(self._blocked)

    def block(self, why: str) -> None:
        """Be as an address whose machine has died: what is open is cut, in the loop's next turn, and nothing is opened
        until `unblock`."""
        self._blocked = why
        loop = asyncio.get_running_loop()
        for connection in self._open:
            loop.call_soon(connection.cut, why)

    def unblock(self) -> None:
        self._blocked = ""

    def give(self, connection: EngineConnection) -> None:
        """Keep a connection whose answer ended cleanly."""
        connection.idle_since_s = self._last_used_s = self._clock()
        self._idle.append(connection)

    @property
    def unused(self) -> bool:
        """No connection is open, and none has been given back for a minute: the address may be gone for good."""
        return not self._open and self._clock() - self._last_used_s > 60.0

    def opened(self, connection: EngineConnection) -> None:
        """One more connection is open: whoever has it will give it back here, however long that takes."""
        self._open.add(connection)

    def forget(self, connection: EngineConnection) -> None:
        """A connection is closed."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def sweep(self) -> None:
        """Close what was idle too long; called now and then."""
        now = self._clock()
        stale = [each for each in self._idle if now - each.idle_since_s >= IDLE_LIMIT_S]
        self._idle = [each for each in self._idle if now - each.idle_since_s < IDLE_LIMIT_S]
        for connection in stale:
            connection.abort()

    def close(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.abort()
