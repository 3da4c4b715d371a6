"""A native API with a real database, and with keys and cookies demanded in front of it: how people come in."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from potluck.core.audit import Fact
from potluck.core.keys import digest
from potluck.core.model import KeyId
from potluck.core.people import OWNER_ID, Role
from potluck.core.sessions import Lifetimes
from potluck.storage.datadir import ensure_owner
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.records import KeyRecord
from potluck.surfaces.application import _Edge
from potluck.surfaces.auth import Keyring, RequireKey
from potluck.surfaces.passwords import TakePasswords
from potluck.surfaces.sessions import Sessions

from .world import World

OWNER_KEY = "pk-owners"
HOST = "box:8420"
PASSWORD = "correct horse battery"


@dataclass
class Answer:
    status: int
    body: Any
    headers: httpx.Headers

    @property
    def kind(self) -> str:
        return str(self.body["error"]["type"])


@dataclass
class Browser:
    """A browser on one of Potluck's own pages: it keeps cookies and names its origin."""

    house: House
    address: str = "192.0.2.1"
    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        own = {"host": HOST, "origin": f"http://{HOST}", **({"cookie": cookie} if cookie else {})}
        transport = httpx.ASGITransport(self.house.app, client=(self.address, 40000))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
            content = b"" if body is None else json.dumps(body).encode()
            response = await client.request(method, path, content=content, headers={**own, **(headers or {})})
        for line in response.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
            if "Max-Age=0" in line:
                del self.cookies[name]
        return Answer(response.status_code, response.json() if response.content else None, response.headers)

    async def sign_in(self, name: str, password: str = PASSWORD, code: str = "") -> Answer:
        return await self.ask("POST", "/api/v1/sessions", {"name": name, "password": password, "code": code})

    async def accept(self, token: str, **body: str) -> Answer:
        return await self.ask("POST", "/api/v1/invitations/accept", {"token": token, "password": PASSWORD, **body})


class House(World):
    """The owner has a key and no password."""

    hashed: list[str]
    """With what passwords were compared."""
    keyring: Keyring
    sessions_live: Sessions
    app: Any

    def browser(self, address: str = "192.0.2.1") -> Browser:
        return Browser(self, address)

    @property
    def services(self) -> Any:
        return self.native.state.services

    async def learn(self) -> None:
        assert self.storage is not None
        self.keyring.replace(await self.storage.keys.all(), await self.storage.users.all())
        self.sessions_live.replace(await self.storage.sessions.all(), self.keyring.callers())

    async def owner(self, method: str, path: str, body: Any = None, *, key: str = OWNER_KEY) -> Answer:
        """A program with the owner's key."""
        headers = {"authorization": f"Bearer {key}", "host": HOST, "origin": ""}
        return await Browser(self, "127.0.0.1").ask(method, path, body, headers=headers)

    async def newcomer(self, name: str = "anna", role: Role = Role.MEMBER, **more: Any) -> Browser:
        """Somebody who was invited and came."""
        made = await self.owner("POST", "/api/v1/invitations", {"name": name, "role": role, **more})
        browser = self.browser()
        assert (await browser.accept(made.body["token"])).status == 201
        return browser

    @property
    def facts(self) -> list[Fact]:
        """What the audit log was told."""
        return self._facts

    @property
    def events(self) -> list[str]:
        return [str(fact.event) for fact in self.facts]


@asynccontextmanager
async def house(tmp_path: Path, url: str = "") -> AsyncIterator[House]:
    async with open_storage(sqlite_url(tmp_path / "potluck.db"), clock=time.monotonic) as storage:
        await ensure_owner(storage.users, now=1.0)
        await storage.keys.add(KeyRecord(KeyId("k"), "owner", "pk-own", digest(OWNER_KEY), 1.0, True, user=OWNER_ID))
        made = House(storage=storage, random_bytes=secrets.token_bytes, url=url)
        made._facts = []
        made.audit._heard = made._facts.append
        made.hashed = []
        hashing = made.app.state.services.accounts().signing_in._hashing
        compared = hashing._compared
        hashing._compared = lambda hash_, password: made.hashed.append(hash_) or compared(hash_, password)
        made.native = made.app
        made.sessions_live = Sessions(lambda: made.now, Lifetimes(idle_s=1e6, length_s=1e7))
        made.keyring = Keyring(lambda: made.now, made.sessions_live)
        services = made.native.state.services
        made.app = _Edge(TakePasswords(RequireKey(made.native, made.keyring), made.keyring, services), services)
        await made.learn()
        yield made
