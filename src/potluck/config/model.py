"""The settings as the program sees them: one frozen tree, complete with defaults.

Units: seconds (``_s``), bytes (``_bytes``), tokens (``context``). The keys of the file, their defaults and their
sentences stand in `config.schema`; docs/reference/config.md is made from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from potluck.config.problems import ConfigProblem
from potluck.config.secret import Secret
from potluck.core.files import Quotas
from potluck.core.galleries import Keeping
from potluck.core.generations import Unfinished
from potluck.core.hedging import HedgeRule
from potluck.core.limits import Rules
from potluck.core.model import EngineId, EngineKind, ModelId, NodeId
from potluck.core.openid import OpenIdRules
from potluck.core.people import Role
from potluck.core.scheduling.classes import Kind


class Policy(StrEnum):
    """How a route picks a node. ``LEARNED``: weights are a prior to what is learned. ``WEIGHTED``: they are exact."""

    LEARNED = "learned"
    WEIGHTED = "weighted"


class EngineConfig(msgspec.Struct, frozen=True):
    """One engine to be served. ``base_path`` has no slash at its end. ``slots`` and ``context`` None: ask the engine.

    ``models`` is for servers that list none; empty means that the engine tells.
    """

    node: NodeId
    kind: EngineKind
    host: str
    port: int
    tls: bool = False
    base_path: str = ""
    api_key: Secret | None = None
    models: tuple[ModelId, ...] = ()
    slots: int | None = None
    context: int | None = None

    @property
    def id(self) -> EngineId:
        """Unique in a config: the checks see to it."""
        return EngineId(f"{self.node}/{self.kind}:{self.port}{self.base_path}")


class AgentConfig(msgspec.Struct, frozen=True):
    """A node agent to be asked what its machine has left."""

    host: str
    port: int = 8421
    api_key: Secret | None = None


class NodeConfig(msgspec.Struct, frozen=True):
    """One machine. ``address`` is empty where every engine has a ``url``; ``memory_bytes`` None: not said."""

    id: NodeId
    address: str = ""
    memory_bytes: int | None = None
    engines: tuple[EngineConfig, ...] = ()
    agent: AgentConfig | None = None


class RouteConfig(msgspec.Struct, frozen=True):
    """A name that can be asked for as a model. At most one of ``weights`` and ``order`` is set.

    ``models`` in order of preference; empty means any model that fits. ``hedge`` None: only one engine is asked.
    """

    name: str
    models: tuple[ModelId, ...] = ()
    weights: Mapping[NodeId, float] = msgspec.field(default_factory=dict[NodeId, float])
    order: tuple[NodeId, ...] = ()
    policy: Policy = Policy.LEARNED
    hedge: HedgeRule | None = None


class ServerConfig(msgspec.Struct, frozen=True):
    """Where Potluck listens, and how long a stop waits for calls under way.

    ``origins`` are the web pages that may call beside those of this machine. ``url`` is where people reach it, without
    a slash at its end; empty where nobody said.
    """

    host: str = "127.0.0.1"
    port: int = 8420
    drain_s: float = 30.0
    origins: tuple[str, ...] = ()
    url: str = ""


class LimitsConfig(msgspec.Struct, frozen=True):
    """What is refused by size: ``max_body_bytes`` decompressed, ``max_header_bytes`` the whole head of a request; and
    ``rules`` of how much callers may use, by role and route."""

    max_body_bytes: int = 64_000_000
    max_header_bytes: int = 65_536
    rules: Rules = Rules()


class QueueConfig(msgspec.Struct, frozen=True):
    """How many calls may wait for a slot, and for how long."""

    depth: int = 512
    max_wait_s: float = 300.0


class ClassConfig(msgspec.Struct, frozen=True):
    """What the owner said of one class of calls; None: as it is by default.

    ``first_s`` to the first word and ``finish_s`` to the end are what its users accept; a lower ``priority`` goes
    first.
    """

    first_s: float | None = None
    finish_s: float | None = None
    priority: float | None = None
    max_wait_s: float | None = None
    waiting: int | None = None
    running: int | None = None


class HealthConfig(msgspec.Struct, frozen=True):
    """``interval_s`` between two looks at an engine that is well. ``reload_lost``: models in use on a machine that goes
    down are loaded on others with memory to spare."""

    interval_s: float = 30.0
    reload_lost: bool = True


class RescueConfig(msgspec.Struct, frozen=True):
    """How an answer goes on whose engine broke after its first byte: ``attempts`` for one answer, begun ``within_s`` of
    the first break. ``silence_s`` is the least silence that counts as a break; 0: only the longest there may be."""

    attempts: int = 3
    within_s: float = 120.0
    silence_s: float = 2.0


class GenerationsConfig(msgspec.Struct, frozen=True):
    """Answers of native chats, which go on when their client leaves: for ``alone_s``, and ``alone_per_key`` of a key.
    ``keep_s`` and ``keep_bytes`` bound the logs of those that have ended. ``unfinished`` is what becomes of those that
    a crash or a stop cut at most ``unfinished_within_s`` ago."""

    alone_s: float = 600.0
    alone_per_key: int = 4
    keep_s: float = 3600.0
    keep_bytes: int = 64_000_000
    unfinished: Unfinished = Unfinished.CONTINUE
    unfinished_within_s: float = 900.0


class StorageConfig(msgspec.Struct, frozen=True):
    """URLs, which may carry passwords. None: a file, memory or a folder in the data directory."""

    database: Secret | None = None
    redis: Secret | None = None
    blobs: Secret | None = None
    replicas: tuple[Secret, ...] = ()


class TrustedHeaderConfig(msgspec.Struct, frozen=True):
    """Reverse proxies, in CIDR form, that name the user in a header. Header names are lower-case, None for none.

    ``create`` None: who is no user here is refused. ``roles`` are groups' of ``groups``.
    """

    proxies: tuple[str, ...]
    user: str = "x-forwarded-user"
    email: str | None = None
    groups: str | None = None
    roles: Mapping[str, Role] = msgspec.field(default_factory=dict[str, Role])
    create: Role | None = None
    secret: Secret | None = None


class TrustedNetwork(msgspec.Struct, frozen=True):
    """``range`` in CIDR form, whose machines are the guest ``name`` where they show nothing."""

    range: str
    name: str


class FilesConfig(msgspec.Struct, frozen=True):
    """Files that people keep: the largest one, and how much everybody may keep in all."""

    max_bytes: int = 10_000_000_000
    quotas: Quotas = msgspec.field(default_factory=Quotas)


class SharedMemory(StrEnum):
    """Who gives way where pictures and text share a machine's memory: whoever is idle, pictures, or text."""

    SHARED = "shared"
    TEXT_FIRST = "text"
    PICTURES_FIRST = "pictures"


