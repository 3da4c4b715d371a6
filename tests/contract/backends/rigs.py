"""Engines to run the contract on, real ones and faked ones, each driven as the relay drives it."""

from __future__ import annotations

import os
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.llamacpp import LlamaCpp
from potluck.backends.local.child import Task
from potluck.backends.local.engine import LocalEngine, LocalSettings
from potluck.backends.local.library import Library, shipped_weights
from potluck.backends.local.process import spawn
from potluck.backends.ollama import Ollama
from potluck.backends.openai_compat import OpenAiCompat
from potluck.backends.port import Address, Backend, EngineHttp, Ready
from potluck.core.answer import Answer, Event, collect
from potluck.core.call import Call
from potluck.core.model import Capability, Model, ModelId
from potluck.wire.port import EngineRequest
from potluck_fake_engine.testing import FakeEngine, running

SLOTS = 2
CONTEXT = 2048
FAKE_MODEL = (
    f"smol:135m,context={CONTEXT},slots={SLOTS},capabilities=completion+tools+insert+embedding,prefill=4000,decode=400"
)


class Refused(Exception):
    """The engine answered with a status of 400 or more; ``error`` is what the backend makes of it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Rig:
    """One engine. ``real``: a model speaks, so nobody knows what it will say. ``busy`` counts slots at work."""

    backend: Backend
    http: EngineHttp
    real: bool
    busy: Callable[[], Awaitable[int]]

    async def model(self) -> Model:
        return (await self.backend.probe(self.http)).models[0]

    async def events(self, call: Call, *, stream: bool = True, model: Model | None = None) -> list[Event]:
        """The call's events, by the engine's bytes. Raises `Refused`."""
        model = model or await self.model()
        call = replace(call, model=model.id)
        request = self.backend.encode(call, model, stream=stream)
        if isinstance(request, Ready):
            return list(request.events)
        async with self.opened(call, request, model) as reply:
            if reply.status != 200:
                raise Refused(self.backend.error(reply.status, await reply.read(), model.id))
            if not request.stream:
                return request.reader.whole(await reply.read())
            events: list[Event] = []
            async for piece in reply.content.iter_any():
                events += request.reader.feed(piece)
            return events + request.reader.end()

    async def answer(self, call: Call, *, stream: bool = True) -> Answer:
        return collect(await self.events(call, stream=stream))

    async def posted(self, path: str, body: bytes, model: Model, needs: frozenset[Capability]) -> tuple[int, bytes]:
        """The engine's status and body for bytes that pass through."""
        async with self._sent("POST", path, body, model, needs) as reply:
            return reply.status, await reply.read()

    @asynccontextmanager
    async def opened(self, call: Call, request: EngineRequest, model: Model) -> AsyncGenerator[aiohttp.ClientResponse]:
        """The engine's answer to a request; leaving the block early hangs up."""
        async with self._sent(request.method, request.path, request.body, model, call.needs) as reply:
            yield reply
            reply.close()

    @asynccontextmanager
    async def _sent(
        self, method: str, path: str, body: bytes, model: Model, needs: frozenset[Capability]
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        if self.backend.address(model, needs) is None:
            await self.backend.prepare(model, needs)
        address = self.backend.address(model, needs)
        assert address is not None
        url = f"http://{address.host}:{address.port}{address.base_path}{path}"
        headers = {"content-type": "application/json", **dict(address.headers)}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=body, headers=headers) as reply,
        ):
            yield reply


def local_engine(session: aiohttp.ClientSession, folder: Path, **settings: object) -> LocalEngine:
    """The embedded engine on one thread, on ``folder`` and the shipped weights."""
    return LocalEngine(
        Library(folder, shipped=shipped_weights()),
        LocalSettings(**{"slots": SLOTS, "context": CONTEXT, "threads": 1, **settings}),  # type: ignore[arg-type]
        http_for=lambda address: AiohttpEngine(session, address),
        clock=time.monotonic,
        wall_clock=time.time,
        chance=random.Random(7),
        new_key=lambda: "a-key-of-the-test",
    )


@asynccontextmanager
async def local_rig(folder: Path) -> AsyncGenerator[Rig]:
    async with open_engine_session() as session:
        engine = local_engine(session, folder)
        http = AiohttpEngine(session, Address("127.0.0.1", 1))

        async def busy() -> int:
            return (await engine.probe(http)).busy or 0

        try:
            await engine.prepare((await engine.probe(http)).models[0])
            yield Rig(engine, http, real=True, busy=busy)
        finally:
            await engine.aclose()


@asynccontextmanager
async def llamacpp_rig(folder: Path) -> AsyncGenerator[Rig]:
    """llama.cpp's server as its owner would start it: own template, with a key."""
    weights = shipped_weights()
    assert weights is not None
    task = Task(
        path=str(weights), alias="smol", key="k", embedding=True, context=CONTEXT, slots=SLOTS, batch=256, threads=1,
        parent=os.getpid(), pooling="mean",
    )  # fmt: skip
    process = await spawn(task)
    try:
        address = Address("127.0.0.1", await process.port(), headers=(("authorization", "Bearer k"),))
        async with open_engine_session() as session:
            backend, http = LlamaCpp(EngineSettings(address)), AiohttpEngine(session, address)

            async def busy() -> int:
                return (await backend.probe(http)).busy or 0

            yield Rig(backend, http, real=True, busy=busy)
    finally:
        process.ask()
        await process.end()


@asynccontextmanager
async def ollama_rig(folder: Path) -> AsyncGenerator[Rig]:
    async with running(FAKE_MODEL, dialect="ollama") as fake, open_engine_session() as session:
        address = Address(fake.host, fake.port)
        yield _faked(fake, Ollama(EngineSettings(address)), AiohttpEngine(session, address))


@asynccontextmanager
async def openai_rig(folder: Path) -> AsyncGenerator[Rig]:
    async with running(FAKE_MODEL, dialect="openai", api_key="k") as fake, open_engine_session() as session:
        address = Address(fake.host, fake.port, headers=(("authorization", "Bearer k"),))
        yield _faked(fake, OpenAiCompat(EngineSettings(address)), AiohttpEngine(session, address))


def _faked(fake: FakeEngine, backend: Backend, http: EngineHttp) -> Rig:
    async def busy() -> int:
        return fake.busy()

    return Rig(backend, http, real=False, busy=busy)


UNKNOWN = Model(id=ModelId("no-such-model:latest"), capabilities=frozenset(Capability))

RIGS = {"local": local_rig, "llamacpp": llamacpp_rig, "ollama": ollama_rig, "openai": openai_rig}
REAL = ("local", "llamacpp")
