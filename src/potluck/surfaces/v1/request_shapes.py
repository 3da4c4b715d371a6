"""What is told of calls: those in line, and those that have ended, with why they went where they did."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from potluck.storage.records import CallStatus
from potluck.surfaces.v1.shapes import UsageInfo


class AttemptInfo(msgspec.Struct):
    """A try: ``ok``, ``cancelled``, ``slower`` (another engine was asked beside it, and was quicker), or what went
    wrong. ``began_s`` and ``ended_s`` are seconds since the call came; null where they were not kept."""

    engine: str
    outcome: str
    why: str
    began_s: float | None = None
    ended_s: float | None = None


class CandidateInfo(msgspec.Struct):
    """A place that was thought of. Costs are in limits: 1 is all the time that the call's class allows.

    ``run`` = (``own`` + ``harm`` to others + ``eviction`` of models + ``doubt``) * ``prior``, the owner's weight; None
    where the place was out of the question. ``first_s`` and ``finish_s`` were expected, ``wait_s`` of them before it
    could start.
    """

    engine: str
    chosen: bool
    reason: str
    model: str = ""
    run: float | None = None
    own: float = 0.0
    harm: float = 0.0
    eviction: float = 0.0
    doubt: float = 0.0
    prior: float = 1.0
    wait_s: float = 0.0
    first_s: float = 0.0
    finish_s: float = 0.0


class ReplayInfo(msgspec.Struct):
    """The decision made once more from ``candidates`` as they are kept: where it comes to, and whether the call went
    there. ``rule`` is ``cost``, ``order`` or ``weights``; by weights a place is taken in its turn, and no cost counts.
    """

    engine: str
    model: str
    same: bool
    rule: str


class QueuedInfo(msgspec.Struct):
    """A call in line. ``position`` 1 is the next one of all; ``eta_s`` the seconds until it starts, by estimate."""

    id: str
    position: int
    model: str
    kind: str
    waited_s: float
    eta_s: float
    user: str


class TurnInfo(msgspec.Struct):
    """A user with calls in line: how many, and the machine time that counts for its turn, in seconds. Within a class
    the user with the least goes first.
    """

    user: str
    waiting: int
    served_s: float


class QueueReply(msgspec.Struct):
    """``waiting`` counts everybody's calls, also where ``calls`` and ``users`` list only your own."""

    waiting: int
    calls: list[QueuedInfo]
    users: list[TurnInfo] = []


class RequestInfo(msgspec.Struct):
    """One call that has ended, ``user``'s: ``candidates`` tells why its node was chosen and the others were not,
    ``choice`` what `auto` chose and why; empty for calls that named their model.
    """

    id: str
    at: str
    family: str
    asked_model: str
    model: str | None
    route: str
    node: str | None
    engine: str | None
    status: CallStatus
    http_status: int
    queue_s: float
    first_byte_s: float | None
    total_s: float
    usage: UsageInfo
    attempts: list[AttemptInfo]
    candidates: list[CandidateInfo]
    error: str
    choice: str = ""
    replay: ReplayInfo | None = None
    user: str = ""
    rescued: bool = False


class RequestList(msgspec.Struct):
    """``next`` is the ``cursor`` of the following page, null on the last one."""

    requests: list[RequestInfo]
    next: str | None = None


class RequestQuery(msgspec.Struct):
    """Every one that is given must hold. ``model`` is the asked or the served name, ``user`` a name or id (anybody's,
    for owners and admins). ``rescued``: whether one engine went on with what another had begun; ``retried``: whether
    more than one was tried. ``since`` and ``before`` are times with their zone. ``cursor``, which is ``next`` of the
    page before, leads through all pages; ``before`` may leave out calls of the same millisecond.
    """

    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    model: str = ""
    node: str = ""
    status: CallStatus | None = None
    user: str = ""
    rescued: bool | None = None
    retried: bool | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    before: Annotated[datetime, Meta(tz=True)] | None = None
    cursor: str = ""
