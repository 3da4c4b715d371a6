"""Every route of the native API, in one list: served, described by the OpenAPI document, and documented from here."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.routing import Route as StarletteRoute

from potluck import __version__
from potluck.core.people import Right
from potluck.surfaces import openapi
from potluck.surfaces.v1.access_routes import ACCESS_ROUTES
from potluck.surfaces.v1.chat_routes import CHAT_ROUTES
from potluck.surfaces.v1.code_routes import CODE_ROUTES
from potluck.surfaces.v1.conversation_routes import CONVERSATION_ROUTES
from potluck.surfaces.v1.endpoint import Endpoint, Route, plain
from potluck.surfaces.v1.exchange import Exchange, Page
from potluck.surfaces.v1.file_routes import FILE_ROUTES
from potluck.surfaces.v1.fleet_routes import FLEET_ROUTES
from potluck.surfaces.v1.house_routes import HOUSE_ROUTES
from potluck.surfaces.v1.job_routes import JOB_ROUTES
from potluck.surfaces.v1.model_routes import MODEL_ROUTES
from potluck.surfaces.v1.past_routes import PAST_ROUTES
from potluck.surfaces.v1.people_routes import PEOPLE_ROUTES
from potluck.surfaces.v1.picture_routes import PICTURE_ROUTES
from potluck.surfaces.v1.portal_routes import PORTAL_ROUTES


async def _document(_: Exchange) -> Page:
    return Page(msgspec.json.encode(openapi.document(NATIVE_ROUTES, __version__)), "application/json")


async def _docs(_: Exchange) -> Page:
    policy = {"content-security-policy": openapi.PAGE_POLICY}
    return Page(openapi.page(NATIVE_ROUTES).encode(), "text/html; charset=utf-8", policy)


NATIVE_ROUTES: Final[tuple[Route, ...]] = (
    *CONVERSATION_ROUTES,
    *PORTAL_ROUTES,
    *PICTURE_ROUTES,
    *PAST_ROUTES,
    *HOUSE_ROUTES,
    *CHAT_ROUTES,
    *FILE_ROUTES,
    *JOB_ROUTES,
    *CODE_ROUTES,
    *MODEL_ROUTES,
    *FLEET_ROUTES,
    *ACCESS_ROUTES,
    *PEOPLE_ROUTES,
    Route(
        "GET", "/api/v1/openapi.json", "This API as an OpenAPI 3.1 document.", plain(_document), None, right=Right.LOOK
    ),
    Route("GET", "/docs", "This API as a page.", plain(_docs), None, media_type="text/html", right=Right.LOOK),
)


def starlette_routes() -> list[StarletteRoute]:
    """For the application; its ``state.services`` and each request's ``state.caller`` must be set.

    The last one answers for whatever else lies under ``/api/v1``.
    """
    paths = dict.fromkeys(route.path for route in NATIVE_ROUTES)
    served = [
        StarletteRoute(path, Endpoint([route for route in NATIVE_ROUTES if route.path == path])) for path in paths
    ]
    return [*served, StarletteRoute("/api/v1/{rest:path}", Endpoint(()))]
