"""Stage 4: what runs calls: the ledger, the dispatcher with all that it learned before, and the relay."""

from __future__ import annotations

from contextlib import AsyncExitStack

import msgspec

from potluck.app.bounds import limits
from potluck.app.callers import Callers
from potluck.app.drawing import pictures
from potluck.app.given import Given
from potluck.app.reloading import class_limits
from potluck.config.model import UsageConfig
from potluck.core.scheduling.scheduler import Scheduler
from potluck.gateway.dispatch import Dispatcher
from potluck.gateway.drains import Drains
from potluck.gateway.fleet import Fleet
from potluck.gateway.images import RemoteImages
from potluck.gateway.kept_drill import KeptDrill
from potluck.gateway.kept_rates import IMAGES, KeptRates
from potluck.gateway.ledger import MOST_JOURNAL_BYTES, Keep, Ledger
from potluck.gateway.metrics import Metrics
from potluck.gateway.proofs import Proofs
from potluck.gateway.relay.pools import Pools
from potluck.gateway.relay.relay import Clocks, Relay
from potluck.gateway.tasks import Tasks
from potluck.jobs.port import Pictures
from potluck.storage.datadir import DataDir
from potluck.storage.journal import Journal
from potluck.storage.ports import RequestLog, Storage
from potluck.surfaces.doors import DOORS, FALLBACK
from potluck.surfaces.v1.errors import status_of


class Calling(msgspec.Struct, frozen=True):
    """``relay`` has the fleet, the dispatcher, the ledger and the tasks."""

    relay: Relay
    drains: Drains
    kept_drill: KeptDrill
    rates: KeptRates
    pictures: Pictures
    picture_rates: KeptRates


async def open_relay(
    given: Given,
    storage: Storage,
    callers: Callers,
    metrics: Metrics,
    fleet: Fleet,
    pools: Pools,
    stack: AsyncExitStack,
) -> Calling:
    config, clock = given.config, given.wall_clock
    ledger = ledger_of(storage.requests, metrics, requests_journal(given.data))
    keep_usage(ledger, config.usage)
    stack.push_async_callback(ledger.flush)
    images = RemoteImages()
    stack.push_async_callback(images.aclose)
    tasks = await stack.enter_async_context(Tasks())
    scheduler = Scheduler(
        depth=config.queue.depth,
        limits=class_limits(config),
        reload_lost=config.health.reload_lost,
    )
    dispatcher = Dispatcher(fleet, scheduler, given.clock, tasks.spawn)
    drains = Drains(storage.settings, fleet, dispatcher, clock)
    await drains.read()
    kept_drill = KeptDrill(storage.settings, clock)
    await kept_drill.read()
    rates = KeptRates(storage.settings, dispatcher, clock)
    await rates.restore()
    stack.push_async_callback(rates.save)
    drawn = pictures(config, given.data, fleet, dispatcher, given.clock, clock, given.node)
    picture_rates = KeptRates(storage.settings, drawn.studio.speeds, clock, IMAGES)
    await picture_rates.restore()
    stack.push_async_callback(picture_rates.save)
    proofs = Proofs(storage.settings, fleet, tasks, clock)
    await proofs.restore()
    relay = Relay(
        doors=DOORS,
        fallback=FALLBACK,
        authenticate=callers.keyring.of_request,
        fleet=fleet,
        pools=pools,
        dispatcher=dispatcher,
        proofs=proofs,
        images=images,
        tasks=tasks,
        ledger=ledger,
        admission=callers.admission,
        clocks=Clocks(given.clock, clock),
        new_id=given.new_id,
        page_fields=callers.origins.fields,
        limits=limits(config),
    )
    return Calling(relay, drains, kept_drill, rates, drawn, picture_rates)


def requests_journal(data: DataDir) -> Journal:
    return Journal(data.journal / "requests", synced=False, most_bytes=MOST_JOURNAL_BYTES)


def ledger_of(requests: RequestLog, metrics: Metrics, journal: Journal) -> Ledger:
    return Ledger(requests, metrics, lambda error: status_of(type(error))[0], journal)


def keep_usage(ledger: Ledger, usage: UsageConfig) -> None:
    ledger.keep = Keep(usage.keep_requests_s, usage.keep_s)
