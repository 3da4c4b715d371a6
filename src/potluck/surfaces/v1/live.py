"""The pictures that ``/api/v1/events`` tells of: by item, and made once for all who look at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from potluck.core.model import Engine, EngineId, Health, Model, ModelId, NodeId
from potluck.core.people import Right
from potluck.core.reading import hottest, watts
from potluck.core.scheduling.fleet import memory_of
from potluck.core.scheduling.rates import Rates
from potluck.gateway.generations import Summary
from potluck.gateway.machines import Machine
from potluck.gateway.port import Caller
from potluck.gateway.seats import Running
from potluck.surfaces.services import Services
from potluck.surfaces.v1.chat_shapes import InLineInfo
from potluck.surfaces.v1.fleet import drain_info, drill_info, last_minute_info
from potluck.surfaces.v1.live_shapes import (
    HeldModel,
    LiveCall,
    LiveEngine,
    LiveGeneration,
    LiveModel,
    LiveNode,
    LiveQueue,
    MachineFigures,
    NodeState,
    QueuedCall,
)
from potluck.surfaces.v1.shapes import rfc3339

_SERVING: Final = frozenset({Health.UP, Health.SUSPECT})
# A line longer than that nobody reads to its end.
_MOST_CALLS: Final = 50
_MINUTE_S: Final = 60.0
# The best first: a node is as well as its best engine.
_STATES: Final[Sequence[NodeState]] = ("up", "loading", "suspect", "draining", "unknown", "down")


def live_nodes(services: Services, caller: Caller) -> dict[str, LiveNode]:
    """All nodes, with what ``caller`` may know of them."""
    machines = {machine.known.node: machine for machine in services.machines()}
    engines: dict[NodeId, list[Engine]] = {}
    for engine in services.fleet.snapshot():
        engines.setdefault(engine.node, []).append(engine)
    for node, machine in machines.items():
        if machine.has_agent:
            engines.setdefault(node, [])
    running: dict[NodeId, list[Running]] = {}
    for call in services.fleet.under_way():
        running.setdefault(call.node, []).append(call)
    waiting = services.fleet.waiting_by_node()
    tokens = services.fleet.last_minute().by_node
    rates = services.fleet.rates()
    owner = caller.may(Right.SEE_ALL)

    def node_of(node: NodeId, its: Sequence[Engine]) -> LiveNode:
        calls = sorted(running.get(node, ()), key=lambda call: (call.since_s, call.request))
        busy = Counter((call.engine, call.model) for call in calls)
        draining = services.drains.draining(node)
        shown = [_engine(services, each, busy, rates, owner=owner) for each in its]
        machine = machines.get(node)
        return LiveNode(
            id=node,
            state=_best([each.state for each in shown]),
            engines=shown,
            busy=sum(each.busy for each in its),
            slots=sum(each.slots for each in its if each.health in _SERVING),
            waiting=waiting.get(node, 0),
            tokens_per_s=round(tokens.get(node, 0) / _MINUTE_S, 1),
            calls=[_call(services, each, caller, owner=owner) for each in calls[:_MOST_CALLS]],
            held_bytes=sum(model.memory_bytes for each in shown for model in each.held),
            source=services.discovery.source(node),
            since=rfc3339(since_s) if (since_s := services.recorder.since_s(node)) is not None else None,
            why=services.discovery.why(node) if owner else "",
            memory_bytes=machine.known.memory_bytes if machine is not None else None,
            machine=_figures(machine) if machine is not None else None,
            drain=drain_info(draining) if draining is not None else None,
            drill=drill_info(services.drills(), node),
        )

    return {node: node_of(node, its) for node, its in engines.items()}


def _best(states: Sequence[NodeState]) -> NodeState:
    return min(states, key=_STATES.index) if states else "unknown"


def _engine(
    services: Services,
    engine: Engine,
    busy: Mapping[tuple[EngineId, ModelId], int],
    rates: Mapping[tuple[EngineId, ModelId], Rates],
    *,
    owner: bool,
) -> LiveEngine:
    held = sorted((model for model in engine.models.values() if model.resident), key=lambda model: model.id)
    return LiveEngine(
        id=engine.id,
        kind=engine.kind.value,
        state=_engine_state(engine),
        busy=engine.busy,
        slots=engine.slots,
        held=[
            HeldModel(
                model=model.id,
                memory_bytes=memory_of(model),
                vram_bytes=model.vram_bytes,
                pinned=services.models.pinned(engine.id, model.id),
                expires_at=_to_the_second(model.expires_at),
                busy=busy.get((engine.id, model.id), 0),
                decode_tps=_speed(rates.get((engine.id, model.id))),
            )
            for model in held
        ],
        why=engine.why if owner else "",
        failures=engine.failures,
        trial=engine.trial,
    )


def _to_the_second(time: str | None) -> str | None:
    """An engine's time without its fractions: some tell them anew with each look, and that is no change."""
    if time is None:
        return None
    try:
        return rfc3339(float(round(datetime.fromisoformat(time).timestamp())))
    except (ValueError, OverflowError, OSError):  # not a time, or one of no year that is known
        return time


