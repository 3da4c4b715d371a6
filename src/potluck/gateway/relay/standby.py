"""A gateway that does not lead: its clients' connections, whose requests go to the one that does.

What it answers itself: that it lives, whether it takes requests, that it does not lead (to a gateway that thinks so),
and that it will not for some seconds (to a leader that has lost the store).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType

from potluck.core.errors import PotluckError
from potluck.gateway.door import Door
from potluck.gateway.port import Caller
from potluck.gateway.relay import heads
from potluck.gateway.relay.client import Answering, ClientConnection
from potluck.gateway.relay.exchange import Exchange
from potluck.gateway.relay.forwarding import Forwarder
from potluck.gateway.relay.hops import NOT_LEADING, PROMISE, Hops
from potluck.gateway.relay.relay import Limits
from potluck.gateway.relay.request import Request
from potluck.wire.port import Ask
from potluck.wire.terms import Terms

_NO_DOORS: Mapping[bytes, Mapping[bytes, Door]] = MappingProxyType({})
_ALIVE = frozenset({b"/healthz", b"/health"})


class Standby:
    """A `client.Host`. ``promise`` says whether this gateway will not take over for a while; ``stopping``: it is about
    to end, and takes no more than it must."""

    def __init__(
        self,
        forwarder: Forwarder,
        *,
        fallback: Door,
        new_id: Callable[[], str],
        promise: Callable[[], bool],
        limits: Limits,
    ) -> None:
        self._forwarder = forwarder
        self._promise = promise
        self.fallback = fallback
        self.new_id = new_id
        self.limits = limits
        self.clock = forwarder.clock
        self.doors = _NO_DOORS
        self.hops: Hops | None = None  # whoever leads asks
        self.connections: set[ClientConnection] = set()
        self.stopping = False

    def connection(self) -> ClientConnection:
        """A protocol for one more client; what a server's factory calls."""
        return ClientConnection(self)

    def sweep(self) -> None:
        """Deadlines of clients, and gateways that are as good as dead; a few times a second."""
        now_s = self.clock()
        for connection in tuple(self.connections):
            connection.expire(now_s)
        self._forwarder.look()

    @property
    def under_way(self) -> int:
        return len(self._forwarder.under_way)

    async def drain(self, patience_s: float, hurry: asyncio.Event) -> None:
        """Let requests under way finish, at most ``patience_s`` and until ``hurry``; then cut them off."""
        self.stopping = True
        deadline_s = self.clock() + patience_s
        for connection in tuple(self.connections):
            if not connection.busy:
                connection.transport.close()
        while any(each.busy for each in self.connections):
            if self.clock() >= deadline_s or hurry.is_set():
                break
            await asyncio.sleep(0.05)
        for connection in tuple(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # one turn later their ends are heard

    # --- client.Side ---

    def open(self, request: Request, client: asyncio.Transport, done: Callable[[bool], None]) -> Answering:
        path = request.path
        if path in _ALIVE:
            return _Said(200, b'{"status":"ok"}', request, client, done)
        if path == b"/readyz" and self.stopping:
            return _Said(503, b'{"status":"stopping"}', request, client, done)
        if self._forwarder.hops.client(request.headers, request.method, request.target) is not None:
            if path == PROMISE:
                return _Said(200 if self._promise() else 409, b"{}", request, client, done)
            return _Said(503, b"{}", request, client, done, b"%b: 1\r\n" % NOT_LEADING)
        return self._forwarder.open(request, client, done)

    # --- client.Host ---

    @property
    def asgi(self) -> Standby:
        return self

    @property
    def draining(self) -> bool:
        return self.stopping or self._forwarder.closing

    def page_fields(self, origin: bytes) -> bytes:
        """Nothing is said to pages here: refusals of heads too large are no answers that they read."""
        return b""

    def authenticate(self, request: Request) -> Caller:
        """Whoever leads does."""
        raise NotImplementedError

    def exchange(self, client: ClientConnection, door: Door, ask: Ask, caller: Caller, terms: Terms) -> Exchange:
        """There are no doors here."""
        raise NotImplementedError

    def refused(self, door: Door, error: PotluckError, caller: Caller | None, request_id: str) -> None:
        """What is refused for its size alone is in nobody's log."""


class _Said:
    """A short answer of our own. Implements `client.Answering`."""

    spoken = False
    holds_back = False

    def __init__(
        self,
        status: int,
        body: bytes,
        request: Request,
        client: asyncio.Transport,
        done: Callable[[bool], None],
        fields: bytes = b"",
    ) -> None:
        head = heads.status_line(status) + b"content-type: application/json\r\n" + fields
        self._answer = b"%bcontent-length: %d\r\n%b\r\n%b" % (
            head,
            len(body),
            b"" if request.keep_alive else b"connection: close\r\n",
            b"" if request.method == b"HEAD" else body,
        )
        self._client = client
        self._done = done
        if not request.has_body:
            asyncio.get_running_loop().call_soon(self._say)

    def _say(self) -> None:
        if not self.spoken:
            self.spoken = True
            self._client.write(self._answer)
            self._done(True)

    def body(self, data: bytes) -> None:
        """Whatever it is, it is not needed."""

    def body_end(self) -> None:
        self._say()

    def client_gone(self) -> None:
        self.spoken = True

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...
