"""What a Starlette request carries for handlers."""

from __future__ import annotations

from msgspec.structs import replace
from starlette.requests import Request

from potluck.core.audit import Event
from potluck.core.model import Model
from potluck.gateway.fleet import Fleet
from potluck.gateway.metrics import Metrics
from potluck.gateway.port import Caller
from potluck.surfaces.addresses import address_of
from potluck.surfaces.services import Services


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def fleet_of(request: Request) -> Fleet:
    fleet: Fleet = request.app.state.fleet
    return fleet


def listing_of(request: Request) -> list[Model]:
    """Every name that the caller may ask for."""
    sees = caller_of(request).sees
    return [model for model in fleet_of(request).listing() if sees(model.id)]


def metrics_of(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


async def tell(request: Request, event: Event, subject: str, **detail: str | int) -> None:
    """Note in the audit log what the caller has done."""
    caller = replace(caller_of(request), address=address_of(request.scope))
    await services_of(request).audit.tell(event, caller, subject, **detail)


def caller_of(request: Request) -> Caller:
    """Who asks; set by `auth.RequireKey` on every path that is not public."""
    caller: Caller = request.state.caller
    return caller
