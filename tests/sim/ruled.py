"""The product's scheduler, driven by virtual time: the same object that the gateway drives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from potluck.core.model import Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId, RequestId, UserId
from potluck.core.scheduling.asks import Ask, Place, Target
from potluck.core.scheduling.classes import Kind
from potluck.core.scheduling.decisions import Decision, Evict, Load, Refuse, Start
from potluck.core.scheduling.rates import Rates, Timing
from potluck.core.scheduling.scheduler import Scheduler

from .reference import GB, MEMORY_BY_SIZE, MEMORY_GB, REFERENCE, Machine
from .world import Box, Clock, Job, Lane, Told


class Ruled(Told):
    """A shell of some sixty lines: performs what is decided, says what happened."""

    def __init__(
        self,
        clock: Clock,
        machines: tuple[Machine, ...] = REFERENCE,
        *,
        rates: Mapping[tuple[EngineId, ModelId], Rates] | None = None,
    ) -> None:
        self.clock = clock
        self.scheduler = Scheduler(rates=rates)
        self.boxes = [Box(machine, clock, self) for machine in machines]
        self.places: dict[tuple[str, str], tuple[Box, Lane]] = {}
        self.jobs: dict[RequestId, Job] = {}
        self.waits_for: dict[tuple[str, str], Job] = {}
        self.ids: dict[int, RequestId] = {}
        self.ticking = False
        names: dict[str, list[Place]] = {}
        for box in self.boxes:
            for server in box.machine.servers:
                self.scheduler.engine(self._snapshot(box, server.name, server.slots), 0.0)
                for model in server.models:
                    self.places[server.name, model] = (box, box.lanes[server.name, model])
                    names.setdefault(model, []).append(Place(EngineId(server.name), ModelId(model)))
        self.scheduler.declare([Target(name, tuple(places)) for name, places in names.items()], 0.0)

    def _snapshot(self, box: Box, server: str, slots: int) -> Engine:
        models = {
            ModelId(model): Model(
                ModelId(model),
                resident=lane.resident,
                memory_bytes=int(MEMORY_GB[model] * GB),
                size_bytes=int(MEMORY_GB[model] * GB / MEMORY_BY_SIZE),
            )
            for (name, model), lane in box.lanes.items()
            if name == server
        }
        node = NodeId(box.machine.name)
        memory = int(box.machine.memory_gb * GB)
        return Engine(EngineId(server), node, EngineKind.OLLAMA, Health.UP, slots, 0, models, "", memory)

    def arrived(self, job: Job) -> None:
        demand = job.demand
        request = RequestId(f"r{len(self.ids)}")
        self.ids[id(job)] = request
        self.jobs[request] = job
        ask = Ask(request, UserId(f"u{demand.user}"), demand.model, demand.kind, demand.prompt, demand.conversation)
        self.perform(self.scheduler.arrive(ask, self.clock.now))

    def first(self, job: Job) -> None:
        self.perform(self.scheduler.first(self.ids[id(job)], self.clock.now))

    def ended(self, job: Job, box: Box) -> None:
        assert job.first_s is not None
        read_s, written_s = job.first_s - job.begun_s, self.clock.now - job.first_s
        # As Ollama tells it: all of the prompt, with what it had in its cache.
        timing = Timing(job.demand.prompt, read_s, job.demand.answer, written_s, job.load_s, maybe_cached=True)
        if job.demand.kind is Kind.IMAGE:
            timing = Timing(answer_tokens=1, decode_s=self.clock.now - job.begun_s)
        self.perform(self.scheduler.finish(self.ids[id(job)], self.clock.now, timing))

    def perform(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Evict):
                box, lane = self.places[decision.engine, decision.model]
                box.evict(lane)
            elif isinstance(decision, Load):
                self._load(decision)
            elif isinstance(decision, Start):
                box, lane = self.places[decision.engine, decision.model]
                if decision.loads:
                    self.waits_for[decision.engine, decision.model] = self.jobs[decision.request]
                else:
                    box.start(self.jobs[decision.request], lane)
            elif isinstance(decision, Refuse):
                self.jobs[decision.request].refused_s = self.clock.now
        if self.scheduler.waiting and not self.ticking:
            self.ticking = True
            self.clock.at(self.clock.now + 1.0, self._tick)

    def _load(self, decision: Load) -> None:
        box, lane = self.places[decision.engine, decision.model]

        def loaded() -> None:
            # As with Ollama, nobody is told of it before the first token comes.
            job = self.waits_for.pop((decision.engine, decision.model))
            job.load_s = lane.speed.load_s
            box.start(job, lane)

        box.load(lane, loaded)

    def _tick(self) -> None:
        self.ticking = False
        self.perform(self.scheduler.tick(self.clock.now))