class StyleConfig(msgspec.Struct, frozen=True):
    """Texts that go around or behind a prompt (`wire.prompts.styles`)."""

    prompt: str = ""
    negative: str = ""


class ImagesConfig(msgspec.Struct, frozen=True):
    """Pictures that people keep: how much everybody may keep in all, and for how long. How they are made: ``order``
    names nodes, the first that can draws (empty: where it is finished first); ``workflows`` are files of ComfyUI; this
    machine draws with what lies in ``weights`` (None: in the data directory)."""

    quotas: Quotas = msgspec.field(default_factory=Quotas)
    keeping: Keeping = msgspec.field(default_factory=Keeping)
    order: tuple[NodeId, ...] = ()
    memory: SharedMemory = SharedMemory.SHARED
    weights: Path | None = None
    workflows: Mapping[str, Path] = msgspec.field(default_factory=dict[str, Path])
    styles: Mapping[str, StyleConfig] = msgspec.field(default_factory=dict[str, StyleConfig])
    wildcards: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict[str, tuple[str, ...]])
    comfyui_port: int | None = None
    """Where ComfyUI's clients are served; None for nowhere."""


class GatewayConfig(msgspec.Struct, frozen=True):
    """This gateway among others on one database. ``name`` None: the machine's and the port. ``advertise`` None: where
    it listens."""

    name: str | None = None
    advertise: str | None = None


class OpenIdConfig(msgspec.Struct, frozen=True):
    """An OpenID Connect provider, as which client it knows us, and whom of its people the owner lets in.

    ``redirect_uri`` None: at the address by which the browser came.
    """

    issuer: str
    client_id: str
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    label: str = "Single sign-on"
    redirect_uri: str | None = None
    rules: OpenIdRules = OpenIdRules()


