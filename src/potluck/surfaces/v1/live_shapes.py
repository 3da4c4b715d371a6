"""What ``/api/v1/events`` tells: how things are now, made for being told again with every change."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from potluck.surfaces.v1.chat_shapes import InLineInfo
from potluck.surfaces.v1.fleet_shapes import DrainInfo, LastMinuteInfo, NodeDrillInfo
from potluck.surfaces.v1.jobs import JobInfo
from potluck.surfaces.v1.past_shapes import IncidentInfo

NodeState: TypeAlias = Literal["up", "suspect", "loading", "draining", "down", "unknown"]


class EventsQuery(msgspec.Struct):
    """``topics`` are those that you want, with commas between them; without it, all that you may have: ``nodes``,
    ``models``, ``queue``, ``generations``, ``jobs``, ``conversations``, ``incidents``, ``discovery``."""

    topics: str = ""


class HeldModel(msgspec.Struct):
    """A model in memory: what it takes there, by its engine's word or else estimated, the part of that in an
    accelerator's own, and when it will be unloaded. ``busy`` calls have it now; ``decode_tps`` is the learned speed of
    its answers, in tokens a second, null where that is not known yet.
    """

    model: str
    memory_bytes: int
    vram_bytes: int | None = None
    pinned: bool = False
    expires_at: str | None = None
    busy: int = 0
    decode_tps: float | None = None


class LiveEngine(msgspec.Struct):
    """``busy`` of ``slots`` generations run. ``why``, which may name addresses, is for owners and admins. ``failures``
    calls have failed there in a row, so that others are asked first."""

    id: str
    kind: str
    state: NodeState
    busy: int
    slots: int
    held: list[HeldModel]
    why: str = ""
    failures: int = 0
    trial: bool = False


class LiveCall(msgspec.Struct):
    """A call that a node works on. Whose it is, and its ``id``, are told of one's own calls, and of all to owners and
    admins. ``answering``: its first bytes have come."""

    model: str
    engine: str
    kind: str
    family: str
    since: str
    answering: bool
    id: str = ""
    user: str = ""


class MachineFigures(msgspec.Struct):
    """What the node's agent told last: loads from 0 to 1, the busiest GPU's; the hottest sensor; watts drawn.
    ``fresh``: it is recent enough to be planned with."""

    fresh: bool
    total_bytes: int | None = None
    available_bytes: int | None = None
    vram_bytes: int | None = None
    vram_free_bytes: int | None = None
    cpu_load: float | None = None
    gpu_load: float | None = None
    celsius: float | None = None
    watts: float | None = None


class LiveNode(msgspec.Struct):
    """A machine now. ``state`` is that of its best engine, ``draining`` while its owner wants it empty; ``since`` is
    when it came to be so, as far as this gateway knows.

    ``memory_bytes`` is what models may fill, null where nobody said, ``held_bytes`` what those in memory take.
    ``waiting`` calls in line could be served there. ``tokens_per_s`` is what was written there in the last minute by
    calls that have ended, on average.
    """

    id: str
    state: NodeState
    engines: list[LiveEngine]
    busy: int
    slots: int
    waiting: int
    tokens_per_s: float
    calls: list[LiveCall]
    held_bytes: int
    source: str
    since: str | None = None
    why: str = ""
    memory_bytes: int | None = None
    machine: MachineFigures | None = None
    drain: DrainInfo | None = None
    drill: NodeDrillInfo | None = None


class LiveModel(msgspec.Struct):
    """A name that can be asked for. ``ready``: an engine that has it is up; ``resident``: on one it is in memory, so
    the first word needs no loading."""

    id: str
    ready: bool
    resident: bool
    nodes: list[str]
    alias_of: str = ""


class QueuedCall(msgspec.Struct):
    """A call in line: one's own, or anybody's for owners and admins. ``position`` 1 is the next of all; ``eta_s`` is
    about how many seconds remain."""

    id: str
    position: int
    model: str
    kind: str
    eta_s: int
    user: str


class LiveQueue(msgspec.Struct):
    """``waiting`` and ``running`` count everybody's calls; ``calls`` are at most the first 50 that you may see."""

    waiting: int
    running: int
    slots: int
    last_minute: LastMinuteInfo
    calls: list[QueuedCall]


class LiveGeneration(msgspec.Struct):
    """An answer of your own that runs or ended lately; its text comes from ``/api/v1/generations/{id}/events``."""

    id: str
    state: Literal["running", "complete", "failed", "interrupted"]
    conversation: str
    request_id: str
    created_at: str
    ended_at: str | None
    asked_model: str
    model: str | None
    node: str | None
    queued: InLineInfo | None


class InboxCount(msgspec.Struct):
    """Machines that were found, or have moved, and wait for the owner's word."""

    proposals: int


class Snapshot(msgspec.Struct):
    """The first event, and so the first after each new connection: everything, of the ``topics`` that you get; null of
    all others. What follows changes it."""

    at: str
    topics: list[str]
    nodes: list[LiveNode] | None = None
    models: list[LiveModel] | None = None
    queue: LiveQueue | None = None
    generations: list[LiveGeneration] | None = None
    jobs: list[JobInfo] | None = None
    incidents: list[IncidentInfo] | None = None
    discovery: InboxCount | None = None


class NodesDelta(msgspec.Struct):
    """Nodes that are new or not as they were, each whole; and the ids of those that are there no more."""

    changed: list[LiveNode]
    gone: list[str]


class ModelsDelta(msgspec.Struct):
    changed: list[LiveModel]
    gone: list[str]


class GenerationsDelta(msgspec.Struct):
    changed: list[LiveGeneration]
    gone: list[str]


class JobsDelta(msgspec.Struct):
    """``gone`` are no longer among the newest that are told of here."""

    changed: list[JobInfo]
    gone: list[str]


class ConversationsChanged(msgspec.Struct):
    """Ids of conversations whose line in the listing is another now: new, renamed, gone on with, or gone. ``all``: it
    may be any; read the listing again."""

    changed: list[str]
    all: bool
