"""Traffic and faults for so long, twice: to warm up, and for the figures. At rest behind each, all is looked at."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.soak.callers import PATIENCE_S, Seen, Traffic
from benchmarks.soak.house import SLOTS, Break, Engine, drawn
from benchmarks.soak.watching import Sample, Under, rescues, sampled, slope_mib_per_minute, under
from tests.e2e import processes
from tests.matrix.http import Client

FAULT_EVERY_S = 2.0
_SAMPLE_EVERY_S = 2.0
_SAY_EVERY_S = 10.0
# Answers under way, their rescues and the looks that bring engines back.
_REST_S = 120.0
# What caches, the allocator's arenas and the database's pages may still grow by; a leak in half an hour of a thousand
# calls and more a minute is beyond it.
GROWTH_MIB = 8.0
# Beside the engines' kept connections: the listening socket, the loop's own pair, and one or two being closed.
_OTHER_SOCKETS = 8

Say = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """``rests`` are the service at rest behind the warm-up and at the end. ``held``: what was still held there."""

    seen: Seen
    faults: Counter[str] = field(default_factory=Counter[str])
    samples: list[Sample] = field(default_factory=list[Sample])
    rests: list[Sample] = field(default_factory=list[Sample])
    held: list[str] = field(default_factory=list[str])
    rescues: dict[str, int] = field(default_factory=dict[str, int])
    warm_s: float = 0.0

    @property
    def warm(self) -> list[Sample]:
        return [each for each in self.samples if each.at_s >= self.warm_s]

    @property
    def growth_mib(self) -> float:
        """Over the time behind the warm-up, by the slope."""
        warm = self.warm
        return slope_mib_per_minute(warm) * (warm[-1].at_s - warm[0].at_s) / 60 if warm else 0.0

    def broken(self, engines: int) -> list[str]:
        """The promises that were not kept, in words."""
        found = list(self.held)
        if self.seen.wrong:
            found.append(f"{len(self.seen.wrong)} answers were lost or wrong")
        if self.growth_mib > GROWTH_MIB:
            found.append(f"memory grew by {self.growth_mib:.1f} MiB behind the warm-up")
        first, last = self.rests[0], self.rests[-1]
        if last.files > first.files:
            found.append(f"{last.files} files are open, {first.files} were behind the warm-up")
        if last.sockets > engines * SLOTS * 2 + _OTHER_SOCKETS:
            found.append(f"{last.sockets} sockets are open")
        if last.threads > first.threads + 2:
            found.append(f"{last.threads} threads run, {first.threads} did behind the warm-up")
        return found


class Soak:
    def __init__(
        self, service: processes.Service, engines: list[Engine], seed: int, callers: int, *, network: bool, say: Say
    ) -> None:
        host, port = service.url.removeprefix("http://").split(":")
        self._service = service
        self._engines = engines
        self._callers = callers
        self._network = network
        self._say = say
        self._chance = random.Random(f"{seed} faults")
        self._traffic = Traffic(Client(host, int(port), service.key, PATIENCE_S), random.Random(f"{seed} traffic"))
        self._sick: set[str] = set()
        self._began = time.monotonic()
        self.outcome = Outcome(self._traffic.seen)

    async def run(self, minutes: float) -> Outcome:
        """A third of the time, five minutes at most, to warm up; then the rest."""
        self.outcome.warm_s = min(300.0, minutes * 20)
        await self._for(self.outcome.warm_s)
        await self._rest()
        self.outcome.warm_s = self._at_s()
        await self._for(minutes * 60 - min(300.0, minutes * 20))
        await self._rest()
        self.outcome.rescues = await asyncio.to_thread(rescues, self._service)
        return self.outcome

    def _at_s(self) -> float:
        return time.monotonic() - self._began

    async def _for(self, seconds: float) -> None:
        """Everybody comes to an end by himself: calls are read to theirs, and engines are mended."""
        self._traffic.stop.clear()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._callers):
                tasks.create_task(self._traffic.caller())
            tasks.create_task(self._breaks(tasks))
            tasks.create_task(self._watch())
            await asyncio.sleep(seconds)
            self._traffic.stop.set()

    async def _breaks(self, tasks: asyncio.TaskGroup) -> None:
        """One every two seconds, of an engine that is well; two at least always are."""
        while not await self._stopped(FAULT_EVERY_S):
            well = [each for each in self._engines if each.name not in self._sick]
            if len(well) > 2:
                drew = drawn(self._chance, well, network=self._network)
                self._sick.add(drew.engine.name)
                self.outcome.faults[drew.kind] += 1
                tasks.create_task(self._break(drew))

    async def _break(self, drew: Break) -> None:
        try:
            await drew.happen()
        finally:
            self._sick.discard(drew.engine.name)

    async def _watch(self) -> None:
        said_s = self._at_s()
        while not await self._stopped(_SAMPLE_EVERY_S):
            self.outcome.samples.append(sampled(self._service.process.pid, self._at_s()))
            if self._at_s() - said_s >= _SAY_EVERY_S:
                said_s = self._at_s()
                self._say(self._line())

    def _line(self) -> str:
        seen, last = self.outcome.seen, self.outcome.samples[-1]
        return (
            f"{self._at_s():5.0f} s: {seen.whole.total()} whole, {seen.left} left, {len(seen.wrong)} lost or wrong;"
            f" {self.outcome.faults.total()} faults; {last.rss_mib:.1f} MiB, {last.sockets} sockets, {last.files} files"
        )

    async def _stopped(self, within_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._traffic.stop.wait(), within_s)
        return self._traffic.stop.is_set()

    async def _rest(self) -> None:
        """Until nothing is under way, here and on the engines; what does not end is held, and said."""
        deadline = time.monotonic() + _REST_S
        held = await asyncio.to_thread(self._held)
        while held and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
            held = await asyncio.to_thread(self._held)
        self.outcome.held += held
        self.outcome.rests.append(sampled(self._service.process.pid, self._at_s()))

    def _held(self) -> list[str]:
        found: Under = under(self._service)
        told = [] if found.nothing else [f"at rest the service still holds {found}"]
        busy = {each.name: each.busy() for each in self._engines}
        return told + [f"at rest {name} still works at {calls} calls" for name, calls in busy.items() if calls]
