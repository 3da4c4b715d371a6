"""What browsers are to refuse, on every answer of the application (`gateway.guard_headers`)."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from potluck.gateway import guard_headers as guard
from potluck.surfaces.origins import Origins


def for_browsers(app: ASGIApp, origins: Origins) -> ASGIApp:
    """``app`` as pages of the owner's origins may call it, with what browsers are to refuse on every answer."""
    return Guarding(
        CORSMiddleware(
            app,
            allow_origin_regex=origins.pattern,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_private_network=True,
            expose_headers=["*"],
        )
    )


class Guarding:
    """ASGI middleware, the outermost. What an answer says itself stays: a page may have a policy of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _guard(MutableHeaders(scope=message), encrypted=scope.get("scheme") == "https")
            await send(message)

        await self._app(scope, receive, guarded)


def _guard(headers: MutableHeaders, *, encrypted: bool) -> None:
    for name, value in guard.EVERYWHERE:
        headers.setdefault(name, value)
    page = headers.get("content-type", "").startswith("text/html")
    headers.setdefault("content-security-policy", guard.PAGE if page else guard.NO_PAGE)
    headers.setdefault("cache-control", guard.NOT_KEPT)
    if page:
        headers.setdefault(*guard.ALONE)
    if encrypted:
        headers.setdefault(*guard.STAY_ENCRYPTED)
