"""Everything that is not inference, as one ASGI application. The inference routes are in `doors`."""

from __future__ import annotations

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from potluck.core.errors import BadRequest, ClientError, MethodNotAllowed, NotFound, Overloaded, PotluckError
from potluck.gateway.answer_headers import REQUEST_ID
from potluck.gateway.fleet import Fleet
from potluck.gateway.metrics import Metrics
from potluck.surfaces import a1111, anthropic, code, ollama, openai, openai_files, openai_images, system
from potluck.surfaces.auth import Keyring, RequireKey
from potluck.surfaces.families import errors_for
from potluck.surfaces.guarding import for_browsers
from potluck.surfaces.origins import Origins
from potluck.surfaces.pages import routes as pages
from potluck.surfaces.passwords import TakePasswords
from potluck.surfaces.services import Services
from potluck.surfaces.v1.routes import starlette_routes

log = structlog.get_logger(__name__)

ROUTES = (
    *system.ROUTES,
    *pages.ROUTES,
    *openai.ROUTES,
    *openai_files.ROUTES,
    *openai_images.ROUTES,
    *a1111.ROUTES,
    *anthropic.ROUTES,
    *starlette_routes(),
    *ollama.ROUTES,
    *code.ROUTES,
)


def application(services: Services, fleet: Fleet, metrics: Metrics, keyring: Keyring, origins: Origins) -> ASGIApp:
    """The application, with keys demanded in front of everything but the public paths.

    It also answers browsers that ask whether a page may call (preflights), for the doors too.
    """
    app = Starlette(
        routes=list(ROUTES),
        exception_handlers={PotluckError: _potluck_error, HTTPException: _http_error, Exception: _bug},
    )
    app.router.redirect_slashes = False  # a redirect loses the body of a POST in many clients
    app.state.services = services
    app.state.fleet = fleet
    app.state.metrics = metrics
    app.state.desk = a1111.Desk(services.storage.settings, services.clock)
    return for_browsers(_Edge(TakePasswords(RequireKey(app, keyring), keyring, services), services), origins)


class _Edge:
    """The outermost layer: gives every request its id, and answers for a missing key in the path's dialect."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state["request_id"] = self._services.new_id()
        try:
            await self._app(scope, receive, send)
        except (ClientError, Overloaded) as error:  # before the routes: Starlette's handlers render theirs
            await _error(scope["path"], error, state["request_id"])(scope, receive, send)
        except ClientDisconnect:
            log.debug("client left", path=scope["path"])


def _error(path: str, error: PotluckError, request_id: str) -> Response:
    """An error in the dialect of the path it happened on."""
    reply = errors_for(path)(error, request_id)
    headers = {REQUEST_ID: request_id, **dict(reply.headers)}
    return Response(reply.body, status_code=reply.status, media_type=reply.content_type, headers=headers)


def _request_id(request: Request) -> str:
    request_id: str = request.state.request_id
    return request_id


async def _potluck_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PotluckError)
    if not isinstance(error, ClientError):
        log.warning("request failed", path=request.url.path, error=error.message, detail=error.detail)
    return _error(request.url.path, error, _request_id(request))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    shown: ClientError
    match error.status_code:
        case 404:
            shown = NotFound(f"Nothing is at {path}.")
        case 405:
            allowed = (error.headers or {}).get("Allow", "").split(", ")
            shown = MethodNotAllowed(request.method, sorted(allowed))
        case _:
            shown = BadRequest(error.detail)
    return _error(path, shown, _request_id(request))


async def _bug(request: Request, error: Exception) -> Response:
    """A bug of ours. Starlette raises it again after this, and so it reaches the log with its trace."""
    reply = errors_for(request.url.path)(PotluckError("Something went wrong inside Potluck."), _request_id(request))
    return Response(reply.body, status_code=500, media_type=reply.content_type)
