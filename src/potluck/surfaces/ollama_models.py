"""Ollama's routes for looking after models: to the letter of its API, by the same hands as the native ones.

Who may change machines may change models.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from potluck.backends.port import ModelKeeper, PullOrder
from potluck.core.audit import Event
from potluck.core.errors import (
    BadRequest,
    ModelNotFound,
    NoEngineReady,
    NotFound,
    NotImplementedHere,
    NotInRegistry,
    PotluckError,
)
from potluck.core.model import Engine, JsonObject, Model
from potluck.core.people import Right
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.models import PullStep
from potluck.surfaces.body import body_of, client_left
from potluck.surfaces.guarded import Guarded
from potluck.surfaces.looking import look
from potluck.surfaces.state import fleet_of, services_of, tell
from potluck.wire.body import decode_body
from potluck.wire.ollama.catalogue import read_name
from potluck.wire.ollama.errors import JSON_TYPE, error_line

_NDJSON = "application/x-ndjson"


async def pull(request: Request) -> Response:
    """A model that nobody has is told in the stream, or with a 500 to who wants none, as Ollama does."""
    asked = decode_body(await body_of(request), _Transfer)
    order = PullOrder(asked.name_or_model(), insecure=asked.insecure, inside=True)
    return await _progress(request, _pulled(services_of(request).models.pull(order), order.name), asked.stream)


async def push(request: Request) -> Response:
    asked = decode_body(await body_of(request), _Transfer)
    fleet = fleet_of(request)
    installation, keeper = _keeper_of(fleet, asked.name_or_model())
    steps = keeper.push(asked.name_or_model(), installation.http, insecure=asked.insecure)
    return await _progress(request, steps, asked.stream)


async def create(request: Request) -> Response:
    body = await body_of(request)
    asked = decode_body(body, _Transfer)
    fleet = fleet_of(request)
    fields: JsonObject = msgspec.json.decode(body)
    source = fields.get("from")
    installation, keeper = _keeper_of(fleet, source) if isinstance(source, str) and source else _keeper(fleet)
    steps = keeper.create({**fields, "model": asked.name_or_model()}, installation.http)
    return await _progress(request, _then_looked(request, installation, steps), asked.stream)


async def copy(request: Request) -> Response:
    asked = decode_body(await body_of(request), _Copy)
    await services_of(request).models.copy(asked.source, asked.destination)
    return Response()


async def delete(request: Request) -> Response:
    """Remove a model from every engine that has it."""
    name = read_name(await body_of(request))
    targets = await services_of(request).models.delete(name)
    await tell(request, Event.MODEL_REMOVED, name, engines=", ".join(target.engine for target in targets))
    return Response()


async def blob(request: Request) -> Response:
    """``HEAD``: whether a blob is there; ``POST``: take it in, verified by its digest."""
    digest = request.path_params["digest"]
    installation, keeper = _keeper(fleet_of(request))
    if request.method == "POST":
        await keeper.put_blob(digest, request.stream(), installation.http)
        return Response(status_code=201)
    if not await keeper.has_blob(digest, installation.http):
        raise NotFound(f"There is no blob {digest}.")
    return Response()


def first_with(fleet: Fleet, name: str) -> tuple[Engine, Model]:
    """An engine that has the model, the healthiest first. Raises `ModelNotFound`."""
    places = sorted(fleet.where(name), key=lambda place: place[0].health.value != "up")
    if not places:
        raise ModelNotFound(name, fleet.catalogue.near(name))
    return places[0]


class _Transfer(msgspec.Struct):
    """What pull, push and create have in common. ``name`` is what ``model`` used to be called."""

    model: str = ""
    name: str = ""
    insecure: bool = False
    stream: bool = True

    def name_or_model(self) -> str:
        if not (name := self.model or self.name):
            raise BadRequest("model is required", param="model")
        return name


class _Copy(msgspec.Struct):
    source: str
    destination: str


def _keeper(fleet: Fleet) -> tuple[Installation, ModelKeeper]:
    """An engine for a model that none has yet."""
    keepers = fleet.keepers()
    if not keepers:
        raise NoEngineReady("No engine that manages models is up.", retry_after_s=30.0)
    return keepers[0]


def _keeper_of(fleet: Fleet, name: str) -> tuple[Installation, ModelKeeper]:
    """The engine that has a model and manages it. Raises `ModelNotFound`, `NotImplementedHere`."""
    engine, _ = first_with(fleet, name)
    installation = fleet.installation(engine.id)
    if installation.keeper is None:
        raise NotImplementedHere(f"The engine that has '{name}' does not manage models.")
    return installation, installation.keeper


async def _pulled(steps: AsyncGenerator[PullStep], name: str) -> AsyncGenerator[JsonObject]:
    """The status objects of a pull. One that has no source begins like the others."""
    begun = False
    try:
        async with aclosing(steps):
            async for step in steps:
                if step.said:
                    begun = True
                    yield step.said
    except ModelNotFound as error:
        if not begun:
            yield {"status": "pulling manifest"}
        raise NotInRegistry(name, hint=error.hint) from error


async def _then_looked(
    request: Request, installation: Installation, steps: AsyncIterator[JsonObject]
) -> AsyncIterator[JsonObject]:
    """The steps of a change. Before the last one is told, what has changed can be asked for."""
    async for step in steps:
        if step.get("status") == "success":
            await look(request, installation)
        yield step


async def _progress(request: Request, steps: AsyncIterator[JsonObject], stream: bool) -> Response:
    """A long work's status lines as they come, or only the last one.

    What fails before the first line is a status; later it is Ollama's in-band error line.
    """
    if not stream:
        return Response(msgspec.json.encode(await _last(request, steps)), media_type=JSON_TYPE)
    first = await anext(steps, None)

    async def lines() -> AsyncIterator[bytes]:
        try:
            if first is not None:
                yield msgspec.json.encode(first) + b"\n"
            async for step in steps:
                yield msgspec.json.encode(step) + b"\n"
        except PotluckError as error:
            yield error_line(error)

    return StreamingResponse(lines(), media_type=_NDJSON)


async def _last(request: Request, steps: AsyncIterator[JsonObject]) -> JsonObject:
    """The last of the steps. They end if the client leaves: a pull that nobody waits for would fill the disk.

    Raises what a step does, and `ClientDisconnect`.
    """

    async def take() -> JsonObject | PotluckError:
        last: JsonObject = {"status": "success"}
        try:
            async for step in steps:
                last = step
        except PotluckError as error:  # a task group would wrap it
            return error
        return last

    async with asyncio.TaskGroup() as tasks:
        taking, leaving = tasks.create_task(take()), tasks.create_task(client_left(request.receive))
        await asyncio.wait((taking, leaving), return_when=asyncio.FIRST_COMPLETED)
        left = not taking.done()
        taking.cancel()
        leaving.cancel()
    if left:
        raise ClientDisconnect
    result = taking.result()
    if isinstance(result, PotluckError):
        raise result
    return result


ROUTES = (
    Guarded("/api/pull", pull, right=Right.CHANGE_FLEET, methods=["POST"]),
    Guarded("/api/push", push, right=Right.CHANGE_FLEET, methods=["POST"]),
    Guarded("/api/create", create, right=Right.CHANGE_FLEET, methods=["POST"]),
    Guarded("/api/copy", copy, right=Right.CHANGE_FLEET, methods=["POST"]),
    Guarded("/api/delete", delete, right=Right.CHANGE_FLEET, methods=["DELETE"]),
    Guarded("/api/blobs/{digest}", blob, right=Right.CHANGE_FLEET, methods=["HEAD", "POST"]),
)
