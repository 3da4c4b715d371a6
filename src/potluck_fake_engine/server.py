"""The server: routes of the chosen dialects and of the control API, keys, faults, and a record of what came in."""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from potluck_fake_engine import control
from potluck_fake_engine.dialects import DIALECTS
from potluck_fake_engine.dialects.base import Dialect, Refusal, Route
from potluck_fake_engine.engine import Busy, Engine
from potluck_fake_engine.faults import Fault, FaultBook, FaultKind, FaultyReply
from potluck_fake_engine.http import Connection, Reply, Request
from potluck_fake_engine.settings import Settings

_DEFAULT_REFUSAL_S = 1.0


class _Named(msgspec.Struct):
    """Enough of any request's body to know which model it asks for."""

    model: str = ""
    name: str = ""


class Site:
    """One fake engine at its port."""

    def __init__(self, settings: Settings, host: str) -> None:
        self.faults = FaultBook()
        self.engine = Engine(settings, self.faults)
        self.engine.die = lambda seconds: self.refuse(seconds, reset=True)
        self.requests: deque[Request] = deque(maxlen=settings.keep_requests)
        self.host = host
        self.port = 0
        self._settings = settings
        self._dialects = [DIALECTS[name] for name in settings.dialects]
        self._routes: dict[tuple[str, str], tuple[Dialect, Route]] = {}
        self._below: list[tuple[str, Dialect, Route]] = []
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._reopening: asyncio.Task[None] | None = None
        for dialect in self._dialects:
            for part in (dialect, *dialect.also):
                self._add_routes(part)

    def _add_routes(self, dialect: Dialect) -> None:
        for route in dialect.routes:
            if route.path.endswith("/*"):
                self._below.append((route.path[:-1], dialect, route))
            else:
                self._routes.setdefault((route.method, route.path), (dialect, route))

    # -- listening ---------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def listen(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self.handle, self._connections, self._settings.idle_s), self.host, port, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
        self._stop_listening()
        for connection in list(self._connections):
            connection.transport.abort()
        self.engine.close()
        # A turn of the loop to lose the connections, and one in which the requests' tasks see that they are cancelled.
        for _ in range(3):
            await asyncio.sleep(0)

    def refuse(self, seconds: float | None, *, reset: bool) -> None:
        """Refuse connections for that long; with `reset`, break those that are open, too."""
        self._stop_listening()
        if reset:
            for connection in list(self._connections):
                connection.break_off(reset=True)
        if self._reopening is not None:
            self._reopening.cancel()
        wait_s = _DEFAULT_REFUSAL_S if seconds is None else seconds
        self._reopening = asyncio.get_running_loop().create_task(self._reopen(wait_s))

    async def accept_again(self) -> None:
        """End a refusal now."""
        if self._server is None:
            await self._reopen(0)

    async def _reopen(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        if self._server is None:
            await self.listen(self.port)

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    # -- requests ----------------------------------------------------------------------------------------------------

    async def handle(self, request: Request, reply: Reply) -> None:
        """1. control API  2. route  3. fault  4. guard and key  5. the dialect's own handler."""
        if request.path.startswith("/fake/"):
            await control.handle(self, request, reply)
            return
        self.requests.append(request)
        counters = self.engine.counters
        counters.bytes_in += len(request.body)
        before = reply.connection.sent
        try:
            await self._answer(request, reply)
        finally:
            counters.bytes_out += reply.connection.sent - before

    async def _answer(self, request: Request, reply: Reply) -> None:
        dialect, route = self._find(request)
        reply.extra = dialect.headers
        if dialect.keep_alive:
            reply.keep_alive = (("Keep-Alive", dialect.keep_alive),)
        if self.faults.armed:
            name = _model_of(request.body)
            inference = route is not None and route.inference
            fault = self.faults.pick(request.method, request.path, name, inference=inference)
            if fault is not None:
                reply = FaultyReply(reply, fault, dialect.in_band)
                if await reply.before():
                    return
        try:
            dialect.guard(request)
            self._check_key(dialect, request)
            if route is None:
                raise dialect.unknown(request, self._is_known(request.path))
            await route.handle(self.engine, request, reply)
        except Refusal as refusal:
            await _refuse(dialect, refusal, reply)
        except Busy:
            busy = Refusal(503, "server busy, please try again.  maximum pending requests exceeded", "server_error")
            await _refuse(dialect, busy, reply)

    def _find(self, request: Request) -> tuple[Dialect, Route | None]:
        method = "GET" if request.method == "HEAD" else request.method
        for wanted in (request.method, method):
            found = self._routes.get((wanted, request.path))
            if found is not None:
                return found
            for prefix, dialect, route in self._below:
                if route.method == wanted and request.path.startswith(prefix):
                    return dialect, route
        return self._dialect_of(request.path), None

    def _dialect_of(self, path: str) -> Dialect:
        """Whose error an unknown path gets."""
        if path.startswith("/api/") and "ollama" in self._settings.dialects:
            return DIALECTS["ollama"]
        return self._dialects[0]

    def _is_known(self, path: str) -> bool:
        return any(path == known for _, known in self._routes) or any(path.startswith(p) for p, _, _ in self._below)

    def _check_key(self, dialect: Dialect, request: Request) -> None:
        key = self._settings.api_key
        if key is None or request.path in dialect.public:
            return
        basic = f"Basic {base64.b64encode(key.encode()).decode()}"
        if request.header("authorization") not in (f"Bearer {key}", basic) and request.header("x-api-key") != key:
            raise dialect.unauthorized()

    def add_fault(self, fault: Fault) -> int:
        """A refusal happens now; every other fault waits for its requests."""
        if fault.kind is FaultKind.REFUSE:
            self.refuse(fault.seconds, reset=fault.reset)
            return 0
        return self.faults.add(fault)


async def _refuse(dialect: Dialect, refusal: Refusal, reply: Reply) -> None:
    if dialect.error_closes:
        reply.connection.closing = True
    content_type, body = dialect.error(refusal)
    await reply.respond(refusal.status, body, content_type)


def _model_of(body: bytes) -> str:
    try:
        named = msgspec.json.decode(body, type=_Named)
    except msgspec.DecodeError:
        return ""
    return named.model or named.name


@asynccontextmanager
async def serving(settings: Settings, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[Site]:
    """A fake engine, listening inside this block. Port 0 = one that is free."""
    site = Site(settings, host)
    await site.listen(port)
    try:
        yield site
    finally:
        await site.close()
