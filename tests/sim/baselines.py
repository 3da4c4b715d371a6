"""What others do: bind a call to a machine when it comes. The engine's own queue and evictions are Ollama's."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from .reference import REFERENCE, STATIC_WEIGHTS, Machine
from .world import Box, Clock, Job, Lane, Told

Choose = Callable[["Baseline", Job, list[tuple[Box, Lane]]], tuple[Box, Lane]]


class Baseline(Told):
    """Early binding by ``choose``. Each engine serves first come, first served; calls for loaded models may pass."""

    def __init__(self, choose: Choose, clock: Clock, seed: int, machines: tuple[Machine, ...] = REFERENCE) -> None:
        self.chance = Random(seed)
        self.choose = choose
        self.clock = clock
        self.boxes = [Box(machine, clock, self) for machine in machines]
        self.queues: dict[str, list[tuple[Job, Lane]]] = {box.machine.name: [] for box in self.boxes}
        self.latency: dict[str, float] = {}
        self.turns: dict[tuple[str, str], float] = {}

    def arrived(self, job: Job) -> None:
        places = [
            (box, lane) for box in self.boxes for (_, model), lane in box.lanes.items() if model == job.demand.model
        ]
        box, lane = self.choose(self, job, places)
        self.queues[box.machine.name].append((job, lane))
        self._serve(box)

    def ended(self, job: Job, box: Box) -> None:
        took = self.clock.now - job.demand.at_s
        before = self.latency.get(box.machine.name, took)
        self.latency[box.machine.name] = before + 0.2 * (took - before)
        self._serve(box)

    def outstanding(self, box: Box) -> int:
        return len(self.queues[box.machine.name]) + sum(len(lane.jobs) for lane in box.lanes.values())

    def _serve(self, box: Box) -> None:
        queue = self.queues[box.machine.name]
        pending_load = False
        for job, lane in list(queue):
            wanted = job.demand.num_ctx
            if lane.resident and wanted is not None and wanted != lane.num_ctx:
                if lane.jobs or pending_load or box.loading():
                    pending_load = True
                    continue
                box.evict(lane)  # another context: Ollama loads the model anew
                box.reloads += 1
                lane.num_ctx = wanted
            if lane.resident:
                if box.running(lane.server) < lane.slots:
                    queue.remove((job, lane))
                    box.start(job, lane)
            elif not lane.loading and not pending_load and not box.loading():
                if self._make_room(box, lane):
                    box.load(lane, lambda box=box: self._serve(box))
                # One pending load blocks all later loads.
                pending_load = True

    def _make_room(self, box: Box, lane: Lane) -> bool:
        idle = sorted(
            (other for other in box.lanes.values() if other.resident and not other.jobs), key=lambda one: one.used_s
        )
        free = box.machine.memory_gb - box.used_gb()
        if free + sum(other.memory_gb for other in idle) < lane.memory_gb:
            return False
        for other in idle:
            if free >= lane.memory_gb:
                break
            box.evict(other)
            free += other.memory_gb
        return True


def static_weights(policy: Baseline, job: Job, places: list[tuple[Box, Lane]]) -> tuple[Box, Lane]:
    """By the owner's shares, exactly, among the nodes that have the model and a weight."""
    weights = STATIC_WEIGHTS[job.demand.route]
    able = [(box, lane) for box, lane in places if box.machine.name in weights] or places
    total = sum(weights.get(box.machine.name, 1) for box, _ in able)
    for box, _ in able:
        key = (job.demand.model, box.machine.name)
        policy.turns[key] = policy.turns.get(key, 0.0) + weights.get(box.machine.name, 1) / total
    chosen = max(able, key=lambda place: policy.turns[job.demand.model, place[0].machine.name])
    policy.turns[job.demand.model, chosen[0].machine.name] -= 1
    return chosen


def least_connections(policy: Baseline, job: Job, places: list[tuple[Box, Lane]]) -> tuple[Box, Lane]:
    return min(places, key=lambda place: (policy.outstanding(place[0]), policy.chance.random()))


def lowest_latency(policy: Baseline, job: Job, places: list[tuple[Box, Lane]]) -> tuple[Box, Lane]:
    return min(places, key=lambda place: (policy.latency.get(place[0].machine.name, 0.0), policy.chance.random()))


def resident_first(policy: Baseline, job: Job, places: list[tuple[Box, Lane]]) -> tuple[Box, Lane]:
    return min(places, key=lambda place: (not place[1].resident, policy.outstanding(place[0]), policy.chance.random()))


def shortest_expected_delay(policy: Baseline, job: Job, places: list[tuple[Box, Lane]]) -> tuple[Box, Lane]:
    """Knows all rates and counts what is ahead by its mean length."""

    def delay(place: tuple[Box, Lane]) -> float:
        box, lane = place
        ahead = 0.0
        for other, where in policy.queues[box.machine.name]:
            ahead += other.demand.prompt / where.speed.prefill_tps + 150 / where.speed.decode_tps
        ahead += sum(75 / one.speed.decode_tps for one in box.lanes.values() for _ in one.jobs)
        load = 0.0 if lane.resident else lane.speed.load_s
        own = job.demand.prompt / lane.speed.prefill_tps + 150 / lane.speed.decode_tps
        return ahead / lane.slots + load + own

    return min(places, key=delay)


BASELINES: dict[str, Choose] = {
    "static weights": static_weights,
    "least connections": least_connections,
    "lowest latency": lowest_latency,
    "resident first": resident_first,
    "shortest expected delay": shortest_expected_delay,
}
