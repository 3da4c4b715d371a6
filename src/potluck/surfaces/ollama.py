"""The Ollama surface's catalogue; looking after models is in `ollama_models`."""

from __future__ import annotations

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from potluck import __version__
from potluck.core.errors import ModelNotFound
from potluck.core.people import Right
from potluck.gateway.answer_headers import VERSION
from potluck.surfaces import ollama_models
from potluck.surfaces.body import body_of
from potluck.surfaces.guarded import PUBLIC, Guarded
from potluck.surfaces.looking import look
from potluck.surfaces.state import caller_of, fleet_of, listing_of
from potluck.wire.body import decode_body
from potluck.wire.ollama.catalogue import ps_body, read_name, show_fields, tags_body, version_body
from potluck.wire.ollama.errors import JSON_TYPE

# Clients compare it with the version in which a feature came; this is the newest whose API the contracts describe.
OLLAMA_VERSION = "0.13.0"


async def tags(request: Request) -> Response:
    """Every model there is, those of all engines as one list."""
    return _json(tags_body(listing_of(request)))


async def ps(request: Request) -> Response:
    """The models in some engine's memory now: who asks that has just loaded or unloaded one."""
    fleet = fleet_of(request)
    await asyncio.gather(*(look(request, installation) for installation, _ in fleet.keepers()))
    return _json(ps_body(model for model in listing_of(request) if model.resident))


async def version(request: Request) -> Response:
    return Response(version_body(OLLAMA_VERSION), media_type=JSON_TYPE, headers={VERSION: __version__})


async def show(request: Request) -> Response:
    body = await body_of(request)
    name = read_name(body)
    fleet = fleet_of(request)
    if not caller_of(request).sees(name):
        raise ModelNotFound(name)
    engine, model = ollama_models.first_with(fleet, name)
    installation = fleet.installation(engine.id)
    fields = show_fields(model)
    if installation.keeper is not None:
        verbose = decode_body(body, _Verbose).verbose
        fields = {**fields, **await installation.keeper.show(model, installation.http, verbose=verbose)}
    return _json(msgspec.json.encode(fields))


class _Verbose(msgspec.Struct):
    verbose: bool = False


def _json(body: bytes) -> Response:
    return Response(body, media_type=JSON_TYPE)


ROUTES = (
    Guarded("/api/version", version, right=PUBLIC, methods=["GET"]),
    Guarded("/api/tags", tags, right=Right.LOOK, methods=["GET"]),
    Guarded("/api/ps", ps, right=Right.LOOK, methods=["GET"]),
    Guarded("/api/show", show, right=Right.LOOK, methods=["POST"]),
    *ollama_models.ROUTES,
)
