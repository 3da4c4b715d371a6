"""The pools of all addresses that engines have."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from potluck.backends.port import Address
from potluck.gateway.relay.engine import Pool


class Pools:
    """One `Pool` for each address. ``clock`` is monotonic seconds; ``tls`` is made when the first address needs it."""

    def __init__(self, clock: Callable[[], float], tls: ssl.SSLContext | None = None) -> None:
        self._clock = clock
        self._tls = tls
        self._pools: dict[Address, Pool] = {}

    def to(self, address: Address) -> Pool:
        pool = self._pools.get(address)
        if pool is None:
            tls = (self._tls or ssl.create_default_context()) if address.tls else None
            pool = self._pools[address] = Pool(address, self._clock, tls)
        return pool

    def sweep(self) -> None:
        """Close connections that were idle too long, and forget addresses that nothing uses."""
        for address, pool in list(self._pools.items()):
            pool.sweep()
            if pool.unused:
                del self._pools[address]

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
