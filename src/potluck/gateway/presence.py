"""That this gateway is alive, said again and again, so that others know."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from potluck.core.errors import StorageAway
from potluck.storage.records import GatewayRecord
from potluck.storage.shared_ports import Presence

EVERY_S = 2.0
# Two words may be lost before others take it for gone.
TTL_S = 3 * EVERY_S


class Alive:
    """One gateway's word. While its server is away nobody hears it, and it is heard again when that is back."""

    def __init__(self, presence: Presence, gateway: GatewayRecord) -> None:
        self._presence = presence
        self._gateway = gateway

    async def saying(self) -> None:
        """As long as it runs."""
        while True:
            with suppress(StorageAway):
                await self._presence.here(self._gateway, TTL_S)
            await asyncio.sleep(EVERY_S)

    async def leave(self) -> None:
        """It stops: nobody need wait for its time to run out."""
        with suppress(StorageAway):
            await self._presence.leave(self._gateway.id)
