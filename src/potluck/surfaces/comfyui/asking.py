"""What the port's handlers have in common: who asks, which ComfyUIs there are, JSON out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from potluck.backends.images.port import graphs_of
from potluck.core.catalogue import SERVING
from potluck.core.errors import NodeError, NoEngineReady, NotImplementedHere
from potluck.core.model import EngineKind, JsonObject
from potluck.gateway.painters import Place
from potluck.surfaces.body import body_of
from potluck.surfaces.comfyui.desk import Desk
from potluck.surfaces.services import Services
from potluck.wire.body import decode_body
from potluck.wire.comfyui.object_info import ObjectInfo

_RETRY_S = 15.0
# After something was missing engines are asked anew, but not by everybody at once.
FRESH_S = 5.0


def json(answer: object) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")


def nothing() -> Response:
    """As ComfyUI answers what it has done."""
    return Response(b"", media_type="application/json")


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.comfyui
    return desk


async def object_of(request: Request) -> JsonObject:
    """The body; empty for none. Raises `BadRequest`."""
    body = await body_of(request)
    told: JsonObject = decode_body(body, dict[str, Any]) if body.strip() else {}
    return told


def ids_in(body: JsonObject) -> list[str]:
    """Of what is to be deleted, a thousand at most."""
    wanted = body.get("delete")
    return [each for each in wanted[:1000] if isinstance(each, str)] if isinstance(wanted, list) else []


def runners(services: Services) -> list[Place]:
    """The ComfyUIs that are up. Raises `NoEngineReady` where there is none, and `NotImplementedHere` where there will
    never be one."""
    if all(each.kind is not EngineKind.COMFYUI for each in services.painters()):
        hint = "The owner adds one: engines: [{kind: comfyui}] below a node."
        raise NotImplementedHere("There is no ComfyUI here.", hint=hint)
    found = [each for each in services.places() if graphs_of(each.images) is not None and each.health in SERVING]
    if not found:
        raise NoEngineReady("No ComfyUI is up.", retry_after_s=_RETRY_S, hint="'potluck nodes ls' shows why.")
    return found


async def infos(places: Sequence[Place], *, fresh_s: float | None = None) -> list[ObjectInfo]:
    """What node classes each has; those that do not tell are left out. Raises `NoEngineReady` where none does."""
    found = [each for each in await asyncio.gather(*(_info(place, fresh_s) for place in places)) if each is not None]
    if not found:
        raise NoEngineReady("No ComfyUI tells which nodes it has.", retry_after_s=_RETRY_S, hint="Try again.")
    return found


async def _info(place: Place, fresh_s: float | None) -> ObjectInfo | None:
    graphs = graphs_of(place.images)
    try:
        if graphs is None:
            return None
        return await (graphs.info(place.http) if fresh_s is None else graphs.info(place.http, fresh_s=fresh_s))
    except NodeError:
        return None
