"""Stage 5: what looks after engines: probes, agents, pins, reloads, discovery, drills, and the record of it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from potluck.app.callers import Callers, allow
from potluck.app.calling import Calling, keep_usage
from potluck.app.discovering import looking
from potluck.app.given import Given
from potluck.app.machines import Machines
from potluck.app.reloading import Reloader
from potluck.app.stores import Stores
from potluck.core.model import EngineId, ModelId, NodeId
from potluck.gateway.agents import AgentWatch
from potluck.gateway.discovery.discovery import Discovery
from potluck.gateway.discovery.kept import node_configs
from potluck.gateway.metrics import Metrics
from potluck.gateway.models import Models
from potluck.gateway.pins import Pinning, Pins
from potluck.gateway.recorder import Recorder
from potluck.gateway.relay.relay import Relay
from potluck.gateway.watch import Watch
from potluck.storage.ports import Storage

if TYPE_CHECKING:
    from potluck.gateway.drills import Drill, Drills


class Watching(msgspec.Struct, frozen=True):
    watch: Watch
    agents: AgentWatch
    models: Models
    reloader: Reloader
    discovery: Discovery
    drills: Callable[[], Drills]
    """Not made before somebody asks for them."""
    recorder: Recorder


async def open_watch(
    given: Given,
    stores: Stores,
    callers: Callers,
    metrics: Metrics,
    machines: Machines,
    calling: Calling,
    stack: AsyncExitStack,
) -> Watching:
    config, lead, relay, fleet = given.config, given.lead, calling.relay, machines.fleet
    watch = Watch(fleet, given.clock, relay.tasks, relay.heard_s)
    relay.look = watch.look
    relay.hops = lead.hops if lead is not None else None
    agents = AgentWatch(fleet.machines, relay.tasks, config.health.interval_s)
    models = await _models(given, stores.storage, watch, relay)
    relay.dispatcher.pinned = models.pinned
    relay.dispatcher.leads = lead.leads if lead is not None else None
    reloader = _reloader(given, callers, machines, relay, watch, agents)
    discovery = looking(
        config,
        machines.kept,
        machines.found,
        reloader,
        fleet,
        relay.pools,
        relay.tasks,
        given.wall_clock,
        given.random_bytes,
    )
    drills = cache(lambda: _drills(given, calling, metrics, watch))
    # Looking for drills must not bring in what makes them.
    recorder = _recorder(
        given, stores.storage, relay, metrics, lambda: drills().all() if drills.cache_info().currsize else ()
    )
    relay.ledger.broke = recorder.broke
    stack.push_async_callback(recorder.close)
    if lead is not None:
        recorder.took_over(config.gateway.name or stores.gateway)
    return Watching(watch, agents, models, reloader, discovery, drills, recorder)


async def _models(given: Given, storage: Storage, watch: Watch, relay: Relay) -> Models:
    pins = Pins(storage.settings, given.wall_clock)
    await pins.read()
    Pinning(pins, relay.fleet, relay.tasks, relay.dispatcher.restore)
    return Models(relay.fleet, pins, relay.tasks, look=watch.probe, in_use=_in_use(relay), clock=given.clock)


def _in_use(relay: Relay) -> Callable[[EngineId, ModelId], int]:
    """How many calls a model answers on an engine now."""

    return lambda engine, model: relay.held().get((engine, model), 0)


def _reloader(
    given: Given, callers: Callers, machines: Machines, relay: Relay, watch: Watch, agents: AgentWatch
) -> Reloader:
    reloader = Reloader(
        machines.file,
        given.read,
        installer=machines.installer,
        fleet=machines.fleet,
        watch=watch,
        agents=agents,
        limit=relay.dispatcher.limit,
        discovered=lambda agent_key: node_configs(machines.kept.accepted.values(), agent_key),
        said=machines.settings.said,
    )
    reloader.keep = lambda usage: keep_usage(relay.ledger, usage)
    reloader.allow = lambda rules: allow(rules, callers)
    return reloader


def _drills(given: Given, calling: Calling, metrics: Metrics, watch: Watch) -> Drills:
    """Not imported before somebody asks for them either."""
    from potluck.gateway.drills import Drills  # noqa: PLC0415

    return Drills(calling.relay, calling.drains, calling.kept_drill, metrics, watch.probe, given.wall_clock)


def _recorder(
    given: Given, storage: Storage, relay: Relay, metrics: Metrics, drills: Callable[[], Sequence[Drill]]
) -> Recorder:
    def drilled() -> Mapping[NodeId, str]:
        return {drill.node: drill.order.how.value for drill in drills() if drill.outcome is None}

    return Recorder(
        relay.fleet,
        storage.incidents,
        given.data.history,
        clock=given.wall_clock,
        new_id=relay.new_id,
        tokens=lambda: metrics.tokens,
        waiting=relay.waiting_by_node,
        in_line=relay.waiting,
        drained=lambda: frozenset(relay.fleet.drained) - drilled().keys(),
        drilled=drilled,
    )
