"""Pictures asked for by any surface: let in, kept as a job, followed until they are there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, TypeAlias

from potluck.core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NodeFailed,
    NodeTimeout,
    NoRoom,
    NotFound,
    NotImplementedHere,
    OperatorError,
    PotluckError,
)
from potluck.core.jobs import ENDED, JobState, Priority
from potluck.core.names import same_model
from potluck.core.pictures.ask import PictureAsk
from potluck.gateway.picture_progress import Told
from potluck.gateway.port import Caller
from potluck.jobs.image import order_id
from potluck.jobs.image_ask import ImageJob
from potluck.storage.jobs import JobRecord
from potluck.storage.pictures import PictureFilter, PictureId, PictureRecord
from potluck.surfaces.services import Services

ROUTE = "images"
"""What a key that is limited to some models must name, to ask for a picture by any."""

_TITLE = 80
# Clocks of gateways differ a little; a picture is never older than its job by more.
_SLACK_S = 300.0
# How often it is asked where in the line a job stands.
_LOOK_S = 5.0
_MOST_PICTURES = 1000
# Of a job the first so many pictures tell where it stands: they come before all others of it.
_LOOKED_AT = 32


class Order(NamedTuple):
    """What is asked for: ``ask`` is checked. ``parent`` is the picture that it is made from."""

    ask: PictureAsk
    tags: tuple[str, ...] = ()
    parent: PictureId | None = None
    title: str = ""
    priority: Priority = Priority.NORMAL


class Place(NamedTuple):
    """How many jobs are likely to be begun before it."""

    ahead: int


News: TypeAlias = JobRecord | Place | Told | PictureRecord
Tell: TypeAlias = Callable[[News], Awaitable[None]]


def meant(services: Services, model: str) -> str:
    """The model that a name stands for: an alias's own, and none for the route, which leaves the choice to us."""
    if model == ROUTE:
        return ""
    model = next((name for alias, name in services.fleet.aliases().items() if same_model(alias, model)), model)
    return "" if model == ROUTE else model


def failure_of(job: JobRecord) -> PotluckError:
    """Why there are no pictures, as an error of the kind that it was."""
    failure = job.failure
    if job.state is JobState.CANCELLED or failure is None:
        return Conflict("The pictures were cancelled.", hint="Ask again.")
    if failure.kind in _REFUSALS:
        return BadRequest(failure.message, hint=failure.hint)
    return _FAILURES.get(failure.kind, NodeFailed)(failure.message, hint=failure.hint)


_REFUSALS = frozenset({"bad_request", "unsupported", "payload_too_large", "quota_exceeded", "conflict"})
_FAILURES: Mapping[str, Callable[..., PotluckError]] = {
    "forbidden": Forbidden,
    "not_found": NotFound,
    "model_not_found": NotFound,
    "no_room": NoRoom,
    "internal": OperatorError,
    "not_implemented": NotImplementedHere,
    "node_timeout": NodeTimeout,
}


async def submit(services: Services, caller: Caller, order: Order, idempotency: str = "") -> JobRecord:
    """1. Whether the caller may. 2. Whether there is room in its gallery. 3. Images of its day. 4. The job.

    Raises `ClientError`, `RateLimited`, `QuotaExceeded`, `QueueFull`.
    """
    asked, count = order.ask.model or ROUTE, order.ask.count
    if not caller.sees(asked):
        raise caller.model_refusal(asked)
    await services.gallery.room(caller.user)
    call, began_s = services.new_id(), services.clock()
    await services.spending.spend_images(caller, count, call)
    try:
        job = await services.jobs.submit(_job(order), caller, idempotency)
    except BaseException:
        await asyncio.shield(services.spending.give_images_back(caller, count))
        raise
    if job.created_s < began_s:  # asked for before, by the same idempotency key
        await services.spending.give_images_back(caller, count)
    return job


