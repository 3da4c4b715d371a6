"""Stage 1: what is kept, and what gateways share; with an owner and the owner's key in it."""

from __future__ import annotations

from contextlib import AsyncExitStack

import msgspec
import structlog
from msgspec.structs import replace

from potluck.app.given import Given
from potluck.config.model import Config
from potluck.core.model import KeyId
from potluck.core.people import OWNER_NAME
from potluck.storage.changes import LeadersSettings
from potluck.storage.datadir import DataDir, ensure_owner, ensure_owner_key
from potluck.storage.journal import Journal
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.owed import MOST_OWED_BYTES, REMEMBERED, OwedConversations
from potluck.storage.ports import Storage
from potluck.storage.shared.open import open_shared
from potluck.storage.shared_ports import Shared
from potluck.storage.temporary import WithTemporary

log = structlog.get_logger(__name__)


class Stores(msgspec.Struct, frozen=True):
    """``gateway`` is this gateway's id, ``owed`` the conversations that a database which is away will be told, and
    ``temporary`` those that are kept nowhere."""

    storage: Storage
    owed: OwedConversations
    temporary: WithTemporary
    shared: Shared
    gateway: str


async def open_stores(given: Given, stack: AsyncExitStack) -> Stores:
    """Raises `OperatorError`."""
    config, lead = given.config, given.lead
    url = database_url(config, given.data)
    replicas = [replica.reveal() for replica in config.storage.replicas]
    storage = await stack.enter_async_context(open_storage(url, clock=given.clock, replicas=replicas))
    owed = outlasting(storage, given.data, url)
    if lead is not None:
        storage = replace(storage, settings=LeadersSettings(storage.settings, lead.holds))
    temporary = WithTemporary(owed, given.wall_clock)
    storage = replace(storage, conversations=temporary)
    gateway, redis = given.new_id(), config.storage.redis
    shared = await stack.enter_async_context(
        open_shared(redis.reveal() if redis is not None else None, gateway=gateway, clock=given.clock)
    )
    await _ensure_owner(given, storage)
    return Stores(storage, owed, temporary, shared, gateway)


async def _ensure_owner(given: Given, storage: Storage) -> None:
    data, lead = given.data, given.lead
    first_start = not data.owner_key.exists()
    await ensure_owner(storage.users, now=given.wall_clock())
    await ensure_owner_key(
        data,
        storage.keys,
        now=given.wall_clock(),
        key_id=KeyId(given.new_id()),
        random=given.random_bytes(32),
        name=lead.owner_key_name if lead is not None else OWNER_NAME,
    )
    if first_start:
        log.info("made the owner's key", file=str(data.owner_key), hint="'potluck keys create NAME' makes others")


def database_url(config: Config, data: DataDir) -> str:
    database = config.storage.database
    return database.reveal() if database is not None else sqlite_url(data.database)


def outlasting(storage: Storage, data: DataDir, url: str) -> OwedConversations:
    """The conversations of a database that may be away. A file of the data directory never is."""
    journal = Journal(data.journal / "conversations", synced=True, most_bytes=MOST_OWED_BYTES)
    return OwedConversations(storage.conversations, journal, remembered=0 if url.startswith("sqlite") else REMEMBERED)
