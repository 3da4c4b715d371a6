"""Keys without a running service: straight in the database. Loaded only then, since the database takes its time."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from potluck.config.model import Config
from potluck.core.errors import Conflict
from potluck.core.keys import RANDOM_BYTES, digest, make_key, prefix
from potluck.core.model import KeyId
from potluck.storage.datadir import open_datadir
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.ports import KeyStore
from potluck.storage.records import KeyRecord
from potluck.surfaces.v1.shapes import KeyCreated, KeyInfo, rfc3339

T = TypeVar("T")


def stored_keys(data: Path, config: Config) -> StoredKeys:
    """The keys of a data directory, or of the database that the configuration names."""
    return StoredKeys(data, config)


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """The same as `keys.RemoteKeys`, on the data directory. Raises `PotluckError`."""

    data: Path
    config: Config

    def all(self) -> list[KeyInfo]:
        async def act(keys: KeyStore) -> list[KeyInfo]:
            return [_info(record) for record in await keys.all()]

        return self._run(act)

    def create(self, name: str) -> KeyCreated:
        key = make_key(secrets.token_bytes(RANDOM_BYTES))
        record = KeyRecord(KeyId(secrets.token_hex(12)), name, prefix(key), digest(key), time.time())

        async def act(keys: KeyStore) -> KeyCreated:
            await keys.add(record)
            return msgspec.convert({**msgspec.to_builtins(_info(record)), "key": key}, KeyCreated)

        return self._run(act)

    def revoke(self, key: KeyInfo) -> None:
        if key.owner:
            raise Conflict("The owner's key cannot be revoked: nobody could administer Potluck then.")

        async def act(keys: KeyStore) -> None:
            await keys.revoke(KeyId(key.id), time.time())

        self._run(act)

    def _run(self, act: Callable[[KeyStore], Awaitable[T]]) -> T:
        async def work() -> T:
            place = open_datadir(self.data)
            own = self.config.storage.database
            url = own.reveal() if own else sqlite_url(place.database)
            async with open_storage(url, clock=time.monotonic) as storage:
                return await act(storage.keys)

        return asyncio.run(work())


def _info(record: KeyRecord) -> KeyInfo:
    return KeyInfo(
        id=record.id,
        name=record.name,
        prefix=record.prefix,
        owner=record.owner,
        created_at=rfc3339(record.created_s),
        last_used_at=None if record.last_used_s is None else rfc3339(record.last_used_s),
        revoked_at=None if record.revoked_s is None else rfc3339(record.revoked_s),
    )
