"""Looks at every engine now and then, and at once after trouble. `Fleet` keeps what was seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from potluck.core.errors import PotluckError
from potluck.core.health import Seen
from potluck.core.model import EngineId
from potluck.gateway.fleet import Fleet

log = structlog.get_logger(__name__)


class Watch:
    """Probes the engines of a fleet. ``clock`` is the fleet's."""

    def __init__(self, fleet: Fleet, clock: Callable[[], float]) -> None:
        self._fleet = fleet
        self._clock = clock
        self._alarms = {engine: asyncio.Event() for engine in fleet.engines}
        fleet.trouble = self.look_now

    def look_now(self, engine: EngineId) -> None:
        """Something happened there: do not wait for the next turn."""
        alarm = self._alarms.get(engine)
        if alarm is not None:
            alarm.set()

    async def first_look(self) -> None:
        """One probe of every engine, side by side."""
        await asyncio.gather(*(self.probe(engine) for engine in self._fleet.engines))

    async def watching(self) -> None:
        """Probe every engine for ever, each at its own pace."""
        await asyncio.gather(*(self._watch(engine) for engine in self._fleet.engines))

    async def probe(self, engine: EngineId) -> None:
        """Look once. Whatever is wrong is noted, not raised."""
        installation = self._fleet.installation(engine)
        before = self._fleet.engines[engine].health
        try:
            report = await installation.backend.probe(installation.http)
        except PotluckError as error:
            self._fleet.saw(engine, Seen.PROBE_MISSED, error.message)
            after = self._fleet.engines[engine].health
            if after is not before:
                log.warning(
                    "engine is not well", engine=engine, state=after.value, why=error.message, detail=error.detail
                )
            return
        self._fleet.reported(engine, report)
        if before is not self._fleet.engines[engine].health:
            log.info("engine is up", engine=engine, models=len(report.models))

    async def _watch(self, engine: EngineId) -> None:
        alarm = self._alarms[engine]
        while True:
            pause_s = self._fleet.health[engine].next_probe_s - self._clock()
            try:
                async with asyncio.timeout(max(0.0, pause_s)):
                    await alarm.wait()
            except TimeoutError:
                pass
            alarm.clear()
            await self.probe(engine)
