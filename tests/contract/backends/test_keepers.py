"""What every engine that manages models promises (`backends.port.ModelKeeper`), on files and on a server."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.local.hub import Hub
from potluck.backends.local.keeper import LocalKeeper
from potluck.backends.local.library import shipped_weights
from potluck.backends.local.pulling import Puller
from potluck.backends.ollama import Ollama
from potluck.backends.ollama_keeper import OllamaKeeper
from potluck.backends.outward import Outward
from potluck.backends.port import Address, EngineHttp, ModelKeeper, PullOrder, Report
from potluck.core.errors import ModelNotFound, PotluckError
from potluck.core.model import JsonObject, Model, ModelId
from potluck.core.model_sources import parse_source
from potluck_fake_engine.testing import running
from tests.backends.files_on_the_web import web_server
from tests.contract.backends.rigs import local_engine


@dataclass(frozen=True)
class Shelf:
    """A keeper with what it can pull. ``breaks`` makes pulls break off."""

    keeper: ModelKeeper
    http: EngineHttp
    name: str
    missing: str
    called: str
    look: Callable[[], Awaitable[Report]]
    breaks: Callable[[bool], None]

    async def models(self) -> dict[str, Model]:
        return {model.id.removesuffix(":latest"): model for model in (await self.look()).models}

    async def pull(self, name: str, **how: object) -> list[JsonObject]:
        order = PullOrder(name, **{"inside": True, **how})  # type: ignore[arg-type]
        return [step async for step in self.keeper.pull(order, self.http)]


@asynccontextmanager
async def ollama_shelf(folder: Path) -> AsyncGenerator[Shelf]:
    async with running("m", dialect="ollama") as fake, open_engine_session() as session:
        address = Address(fake.host, fake.port)
        http = AiohttpEngine(session, address)
        backend = Ollama(EngineSettings(address))

        def breaks(wanted: bool) -> None:
            fake.clear_faults()
            if wanted:
                fake.fault("cut", path="/api/pull", after=6, times=None)

        yield Shelf(
            OllamaKeeper(), http, "remote-model", "nowhere", "remote-model",
            lambda: backend.probe(http), breaks,
        )  # fmt: skip


@asynccontextmanager
async def local_shelf(folder: Path) -> AsyncGenerator[Shelf]:
    weights = shipped_weights()
    assert weights is not None
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_engine_session())
        outward = await stack.enter_async_context(Outward())
        web = await stack.enter_async_context(web_server())
        file = web.put("/tiny.gguf", weights.read_bytes())
        engine = local_engine(session, folder, eager=False, slots=1, context=512)
        stack.push_async_callback(engine.aclose)
        http = AiohttpEngine(session, Address("127.0.0.1", 1))

        async def no_pause(seconds: float) -> None:
            """Nobody waits in a test."""

        puller = Puller(folder, outward, Hub(outward, web.url), now=time.time, pause=no_pause)

        def breaks(wanted: bool) -> None:
            file.cuts[:] = [5_000_000, *([0] * 9)] if wanted else []

        yield Shelf(
            LocalKeeper(engine, puller), http, f"{web.url}/tiny.gguf", f"{web.url}/nothing.gguf", "tiny",
            lambda: engine.probe(http), breaks,
        )  # fmt: skip


@pytest.fixture(params=["ollama", pytest.param("local", marks=pytest.mark.model)])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Shelf]:
    async with {"ollama": ollama_shelf, "local": local_shelf}[request.param](tmp_path / "models") as made:
        yield made


async def test_a_pull_tells_its_steps_and_the_model_is_there(shelf: Shelf) -> None:
    assert shelf.keeper.fetches(parse_source(shelf.name))
    steps = await shelf.pull(shelf.name)
    assert steps[0] == {"status": "pulling manifest"}
    assert steps[-1]["status"] == "success"
    sized = [step for step in steps if "total" in step]
    assert all(str(step["digest"]).startswith("sha256:") for step in sized)
    ends = {step["digest"]: (step["completed"], step["total"]) for step in sized if "completed" in step}
    assert all(completed == total for completed, total in ends.values())
    assert shelf.called in await shelf.models()


async def test_what_is_there_is_pulled_again_without_harm(shelf: Shelf) -> None:
    for _ in range(2):
        assert (await shelf.pull(shelf.name))[-1]["status"] == "success"
    assert shelf.called in await shelf.models()


async def test_a_pull_that_broke_off_goes_on_where_it_was(shelf: Shelf) -> None:
    shelf.breaks(True)
    with pytest.raises(PotluckError):
        await shelf.pull(shelf.name)
    assert shelf.called not in await shelf.models()
    shelf.breaks(False)
    steps = await shelf.pull(shelf.name)
    first = next(step for step in steps if "completed" in step)
    assert first["completed"]  # not from nothing
    assert shelf.called in await shelf.models()


async def test_what_nobody_has_is_not_found(shelf: Shelf) -> None:
    with pytest.raises(ModelNotFound):
        await shelf.pull(shelf.missing)


async def test_an_alias_is_a_name_it_has(shelf: Shelf) -> None:
    await shelf.pull(shelf.name, alias="mine")
    assert "mine" in await shelf.models()


async def test_a_copy_outlives_the_model_it_was_made_of(shelf: Shelf) -> None:
    await shelf.pull(shelf.name)
    await shelf.models()
    await shelf.keeper.copy(shelf.called, "second", shelf.http)
    await shelf.keeper.delete(shelf.called, shelf.http)
    assert "second" in await shelf.models()
    assert shelf.called not in await shelf.models()
    for change in (
        shelf.keeper.delete("nobody", shelf.http),
        shelf.keeper.copy("nobody", "x", shelf.http),
        shelf.keeper.load("nobody", shelf.http, keep_s=None),
        shelf.keeper.show(Model(ModelId("nobody")), shelf.http, verbose=False),
    ):
        with pytest.raises(ModelNotFound):
            await change


async def test_a_model_is_loaded_and_leaves_the_memory_when_it_is_told_or_deleted(shelf: Shelf) -> None:
    await shelf.pull(shelf.name)
    await shelf.models()
    await shelf.keeper.load(shelf.called, shelf.http, keep_s=-1.0)
    assert (await shelf.models())[shelf.called].resident
    await shelf.keeper.unload(shelf.called, shelf.http)
    assert not (await shelf.models())[shelf.called].resident
    await shelf.keeper.load(shelf.called, shelf.http, keep_s=None)
    await shelf.keeper.delete(shelf.called, shelf.http)
    assert shelf.called not in await shelf.models()
