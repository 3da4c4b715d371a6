"""A user's own name and password by Basic, on the paths of clients that know nothing else: A1111's.

A password that begins as API keys do is taken for one, and left to `auth`.
"""

from __future__ import annotations

import base64
import binascii

from starlette.types import ASGIApp, Receive, Scope, Send

from potluck.core.errors import Forbidden, Unauthenticated
from potluck.core.keys import KEY_MARK
from potluck.core.people import own_key
from potluck.core.sessions import forged
from potluck.gateway.attempts import Visitor
from potluck.surfaces.addresses import address_of
from potluck.surfaces.auth import Headers, Keyring
from potluck.surfaces.services import Services

_PATHS = ("/sdapi/", "/controlnet/")
_LONGEST = 2048


class TakePasswords:
    """ASGI middleware before `auth.RequireKey`. Raises as `ByPassword.user`, and `Forbidden` for a page elsewhere,
    whose requests a browser signs by itself."""

    def __init__(self, app: ASGIApp, keyring: Keyring, services: Services) -> None:
        self._app = app
        self._keyring = keyring
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_PATHS):
            headers = dict(scope["headers"])
            pair = _pair(headers.get(b"authorization", b""))
            if pair is not None:
                await self._prove(scope, headers, *pair)
        await self._app(scope, receive, send)

    async def _prove(self, scope: Scope, headers: dict[bytes, bytes], name: str, password: str) -> None:
        site, origin = headers.get(b"sec-fetch-site", b""), headers.get(b"origin", b"")
        if (site or origin) and forged(scope["method"].encode(), site, origin, headers.get(b"host", b"")):
            raise Forbidden("A password is taken from programs, and from Potluck's own pages.")
        visitor = Visitor(self._address(scope), headers.get(b"user-agent", b"").decode("latin-1"))
        user = await self._services.accounts().by_password.user(name, password, visitor)
        caller = self._keyring.of_key(own_key(user.id))
        if caller is None:
            raise Unauthenticated
        scope.setdefault("state", {})["proven"] = caller

    def _address(self, scope: Scope) -> str:
        headers: Headers = scope["headers"]
        peer, strangers = address_of(scope), self._keyring.strangers
        return peer if strangers is None else strangers.whence(peer, headers).shown


def _pair(value: bytes) -> tuple[str, str] | None:
    """Name and password of Basic; None for anything else, and for an API key."""
    scheme, _, encoded = value.strip().partition(b" ")
    if scheme.lower() != b"basic" or len(encoded) > _LONGEST:
        return None
    try:
        name, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return None if not name or not password or password.startswith(KEY_MARK) else (name, password)
