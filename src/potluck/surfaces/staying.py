"""Jobs that are a request's own: they end with the client that waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from potluck.core.errors import PotluckError
from potluck.core.jobs import ENDED
from potluck.gateway.port import Caller
from potluck.storage.jobs import JobRecord
from potluck.surfaces import picture_orders as orders
from potluck.surfaces.body import client_left
from potluck.surfaces.services import Services

T = TypeVar("T")


async def while_there(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What comes of ``work``. Raises `ClientDisconnect` as soon as the client has left; ``work`` is cancelled then."""
    failed: PotluckError | None = None
    result: list[T] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            leaving = tasks.create_task(_left(receive))
            try:
                result.append(await work)
            except PotluckError as error:  # as it is, and in no group
                failed = error
            finally:
                leaving.cancel()
    except* ClientDisconnect:
        raise ClientDisconnect from None
    if failed is not None:
        raise failed
    return result[0]


async def _left(receive: Receive) -> None:
    await client_left(receive)
    raise ClientDisconnect


async def end_job(services: Services, caller: Caller, job: JobRecord) -> None:
    """Cancel what nobody waits for any more, unless it has ended."""
    with suppress(PotluckError):
        now = await services.jobs.get(job.id, caller)
        if now.state not in ENDED:
            await orders.cancel(services, caller, job.id)
