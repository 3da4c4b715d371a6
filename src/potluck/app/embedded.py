"""The embedded engine as an installation, with what fetches models for it. Imported only where it is wanted."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from potluck.backends.local.engine import LocalEngine, LocalSettings
from potluck.backends.local.hub import Hub
from potluck.backends.local.keeper import LocalKeeper
from potluck.backends.local.library import Library, shipped_weights
from potluck.backends.local.pulling import Puller
from potluck.backends.local.threads import physical_cores, physical_memory
from potluck.backends.outward import Outward
from potluck.backends.port import Address, EngineHttp
from potluck.config.model import LocalConfig
from potluck.core.model import EngineId, EngineKind, NodeId
from potluck.gateway.fleet import Installation
from potluck.storage.datadir import DataDir

_LOOPBACK = "127.0.0.1"


class Embedded:
    """``node`` is this machine's name; ``http`` speaks to an address on a node."""

    def __init__(
        self, config: LocalConfig, data: DataDir, node: NodeId, http: Callable[[Address, NodeId], EngineHttp]
    ) -> None:
        self._config = config
        self._folder = config.models_dir or data.models
        self._node = node
        self._http = http
        self._outward = Outward()

    def installation(self) -> Installation:
        config = self._config
        backend = LocalEngine(
            Library(self._folder, shipped=shipped_weights()),
            LocalSettings(
                slots=config.slots,
                context=config.context,
                threads=config.threads or physical_cores(),
                idle_unload_s=config.idle_unload_s,
            ),
            http_for=lambda address: self._http(address, self._node),
            clock=time.monotonic,  # noqa: TID251 - part of the composition root
            wall_clock=time.time,  # noqa: TID251 - likewise
            chance=random.Random(),
            new_key=lambda: secrets.token_urlsafe(24),
        )
        return Installation(
            EngineId(f"{self._node}/{EngineKind.LOCAL}"),
            self._node,
            EngineKind.LOCAL,
            backend,
            self._http(Address(_LOOPBACK, 1), self._node),  # children have their own
            config.slots,
            keeper=LocalKeeper(backend, self._puller(self._folder)),
            supervised=backend,
            memory_bytes=physical_memory(),
        )

    async def aclose(self) -> None:
        await self._outward.aclose()

    def _puller(self, folder: Path) -> Puller:
        token = self._config.hub_token.reveal() if self._config.hub_token is not None else ""
        hub = Hub(self._outward, self._config.hub, token)
        return Puller(folder, self._outward, hub, now=time.time)  # noqa: TID251 - part of the composition root
