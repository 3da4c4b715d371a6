"""What one gateway writes above a request that it forwards to another: who asks, signed with what they share.

The client's own headers go along as they came, so that its key is judged by the gateway that leads and by nobody else.
What a forwarded request cannot show by itself is where it came from: its connection is the other gateway's.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

HOP: Final = b"potluck-hop"
NOT_LEADING: Final = b"potluck-not-leading"
"""Of the answer to a forwarded request: it was not looked at, and is to be tried again where another one leads."""

PROMISE: Final = b"/.potluck/promise"
"""Where a leader that has lost the store asks the others not to take over (`core.leadership`)."""

_VERSION = b"v1"


class Hops:
    """Signs and checks. ``secret`` is that of all gateways on one database."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def sign(self, method: bytes, target: bytes, client: str) -> bytes:
        """The header's value for a request of ``client``, an address."""
        told = b"%b %b" % (_VERSION, client.encode("latin-1", "replace") or b"-")
        return b"%b %b" % (told, self._mac(told, method, target))

    def client(self, headers: Iterable[tuple[bytes, bytes]], method: bytes, target: bytes) -> str | None:
        """The address of the client, if another gateway of ours has forwarded this; else None. Anybody can write such a
        header, and only those who have the secret one that counts."""
        for name, value in headers:
            if name != HOP:
                continue
            told, _, mac = value.rpartition(b" ")
            if told.startswith(_VERSION + b" ") and hmac.compare_digest(mac, self._mac(told, method, target)):
                return told.partition(b" ")[2].decode("latin-1")
        return None

    def _mac(self, told: bytes, method: bytes, target: bytes) -> bytes:
        return hmac.digest(self._secret, b"%b\n%b %b" % (told, method, target), "sha256").hex().encode()
