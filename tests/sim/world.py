"""Machines in virtual time: memory, loads, and the sharing of one processor among models and their calls.

Knows nothing of scheduling. A model's share of its machine is one part in as many as run; within a model the batch
slows each call a little; reading prompts and decoding hinder each other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from .reference import MEMORY_GB, Machine, Speed
from .workload import Demand

_PREFILL_CROWD = 4 / 3
_DECODE_CROWD = 1.5


@dataclass(slots=True, eq=False)
class Job:
    """A call on a machine, as it goes: what is left to read and to write, in tokens."""

    demand: Demand
    read: float
    written: float
    first_s: float | None = None
    end_s: float | None = None
    begun_s: float = 0.0
    load_s: float = 0.0
    computed: int = 0
    refused_s: float | None = None
    lane: Lane | None = None


@dataclass(slots=True, eq=False)
class Lane:
    server: str
    model: str
    speed: Speed
    slots: int
    resident: bool = False
    loading: bool = False
    used_s: float = 0.0
    num_ctx: int = 4096
    jobs: list[Job] = field(default_factory=list[Job])
    warm: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None])

    @property
    def memory_gb(self) -> float:
        return MEMORY_GB[self.model]


class Clock:
    """Virtual time: what is due next happens next."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def at(self, when_s: float, act: Callable[[], None]) -> None:
        heappush(self._due, (when_s, next(self._numbers), act))

    def run(self, until_s: float) -> None:
        while self._due and self._due[0][0] <= until_s:
            self.now, _, act = heappop(self._due)
            act()


class Box:
    """One machine at work. ``told`` hears of first tokens, ends and loads."""

    def __init__(self, machine: Machine, clock: Clock, told: Told) -> None:
        self.machine = machine
        self.clock = clock
        self.told = told
        self.lanes = {
            (server.name, model): Lane(server.name, model, speed, server.slots)
            for server in machine.servers
            for model, speed in server.models.items()
        }
        self.loads = 0
        self.reloads = 0
        self._moved_s = 0.0
        self._version = 0

    def used_gb(self) -> float:
        return sum(lane.memory_gb for lane in self.lanes.values() if lane.resident or lane.loading)

    def loading(self) -> bool:
        return any(lane.loading for lane in self.lanes.values())

    def running(self, server: str) -> int:
        return sum(len(lane.jobs) for lane in self.lanes.values() if lane.server == server)

    def load(self, lane: Lane, done: Callable[[], None]) -> None:
        """Begin to load; the memory is taken at once."""
        assert not lane.resident
        assert not lane.loading
        lane.loading = True
        assert self.used_gb() <= self.machine.memory_gb + 1e-9, "the memory of a node is over-committed"
        self.loads += 1

        def loaded() -> None:
            lane.loading, lane.resident = False, True
            done()

        self.clock.at(self.clock.now + lane.speed.load_s, loaded)

    def evict(self, lane: Lane) -> None:
        assert not lane.jobs, "a model in use is evicted"
        lane.resident = False
        lane.warm.clear()

    def start(self, job: Job, lane: Lane) -> None:
        assert lane.resident
        assert self.running(lane.server) < lane.slots, "an engine's slots are exceeded"
        self._advance()
        cached = self._take_slot(job, lane)
        job.computed = max(0, job.demand.prompt - cached)
        # An engine's first token comes out of the prompt's last batch; an image, without a prompt, is all written.
        job.read, job.written = float(job.computed), float(job.demand.answer - (job.computed > 0))
        job.lane, job.begun_s = lane, self.clock.now
        lane.jobs.append(job)
        lane.used_s = self.clock.now
        self._plan()

    def _rates(self) -> list[tuple[Job, float, float]]:
        """Every job with its reading and writing rate, of which one is nought."""
        busy = [lane for lane in self.lanes.values() if lane.jobs]
        found: list[tuple[Job, float, float]] = []
        for lane in busy:
            reading = sum(1 for job in lane.jobs if job.read > 0)
            writing = len(lane.jobs) - reading
            for job in lane.jobs:
                if job.read > 0:
                    crowd = _PREFILL_CROWD if writing else 1.0
                    found.append((job, lane.speed.prefill_tps / len(busy) / reading / crowd, 0.0))
                else:
                    crowd = 1 + lane.speed.batching * (writing - 1)
                    crowd *= _DECODE_CROWD if reading else 1.0
                    found.append((job, 0.0, lane.speed.decode_tps / len(busy) / crowd))
        return found

    def _advance(self) -> None:
        passed = self.clock.now - self._moved_s
        self._moved_s = self.clock.now
        if passed > 0:
            for job, reading, writing in self._rates():
                job.read = max(0.0, job.read - passed * reading)
                job.written = max(0.0, job.written - passed * writing)

    def _plan(self) -> None:
        """Look again when the first thing changes by itself: a prompt read, a first token, an end."""
        self._version += 1
        version = self._version
        next_s = float("inf")
        for job, reading, writing in self._rates():
            next_s = min(next_s, job.read / reading if reading else job.written / writing)
        if next_s < float("inf"):
            self.clock.at(self.clock.now + next_s, lambda: self._changed(version))

    def _changed(self, version: int) -> None:
        if version != self._version:
            return
        self._advance()
        now = self.clock.now
        firsts, ends = [], []
        for lane in self.lanes.values():
            for job in list(lane.jobs):
                if job.read <= 1e-6:
                    job.read = 0.0
                if job.read == 0 and job.first_s is None and job.written <= job.demand.answer - 1 + 1e-6:
                    job.first_s = now
                    firsts.append(job)
                if job.written <= 1e-6 and job.read == 0:
                    job.end_s = now
                    lane.jobs.remove(job)
                    self._keep_warm(job, lane)
                    ends.append(job)
        self._plan()
        for job in firsts:
            self.told.first(job)
        for job in ends:
            self.told.ended(job, self)

    def _take_slot(self, job: Job, lane: Lane) -> int:
        """The tokens of the prompt that are there already. Who finds none overwrites the slot unused for longest."""
        if job.demand.conversation in lane.warm:
            del lane.warm[job.demand.conversation]
            return job.demand.prefix
        if len(lane.warm) + len(lane.jobs) >= lane.slots and lane.warm:
            lane.warm.popitem(last=False)
        return 0

    def _keep_warm(self, job: Job, lane: Lane) -> None:
        lane.used_s = self.clock.now
        # What is not a conversation's takes a slot as well, which is then the one used last.
        held = job.demand.conversation or f"{id(job)}"
        lane.warm.pop(held, None)
        lane.warm[held] = None


class Told:
    """Who places calls; a policy."""

    def arrived(self, job: Job) -> None:
        raise NotImplementedError

    def first(self, job: Job) -> None:
        """The first token is out."""

    def ended(self, job: Job, box: Box) -> None:
        """The whole answer is out."""
