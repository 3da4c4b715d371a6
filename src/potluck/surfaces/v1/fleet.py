"""``/api/v1/models``, ``/nodes`` and ``/status``: the fleet as it is now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from potluck import __version__
from potluck.core.audit import Event
from potluck.core.errors import BadRequest, OperatorError, StorageAway
from potluck.core.model import Engine, EngineId, Health, Model, ModelId, NodeId
from potluck.core.people import Right
from potluck.core.scheduling.classes import Kind
from potluck.core.scheduling.fleet import memory_of
from potluck.core.scheduling.rates import Rates
from potluck.gateway.drains import Draining
from potluck.gateway.files import Standing
from potluck.gateway.last_minute import Minute
from potluck.gateway.machines import Machine
from potluck.gateway.seats import Queued
from potluck.storage.records import CallStatus
from potluck.storage.shared_ports import Shared
from potluck.surfaces.services import DrillCare
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.fleet_shapes import (
    AgentInfo,
    ChildInfo,
    ClassQueueInfo,
    DrainInfo,
    EngineInfo,
    FileStoreInfo,
    GatewayInfo,
    JobCounts,
    LastMinuteInfo,
    LoadedInfo,
    ModelInfo,
    ModelList,
    ModelPlace,
    MoveInfo,
    NodeDrillInfo,
    NodeInfo,
    NodeList,
    RateInfo,
    RedisInfo,
    ReloadReply,
    StatusReply,
)
from potluck.surfaces.v1.request_shapes import QueuedInfo, QueueReply, TurnInfo
from potluck.surfaces.v1.shapes import rfc3339

_SERVING = (Health.UP, Health.SUSPECT)


async def models(exchange: Exchange) -> Reply:
    """Models by their names, then aliases in the owner's order, also those that stand for what is not there."""
    fleet = exchange.services.fleet
    offers: dict[ModelId, list[tuple[Engine, Model]]] = {}
    for engine in fleet.snapshot():
        for model in () if engine.draws else engine.models.values():
            offers.setdefault(model.id, []).append((engine, model))
    pinned = exchange.services.models.pinned
    listed = [_model(name, offers[name], pinned) for name in sorted(offers)]
    listed += [_model(name, fleet.where(name), pinned, target) for name, target in fleet.aliases().items()]
    return Reply(ModelList([each for each in listed if exchange.caller.sees(each.id)]))


async def nodes(exchange: Exchange) -> Reply:
    """Nodes with an engine or an agent. Why an engine is in its state, its processes and what an agent tells are for
    the owner: they may name addresses and paths.
    """
    machines = {machine.known.node: machine for machine in exchange.services.machines()}
    by_node: dict[NodeId, list[EngineInfo]] = {}
    rates: dict[EngineId, dict[ModelId, Rates]] = {}
    for (engine_id, model), learned in exchange.services.fleet.rates().items():
        rates.setdefault(engine_id, {})[model] = learned
    for engine in exchange.services.fleet.snapshot():
        by_node.setdefault(engine.node, []).append(_engine(exchange, engine, rates.get(engine.id, {})))
    for node, machine in machines.items():
        if machine.has_agent:
            by_node.setdefault(node, [])
    return Reply(NodeList([_node(exchange, node, engines, machines.get(node)) for node, engines in by_node.items()]))


async def drain(exchange: Exchange) -> Reply:
    """What runs there runs on; how far it has come is told by `nodes`."""
    draining = await exchange.services.drains.drain(exchange.path["node"])
    await exchange.tell(Event.NODE_DRAINED, exchange.path["node"])
    return Reply(drain_info(draining))


async def resume(exchange: Exchange) -> Reply:
    """Also of a node that a drill has taken out: that ends the drill."""
    if (drill := exchange.services.drills().of_node(exchange.path["node"])) is not None:
        await exchange.services.drills().end(drill.id)
    await exchange.services.drains.resume(exchange.path["node"])
    await exchange.tell(Event.NODE_RESUMED, exchange.path["node"])
    return Reply(None)


async def reload(exchange: Exchange) -> Reply:
    """The file's errors are the owner's to read, and only the owner may ask."""
    try:
        changed = exchange.services.reload()
    except OperatorError as error:
        raise BadRequest(error.message, hint=error.hint or "Correct the file; the old one stays until then.") from error
    await exchange.tell(Event.RELOADED, sections=", ".join(changed))
    return Reply(ReloadReply(list(changed), [name for name, at_once in changed.items() if not at_once]))


