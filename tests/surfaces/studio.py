"""Pictures made on request over a real database, real jobs and a real folder; only who draws them is a test's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from potluck.core.errors import PotluckError
from potluck.core.pictures.ask import PictureAsk
from potluck.core.pictures.outcome import Progress
from potluck.gateway.gallery import NewPicture
from potluck.gateway.port import Caller
from potluck.gateway.tasks import Tasks
from potluck.jobs.image_ask import ImageJob
from potluck.jobs.jobs import Jobs
from potluck.jobs.port import Kind, Prepared, Tools, Work
from potluck.jobs.runner import Limits, Runner
from potluck.storage.jobs import JobFailure, Part
from potluck.storage.pictures import PictureId
from potluck.storage.shared.memory import MemoryJobSpread
from potluck.surfaces.v1.errors import failure_of
from tests.pictures import Shop, image, shop
from tests.surfaces.v1.world import ANNA, BERT, World

PREVIEW = image(32, 32, 7, "jpeg")


@dataclass
class Painter:
    """Draws a plain square for each picture of a job, as large as it was asked for. ``before`` is waited for with each;
    it may raise. ``drawn`` is what came."""

    drawn: list[PictureAsk] = field(default_factory=list[PictureAsk])
    before: Callable[[int], Any] | None = None

    def prepare(self, asked: ImageJob, caller: Caller) -> Prepared:
        request = msgspec.json.encode(asked).decode()
        return Prepared(request, asked.ask.count, asked.title, asked.priority)

    async def run(self, work: Work, tools: Tools) -> None:
        asked = msgspec.json.decode(work.request, type=ImageJob)
        ask, job = asked.ask, work.record
        self.drawn.append(ask)
        for index in range(ask.count):
            if index in work.kept:
                continue
            for step in (5, 10, 15):
                tools.progress.tell(job.id, Progress(step, 20, index, 2.0, preview=PREVIEW), "orin0")
                await asyncio.sleep(0.001)
            if self.before is not None:
                await self.before(index)
            await tools.gallery.keep(
                NewPicture(
                    PictureId(f"{job.id}-{index}"),
                    job.user,
                    image(ask.width or 64, ask.height or 64, index),
                    job=job.id,
                    task=ask.task.value,
                    prompt=ask.prompt,
                    parameters=msgspec.json.encode(ask).decode(),
                    model="sdxl",
                    node="orin0",
                    seconds=3.0,
                    seed=index,
                    tags=asked.tags,
                    parent=asked.parent,
                )
            )
            await work.keep(Part(index, "{}"))
        tools.progress.ended(job.id)


@dataclass
class Studio:
    """``begin`` lets jobs be worked at; before, they wait."""

    world: World
    shop: Shop
    painter: Painter
    begin: Callable[[], None]


def words(error: PotluckError) -> JobFailure:
    told = failure_of(error)
    return JobFailure(told.kind, told.message, told.hint)


@asynccontextmanager
async def studio(tmp_path: Path, *, begun: bool = True) -> AsyncIterator[Studio]:
    async with shop(tmp_path) as opened, Tasks() as tasks:
        world = World(storage=opened.storage, gallery=opened.gallery, files=opened.files)
        opened.now[0] = world.now
        painter, spread = Painter(), MemoryJobSpread()
        kinds = {"image": Kind(ImageJob, painter.prepare, painter.run)}
        callers = {each.key: each for each in (ANNA, BERT)}
        runner = Runner(
            opened.storage.jobs,
            world.bus,
            spread,
            kinds,
            Tools(world.calls, opened.gallery, world.progress, callers.get, words),
            tasks,
            Limits(),
            worker="w",
            sole=True,
            clock=time.monotonic,
            wall_clock=world._tick,
            chance=lambda: 0.5,
        )
        services = world.app.state.services
        jobs = Jobs(
            opened.storage.jobs,
            world.bus,
            spread,
            kinds,
            most_unfinished=9,
            clock=world._tick,
            new_id=services.new_id,
            wake=runner.wake,
        )
        world.app.state.services = replace(services, jobs=jobs)
        if begun:
            runner.begin()
        yield Studio(world, opened, painter, runner.begin)
