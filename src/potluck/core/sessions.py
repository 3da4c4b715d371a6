"""Sessions of browsers: how long one lasts, and which requests with its cookie another site may have forged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

COOKIES: Final = (b"__Host-potluck", b"potluck")
"""The cookie's names. The first one binds it to this host and to https, where the browser speaks that."""

DEVICE_COOKIES: Final = (b"__Host-potluck-device", b"potluck-device")
"""By these a browser is known again that somebody has signed in with; they let nobody in (`core.backoff`)."""

DEVICE_S: Final = 400 * 86_400.0
"""As long as browsers keep any cookie (RFC 6265bis)."""

_READING: Final = frozenset({b"GET", b"HEAD", b"OPTIONS"})


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """A session ends when it was not used for ``idle_s``, and ``length_s`` after its beginning at the latest."""

    idle_s: float = 7 * 86_400.0
    length_s: float = 30 * 86_400.0

    def end_s(self, created_s: float, last_used_s: float) -> float:
        """When a session ends if it is not used any more."""
        return min(created_s + self.length_s, last_used_s + self.idle_s)


def cookie_in(value: bytes, names: Sequence[bytes] = COOKIES) -> bytes:
    """What a ``Cookie`` header holds under the first of ``names`` that it has, or nothing."""
    found: dict[bytes, bytes] = {}
    for part in value.split(b";"):
        name, _, token = part.strip().partition(b"=")
        found[name] = token
    return next((found[name] for name in names if found.get(name)), b"")


def forged(method: bytes, site: bytes, origin: bytes, host: bytes) -> bool:
    """Whether a request that carries the cookie may come from a page that is not ours (docs/decisions/0007).

    ``site`` is ``Sec-Fetch-Site``, ``origin`` and ``host`` the headers of that name; empty where there is none.
    """
    # 1. What only reads does no harm: no other page may read the answer.
    if method in _READING:
        return False
    # 2. Browsers say it where the address is https or this machine.
    if site:
        return site != b"same-origin"
    # 3. Else they name the page's origin with whatever changes something; who names none is no browser of today.
    return not host or origin.lower() not in (b"http://" + host.lower(), b"https://" + host.lower())


def set_cookie(token: str, *, secure: bool, length_s: float, names: tuple[bytes, bytes] = COOKIES) -> str:
    """The ``Set-Cookie`` header of a new session (RFC 6265bis); with an empty token the one that ends it."""
    name = names[0 if secure else 1].decode()
    age = round(length_s) if token else 0
    return f"{name}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"
