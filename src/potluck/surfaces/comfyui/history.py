"""``/history``: the caller's own prompts that have ended, for as long as jobs are kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from potluck.core.errors import NotFound
from potluck.core.jobs import ENDED, JobState
from potluck.core.model import JsonObject
from potluck.gateway.port import Caller
from potluck.jobs.workflow import NAME, job_id, read_job
from potluck.storage.jobs import JobRecord
from potluck.surfaces.comfyui.asking import ids_in, json, nothing, object_of
from potluck.surfaces.comfyui.desk import MOST, ending
from potluck.surfaces.services import Services
from potluck.surfaces.state import caller_of, services_of
from potluck.wire.comfyui.outputs import Entry, history, queue_row

# Each comes with its whole graph.
_USUAL = 100

_entries = msgspec.json.Decoder(Entry)


async def one(request: Request) -> Response:
    """Empty while the prompt has not ended, and for another's."""
    services, caller, prompt = services_of(request), caller_of(request), request.path_params["prompt"]
    try:
        job = await services.jobs.get(job_id(caller.user, prompt), caller)
    except NotFound:
        return json({})
    return json(await _told(services, caller, [job]))


async def listed(request: Request) -> Response:
    """The oldest first. ``max_items`` are the newest; with an ``offset`` of 0 or more those behind so many of the
    oldest."""
    services, caller = services_of(request), caller_of(request)
    most, offset = _number(request, "max_items"), _number(request, "offset")
    newest = list(await services.jobs.list(caller, limit=MOST, kind=NAME))
    ended = [job for job in reversed(newest) if job.state in ENDED]
    limit = _USUAL if most is None else max(0, min(most, MOST))
    chosen = ended[-limit:] if offset is None or offset < 0 else ended[offset : offset + limit]
    return json(await _told(services, caller, chosen if limit else []))


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 10 else None


async def _told(services: Services, caller: Caller, jobs: Sequence[JobRecord]) -> JsonObject:
    found: JsonObject = {}
    for job in jobs:
        with suppress(NotFound):
            parts = await services.jobs.parts(job.id, caller, limit=1)
            if not parts and job.state not in ENDED:
                continue
            asked = read_job(await services.jobs.request(job.id, caller))
            entry = _entries.decode(parts[0].content) if parts else _without_word(job, asked.prompt)
            row = queue_row(asked.number, asked.prompt, asked.graph, asked.extra, asked.client, asked.outputs)
            found[asked.prompt] = history(row, entry)
    return found


def _without_word(job: JobRecord, prompt: str) -> Entry:
    return Entry({}, [ending(job, prompt)], failed=True)


async def change(request: Request) -> Response:
    """What is deleted here leaves its pictures in the gallery."""
    services, caller = services_of(request), caller_of(request)
    body = await object_of(request)
    if body.get("clear"):
        jobs = await services.jobs.list(caller, limit=MOST, kind=NAME)
        chosen = [job.id for job in jobs if job.state is not JobState.QUEUED]
    else:
        chosen = [job_id(caller.user, prompt) for prompt in ids_in(body)]  # type: ignore[misc]
    await services.jobs.forget(chosen, caller)
    return nothing()
