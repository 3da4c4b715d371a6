"""Opens everything and closes it in reverse; what listens is `serving`'s."""

from __future__ import annotations

import random
import secrets
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from potluck.app.answering import open_answers
from potluck.app.auditing import open_audit
from potluck.app.beginning import begin
from potluck.app.callers import know_callers, learn
from potluck.app.calling import Calling, open_relay
from potluck.app.given import Given
from potluck.app.machines import find_machines
from potluck.app.making import open_workshop
from potluck.app.offering import asgi_side, open_comfyui_port, services_of
from potluck.app.parts import Parts
from potluck.app.reloading import Reloader
from potluck.app.setting_up import offer_set_up
from potluck.app.stores import open_stores
from potluck.app.watching import open_watch
from potluck.config.model import Config
from potluck.core.ids import Ids
from potluck.core.model import NodeId
from potluck.gateway.fleet import Fleet
from potluck.gateway.generations import Generations
from potluck.gateway.kept_meter import KeptMeter
from potluck.gateway.ledger import Ledger
from potluck.gateway.metrics import Metrics
from potluck.gateway.relay.pools import Pools
from potluck.gateway.relay.relay import Relay
from potluck.gateway.tasks import Tasks
from potluck.jobs.runner import Runner
from potluck.storage.datadir import DataDir
from potluck.storage.shared_ports import Shared

if TYPE_CHECKING:  # a gateway alone needs none of it
    from potluck.app.gateways import Lead


class App(msgspec.Struct, frozen=True):
    """What runs."""

    relay: Relay
    ledger: Ledger
    fleet: Fleet
    reloader: Reloader
    generations: Generations
    shared: Shared
    runner: Runner
    tasks: Tasks
    id: str
    relearn: Callable[[], Awaitable[None]]
    """Take who may ask as it is stored now."""
    keep: Callable[[], Awaitable[None]]
    """Write down what was learned and spent."""
    offer_set_up: Callable[[str], Awaitable[None]]
    """Say where the owner may choose a password, at the URL that is listened at, as long as nobody has one."""


@asynccontextmanager
async def running(
    config: Config, data: DataDir, read: Callable[[], Config], lead: Lead | None = None
) -> AsyncGenerator[App, None]:
    """Everything but the listening socket, from the database up; closed again at the end of the block.

    ``read`` reads the configuration again, for a reload. ``lead`` is there where other gateways may be, too.
    """

    def later(work: Coroutine[None, None, None], name: str) -> None:
        calling.relay.tasks.spawn(work, name)  # no call comes before the tasks are there

    given = _given(config, data, read, lead)
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        stores = await open_stores(given, stack)
        storage = stores.storage
        callers = await know_callers(given, stores, metrics, later, lambda: audit, stack)
        keyring = callers.keyring
        pools = Pools(given.clock)
        stack.callback(pools.close)
        audit = open_audit(given, storage, keyring, stack)
        machines = await find_machines(given, storage.settings, pools, stack)
        given = replace(given, config=machines.config)
        calling = await open_relay(given, storage, callers, metrics, machines.fleet, pools, stack)
        relay = calling.relay
        watching = await open_watch(given, stores, callers, metrics, machines, calling, stack)
        answering = open_answers(given, stores, keyring, relay, stack)
        making = await open_workshop(given, stores, keyring, calling, answering.calls, stack)
        parts = Parts(given, metrics, stores, callers, audit, machines, calling, watching, answering, making)
        services = services_of(parts, stack)
        relay.serve_rest(lambda: asgi_side(parts, services))
        await begin(parts)
        await open_comfyui_port(parts, services, stack)
        yield _app(parts)


def _given(config: Config, data: DataDir, read: Callable[[], Config], lead: Lead | None) -> Given:
    return Given(
        config,
        data,
        read,
        lead,
        this_machine(),
        clock=time.monotonic,
        wall_clock=time.time,
        chance=random.random,
        new_id=Ids(time.time, secrets.token_bytes),
        random_bytes=secrets.token_bytes,
    )


def this_machine() -> NodeId:
    return NodeId(socket.gethostname().partition(".")[0] or "localhost")


def _app(parts: Parts) -> App:
    stores, callers, relay = parts.stores, parts.callers, parts.calling.relay
    return App(
        relay,
        relay.ledger,
        relay.fleet,
        parts.watching.reloader,
        parts.answering.generations,
        stores.shared,
        parts.making.runner,
        relay.tasks,
        stores.gateway,
        relearn=partial(learn, stores.storage, callers.keyring, callers.sessions),
        keep=partial(_keep, parts.calling, callers.kept_meter),
        offer_set_up=partial(offer_set_up, parts.given, stores.storage, parts.audit),
    )


async def _keep(calling: Calling, meter: KeptMeter) -> None:
    await calling.rates.save()
    await meter.save()