class AccessConfig(msgspec.Struct, frozen=True):
    """How long a browser's session lasts: unused, and at the most. Who comes in without a key of ours.

    ``proxies``, in CIDR form, are believed in what they say of addresses. ``secret_key`` None: the data directory's.
    """

    session_idle_s: float = 7 * 86_400.0
    session_length_s: float = 30 * 86_400.0
    proxies: tuple[str, ...] = ()
    trusted_header: TrustedHeaderConfig | None = None
    trusted_networks: tuple[TrustedNetwork, ...] = ()
    oidc: OpenIdConfig | None = None
    secret_key: Secret | None = None


class JobsConfig(msgspec.Struct, frozen=True):
    """``at_once`` run in each gateway, ``unfinished`` may each user have; those that ended are kept for ``keep_s``."""

    at_once: int = 2
    unfinished: int = 100
    keep_s: float = 7 * 86_400.0


class PortalConfig(msgspec.Struct, frozen=True):
    """``name`` is what the service is called. ``titles``: models name conversations. ``public_shares``: a
    conversation may be shared with whoever has the link."""

    name: str = "Potluck"
    titles: bool = True
    public_shares: bool = False


class AuditConfig(msgspec.Struct, frozen=True):
    """How long entries of the audit log are kept."""

    keep_s: float = 400 * 86_400.0


class UsageConfig(msgspec.Struct, frozen=True):
    """For how long what was used by the day is kept, and single calls."""

    keep_s: float = 730 * 86_400.0
    keep_requests_s: float = 30 * 86_400.0


class DiscoveryConfig(msgspec.Struct, frozen=True):
    """Where engines are looked for beside ``nodes``. ``scan`` holds networks in CIDR form.

    ``agent_key`` is the one that node agents were started with, by which they prove who they are.
    """

    mdns: bool = False
    scan: tuple[str, ...] = ()
    agent_key: Secret | None = None


class LocalConfig(msgspec.Struct, frozen=True):
    """The embedded engine. ``enabled`` None: on if no engine is configured (`Config.local_wanted`).

    ``models_dir`` None: ``models/`` in the data directory. ``threads`` None: the engine's own choice.
    ``idle_unload_s`` 0 keeps models loaded for ever. ``hub`` has no slash at its end.
    """

    enabled: bool | None = None
    models_dir: Path | None = None
    idle_unload_s: float = 300.0
    slots: int = 2
    threads: int | None = None
    context: int = 8192
    hub: str = "https://huggingface.co"
    hub_token: Secret | None = None


class Config(msgspec.Struct, frozen=True):
    """Everything the owner can say. ``source`` is the file it came from, None for the defaults.

    ``aliases`` are other names, each with what it stands for.
    """

    source: Path | None = None
    nodes: Mapping[NodeId, NodeConfig] = msgspec.field(default_factory=dict[NodeId, NodeConfig])
    routes: Mapping[str, RouteConfig] = msgspec.field(default_factory=dict[str, RouteConfig])
    aliases: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    server: ServerConfig = ServerConfig()
    limits: LimitsConfig = LimitsConfig()
    queue: QueueConfig = QueueConfig()
    classes: Mapping[Kind, ClassConfig] = msgspec.field(default_factory=dict[Kind, ClassConfig])
    health: HealthConfig = HealthConfig()
    rescue: RescueConfig = RescueConfig()
    generations: GenerationsConfig = GenerationsConfig()
    access: AccessConfig = AccessConfig()
    audit: AuditConfig = AuditConfig()
    jobs: JobsConfig = JobsConfig()
    storage: StorageConfig = StorageConfig()
    files: FilesConfig = FilesConfig()
    images: ImagesConfig = ImagesConfig()
    portal: PortalConfig = PortalConfig()
    gateway: GatewayConfig = GatewayConfig()
    usage: UsageConfig = UsageConfig()
    discovery: DiscoveryConfig = DiscoveryConfig()
    local: LocalConfig = LocalConfig()
    warnings: tuple[ConfigProblem, ...] = ()

    @property
    def engines(self) -> tuple[EngineConfig, ...]:
        """All engines to be served, node by node, in the file's order."""
        return tuple(engine for node in self.nodes.values() for engine in node.engines)

    @property
    def local_wanted(self) -> bool:
        """Whether the embedded engine is to run: as said, else only where no other that writes is configured."""
        if self.local.enabled is not None:
            return self.local.enabled
        return all(engine.kind.draws for engine in self.engines)
