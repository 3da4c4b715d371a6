"""Who asks without a key or a cookie of ours: whom a named proxy vouches for, and who is in a trusted network."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from potluck.core.addresses import Networks
from potluck.core.proxied import Headers, stripped
from potluck.core.whence import Whence, whence
from potluck.gateway.admission import PlanOf, unlimited
from potluck.gateway.port import Caller
from potluck.storage.records import UserRecord
from potluck.surfaces.neighbours import Neighbours
from potluck.surfaces.proxied import Proxied


class Strangers(msgspec.Struct, frozen=True):
    """``proxies`` are all that the owner named: what they say of addresses is believed."""

    proxies: Networks
    proxied: Proxied | None = None
    neighbours: Neighbours | None = None

    def replace(self, users: Iterable[UserRecord], plan_of: PlanOf = unlimited) -> None:
        """Take users as they are stored now, and how much each may use."""
        users = tuple(users)
        if self.proxied is not None:
            self.proxied.replace(users, plan_of)
        if self.neighbours is not None:
            self.neighbours.replace(users, plan_of)

    def whence(self, peer: str, headers: Headers) -> Whence:
        """Where a request comes from whose connection's other end is ``peer``."""
        return whence(peer, headers, self.proxies)

    def vouched(self, peer: str, method: bytes, headers: Headers) -> Caller | None:
        """Whom a proxy names. Raises as `Proxied.caller`."""
        return None if self.proxied is None else self.proxied.caller(self.whence(peer, headers), method, headers)

    def near(self, peer: str, headers: Headers) -> Caller | None:
        """The guest whose network it is, for a request without any credential."""
        return None if self.neighbours is None else self.neighbours.caller(self.whence(peer, headers), headers)

    def scheme(self, peer: str, headers: Headers) -> str:
        """How the browser came to a named proxy; empty where none says so."""
        told = dict(headers).get(b"x-forwarded-proto", b"").strip().lower()
        return told.decode() if told in (b"http", b"https") and self.whence(peer, headers).proxied else ""

    def clean(self, headers: Headers) -> Headers:
        """Without what only a proxy may say: from here on nobody takes it for true."""
        return headers if self.proxied is None else stripped(headers, self.proxied.rules.names)
