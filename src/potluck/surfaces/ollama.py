"""The Ollama surface: its doors, the catalogue, and looking after models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from potluck import __version__
from potluck.backends.port import ModelKeeper
from potluck.core.errors import BadRequest, ModelNotFound, NoEngineReady, NotFound, NotImplementedHere, PotluckError
from potluck.core.model import Engine, JsonObject, Model
from potluck.gateway.door import Door
from potluck.gateway.fleet import Fleet, Installation
from potluck.surfaces.body import body_of, client_left
from potluck.surfaces.state import fleet_of, services_of
from potluck.wire.body import decode_body
from potluck.wire.ollama.asks import read_chat, read_embed, read_embeddings, read_generate
from potluck.wire.ollama.catalogue import ps_body, read_name, show_fields, tags_body, version_body
from potluck.wire.ollama.errors import error_line, write_error

DOORS = (
    Door("/api/chat", "ollama", read_chat, write_error),
    Door("/api/generate", "ollama", read_generate, write_error),
    Door("/api/embed", "ollama", read_embed, write_error, route="embeddings"),
    Door("/api/embeddings", "ollama", read_embeddings, write_error, route="embeddings"),
)

# Clients compare it with the version in which a feature came; this is the newest whose API the contracts describe.
OLLAMA_VERSION = "0.13.0"

# An engine on the same network lists its models within milliseconds.
_LOOK_S = 2.0

_NDJSON = "application/x-ndjson"


async def tags(request: Request) -> Response:
    """Every model there is, those of all engines as one list."""
    return _json(tags_body(fleet_of(request).listing()))


async def ps(request: Request) -> Response:
    """The models in some engine's memory now: who asks that has just loaded or unloaded one."""
    fleet = fleet_of(request)
    await asyncio.gather(*(_look(request, installation) for installation, _ in fleet.keepers()))
    return _json(ps_body(model for model in fleet_of(request).listing() if model.resident))


async def version(request: Request) -> Response:
    return Response(version_body(OLLAMA_VERSION), media_type="application/json", headers={"x-potluck": __version__})


async def show(request: Request) -> Response:
    body = await body_of(request)
    name = read_name(body)
    fleet = fleet_of(request)
    engine, model = _first(fleet, name)
    installation = fleet.installation(engine.id)
    fields = show_fields(model)
    if installation.keeper is not None:
        verbose = decode_body(body, _Verbose).verbose
        fields = {**fields, **await installation.keeper.show(model, installation.http, verbose=verbose)}
    return _json(msgspec.json.encode(fields))


async def pull(request: Request) -> Response:
    asked = decode_body(await body_of(request), _Transfer)
    installation, keeper = _keeper(fleet_of(request))
    steps = keeper.pull(asked.name_or_model(), installation.http, insecure=asked.insecure)
    return await _progress(request, _then_looked(request, installation, steps), asked.stream)


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
    installation, keeper = _keeper_of(fleet_of(request), asked.source)
    await keeper.copy(asked.source, asked.destination, installation.http)
    await _look(request, installation)
    return Response()


async def delete(request: Request) -> Response:
    """Remove a model from every engine that has it."""
    name = read_name(await body_of(request))
    fleet = fleet_of(request)
    places = [(fleet.installation(engine.id), model) for engine, model in fleet.where(name)]
    if not places:
        raise _not_found(fleet, name)
    kept = [(installation, installation.keeper, model) for installation, model in places if installation.keeper]
    if not kept:
        raise NotImplementedHere(f"The engine that has '{name}' does not let models be deleted.")
    for installation, keeper, model in kept:
        await keeper.delete(model.id, installation.http)
        await _look(request, installation)
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


class _Verbose(msgspec.Struct):
    verbose: bool = False


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


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _not_found(fleet: Fleet, name: str) -> ModelNotFound:
    return ModelNotFound(name, fleet.catalogue.near(name))


def _first(fleet: Fleet, name: str) -> tuple[Engine, Model]:
    """An engine that has the model, the healthiest first. Raises `ModelNotFound`."""
    places = sorted(fleet.where(name), key=lambda place: place[0].health.value != "up")
    if not places:
        raise _not_found(fleet, name)
    return places[0]


def _keeper(fleet: Fleet) -> tuple[Installation, ModelKeeper]:
    """An engine for a model that none has yet."""
    keepers = fleet.keepers()
    if not keepers:
        raise NoEngineReady("No engine that manages models is up.", retry_after_s=30.0)
    return keepers[0]


def _keeper_of(fleet: Fleet, name: str) -> tuple[Installation, ModelKeeper]:
    """The engine that has a model and manages it. Raises `ModelNotFound`, `NotImplementedHere`."""
    engine, _ = _first(fleet, name)
    installation = fleet.installation(engine.id)
    if installation.keeper is None:
        raise NotImplementedHere(f"The engine that has '{name}' does not manage models.")
    return installation, installation.keeper


async def _look(request: Request, installation: Installation) -> None:
    """Take in what the engine has now. A slow one is not waited for: what is known of it must do."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_S):
            await services_of(request).look(installation.id)


async def _then_looked(
    request: Request, installation: Installation, steps: AsyncIterator[JsonObject]
) -> AsyncIterator[JsonObject]:
    """The steps of a change. Before the last one is told, what has changed can be asked for."""
    async for step in steps:
        if step.get("status") == "success":
            await _look(request, installation)
        yield step


async def _progress(request: Request, steps: AsyncIterator[JsonObject], stream: bool) -> Response:
    """A long work's status lines as they come, or only the last one.

    What fails before the first line is a status; later it is Ollama's in-band error line.
    """
    if not stream:
        return _json(msgspec.json.encode(await _last(request, steps)))
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
    Route("/api/version", version, methods=["GET"]),
    Route("/api/tags", tags, methods=["GET"]),
    Route("/api/ps", ps, methods=["GET"]),
    Route("/api/show", show, methods=["POST"]),
    Route("/api/pull", pull, methods=["POST"]),
    Route("/api/push", push, methods=["POST"]),
    Route("/api/create", create, methods=["POST"]),
    Route("/api/copy", copy, methods=["POST"]),
    Route("/api/delete", delete, methods=["DELETE"]),
    Route("/api/blobs/{digest}", blob, methods=["HEAD", "POST"]),
)
