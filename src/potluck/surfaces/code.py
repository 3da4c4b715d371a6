"""Tabby's small questions, which its editors ask beside completions."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from potluck import __version__
from potluck.core.model import Capability
from potluck.core.people import Right
from potluck.surfaces.body import body_of
from potluck.surfaces.guarded import Guarded
from potluck.surfaces.state import fleet_of, listing_of
from potluck.wire.code.tabby import health_body, models_body, server_setting_body

_COMPLETES = frozenset({Capability.COMPLETION})


async def tabby_health(request: Request) -> Response:
    """Tabby's clients show these names."""
    catalogue = fleet_of(request).catalogue
    return _json(
        health_body(catalogue.default(_COMPLETES, "coding"), catalogue.default(_COMPLETES, "chat"), __version__)
    )


async def tabby_models(request: Request) -> Response:
    names = [model.id for model in listing_of(request) if Capability.COMPLETION in model.capabilities]
    return _json(models_body(names, names))


async def tabby_server_setting(request: Request) -> Response:
    return _json(server_setting_body())


async def tabby_events(request: Request) -> Response:
    """What a user did with a completion. Read and forgotten: nothing here is kept of what people type."""
    await body_of(request)
    return Response()


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


ROUTES = (
    Guarded("/v1/health", tabby_health, right=Right.LOOK, methods=["GET", "POST"]),
    Guarded("/v1beta/models", tabby_models, right=Right.LOOK, methods=["GET"]),
    Guarded("/v1beta/server_setting", tabby_server_setting, right=Right.LOOK, methods=["GET"]),
    Guarded("/v1/events", tabby_events, right=Right.LOOK, methods=["POST"]),
)
