"""What the scheduler decides. The shell performs decisions in their order, each done before the next begins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from potluck.core.model import EngineId, ModelId, RequestId
from potluck.core.scheduling.asks import Ask, Place, Policy
from potluck.core.scheduling.terms import Terms
from potluck.core.scheduling.weighing import Price

# What the fast path keeps of each candidate: terms, cost, the prior in it, tokens to read. The rest of it is the harm.
Kept: TypeAlias = "list[tuple[Terms, float, float, int]]"


@dataclass(slots=True)
class Start:
    """Send the call to ``place``. ``loads``: the model is not resident, so the first byte comes after a load.

    Never changed once made. ``kept`` is what `explain` makes its account from; keep the whole decision as long as that
    may be asked for.
    """

    request: RequestId
    place: Place
    ask: Ask
    at_s: float
    loads: bool
    kept: Kept | tuple[Price, ...]
    policy: Policy = Policy.LEARNED

    @property
    def engine(self) -> EngineId:
        return self.place.engine

    @property
    def model(self) -> ModelId:
        return self.place.model


@dataclass(frozen=True, slots=True)
class Wait:
    """The call is in the queue; a `Start` or a `Refuse` will come for it."""

    request: RequestId


class Reason(StrEnum):
    """Why a call is refused."""

    FULL = "as many calls wait as may"
    WAITED = "it waited as long as it may"
    DEADLINE = "its deadline has passed"
    NOT_UP = "no engine that has the model is up"
    TRIED = "every engine that has the model was tried"
    UNKNOWN = "nothing is known by that name"


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call will not be served. ``retry_after_s`` is when there may be room, by the estimate."""

    request: RequestId
    reason: Reason
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """Load the model; say `loaded` or `load_failed` after. Where the call loads it by itself, do nothing."""

    engine: EngineId
    model: ModelId


@dataclass(frozen=True, slots=True)
class Evict:
    """Put the model out of memory. Nothing of ours runs on it."""

    engine: EngineId
    model: ModelId


@dataclass(frozen=True, slots=True)
class Preload:
    """Load the model though no call waits for it; say `loaded` or `load_failed` after. ``lost`` had it and serves no
    more; None: it is pinned here. ``stays``: it is pinned, and should not go when it is not used for a while.
    """

    engine: EngineId
    model: ModelId
    lost: EngineId | None = None
    stays: bool = False


Decision: TypeAlias = Start | Wait | Refuse | Load | Evict | Preload
