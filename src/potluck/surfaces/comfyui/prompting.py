"""``POST /prompt``."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from potluck.core.errors import NotFound
from potluck.core.jobs import Priority
from potluck.core.pictures.catalogue import plain_name
from potluck.gateway.port import Caller
from potluck.jobs.workflow import WorkflowJob, job_id, read_job
from potluck.storage.jobs import JobRecord
from potluck.storage.records import FileId
from potluck.surfaces.body import body_of
from potluck.surfaces.comfyui.asking import FRESH_S, desk_of, infos, json, runners
from potluck.surfaces.comfyui.desk import Live
from potluck.surfaces.comfyui.uploads import found
from potluck.surfaces.picture_orders import ROUTE
from potluck.surfaces.services import Services
from potluck.surfaces.state import caller_of, services_of
from potluck.wire.comfyui.graphs import Graph
from potluck.wire.comfyui.object_info import ObjectInfo
from potluck.wire.comfyui.parameters import ask_of, models_of, pictures_in
from potluck.wire.comfyui.prompts import Prompt, PromptRefused, read_prompt
from potluck.wire.comfyui.validation import Look, Upload, look, node_errors, refusal, uploads_of

_TITLE = 80
# What asks for them by name (ComfyUI ``cli_args.py``).
_PREVIEWS = ("auto", "latent2rgb", "taesd")


class _Checked(NamedTuple):
    """``seen`` is the graph at the engine that can do most of it."""

    seen: Look
    uploads: tuple[Upload, ...]
    files: Mapping[str, FileId]


async def queue_prompt(request: Request) -> Response:
    """1. What is asked for. 2. Whether the caller may. 3. Whether some engine can. 4. The job. 5. Its number."""
    services, caller, desk = services_of(request), caller_of(request), desk_of(request)
    prompt = read_prompt(await body_of(request))
    id_ = prompt.id or str(uuid.UUID(hex=services.new_id()))
    for model in models_of(prompt.graph) or [ROUTE]:
        if not (caller.sees(model) or caller.sees(plain_name(model))):
            raise caller.model_refusal(plain_name(model))
    checked = await _checked(services, caller, prompt)
    number = prompt.number if prompt.number is not None else float(desk.number())
    there = services.feed.hears(caller.user, prompt.client)
    asked = _job(prompt, id_, -number if prompt.front else number, checked, there=there)
    job, asked = await _submitted(services, caller, asked)
    await desk.began(job, Live(caller, id_, prompt.client, job.state))
    errors = node_errors(prompt.graph, checked.seen)
    shown = int(asked.number) if asked.number == int(asked.number) else asked.number
    return json({"prompt_id": id_, "number": shown, "node_errors": errors})


async def _checked(services: Services, caller: Caller, prompt: Prompt) -> _Checked:
    """Raises `PromptRefused` where no engine can run it, also not after another look at what it has."""
    places = runners(services)
    checked, looks = await _looked(services, caller, prompt, await infos(places))
    if checked is None:
        checked, looks = await _looked(services, caller, prompt, await infos(places, fresh_s=FRESH_S))
    if checked is None:
        raise refusal(prompt.graph, looks)
    return checked


async def _looked(
    services: Services, caller: Caller, prompt: Prompt, known: Sequence[ObjectInfo]
) -> tuple[_Checked | None, list[Look]]:
    graph = prompt.graph
    uploads = tuple(dict.fromkeys(each for info in known for each in uploads_of(graph, info)))
    files = {each.value: await found(services, caller.user, each.value) for each in uploads}
    absent = frozenset(name for name, file in files.items() if file is None)
    looks = [look(graph, info, prompt.targets, absent) for info in known]
    able = [each for each in looks if each.outputs]
    if not able:
        return None, looks
    seen = max(able, key=lambda each: (len(each.outputs), -len(each.wrong)))
    used = tuple(each for each in uploads if each.value not in absent and each.node in seen.needed(graph))
    return _Checked(seen, used, {each.value: file for each in used if (file := files[each.value]) is not None}), looks


def _job(prompt: Prompt, id_: str, number: float, checked: _Checked, *, there: bool) -> WorkflowJob:
    """``there``: its client's socket is open."""
    partial = prompt.targets is not None or bool(checked.seen.wrong)
    return WorkflowJob(
        graph=_whole(prompt.graph, checked.seen, partial=partial),
        prompt=id_,
        number=number,
        client=prompt.client,
        extra=prompt.extra,
        outputs=checked.seen.outputs,
        uploads=checked.uploads,
        files=dict(checked.files),
        count=pictures_in(prompt.graph),
        previews=there or prompt.extra.get("preview_method") in _PREVIEWS,
        title=" ".join(ask_of(prompt.graph).prompt.split())[:_TITLE],
        priority=Priority.HIGH if number < 0 else Priority.NORMAL,
    )


def _whole(graph: Graph, seen: Look, *, partial: bool) -> Graph:
    """Of a graph of which only a part can be run that part: what no engine takes would have to be refused again."""
    if not partial:
        return graph
    needed = seen.needed(graph)
    return {id_: node for id_, node in graph.items() if id_ in needed}


async def _submitted(services: Services, caller: Caller, asked: WorkflowJob) -> tuple[JobRecord, WorkflowJob]:
    """The job; one that the client has asked for before, by the same id and with the same graph, is that one.

    Raises `PromptRefused` for an id that is another prompt's, `RateLimited`, `QuotaExceeded`, `QueueFull`.
    """
    id_ = job_id(caller.user, asked.prompt)
    try:
        before = await services.jobs.get(id_, caller)
        there = read_job(await services.jobs.request(id_, caller))
    except NotFound:
        pass
    else:
        if there.graph != asked.graph:
            raise PromptRefused("invalid_prompt_id", "There is another prompt with this prompt_id.", "Send a new UUID.")
        return before, there
    await services.gallery.room(caller.user)
    await services.spending.spend_images(caller, asked.count, services.new_id())
    try:
        return await services.jobs.submit(asked, caller, f"comfyui:{asked.prompt}", id_), asked
    except BaseException:
        await asyncio.shield(services.spending.give_images_back(caller, asked.count))
        raise
