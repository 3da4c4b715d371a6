"""The switch's other side: one request handed to the ASGI application through uvicorn's own protocol.

uvicorn gets a protocol of its own for each request, on a transport that writes to the client's connection and is
detached when the answer is complete. So the client's connection stays ours: limits and framing are checked before
uvicorn sees a byte, and the next request on the connection may go to either side.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any

import httptools
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from potluck.gateway import guard_headers
from potluck.gateway.relay import heads
from potluck.gateway.relay.request import Request

# SO_LINGER's struct: on, for no time. What close() then sends is a reset.
_RESET = struct.pack("ii", 1, 0)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked(?=\r\n|$)", re.IGNORECASE)


class AsgiSide:
    """What all bridges share: the application in uvicorn's form, and the requests that uvicorn runs."""

    def __init__(self, app: Any) -> None:  # an ASGI callable; its types are Starlette's and uvicorn's to agree on
        self.config = Config(
            app, log_config=None, access_log=False, lifespan="off", server_header=False, date_header=False, ws="none"
        )
        self.config.load()
        self.state = ServerState()

    def open(self, request: Request, client: asyncio.Transport, done: Callable[[bool], None]) -> Bridge:
        """Begin a request; ``done(keep)`` is called once its answer is complete."""
        return Bridge(self, request, client, done)


class _Protocol(HttpToolsProtocol):
    """uvicorn's, but for the one answer that it gives without asking the application."""

    def send_400_response(self, msg: str) -> None:
        self.transport.write(
            b"%bcontent-type: text/plain\r\ncontent-length: %d\r\n%b%bconnection: close\r\n\r\n%b"
            % (heads.status_line(400), len(msg), guard_headers.WHOLE, guard_headers.DOOR, msg.encode())
        )
        self.transport.close()


class Bridge:
    """One request on its way through the application."""

    def __init__(
        self, side: AsgiSide, request: Request, client: asyncio.Transport, done: Callable[[bool], None]
    ) -> None:
        self._done = done
        self._abandoned = False
        self._request = request
        self._transport = BridgeTransport(client, plain=request.version == "1.0", forwarded_for=request.forwarded_for)
        self._protocol = _Protocol(side.config, side.state, {})
        self._app = self._protocol.app
        self._protocol.app = self._run  # the same callable, with an end that we hear
        self._protocol.connection_made(self._transport)
        self._protocol.data_received(_head(request))
        if self._transport.closing:  # uvicorn's own 400: a target that it cannot read
            asyncio.get_running_loop().call_soon(self._finish)

    @property
    def spoken(self) -> bool:
        """Whether a byte of the answer is out."""
        return self._transport.spoken

    @property
    def holds_back(self) -> bool:
        """Whether the client must wait with its body until the application has taken more of it."""
        return self._transport.holds_back

    def body(self, data: bytes) -> None:
        """More of the request's body."""
        if not self._transport.detached:
            self._protocol.data_received(heads.chunk(data) if self._request.chunked else data)

    def body_end(self) -> None:
        if self._request.chunked and not self._transport.detached:
            self._protocol.data_received(heads.LAST_CHUNK)

    def client_gone(self) -> None:
        self._abandoned = True
        self._transport.detach()
        self._protocol.connection_lost(None)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    async def _run(self, scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def sent(message: ASGISendEvent) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._finish()  # whatever the application does from here on, fail or go on, is not the connection's

        try:
            await self._app(scope, receive, sent)
        finally:
            # uvicorn looks at the outcome right after this returns, and answers 500 if the app failed to.
            asyncio.get_running_loop().call_soon(self._finish)

    def _finish(self) -> None:
        """uvicorn's part is over; ours goes on when its stack is left."""
        if self._transport.detached:
            return
        keep = not self._transport.closing
        self._transport.detach()
        self._protocol.connection_lost(None)
        asyncio.get_running_loop().call_soon(self._tell, keep)

    def _tell(self, keep: bool) -> None:
        if not self._abandoned:
            self._done(keep)


class BridgeTransport(asyncio.Transport):
    """The client's transport as uvicorn sees it for the length of one answer."""

    def __init__(self, client: asyncio.Transport, *, plain: bool, forwarded_for: str = "") -> None:
        """``plain``: the client reads no chunks. ``forwarded_for``: the address of the client of the gateway that the
        connection comes from."""
        super().__init__()
        self._client = client
        self._plain = Unchunked() if plain else None
        self._forwarded_for = forwarded_for
        self.detached = False
        self.closing = False
        self.spoken = False
        self.holds_back = False

    def detach(self) -> None:
        """From now on nothing that uvicorn does reaches the client's connection, which is read again."""
        if self._plain is not None and self._plain.unfinished and not self._client.is_closing():
            # Only a reset tells this client that more should have come; abort() alone ends as any other end does.
            if (client := self._client.get_extra_info("socket")) is not None:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._client.abort()
        self.resume_reading()
        self.detached = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if self._forwarded_for and name in ("peername", "socket"):  # uvicorn asks the socket first
            return (self._forwarded_for, 0) if name == "peername" else None
        return self._client.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self.closing or self.detached or self._client.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.detached:
            self.spoken = True
            self._client.write(data if self._plain is None else self._plain.of(bytes(data)))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """uvicorn wants no further request here; the connection ends when the answer is out."""
        self.closing = True

    def abort(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        if not self.detached and not self.holds_back and not self._client.is_closing():
            self.holds_back = True
            self._client.pause_reading()

    def resume_reading(self) -> None:
        if not self.detached and self.holds_back:
            self.holds_back = False
            if not self._client.is_closing():
                self._client.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._client.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._client.get_write_buffer_size()


class Unchunked:
    """What uvicorn says, for a client of HTTP/1.0: uvicorn sends it chunks where it knows no length."""

    def __init__(self) -> None:
        self._parser: httptools.HttpResponseParser | None = None
        self._pieces: list[bytes] = []
        self._passes = False
        self.unfinished = False

    def of(self, data: bytes) -> bytes:
        """``data`` without chunks; the first piece holds the whole head."""
        if self._passes:
            return data
        head = b""
        if self._parser is None:
            head, changes = _CHUNKED.subn(b"", data.partition(b"\r\n\r\n")[0])
            if not changes:
                self._passes = True
                return data
            head += b"\r\n\r\n"
            self._parser = httptools.HttpResponseParser(self)
            self.unfinished = True
        self._parser.feed_data(data)
        pieces, self._pieces = self._pieces, []
        return head + b"".join(pieces)

    # --- httptools callbacks ---

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        self.unfinished = False


def _head(request: Request) -> bytes:
    """The request's head written anew from what was parsed: what uvicorn reads is what we checked."""
    start = b"%b %b HTTP/%b\r\n" % (request.method, request.target, request.version.encode())
    return start + b"".join(b"%b: %b\r\n" % header for header in request.headers) + b"\r\n"
