"""`EngineHttp` over the relay's own connections: looking at engines and keeping their models, beside the calls.

So an engine is spoken to by one client, and an idle connection serves whoever comes next. Only answers that are read as
they come, and bodies that are sent so (a pull, a blob), go over aiohttp: it takes 14 MB, and most houses never need it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from potluck.backends.port import Address, HttpReply, HttpStream
from potluck.core.errors import NodeError, NodeFailed, NodeTimeout
from potluck.gateway.relay.engine import EngineConnection, Pool
from potluck.gateway.relay.pools import Pools

if TYPE_CHECKING:  # most houses draw nothing
    from potluck.backends.images.port import ImageHttp, Socket

# An engine's list of models runs to some hundred kilobytes; more than this is not an answer to us.
LONGEST_REPLY_BYTES = 64 * 1024 * 1024

Streaming: TypeAlias = "Callable[[], AbstractAsyncContextManager[ImageHttp]]"


class PooledEngine:
    """One engine behind its `Address`. ``node`` is the owner's name for the machine and ``who`` what listens there,
    for errors. ``streaming`` opens what answers are streamed over. A reply over ``longest_bytes`` is none.
    """

    def __init__(
        self,
        pools: Pools,
        address: Address,
        streaming: Streaming,
        *,
        node: str = "",
        who: str = "The engine",
        longest_bytes: int = LONGEST_REPLY_BYTES,
    ) -> None:
        self._pools = pools
        self._address = address
        self._streaming = streaming
        self._node = node
        self._who = who
        self._longest_bytes = longest_bytes

    async def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        timeout_s: float = 10.0,
        content_type: str = "application/json",
    ) -> HttpReply:
        """One exchange, whole. Raises `NodeUnreachable`, `NodeTimeout`, or `NodeFailed` for a reply beyond reason."""
        pool = self._pools.to(self._address)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchanged(pool, method, path, body, content_type)
        except TimeoutError as error:
            raise NodeTimeout(
                f"{self._who} did not answer within {timeout_s:g} seconds.", node=self._node, detail=path
            ) from error
        except NodeError as error:
            error.node = error.node or self._node
            error.message = error.message.replace("The engine", self._who, 1)
            raise

    async def _exchanged(self, pool: Pool, method: str, path: str, body: bytes | None, content_type: str) -> HttpReply:
        head = pool.head(method, path, content_type if body is not None else "", body or b"")
        connection = pool.take()
        while True:
            asked = _Asked(self._longest_bytes)
            if connection is None or connection.transport.is_closing():
                connection = await pool.dial()
            try:
                return await asked.answer(connection, head + (body or b""))
            except _Stale:  # the engine closed an idle connection in the instant we used it: it saw no request
                connection = None

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, body: bytes | AsyncIterator[bytes] | None = None
    ) -> AsyncGenerator[HttpStream]:
        """An answer read as it comes. Connecting has a limit, the answer has none."""
        async with self._streaming() as http, http.stream(method, path, body) as stream:
            yield stream

    @asynccontextmanager
    async def socket(self, path: str) -> AsyncGenerator[Socket]:
        """A WebSocket, over aiohttp."""
        async with self._streaming() as http, http.socket(path) as socket:
            yield socket


class _Stale(Exception):
    """A reused connection broke before any byte of an answer."""


class _Asked:
    """Hears one answer. Implements `engine.EngineUser`."""

    def __init__(self, longest_bytes: int) -> None:
        self._longest_bytes = longest_bytes
        self._answer: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
        self._connection: EngineConnection | None = None
        self._status = 0
        self._pieces: list[bytes] = []
        self._size = 0

    async def answer(self, connection: EngineConnection, request: bytes) -> HttpReply:
        """Raises `_Stale`, or the `NodeError` that the answer came to. Who stops waiting hangs up."""
        self._connection = connection
        connection.send(self, request)
        try:
            return await self._answer
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.abort()

    def engine_head(self, status: int) -> None:
        self._status = status

    def engine_body(self, data: bytes) -> None:
        self._size += len(data)
        self._pieces.append(data)
        if self._size > self._longest_bytes:
            self._hang_up()
            self._fail(NodeFailed("The engine's answer has no end.", status=self._status))

    def engine_end(self) -> None:
        self._connection = None
        if not self._answer.done():
            self._answer.set_result(HttpReply(self._status, b"".join(self._pieces)))

    def engine_lost(self, error: NodeError, *, stale: bool) -> None:
        self._connection = None
        self._fail(_Stale() if stale else error)

    def _fail(self, error: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)
