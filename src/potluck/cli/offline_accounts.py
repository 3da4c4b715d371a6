"""How people come in, without a running service: straight in the database."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from potluck.app.coming_in import coming_in
from potluck.cli.failure import CliError
from potluck.cli.offline import OWNER, Stored, Told
from potluck.config.model import Config
from potluck.core.ids import Ids
from potluck.core.model import UserId
from potluck.gateway.accounts import Accounts
from potluck.gateway.audit import Audit
from potluck.gateway.making_links import own_url
from potluck.gateway.people import People
from potluck.storage.datadir import open_datadir
from potluck.storage.ports import Storage
from potluck.storage.records import LinkId, LinkRecord, SessionId
from potluck.surfaces.v1.account_shapes import LinkInfo, LinkMade, NewLink, PasswordChange, link_info, link_made
from potluck.surfaces.v1.sessions import SessionInfo, session_info

T = TypeVar("T")


def stored_accounts(data: Path, config: Config) -> StoredAccounts:
    """Those of a data directory, or of the database that the configuration names."""
    return StoredAccounts(Stored(data, config))


@dataclass(frozen=True, slots=True)
class StoredAccounts:
    """The same as `accounts.RemoteAccounts`, on the data directory. Raises `PotluckError`."""

    stored: Stored

    def invite(self, wanted: NewLink) -> LinkMade:
        return self._linked(lambda all_: all_.links.invite(OWNER, wanted.name, wanted.role, wanted.expires_in_s))

    def reset(self, name: str) -> LinkMade:
        return self._linked(lambda all_: all_.links.reset(OWNER, name))

    def set_up(self) -> LinkMade:
        raise CliError("No service runs.", hint="'potluck up' prints a set-up link when it starts.")

    def links(self) -> list[LinkInfo]:
        async def act(all_: Accounts, people: People) -> list[LinkInfo]:
            names = await _names(people)
            return [link_info(each, names.get(each.user, ""), names[each.by]) for each in await all_.links.all()]

        return self._run(act)

    def withdraw(self, link: str) -> None:
        self._run(lambda all_, _: all_.links.remove(OWNER, LinkId(link)))

    def sessions(self, name: str) -> list[SessionInfo]:
        async def act(_: Accounts, people: People) -> list[SessionInfo]:
            names = await _names(people)
            found = await people.sessions(OWNER, name, every=not name)
            return [session_info(each, names.get(each.user, "")) for each in found]

        return self._run(act)

    def end_session(self, session: str) -> None:
        self._run(lambda _, people: people.end_session(OWNER, SessionId(session)))

    def drop_factor(self, name: str) -> None:
        self._run(lambda all_, _: all_.factors.drop(OWNER, name))

    def has_password(self) -> bool:
        return self._run(lambda _, people: _has_password(people))

    def change_password(self, change: PasswordChange) -> None:
        raise CliError("No service runs.", hint="Start 'potluck up', or make a link with 'potluck users reset owner'.")

    def _linked(self, make: Callable[[Accounts], Awaitable[tuple[LinkRecord, str]]]) -> LinkMade:
        config = self.stored.config
        origin = own_url(config.server.url, f"http://{_in_url(config.server.host)}:{config.server.port}")

        async def act(all_: Accounts, people: People) -> LinkMade:
            record, token = await make(all_)
            names = await _names(people)
            return link_made(record, token, origin, names.get(record.user, ""), names[record.by])

        return self._run(act)

    def _run(self, act: Callable[[Accounts, People], Awaitable[T]]) -> T:
        async def work(storage: Storage, people: People, audit: Audit, told: Told) -> T:
            with ExitStack() as stack:
                all_ = coming_in(
                    self.stored.config,
                    open_datadir(self.stored.data),
                    storage,
                    people,
                    audit,
                    told,
                    clock=time.time,
                    monotonic=time.monotonic,
                    new_id=Ids(time.time, secrets.token_bytes),
                    random_bytes=secrets.token_bytes,
                    at_the_end=stack.callback,
                )
                return await act(all_, people)

        return self.stored.run_all(work)


async def _has_password(people: People) -> bool:
    ways = (await people.ways()).get(OWNER.user)
    return ways is not None and ways.password


async def _names(people: People) -> dict[UserId, str]:
    return {user.id: user.name for user in await people.users()}


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
