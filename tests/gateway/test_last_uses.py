"""Last uses of keys and sessions reach the database, whatever it does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from potluck.core.errors import StorageAway
from potluck.gateway.last_uses import LastUses


class World:
    def __init__(self) -> None:
        self.used: dict[str, float] = {}
        self.written: list[Mapping[str, float]] = []
        self.away = False
        self.uses = LastUses(self.taken, self.write)

    def taken(self) -> dict[str, float]:
        used, self.used = self.used, {}
        return used

    async def write(self, times: Mapping[str, float]) -> None:
        if self.away:
            raise StorageAway("away", retry_after_s=1.0)
        self.written.append(dict(times))


async def test_what_was_used_is_written_and_nothing_else() -> None:
    world = World()
    await world.uses.save()
    world.used = {"a": 1.0}
    await world.uses.save()
    await world.uses.save()
    assert world.written == [{"a": 1.0}]


async def test_while_the_database_is_away_the_latest_uses_wait_and_it_goes_on_trying() -> None:
    world = World()
    world.away = True
    world.used = {"a": 1.0, "b": 1.0}
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(world.uses.keeping(0.0))
        while world.used:
            await asyncio.sleep(0)
        world.used = {"a": 2.0}
        while world.used:
            await asyncio.sleep(0)
        world.away = False
        while not world.written:
            await asyncio.sleep(0)
        keeping.cancel()
    assert world.written == [{"a": 2.0, "b": 1.0}]
