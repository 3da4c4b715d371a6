"""From the config to engines that can be asked: a backend, a way to speak to it, and what else it offers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from potluck.backends.agent import HttpAgent
from potluck.backends.engine_settings import EngineSettings
from potluck.backends.local.library import diffusion_installed, engine_installed, has_diffusion
from potluck.backends.port import Address
from potluck.backends.streaming import Streaming
from potluck.backends.table import BACKENDS
from potluck.config.model import AgentConfig, Config, EngineConfig, SharedMemory
from potluck.config.secret import Secret
from potluck.core.errors import BadRequest, NodeError, OperatorError
from potluck.core.model import EngineKind, NodeId
from potluck.gateway.fleet import Installation
from potluck.gateway.machines import MachineSetup
from potluck.gateway.relay.asking import LONGEST_REPLY_BYTES, PooledEngine
from potluck.gateway.relay.pools import Pools
from potluck.storage.datadir import DataDir

if TYPE_CHECKING:
    from potluck.app.diffusing import Diffusing
    from potluck.app.embedded import Embedded

log = structlog.get_logger(__name__)

# As large as pictures may be, in the base64 of a JSON answer.
_LONGEST_PICTURE_BYTES = 384 * 1024 * 1024
# Where engines listen when nobody said otherwise: Ollama, llama.cpp's server, vLLM, LM Studio, ComfyUI, A1111, and
# stable-diffusion.cpp's server.
USUAL_PORTS = (
    (EngineKind.OLLAMA, 11434),
    (EngineKind.LLAMACPP, 8080),
    (EngineKind.OPENAI, 8000),
    (EngineKind.OPENAI, 1234),
    (EngineKind.COMFYUI, 8188),
    (EngineKind.A1111, 7860),
    (EngineKind.A1111, 1234),
)
# On this very machine a server that runs answers a connect within a millisecond.
_KNOCK_S = 0.2
# A server that is no engine may accept and then keep silent.
_ANSWER_S = 1.0

_LOOPBACK = "127.0.0.1"


class Installer:
    """Makes `Installation`s. ``node`` is this machine's name, for what runs here without being configured."""

    def __init__(self, config: Config, data: DataDir, pools: Pools, streaming: Streaming, node: NodeId) -> None:
        self._config = config
        self._data = data
        self._pools = pools
        self._streaming = streaming
        self._node = node
        self._embedded: Embedded | None = None
        self._diffusing: Diffusing | None = None
        self._agents: dict[tuple[NodeId, AgentConfig], HttpAgent] = {}

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
        if (diffusion := self._diffusion()) is not None:
            made.append(diffusion)
        return tuple(made)

    def _diffusion(self) -> Installation | None:
        """Drawing on this machine's processor: where the owner has weights for it, and has not switched off what is
        embedded. Weights that nothing can use are told of."""
        own = self._config.images.weights or self._data.root / "diffusion"
        pulled = self._config.local.models_dir or self._data.models
        if self._config.local.enabled is False or not (own.is_dir() or has_diffusion(pulled)):
            return None
        if not diffusion_installed():
            hint = "Install it with 'pip install potluck[images]'."
            log.warning("diffusion weights cannot be used", why="stable-diffusion.cpp is not installed", hint=hint)
            return None
        # Most houses have no such weights, and need none of its code.
        from potluck.app.diffusing import Diffusing  # noqa: PLC0415

        self._diffusing = Diffusing(self._config, self._data, self._node, self._http)
        return self._diffusing.installation()

    def remote(self, engine: EngineConfig) -> Installation:
        """An engine that somebody else runs."""
        headers = _basic(engine.api_key) if engine.kind is EngineKind.A1111 else _bearer(engine.api_key)
        address = Address(engine.host, engine.port, engine.tls, engine.base_path, headers)
        workflows = self._workflows() if engine.kind is EngineKind.COMFYUI else ()
        made = BACKENDS[engine.kind](EngineSettings(address, engine.models, engine.context, workflows))
        http = self._http(address, engine.node, longest_bytes=_LONGEST_PICTURE_BYTES if engine.kind.draws else None)
        node = self._config.nodes.get(engine.node)
        return Installation(
            engine.id,
            engine.node,
            engine.kind,
            made.backend,
            http,
            engine.slots,
            keeper=made.keeper,
            memory_bytes=node.memory_bytes if node is not None else None,
            images=made.images,
            gives_way=self._config.images.memory is not SharedMemory.PICTURES_FIRST,
        )

    def _workflows(self) -> tuple[tuple[str, bytes], ...]:
        """The owner's graphs. Raises `OperatorError` for one that cannot be used."""
        found: list[tuple[str, bytes]] = []
        for name, path in self._config.images.workflows.items():
            from potluck.wire.comfyui.workflows import read_workflow  # noqa: PLC0415 - most houses have none

            try:
                data = path.read_bytes()
                read_workflow(data)
            except OSError as error:
                hint = "images.workflows names files beside the configuration."
                raise OperatorError(f"The workflow '{name}' cannot be read: {error.strerror}.", hint=hint) from error
            except BadRequest as error:
                raise OperatorError(f"The workflow '{name}': {error.message}", hint=error.hint) from error
            found.append((name, data))
        return tuple(found)

    def machines(self, config: Config) -> tuple[MachineSetup, ...]:
        """The configured nodes. An agent that stays as it was is the same object, and is asked on without a break."""
        agents = {(node.id, node.agent): node.agent for node in config.nodes.values() if node.agent is not None}
        self._agents = {key: self._agents.get(key) or self._agent(key[0], agent) for key, agent in agents.items()}
        return tuple(
            MachineSetup(node.id, node.memory_bytes, self._agents[node.id, node.agent] if node.agent else None)
            for node in config.nodes.values()
        )

    def _agent(self, node: NodeId, agent: AgentConfig) -> HttpAgent:
        address = Address(agent.host, agent.port, headers=_bearer(agent.api_key))
        return HttpAgent(self._http(address, node, who="The agent"))

    def _http(
        self, address: Address, node: NodeId, who: str = "The engine", longest_bytes: int | None = None
    ) -> PooledEngine:
        return PooledEngine(
            self._pools,
            address,
            lambda: self._streaming.to(address, node=node),
            node=node,
            who=who,
            longest_bytes=longest_bytes or LONGEST_REPLY_BYTES,
        )

    def _local(self) -> Installation:
        # Its downloads go over aiohttp: 14 MB that a house with engines of its own need not pay.
        from potluck.app.embedded import Embedded  # noqa: PLC0415

        if self._embedded is None:
            self._embedded = Embedded(self._config.local, self._data, self._node, self._http)
        return self._embedded.installation()

    async def aclose(self) -> None:
        if self._diffusing is not None:
            await self._diffusing.aclose()
        if self._embedded is not None:
            await self._embedded.aclose()


def _bearer(key: Secret | None) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key.reveal()}"),) if key is not None else ()


def _basic(key: Secret | None) -> tuple[tuple[str, str], ...]:
    """A1111 knows users with passwords (``--api-auth user:password``); a proxy before it may want a key."""
    if key is None or ":" not in key.reveal():
        return _bearer(key)
    return (("authorization", f"Basic {base64.b64encode(key.reveal().encode()).decode()}"),)


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
            if installation.drawing is not None:
                await installation.drawing.glance(installation.http)
                return True
            return bool((await installation.backend.probe(installation.http)).models)
    except (OSError, TimeoutError, NodeError):
        return False
