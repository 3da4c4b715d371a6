from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.ollama import Ollama
from potluck.backends.ollama_keeper import OllamaKeeper
from potluck.backends.port import Address
from potluck.core.errors import BadRequest, MalformedAnswer, ModelNotFound, NodeFailed, NotInRegistry, PotluckError
from potluck.core.model import Capability, Model, ModelId
from potluck.wire.ollama.asks import read_chat
from potluck_fake_engine.testing import FakeEngine, running
from tests.backends.scripted import Script

ADDRESS = Address("192.0.2.1", 11434)
KEEPER = OllamaKeeper()


def tag(name: str, digest: str = "d1", **more: Any) -> dict[str, Any]:
    return {"name": name, "model": name, "digest": digest, "size": 5, "details": {"family": "llama"}, **more}


def well(*tags: dict[str, Any], loaded: Any = (), **more: Any) -> Script:
    show = {
        "capabilities": ["completion", "tools"],
        "model_info": {"general.architecture": "q", "q.context_length": 32768},
    }
    return Script(
        {
            "GET /api/version": {"version": "0.12.0"},
            "GET /api/tags": {"models": list(tags)},
            "GET /api/ps": {"models": list(loaded)},
            "POST /api/show": show,
            **more,
        }
    )


def ollama(**settings: Any) -> Ollama:
    return Ollama(EngineSettings(ADDRESS, **settings))


async def test_a_look_joins_list_memory_and_abilities() -> None:
    script = well(tag("a:latest"), tag("b:7b", "d2"), loaded=({"name": "b:7b", "context_length": 4096},))
    report = await ollama().probe(script)
    assert report.version == "0.12.0"
    assert [(m.id, m.resident, m.context, m.loaded_context) for m in report.models] == [
        ("a:latest", False, 32768, None),
        ("b:7b", True, 32768, 4096),
    ]
    assert report.models[0].capabilities == {Capability.COMPLETION, Capability.TOOLS}


async def test_a_digest_is_shown_once_for_as_long_as_it_is_there() -> None:
    backend, script = ollama(), well(tag("a:latest"), tag("alias:latest"))
    await backend.probe(script)
    await backend.probe(script)
    shows = script.times("POST /api/show")
    assert 1 <= shows <= 2
    await backend.probe(well())
    await backend.probe(script)
    assert script.times("POST /api/show") > shows


async def test_two_names_of_one_digest_keep_their_names() -> None:
    models = (await ollama().probe(well(tag("a:latest"), tag("alias:latest")))).models
    assert [model.id for model in models] == ["a:latest", "alias:latest"]


@pytest.mark.parametrize("show", [404, 500, b"<html>"])
async def test_a_model_that_cannot_be_shown_is_served_as_listed(show: object) -> None:
    (model,) = (await ollama().probe(well(tag("a:latest"), **{"POST /api/show": show}))).models
    assert (model.id, model.size_bytes) == ("a:latest", 5)


@pytest.mark.parametrize("answer", [502, b"Ollama is running", {"models": 5}])
async def test_what_is_not_ollama_is_not_taken_for_it(answer: object) -> None:
    with pytest.raises((NodeFailed, MalformedAnswer)):
        await ollama().probe(well(tag("a:latest"), **{"GET /api/tags": answer}))


async def test_the_owners_context_stands() -> None:
    assert (await ollama(context=2048).probe(well(tag("a:latest")))).models[0].context == 2048


def test_options_that_would_reload_the_model_are_normalised_on_the_way() -> None:
    body = b'{"model":"a","messages":[{"role":"user","content":"Hi"}],"options":{"num_ctx":3000,"num_gpu":3,"seed":1}}'
    resident = Model(ModelId("a:latest"), context=32768, loaded_context=8192, resident=True)
    path, passed = ollama().pass_through(read_chat(body), resident)
    assert path == "/api/chat"
    assert msgspec.json.decode(passed)["options"] == {"num_ctx": 8192, "seed": 1}


# --- Looking after models, against the project's own fake ---


async def collected(steps: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [step async for step in steps]


async def pieces(data: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


class Kept:
    """A fake Ollama and a way to it."""

    def __init__(self, fake: FakeEngine, http: AiohttpEngine) -> None:
        self.fake, self.http = fake, http

    async def models(self) -> set[str]:
        report = await Ollama(EngineSettings(ADDRESS)).probe(self.http)
        return {model.id for model in report.models}


@pytest.fixture
async def kept() -> AsyncIterator[Kept]:
    async with running("tiny", dialect="ollama", remote=("remote-model",)) as fake, open_engine_session() as session:
        yield Kept(fake, AiohttpEngine(session, Address(fake.host, fake.port)))


async def test_a_pull_tells_its_progress_and_ends_with_success(kept: Kept) -> None:
    steps = await collected(KEEPER.pull("remote-model", kept.http, insecure=False))
    assert steps[0]["status"] == "pulling manifest"
    assert steps[-1]["status"] == "success"
    assert any(name.startswith("remote-model") for name in await kept.models())


async def test_a_model_that_the_registry_lacks_is_told_so(kept: Kept) -> None:
    with pytest.raises(NotInRegistry):
        await collected(KEEPER.pull("nowhere", kept.http, insecure=False))


async def test_a_pull_that_breaks_off_is_no_success(kept: Kept) -> None:
    kept.fake.fault("cut", path="/api/pull", after=2)
    with pytest.raises(PotluckError):
        await collected(KEEPER.pull("remote-model", kept.http, insecure=False))


async def test_models_are_copied_shown_and_deleted(kept: Kept) -> None:
    before = await kept.models()
    (name,) = before
    await KEEPER.copy(name, "other", kept.http)
    assert await kept.models() == before | {"other:latest"}
    shown = await KEEPER.show(Model(ModelId("other:latest")), kept.http, verbose=False)
    assert "model_info" in shown
    await KEEPER.delete("other", kept.http)
    assert await kept.models() == before


async def test_a_name_that_is_not_there_is_not_found(kept: Kept) -> None:
    for work in (
        KEEPER.delete("nobody", kept.http),
        KEEPER.copy("nobody", "x", kept.http),
        KEEPER.show(Model(ModelId("nobody")), kept.http, verbose=False),
    ):
        with pytest.raises(ModelNotFound):
            await work


async def test_a_blob_is_there_once_it_was_put_there_whole(kept: Kept) -> None:
    data = b"weights" * 100
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert not await KEEPER.has_blob(digest, kept.http)
    with pytest.raises(BadRequest):
        await KEEPER.put_blob(digest, pieces(b"others"), kept.http)
    await KEEPER.put_blob(digest, pieces(data), kept.http)
    assert await KEEPER.has_blob(digest, kept.http)


@pytest.mark.parametrize(
    "digest", ["", "sha256:abc", "sha256:../../etc/passwd", "md5:" + "0" * 64, "sha256:" + "G" * 64]
)
async def test_what_is_no_digest_never_reaches_the_engine(kept: Kept, digest: str) -> None:
    with pytest.raises(BadRequest):
        await KEEPER.has_blob(digest, kept.http)
    with pytest.raises(BadRequest):
        await KEEPER.put_blob(digest, pieces(b""), kept.http)
    assert not kept.fake.requests
