"""Stage 9: everything is open, and begins: the first look at the engines, and all that goes on in the background."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from potluck import __version__
from potluck.app.bounds import bind
from potluck.app.callers import hearing_of_people
from potluck.app.parts import Parts
from potluck.core.audit import Event
from potluck.core.errors import NodeError
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.last_uses import LastUses
from potluck.gateway.watch import Watch

log = structlog.get_logger(__name__)

# Engines on the network get this long to answer before the service says that it is ready; others come when they come.
FIRST_LOOK_S = 1.0
# The embedded model is loaded before "ready" is said, unless that takes longer than anybody wants to wait.
FIRST_LOAD_S = 15.0


async def begin(parts: Parts) -> None:
    lead, relay, watching, audit = parts.given.lead, parts.calling.relay, parts.watching, parts.audit
    watching.reloader.bound = lambda wanted: bind(relay, parts.answering.generations, wanted)
    _measure(parts)
    watching.agents.begin()
    await _first_look(watching.watch, parts.machines.fleet)
    if lead is not None:
        relay.dispatcher.occupied(lead.held())
    watching.watch.begin()
    watching.discovery.begin()
    audit.note(Event.STARTED, version=__version__)
    watching.reloader.heard = lambda changed: audit.note(Event.RELOADED, sections=", ".join(changed), by="SIGHUP")
    _go_on(parts)


def _measure(parts: Parts) -> None:
    """Tell the metrics where to look when somebody reads them."""
    metrics, relay, owed, audit = parts.metrics, parts.calling.relay, parts.stores.owed, parts.audit
    generations = parts.answering.generations
    metrics.answers = generations.counts
    metrics.answering = lambda: generations.running
    metrics.running = lambda: len(relay.exchanges)
    metrics.connections = lambda: len(relay.connections)
    metrics.files = parts.making.files.standing
    metrics.waiting = lambda: relay.dispatcher.waiting
    metrics.owed_bytes = lambda: relay.ledger.owed_bytes + owed.owed_bytes + audit.owed_bytes


def _go_on(parts: Parts) -> None:
    """What is done in the background to the end."""
    given, stores, callers, calling = parts.given, parts.stores, parts.callers, parts.calling
    relay, audit, generations = calling.relay, parts.audit, parts.answering.generations
    spawn, ledger = relay.tasks.spawn, relay.ledger
    spawn(relay.sweeping(), "sweep")
    spawn(ledger.flushing(), "request log")
    spawn(stores.owed.handing_over(), "what the database is owed")
    spawn(stores.temporary.forgetting(), "temporary conversations")
    spawn(ledger.pruning(stores.storage.usage, given.wall_clock), "request log's end")
    spawn(callers.admission.meter.watching(), "shared limits")
    spawn(callers.kept_meter.keeping(), "spent limits")
    spawn(calling.rates.keeping(), "learned rates")
    spawn(calling.picture_rates.keeping(), "learned image rates")
    spawn(parts.watching.recorder.recording(), "the machines' last hours")
    spawn(audit.flushing(), "audit log")
    spawn(audit.caring(given.config.audit.keep_s), "audit log's end")
    spawn(generations.restore(), "the answers of the last run")
    spawn(generations.watching(), "answers under way")
    spawn(LastUses(callers.keyring.take_used, stores.storage.keys.touch).keeping(), "key use")
    spawn(LastUses(callers.sessions.take_used, stores.storage.sessions.touch).keeping(), "session use")
    parts.making.runner.begin()
    spawn(stores.shared.bus.relaying(), "word between gateways")
    spawn(hearing_of_people(stores, callers), "word of people")


async def _first_look(watch: Watch, fleet: Fleet) -> None:
    """Look at every engine. Our own model is loaded before the service says it is ready; the network may come later."""
    own = [each for each in fleet.installations.values() if each.supervised is not None]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_LOOK_S):
            await asyncio.gather(*(watch.probe(each.id) for each in fleet.installations.values() if each not in own))
    for installation in own:
        await watch.probe(installation.id)
        await _load_first(installation, fleet)
        await watch.probe(installation.id)


async def _load_first(installation: Installation, fleet: Fleet) -> None:
    """Load the embedded engine's first model. If that fails the service starts all the same, and says so."""
    model = next(iter(fleet.engines[installation.id].models.values()), None)
    if model is None:
        return
    try:
        async with asyncio.timeout(FIRST_LOAD_S):
            await installation.backend.prepare(model)
    except (NodeError, TimeoutError) as error:
        log.warning("the embedded model is not ready yet", model=model.id, why=str(error) or "it takes long")
