"""Users and keys without a running service: straight in the database. Loaded only then, since that takes its time."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from msgspec import UNSET

from potluck.config.model import Config
from potluck.core.audit import Head
from potluck.core.ids import Ids
from potluck.core.model import KeyId
from potluck.core.people import OWNER_ID, OWNER_NAME, Role
from potluck.gateway.audit import Audit
from potluck.gateway.people import People
from potluck.gateway.port import Caller
from potluck.storage.audit_head import HeadFile
from potluck.storage.changes import tell_change
from potluck.storage.datadir import ensure_owner, open_datadir
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.ports import Storage
from potluck.storage.records import AuditFilter, KeyRecord
from potluck.surfaces.v1.audit import MOST, AuditEntry, AuditList, audit_entry, shown_head
from potluck.surfaces.v1.key_shapes import KeyCreated, KeyInfo, NewKey
from potluck.surfaces.v1.keys import key_created, key_info
from potluck.surfaces.v1.limit_shapes import KeyChange, changed, limits_of
from potluck.surfaces.v1.people_shapes import UserChange, UserInfo, user_info

T = TypeVar("T")

Told: TypeAlias = Callable[[], Awaitable[None]]
"""Is awaited after every change."""

OWNER = Caller(KeyId(""), OWNER_NAME, OWNER_ID, Role.OWNER, address="command line")
"""Who can write the database is its owner."""


def stored_keys(data: Path, config: Config) -> StoredKeys:
    """The keys of a data directory, or of the database that the configuration names."""
    return StoredKeys(Stored(data, config))


def stored_users(data: Path, config: Config) -> StoredUsers:
    """The users of a data directory, or of the database that the configuration names."""
    return StoredUsers(Stored(data, config))


def stored_audit(data: Path, config: Config) -> StoredAudit:
    """The audit log of a data directory, or of the database that the configuration names."""
    return StoredAudit(Stored(data, config))


@dataclass(frozen=True, slots=True)
class Stored:
    """The database of a data directory, opened for one piece of work. Raises `PotluckError`."""

    data: Path
    config: Config

    def read(self, act: Callable[[Storage], Awaitable[T]]) -> T:
        """What ``act`` makes of what is stored."""

        async def work() -> T:
            async with open_storage(self._url(), clock=time.monotonic) as storage:
                return await act(storage)

        return asyncio.run(work())

    def _url(self) -> str:
        own = self.config.storage.database
        return own.reveal() if own else sqlite_url(open_datadir(self.data).database)

    def run(self, act: Callable[[People], Awaitable[T]]) -> T:
        """What ``act`` does to the people in there."""

        async def work(_: Storage, people: People, __: Audit, ___: Told) -> T:
            return await act(people)

        return self.run_all(work)

    def run_all(self, act: Callable[[Storage, People, Audit, Told], Awaitable[T]]) -> T:
        """The same, for who needs more than the people."""

        async def work() -> T:
            place = open_datadir(self.data)
            async with open_storage(self._url(), clock=time.monotonic) as storage:
                await ensure_owner(storage.users, now=time.time())
                new_id = Ids(time.time, secrets.token_bytes)
                names = {user.id: user.name for user in await storage.users.all()}
                audit = Audit(
                    storage.audit,
                    clock=time.time,
                    monotonic=time.monotonic,
                    new_id=new_id,
                    name_of=lambda user: names.get(user, user),
                    heads=HeadFile(place.audit_head),
                )

                async def told() -> None:
                    """Nobody runs here who would have to know; elsewhere another gateway may."""
                    await tell_change(storage.settings, new_id(), time.time())

                people = People(storage, time.time, new_id, secrets.token_bytes, told, audit)
                done = await act(storage, people, audit, told)
                await audit.close()
                return done

        return asyncio.run(work())


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """The same as `keys.RemoteKeys`, on the data directory. Raises `PotluckError`."""

    stored: Stored

    def all(self) -> list[KeyInfo]:
        async def act(people: People) -> list[KeyInfo]:
            names = {user.id: user.name for user in await people.users()}
            return [key_info(record, names) for record in await people.keys(OWNER)]

        return self.stored.run(act)

    def create(self, wanted: NewKey) -> KeyCreated:
        async def act(people: People) -> KeyCreated:
            made = await people.create_key(
                OWNER,
                wanted.name,
                wanted.user,
                expires_in_s=wanted.expires_in_s,
                surfaces=wanted.surfaces,
                models=wanted.models,
                limits=limits_of(wanted.limits),
            )
            return await _shown(people, *made)

        return self.stored.run(act)

    def rotate(self, key: KeyInfo, overlap_s: float) -> KeyCreated:
        async def act(people: People) -> KeyCreated:
            return await _shown(people, *await people.rotate_key(OWNER, KeyId(key.id), overlap_s))

        return self.stored.run(act)

    def limit(self, key: KeyInfo, change: KeyChange) -> KeyInfo:
        async def act(people: People) -> KeyInfo:
            before = await people.key(OWNER, KeyId(key.id))
            record = await people.limit_key(OWNER, before.id, changed(before.limits, change.limits))
            holder = await people.user(record.user)
            return key_info(record, {holder.id: holder.name})

        return self.stored.run(act)

    def revoke(self, key: KeyInfo) -> None:
        self.stored.run(lambda people: people.revoke_key(OWNER, KeyId(key.id)))


@dataclass(frozen=True, slots=True)
class StoredAudit:
    """The same as `audit.RemoteLog`, on the data directory. Raises `PotluckError`."""

    stored: Stored

    def recent(self, limit: int, event: str, before: int | None) -> list[AuditEntry]:
        async def act(storage: Storage) -> list[AuditEntry]:
            found = await storage.audit.recent(limit=limit, where=AuditFilter(event or None, before=before))
            return [audit_entry(entry) for entry in found]

        return self.stored.read(act)

    def pages(self) -> Iterator[AuditList]:
        noted = HeadFile(open_datadir(self.stored.data).audit_head).read()
        after, more = 0, True
        while more:
            page = self.stored.read(partial(_page, after=after, noted=noted))
            yield page
            more = len(page.entries) == MOST
            after = page.entries[-1].seq if page.entries else after


async def _page(storage: Storage, *, after: int, noted: Head | None) -> AuditList:
    entries = await storage.audit.page(after=after, limit=MOST)
    head = await storage.audit.head()
    return AuditList([audit_entry(entry) for entry in entries], shown_head(head), shown_head(noted) if noted else "")


async def _shown(people: People, record: KeyRecord, key: str) -> KeyCreated:
    holder = await people.user(record.user)
    return key_created(record, key, {holder.id: holder.name})


@dataclass(frozen=True, slots=True)
class StoredUsers:
    """The same as `users.RemoteUsers`, on the data directory. Raises `PotluckError`."""

    stored: Stored

    def all(self) -> list[UserInfo]:
        async def act(people: People) -> list[UserInfo]:
            keys = [key.user for key in await people.keys(OWNER) if key.live]
            ways = await people.ways()
            return [user_info(user, keys.count(user.id), ways.get(user.id)) for user in await people.users()]

        return self.stored.run(act)

    def add(self, name: str, role: Role) -> UserInfo:
        async def act(people: People) -> UserInfo:
            return user_info(await people.add_user(OWNER, name, role))

        return self.stored.run(act)

    def change(self, name: str, change: UserChange) -> UserInfo:
        async def act(people: People) -> UserInfo:
            if change.limits is not UNSET:
                before = await people.user(name)
                await people.set_limits(OWNER, name, changed(before.limits, change.limits))
            if change.role is not None:
                await people.set_role(OWNER, name, change.role)
            if change.disabled is not None:
                await people.set_disabled(OWNER, name, disabled=change.disabled)
            user, ways = await people.user(name), await people.ways()
            keys = sum(key.live and key.user == user.id for key in await people.keys(OWNER))
            return user_info(user, keys, ways.get(user.id))

        return self.stored.run(act)

    def remove(self, name: str) -> None:
        self.stored.run(lambda people: people.remove_user(OWNER, name))
