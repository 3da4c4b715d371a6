"""The OpenAI surface's model listing, which Anthropic's clients read too."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from potluck.core.errors import ModelNotFound
from potluck.core.names import same_model
from potluck.core.people import Right
from potluck.surfaces.guarded import Guarded
from potluck.surfaces.services import Services
from potluck.surfaces.state import fleet_of, listing_of, services_of
from potluck.wire.openai.models import write_model, write_models


async def list_models(request: Request) -> Response:
    services = services_of(request)
    body = write_models(listing_of(request), created_s=_since(services))
    return Response(body, media_type="application/json")


async def show_model(request: Request) -> Response:
    asked = request.path_params["name"]
    for model in listing_of(request):
        if same_model(model.id, asked):
            return Response(write_model(model, created_s=_since(services_of(request))), media_type="application/json")
    raise ModelNotFound(asked, fleet_of(request).catalogue.near(asked))


def _since(services: Services) -> float:
    """The time shown for models whose engine tells none: constant while Potluck runs, so that listings compare."""
    return services.started_s


ROUTES = (
    Guarded("/v1/models", list_models, right=Right.LOOK, methods=["GET"]),
    Guarded("/v1/models/{name:path}", show_model, right=Right.LOOK, methods=["GET"]),
)
