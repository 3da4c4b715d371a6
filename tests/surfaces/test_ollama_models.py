"""The Ollama surface's own part in looking after models: what is told, in which words, and to whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from potluck.backends.port import PullOrder
from potluck.core.audit import Event
from potluck.core.errors import ModelNotFound, NoRoom, NotInRegistry
from potluck.core.model import EngineId, JsonObject, KeyId, ModelId, NodeId, UserId
from potluck.core.people import Role
from potluck.gateway.models import PullStep, Target
from potluck.gateway.port import Caller
from potluck.surfaces import ollama_models

ENGINE = EngineId("agx0/ollama:11434")
MANIFEST: JsonObject = {"status": "pulling manifest"}
SUCCESS: JsonObject = {"status": "success"}


class Models:
    """Pulls in as many steps as it is told; ``stopped`` once nobody waits any more."""

    def __init__(self, *steps: JsonObject | Exception, hangs: bool = False) -> None:
        self.steps = steps
        self.hangs = hangs
        self.stopped = False
        self.orders: list[PullOrder] = []
        self.done: list[tuple[str, ...]] = []

    async def pull(self, order: PullOrder) -> AsyncIterator[PullStep]:
        self.orders.append(order)
        try:
            for step in self.steps:
                if isinstance(step, Exception):
                    raise step
                yield PullStep(NodeId("agx0"), ENGINE, said=step)
            if self.hangs:
                await asyncio.Event().wait()
        finally:
            self.stopped = True

    async def copy(self, source: str, destination: str) -> None:
        self.done.append(("copy", source, destination))

    async def delete(self, name: str) -> Sequence[Target]:
        self.done.append(("delete", name))
        return [Target(NodeId("agx0"), ENGINE, ModelId(name))]


class Audit:
    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    async def tell(self, event: Event, actor: Caller, subject: str, **detail: str) -> None:
        self.told.append((event, actor.user, subject, detail))


class Client:
    """Sends one body; ``leaves`` after it. ``guest``: its key is not the owner's."""

    def __init__(self, body: JsonObject, models: Models, *, leaves: bool = False, guest: bool = False) -> None:
        self._messages: list[Message] = [{"type": "http.request", "body": json.dumps(body).encode()}]
        if leaves:
            self._messages.append({"type": "http.disconnect"})
        self.audit = Audit()
        services = SimpleNamespace(max_body_bytes=1000, models=models, audit=self.audit)
        app = SimpleNamespace(state=SimpleNamespace(services=services, fleet=None))
        caller = Caller(KeyId("k"), "k", UserId("u"), Role.MEMBER if guest else Role.ADMIN)
        scope = {"type": "http", "method": "POST", "headers": [], "app": app, "path_params": {"digest": "x"}}
        self.request = Request({**scope, "state": {"caller": caller}}, self._receive)

    async def _receive(self) -> Message:
        if not self._messages:
            await asyncio.Event().wait()
        return self._messages.pop(0)


async def body_of(response: Any) -> list[Any]:
    if hasattr(response, "body_iterator"):
        return [json.loads(line) async for line in response.body_iterator]
    return [json.loads(response.body)]


async def test_a_pulls_steps_are_told_as_they_come() -> None:
    models = Models({}, MANIFEST, SUCCESS)
    response = await ollama_models.pull(Client({"model": "m", "insecure": True}, models).request)
    assert await body_of(response) == [MANIFEST, SUCCESS]
    assert models.orders == [PullOrder("m", insecure=True, inside=True)]


async def test_only_the_last_step_is_told_to_who_wants_no_stream() -> None:
    client = Client({"model": "m", "stream": False}, Models(MANIFEST, SUCCESS))
    assert await body_of(await ollama_models.pull(client.request)) == [SUCCESS]


@pytest.mark.parametrize("models", [Models(ModelNotFound("m")), Models({}, MANIFEST, ModelNotFound("m"))])
async def test_a_model_that_nobody_has_is_told_in_the_stream_as_ollama_does(models: Models) -> None:
    told = await body_of(await ollama_models.pull(Client({"model": "m"}, models).request))
    assert told == [MANIFEST, {"error": "pull model manifest: file does not exist"}]
    with pytest.raises(NotInRegistry, match="pull model manifest: file does not exist"):
        await ollama_models.pull(Client({"model": "m", "stream": False}, models).request)


async def test_any_other_failure_is_a_status_before_the_first_step_and_a_line_after_it() -> None:
    full = NoRoom("The disk is full.")
    with pytest.raises(NoRoom):
        await ollama_models.pull(Client({"model": "m"}, Models(full)).request)
    told = await body_of(await ollama_models.pull(Client({"model": "m"}, Models(MANIFEST, full)).request))
    assert told == [MANIFEST, {"error": "The disk is full."}]


async def test_a_pull_ends_when_its_client_leaves() -> None:
    models = Models(MANIFEST, hangs=True)
    with pytest.raises(ClientDisconnect):
        await ollama_models.pull(Client({"model": "m", "stream": False}, models, leaves=True).request)
    assert models.stopped


async def test_copying_and_deleting_answer_with_nothing() -> None:
    models = Models()
    copied = await ollama_models.copy(Client({"source": "a", "destination": "b"}, models).request)
    client = Client({"name": "a"}, models)
    deleted = await ollama_models.delete(client.request)
    assert (copied.status_code, copied.body, deleted.status_code, deleted.body) == (200, b"", 200, b"")
    assert models.done == [("copy", "a", "b"), ("delete", "a")]
    assert client.audit.told == [(Event.MODEL_REMOVED, "u", "a", {"engines": ENGINE})]
