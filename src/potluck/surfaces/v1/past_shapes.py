"""What the native API tells of the past: the machines' last hours, and incidents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from potluck.core.incidents import Cause


class HistoryQuery(msgspec.Struct):
    """The last ``hours``, in steps of ``step_s`` seconds: 30, or some times that."""

    hours: Annotated[float, Meta(gt=0, le=6)] = 6.0
    step_s: Annotated[int, Meta(ge=30, le=3600, multiple_of=30)] = 30


class SeriesInfo(msgspec.Struct):
    """Figures of equal steps, null where nothing is known (the gateway or the machine was off, or nobody tells).

    ``up`` is the share of a step in which the machine served, of the whole fleet the number of such machines. ``busy``
    generations ran and ``waiting`` calls in line could be served there; ``held_bytes`` of models were in memory.
    ``tokens_per_s`` counts an answer when it ends. ``cpu_load`` and ``gpu_load`` (the busiest GPU's) go from 0 to 1.
    ``celsius`` is the hottest sensor's.
    """

    up: list[float | None]
    busy: list[float | None]
    waiting: list[float | None]
    held_bytes: list[float | None]
    tokens_per_s: list[float | None]
    cpu_load: list[float | None]
    gpu_load: list[float | None]
    celsius: list[float | None]


class HistoryReply(msgspec.Struct):
    """The first value is of the step that begins at ``since``; each next one of ``step_s`` seconds later.
    ``known_since`` is when anything is known from, null if nothing is yet."""

    since: str
    step_s: float
    known_since: str | None
    series: SeriesInfo


class FleetHistoryReply(HistoryReply, kw_only=True):
    """``series`` is of all machines together, ``nodes`` of each."""

    nodes: dict[str, SeriesInfo]


class IncidentQuery(msgspec.Struct):
    """Every one that is given must hold. ``since`` leaves out what was over before, ``until`` what began later; both
    are times with their zone. ``cursor`` is ``next`` of the page before."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    node: str = ""
    cause: Cause | None = None
    state: Literal["open", "over"] | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    cursor: str = ""


class IncidentInfo(msgspec.Struct):
    """What went wrong, in a ``sentence``. ``why``, which may name addresses, is for owners and admins, as are the ids
    in ``requests``, some of the calls it is about. ``count`` is of how many calls, or how often it came back within a
    minute. ``until`` is null while it is not over."""

    id: str
    cause: Cause
    state: Literal["open", "over"]
    node: str
    engine: str
    since: str
    until: str | None
    sentence: str
    count: int
    why: str = ""
    requests: list[str] = []


class IncidentList(msgspec.Struct):
    """Newest first, by when they began. ``next`` is the ``cursor`` of the following page, null on the last one."""

    incidents: list[IncidentInfo]
    next: str | None = None


class IncidentsDelta(msgspec.Struct):
    """``gone`` are no longer among the last ones that are told of here."""

    changed: list[IncidentInfo]
    gone: list[str]
