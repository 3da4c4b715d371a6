"""Liveness, readiness, metrics, and the banner that Ollama's clients look for."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from potluck.core.model import Health
from potluck.core.people import Right
from potluck.gateway.exposition import Exposition, Placing
from potluck.surfaces.guarded import PUBLIC, Guarded
from potluck.surfaces.state import fleet_of, metrics_of, services_of

_UP = (Health.UP, Health.SUSPECT)


async def banner(request: Request) -> Response:
    """``Ollama is running``, which clients read as "this address speaks Ollama's API"."""
    return PlainTextResponse("Ollama is running")


async def healthz(request: Request) -> Response:
    """The process answers. Says nothing of engines."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Whether a call could be served now: some engine is up."""
    healths = {engine.health for engine in fleet_of(request).snapshot()}
    if healths.intersection(_UP):
        return JSONResponse({"status": "ready"})
    why = "every engine that is up is drained" if Health.DRAINING in healths else "no engine is up"
    return JSONResponse({"status": why}, status_code=503)


async def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    fleet = fleet_of(request)
    services = services_of(request)
    view, engines = services.fleet, fleet.snapshot()
    placing = Placing(view.queue(), view.rates(), view.decided())
    in_drill = [engine.node for engine in engines if services.drills().of_node(engine.node)]
    shown = Exposition(metrics_of(request), engines, fleet.machines.snapshot(), fleet.drained, placing, in_drill)
    return Response(shown.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


ROUTES = (
    Guarded("/", banner, right=PUBLIC, methods=["GET"]),
    Guarded("/healthz", healthz, right=PUBLIC, methods=["GET"]),
    Guarded("/health", healthz, right=PUBLIC, methods=["GET"]),
    Guarded("/readyz", readyz, right=PUBLIC, methods=["GET"]),
    Guarded("/metrics", metrics, right=Right.SEE_FLEET, methods=["GET"]),
)
