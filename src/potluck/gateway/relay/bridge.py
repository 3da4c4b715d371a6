"""The switch's other side: one request handed to the ASGI application through uvicorn's own protocol.

uvicorn gets a protocol of its own for each request, on a transport that writes to the client's connection and is
detached when the answer is complete. So the client's connection stays ours: limits and framing are checked before
uvicorn sees a byte, and the next request on the connection may go to either side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from uvicorn._types import ASGIReceiveCallable, ASGISendCallable
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from potluck.gateway.relay import heads
from potluck.gateway.relay.request import Request


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


class Bridge:
    """One request on its way through the application."""

    def __init__(
        self, side: AsgiSide, request: Request, client: asyncio.Transport, done: Callable[[bool], None]
    ) -> None:
        self._done = done
        self._request = request
        self._transport = BridgeTransport(client)
        self._protocol = HttpToolsProtocol(side.config, side.state, {})
        self._app = self._protocol.app
        self._protocol.app = self._run  # the same callable, with an end that we hear
        self._protocol.connection_made(self._transport)
        self._protocol.data_received(_head(request))

    def body(self, data: bytes) -> None:
        """More of the request's body."""
        if not self._transport.detached:
            self._protocol.data_received(heads.chunk(data) if self._request.chunked else data)

    def body_end(self) -> None:
        if self._request.chunked and not self._transport.detached:
            self._protocol.data_received(heads.LAST_CHUNK)

    def client_gone(self, error: Exception | None) -> None:
        self._transport.detached = True
        self._protocol.connection_lost(error)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    async def _run(self, scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            # uvicorn looks at the outcome right after this returns, and answers 500 if the app failed to.
            asyncio.get_running_loop().call_soon(self._finish)

    def _finish(self) -> None:
        if self._transport.detached:
            return
        self._transport.detached = True
        closing = self._transport.closing
        self._protocol.connection_lost(None)
        self._done(not closing)


class BridgeTransport(asyncio.Transport):
    """The client's transport as uvicorn sees it for the length of one answer."""

    def __init__(self, client: asyncio.Transport) -> None:
        super().__init__()
        self._client = client
        self.detached = False
        self.closing = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._client.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self.closing or self.detached or self._client.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.detached:
            self._client.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """uvicorn wants no further request here; the connection ends when the answer is out."""
        self.closing = True

    def abort(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        if not self.detached:
            self._client.pause_reading()

    def resume_reading(self) -> None:
        if not self.detached:
            self._client.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._client.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._client.get_write_buffer_size()


def _head(request: Request) -> bytes:
    """The request's head written anew from what was parsed: what uvicorn reads is what we checked."""
    start = b"%b %b HTTP/%b\r\n" % (request.method, request.target, request.version.encode())
    return start + b"".join(b"%b: %b\r\n" % header for header in request.headers) + b"\r\n"
