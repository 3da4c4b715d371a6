"""A house that draws: fake image engines behind the real fleet, studio, jobs and gallery."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.port import Address
from potluck.backends.table import BACKENDS
from potluck.core.errors import PotluckError
from potluck.core.jobs import ENDED
from potluck.core.model import EngineId, EngineKind, NodeId
from potluck.core.pictures.ask import PictureAsk
from potluck.core.pictures.outcome import Progress
from potluck.core.scheduling.scheduler import Scheduler
from potluck.gateway.dispatch import Dispatcher
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.picture_progress import Progresses
from potluck.gateway.port import Caller
from potluck.gateway.studio import Studio
from potluck.gateway.tasks import Tasks
from potluck.gateway.watch import Watch
from potluck.jobs.image_ask import ImageJob
from potluck.jobs.jobs import Jobs
from potluck.jobs.kinds import KINDS
from potluck.jobs.port import Pictures, Tools
from potluck.jobs.runner import Limits, Runner
from potluck.storage.jobs import JobFailure, JobRecord
from potluck.storage.pictures import PictureFilter, PictureRecord
from potluck.storage.records import RequestRecord
from potluck.storage.shared.memory import MemoryBus, MemoryJobSpread
from potluck.surfaces.v1.errors import failure_of
from potluck.wire.prompts.styles import Style
from potluck_fake_engine.testing import FakeEngine, running
from tests.pictures import Shop, shop
from tests.surfaces.v1.world import ANNA, BERT, FakeCalls, says

STYLES = {"film": Style("film", "photo of {prompt}, 35mm", "drawing")}


@dataclass
class House:
    """``fakes`` by their nodes' names; ``progress`` is what was told of pictures on their way, by job."""

    shop: Shop
    fakes: dict[str, FakeEngine]
    fleet: Fleet
    watch: Watch
    studio: Studio
    jobs: Jobs
    runner: Runner
    spread: MemoryJobSpread
    told: list[tuple[str, Progress, str]] = field(default_factory=list[tuple[str, Progress, str]])
    again: Callable[[], Runner] = lambda: None  # type: ignore[assignment, return-value]
    counted: list[RequestRecord] = field(default_factory=list[RequestRecord])
    given_back: list[tuple[Caller, int]] = field(default_factory=list[tuple[Caller, int]])

    async def look(self) -> None:
        for engine in self.fleet.installations:
            await self.watch.probe(engine)

    async def submit(self, ask: PictureAsk, caller: Caller = ANNA, **more: Any) -> JobRecord:
        return await self.jobs.submit(ImageJob(ask, **more), caller)

    async def ended(self, job: JobRecord, caller: Caller = ANNA) -> JobRecord:
        async with asyncio.timeout(30):
            async for event in self.jobs.follow(job.id, caller):
                if event.name in ("done", "failed", "cancelled"):
                    break
        return await self.jobs.get(job.id, caller)

    async def ended_in_the_end(self, job: JobRecord) -> JobRecord:
        """However many tries it takes: pauses between them are over at once."""
        async with asyncio.timeout(60):
            while (now := await self.jobs.get(job.id, ANNA)).state not in ENDED:
                self.shop.now[0] += 30.0
                self.runner.wake()
                await self.look()
                await asyncio.sleep(0.05)
        return now

    async def pictures(self, job: JobRecord, caller: Caller = ANNA) -> Sequence[PictureRecord]:
        found = await self.shop.gallery.list(caller.user, PictureFilter(job=job.id), limit=100, oldest_first=True)
        return sorted(found.pictures, key=lambda each: int(each.id.rpartition("-")[2]))


class _Heard(Progresses):
    def __init__(self, told: list[tuple[str, Progress, str]]) -> None:
        super().__init__()
        self._told = told

    def tell(self, job: str, progress: Progress, node: str = "") -> None:
        self._told.append((job, progress, node))
        super().tell(job, progress, node)


@asynccontextmanager
async def house(
    tmp_path: Path, engines: Mapping[str, tuple[str, Sequence[str]]], *, begun: bool = True, **settings: Any
) -> AsyncIterator[House]:
    """``engines`` are kinds and models by nodes' names; ``settings`` the fakes' and, of the studio, its own."""
    of_studio = {key: settings.pop(key) for key in ("order", "puts_out", "insists") if key in settings}
    memory: Mapping[str, int] = settings.pop("node_memory", {})
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(shop(tmp_path))
        session = await stack.enter_async_context(open_engine_session())
        tasks = await stack.enter_async_context(Tasks())
        fakes = {
            name: await stack.enter_async_context(running(*models, dialect=kind, **settings))
            for name, (kind, models) in engines.items()
        }
        fleet = Fleet(
            [_installed(name, engines[name][0], fake, session, memory.get(name)) for name, fake in fakes.items()],
            {},
            clock=time.monotonic,
            interval_s=30.0,
        )
        dispatcher = Dispatcher(fleet, Scheduler(), time.monotonic, tasks.spawn)
        watch = Watch(fleet, time.monotonic, tasks)
        studio = Studio(fleet, dispatcher, time.monotonic, **of_studio)
        told: list[tuple[str, Progress, str]] = []
        bus, spread, ids = MemoryBus(), MemoryJobSpread(), itertools.count(1)
        callers = {each.key: each for each in (ANNA, BERT)}
        counted, given_back = list[RequestRecord](), list[tuple[Caller, int]]()

        async def give_back(caller: Caller, images: int) -> None:
            given_back.append((caller, images))

        tools = Tools(
            FakeCalls(lambda call: says("Hello")),
            opened.gallery,
            _Heard(told),
            callers.get,
            _words,
            Pictures(studio, STYLES, {"colour": ("red",)}),
            counted.append,
            give_back,
        )

        def worker() -> Runner:
            return Runner(
                opened.storage.jobs,
                bus,
                spread,
                KINDS,
                tools,
                tasks,
                Limits(),
                worker=f"w{next(ids)}",
                sole=True,
                clock=time.monotonic,
                wall_clock=lambda: opened.now[0],
                chance=lambda: 0.5,
            )

        runner = worker()
        jobs = Jobs(
            opened.storage.jobs,
            bus,
            spread,
            KINDS,
            most_unfinished=1000,
            clock=lambda: opened.now[0],
            new_id=lambda: f"job{next(ids)}",
            wake=lambda: made.runner.wake(),
        )
        made = House(opened, fakes, fleet, watch, studio, jobs, runner, spread, told, worker, counted, given_back)
        await made.look()
        if begun:
            runner.begin()
        yield made
        await made.runner.stop(2.0)


def _installed(name: str, kind: str, fake: FakeEngine, session: Any, memory: int | None) -> Installation:
    address = Address(fake.host, fake.port)
    made = BACKENDS[EngineKind(kind)](EngineSettings(address))
    http = AiohttpEngine(session, address, node=name)
    id_ = EngineId(f"{name}/{kind}:{fake.port}")
    return Installation(
        id_, NodeId(name), EngineKind(kind), made.backend, http, images=made.images, memory_bytes=memory
    )


def _words(error: PotluckError) -> JobFailure:
    told = failure_of(error)
    return JobFailure(told.kind, told.message, told.hint)
