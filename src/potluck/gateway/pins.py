"""Models that stay in memory: kept in the settings, and loaded again wherever they do not stay by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import structlog

from potluck.core.errors import PotluckError
from potluck.core.model import EngineId, ModelId
from potluck.core.names import same_model
from potluck.core.pinning import Pin, lapsed
from potluck.gateway.fleet import Fleet
from potluck.gateway.tasks import Tasks
from potluck.storage.ports import SettingsStore

log = structlog.get_logger(__name__)

SETTING = "pins"

FOREVER_S = -1.0
"""``keep_s`` of a pinned model."""


class _Kept(msgspec.Struct):
    engine: str
    model: str


class Pins:
    """Owns the set of pins. A change is written before it holds. ``clock`` is Unix seconds."""

    def __init__(self, store: SettingsStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._pins: frozenset[Pin] = frozenset()

    async def read(self) -> None:
        """Take what is stored. What cannot be read is no pin."""
        try:
            kept = msgspec.convert(await self._store.get(SETTING) or [], list[_Kept])
        except msgspec.ValidationError:
            log.warning("the pinned models cannot be read", setting=SETTING)
            return
        self._pins = frozenset(Pin(EngineId(each.engine), ModelId(each.model)) for each in kept)

    def all(self) -> frozenset[Pin]:
        return self._pins

    def of(self, engine: EngineId, model: ModelId) -> frozenset[Pin]:
        """The pins that mean this model on this engine: none or one, as a rule."""
        return frozenset(pin for pin in self._pins if pin.engine == engine and same_model(pin.model, model))

    async def add(self, pin: Pin) -> None:
        await self._write((self._pins - self.of(pin.engine, pin.model)) | {pin})

    async def drop(self, engine: EngineId, model: ModelId) -> bool:
        """Whether there was one."""
        gone = self.of(engine, model)
        if gone:
            await self._write(self._pins - gone)
        return bool(gone)

    async def _write(self, pins: frozenset[Pin]) -> None:
        await self._store.set(
            SETTING, [{"engine": pin.engine, "model": pin.model} for pin in sorted(pins)], self._clock()
        )
        self._pins = pins


class Pinning:
    """Loads pinned models that are not in memory, after each look at an engine: at the start, and when it came back.

    ``restore`` loads one with regard to what else its node's memory holds. One that is there, but not for good, is told
    to stay, which takes no memory.
    """

    def __init__(self, pins: Pins, fleet: Fleet, tasks: Tasks, restore: Callable[[EngineId, ModelId], None]) -> None:
        self._pins = pins
        self._fleet = fleet
        self._tasks = tasks
        self._restore = restore
        self._loading: set[tuple[EngineId, ModelId]] = set()
        fleet.looked = self.looked

    def looked(self, engine: EngineId) -> None:
        seen = self._fleet.engines[engine]
        for model in lapsed(self._pins.all(), replace(seen, busy=self._fleet.busy[engine])):
            if not seen.models[model].resident:
                self._restore(engine, model)
            elif (engine, model) not in self._loading:
                self._loading.add((engine, model))
                self._tasks.spawn(self._keep(engine, model), f"pin {model} on {engine}")

    async def _keep(self, engine: EngineId, model: ModelId) -> None:
        """A failure is told and left to the next look: the owner wants the model there, not an end of trying."""
        try:
            installation = self._fleet.installations.get(engine)
            if installation is not None and installation.keeper is not None:
                await installation.keeper.load(model, installation.http, keep_s=FOREVER_S)
                log.info("pinned model stays in memory again", model=model, engine=engine)
        except PotluckError as error:
            log.warning("pinned model could not be told to stay", model=model, engine=engine, why=error.message)
        finally:
            self._loading.discard((engine, model))
