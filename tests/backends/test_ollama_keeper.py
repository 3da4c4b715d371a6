"""Looking after an Ollama server's models, on the fake one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.ollama_keeper import OllamaKeeper
from potluck.backends.port import Address, EngineHttp, PullOrder
from potluck.core.errors import BadRequest, ModelNotFound, NodeError, NodeFailed, NoRoom, NotImplementedHere
from potluck.core.model import JsonObject, Model, ModelId
from potluck.core.model_sources import parse_source
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
    steps = await _all(KEEPER.pull(PullOrder("remote-model"), http))
    assert steps[0] == {"status": "pulling manifest"}
    assert steps[-1] == {"status": "success"}
    assert any("total" in step and step["total"] == step.get("completed") for step in steps)
    with pytest.raises(ModelNotFound):
        await _all(KEEPER.pull(PullOrder("nowhere"), http))


@pytest.mark.parametrize(
    ("name", "fetches"),
    [("llama3.2", True), ("hf.co/a/b:Q4_K_M", True), ("hf:a/b/x.gguf", False), ("https://x.org/m.gguf", False)],
)
def test_ollama_fetches_by_name_and_not_by_file(name: str, fetches: bool) -> None:
    assert KEEPER.fetches(parse_source(name)) is fetches


async def test_a_hubs_repository_is_asked_for_as_ollama_spells_it(fake: FakeEngine, http: EngineHttp) -> None:
    fake.engine.settings = replace(fake.engine.settings, remote=("hf.co/a/b:Q4_K_M", "hf.co/a/c"))
    for order in (PullOrder("hf:a/b:Q4_K_M", alias="mine"), PullOrder("huggingface.co/a/c")):
        assert (await _all(KEEPER.pull(order, http)))[-1] == {"status": "success"}
    asked = [body["model"] for body in fake.bodies("/api/pull")]
    assert asked == ["hf.co/a/b:Q4_K_M", "hf.co/a/c"]
    assert "mine" in fake.engine.models


async def test_every_layer_of_a_pull_is_told_with_its_size(http: EngineHttp) -> None:
    steps = await _all(KEEPER.pull(PullOrder("remote-model"), http))
    sizes = {step["digest"]: step["total"] for step in steps if "digest" in step}
    assert len(sizes) > 1
    assert {step["digest"]: step["completed"] for step in steps if "completed" in step} == sizes


async def test_a_pull_that_is_cut_is_an_error_and_goes_on_where_it_was(fake: FakeEngine, http: EngineHttp) -> None:
    fake.fault("cut", path="/api/pull", after=8)
    with pytest.raises(NodeError):
        await _all(KEEPER.pull(PullOrder("remote-model"), http))
    before = max(fake.engine.pulled.values())
    assert before > 0
    steps = await _all(KEEPER.pull(PullOrder("remote-model"), http))
    assert next(step["completed"] for step in steps if "completed" in step) == before
    assert steps[-1] == {"status": "success"}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("write /root/.ollama/blobs/x: no space left on device", NoRoom),
        ("pull model manifest: file does not exist", ModelNotFound),
        ("max retries exceeded: EOF", NodeFailed),
    ],
)
async def test_what_ollama_says_in_the_middle_is_told_apart_and_without_its_paths(
    fake: FakeEngine, http: EngineHttp, said: str, error: type[Exception]
) -> None:
    fake.fault("in-band", path="/api/pull", after=2, message=said)
    with pytest.raises(error) as caught:
        await _all(KEEPER.pull(PullOrder("remote-model"), http))
    assert "/root" not in str(caught.value)


async def test_ollama_checks_by_its_own_digests_only(http: EngineHttp) -> None:
    with pytest.raises(NotImplementedHere):
        await _all(KEEPER.pull(PullOrder("remote-model", sha256="0" * 64), http))


async def test_models_are_loaded_for_good_or_for_a_while_and_unloaded(fake: FakeEngine, http: EngineHttp) -> None:
    await KEEPER.load("m", http, keep_s=-1.0)
    assert fake.engine.memory.runners["m"].keep_alive_s == float("inf")
    await KEEPER.load("m", http, keep_s=None)
    assert fake.engine.memory.runners["m"].keep_alive_s == fake.engine.settings.keep_alive_s
    await KEEPER.unload("m", http)
    assert not fake.engine.loaded("m")
    with pytest.raises(ModelNotFound):
        await KEEPER.load("n", http, keep_s=None)


async def test_a_model_that_only_embeds_is_loaded_too(fake: FakeEngine, http: EngineHttp) -> None:
    fake.change("e", capabilities="embedding")
    await KEEPER.load("e", http, keep_s=60.0)
    assert fake.engine.memory.runners["e"].keep_alive_s == 60.0


async def test_a_deleted_model_leaves_the_memory(fake: FakeEngine, http: EngineHttp) -> None:
    await KEEPER.load("m", http, keep_s=-1.0)
    await KEEPER.delete("m", http)
    assert not fake.engine.loaded("m")


async def test_a_registry_that_cannot_be_reached_is_not_a_model_that_is_missing(
    http: EngineHttp, fake: FakeEngine
) -> None:
    why = 'pull model manifest: Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host'
    fake.fault("status", path="/api/pull", status=500, body=json.dumps({"error": why}))
    with pytest.raises(NodeFailed) as failed:
        await _all(KEEPER.pull(PullOrder("nowhere"), http))
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


async def test_to_load_what_is_loaded_loads_nothing_anew(fake: FakeEngine, http: EngineHttp) -> None:
    model = fake.engine.models["m"]
    await fake.engine.acquire(model, 300.0, "num_ctx=8192")
    await KEEPER.load("m:latest", http, keep_s=-1)
    assert fake.counters.loads == 1
    assert fake.bodies("/api/generate")[-1]["options"] == {"num_ctx": 8192}
    fake.engine.release(model)
    await KEEPER.unload("m", http)
    await KEEPER.load("m", http, keep_s=None)
    assert "options" not in fake.bodies("/api/generate")[-1]
