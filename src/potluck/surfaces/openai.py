"""The OpenAI surface: its doors, and the model listing, which Anthropic's clients read too."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from potluck.core.errors import ModelNotFound
from potluck.core.names import same_model
from potluck.core.scheduling.classes import Kind
from potluck.gateway.door import Door
from potluck.surfaces.services import Services
from potluck.surfaces.state import fleet_of, services_of
from potluck.wire.code.errors import write_tabby_error
from potluck.wire.code.tabby import is_tabby, read_tabby
from potluck.wire.openai.asks import read_chat, read_completion, read_embedding
from potluck.wire.openai.errors import write_error
from potluck.wire.openai.models import write_model, write_models
from potluck.wire.responses.request import read_responses

_TABBY = Door("/v1/completions", "tabby", read_tabby, write_tabby_error, route="coding", kind=Kind.COMPLETION)

DOORS = (
    Door("/v1/chat/completions", "openai", read_chat, write_error),
    # Tabby's clients ask at the same path in a dialect of their own (API-CONTRACTS.md 9).
    Door("/v1/completions", "openai", read_completion, write_error, route="coding", others=((is_tabby, _TABBY),)),
    Door("/v1/embeddings", "openai", read_embedding, write_error, route="embeddings", kind=Kind.BACKGROUND),
    Door("/v1/responses", "openai", read_responses, write_error),
)


async def list_models(request: Request) -> Response:
    services = services_of(request)
    body = write_models(fleet_of(request).listing(), created_s=_since(services))
    return Response(body, media_type="application/json")


async def show_model(request: Request) -> Response:
    asked = request.path_params["name"]
    for model in fleet_of(request).listing():
        if same_model(model.id, asked):
            return Response(write_model(model, created_s=_since(services_of(request))), media_type="application/json")
    raise ModelNotFound(asked, fleet_of(request).catalogue.near(asked))


def _since(services: Services) -> float:
    """The time shown for models whose engine tells none: constant while Potluck runs, so that listings compare."""
    return services.started_s


ROUTES = (
    Route("/v1/models", list_models, methods=["GET"]),
    Route("/v1/models/{name:path}", show_model, methods=["GET"]),
)
