"""From the config to engines that can be asked: a backend, a way to speak to it, and what else it offers."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Sequence

import aiohttp
import structlog

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.http import AiohttpEngine
from potluck.backends.local.engine import LocalEngine, LocalSettings
from potluck.backends.local.keeper import LocalKeeper
from potluck.backends.local.library import Library, engine_installed, shipped_weights
from potluck.backends.local.threads import physical_cores
from potluck.backends.port import Address
from potluck.backends.table import BACKENDS
from potluck.config.model import Config, EngineConfig
from potluck.core.errors import NodeError, OperatorError
from potluck.core.model import EngineId, EngineKind, NodeId
from potluck.gateway.fleet import Installation
from potluck.storage.datadir import DataDir

log = structlog.get_logger(__name__)

# Where engines listen when nobody said otherwise: Ollama, llama.cpp's server, vLLM, LM Studio.
USUAL_PORTS = (
    (EngineKind.OLLAMA, 11434),
    (EngineKind.LLAMACPP, 8080),
    (EngineKind.OPENAI, 8000),
    (EngineKind.OPENAI, 1234),
)
# On this very machine a server that runs answers a connect within a millisecond.
_KNOCK_S = 0.2
# A server that is no engine may accept and then keep silent.
_ANSWER_S = 1.0

_LOOPBACK = "127.0.0.1"


class Installer:
    """Makes `Installation`s. ``node`` is this machine's name, for what runs here without being configured."""

    def __init__(self, config: Config, data: DataDir, session: aiohttp.ClientSession, node: NodeId) -> None:
        self._config = config
        self._data = data
        self._session = session
        self._node = node

    def installations(self, engines: Sequence[EngineConfig], *, with_local: bool) -> tuple[Installation, ...]:
        """The given engines, and the embedded one if it is wanted.

        Raises `OperatorError` if it is wanted by name and not installed; only hoped for, its absence is logged.
        """
        made = [self.remote(engine) for engine in engines]
        if with_local and engine_installed():
            made.append(self._local())
        elif with_local:
            hint = "Install it with 'pip install potluck[local]', or configure an engine under 'nodes'."
            if self._config.local.enabled:
                raise OperatorError("The embedded engine is not installed.", hint=hint)
            log.warning(
                "no engine", why="none is configured or found, and the embedded one is not installed", hint=hint
            )
        elif not made:
            log.warning(
                "no engine",
                why="none is configured or found, and the embedded one is off",
                hint="Configure one under 'nodes', or leave --no-local out.",
            )
        return tuple(made)

    def remote(self, engine: EngineConfig) -> Installation:
        """An engine that somebody else runs."""
        key = engine.api_key.reveal() if engine.api_key is not None else ""
        headers = (("authorization", f"Bearer {key}"),) if key else ()
        address = Address(engine.host, engine.port, engine.tls, engine.base_path, headers)
        made = BACKENDS[engine.kind](EngineSettings(address, engine.models, engine.context))
        http = AiohttpEngine(self._session, address, node=engine.node)
        return Installation(engine.id, engine.node, engine.kind, made.backend, http, engine.slots, keeper=made.keeper)

    def _local(self) -> Installation:
        config = self._config.local
        library = Library(config.models_dir or self._data.models, shipped=shipped_weights())
        backend = LocalEngine(
            library,
            LocalSettings(
                slots=config.slots,
                context=config.context,
                threads=config.threads or physical_cores(),
                idle_unload_s=config.idle_unload_s,
            ),
            http_for=lambda address: AiohttpEngine(self._session, address, node=self._node),
            clock=time.monotonic,  # noqa: TID251 - part of the composition root
            wall_clock=time.time,  # noqa: TID251 - likewise
            chance=random.Random(),
            new_key=lambda: secrets.token_urlsafe(24),
        )
        http = AiohttpEngine(self._session, Address(_LOOPBACK, 1), node=self._node)  # children have their own
        engine = EngineId(f"{self._node}/{EngineKind.LOCAL}")
        return Installation(
            engine,
            self._node,
            EngineKind.LOCAL,
            backend,
            http,
            config.slots,
            keeper=LocalKeeper(backend),
            supervised=backend,
        )


async def usual_engines(installer: Installer, node: NodeId) -> tuple[EngineConfig, ...]:
    """Engines that answer on this machine's usual ports, for who has no config. Looked for side by side."""
    candidates = [EngineConfig(node, kind, _LOOPBACK, port) for kind, port in USUAL_PORTS]
    answers = await asyncio.gather(*(_answers(installer, candidate) for candidate in candidates))
    found = tuple(candidate for candidate, answer in zip(candidates, answers, strict=True) if answer)
    for engine in found:
        log.info("found an engine on this machine", engine=engine.id)
    return found


async def _answers(installer: Installer, candidate: EngineConfig) -> bool:
    """Whether something listens there, and answers as its kind of engine does."""
    try:
        async with asyncio.timeout(_KNOCK_S):
            _, writer = await asyncio.open_connection(candidate.host, candidate.port)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        installation = installer.remote(candidate)
        async with asyncio.timeout(_ANSWER_S):
            return bool((await installation.backend.probe(installation.http)).models)
    except (OSError, TimeoutError, NodeError):
        return False
