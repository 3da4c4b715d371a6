"""The port as one ASGI application: keys before everything, ComfyUI's own shape for every error."""

from __future__ import annotations

from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from potluck.core.errors import BadRequest, ClientError, MethodNotAllowed, NotFound, PotluckError
from potluck.core.people import Right
from potluck.gateway.answer_headers import REQUEST_ID
from potluck.surfaces.addresses import address_of
from potluck.surfaces.auth import Headers, Keyring
from potluck.surfaces.comfyui import ROUTES, SOCKETS, Desk
from potluck.surfaces.guarding import for_browsers
from potluck.surfaces.origins import Origins
from potluck.surfaces.services import Services
from potluck.wire.comfyui.errors import write_error

log = structlog.get_logger(__name__)

SURFACE: Final = "comfyui"
_PUBLIC: Final = frozenset({"/"})


def application(services: Services, keyring: Keyring, origins: Origins, desk: Desk) -> ASGIApp:
    app = Starlette(
        routes=[*ROUTES, *SOCKETS],
        exception_handlers={PotluckError: _potluck_error, HTTPException: _http_error, Exception: _bug},
    )
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.comfyui = desk
    return for_browsers(_Gate(app, services, keyring), origins)


class _Gate:
    """Gives every request its id, and lets nobody pass without a key: a bearer's, Basic auth's password, or ``token``
    in the query, for browsers can send no headers with a WebSocket. Cookies count for nothing here: a page of another
    origin could use them."""

    def __init__(self, app: ASGIApp, services: Services, keyring: Keyring) -> None:
        self._app = app
        self._services = services
        self._keyring = keyring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state["request_id"] = self._services.new_id()
        try:
            self._let_in(scope)
            await self._app(scope, receive, send)
        except ClientError as error:
            await _error(error, state["request_id"])(scope, receive, send)  # of a handshake, too
        except ClientDisconnect:
            log.debug("client left", path=scope["path"])

    def _let_in(self, scope: Scope) -> None:
        headers: Headers = [each for each in scope["headers"] if each[0] != b"cookie"]
        peer, strangers, state = address_of(scope), self._keyring.strangers, scope["state"]
        state["address"] = peer if strangers is None else strangers.whence(peer, headers).shown
        if scope["path"] in _PUBLIC:
            return
        method = scope.get("method", "GET").encode()
        caller = self._keyring.caller(headers, scope.get("query_string", b""), method, peer)
        if caller.scope is not None and not caller.scope.allows_surface(SURFACE):
            raise caller.scope.surface_refusal(SURFACE)
        if scope["type"] == "websocket" and not caller.may(Right.MAKE_PICTURES):
            raise caller.refusal(Right.MAKE_PICTURES)
        state["caller"] = caller
        scope["headers"] = headers if strangers is None else strangers.clean(headers)


def _error(error: PotluckError, request_id: str) -> Response:
    reply = write_error(error, request_id)
    headers = {REQUEST_ID: request_id, **dict(reply.headers)}
    return Response(reply.body, status_code=reply.status, media_type=reply.content_type, headers=headers)


async def _potluck_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PotluckError)
    if not isinstance(error, ClientError):
        log.warning("request failed", path=request.url.path, error=error.message, detail=error.detail)
    return _error(error, request.state.request_id)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    shown: ClientError
    match error.status_code:
        case 404:
            shown = NotFound(f"Nothing is at {path}.", hint="This port has ComfyUI's API, and not its page.")
        case 405:
            allowed = (error.headers or {}).get("Allow", "").split(", ")
            shown = MethodNotAllowed(request.method, sorted(allowed))
        case _:
            shown = BadRequest(error.detail)
    return _error(shown, request.state.request_id)


async def _bug(request: Request, error: Exception) -> Response:
    return _error(PotluckError("Something went wrong inside Potluck."), request.state.request_id)
