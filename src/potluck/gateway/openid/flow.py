"""A sign-in under way, sealed into the browser's cookie, and what its begin and its end look like from outside."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from potluck.core.model import UserId

CALLBACK: Final = "/api/v1/sessions/oidc/callback"
"""Where the provider sends browsers back to: its registration of us has the address with this path."""


class Flow(msgspec.Struct, frozen=True):
    """A sign-in under way. ``user`` is who wants to be known by this account, too; ``invitation`` the digest of one, as
    hexadecimal digits. Both are empty for a plain sign-in."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    until_s: float
    next: str = "/"
    user: str = ""
    invitation: str = ""


class Begun(msgspec.Struct, frozen=True):
    """Where to send the browser, and the cookie's value that it is to bring back."""

    url: str
    cookie: str


class Ended(msgspec.Struct, frozen=True):
    """Who signed in, and where to go on. ``linked``: a user who is signed in is known by this account now, too."""

    user: UserId
    next: str
    linked: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What the provider has the browser bring back (RFC 6749 4.1.2, RFC 9207)."""

    state: str = ""
    code: str = ""
    error: str = ""
    iss: str = ""


class OpenIdCare(Protocol):
    """Sign-in by a provider: `gateway.openid.sign_in.SignIn`, which says what each raises."""

    async def begin(self, redirect_uri: str, *, next: str = "", user: str = "", invitation: str = "") -> Begun: ...

    async def end(self, answer: Answer, cookie: str, address: str) -> Ended: ...


class OpenIdWay(msgspec.Struct, frozen=True):
    """What there is of it before anybody signs in so: the button's ``label``, and the address that the provider sends
    browsers back to, empty for that by which they came. ``sign_in`` loads the rest."""

    label: str
    redirect_uri: str
    sign_in: Callable[[], Awaitable[OpenIdCare]]


def sealed(flow: Flow, key: bytes) -> str:
    body = base64.urlsafe_b64encode(msgspec.json.encode(flow))
    return f"{body.decode()}.{_mark(body, key)}"


def opened(cookie: str, key: bytes) -> Flow | None:
    """The flow of a cookie that we have sealed; None for every other one."""
    body, _, mark = cookie.encode("utf-8", "replace").rpartition(b".")
    if not body or not hmac.compare_digest(_mark(body, key).encode(), mark):
        return None
    return msgspec.json.decode(base64.urlsafe_b64decode(body), type=Flow)


def _mark(body: bytes, key: bytes) -> str:
    return hmac.new(key, b"potluck openid flow\0" + body, hashlib.sha256).hexdigest()
