"""``progress``, ``interrupt`` and ``skip``: of the caller's own job alone."""

from __future__ import annotations

import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from potluck.surfaces import picture_orders as orders
from potluck.surfaces.a1111.desk import Making, desk_of
from potluck.surfaces.a1111.making import b64
from potluck.surfaces.state import caller_of, services_of
from potluck.wire.sdapi.answers import Standing, write_progress

_TRUE = ("true", "1", "yes", "on")


async def progress(request: Request) -> Response:
    making = desk_of(request).current(caller_of(request))
    with_image = request.query_params.get("skip_current_image", "").lower() not in _TRUE
    now = services_of(request).clock()
    standing = None if making is None else _standing(making, now, with_image=with_image)
    return Response(write_progress(standing), media_type="application/json")


def _standing(making: Making, now: float, *, with_image: bool) -> Standing:
    job, told = making.job, making.told
    return Standing(
        job=job.id,
        pictures=max(1, job.total),
        number=job.done,
        step=told.progress.step if told else 0,
        steps=told.progress.steps if told else 0,
        elapsed_s=None if making.begun_s is None else max(0.0, now - making.begun_s),
        interrupted=making.interrupted,
        timestamp=time.strftime("%Y%m%d%H%M%S", time.gmtime(job.created_s)),
        preview_b64=b64(told.preview) if with_image and told and told.preview else None,
        text=None if making.ahead is None else f"Waiting, {making.ahead} before it.",
    )


async def interrupt(request: Request) -> Response:
    """What waits for it is answered with what is there."""
    making = desk_of(request).current(caller_of(request))
    if making is not None:
        await _interrupted(request, making)
    return Response(b"{}", media_type="application/json")


async def skip(request: Request) -> Response:
    """Of several pictures none can be left out: it is for a job that makes one."""
    making = desk_of(request).current(caller_of(request))
    if making is not None and making.job.total == 1:
        await _interrupted(request, making)
    return Response(msgspec.json.encode(None), media_type="application/json")


async def _interrupted(request: Request, making: Making) -> None:
    making.interrupted = True
    await orders.cancel(services_of(request), caller_of(request), making.job.id)
