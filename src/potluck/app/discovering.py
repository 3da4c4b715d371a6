"""Puts discovery together: where is looked, with what, and what it is compared with."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final

import structlog

from potluck.app.installation import USUAL_PORTS
from potluck.app.reloading import Reloader
from potluck.backends.port import Address, EngineHttp
from potluck.config.model import AgentConfig, Config, DiscoveryConfig, EngineConfig
from potluck.core.discovery import AGENT, unfit
from potluck.core.errors import NotImplementedHere, OperatorError
from potluck.core.proving import NONCE_BYTES
from potluck.gateway.discovery.discovery import Discovery, Surroundings, Where
from potluck.gateway.discovery.kept import Kept
from potluck.gateway.discovery.known import here
from potluck.gateway.discovery.mdns import Browser, ZeroconfBrowser
from potluck.gateway.discovery.probing import LONGEST_BYTES, Prober
from potluck.gateway.fleet import Fleet
from potluck.gateway.relay.asking import PooledEngine
from potluck.gateway.relay.pools import Pools
from potluck.gateway.tasks import Tasks
from potluck.storage.ports import SettingsStore

if TYPE_CHECKING:
    from potluck.backends.images.port import ImageHttp

log = structlog.get_logger(__name__)

PORTS: Final = (*((kind.value, port) for kind, port in USUAL_PORTS), (AGENT, AgentConfig("").port))
"""Where engines and agents listen when nobody said otherwise."""

_DISCARD: Final = 9


async def stored(settings: SettingsStore, clock: Callable[[], float]) -> Kept:
    """What was accepted, dismissed and seen before."""
    kept = Kept(settings, clock)
    await kept.read()
    return kept


def looking(
    config: Config,
    kept: Kept,
    found: Sequence[EngineConfig],
    reloader: Reloader,
    fleet: Fleet,
    pools: Pools,
    tasks: Tasks,
    clock: Callable[[], float],
    random_bytes: Callable[[int], bytes],
) -> Discovery:
    """``found`` are this machine's engines that are served without anybody's word. A reload changes where is looked."""

    def http(address: Address) -> EngineHttp:
        return PooledEngine(pools, address, _no_stream, longest_bytes=LONGEST_BYTES)

    def where(wanted: DiscoveryConfig) -> Where:
        return Where(_networks(wanted), PORTS, own=own)

    def prober(wanted: DiscoveryConfig) -> Prober:
        key = wanted.agent_key
        return Prober(http, key.reveal() if key is not None else "", lambda: random_bytes(NONCE_BYTES).hex())

    def relook(wanted: DiscoveryConfig) -> None:
        browser = (discovery.browser or _browser()) if wanted.mdns else None
        discovery.reconfigure(where(wanted), prober(wanted), browser)

    discovery = Discovery(
        where=where(config.discovery),
        kept=kept,
        prober=prober(config.discovery),
        browser=_browser() if config.discovery.mdns else None,
        around=Surroundings(
            nodes=lambda: (*reloader.config.nodes.values(), *here(found)),
            configured=lambda: reloader.configured,
            taken=lambda: {*reloader.config.nodes, *(engine.node for engine in fleet.snapshot())},
            machines=fleet.machines.snapshot,
            changed=reloader.discovered,
        ),
        tasks=tasks,
        clock=clock,
    )
    reloader.relook = relook
    return discovery


def _networks(wanted: DiscoveryConfig) -> tuple[str, ...]:
    """The owner's, without those that the checks would have refused."""
    return tuple(each for each in wanted.scan if not unfit(each))


def _browser() -> Browser | None:
    """Without the library the rest goes on."""
    try:
        return ZeroconfBrowser.open()
    except OperatorError as error:
        log.warning("nobody is heard by mDNS", why=error.message, hint=error.hint)
        return None


def _no_stream() -> AbstractAsyncContextManager[ImageHttp]:
    raise NotImplementedHere("A stranger is not asked for a stream.")


def own(address: str) -> bool:
    """Whether an address is this machine's: the system would send from it to itself. Nothing is sent."""
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address, _DISCARD))
        return str(probe.getsockname()[0]) == address
    return False
