"""Listens for what announces itself by multicast DNS. The library is optional, and imported only where it is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any, Final, Protocol

import msgspec
import structlog

from potluck.core.discovery import AGENT, plain
from potluck.core.errors import OperatorError

log = structlog.get_logger(__name__)

SERVICES: Final[Mapping[str, str]] = {"_potluck-agent._tcp.local.": AGENT, "_ollama._tcp.local.": "ollama"}
"""What is listened for, and what kind of thing it is."""

# A host that announces itself without end does not fill the memory.
MOST_NAMES: Final = 256
MOST_ADDRESSES: Final = 4
_ASK_MS: Final = 1_500
_ASKED_AT_ONCE: Final = 16


class Announced(msgspec.Struct, frozen=True):
    """What was announced: anybody on the network may say it."""

    kind: str
    addresses: tuple[str, ...]
    port: int
    machine: str = ""
    host: str = ""


class Listening(Protocol):
    """What is heard while it is listened."""

    changed: asyncio.Event
    """Set whenever something came or went."""

    async def announced(self) -> list[Announced]:
        """Everything that is announced now."""
        ...


class Browser(Protocol):
    def listening(self) -> AbstractAsyncContextManager[Listening]:
        """Raises `OSError` where the network does not let it be."""
        ...


class Service(Protocol):
    """The part of zeroconf's `ServiceInfo` that is read."""

    port: int | None

    def parsed_addresses(self) -> list[str]: ...

    @property
    def decoded_properties(self) -> Mapping[str, str | None]: ...


def read_service(kind: str, service: Service) -> Announced | None:
    """What a service record tells, as far as it can be one."""
    addresses = tuple(service.parsed_addresses()[:MOST_ADDRESSES])
    port = service.port or 0
    if not addresses or not 0 < port < 65536:
        return None
    told = service.decoded_properties
    machine, host = plain(told.get("machine") or "", 64), plain(told.get("host") or "", 64)
    return Announced(kind, addresses, port, machine if kind == AGENT else "", host)


class ZeroconfBrowser:
    """`Browser` by the library zeroconf; ``library`` and ``aio`` are its modules. ``interfaces`` None: all."""

    def __init__(self, library: Any, aio: Any, interfaces: list[str] | None = None) -> None:
        self._library = library
        self._aio = aio
        self._interfaces = interfaces

    @classmethod
    def open(cls, interfaces: list[str] | None = None) -> ZeroconfBrowser:
        """Raises `OperatorError` where the library is not installed."""
        try:
            return cls(import_module("zeroconf"), import_module("zeroconf.asyncio"), interfaces)
        except ImportError as error:
            hint = "Install it with 'pip install potluck[discovery]', or set discovery.mdns to false."
            raise OperatorError("To listen for machines the library zeroconf is needed.", hint=hint) from error

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[Listening]:
        try:
            responder = self._aio.AsyncZeroconf(
                interfaces=self._library.InterfaceChoice.All if self._interfaces is None else self._interfaces
            )
        except self._library.Error as error:
            raise OSError(str(error)) from error
        try:
            heard = _Heard(self._aio.AsyncServiceInfo, responder.zeroconf, self._library.ServiceStateChange.Removed)
            browser = self._aio.AsyncServiceBrowser(responder.zeroconf, list(SERVICES), handlers=[heard.on_change])
            try:
                yield heard
            finally:
                await browser.async_cancel()
        finally:
            await responder.async_close()


class _Heard:
    """`Listening`."""

    def __init__(self, info: Callable[[str, str], Any], zeroconf: Any, removed: object) -> None:
        self.changed = asyncio.Event()
        self._info = info
        self._zeroconf = zeroconf
        self._removed = removed
        self._names: dict[str, str] = {}

    def on_change(self, zeroconf: object, service_type: str, name: str, state_change: object) -> None:
        if state_change is self._removed:
            self._names.pop(name, None)
        elif len(self._names) < MOST_NAMES and service_type in SERVICES:
            self._names[name] = service_type
        self.changed.set()

    async def announced(self) -> list[Announced]:
        turns = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def ask(name: str, service_type: str) -> Announced | None:
            info = self._info(service_type, name)
            async with turns:
                answered = await info.async_request(self._zeroconf, _ASK_MS)
            return read_service(SERVICES[service_type], info) if answered else None

        found = await asyncio.gather(*(ask(*each) for each in list(self._names.items())))
        return [each for each in found if each is not None]
