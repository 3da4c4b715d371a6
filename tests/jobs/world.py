"""A runner on a real database, with kinds and calls that a test scripts."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from potluck.core.errors import PotluckError
from potluck.gateway.picture_progress import Progresses
from potluck.gateway.tasks import Tasks
from potluck.jobs.jobs import Jobs
from potluck.jobs.port import Kind, Prepared, Tools, Work
from potluck.jobs.runner import Limits, Runner
from potluck.storage.jobs import JobFailure, JobRecord, JobStore
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.shared.memory import MemoryBus, MemoryJobSpread
from potluck.storage.shared_ports import Bus
from tests.surfaces.v1.world import ANNA, FakeCalls, says

Run = Callable[[Work, Tools], Awaitable[None]]


class Sums(msgspec.Struct, tag_field="kind", tag="sums"):
    """Work of a test's own, of so many parts."""

    parts: int = 1


async def nothing(work: Work, tools: Tools) -> None:
    """Done at once."""


def words(error: PotluckError) -> JobFailure:
    return JobFailure(type(error).__name__, error.message, error.hint)


@dataclass
class Gateway:
    """One gateway's half: ``run`` is what its kind does. Its clock stands until a test moves it."""

    store: JobStore
    bus: Bus
    spread: MemoryJobSpread
    tasks: Tasks
    run: Run = nothing
    name: str = "one"
    at_once: int = 2
    calls: FakeCalls = field(default_factory=lambda: FakeCalls(lambda call: says("Hello")))
    now: float = 1000.0
    wall: float = 5000.0
    known: bool = True
    sole: bool = False
    leads: bool = True
    gallery: Any = None

    def __post_init__(self) -> None:
        async def run(work: Work, tools: Tools) -> None:
            await self.run(work, tools)

        ids = itertools.count(1)
        kinds = {"sums": Kind(Sums, lambda asked, caller: Prepared("[]", asked.parts), run)}
        self.tools = Tools(self.calls, self.gallery, Progresses(), lambda key: ANNA if self.known else None, words)
        self.runner = Runner(
            self.store,
            self.bus,
            self.spread,
            kinds,
            self.tools,
            self.tasks,
            Limits(self.at_once),
            worker=self.name,
            sole=self.sole,
            leads=lambda: self.leads,
            clock=lambda: self.now,
            wall_clock=lambda: self.wall,
            chance=lambda: 1.0,
        )
        self.jobs = Jobs(
            self.store,
            self.bus,
            self.spread,
            kinds,
            most_unfinished=9,
            clock=lambda: self.wall,
            new_id=lambda: f"{self.name}{next(ids)}",
            wake=self.runner.wake,
        )

    async def submit(self, parts: int = 1) -> JobRecord:
        return await self.jobs.submit(Sums(parts), ANNA)

    async def get(self, job: JobRecord) -> JobRecord:
        return await self.jobs.get(job.id, ANNA)

    async def names(self, job: JobRecord) -> list[str]:
        return [each.name for each in await self.store.events(job.id, ANNA.user)]

    async def until(self, job: JobRecord, *names: str) -> JobRecord:
        """Wait for an event."""
        async with asyncio.timeout(20):
            async for event in self.jobs.follow(job.id, ANNA):
                if event.name in names:
                    break
        return await self.get(job)


@asynccontextmanager
async def gateways(folder: Path, *runs: Run, **more: object) -> AsyncIterator[list[Gateway]]:
    """As many gateways on one database; none has begun."""
    async with open_storage(sqlite_url(folder / "potluck.db"), clock=time.monotonic) as storage, Tasks() as tasks:
        bus = MemoryBus()
        yield [
            Gateway(storage.jobs, bus, MemoryJobSpread(), tasks, run, f"g{number}", **more)  # type: ignore[arg-type]
            for number, run in enumerate(runs)
        ]
