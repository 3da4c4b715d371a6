"""When engines are looked at, and what of that counts. The loop's clock is real but nothing waits for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from potluck.backends.port import Report
from potluck.core.errors import NodeTimeout
from potluck.core.health import Seen
from potluck.core.model import EngineId, EngineKind, Health, Model, ModelId, NodeId
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.tasks import Tasks
from potluck.gateway.watch import Watch
from tests.gateway.world import until

A = EngineId("a")


class Backend:
    """Answers probes, or misses them; counts them."""

    def __init__(self) -> None:
        self.probes = 0
        self.misses = False

    async def probe(self, http: object) -> Report:
        self.probes += 1
        if self.misses:
            raise NodeTimeout("The engine did not answer in time.")
        return Report((Model(ModelId("m"), resident=True),))


class Watched:
    def __init__(self, tasks: Tasks) -> None:
        self.backend: Any = Backend()
        self.now = self.heard_s = 0.0
        installation = Installation(A, NodeId("n"), EngineKind.OPENAI, self.backend, None)  # type: ignore[arg-type]
        self.fleet = Fleet([installation], {}, clock=lambda: self.now, interval_s=30)
        self.watch = Watch(self.fleet, lambda: self.now, tasks, lambda engine: self.heard_s)

    @property
    def health(self) -> Health:
        return self.fleet.engines[A].health


@asynccontextmanager
async def watched() -> AsyncIterator[Watched]:
    async with Tasks() as tasks:
        yield Watched(tasks)


async def test_a_missed_probe_counts_unless_answers_came_meanwhile() -> None:
    async with watched() as w:
        await w.watch.probe(A)
        w.backend.misses, w.now, w.heard_s = True, 0.5, 1.0
        await w.watch.probe(A)
        assert (w.health, w.fleet.engines[A].why) == (Health.UP, "answers calls, but missed a probe")
        w.now = 2.0  # what came before the probe is no sign of life
        await w.watch.probe(A)
        assert w.health is Health.SUSPECT


async def test_a_failed_call_brings_the_next_look_at_once_and_a_hundred_bring_one() -> None:
    async with watched() as w:
        w.watch.begin()
        await until(lambda: w.backend.probes == 1)
        for _ in range(100):
            w.fleet.saw(A, Seen.CALL_FAILED, "it broke off")
        await until(lambda: w.backend.probes == 2)
        for _ in range(100):
            w.fleet.saw(A, Seen.CALL_FAILED, "it broke off")
        await asyncio.sleep(0)
        assert (w.backend.probes, w.health) == (2, Health.SUSPECT)


async def test_whoever_asks_for_a_look_now_gets_one() -> None:
    async with watched() as w:
        w.watch.begin()
        await until(lambda: w.backend.probes == 1)
        w.fleet.look_now(A)
        await until(lambda: w.backend.probes == 2)
        w.fleet.look_now(EngineId("nobody"))


async def test_an_engine_that_left_is_looked_at_no_more() -> None:
    async with Tasks() as tasks:
        w = Watched(tasks)
        w.watch.begin()
        await until(lambda: w.backend.probes == 1)
        w.fleet.reconfigure([], {})
        w.watch.begin()
        await until(lambda: not len(tasks))
        assert w.backend.probes == 1
