"""Where the pages are served, and with which headers."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from potluck.surfaces.guarded import PUBLIC, Guarded

PATHS = ("/sign-in", "/invite", "/reset", "/setup")
"""One page: its script looks at the path."""

# Nothing that the page does not bring itself, and nothing of it anywhere else (https://www.w3.org/TR/CSP3/).
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    # A one-time link must not be told to whoever a link on the page leads to.
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


async def page(request: Request) -> Response:
    return _file("account.html", "text/html; charset=utf-8", "no-store")


async def script(request: Request) -> Response:
    return _file("account.js", "text/javascript; charset=utf-8", "no-cache")


async def words(request: Request) -> Response:
    return _file("account-words.js", "text/javascript; charset=utf-8", "no-cache")


async def style(request: Request) -> Response:
    return _file("account.css", "text/css; charset=utf-8", "no-cache")


def _file(name: str, media_type: str, cached: str) -> Response:
    return Response(_read(name), media_type=media_type, headers={**_HEADERS, "cache-control": cached})


@cache
def _read(name: str) -> bytes:
    return files("potluck.surfaces.pages").joinpath(name).read_bytes()


ROUTES = (
    *(Guarded(path, page, right=PUBLIC, methods=["GET"]) for path in PATHS),
    Guarded("/pages/account.js", script, right=PUBLIC, methods=["GET"]),
    Guarded("/pages/account-words.js", words, right=PUBLIC, methods=["GET"]),
    Guarded("/pages/account.css", style, right=PUBLIC, methods=["GET"]),
)
