"""Stage 2: who may ask, and for how much."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack

import msgspec
import structlog

from potluck.app.admission import ensure_guests, strangers
from potluck.app.given import Given
from potluck.app.stores import Stores
from potluck.core.errors import OperatorError
from potluck.core.limits import Rules
from potluck.core.sessions import Lifetimes
from potluck.gateway.admission import Admission
from potluck.gateway.audit import Audit
from potluck.gateway.kept_meter import KeptMeter
from potluck.gateway.metrics import Metrics
from potluck.storage.ports import Storage
from potluck.storage.records import Topic
from potluck.storage.shared.guarded import GuardedMeter
from potluck.storage.shared.memory import MemoryMeter
from potluck.surfaces.auth import Keyring
from potluck.surfaces.origins import Origins
from potluck.surfaces.sessions import Sessions

log = structlog.get_logger(__name__)

# Until a database that is away is asked once more for keys that another gateway has changed.
LEARN_AGAIN_S = 2.0


class Callers(msgspec.Struct, frozen=True):
    origins: Origins
    sessions: Sessions
    kept_meter: KeptMeter
    admission: Admission
    keyring: Keyring


async def know_callers(
    given: Given,
    stores: Stores,
    metrics: Metrics,
    later: Callable[[Coroutine[None, None, None], str], None],
    audit: Callable[[], Audit],
    stack: AsyncExitStack,
) -> Callers:
    """``later`` runs work that no call waits for, by its name; it and ``audit`` are there before the first call."""
    config, storage, clock = given.config, stores.storage, given.wall_clock
    origins = Origins(config.server.origins)
    sessions = Sessions(clock, Lifetimes(config.access.session_idle_s, config.access.session_length_s))
    await ensure_guests(storage.users, config.access.trusted_networks, clock(), given.new_id)
    own_meter = MemoryMeter(given.clock)
    kept_meter = KeptMeter(storage.settings, own_meter, clock)
    await kept_meter.restore()
    stack.push_async_callback(kept_meter.save)
    meter = GuardedMeter(own_meter, stores.shared.meter if stores.shared.server is not None else None)
    admission = Admission(meter, metrics, clock)
    admission.configure(config.limits.rules)
    unknown = strangers(config.access, storage.users, later, audit, origins, clock)
    keyring = Keyring(clock, sessions, unknown, admission.plan_of)
    await learn(storage, keyring, sessions)
    return Callers(origins, sessions, kept_meter, admission, keyring)


def allow(rules: Rules, callers: Callers) -> None:
    """Let other limits hold from the next call on."""
    callers.admission.configure(rules)
    callers.keyring.replan()
    callers.sessions.take(callers.keyring.callers())


async def learn(storage: Storage, keyring: Keyring, sessions: Sessions) -> None:
    """Take who may ask as it is stored now."""
    keyring.replace(await storage.keys.all(), await storage.users.all())
    sessions.replace(await storage.sessions.all(), keyring.callers())


async def hearing_of_people(stores: Stores, callers: Callers) -> None:
    """Take what other gateways changed."""
    with stores.shared.bus.listen(Topic.PEOPLE) as listening:
        while True:
            await listening.next()
            while not await _learned(stores.storage, callers):  # noqa: ASYNC110 - the database says no word
                await asyncio.sleep(LEARN_AGAIN_S)


async def _learned(storage: Storage, callers: Callers) -> bool:
    try:
        await learn(storage, callers.keyring, callers.sessions)
    except OperatorError as error:
        log.warning("keys and users cannot be read again yet", why=error.message)
        return False
    return True