async def status(exchange: Exchange) -> Reply:
    services = exchange.services
    engines = services.fleet.snapshot()
    serving = [engine for engine in engines if engine.health in _SERVING]
    server = services.shared.server
    jobs = await services.jobs.counts()
    return Reply(
        StatusReply(
            version=__version__,
            started_at=rfc3339(services.started_s),
            uptime_s=round(services.clock() - services.started_s, 3),
            nodes=len({engine.node for engine in engines}),
            engines=len(engines),
            engines_up=len(serving),
            models=len({model for engine in serving for model in engine.models}),
            slots=sum(engine.slots for engine in serving),
            busy=sum(engine.busy for engine in engines),
            waiting=services.fleet.waiting(),
            drained=[
                node for node in dict.fromkeys(engine.node for engine in engines) if services.drains.draining(node)
            ],
            queue=_classes(services.fleet.queue()) if services.fleet.waiting() else [],
            last_minute=last_minute_info(services.fleet.last_minute()),
            files=_file_store(services.files.standing()),
            drill=next(filter(None, (drill_info(services.drills(), engine.node) for engine in engines)), None),
            redis=RedisInfo(not server.trouble, server.trouble) if server is not None else None,
            jobs=JobCounts(*jobs) if jobs is not None else None,
            gateways=await _gateways(services.shared),
        )
    )


def _file_store(standing: Standing) -> FileStoreInfo:
    return FileStoreInfo(standing.answers, standing.waiting, standing.waiting_bytes)


async def _gateways(shared: Shared) -> list[GatewayInfo] | None:
    """Those that say by Redis that they run: of others one process does not know."""
    if shared.server is None:
        return None
    try:
        alive = await shared.presence.all()
    except StorageAway:
        return None
    return [GatewayInfo(each.name, each.url, each.version, rfc3339(each.started_s)) for each in alive]


async def queue(exchange: Exchange) -> Reply:
    """Owners and admins see everybody's calls, others their own, each with its place among all."""
    caller, fleet, name_of = exchange.caller, exchange.services.fleet, exchange.services.name_of
    every = caller.may(Right.SEE_ALL)
    own = [each for each in fleet.queue() if every or each.user == caller.user]
    return Reply(
        QueueReply(
            fleet.waiting(),
            [
                QueuedInfo(
                    id=each.request,
                    position=each.position,
                    model=each.model,
                    kind=each.kind.value,
                    waited_s=round(each.waited_s, 3),
                    eta_s=round(each.eta_s, 3),
                    user=name_of(each.user),
                )
                for each in own
            ],
            [
                TurnInfo(name_of(user), turn.waiting, round(turn.served_s, 3))
                for user, turn in fleet.turns().items()
                if every or user == caller.user
            ],
        )
    )


def _classes(queue: Sequence[Queued]) -> list[ClassQueueInfo]:
    """The line by class, in the order in which classes go."""
    found: list[ClassQueueInfo] = []
    for kind in Kind:
        calls = [each for each in queue if each.kind is kind]
        if calls:
            longest_s = max(each.waited_s for each in calls)
            next_s = min(each.eta_s for each in calls)
            found.append(ClassQueueInfo(kind.value, len(calls), round(longest_s, 3), round(next_s, 3)))
    return found


def last_minute_info(minute: Minute) -> LastMinuteInfo:
    calls = minute.calls
    return LastMinuteInfo(
        calls=sum(calls.values()),
        failed=calls.get(CallStatus.NODE_ERROR, 0) + calls.get(CallStatus.OVERLOADED, 0),
        refused=calls.get(CallStatus.CLIENT_ERROR, 0),
        cancelled=calls.get(CallStatus.CANCELLED, 0),
        completion_tokens=minute.completion_tokens,
    )


