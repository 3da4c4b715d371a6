"""The server's end of a WebSocket (RFC 6455) on a `Connection` that was upgraded: no extensions, no fragments sent."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct

from potluck_fake_engine.http import Reply, Request

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_LARGEST = 64 * 2**20


class WebSocket:
    """Sending never waits: what a slow client has not read lies in the transport's buffer."""

    def __init__(self, reply: Reply) -> None:
        self._connection = reply.connection
        self._buffer = bytearray()
        self._heard: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._whole = bytearray()
        self._kind = _TEXT
        self.open = True

    def send_text(self, text: str) -> None:
        self._send(_TEXT, text.encode())

    def send_binary(self, data: bytes) -> None:
        self._send(_BINARY, data)

    def close(self, code: int = 1000) -> None:
        self._send(_CLOSE, struct.pack(">H", code))
        self.open = False
        self._heard.put_nowait(None)

    async def receive(self) -> str | bytes | None:
        """The next message; None when the client has closed."""
        return await self._heard.get()

    def _send(self, kind: int, data: bytes) -> None:
        if not self.open:
            return
        size = len(data)
        if size < 126:
            head = struct.pack(">BB", 0x80 | kind, size)
        elif size < 2**16:
            head = struct.pack(">BBH", 0x80 | kind, 126, size)
        else:
            head = struct.pack(">BBQ", 0x80 | kind, 127, size)
        self._connection.transport.write(head + data)
        self._connection.sent += len(head) + size

    def feed(self, data: bytes) -> None:
        """Bytes that came."""
        self._buffer += data
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def _frame(self) -> tuple[bool, int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, at = buffer[1] & 0x7F, 2
        if size == 126:
            if len(buffer) < 4:
                return None
            size, at = int.from_bytes(buffer[2:4], "big"), 4
        elif size == 127:
            if len(buffer) < 10:
                return None
            size, at = int.from_bytes(buffer[2:10], "big"), 10
        if size > _LARGEST:
            self.close(1009)
            return None
        mask = bytes(buffer[at : at + 4]) if buffer[1] & 0x80 else b""
        at += len(mask)
        if len(buffer) < at + size:
            return None
        data = bytes(buffer[at : at + size])
        if mask:
            data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        final, kind = bool(buffer[0] & 0x80), buffer[0] & 0x0F
        del buffer[: at + size]
        return final, kind, data

    def _take(self, final: bool, kind: int, data: bytes) -> None:
        if kind == _PING:
            self._send(_PONG, data)
        elif kind == _CLOSE:
            self.close()
        elif kind != _PONG:
            self._kind = kind or self._kind
            self._whole += data
            if final:
                whole, self._whole = bytes(self._whole), bytearray()
                self._heard.put_nowait(whole if self._kind == _BINARY else whole.decode("utf-8", "replace"))


def wants_upgrade(request: Request) -> bool:
    return request.header("upgrade").lower() == "websocket" and bool(request.header("sec-websocket-key"))


def accept(request: Request, reply: Reply) -> WebSocket:
    """Answer the handshake. From now on the connection is the socket's, until its handler returns."""
    key = request.header("sec-websocket-key")
    proof = base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()  # noqa: S324 - RFC 6455 4.2.2
    reply.connection.closing = True
    fields = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {proof}")
    reply.raw("\r\n".join(("HTTP/1.1 101 Switching Protocols", *fields, "", "")).encode())
    socket = WebSocket(reply)
    reply.connection.take_over(socket.feed)
    return socket