def _speed(learned: Rates | None) -> float | None:
    return None if learned is None or not learned.readings else round(learned.decode_tps, 1)


def _engine_state(engine: Engine) -> NodeState:
    if engine.loading and engine.health in _SERVING:
        return "loading"
    match engine.health:
        case Health.UP:
            return "up"
        case Health.SUSPECT:
            return "suspect"
        case Health.DRAINING:
            return "draining"
        case Health.DOWN:
            return "down"
        case Health.UNKNOWN:
            return "unknown"


def _call(services: Services, call: Running, caller: Caller, *, owner: bool) -> LiveCall:
    shown = LiveCall(
        model=call.model,
        engine=call.engine,
        kind=call.kind.value,
        family=call.family,
        since=rfc3339(call.since_s),
        answering=call.answering,
    )
    if owner or call.user == caller.user:
        shown.id, shown.user = call.request, services.name_of(call.user)
    return shown


def _figures(machine: Machine) -> MachineFigures | None:
    if machine.reading is None:
        return None
    known, reading = machine.known, machine.reading
    return MachineFigures(
        fresh=known.age_s is not None and machine.silent_s is None,
        total_bytes=reading.memory.total_bytes,
        available_bytes=reading.memory.available_bytes,
        vram_bytes=known.vram_bytes,
        vram_free_bytes=known.vram_free_bytes,
        cpu_load=_rounded(reading.cpu.load, 2),
        gpu_load=_rounded(max((gpu.load for gpu in reading.gpus if gpu.load is not None), default=None), 2),
        celsius=_rounded(hottest(reading), 1),
        watts=_rounded(watts(reading), 1),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def live_models(services: Services, caller: Caller) -> dict[str, LiveModel]:
    """The names that ``caller`` may ask for: models, then aliases."""
    offers: dict[ModelId, list[tuple[Engine, Model]]] = {}
    for engine in services.fleet.snapshot():
        for model in () if engine.draws else engine.models.values():
            offers.setdefault(model.id, []).append((engine, model))
    shown: dict[str, LiveModel] = {name: _model(name, offers[name]) for name in sorted(offers) if caller.sees(name)}
    for alias, target in services.fleet.aliases().items():
        if caller.sees(alias):
            shown[alias] = _model(alias, services.fleet.where(alias), target)
    return shown


def _model(name: str, offers: Sequence[tuple[Engine, Model]], alias_of: str = "") -> LiveModel:
    serving = [(engine, model) for engine, model in offers if engine.health in _SERVING]
    return LiveModel(
        id=name,
        ready=bool(serving),
        resident=any(model.resident for _, model in serving),
        nodes=sorted({str(engine.node) for engine, _ in serving}),
        alias_of=alias_of,
    )


def live_queue(services: Services, caller: Caller) -> LiveQueue:
    fleet, every = services.fleet, caller.may(Right.SEE_ALL)
    waiting = fleet.waiting()
    engines = fleet.snapshot()
    line = [each for each in fleet.queue() if every or each.user == caller.user] if waiting else []
    return LiveQueue(
        waiting=waiting,
        running=sum(engine.busy for engine in engines),
        slots=sum(engine.slots for engine in engines if engine.health in _SERVING),
        last_minute=last_minute_info(fleet.last_minute()),
        calls=[
            QueuedCall(
                each.request, each.position, each.model, each.kind.value, round(each.eta_s), services.name_of(each.user)
            )
            for each in line[:_MOST_CALLS]
        ],
    )


def live_generation(summary: Summary) -> LiveGeneration:
    head, began, standing = summary.head, summary.began, summary.standing
    position = standing.position if standing is not None else None
    return LiveGeneration(
        id=head.id,
        state=summary.state,
        conversation=head.conversation,
        request_id=head.request,
        created_at=rfc3339(head.created_s),
        ended_at=rfc3339(summary.ended_s) if summary.ended_s is not None else None,
        asked_model=head.call.model,
        model=began.model if began else None,
        node=standing.node if standing is not None and standing.node else began.node if began else None,
        queued=InLineInfo(position, round(standing.eta_s)) if standing is not None and position is not None else None,
    )
