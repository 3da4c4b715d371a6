"""Where a request comes from: its connection's other end or, where that is a proxy of the owner's, whom it names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from potluck.core.addresses import Address, Networks, plain, read_address

FORWARDED_FOR: Final = b"x-forwarded-for"

MARKS: Final = frozenset(
    {
        FORWARDED_FOR,
        b"forwarded",
        b"via",
        b"x-real-ip",
        b"x-client-ip",
        b"true-client-ip",
        b"cf-connecting-ip",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-forwarded-port",
        b"x-forwarded-server",
    }
)
"""Headers that only who hands requests on sets: where one is, somebody else stands behind the connection's end."""

# Who has more proxies than that in a row is not looking for an address.
_MOST_HOPS: Final = 32


@dataclass(frozen=True, slots=True)
class Whence:
    """``address`` of who asks; None where nobody can tell. ``peer`` is the connection's other end.

    ``proxied``: it came by a named proxy. ``sure``: and by no other, so that ``address`` is whose request it is.
    """

    address: Address | None
    peer: Address | None = None
    proxied: bool = False
    sure: bool = False

    @property
    def shown(self) -> str:
        """For logs, and for counting attempts: the best that is known."""
        return str(self.address or self.peer or "")


def whence(peer: str, headers: Iterable[tuple[bytes, bytes]], proxies: Networks) -> Whence:
    """``peer`` is the connection's other end, empty for one without an address (a Unix socket).

    1. No address: nothing is sure.
    2. Not a named proxy: it is who asks; what the headers say is its own invention, or that of a proxy nobody named.
    3. A named proxy: the last one in ``X-Forwarded-For`` that is no named proxy. Each proxy appends whom it heard, so
       what stands before that one was said by the client, or by a proxy that nobody named.
    """
    end = read_address(peer)
    if end is None:
        return Whence(None)
    end = plain(end)
    if end not in proxies:
        return Whence(end, end, sure=not any(name in MARKS for name, _ in headers))
    told = [value for name, value in headers if name == FORWARDED_FOR]
    return _told(end, b",".join(told).split(b",") if told else (), proxies)


def _told(peer: Address, hops: Sequence[bytes], proxies: Networks) -> Whence:
    address: Address | None = None
    for place, hop in list(enumerate(hops))[: -_MOST_HOPS - 1 : -1]:
        address = _read(hop)
        if address is None or address not in proxies:
            return Whence(address, peer, proxied=True, sure=address is not None and place == 0)
    # Nobody but proxies: the first of them asks itself. Or nothing was told.
    return Whence(address, peer, proxied=True, sure=address is not None and len(hops) <= _MOST_HOPS)


def _read(hop: bytes) -> Address | None:
    """``192.0.2.1`` or ``2001:db8::1``, also with a port: ``192.0.2.1:80``, ``[2001:db8::1]:80``."""
    text = hop.strip().decode("latin-1")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    found = read_address(text)
    return None if found is None else plain(found)
