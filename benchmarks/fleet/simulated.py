"""The scenario in virtual time: the product's scheduler on the simulator's machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.sim.ruled import Ruled
from tests.sim.workload import Demand
from tests.sim.world import Clock, Job

from potluck.core.scheduling.decisions import Decision, Start

from .scenario import Lived, fleet

_DRAIN_S = 3600.0


class _Watched(Ruled):
    """Notes when calls were sent, which is before a load for them begins. ``sent`` is by the job's ``id``."""

    def __init__(self, clock: Clock, speed: float) -> None:
        self.sent: dict[int, float] = {}
        super().__init__(clock, fleet(speed))

    def perform(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Start):
                self.sent[id(self.jobs[decision.request])] = self.clock.now
        super().perform(decisions)


def simulate(calls: Sequence[Demand], speed: float) -> tuple[list[Lived], int]:
    """What became of each call, and how many models were loaded."""
    clock = Clock()
    ruled = _Watched(clock, speed)
    jobs = [Job(replace(call, at_s=call.at_s / speed), 0.0, 0.0) for call in calls]
    for job in jobs:
        clock.at(job.demand.at_s, lambda job=job: ruled.arrived(job))
    clock.run(jobs[-1].demand.at_s + _DRAIN_S)
    return [_lived(job, ruled.sent.get(id(job)), speed) for job in jobs], sum(box.loads for box in ruled.boxes)


def _lived(job: Job, sent_s: float | None, speed: float) -> Lived:
    def since(when_s: float | None) -> float | None:
        return None if when_s is None else (when_s - job.demand.at_s) * speed

    kind, first_s, end_s = job.demand.kind, since(job.first_s), since(job.end_s)
    if job.lane is None or sent_s is None:
        return Lived(kind)
    node = job.lane.server.partition("/")[0]
    return Lived(kind, node, since(sent_s), job.load_s * speed, job.computed, first_s, end_s)
