"""Where a call stands, and what was tried for it. What moves it is told at the top of `exchange`."""

from __future__ import annotations

from enum import Enum, auto

import msgspec

from potluck.core.errors import PotluckError
from potluck.core.model import EngineId


class State(Enum):
    PREPARING = auto()
    SEEKING = auto()
    CONNECTING = auto()
    AWAITING = auto()
    COLLECTING = auto()
    STREAMING = auto()
    DONE = auto()


class Attempt(msgspec.Struct, frozen=True):
    """One try on one engine that came to nothing. ``error`` is None for one that another engine, asked beside it, was
    quicker than: ``beside`` says when that was. ``told_tokens`` is about how much the client had of the answer when it
    failed. ``began_s`` and ``ended_s`` are seconds since the call came."""

    engine: EngineId
    error: PotluckError | None
    told_tokens: int = 0
    beside: str = ""
    began_s: float | None = None
    ended_s: float | None = None
