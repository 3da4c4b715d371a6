"""What is told of models, nodes and the service as a whole."""

from __future__ import annotations

import msgspec

from potluck.core.reading import Reading


class ModelPlace(msgspec.Struct):
    """Where a model is. What it takes in memory, the part of that in an accelerator's own, the context that it is
    loaded with and when it will be unloaded are told of a resident one, as far as the engine tells them.
    ``pinned``: the owner wants it to stay there.
    """

    node: str
    engine: str
    health: str
    resident: bool
    pinned: bool = False
    memory_bytes: int | None = None
    vram_bytes: int | None = None
    loaded_context: int | None = None
    expires_at: str | None = None


class ModelInfo(msgspec.Struct):
    """``ready`` says whether an engine that has it is up; ``engines`` are all that have it. ``alias_of`` is what an
    alias stands for, by the configuration; what else is told of it is then that one's.
    """

    id: str
    ready: bool
    capabilities: list[str]
    context: int | None
    size_bytes: int | None
    family: str | None
    parameter_size: str | None
    quantization: str | None
    engines: list[ModelPlace]
    alias_of: str = ""


class ModelList(msgspec.Struct):
    models: list[ModelInfo]


class ChildInfo(msgspec.Struct):
    """A process of the embedded engine. ``why`` is the reason of its last crash."""

    model: str
    role: str
    pid: int | None
    state: str
    restarts: int
    why: str


class LoadedInfo(msgspec.Struct):
    """A model in memory, and what it takes there: by its engine's word, else estimated from its size."""

    model: str
    memory_bytes: int
    pinned: bool


class RateInfo(msgspec.Struct):
    """How fast a model is on an engine, learned from ``readings`` calls: tokens a second of prompts and of an answer
    that has the machine for itself, and seconds to load it.
    """

    model: str
    prefill_tps: float
    decode_tps: float
    load_s: float
    readings: int


class EngineInfo(msgspec.Struct):
    """``busy`` of ``slots`` generations run now; ``why`` says why the engine is in this health. ``loaded`` tells more
    of the ``resident`` models, ``rates`` of all that were at work. ``failures`` calls have failed there in a row, so
    that others are asked first: for ``retry_s`` seconds more, after which it is on ``trial`` with one call at a time.
    """

    id: str
    kind: str
    health: str
    why: str
    slots: int
    busy: int
    models: list[str]
    resident: list[str]
    children: list[ChildInfo]
    loaded: list[LoadedInfo] = []
    rates: list[RateInfo] = []
    failures: int = 0
    trial: bool = False
    retry_s: float | None = None


class AgentInfo(msgspec.Struct):
    """``state`` is ``up``, ``silent``, or ``unknown`` before its first answer. ``reading`` is its last one, taken
    ``age_s`` ago; ``silent_s`` is for how long nothing was heard of a silent one, and ``why`` what came instead.
    """

    state: str
    age_s: float | None = None
    silent_s: float | None = None
    why: str = ""
    reading: Reading | None = None


class MoveInfo(msgspec.Struct):
    """A model of a node that is drained. ``state``: ``elsewhere`` (in the memory of engine ``to``), ``loading`` or
    ``waiting`` to be loaded there, ``nowhere``, or ``unused`` and left where it is. ``why`` says it in words.
    """

    model: str
    engine: str
    state: str
    to: str
    why: str


class DrainInfo(msgspec.Struct):
    """A node that gets nothing new, since ``since``. ``running`` calls end there in peace; ``empty`` is true when none
    is left and what can be moved has been.
    """

    since: str
    running: int
    empty: bool
    moves: list[MoveInfo]


class NodeDrillInfo(msgspec.Struct):
    """The drill that a node is in. ``how`` is ``drain`` or ``block``; ``until`` when it gets the node back at the
    latest, null while its test calls set out.
    """

    id: str
    node: str
    how: str
    stage: str
    until: str | None


class NodeInfo(msgspec.Struct):
    """``memory_bytes`` is what models may fill, as configured; ``agent`` what its machine tells, for the owner.

    ``source`` is where the node comes from: ``config``, ``discovery``, or ``here`` for what runs on this machine
    without being configured. ``why`` tells the owner of a change of its address. ``drain`` is there while the node is
    drained by its owner, ``drill`` while it is in one.
    """

    id: str
    engines: list[EngineInfo]
    memory_bytes: int | None = None
    agent: AgentInfo | None = None
    source: str = "config"
    why: str = ""
    drain: DrainInfo | None = None
    drill: NodeDrillInfo | None = None


class NodeList(msgspec.Struct):
    nodes: list[NodeInfo]


class ReloadReply(msgspec.Struct):
    """``changed`` names the sections of the configuration that are different now, ``restart`` those that hold only
    after the next start.
    """

    changed: list[str]
    restart: list[str] = []


class ClassQueueInfo(msgspec.Struct):
    """Calls of one class in line: how many, how long the oldest has waited, and in how many seconds the next starts."""

    kind: str
    waiting: int
    longest_wait_s: float
    next_eta_s: float


class LastMinuteInfo(msgspec.Struct):
    """Calls that ended in the last 60 seconds: all, those that failed here (engines, a full queue), those that were the
    client's error, those whose client left; and the tokens that were written.
    """

    calls: int
    failed: int
    refused: int
    cancelled: int
    completion_tokens: int


class RedisInfo(msgspec.Struct):
    """``trouble`` says why it is not used now, empty if it is."""

    up: bool
    trouble: str = ""


class FileStoreInfo(msgspec.Struct):
    """Whether the store for files answered last, and what waits on the gateway's disk to be brought there."""

    answers: bool
    waiting: int = 0
    waiting_bytes: int = 0


class GatewayInfo(msgspec.Struct):
    """A gateway of this installation that runs; ``url`` is where the others reach it."""

    name: str
    url: str
    version: str
    started_at: str


class JobCounts(msgspec.Struct):
    """Work in the background, everybody's."""

    waiting: int
    running: int


class StatusReply(msgspec.Struct):
    """``waiting`` calls are in the queue, by class in ``queue``; ``busy`` run; ``drained`` are nodes that get nothing
    new, ``drill`` is the one under way; ``redis`` is null where none is configured;
    ``gateways`` are those that say there that they run, null where that is not known.
    """

    version: str
    started_at: str
    uptime_s: float
    nodes: int
    engines: int
    engines_up: int
    models: int
    slots: int
    busy: int
    waiting: int
    drained: list[str] = []
    queue: list[ClassQueueInfo] = []
    last_minute: LastMinuteInfo | None = None
    drill: NodeDrillInfo | None = None
    files: FileStoreInfo | None = None
    redis: RedisInfo | None = None
    jobs: JobCounts | None = None
    gateways: list[GatewayInfo] | None = None
