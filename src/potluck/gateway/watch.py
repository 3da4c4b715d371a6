"""Looks at every engine now and then, and sooner after trouble. `Fleet` keeps what was seen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable

import structlog

from potluck.core.errors import NodeBusy, PotluckError
from potluck.core.health import Seen
from potluck.core.model import Engine, EngineId, Health
from potluck.gateway.fleet import Fleet
from potluck.gateway.tasks import Tasks

log = structlog.get_logger(__name__)


class Watch:
    """Probes the engines of a fleet, each in a task of its own. ``clock`` is the fleet's; ``heard`` tells when a byte
    of a call's answer last came from an engine.
    """

    def __init__(
        self,
        fleet: Fleet,
        clock: Callable[[], float],
        tasks: Tasks,
        heard: Callable[[EngineId], float] = lambda engine: float("-inf"),
    ) -> None:
        self._fleet = fleet
        self._clock = clock
        self._tasks = tasks
        self._heard = heard
        self._alarms: dict[EngineId, asyncio.Event] = {}
        self._at_once: set[EngineId] = set()
        self._looks: dict[EngineId, asyncio.Task[None]] = {}
        fleet.look_sooner = self._wake
        fleet.look_now = self.look_now

    def look_now(self, engine: EngineId) -> None:
        """Something happened there: do not wait for the next turn."""
        if engine in self._alarms:
            self._at_once.add(engine)
            self._wake(engine)

    def _wake(self, engine: EngineId) -> None:
        """The next turn may come before it was to come."""
        alarm = self._alarms.get(engine)
        if alarm is not None:
            alarm.set()

    def begin(self) -> None:
        """Watch every engine that is not watched yet; those that are gone are let go."""
        for engine in self._fleet.engines.keys() - self._alarms.keys():
            self._alarms[engine] = asyncio.Event()
            self._tasks.spawn(self._watch(engine), f"watch {engine}")
        for engine in self._alarms.keys() - self._fleet.engines.keys():
            self._alarms.pop(engine).set()

    async def probe(self, engine: EngineId) -> None:
        """Look once. Whatever is wrong is noted, not raised."""
        installation = self._fleet.installation(engine)
        before = self._fleet.engines[engine].health
        began_s = self._clock()
        try:
            report = await installation.backend.probe(installation.http)
        except PotluckError as error:
            if isinstance(error, NodeBusy) and error.loading:
                self._fleet.saw(engine, Seen.LOADING, error.message)
            elif self._heard(engine) > began_s:  # too busy with answers to list its models
                self._fleet.saw(engine, Seen.BYTES, "answers calls, but missed a probe")
            else:
                self._fleet.saw(engine, Seen.PROBE_MISSED, error.message)
            _tell(before, self._fleet.engines.get(engine), error)
        else:
            self._fleet.reported(engine, report)
            _tell(before, self._fleet.engines.get(engine), None)

    async def look(self, engines: Iterable[EngineId], within_s: float) -> None:
        """Look at these now, together with whoever wants to know the same; who does not answer ``within_s`` is as it
        was."""
        looks = [self._looks.get(engine) or self._begin_look(engine) for engine in engines]
        await asyncio.wait(looks, timeout=within_s)

    def _begin_look(self, engine: EngineId) -> asyncio.Task[None]:
        look = self._looks[engine] = self._tasks.spawn(self.probe(engine), f"last look at {engine}")
        look.add_done_callback(lambda _: self._looks.pop(engine, None))
        return look

    async def _watch(self, engine: EngineId) -> None:
        alarm = self._alarms[engine]
        while engine in self._fleet.engines:
            pause_s = self._fleet.health[engine].next_probe_s - self._clock()
            if pause_s > 0 and engine not in self._at_once:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await alarm.wait()
                alarm.clear()
                continue
            self._at_once.discard(engine)
            await self.probe(engine)


def _tell(before: Health, engine: Engine | None, error: PotluckError | None) -> None:
    """One line when an engine's state changes."""
    if engine is None or engine.health is before:
        return
    if error is None:
        log.info("engine is well", engine=engine.id, state=engine.health.value, models=len(engine.models))
    else:
        log.warning(
            "engine is not well", engine=engine.id, state=engine.health.value, why=error.message, detail=error.detail
        )
