"""``/api/v1/jobs``: work that is done in the background, the caller's own; another's is not there."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from starlette.datastructures import QueryParams

from potluck.core.errors import BadRequest
from potluck.core.jobs import ENDED, JobState
from potluck.jobs.kinds import OPEN, Asked, Told
from potluck.storage.jobs import STORE_EVENTS, JobEvent, JobFailure, JobRecord, JobStanding
from potluck.surfaces import picture_orders as orders
from potluck.surfaces.v1.chat_shapes import EventQuery
from potluck.surfaces.v1.endpoint import Action
from potluck.surfaces.v1.exchange import Events, Exchange, Reply, Result, Stream
from potluck.surfaces.v1.generations import after_of
from potluck.surfaces.v1.idempotency import idempotency_key
from potluck.surfaces.v1.shapes import rfc3339
from potluck.wire.body import decode_body

State = Literal["queued", "running", "done", "failed", "cancelled"]


class JobQuery(msgspec.Struct):
    """Newest first; ``before`` is the id of the last job of the page before this one."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100
    before: str = ""
    state: State | None = None


class ResultQuery(msgspec.Struct):
    """Parts above number ``after``, by number."""

    after: Annotated[int, msgspec.Meta(ge=-1, le=1_000_000)] = -1
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1000


class JobError(msgspec.Struct):
    """What went wrong last; ``type`` is stable and for programs."""

    type: str
    message: str
    hint: str


class JobProgress(msgspec.Struct):
    """How a job stands: ``done`` of ``total`` parts of its result are kept, ``failures`` tries have failed, and
    ``again_at`` is when the next one is made."""

    state: State
    done: int
    total: int
    failures: int = 0
    again_at: str | None = None
    error: JobError | None = None


class JobInfo(JobProgress, kw_only=True):
    """``cancelling``: it is to end, and its worker has not heard yet. ``last_event`` is the number of the last one."""

    id: str
    kind: str
    title: str
    priority: Literal["high", "normal", "low"]
    created_at: str
    started_at: str | None
    ended_at: str | None
    cancelling: bool
    last_event: int


class JobList(msgspec.Struct):
    """``next`` is ``before`` for the following page, null on the last one."""

    jobs: list[JobInfo]
    next: str | None = None


class JobResult(msgspec.Struct):
    """What is there of the result, also while the job runs. ``next`` is ``after`` for what follows, null if that is all
    there is now."""

    id: str
    state: State
    done: int
    total: int
    parts: list[Told]
    next: int | None = None


class _Which(msgspec.Struct):
    kind: str


async def _create_job(exchange: Exchange, body: bytes, _: QueryParams) -> Reply:
    """1. What kind it is. 2. What that kind asks for. 3. Keep it."""
    which = decode_body(body, _Which).kind
    kind = OPEN.get(which)
    if kind is None:
        hint = f"There is {', '.join(OPEN)}; pictures are made by POST /api/v1/image/generate."
        raise BadRequest(f"There is no kind of job named '{which[:50]}' here.", param="kind", hint=hint)
    asked = decode_body(body, kind.asked)
    job = await exchange.services.jobs.submit(asked, exchange.caller, idempotency_key(exchange))
    return Reply(job_info(job), {"location": f"/api/v1/jobs/{job.id}"})


create_job = Action(_create_job, body=Asked)
"""Read by hand: which fields there are depends on the kind."""


async def list_jobs(exchange: Exchange, query: JobQuery) -> Reply:
    state = JobState(query.state) if query.state is not None else None
    jobs = exchange.services.jobs
    found = await jobs.list(exchange.caller, limit=query.limit + 1, before=query.before, state=state)
    page, more = found[: query.limit], len(found) > query.limit
    return Reply(JobList([job_info(job) for job in page], page[-1].id if more else None))


async def read_job(exchange: Exchange) -> Reply:
    return Reply(job_info(await exchange.services.jobs.get(exchange.path["job"], exchange.caller)))


async def read_result(exchange: Exchange, query: ResultQuery) -> Reply:
    jobs, caller, asked = exchange.services.jobs, exchange.caller, exchange.path["job"]
    job = await jobs.get(asked, caller)
    found = await jobs.parts(asked, caller, after=query.after, limit=query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    parts = [_told.decode(part.content) for part in page]
    return Reply(JobResult(job.id, job.state.value, job.done, job.total, parts, page[-1].number if more else None))


async def cancel_job(exchange: Exchange) -> Reply:
    return Reply(job_info(await orders.cancel(exchange.services, exchange.caller, exchange.path["job"])))


async def read_job_events(exchange: Exchange, query: EventQuery) -> Result:
    """204 is for browsers, as of `surfaces.v1.generations.read_events`."""
    jobs, caller, asked = exchange.services.jobs, exchange.caller, exchange.path["job"]
    after = after_of(exchange.last_event, query)
    job = await jobs.get(asked, caller)
    if job.state in ENDED and after >= job.last_event:
        return Reply(None)

    async def run(events: Events) -> None:
        await events.open()
        async for each in jobs.follow(asked, caller, after):
            await events.send_json(each.name, _data(each), each.number)

    return Stream(run)


_told = msgspec.json.Decoder(Told)
_standing = msgspec.json.Decoder(JobStanding)


def _data(event: JobEvent) -> bytes:
    if event.name not in STORE_EVENTS:
        return event.data.encode()
    stood = _standing.decode(event.data)
    return msgspec.json.encode(
        JobProgress(
            stood.state.value,
            stood.done,
            stood.total,
            stood.failures,
            job_time(stood.again_s),
            job_error(stood.failure),
        )
    )


def job_info(job: JobRecord) -> JobInfo:
    """A job as it is told of."""
    waits = job.state is JobState.QUEUED and job.failure is not None
    return JobInfo(
        id=job.id,
        kind=job.kind,
        title=job.title,
        priority=_PRIORITIES[job.priority],
        state=job.state.value,
        done=job.done,
        total=job.total,
        failures=job.failures,
        again_at=job_time(job.not_before_s) if waits else None,
        error=job_error(job.failure),
        created_at=rfc3339(job.created_s),
        started_at=job_time(job.started_s),
        ended_at=job_time(job.ended_s),
        cancelling=job.cancelling and job.state is JobState.RUNNING,
        last_event=job.last_event,
    )


_PRIORITIES: tuple[Literal["high", "normal", "low"], ...] = ("high", "normal", "low")


def job_time(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(seconds)


def job_error(failure: JobFailure | None) -> JobError | None:
    return None if failure is None else JobError(failure.kind, failure.message, failure.hint)
