"""What a store of incidents promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from potluck.core.incidents import Cause, Incident
from potluck.core.model import NodeId


class IncidentFilter(msgspec.Struct, frozen=True):
    """Which incidents to list; every field that is set must hold. ``since_s`` leaves out those that were over before,
    ``until_s`` those that began after (Unix seconds)."""

    node: NodeId | None = None
    cause: Cause | None = None
    open: bool | None = None
    since_s: float | None = None
    until_s: float | None = None


class IncidentPage(msgspec.Struct, frozen=True):
    """``next`` leads to the following page, None on the last one."""

    incidents: tuple[Incident, ...]
    next: str | None = None


class IncidentStore(Protocol):
    """What went wrong and when. Raises `OperatorError` as all stores do."""

    async def save(self, changed: Sequence[Incident]) -> None:
        """Keep these, each in the place of what was kept of it."""
        ...

    async def open(self) -> tuple[Incident, ...]:
        """Those that are not over, the first to begin first."""
        ...

    async def list(self, *, limit: int, where: IncidentFilter | None = None, cursor: str | None = None) -> IncidentPage:
        """Newest first, by when they began. Raises `BadRequest` for a cursor that is not one."""
        ...

    async def prune(self, *, before_s: float, most: int) -> int:
        """Forget those that were over before that time, and the oldest beyond ``most``; how many that were. What is
        open stays."""
        ...
