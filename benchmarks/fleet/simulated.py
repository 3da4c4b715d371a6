"""The scenario in virtual time: the product's scheduler on the simulator's machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.sim.ruled import Ruled
from tests.sim.workload import Demand
from tests.sim.world import Clock, Job

from .scenario import Lived, fleet

_DRAIN_S = 3600.0


def simulate(calls: Sequence[Demand], speed: float) -> tuple[list[Lived], int]:
    """What became of each call, and how many models were loaded."""
    clock = Clock()
    ruled = Ruled(clock, fleet(speed))
    jobs = [Job(replace(call, at_s=call.at_s / speed), 0.0, 0.0) for call in calls]
    for job in jobs:
        clock.at(job.demand.at_s, lambda job=job: ruled.arrived(job))
    clock.run(jobs[-1].demand.at_s + _DRAIN_S)
    return [_lived(job, speed) for job in jobs], sum(box.loads for box in ruled.boxes)


def _lived(job: Job, speed: float) -> Lived:
    def since(when_s: float | None) -> float | None:
        return None if when_s is None else (when_s - job.demand.at_s) * speed

    return Lived(job.demand.kind, since(job.first_s), since(job.end_s))
