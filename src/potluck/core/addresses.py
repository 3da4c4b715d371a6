"""Which addresses are out on the Internet. What is asked for by URL may reach those, and nothing inside the network."""

from __future__ import annotations

import ipaddress
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: Address) -> bool:
    """Whether an address is out on the Internet. IPv4 in IPv6's clothes is judged as the IPv4 address it is."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return is_public(inner)
        # 64:ff9b::/96 is NAT64: the last 32 bits are an IPv4 address that a router would go to.
        if address in ipaddress.IPv6Network("64:ff9b::/96"):
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and not address.is_multicast


def read_address(text: str) -> Address | None:
    """An address as it stands in a URL or comes from a resolver, with or without a zone; None for a name."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
