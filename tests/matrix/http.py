"""An HTTP/1.1 client to the byte: what really came over the wire, and how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

_PATIENCE_S = 10.0


@dataclass
class Reply:
    """``whole`` is False where the body broke off before its framing said that it was over."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    whole: bool = True
    pieces: list[bytes] = field(default_factory=list)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


class Connection:
    """One connection; requests on it go one after another."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str, patience_s: float = _PATIENCE_S
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._key = key
        self._patience_s = patience_s

    async def ask(self, method: str, path: str, body: Any = None, **how: Any) -> Reply:
        """Send a request and read its whole answer."""
        self.send(method, path, body, **how)
        reply = await self.head()
        return await self.rest(reply, bodiless=method == "HEAD")

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        chunked: bool = False,
    ) -> None:
        """``body`` is sent as it is if it is bytes, else as JSON. ``key`` empty: no key at all."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        key = self._key if key is None else key
        fields = {"host": "potluck", "content-type": "application/json"}
        if key:
            fields["authorization"] = f"Bearer {key}"
        if chunked:
            fields["transfer-encoding"] = "chunked"
        else:
            fields["content-length"] = str(len(data))
        fields.update(headers or {})
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.writer.write(head.encode("latin-1") + b"\r\n")
        if not chunked:
            self.writer.write(data)
            return
        for start in range(0, len(data), 50_000):
            piece = data[start : start + 50_000]
            self.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.writer.write(b"0\r\n\r\n")

    async def head(self) -> Reply:
        async with asyncio.timeout(self._patience_s):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in filter(None, lines):
            name, _, value = line.partition(":")
            assert name.lower() not in headers, f"two {name} headers"
            headers[name.lower()] = value.strip()
        return Reply(int(first.split(" ", 2)[1]), headers)

    async def piece(self, reply: Reply) -> bytes:
        """The next chunk of a chunked body; empty at its end."""
        async with asyncio.timeout(self._patience_s):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            data = await self.reader.readexactly(size + 2)
        reply.body += data[:-2]
        if size:
            reply.pieces.append(data[:-2])
        return data[:-2]

    async def rest(self, reply: Reply, *, bodiless: bool = False) -> Reply:
        if bodiless or reply.status in (204, 304):
            return reply
        try:
            if reply.headers.get("transfer-encoding") == "chunked":
                while await self.piece(reply):
                    pass
            else:
                async with asyncio.timeout(self._patience_s):
                    reply.body = await self.reader.readexactly(int(reply.headers["content-length"]))
        except (asyncio.IncompleteReadError, ConnectionError):
            reply.whole = False
        return reply

    async def ended(self) -> bool:
        """Whether the other side closes, in good time and without another word."""
        async with asyncio.timeout(self._patience_s):
            return not await self.reader.read(1)

    def cut(self) -> None:
        """Leave without a word."""
        self.writer.transport.abort()


@dataclass(frozen=True)
class Client:
    host: str
    port: int
    key: str
    patience_s: float = _PATIENCE_S

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            yield Connection(reader, writer, self.key, self.patience_s)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def ask(self, method: str, path: str, body: Any = None, **how: Any) -> Reply:
        """One request on a connection of its own."""
        async with self.connection() as connection:
            return await connection.ask(method, path, body, **how)

    async def get(self, path: str, **how: Any) -> Reply:
        return await self.ask("GET", path, **how)

    async def post(self, path: str, body: Any, **how: Any) -> Reply:
        return await self.ask("POST", path, body, **how)
