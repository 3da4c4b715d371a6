"""The portal in front of the application: its addresses are answered here, all others passed on.

Everything here is the same for everybody, and so needs no key: who is signed in is asked by the page, with the one
request that it begins with, and who is not is led to /sign-in by it. What is for everybody can be kept by browsers, by
the service worker too, and a link from elsewhere opens it though the cookie of a session does not come along
(docs/decisions/0007).
"""

from __future__ import annotations

import asyncio
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from potluck.gateway import guard_headers as guard
from potluck.portal.files import DIST, File, Files, made_at
from potluck.portal.negotiation import encoding, wants_page
from potluck.portal.policy import ASK, FRAME_POLICY, WORKER_POLICY, YEAR, headers, page_policy

VIEWS: Final = frozenset({"chat", "code", "images", "nodes", "admin", "settings", "share"})
"""First parts of addresses that the page itself shows (web/src/lib/router.ts)."""

_FOLDERS: Final = frozenset({"assets", "icons", "frames"})
_SINGLE: Final = frozenset({"manifest.webmanifest", "sw.js", "theme.js"})
# Each view has a page, which asks for what the view is made of; one that has none is shown by the page of all.
_PAGES: Final = "/views/"
_SHELL: Final = "/index.html"
# 503 and not 404: the address is right, and there will be something there.
_NOT_BUILT: Final = 503


class Portal:
    """ASGI middleware, in front of the application ``rest``. Files are read when they are asked for."""

    def __init__(self, rest: ASGIApp, root: Path = DIST) -> None:
        self._rest = rest
        self._root = root
        self._files: Files | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _ours(scope) if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") else ""
        if not path:
            await self._rest(scope, receive, send)
            return
        answer = await self._answer(path, Headers(scope=scope), encrypted=scope.get("scheme") == "https")
        await answer(scope, receive, send)

    async def _answer(self, path: str, asked: Headers, *, encrypted: bool) -> Response:
        built = self._built()
        if built is None:
            return _missing(path, encrypted=encrypted)
        if path.startswith(_PAGES) and built.get(path) is None:
            path = _SHELL
        file = built.get(path)
        if file is None:
            said = headers("text/plain; charset=utf-8", guard.NO_PAGE, guard.NOT_KEPT, encrypted=encrypted)
            return Response(b"Not found: the portal has no such file.", 404, said)
        said = {**headers(file.type, _policy(path, file), _cached(path), encrypted=encrypted)}
        said |= _varied(path, file)
        chosen = encoding(asked.get("accept-encoding", ""), file.encodings)
        tag = said["etag"] = f'"{file.hash}{f"-{chosen}" if chosen else ""}"'
        if chosen:
            said["content-encoding"] = chosen
        if tag in (each.strip().removeprefix("W/") for each in asked.get("if-none-match", "").split(",")):
            return Response(None, 304, said)
        try:
            body = await asyncio.to_thread(built.read, path, chosen)
        except OSError:  # a build is under way
            return _missing(path, encrypted=encrypted)
        return Response(body, 200, said)

    def _built(self) -> Files | None:
        """The build that is there now: `make web` works under a service that runs."""
        if self._files is None or self._files.made != made_at(self._root):
            self._files = Files.open(self._root)
        return self._files


def _ours(scope: Scope) -> str:
    """The file that an address is answered with; empty for addresses that are not the portal's."""
    path: str = scope["path"]
    first, _, rest = path[1:].partition("/")
    if first in VIEWS:
        return f"{_PAGES}{first}.html"
    if first == "":
        # `Ollama is running` is for programs, which look for Ollama by it.
        return f"{_PAGES}home.html" if not rest and wants_page(Headers(scope=scope).get("accept", "")) else ""
    return path if (first in _FOLDERS and rest) or path[1:] in _SINGLE else ""


def _is_page(path: str) -> bool:
    return path == _SHELL or path.startswith(_PAGES)


def _policy(path: str, file: File) -> str:
    if path.startswith("/frames/"):
        return FRAME_POLICY
    # A worker has the policy that its own file comes with.
    if file.type.startswith("text/html") or path == "/sw.js":
        return page_policy(file.styles)
    return WORKER_POLICY if path.startswith("/assets/worker-") else guard.NO_PAGE


def _cached(path: str) -> str:
    return YEAR if path.startswith("/assets/") else ASK


def _varied(path: str, file: File) -> dict[str, str]:
    varied = {"vary": "accept, accept-encoding" if _is_page(path) else "accept-encoding"}
    if path.startswith("/frames/"):
        varied["x-frame-options"] = "SAMEORIGIN"
    elif path.startswith("/assets/"):
        # Frames without an origin of their own load them, too; there is nothing in them that is anybody's.
        varied |= {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
    return varied if file.encodings or _is_page(path) else {k: v for k, v in varied.items() if k != "vary"}


def _missing(path: str, *, encrypted: bool) -> Response:
    if not _is_page(path):
        said = headers("text/plain; charset=utf-8", guard.NO_PAGE, guard.NOT_KEPT, encrypted=encrypted)
        return Response(b"The portal is not built. Build it with: make web", _NOT_BUILT, said)
    said = headers("text/html; charset=utf-8", page_policy(()), guard.NOT_KEPT, encrypted=encrypted)
    return Response(_missing_page(), _NOT_BUILT, said)


@cache
def _missing_page() -> bytes:
    return resources("potluck.portal").joinpath("missing.html").read_bytes()
