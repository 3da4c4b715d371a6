"""Which addresses are out on the Internet, and which in a network of the owner's.

What is asked for by URL may reach those on the Internet, and nothing inside the network.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# All that was ever given out for hosts of the Internet (IANA, "IPv6 Global Unicast Address Assignments"). Outside of it
# lie also old clothes of IPv4 that Python's own table does not know: ::/96, ::ffff:0:0:0/96, a network's own NAT64.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_DOCUMENTATION = ipaddress.IPv6Network("3fff::/20")  # RFC 9637, younger than some of the Pythons that we run on
# An interface that tunnels to the IPv4 address behind it (ISATAP, RFC 5214 6.1), with or without the universal bit.
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


def is_public(address: Address) -> bool:
    """Whether an address is out on the Internet. IPv4 in IPv6's clothes is judged as the IPv4 address it is."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    worn = _worn(address)
    if worn is not None:
        return is_public(worn)
    return address in _GLOBAL_UNICAST and address.is_global and address not in _DOCUMENTATION


def _worn(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address in IPv6's clothes that a router, or this machine, would go to."""
    if (inner := address.ipv4_mapped or address.sixtofour) is not None:
        return inner
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def read_address(text: str) -> Address | None:
    """An address as it stands in a URL or comes from a resolver, with or without a zone; None for a name."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


# What routers and mDNS name machines of a house by, and what the Internet's name servers never answer for (RFC 6762,
# RFC 8375 and ICANN's "internal").
_LOCAL_NAMES = (".local", ".lan", ".home", ".home.arpa", ".internal", ".localhost")


def is_local_host(host: str) -> bool:
    """Whether a ``Host`` header names a machine by address, or by a name that only this network knows.

    Of another name, whoever owns it says which address it is, and may say ours (DNS rebinding).
    """
    name = host.strip().lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    name = name.rstrip(".")
    return bool(name) and (read_address(name) is not None or "." not in name or name.endswith(_LOCAL_NAMES))


def plain(address: Address) -> Address:
    """An address as itself: IPv4 in IPv6's clothes, as a socket for both shows it, is the IPv4 address."""
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def read_network(text: str) -> Network:
    """A network in CIDR form, or one address; mapped IPv4 is IPv4. Raises `ValueError`, also for one with host bits."""
    network = ipaddress.ip_network(text)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        inner = network.network_address.ipv4_mapped
        if inner is not None:
            return ipaddress.IPv4Network((inner, network.prefixlen - 96))
    return network


class Networks:
    """Some networks, and whether an address is in one of them."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Raises `ValueError` as `read_network` does."""
        self._networks = tuple(read_network(each) for each in networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: Address) -> bool:
        address = plain(address)
        return any(address in network for network in self._networks)