def _job(order: Order) -> ImageJob:
    title = order.title or " ".join(order.ask.prompt.split())[:_TITLE]
    return ImageJob(order.ask, title=title, priority=order.priority, tags=order.tags, parent=order.parent)


async def ahead(services: Services, caller: Caller, job: JobRecord) -> int | None:
    """How many are likely to be begun before the next picture of a job: jobs while it waits for a worker, pictures
    while it waits for an engine; None where nothing waits."""
    if job.state is JobState.QUEUED:
        return await services.jobs.ahead(job.id, caller)
    if job.state is JobState.RUNNING:
        standings = (services.pictures_line(order_id(job.id, index)) for index in range(min(job.total, _LOOKED_AT)))
        return min((each.position - 1 for each in standings if each is not None), default=None)
    return None


async def cancel(services: Services, caller: Caller, job: str) -> JobRecord:
    """Any job. Raises `NotFound`. Pictures that waited and are not made any more count for nothing."""
    before = await services.jobs.get(job, caller)
    after = await services.jobs.cancel(job, caller)
    if before.kind == "image" and before.state not in ENDED and not before.cancelling:
        await services.spending.give_images_back(caller, after.total - after.done)
    return after


async def pictures_of(services: Services, job: JobRecord) -> list[PictureRecord]:
    """Those that are there, in the order in which they were asked for."""
    where = PictureFilter(job=job.id, since_s=job.created_s - _SLACK_S)
    page = await services.gallery.list(job.user, where, limit=_MOST_PICTURES, oldest_first=True)
    return sorted(page.pictures, key=index_of)


def index_of(picture: PictureRecord) -> int:
    """Its place in its job, which its id ends with."""
    last = picture.id.rpartition("-")[2]
    return int(last) if last.isdecimal() else 0


async def watch(services: Services, caller: Caller, job: JobRecord, tell: Tell) -> JobRecord:
    """Tell all that happens to a job until it has ended, beginning with how it stands; how it ended.

    Of what happens fast only the newest is told. A picture is told once it is in the gallery.
    """
    standing = _Standing(services, tell)
    await standing.told(job)
    if job.state in ENDED:
        return job
    async with beside(_drawing(services, job, tell)), beside(_waiting(services, caller, job, tell)):
        # One event and the next may tell of the same moment: how it is now is asked.
        async for _ in services.jobs.follow(job.id, caller, job.last_event):
            now = await services.jobs.get(job.id, caller)
            await standing.told(now)
            if now.state in ENDED:
                return now
    return await services.jobs.get(job.id, caller)


@asynccontextmanager
async def beside(other: Coroutine[None, None, None]) -> AsyncGenerator[None, None]:
    """Run ``other``, which never fails, as long as the block. What the block raises is raised as it is."""
    failed: PotluckError | None = None
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(other)
        try:
            yield
        except PotluckError as error:
            failed = error
        finally:
            task.cancel()
    if failed is not None:
        raise failed


class _Standing:
    """Tells how a job stands, and each of its pictures once."""

    def __init__(self, services: Services, tell: Tell) -> None:
        self._services = services
        self._tell = tell
        self._shown: set[PictureId] = set()
        self._done = 0

    async def told(self, job: JobRecord) -> None:
        if job.done != self._done:
            self._done = job.done
            for picture in await pictures_of(self._services, job):
                if picture.id not in self._shown:
                    self._shown.add(picture.id)
                    await self._tell(picture)
        await self._tell(job)


async def _drawing(services: Services, job: JobRecord, tell: Tell) -> None:
    async for told in services.progress.follow(job.id):
        await tell(told)


async def _waiting(services: Services, caller: Caller, job: JobRecord, tell: Tell) -> None:
    """A database that is away says so to who follows the job itself."""
    last: int | None = None
    with suppress(PotluckError):
        while True:
            now = await ahead(services, caller, await services.jobs.get(job.id, caller))
            if now is not None and now != last:
                await tell(Place(now))
            last = now
            await asyncio.sleep(_LOOK_S)
