"""What gateways that share a database keep of themselves there: who leads, and who is there.

`LeadershipStore` is the port, with one implementation (`storage.sql.leadership`): one process alone needs none.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import msgspec

from potluck.core.leadership import Record
from potluck.core.model import EngineId, ModelId


class HeldSeat(msgspec.Struct, frozen=True, array_like=True):
    """Slots of an engine that calls of a gateway still have which does not lead any more."""

    engine: EngineId
    model: ModelId
    count: int


class GatewayHere(msgspec.Struct, frozen=True):
    """A gateway that is there: ``id`` is of one process, ``url`` where the others reach it. ``beat`` is one higher with
    every `LeadershipStore.meet`."""

    id: str
    name: str
    url: str
    beat: int = 0
    held: tuple[HeldSeat, ...] = ()


class LeadershipStore(Protocol):
    """Each method is one transaction. All raise `OperatorError` where the database does not answer; what was asked for
    may have been done then."""

    async def secret(self, fresh: str) -> str:
        """What gateways sign with; ``fresh`` becomes it if there is none yet."""
        ...

    async def look(self) -> Record:
        """Who leads."""
        ...

    async def swap(self, before: Record, after: Record) -> Record | None:
        """Put ``after`` in the place of ``before``. None if that was done; else what is there instead."""
        ...

    async def meet(self, own: GatewayHere, forget: Collection[str] = ()) -> tuple[GatewayHere, ...]:
        """Tell of oneself, and hear of all, oneself too. ``forget`` are the ids of those that are gone."""
        ...

    async def leave(self, gateway: str) -> None:
        """Be there no more. Harmless to call twice."""
        ...
