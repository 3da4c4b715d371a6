"""Engines of different kinds on one node share its memory: what one needs, another's keeper puts out."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from potluck.backends.port import Address, Report
from potluck.core.model import Capability, EngineId, EngineKind, Model, ModelId, NodeId
from potluck.core.scheduling.scheduler import Scheduler
from potluck.gateway.dispatch import Dispatcher
from potluck.gateway.fleet import Fleet, Installation
from tests.gateway.test_dispatch import Caller

GB = 10**9
TEXT, IMAGE = EngineId("jetson/text"), EngineId("jetson/image")


class Engine:
    """An engine that loads a model with the call that needs it; its keeper writes down what is put out."""

    def __init__(self) -> None:
        self.put_out: list[str] = []

    def address(self, model: Model, needs: frozenset[Capability] = frozenset()) -> Address:
        return Address("x", 1)

    async def unload(self, name: str, http: object) -> None:
        self.put_out.append(name)


async def test_a_text_model_makes_room_for_an_image_model_of_another_engine_and_back() -> None:
    engines: dict[EngineId, Any] = {TEXT: Engine(), IMAGE: Engine()}
    kinds = {TEXT: EngineKind.OLLAMA, IMAGE: EngineKind.LOCAL}
    installations = [
        Installation(
            each,
            NodeId("jetson"),
            kinds[each],
            engine,
            None,
            1,
            keeper=engine,
            memory_bytes=16 * GB,  # type: ignore[arg-type]
        )
        for each, engine in engines.items()
    ]
    tasks: list[asyncio.Future[None]] = []

    def spawn(work: Coroutine[None, None, None], name: str) -> None:
        tasks.append(asyncio.ensure_future(work))

    fleet = Fleet(installations, {}, clock=lambda: 0.0, interval_s=30)
    dispatcher = Dispatcher(fleet, Scheduler(), lambda: 0.0, spawn)
    fleet.reported(TEXT, Report((Model(ModelId("llama"), resident=True, memory_bytes=10 * GB),)))
    fleet.reported(IMAGE, Report((Model(ModelId("sdxl"), memory_bytes=13 * GB),)))

    async def call(name: str, model: str) -> Caller:
        caller = Caller(name, model=model)
        dispatcher.seek(caller)
        await asyncio.gather(*tasks)
        return caller

    image = await call("1", "sdxl")
    assert image.seat is not None
    assert engines[TEXT].put_out == ["llama"]

    text = await call("2", "llama")  # the image model is in use: it stays
    assert (text.seat, engines[IMAGE].put_out) == (None, [])
    dispatcher.first(image.seat, 1.0)
    dispatcher.release(image.seat)
    await asyncio.gather(*tasks)
    assert engines[IMAGE].put_out == ["sdxl"]
    assert text.seat is not None
