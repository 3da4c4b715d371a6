"""Looking after an Ollama server's models, on the fake one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator

import pytest

from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.ollama_keeper import OllamaKeeper
from potluck.backends.port import Address, EngineHttp
from potluck.core.errors import BadRequest, ModelNotFound, NodeFailed, NotInRegistry
from potluck.core.model import JsonObject, Model, ModelId
from potluck_fake_engine.testing import FakeEngine, running

KEEPER = OllamaKeeper()


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    async with running("m", dialect="ollama") as made:
        yield made


@pytest.fixture
async def http(fake: FakeEngine) -> AsyncIterator[EngineHttp]:
    async with open_engine_session() as session:
        yield AiohttpEngine(session, Address(fake.host, fake.port))


async def _all(steps: AsyncIterator[JsonObject]) -> list[JsonObject]:
    return [step async for step in steps]


async def test_a_model_is_shown_as_the_engine_shows_it(http: EngineHttp) -> None:
    shown = await KEEPER.show(Model(ModelId("m")), http, verbose=False)
    assert isinstance(shown["model_info"], dict)
    with pytest.raises(ModelNotFound):
        await KEEPER.show(Model(ModelId("n")), http, verbose=False)


async def test_a_pull_tells_its_steps_to_the_last(http: EngineHttp) -> None:
    steps = await _all(KEEPER.pull("remote-model", http, insecure=False))
    assert steps[0] == {"status": "pulling manifest"}
    assert steps[-1] == {"status": "success"}
    assert any("total" in step and step["total"] == step.get("completed") for step in steps)


async def test_a_model_that_no_registry_has_is_told_in_ollamas_words(http: EngineHttp) -> None:
    with pytest.raises(NotInRegistry, match="pull model manifest: file does not exist"):
        await _all(KEEPER.pull("nowhere", http, insecure=False))


async def test_a_registry_that_cannot_be_reached_is_not_a_model_that_is_missing(
    http: EngineHttp, fake: FakeEngine
) -> None:
    why = 'pull model manifest: Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host'
    fake.fault("status", path="/api/pull", status=500, body=json.dumps({"error": why}))
    with pytest.raises(NodeFailed) as failed:
        await _all(KEEPER.pull("nowhere", http, insecure=False))
    assert "no such host" in failed.value.detail


async def test_models_are_made_copied_and_deleted(http: EngineHttp, fake: FakeEngine) -> None:
    assert (await _all(KEEPER.create({"model": "made", "from": "m"}, http)))[-1] == {"status": "success"}
    await KEEPER.copy("made", "copied", http)
    await KEEPER.delete("made", http)
    assert {name.partition(":")[0] for name in fake.engine.models} == {"m", "copied"}
    with pytest.raises(ModelNotFound):
        await KEEPER.delete("made", http)
    with pytest.raises(ModelNotFound):
        await KEEPER.copy("made", "again", http)


async def test_blobs_go_by_their_digest(http: EngineHttp) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"half "
        yield b"and half"

    digest = f"sha256:{hashlib.sha256(b'half and half').hexdigest()}"
    assert not await KEEPER.has_blob(digest, http)
    await KEEPER.put_blob(digest, pieces(), http)
    assert await KEEPER.has_blob(digest, http)
    with pytest.raises(BadRequest):
        await KEEPER.put_blob(f"sha256:{'0' * 64}", pieces(), http)
    with pytest.raises(BadRequest):
        await KEEPER.has_blob("../api/tags", http)
