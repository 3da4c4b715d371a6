"""When keys and sessions were last used, written down now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

import structlog

from potluck.core.errors import OperatorError

log = structlog.get_logger(__name__)

Id = TypeVar("Id")

# Nobody is told of a use to the second; a session that is used every minute does not end for want of use.
PAUSE_S = 10.0


class LastUses(Generic[Id]):
    """``taken`` gives the times (Unix seconds) since it was asked last, ``write`` puts them into the database. What
    cannot be written waits for the next time: there is one for each key or session at most."""

    def __init__(
        self, taken: Callable[[], Mapping[Id, float]], write: Callable[[Mapping[Id, float]], Awaitable[None]]
    ) -> None:
        self._taken = taken
        self._write = write
        self._waiting: dict[Id, float] = {}

    async def save(self) -> None:
        """Once."""
        self._waiting.update(self._taken())
        if not self._waiting:
            return
        batch = dict(self._waiting)
        try:
            await self._write(batch)
        except OperatorError as error:
            log.debug("last uses cannot be written yet", why=error.message)
            return
        self._waiting.clear()

    async def keeping(self, pause_s: float = PAUSE_S) -> None:
        """Again and again, until cancelled."""
        while True:
            await asyncio.sleep(pause_s)
            await self.save()
