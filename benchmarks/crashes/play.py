"""Kill the service at random moments under load, start it again, and look whether it kept its word."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from benchmarks.crashes.work import WORK, Work, asking
from tests.e2e import processes

_CALLERS = 8
# From its first breath, in which it reads what the last one left, to when everything is under way.
_LIVES_S = (0.0, 2.5)


@dataclass(frozen=True, slots=True)
class Outcome:
    """``kept`` is what was acknowledged, by its name; ``wrong`` what of that was not there, or twice."""

    kills: int
    kept: dict[str, int]
    wrong: list[str]
    slowest_start_s: float


def play(home: Path, config: Path, kills: int, chance: random.Random) -> Outcome:
    """Raises `tests.e2e.processes.DidNotStart` where the service does not come up after a kill."""
    work = [kind(chance) for kind in WORK]
    slowest_s = 0.0
    for _ in range(kills):
        began_s = time.monotonic()
        with processes.service(home, "--config", str(config)) as running:
            slowest_s = max(slowest_s, time.monotonic() - began_s)
            asyncio.run(_life(running, work, chance))
    with processes.service(home, "--config", str(config)) as running:
        wrong = asyncio.run(_look(running, work))
    return Outcome(kills, {each.name: each.kept for each in work}, wrong, slowest_s)


async def _life(running: processes.Service, work: Sequence[Work], chance: random.Random) -> None:
    async with asking(running.url, running.key) as client:

        async def caller() -> None:
            while True:
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    await chance.choice(work).ask(client)
                await asyncio.sleep(0.01)

        callers = [asyncio.create_task(caller()) for _ in range(_CALLERS)]
        await asyncio.sleep(chance.uniform(*_LIVES_S))
        running.process.kill()
        await asyncio.to_thread(running.process.wait)
        # What was answered before the kill may still be on its way to us.
        await asyncio.sleep(0.05)
        for each in callers:
            each.cancel()
        await asyncio.gather(*callers, return_exceptions=True)


async def _look(running: processes.Service, work: Sequence[Work]) -> list[str]:
    async with asking(running.url, running.key) as client:
        return [wrong for each in work for wrong in await each.check(client)]
