"""The Anthropic surface's counting of tokens."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from potluck.core.errors import ModelNotFound, NodeError
from potluck.core.model import Health
from potluck.core.people import Right
from potluck.gateway.answer_headers import ESTIMATED
from potluck.gateway.fleet import Fleet
from potluck.surfaces.body import body_of
from potluck.surfaces.guarded import Guarded
from potluck.surfaces.state import caller_of, fleet_of
from potluck.wire.anthropic.request import read_count_tokens, write_count
from potluck.wire.port import Ask

# Where no engine counts: Ollama's own estimate (API-CONTRACTS.md 3).
_BYTES_PER_TOKEN = 4


async def count_tokens(request: Request) -> Response:
    ask = read_count_tokens(await body_of(request))
    fleet = fleet_of(request)
    if not (caller := caller_of(request)).sees(ask.model):
        raise caller.model_refusal(ask.model)
    if not fleet.where(ask.model):
        raise ModelNotFound(ask.model, fleet.catalogue.near(ask.model))
    tokens = await _counted(fleet, ask)
    headers = {} if tokens is not None else {ESTIMATED: "true"}
    count = tokens if tokens is not None else max(1, len(ask.body) // _BYTES_PER_TOKEN)
    return Response(write_count(count), media_type="application/json", headers=headers)


async def _counted(fleet: Fleet, ask: Ask) -> int | None:
    """The count of the first engine that can count; None if none can or none that could is well."""
    call = ask.call()
    for engine, model in fleet.where(ask.model):
        if engine.health is not Health.UP:
            continue
        installation = fleet.installation(engine.id)
        try:
            tokens = await installation.backend.count_tokens(call, model, installation.http)
        except NodeError:
            continue
        if tokens is not None:
            return tokens
    return None


ROUTES = (Guarded("/v1/messages/count_tokens", count_tokens, right=Right.INFER, methods=["POST"]),)
