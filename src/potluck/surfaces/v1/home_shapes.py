"""What matters now, for the portal's first page."""

from __future__ import annotations

import msgspec

from potluck.surfaces.v1.past_shapes import IncidentInfo


class SetUpInfo(msgspec.Struct):
    """The first steps, and which are done: the service has a name of its own (``named``), some engine beside the
    embedded one has a model that answers (``machines``), and somebody has talked to one (``chatted``). ``done``: all of
    them."""

    named: bool
    machines: bool
    chatted: bool
    done: bool


class BackupHint(msgspec.Struct):
    """``last_made_at`` is null where there is no backup; ``trouble`` is what became of the last try, empty if that was
    well. ``possible``: one can be made here."""

    possible: bool
    last_made_at: str | None
    trouble: str


class HomeReply(msgspec.Struct):
    """``fleet`` says in a sentence how the machines are. ``incidents`` are those that are not over. ``set_up``,
    ``proposals`` (machines that wait for the owner's word) and ``backup`` are for owners and admins, null for
    others."""

    name: str
    fleet: str
    nodes: int
    nodes_up: int
    models_ready: int
    running: int
    waiting: int
    incidents: list[IncidentInfo]
    set_up: SetUpInfo | None = None
    proposals: int | None = None
    backup: BackupHint | None = None
