"""Drawing on this machine's own processor as an installation. Imported only where the owner has weights for it."""

from __future__ import annotations

import time
from collections.abc import Callable

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.images.engine import ImageEngine
from potluck.backends.local.diffusion import LocalDiffusion
from potluck.backends.local.diffusion_files import Shelves
from potluck.backends.local.threads import physical_cores, physical_memory
from potluck.backends.local.upscaling import threads_for
from potluck.backends.port import Address, EngineHttp
from potluck.config.model import Config, SharedMemory
from potluck.core.model import EngineId, EngineKind, NodeId
from potluck.gateway.fleet import Installation
from potluck.storage.datadir import DataDir

_NOWHERE = Address("127.0.0.1", 1)  # the child is spoken to over pipes


class Diffusing:
    """``node`` is this machine's name; ``http`` speaks to an address on a node."""

    def __init__(
        self, config: Config, data: DataDir, node: NodeId, http: Callable[[Address, NodeId], EngineHttp]
    ) -> None:
        self._config = config
        self._node = node
        self._http = http
        own, pulled = config.images.weights or data.root / "diffusion", config.local.models_dir or data.models
        self._backend = LocalDiffusion(
            Shelves(own, pulled),
            threads=config.local.threads or threads_for(physical_cores()),
            clock=time.monotonic,  # noqa: TID251 - part of the composition root
            idle_s=config.local.idle_unload_s,
            total_bytes=physical_memory(),
        )

    def installation(self) -> Installation:
        engine = ImageEngine(EngineSettings(self._backend.address()), self._backend)
        return Installation(
            EngineId(f"{self._node}/{EngineKind.LOCAL}:diffusion"),
            self._node,
            EngineKind.LOCAL,
            engine,
            self._http(_NOWHERE, self._node),
            1,
            memory_bytes=physical_memory(),
            images=engine,
            gives_way=self._config.images.memory is not SharedMemory.PICTURES_FIRST,
        )

    async def aclose(self) -> None:
        await self._backend.aclose()
