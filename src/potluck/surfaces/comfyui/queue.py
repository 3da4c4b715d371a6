"""``/queue``, ``GET /prompt`` and ``/interrupt``: the caller's own prompts, and of others at most how many they are."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response

from potluck.core.errors import NotFound
from potluck.core.jobs import ENDED, JobState
from potluck.core.model import Json
from potluck.gateway.port import Caller
from potluck.jobs.workflow import job_id, read_job
from potluck.storage.jobs import JobRecord
from potluck.surfaces.comfyui.asking import desk_of, ids_in, json, nothing, object_of
from potluck.surfaces.services import Services
from potluck.surfaces.state import caller_of, services_of
from potluck.wire.comfyui.outputs import queue_row

# Each comes with its whole graph.
_MOST_SHOWN = 200


async def exec_info(request: Request) -> Response:
    """``others`` is how many jobs of other people are under way or wait."""
    caller, desk = caller_of(request), desk_of(request)
    own = len(await desk.unfinished(caller))
    counts = await services_of(request).jobs.counts()
    others = max(0, sum(counts) - own) if counts is not None else 0
    return json({"exec_info": {"queue_remaining": own, "others": others}})


async def listed(request: Request) -> Response:
    services, caller, desk = services_of(request), caller_of(request), desk_of(request)
    running: list[Json] = []
    pending: list[Json] = []
    for job in (await desk.unfinished(caller))[:_MOST_SHOWN]:
        with suppress(NotFound):
            asked = read_job(await services.jobs.request(job.id, caller))
            row = queue_row(asked.number, asked.prompt, asked.graph, asked.extra, asked.client, asked.outputs)
            (running if desk.draws(job) else pending).append(row)
    return json({"queue_running": running, "queue_pending": pending})


async def change(request: Request) -> Response:
    """``clear`` and ``delete`` are for what waits; what is drawn goes on."""
    services, caller, desk = services_of(request), caller_of(request), desk_of(request)
    body = await object_of(request)
    if body.get("clear"):
        chosen: Iterable[JobRecord] = await desk.unfinished(caller)
    else:
        chosen = await _named(services, caller, ids_in(body))
    for job in chosen:
        if job.state not in ENDED and not desk.draws(job):
            await _cancel(services, caller, job)
            desk.deleted(job.id)
    await desk.tell_status(caller)
    return nothing()


async def _named(services: Services, caller: Caller, prompts: Iterable[str]) -> list[JobRecord]:
    found: list[JobRecord] = []
    for prompt in prompts:
        with suppress(NotFound):
            found.append(await services.jobs.get(job_id(caller.user, prompt), caller))
    return found


async def interrupt(request: Request) -> Response:
    """With an id that prompt, while it is drawn; without one all that is drawn for the caller's key."""
    services, caller, desk = services_of(request), caller_of(request), desk_of(request)
    prompt = (await object_of(request)).get("prompt_id")
    if isinstance(prompt, str) and prompt:
        chosen = await _named(services, caller, [prompt])
    else:
        chosen = [job for job in await desk.unfinished(caller) if job.key == caller.key]
    for job in chosen:
        if job.state is JobState.RUNNING and desk.draws(job):
            await _cancel(services, caller, job)
    return nothing()


async def _cancel(services: Services, caller: Caller, job: JobRecord) -> None:
    """What was counted for it is given back: what is interrupted has made no picture, or ends with all of them."""
    if job.cancelling:
        return
    with suppress(NotFound):
        count = read_job(await services.jobs.request(job.id, caller)).count
        after = await services.jobs.cancel(job.id, caller)
        if after.done == 0:
            await services.spending.give_images_back(caller, count)
