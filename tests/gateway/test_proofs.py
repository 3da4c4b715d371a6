"""An engine shows once that it goes on with a model's answer; then it is known, also after a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from potluck.backends.port import HttpReply, Report
from potluck.core.errors import NodeUnreachable, OperatorError
from potluck.core.health import Seen
from potluck.core.model import EngineId, EngineKind, Model, ModelId, NodeId
from potluck.core.rescue import Way
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.proofs import NAME, Proofs
from potluck.gateway.tasks import Tasks
from tests.gateway.world import DONE, ROLE, STOP, MemorySettings, OpenAiLike, text

pytestmark = pytest.mark.asyncio

MODEL = Model(ModelId("m"), digest="d1")
COUNT = ["one", ", two", ", three", ", four", ", five", ", six"]


def stream(pieces: list[str]) -> bytes:
    return b"".join([ROLE, *map(text, pieces), STOP, DONE])


class Engine:
    """Counts, or answers a message of the assistant's with ``rest``."""

    def __init__(self, rest: Callable[[str], list[str]]) -> None:
        self.rest = rest
        self.asked = 0
        self.status = 200
        self.lost = False

    async def request(self, method: str, path: str, body: bytes | None = None, *, timeout_s: float = 10.0) -> HttpReply:
        self.asked += 1
        await asyncio.sleep(0)
        if self.lost:
            raise NodeUnreachable("gone")
        messages = json.loads(body or b"")["messages"]
        said = messages[-1]["content"] if messages[-1]["role"] == "assistant" else None
        return HttpReply(self.status, stream(COUNT if said is None else self.rest(said)))

    def stream(self, *_: object, **__: object) -> Any:
        raise AssertionError


def goes_on(said: str) -> list[str]:
    return ["".join(COUNT).removeprefix(said)]


class Lab:
    def __init__(self, engine: Engine, settings: MemorySettings, tasks: Tasks, version: str = "1") -> None:
        self.installation = Installation(EngineId("n/openai"), NodeId("n"), EngineKind.OPENAI, OpenAiLike(1), engine, 1)
        fleet = Fleet([self.installation], {}, clock=lambda: 0.0, interval_s=30.0)
        fleet.reported(self.installation.id, Report((MODEL,), version=version))
        fleet.saw(self.installation.id, Seen.PROBE_OK, "up")
        self.proofs = Proofs(settings, fleet, tasks, lambda: 7.0)

    async def proved(self, way: Way = Way.FINAL, model: Model = MODEL) -> bool:
        return await self.proofs.proved(self.installation, model, way)

    def known(self, way: Way = Way.FINAL, model: Model = MODEL) -> bool | None:
        return self.proofs.known(self.installation, model, way)


async def test_an_engine_that_goes_on_is_asked_once() -> None:
    engine, settings = Engine(goes_on), MemorySettings()
    async with Tasks() as tasks:
        lab = Lab(engine, settings, tasks)
        assert lab.known() is None
        assert await asyncio.gather(lab.proved(), lab.proved()) == [True, True]
        assert await lab.proved()
        assert (engine.asked, lab.known()) == (2, True)
        assert lab.known(Way.PREFILL) is None
        assert lab.known(model=replace(MODEL, digest="d2")) is None


@pytest.mark.parametrize(
    "rest", [lambda said: COUNT, lambda said: ["Sure! Four, five"], lambda said: ["four, five, six"], lambda said: []]
)
async def test_one_that_begins_anew_or_drops_a_space_is_known_not_to(rest: Callable[[str], list[str]]) -> None:
    async with Tasks() as tasks:
        lab = Lab(Engine(rest), MemorySettings(), tasks)
        assert not await lab.proved()
        assert lab.known() is False


async def test_what_is_known_outlives_a_restart_but_not_a_new_version() -> None:
    engine, settings = Engine(goes_on), MemorySettings()
    async with Tasks() as tasks:
        await Lab(engine, settings, tasks).proved()
    async with Tasks() as tasks:
        again = Lab(engine, settings, tasks)
        await again.proofs.restore()
        assert again.known() is True
        newer = Lab(engine, settings, tasks, version="2")
        await newer.proofs.restore()
        assert newer.known() is None


async def test_an_engine_that_fails_has_proved_nothing() -> None:
    engine, settings = Engine(goes_on), MemorySettings()
    async with Tasks() as tasks:
        lab = Lab(engine, settings, tasks)
        engine.status = 500
        assert not await lab.proved()
        engine.status, engine.lost = 200, True
        assert not await lab.proved()
        engine.lost = False
        assert lab.known() is None
        assert await lab.proved()


async def test_an_engine_that_fails_has_proved_nothing_of_another_machines() -> None:
    """Both are of one kind, and one is asked for both: until it fails."""
    broken, settings = Engine(goes_on), MemorySettings()
    broken.lost = True
    async with Tasks() as tasks:
        lab = Lab(broken, settings, tasks)
        well = Installation(EngineId("o/openai"), NodeId("o"), EngineKind.OPENAI, OpenAiLike(1), Engine(goes_on), 1)
        asked = asyncio.gather(lab.proved(), lab.proofs.proved(well, MODEL, Way.FINAL))
        assert await asked == [False, True]


async def test_kept_nonsense_is_proved_anew_and_a_database_that_is_away_costs_only_that() -> None:
    engine, settings = Engine(goes_on), MemorySettings()
    settings.values[NAME] = [1, 2]

    async def away(name: str, value: Any, now: float) -> None:
        raise OperatorError("away")

    async with Tasks() as tasks:
        lab = Lab(engine, settings, tasks)
        await lab.proofs.restore()
        settings.set = away  # type: ignore[method-assign]
        assert await lab.proved()
        assert lab.known() is True
