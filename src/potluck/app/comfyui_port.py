"""The port for ComfyUI's clients: an ASGI application behind aiohttp's server, which speaks WebSocket, too.

It is open where the owner wants it, on the gateway that leads. Nothing of it is imported elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import WSMsgType, hdrs, web
from multidict import CIMultiDict
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Who says nothing for so long in the middle of a body has gone.
_SILENT_S: Final = 60.0
_HEARTBEAT_S: Final = 30.0
# Clients say what they understand; all else comes by HTTP.
_LONGEST_MESSAGE_BYTES: Final = 256 * 1024
_PIECE_BYTES: Final = 256 * 1024
_CLOSE_S: Final = 2.0

Listen = Callable[[Callable[[], asyncio.Protocol], str, int], Awaitable[asyncio.Server]]


@asynccontextmanager
async def port(app: ASGIApp, listen: Listen, host: str, number: int) -> AsyncGenerator[None, None]:
    """Serve ``app`` for as long as the block. Raises `OperatorError` where it cannot listen."""
    behind = web.Server(_handler(app), access_log=None)
    server = await listen(behind, host, number)
    try:
        yield
    finally:
        server.close()
        await behind.shutdown(_CLOSE_S)


def _handler(app: ASGIApp) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            heartbeat=_HEARTBEAT_S, max_msg_size=_LONGEST_MESSAGE_BYTES, compress=False, autoclose=True
        )
        exchange = _Socket(request, socket) if socket.can_prepare(request) else _Exchange(request)
        await app(exchange.scope, exchange.receive, exchange.send)
        return await exchange.end()

    return handle


def _scope(request: web.BaseRequest, kind: str, **more: Any) -> Scope:
    url = request.rel_url
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": f"{request.version.major}.{request.version.minor}",
        "path": url.path,
        "raw_path": url.raw_path.encode(),
        "query_string": url.raw_query_string.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "client": tuple(peer[:2]) if peer else None,
        "server": None,
        "state": {},
        **more,
    }


class _Exchange:
    """A request and its answer."""

    def __init__(self, request: web.BaseRequest) -> None:
        self.scope = _scope(request, "http", scheme="http", method=request.method)
        self._request = request
        self._response: web.StreamResponse | None = None
        self._read = False
        self._expects = request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"

    async def receive(self) -> Message:
        if self._expects:
            self._expects = False
            await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._request.writer.output_size = 0
        if self._read:
            await asyncio.Event().wait()  # the answer ends first: who leaves is noticed where it is written
        try:
            async with asyncio.timeout(_SILENT_S):
                piece = await self._request.content.read(_PIECE_BYTES)
        except (TimeoutError, OSError, web.RequestPayloadError):
            return {"type": "http.disconnect"}
        self._read = self._request.content.at_eof()
        return {"type": "http.request", "body": piece, "more_body": not self._read}

    async def send(self, message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self._response = response = web.StreamResponse(status=message["status"], headers=_headers(message))
            response.headers.setdefault(hdrs.SERVER, "potluck")
            if hdrs.CONTENT_LENGTH not in response.headers:
                response.enable_chunked_encoding()
            await response.prepare(self._request)
        elif self._response is not None and message.get("body"):
            await self._response.write(message["body"])

    async def end(self) -> web.StreamResponse:
        response = self._response or web.Response(status=500)
        if self._response is not None:
            await response.write_eof()
        return response


class _Socket(_Exchange):
    """A WebSocket; where its handshake is refused, an ordinary answer."""

    def __init__(self, request: web.BaseRequest, socket: web.WebSocketResponse) -> None:
        super().__init__(request)
        more: MutableMapping[str, Any] = {"scheme": "ws", "subprotocols": []}
        self.scope = _scope(request, "websocket", **more, extensions={"websocket.http.response": {}})
        self._socket = socket
        self._begun = False

    async def receive(self) -> Message:
        if not self._begun:
            self._begun = True
            return {"type": "websocket.connect"}
        message = await self._socket.receive()
        match message.type:
            case WSMsgType.TEXT:
                return {"type": "websocket.receive", "text": message.data}
            case WSMsgType.BINARY:
                return {"type": "websocket.receive", "bytes": message.data}
            case _:
                return {"type": "websocket.disconnect", "code": self._socket.close_code or 1005}

    async def send(self, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                await self._socket.prepare(self._request)
                self._response = self._socket
            case "websocket.send" if message.get("text") is not None:
                await self._socket.send_str(message["text"])
            case "websocket.send":
                await self._socket.send_bytes(message["bytes"])
            case "websocket.close" if self._socket.prepared:
                await self._socket.close(code=message.get("code", 1000))
            case "websocket.close":
                self._response = web.Response(status=403)
            case _:
                await super().send(message)

    async def end(self) -> web.StreamResponse:
        if self._socket.prepared:
            await self._socket.close()
            return self._socket
        return await super().end()


def _headers(message: Message) -> CIMultiDict[str]:
    return CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ()))


__all__ = ["Receive", "Send", "port"]
