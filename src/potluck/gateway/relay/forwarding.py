"""One request on its way through a gateway that does not lead: to the one that does, and its answer back.

It stands where a `bridge.Bridge` stands, so that the client's connection is read, limited and closed as ever. While
nobody leads it waits. A gateway that is lost before it said a word is asked again, or the next one, where asking twice
does no harm; after that `resuming` knows what can be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Protocol

import msgspec
import structlog

from potluck.core.errors import NoEngineReady, PotluckError
from potluck.gateway.relay import heads
from potluck.gateway.relay.hops import HOP, NOT_LEADING, Hops
from potluck.gateway.relay.request import Request
from potluck.gateway.relay.resuming import Answered
from potluck.gateway.relay.upstream import Upstream, connect
from potluck.gateway.tasks import Tasks
from potluck.wire.port import ErrorReply

log = structlog.get_logger(__name__)

# A takeover takes five seconds at most; who waits twice as long waits for nothing.
WAIT_S = 10.0
# Between two tries where nothing tells that it is time.
_AGAIN_S = 0.1
# What is kept of a body that is no call's, in case it has to be sent once more.
_KEPT_BYTES = 1024 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# Fields that belong to one connection (RFC 9110 7.6.1), and those that are written anew here.
_OWN = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade", b"expect", b"transfer-encoding", HOP}
)
_FRAMING = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"content-length", NOT_LEADING})


class Target(msgspec.Struct, frozen=True):
    """The gateway that leads: ``holder`` is its id, ``url`` where it is reached."""

    holder: str
    url: str


class Leader(Protocol):
    """Who leads, as this gateway knows it."""

    @property
    def target(self) -> Target | None:
        """None while nobody does."""
        ...

    def deserted(self, holder: str) -> bool:
        """Whether another one leads instead, and this one does not even finish what it had begun."""
        ...

    async def turn(self, within_s: float) -> None:
        """Wait until that changes, but no longer than ``within_s``."""
        ...


class Forwarder(msgspec.Struct, eq=False):
    """What all forwarded requests share.

    ``errors`` renders an error in the dialect of a request's path, ``repeatable`` tells whether a request may reach two
    gateways, ``last_words`` what ends a stream of its dialect that broke off (nothing: it is cut off). ``closing``:
    clients are to come back on another connection. ``clock`` is monotonic seconds.
    """

    leader: Leader
    hops: Hops
    tasks: Tasks
    clock: Callable[[], float]
    errors: Callable[[Request, PotluckError], ErrorReply]
    repeatable: Callable[[Request], bool]
    last_words: Callable[[Request, bytes, str], bytes]
    max_kept: int = 64_000_000
    closing: bool = False
    under_way: set[Forward] = set()

    def open(self, request: Request, client: asyncio.Transport, done: Callable[[bool], None]) -> Forward:
        """Begin; ``done(keep)`` is called once the answer is complete."""
        forward = Forward(self, request, client, done)
        self.under_way.add(forward)
        return forward

    def look(self) -> None:
        """Leave gateways that are as good as dead, though their connections stand."""
        for each in tuple(self.under_way):
            each.look()


class Came(Enum):
    """What came of asking a gateway. ``UNHEARD``: it saw nothing of the request, or says so."""

    WHOLE = "whole"
    UNHEARD = "unheard"
    SILENT = "silent"
    BROKEN = "broken"


class Forward:
    """Implements `client.Answering`, and `upstream.UpstreamUser`."""

    def __init__(
        self, forwarder: Forwarder, request: Request, client: asyncio.Transport, done: Callable[[bool], None]
    ) -> None:
        self._f = forwarder
        self._request = request
        self._client = client
        self._done = done
        self._repeatable = forwarder.repeatable(request)
        self._most_kept = forwarder.max_kept if self._repeatable else _KEPT_BYTES
        self._kept: list[bytes] | None = []  # the body so far; None: it was sent, and was too long to be kept
        self._kept_bytes = 0
        self._sends = False
        self._complete = False
        self._untaken = False  # the gateway has not taken what was sent
        self._full = False
        self._upstream: Upstream | None = None
        self._holder = ""
        self._came: asyncio.Future[Came] | None = None
        self._answered = Answered.begun(request) if request.begun else None
        self._headed = False  # the gateway that is asked now answers
        self.spoken = False
        self.holds_back = False
        if request.expects_continue:
            client.write(_CONTINUE)
        self._task = forwarder.tasks.spawn(self._contained(), "a forwarded request")

    # --- client.Answering ---

    def body(self, data: bytes) -> None:
        """More of the request's body."""
        if self._kept is not None:
            self._kept.append(data)
            self._kept_bytes += len(data)
        if self._sends:
            self._write(data)
            self._forget_what_is_long()
        self._hold_back()

    def body_end(self) -> None:
        self._complete = True
        if self._sends and self._upstream is not None and self._request.chunked:
            self._upstream.transport.write(heads.LAST_CHUNK)

    def client_gone(self) -> None:
        """The client left: so does the gateway's engine, as soon as it sees this connection close."""
        self._f.under_way.discard(self)
        self._task.cancel()
        self._drop()
        self._resume()

    def pause_writing(self) -> None:
        if self._upstream is not None and not self._upstream.transport.is_closing():
            self._upstream.transport.pause_reading()
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._upstream is not None and not self._upstream.transport.is_closing():
            self._upstream.transport.resume_reading()

    # --- the way ---

    async def _contained(self) -> None:
        try:
            await self._run()
        except Exception as error:  # the edge of a task: nobody else would end the request
            log.error("a forwarded request stumbled", exc_info=error)
            self._client.abort()
            self._finish(keep=False)

    async def _run(self) -> None:
        deadline_s = self._f.clock() + WAIT_S
        while True:
            target = self._f.leader.target
            came = await self._ask(target, self._head()) if target is not None else Came.UNHEARD
            match came:
                case Came.WHOLE:
                    self._finish(keep=True)
                    return
                case Came.BROKEN:
                    await self._go_on()
                    return
                case Came.SILENT:
                    if not self._repeatable:
                        self._refuse(_lost())
                        return
                    deadline_s = self._f.clock() + WAIT_S
                case Came.UNHEARD:
                    pass
            if self._kept is None:  # its body cannot be sent once more
                self._refuse(_lost())
                return
            if self._f.clock() >= deadline_s:
                self._refuse(_nobody_leads())
                return
            await self._f.leader.turn(_AGAIN_S)

    async def _ask(self, target: Target, head: bytes, body: Iterable[bytes] | None = None) -> Came:
        """Send the request, or another one with ``body``, and hear what comes of it."""
        came: asyncio.Future[Came] = asyncio.get_running_loop().create_future()
        self._came, self._headed = came, False
        self._holder = target.holder
        try:
            self._upstream = upstream = await connect(target.url, self, bodiless=self._request.method == b"HEAD")
        except OSError:
            return Came.UNHEARD
        if self._full:
            upstream.transport.pause_reading()
        upstream.transport.write(head)
        if body is None:
            self._begin_sending()
        try:
            return await came
        finally:
            self._sends = self._untaken = False
            self._drop()

    def _begin_sending(self) -> None:
        self._sends = True
        for piece in self._kept or ():
            self._write(piece)
        if self._complete and self._request.chunked and self._upstream is not None:
            self._upstream.transport.write(heads.LAST_CHUNK)
        self._forget_what_is_long()
        self._hold_back()

    def _forget_what_is_long(self) -> None:
        if self._kept_bytes > self._most_kept:
            self._kept, self._kept_bytes = None, 0

    def _write(self, data: bytes) -> None:
        if self._upstream is not None and not self._upstream.transport.is_closing():
            self._upstream.transport.write(heads.chunk(data) if self._request.chunked else data)

    def look(self) -> None:
        if self._upstream is not None and self._f.leader.deserted(self._holder):
            self._upstream.abort()
            self.upstream_lost()

    async def _go_on(self) -> None:
        """The answer broke off in its middle: have the next gateway go on with it, or end it as its dialect can."""
        answered = self._answered
        assert answered is not None
        deadline_s = self._f.clock() + WAIT_S
        while (more := answered.rest()) is not None and self._f.clock() < deadline_s:
            await self._f.leader.turn(_AGAIN_S)
            target = self._f.leader.target
            came = await self._ask(target, self._head(*more), ()) if target is not None else Came.UNHEARD
            if came is Came.WHOLE:
                self._finish(keep=True)
                return
            if answered.rest() != more:  # some of it came
                deadline_s = self._f.clock() + WAIT_S
        self._end_in_band(answered)

    def _end_in_band(self, answered: Answered) -> None:
        """What the dialect has for a stream that nobody goes on with."""
        words = (
            self._f.last_words(self._request, b"".join(self._kept or ()), answered.kind) if answered.streams else b""
        )
        if words:
            self._client.write(answered.framed(words) + answered.last())
        else:
            self._client.abort()  # only so a client knows that more should have come
        self._finish(keep=False)

    # --- upstream.UpstreamUser ---

    def upstream_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if any(name == NOT_LEADING for name, _ in headers):
            self._tell(Came.UNHEARD)
            return
        if self._answered is not None:  # an answer of which the head is out, or more
            if self._answered.goes_on(status, headers):
                self._headed = True
            else:
                self._tell(Came.UNHEARD)
            return
        self._headed = True
        self._answered = answered = Answered(self._request, status, headers)
        self.spoken = True
        fields = b"".join(b"%b: %b\r\n" % field for field in headers if field[0] not in _FRAMING)
        closes = b"connection: close\r\n" if self._f.closing or not self._request.keep_alive else b""
        self._client.write(b"%b%b%b%b\r\n" % (heads.status_line(status), fields, answered.framing(), closes))

    def upstream_body(self, data: bytes) -> None:
        if self._headed and self._answered is not None and (out := self._answered.passed(data)):
            self._client.write(out)

    def upstream_end(self) -> None:
        if not self._headed or self._answered is None:
            return
        if self._answered.complete:
            self._client.write(self._answered.last())
            self._tell(Came.WHOLE)
        else:  # an event that never ended, or a stream that its gateway left to the next one
            self._tell(Came.BROKEN)

    def upstream_lost(self) -> None:
        self._tell(Came.BROKEN if self._headed else Came.SILENT)

    def upstream_full(self, *, full: bool) -> None:
        self._untaken = full
        self._hold_back()

    # --- the end ---

    def _tell(self, came: Came) -> None:
        if self._came is not None and not self._came.done():
            self._came.set_result(came)

    def _refuse(self, error: PotluckError) -> None:
        if self._answered is not None:
            self._end_in_band(self._answered)
            return
        reply = self._f.errors(self._request, error)
        headers = {"content-type": reply.content_type, **dict(reply.headers), "content-length": str(len(reply.body))}
        keep = self._complete and self._request.keep_alive
        closes = b"" if keep else b"connection: close\r\n"
        self.spoken = True
        self._client.write(heads.status_line(reply.status) + heads.fields(headers.items()) + closes + b"\r\n")
        self._client.write(b"" if self._request.method == b"HEAD" else reply.body)
        self._finish(keep=keep)

    def _finish(self, *, keep: bool) -> None:
        self._f.under_way.discard(self)
        self._resume()
        framed = self._answered is None or self._answered.framed_end
        self._done(keep and framed and not self._f.closing)

    def _drop(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abort()

    def _hold_back(self) -> None:
        """Let the client wait with its body while nobody takes it."""
        waits = self._untaken or (not self._sends and self._kept_bytes > self._most_kept)
        if waits and not self.holds_back and not self._client.is_closing():
            self.holds_back = True
            self._client.pause_reading()
        elif not waits:
            self._resume()

    def _resume(self) -> None:
        if self.holds_back:
            self.holds_back = False
            if not self._client.is_closing():
                self._client.resume_reading()

    def _head(self, method: bytes = b"", target: bytes = b"", *more: tuple[bytes, bytes]) -> bytes:
        """The request's head for the gateway that leads; of another request in its client's name, if that is given."""
        request = self._request
        own = _OWN if not method else _OWN | {b"content-length", b"content-type", b"content-encoding", b"accept"}
        fields = [field for field in request.headers if field[0] not in own] + list(more)
        if not method and request.chunked:
            fields.append((b"transfer-encoding", b"chunked"))
        if not request.hosts:  # an old client need not send one, and HTTP/1.1 asks for it
            fields.append((b"host", b"potluck"))
        method, target = method or request.method, target or request.target
        peer: tuple[str, int] | str | None = self._client.get_extra_info("peername")
        address = peer[0] if peer is not None and not isinstance(peer, str) else ""
        fields += ((b"connection", b"close"), (HOP, self._f.hops.sign(method, target, address)))
        lines = b"".join(b"%b: %b\r\n" % field for field in fields)
        return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, lines)


def _nobody_leads() -> PotluckError:
    return NoEngineReady(
        "No gateway leads at the moment.",
        retry_after_s=5.0,
        hint="One takes over within seconds; if that does not help, look at the gateways' logs.",
    )


def _lost() -> PotluckError:
    return NoEngineReady(
        "The gateway that was asked is gone, and nobody knows whether it did what was asked.",
        retry_after_s=5.0,
        hint="Look first, then try again.",
    )
