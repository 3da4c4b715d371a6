"""Makes the agent known on its network by multicast DNS, so that a gateway can propose its machine to the owner.

The library is optional, and imported only where somebody wants to be known: it takes a quarter of the agent's memory.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Protocol

from potluck.core.errors import OperatorError
from potluck.core.reading import Identity

SERVICE: Final = "_potluck-agent._tcp.local."
TEXT: Final[Mapping[str, str]] = {
    "machine": "`identity.machine` of the reading: a machine is known by it under another address.",
    "host": "Its host name.",
    "path": "Where its reading is.",
}
"""The keys of the TXT record."""
# A cable that is plugged in, an address that DHCP changes: known to others half a minute later.
_LOOK_AGAIN_S: Final = 30.0
# A label of DNS has 63 bytes; a number may have to go behind the name.
_LONGEST_NAME: Final = 56


@dataclass(frozen=True, slots=True)
class Announcement:
    """What others are told: who the machine is, so that it is known again under another address, and where to ask."""

    identity: Identity
    port: int

    @property
    def name(self) -> str:
        return f"{self.identity.host[:_LONGEST_NAME] or 'potluck'}.{SERVICE}"

    @property
    def text(self) -> Mapping[str, str]:
        """The TXT record."""
        return {"machine": self.identity.machine, "host": self.identity.host, "path": "/reading"}


class Announcer(Protocol):
    """What can make something known."""

    def addresses(self) -> tuple[str, ...]:
        """Every address of this machine now."""
        ...

    def announced(self, announcement: Announcement, addresses: tuple[str, ...]) -> AbstractAsyncContextManager[None]:
        """Known to others as long as the block lasts. Raises `OSError` where the network does not let it be."""
        ...


async def announcing(
    announcement: Announcement,
    addresses: Callable[[], tuple[str, ...]],
    announcer: Announcer,
    look_again_s: float = _LOOK_AGAIN_S,
) -> None:
    """Be known under the addresses that there are, until cancelled. A network that is away is waited for."""
    said = ""
    while True:
        here = addresses()
        try:
            if here:
                async with announcer.announced(announcement, here):
                    said = ""
                    while addresses() == here:  # noqa: ASYNC110 - nobody tells of a new address
                        await asyncio.sleep(look_again_s)
                continue
        except OSError as error:  # the network went while it was used
            if str(error) != said:
                said = str(error)
                sys.stderr.write(f"potluck agent: not announced: {said}\n")
        await asyncio.sleep(look_again_s)


def addresses_of(host: str, every: Iterable[str]) -> tuple[str, ...]:
    """Of a machine's addresses those that others may use to reach ``host``, where the agent listens."""
    try:
        listening = ipaddress.ip_address(host)
    except ValueError:  # a name: whatever it stands for
        listening = ipaddress.ip_address("0.0.0.0")  # noqa: S104 - compared with, not listened on
    found = [ipaddress.ip_address(each.partition("%")[0]) for each in every]
    usable = [each for each in found if not (each.is_loopback or each.is_link_local)]
    if listening.is_unspecified:
        # A socket on "::" hears IPv4 too, where the system is as it comes.
        return tuple(str(each) for each in usable if listening.version == 6 or each.version == 4)
    return tuple(str(each) for each in usable if each == listening)


class ZeroconfAnnouncer:
    """`Announcer` by the library `zeroconf`; ``library`` and its helper ``ifaddr`` are the modules."""

    def __init__(self, library: Any, ifaddr: Any) -> None:
        self._library = library
        self._ifaddr = ifaddr

    @classmethod
    def open(cls) -> ZeroconfAnnouncer:
        """Raises `OperatorError` where the library is not installed."""
        try:
            import_module("zeroconf.asyncio")
            return cls(import_module("zeroconf"), import_module("ifaddr"))
        except ImportError as error:
            hint = "Install it with 'pip install potluck[discovery]', or leave --announce out."
            raise OperatorError("To be announced the agent needs the library zeroconf.", hint=hint) from error

    def addresses(self) -> tuple[str, ...]:
        told = (each.ip for adapter in self._ifaddr.get_adapters() for each in adapter.ips)
        return tuple(address if isinstance(address, str) else str(address[0]) for address in told)

    @asynccontextmanager
    async def announced(self, announcement: Announcement, addresses: tuple[str, ...]) -> AsyncGenerator[None]:
        try:
            service = self._library.ServiceInfo(
                SERVICE,
                announcement.name,
                port=announcement.port,
                properties=dict(announcement.text),
                parsed_addresses=list(addresses),
            )
            responder = self._library.asyncio.AsyncZeroconf(interfaces=list(addresses))
            try:
                # Two machines may have one name; the second is told so by a number.
                await (await responder.async_register_service(service, allow_name_change=True))
                yield
            finally:
                await responder.async_unregister_all_services()
                await responder.async_close()
        except self._library.Error as error:
            raise OSError(str(error)) from error