def _model(
    name: str, offers: Sequence[tuple[Engine, Model]], pinned: Callable[[EngineId, ModelId], bool], alias_of: str = ""
) -> ModelInfo:
    # Engines may describe one model unlike each other: the first that serves speaks for it, and the least context
    # is what a call can count on.
    serving = [model for engine, model in offers if engine.health in _SERVING]
    model = serving[0] if serving else offers[0][1] if offers else Model(ModelId(name), frozenset())
    contexts = [known.context for _, known in offers if known.context is not None]
    return ModelInfo(
        id=name,
        ready=bool(serving),
        capabilities=sorted({str(capability) for _, known in offers for capability in known.capabilities}),
        context=min(contexts, default=None),
        size_bytes=model.size_bytes,
        family=model.family,
        parameter_size=model.parameter_size,
        quantization=model.quantization,
        engines=[_place(engine, known, pinned(engine.id, known.id)) for engine, known in offers],
        alias_of=alias_of,
    )


def _place(engine: Engine, model: Model, pinned: bool) -> ModelPlace:
    if not model.resident:
        return ModelPlace(engine.node, engine.id, engine.health, resident=False, pinned=pinned)
    return ModelPlace(
        node=engine.node,
        engine=engine.id,
        health=engine.health,
        resident=True,
        pinned=pinned,
        memory_bytes=model.memory_bytes,
        vram_bytes=model.vram_bytes,
        loaded_context=model.loaded_context,
        expires_at=model.expires_at,
    )


def _node(exchange: Exchange, node: NodeId, engines: list[EngineInfo], machine: Machine | None) -> NodeInfo:
    discovery, owner = exchange.services.discovery, exchange.caller.may(Right.SEE_ALL)
    draining = exchange.services.drains.draining(node)
    return NodeInfo(
        id=node,
        engines=engines,
        memory_bytes=machine.known.memory_bytes if machine is not None else None,
        agent=_agent(machine) if machine is not None and machine.has_agent and owner else None,
        source=discovery.source(node),
        why=discovery.why(node) if owner else "",
        drain=drain_info(draining) if draining is not None else None,
        drill=drill_info(exchange.services.drills(), node),
    )


def drill_info(drills: DrillCare, node: NodeId) -> NodeDrillInfo | None:
    """The drill that a node is in."""
    drill = drills.of_node(node)
    if drill is None:
        return None
    until = rfc3339(drill.until_s) if drill.until_s is not None else None
    return NodeDrillInfo(drill.id, drill.node, drill.order.how.value, drill.stage.value, until)


def drain_info(draining: Draining) -> DrainInfo:
    return DrainInfo(
        since=rfc3339(draining.since_s),
        running=draining.running,
        empty=draining.empty,
        moves=[MoveInfo(move.model, move.engine, move.state.value, move.to or "", move.why) for move in draining.moves],
    )


def _agent(machine: Machine) -> AgentInfo:
    state = "silent" if machine.silent_s is not None else "up" if machine.reading is not None else "unknown"
    return AgentInfo(
        state=state,
        age_s=None if machine.age_s is None else round(machine.age_s, 3),
        silent_s=None if machine.silent_s is None else round(machine.silent_s, 3),
        why=machine.why,
        reading=machine.reading,
    )


def _rate(model: ModelId, rates: Rates) -> RateInfo:
    return RateInfo(
        model, round(rates.prefill_tps, 3), round(rates.decode_tps, 3), round(rates.load_s, 3), rates.readings
    )


def _engine(exchange: Exchange, engine: Engine, rates: Mapping[ModelId, Rates]) -> EngineInfo:
    owner = exchange.caller.may(Right.SEE_ALL)
    children = exchange.services.fleet.children(engine.id) if owner else ()
    return EngineInfo(
        id=engine.id,
        kind=engine.kind,
        health=engine.health,
        why=engine.why if owner else "",
        slots=engine.slots,
        busy=engine.busy,
        models=sorted(engine.models),
        resident=sorted(model.id for model in engine.models.values() if model.resident),
        loaded=[
            LoadedInfo(model.id, memory_of(model), exchange.services.models.pinned(engine.id, model.id))
            for model in sorted(engine.models.values(), key=lambda model: model.id)
            if model.resident
        ],
        rates=[_rate(model, rates[model]) for model in sorted(rates)],
        failures=engine.failures,
        trial=engine.trial,
        retry_s=None if engine.retry_s is None else round(engine.retry_s, 1),
        children=[
            ChildInfo(child.model, child.role, child.pid, child.state, child.restarts, child.why) for child in children
        ],
    )
