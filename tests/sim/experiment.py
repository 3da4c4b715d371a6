"""One run: a policy, a seed, a load; and what came of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import mean

from potluck.core.scheduling.classes import DEFAULT_LIMITS, Kind

from .baselines import BASELINES, Baseline
from .reference import REFERENCE
from .ruled import Ruled
from .workload import Demand, demands, within
from .world import Clock, Job

_DRAIN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """``goodput``: share of calls inside both limits; ``unfairness``: the users' worst mean slowdown by the best."""

    goodput: float
    swaps_per_hour: float
    unfairness: float
    chat_first_p95_s: float
    refused: int
    reloads: int
    by_kind: dict[str, float]


def run(policy: str, seed: int, load: float, hours: float = 2.0, *, num_ctx: bool = False) -> Outcome:
    clock = Clock()
    told = Ruled(clock) if policy == "the rule" else Baseline(BASELINES[policy], clock, seed)
    jobs = [Job(demand, 0.0, 0.0) for demand in demands(seed, load, hours, num_ctx=num_ctx)]
    for job in jobs:
        clock.at(job.demand.at_s, lambda job=job: told.arrived(job))
    clock.run(hours * 3600 + _DRAIN_S)
    loads = sum(box.loads for box in told.boxes)
    return outcome(jobs, loads / hours, sum(box.reloads for box in told.boxes))


def outcome(jobs: list[Job], swaps_per_hour: float, reloads: int) -> Outcome:
    good: dict[Kind, list[bool]] = defaultdict(list)
    slowdowns: dict[int, list[float]] = defaultdict(list)
    firsts: list[float] = []
    for job in jobs:
        demand = job.demand
        done = job.first_s is not None and job.end_s is not None
        first_s = job.first_s - demand.at_s if job.first_s is not None else _DRAIN_S
        end_s = job.end_s - demand.at_s if job.end_s is not None else _DRAIN_S
        good[demand.kind].append(done and within(demand.kind, first_s, end_s))
        if demand.kind is Kind.CHAT:
            firsts.append(first_s)
        if demand.kind not in (Kind.BACKGROUND, Kind.BATCH):
            if job.refused_s is not None:  # what it waited, and what its class calls the end of patience
                end_s = job.refused_s - demand.at_s + DEFAULT_LIMITS[demand.kind].gives_up_s
            slowdowns[demand.user].append(end_s / alone_s(demand))
    means = [mean(values) for values in slowdowns.values() if len(values) >= 5]
    return Outcome(
        mean(one for values in good.values() for one in values),
        swaps_per_hour,
        max(means) / min(means) if means else 1.0,
        sorted(firsts)[int(0.95 * (len(firsts) - 1))],
        sum(job.refused_s is not None for job in jobs),
        reloads,
        {kind.value: round(mean(values), 3) for kind, values in sorted(good.items())},
    )


def alone_s(demand: Demand) -> float:
    """On the fastest machine that has the model, loaded and otherwise idle."""
    speeds = [
        server.models[demand.model]
        for machine in REFERENCE
        for server in machine.servers
        if demand.model in server.models
    ]
    return min(demand.prompt / speed.prefill_tps + demand.answer / speed.decode_tps for speed in speeds)
