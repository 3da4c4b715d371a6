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
        self._blocked: dict[Address, str] = {}

    def to(self, address: Address) -> Pool:
        pool = self._pools.get(address)
        if pool is None:
            tls = (self._tls or ssl.create_default_context()) if address.tls else None
            pool = self._pools[address] = Pool(address, self._clock, tls)
            if address in self._blocked:
                pool.block(self._blocked[address])
        return pool

    def block(self, address: Address, why: str) -> None:
        """Be as if what listens there had died (`Pool.block`), until `unblock`. ``why`` is what callers are told."""
        self._blocked[address] = why
        self.to(address).block(why)

    def unblock(self, address: Address) -> None:
        if self._blocked.pop(address, None) is not None:
            self.to(address).unblock()

    def sweep(self) -> None:
        """Close connections that were idle too long, and forget addresses that nothing uses."""
        for address, pool in list(self._pools.items()):
            pool.sweep()
            if pool.unused:
                del self._pools[address]

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
