"""A connection to the gateway that leads, for one forwarded request: its answer as it comes, head and framing apart."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol, cast
from urllib.parse import urlsplit

import httptools

# A machine on the same network accepts within milliseconds; one that is off never does.
_CONNECT_S = 2.0
_MAX_HEAD_BYTES = 64 * 1024
# A gateway whose machine lost its power is noticed after some ten seconds of silence, however long the answer takes.
_KEEPALIVE = (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3))


class UpstreamUser(Protocol):
    """Who hears the answer: a head, its body, and then its end or its loss."""

    def upstream_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None: ...

    def upstream_body(self, data: bytes) -> None: ...

    def upstream_end(self) -> None: ...

    def upstream_lost(self) -> None: ...

    def upstream_full(self, *, full: bool) -> None:
        """Whether it takes no more of the request for now."""
        ...


class Upstream(asyncio.Protocol):
    """``bodiless``: the answer to HEAD says how long it would be, and ends with its head."""

    def __init__(self, user: UpstreamUser, *, bodiless: bool) -> None:
        self._user: UpstreamUser | None = user
        self._bodiless = bodiless
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._headed = False
        self.transport: asyncio.Transport

    def abort(self) -> None:
        """Nobody wants the answer any more."""
        self._user = None
        self.transport.abort()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if (sock := transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEPALIVE:
                if (option := getattr(socket, name, None)) is not None:
                    sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._lose()

    def eof_received(self) -> bool:
        self._lose()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose()

    def pause_writing(self) -> None:
        if self._user is not None:
            self._user.upstream_full(full=True)

    def resume_writing(self) -> None:
        if self._user is not None:
            self._user.upstream_full(full=False)

    # --- httptools callbacks ---

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _MAX_HEAD_BYTES:
            self._lose()
        elif not self._headed:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # 100 Continue: the answer comes after it
            self._headers = []
            return
        self._headed = True
        if self._user is not None:
            self._user.upstream_head(status, self._headers)
        if self._bodiless:
            self._end()

    def on_body(self, body: bytes) -> None:
        if self._user is not None:
            self._user.upstream_body(body)

    def on_message_complete(self) -> None:
        if self._headed:
            self._end()

    def _end(self) -> None:
        user, self._user = self._user, None
        self.transport.abort()
        if user is not None:
            user.upstream_end()

    def _lose(self) -> None:
        user, self._user = self._user, None
        self.transport.abort()
        if user is not None:
            user.upstream_lost()


async def connect(url: str, user: UpstreamUser, *, bodiless: bool = False) -> Upstream:
    """A connection to the gateway at ``url``. Raises `OSError`, also where it takes too long."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, upstream = await asyncio.get_running_loop().create_connection(
                lambda: Upstream(user, bodiless=bodiless),
                parts.hostname or "",
                parts.port or (443 if tls else 80),
                ssl=tls or None,
            )
    except TimeoutError as error:
        raise OSError("it does not answer") from error
    return upstream
