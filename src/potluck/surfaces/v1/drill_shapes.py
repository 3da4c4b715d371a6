"""What the native API takes and gives about drills."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from potluck.core.drill import Home, How, Stage
from potluck.core.drill_verdict import Outcome


class DrillTarget(msgspec.Struct):
    """``how``: ``drain`` lets what runs there end in peace, ``block`` is as if the node had died. Without a ``node``
    the one is picked that disturbs least.
    """

    how: How = How.DRAIN
    node: str = ""


class DrillRequest(DrillTarget):
    """The node is out for ``seconds``. ``probe``: send test calls to it, so that a quiet house is proven too.
    ``force``: in spite of what is said against it, where it can be done at all.
    """

    seconds: Annotated[float, Meta(ge=1, le=3600)] = 60.0
    probe: bool = True
    force: bool = False


class DrillHome(msgspec.Struct):
    """A model of the node, and where it is found while that is away: in the ``memory`` of ``nodes``, on their ``disk``,
    or nowhere (``none``).
    """

    model: str
    resident: bool
    home: Home
    nodes: list[str]


class DrillPlan(msgspec.Struct):
    """What a drill would do now. ``refused`` is what speaks against it, ``impossible`` what of that no ``force``
    changes. It is broken off when more than ``most_waiting`` calls are in line.
    """

    node: str
    how: How
    running: int
    waiting: int
    most_waiting: int
    models: list[DrillHome]
    refused: list[str]
    impossible: list[str]


class DrillCalls(msgspec.Struct):
    """People's calls for the node's models while it was out. ``rescued`` answers had begun on it and went on elsewhere,
    ``unfinished`` ones still do; ``moved`` had not begun. ``waited`` had no slot at once.
    """

    served: int
    rescued: int
    moved: int
    lost: int
    cancelled: int
    unfinished: int
    waited: int
    longest_wait_s: float
    queue_peak: int


class DrillProof(msgspec.Struct):
    """What was shown of one model. ``same``: the answer that was cut is the undisturbed one to the letter; null where
    none was cut.
    """

    model: str
    proven: bool
    said: str
    same: bool | None


class DrillReport(msgspec.Struct):
    """A drill as it is now. ``until`` is when the node comes back, null before it is out. ``outcome``, null until it is
    over: ``held`` (nothing was lost), ``lost``, ``stopped`` by the owner, ``broken_off``, or ``interrupted`` by the
    gateway's end. ``recovered_s``: the longest time from the cut to an answer's next word. ``restored``: the node
    answers as before.
    """

    id: str
    node: str
    how: How
    stage: Stage
    outcome: Outcome | None
    why: str
    began_at: str
    until: str | None
    ended_at: str | None
    seconds: float
    calls: DrillCalls
    recovered_s: float | None
    restored: bool | None
    models: list[DrillProof]


class DrillList(msgspec.Struct):
    drills: list[DrillReport]
