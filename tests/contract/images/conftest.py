"""Every image engine that there is a fake of, behind the one port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.images.a1111 import A1111
from potluck.backends.images.comfyui import ComfyUi
from potluck.backends.images.port import Event, ImageBackend, ImageHttp, Run
from potluck.backends.port import Address
from potluck.core.pictures.ask import ImageId, PictureAsk
from potluck.core.pictures.catalogue import Catalogue
from potluck.core.pictures.fitting import filled
from potluck.core.pictures.outcome import Drawn, Progress
from potluck_fake_engine import art
from potluck_fake_engine.testing import FakeEngine, running

MODELS = ("sd_v1-5,size=4GB", "sd_xl_base_1.0,size=7GB")
ID = "0b0f2c1e-6a3f-4f0e-9a53-3f0d7a9c0001"
BACKENDS: Mapping[str, type[Any]] = {"comfyui": ComfyUi, "a1111": A1111}


@dataclass
class Rig:
    """An engine, and what speaks to it."""

    fake: FakeEngine
    backend: ImageBackend
    http: ImageHttp
    has: Catalogue

    def run_of(self, ask: PictureAsk, inputs: Mapping[ImageId, bytes] | None = None, id: str = ID) -> Run:
        complete, _ = filled(ask, self.has)
        return Run(id, complete, self.has, inputs or {})

    async def events(self, ask: PictureAsk, inputs: Mapping[ImageId, bytes] | None = None, id: str = ID) -> list[Event]:
        async with aclosing(self.backend.run(self.run_of(ask, inputs, id), self.http)) as events:
            return [event async for event in events]

    async def picture(self, ask: PictureAsk, inputs: Mapping[ImageId, bytes] | None = None, id: str = ID) -> bytes:
        last = (await self.events(ask, inputs, id))[-1]
        assert isinstance(last, Drawn)
        return last.data

    async def look(self) -> None:
        self.has = await self.backend.catalogue(self.http)


Build = Callable[..., Any]


@asynccontextmanager
async def rig_of(kind: str, *models: str, **settings: Any) -> AsyncIterator[Rig]:
    async with running(*(models or MODELS), dialect=kind, **settings) as fake, open_engine_session() as session:
        address = Address(fake.host, fake.port)
        backend = BACKENDS[kind](EngineSettings(address))
        http = AiohttpEngine(session, address, node="desk")
        yield Rig(fake, backend, http, await backend.catalogue(http))


@pytest.fixture(params=sorted(BACKENDS))
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with rig_of(request.param) as made:
        yield made


@pytest.fixture(params=sorted(BACKENDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def some_png(width: int = 64, height: int = 64, what: str = "a photo") -> bytes:
    return art.png(art.draw(what, width, height))


def progress_of(events: list[Event]) -> list[Progress]:
    return [event for event in events if isinstance(event, Progress)]


ASK = PictureAsk(prompt="a lighthouse", negative="fog", width=64, height=64, steps=4, seed=7, model="sd_v1-5")
SLOW = replace(ASK, steps=100)
