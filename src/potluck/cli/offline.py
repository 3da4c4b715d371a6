"""Users and keys without a running service: straight in the database. Loaded only then, since that takes its time."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from potluck.config.model import Config
from potluck.core.ids import Ids
from potluck.core.model import KeyId
from potluck.core.people import OWNER_ID, OWNER_NAME, Role
from potluck.gateway.people import People
from potluck.gateway.port import Caller
from potluck.storage.datadir import ensure_owner, open_datadir
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.records import KeyRecord
from potluck.surfaces.v1.keys import key_created, key_info
from potluck.surfaces.v1.people_shapes import UserChange, UserInfo, user_info
from potluck.surfaces.v1.shapes import KeyCreated, KeyInfo, NewKey

T = TypeVar("T")

_OWNER = Caller(KeyId(""), OWNER_NAME, OWNER_ID, Role.OWNER)
"""Who can write the database is its owner."""


def stored_keys(data: Path, config: Config) -> StoredKeys:
    """The keys of a data directory, or of the database that the configuration names."""
    return StoredKeys(_Stored(data, config))


def stored_users(data: Path, config: Config) -> StoredUsers:
    """The users of a data directory, or of the database that the configuration names."""
    return StoredUsers(_Stored(data, config))


@dataclass(frozen=True, slots=True)
class _Stored:
    """The people of a data directory, opened for one piece of work. Raises `PotluckError`."""

    data: Path
    config: Config

    def run(self, act: Callable[[People], Awaitable[T]]) -> T:
        async def work() -> T:
            place = open_datadir(self.data)
            own = self.config.storage.database
            url = own.reveal() if own else sqlite_url(place.database)
            async with open_storage(url, clock=time.monotonic) as storage:
                await ensure_owner(storage.users, now=time.time())
                new_id = Ids(time.time, secrets.token_bytes)
                return await act(People(storage, time.time, new_id, secrets.token_bytes, _told))

        return asyncio.run(work())


async def _told() -> None:
    """Nobody runs who would have to know."""


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """The same as `keys.RemoteKeys`, on the data directory. Raises `PotluckError`."""

    stored: _Stored

    def all(self) -> list[KeyInfo]:
        async def act(people: People) -> list[KeyInfo]:
            names = {user.id: user.name for user in await people.users()}
            return [key_info(record, names) for record in await people.keys(_OWNER)]

        return self.stored.run(act)

    def create(self, wanted: NewKey) -> KeyCreated:
        async def act(people: People) -> KeyCreated:
            made = await people.create_key(
                _OWNER,
                wanted.name,
                wanted.user,
                expires_in_s=wanted.expires_in_s,
                surfaces=wanted.surfaces,
                models=wanted.models,
            )
            return await _shown(people, *made)

        return self.stored.run(act)

    def rotate(self, key: KeyInfo, overlap_s: float) -> KeyCreated:
        async def act(people: People) -> KeyCreated:
            return await _shown(people, *await people.rotate_key(_OWNER, KeyId(key.id), overlap_s))

        return self.stored.run(act)

    def revoke(self, key: KeyInfo) -> None:
        self.stored.run(lambda people: people.revoke_key(_OWNER, KeyId(key.id)))


async def _shown(people: People, record: KeyRecord, key: str) -> KeyCreated:
    holder = await people.user(record.user)
    return key_created(record, key, {holder.id: holder.name})


@dataclass(frozen=True, slots=True)
class StoredUsers:
    """The same as `users.RemoteUsers`, on the data directory. Raises `PotluckError`."""

    stored: _Stored

    def all(self) -> list[UserInfo]:
        async def act(people: People) -> list[UserInfo]:
            keys = [key.user for key in await people.keys(_OWNER) if key.live]
            return [user_info(user, keys.count(user.id)) for user in await people.users()]

        return self.stored.run(act)

    def add(self, name: str, role: Role) -> UserInfo:
        async def act(people: People) -> UserInfo:
            return user_info(await people.add_user(_OWNER, name, role))

        return self.stored.run(act)

    def change(self, name: str, change: UserChange) -> UserInfo:
        async def act(people: People) -> UserInfo:
            if change.role is not None:
                await people.set_role(_OWNER, name, change.role)
            if change.disabled is not None:
                await people.set_disabled(_OWNER, name, disabled=change.disabled)
            user = await people.user(name)
            return user_info(user, sum(key.live and key.user == user.id for key in await people.keys(_OWNER)))

        return self.stored.run(act)

    def remove(self, name: str) -> None:
        self.stored.run(lambda people: people.remove_user(_OWNER, name))
