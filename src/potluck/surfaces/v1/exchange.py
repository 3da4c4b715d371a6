"""One request and its answer: what a handler is given, what it may return, and how that goes out.

A handler whose client has left is cancelled at once, streaming or not: so every slot it holds on a node is freed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import msgspec
from msgspec.structs import replace
from starlette.types import Receive, Send

from potluck.core.audit import Event
from potluck.gateway import answer_headers as told
from potluck.gateway.port import NOBODY, Caller
from potluck.surfaces.body import client_left
from potluck.surfaces.contents import Content
from potluck.surfaces.services import Services
from potluck.wire.terms import NO_TERMS, Terms

Headers: TypeAlias = Mapping[str, str]


@dataclass(slots=True)
class Exchange:
    """What a handler knows of its request.

    ``request_id`` becomes the generation's as soon as there is one; errors name it, and ``conversation`` if set.
    ``terms`` are what the client said beside its request; ``last_event`` is the id of the last event that it has of a
    stream that it comes back to, empty if none. ``address`` is where the request came from, as far as is known,
    and ``https`` whether by https: to a proxy that the owner named, where there is one.
    ``receive`` is there for who reads a body as it comes.
    """

    services: Services
    caller: Caller
    request_id: str
    path: Mapping[str, str] = field(default_factory=dict[str, str])
    conversation: str = ""
    terms: Terms = NO_TERMS
    last_event: str = ""
    headers: Sequence[tuple[bytes, bytes]] = ()
    address: str = ""
    https: bool = False
    method: str = "GET"
    receive: Receive | None = None

    async def tell(self, event: Event, subject: str = "", **detail: str | int) -> None:
        """Note in the audit log what the caller has done, or somebody who has not said who it is."""
        caller = self.caller if self.caller is not NOBODY else replace(NOBODY, address=self.address)
        await self.services.audit.tell(event, caller, subject, **detail)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer as JSON; no body for None. ``cookies`` are ``Set-Cookie`` headers."""

    value: msgspec.Struct | None
    headers: Headers = field(default_factory=dict[str, str])
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer of another kind."""

    content: bytes
    media_type: str
    headers: Headers = field(default_factory=dict[str, str])
    status: int = 200


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer as server-sent events: ``run`` sends them and returns when there are no more."""

    run: Callable[[Events], Awaitable[None]]


Result: TypeAlias = Reply | Page | Stream | Content


class Events:
    """Where a stream's events go. Nothing is sent before the first one: an error until then is an HTTP status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._number = 0
        self.begun = False
        self.headers: dict[str, str] = {}

    @property
    def sent(self) -> int:
        return self._number

    async def open(self) -> None:
        """Send the head, if it is not out: for a stream whose first event may be long in coming."""
        if not self.begun:
            self.begun = True
            with suppress(OSError):
                await start(self._send, 200, "text/event-stream", {**_STREAM_HEADERS, **self.headers})

    async def send(self, event: str, data: msgspec.Struct, number: int | None = None) -> None:
        """Send one event, numbered from 1 unless it has a ``number``."""
        await self.send_json(event, msgspec.json.encode(data), number)

    async def send_json(self, event: str, data: bytes, number: int | None = None) -> None:
        """The same with what is JSON already."""
        number = self._number = self._number + 1 if number is None else number
        head = f"id: {number}\nevent: {event}\ndata: ".encode()
        await self.open()
        # Servers of ASGI 2.4 say so that the client has left; whoever watches for that ends this task.
        with suppress(OSError):
            await self._body(head + data + b"\n\n")

    async def ping(self) -> None:
        """A comment, which every parser of events passes over."""
        with suppress(OSError):
            await self._body(b": ping\n\n")

    async def end(self) -> None:
        with suppress(OSError):
            await self._body(b"", more=False)

    async def _body(self, data: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})


# Proxies would else hold events back (API-CONTRACTS.md 0).
_STREAM_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


async def start(send: Send, status: int, media_type: str, headers: Headers, cookies: Sequence[str] = ()) -> None:
    """Send an answer's head."""
    raw = [(b"content-type", media_type.encode())]
    raw.extend((name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items())
    raw.extend((b"set-cookie", cookie.encode("latin-1", "replace")) for cookie in cookies)
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def send_whole(
    send: Send, status: int, media_type: str, body: bytes, headers: Headers, cookies: Sequence[str] = ()
) -> None:
    """Send a whole answer."""
    length = {} if status == 204 else {"content-length": str(len(body))}
    await start(send, status, media_type, {**headers, **length}, cookies)
    await send({"type": "http.response.body", "body": body})


async def while_connected(receive: Receive, work: Awaitable[None], events: Events, ping_s: float) -> None:
    """Run ``work`` to its end, or until the client leaves; meanwhile break a stream's long silences."""

    async def working() -> None:
        await work

    async with asyncio.TaskGroup() as tasks:
        own = tasks.create_task(working())
        others = (tasks.create_task(client_left(receive)), tasks.create_task(_pinging(events, ping_s)))
        await asyncio.wait((own, others[0]), return_when=asyncio.FIRST_COMPLETED)
        for task in (own, *others):
            task.cancel()


async def _pinging(events: Events, ping_s: float) -> None:
    while True:
        before = events.sent
        await asyncio.sleep(ping_s)
        if events.begun and events.sent == before:
            await events.ping()


class Origin(Protocol):
    """Where an answer comes from."""

    @property
    def request(self) -> str: ...

    @property
    def node(self) -> str: ...

    @property
    def attempts(self) -> int: ...

    @property
    def queue_s(self) -> float: ...

    @property
    def renamed(self) -> Mapping[str, str]: ...


def origin_headers(generations: Sequence[Origin]) -> dict[str, str]:
    """What every answer of a model carries (DESIGN.md 2); of several generations the first is named."""
    if not generations:
        return {}
    first = generations[0]
    return {
        told.NODE: ", ".join(dict.fromkeys(generation.node for generation in generations)),
        told.REQUEST_ID: first.request,
        told.ATTEMPTS: str(first.attempts),
        told.QUEUE_MS: str(round(first.queue_s * 1000)),
        **first.renamed,
    }
