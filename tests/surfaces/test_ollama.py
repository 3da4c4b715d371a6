"""The Ollama surface's own part in looking after models: what its keepers do is told, and known at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from potluck.core.errors import NotInRegistry
from potluck.core.model import EngineId, EngineKind, JsonObject
from potluck.surfaces import ollama

ENGINE = EngineId("agx0/ollama:11434")
SUCCESS: JsonObject = {"status": "success"}


class Keeper:
    """Pulls in as many steps as it is told; ``stopped`` once nobody waits any more."""

    def __init__(self, *steps: JsonObject | Exception, hangs: bool = False) -> None:
        self.steps = steps
        self.hangs = hangs
        self.stopped = False

    async def pull(self, name: str, http: object, *, insecure: bool) -> AsyncIterator[JsonObject]:
        try:
            for step in self.steps:
                if isinstance(step, Exception):
                    raise step
                yield step
            if self.hangs:
                await asyncio.Event().wait()
        finally:
            self.stopped = True


class Client:
    """Sends one body; ``leaves`` after it."""

    def __init__(self, body: JsonObject, keeper: Keeper, *, leaves: bool = False) -> None:
        self.looked: list[EngineId] = []
        self._messages: list[Message] = [{"type": "http.request", "body": json.dumps(body).encode()}]
        if leaves:
            self._messages.append({"type": "http.disconnect"})
        installation = SimpleNamespace(id=ENGINE, http=None, kind=EngineKind.OLLAMA)
        fleet = SimpleNamespace(keepers=lambda: ((installation, keeper),))
        services = SimpleNamespace(max_body_bytes=1000, look=self._look)
        state = SimpleNamespace(fleet=fleet, services=services)
        app = SimpleNamespace(state=state)
        self.request = Request({"type": "http", "headers": [], "app": app}, self._receive)

    async def _receive(self) -> Message:
        if not self._messages:
            await asyncio.Event().wait()
        return self._messages.pop(0)

    async def _look(self, engine: EngineId) -> None:
        self.looked.append(engine)


async def body_of(response: Any) -> list[Any]:
    if hasattr(response, "body_iterator"):
        return [json.loads(line) async for line in response.body_iterator]
    return [json.loads(response.body)]


async def test_what_was_pulled_is_looked_for_before_success_is_told() -> None:
    client = Client({"model": "m"}, Keeper({"status": "pulling manifest"}, SUCCESS))
    lines = (await ollama.pull(client.request)).body_iterator  # type: ignore[attr-defined]
    told = [(json.loads(line), list(client.looked)) async for line in lines]
    assert told == [({"status": "pulling manifest"}, []), (SUCCESS, [ENGINE])]


async def test_only_the_last_step_is_told_to_who_wants_no_stream() -> None:
    client = Client({"model": "m", "stream": False}, Keeper({"status": "pulling manifest"}, SUCCESS))
    assert await body_of(await ollama.pull(client.request)) == [SUCCESS]
    assert client.looked == [ENGINE]


async def test_a_failure_is_a_status_before_the_first_step_and_a_line_after_it() -> None:
    failing = Keeper({"status": "pulling manifest"}, NotInRegistry("m"))
    with pytest.raises(NotInRegistry):
        await ollama.pull(Client({"model": "m", "stream": False}, failing).request)
    with pytest.raises(NotInRegistry):
        await ollama.pull(Client({"model": "m"}, Keeper(NotInRegistry("m"))).request)
    told = await body_of(await ollama.pull(Client({"model": "m"}, failing).request))
    assert told == [{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}]


async def test_a_pull_ends_when_its_client_leaves() -> None:
    keeper = Keeper({"status": "pulling manifest"}, hangs=True)
    with pytest.raises(ClientDisconnect):
        await ollama.pull(Client({"model": "m", "stream": False}, keeper, leaves=True).request)
    assert keeper.stopped
