"""What there is and how it is kept: listings, showing, pulling, counting, health; and keys in front of all of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from starlette.routing import Route

from potluck.surfaces.application import ROUTES
from potluck.surfaces.auth import OPEN_ROUTES, PUBLIC_PATHS
from potluck.surfaces.doors import DOORS
from potluck.surfaces.families import errors_for
from potluck.surfaces.v1.routes import NATIVE_ROUTES
from tests.matrix.errors import checked_error, json_type
from tests.matrix.surfaces import PNG_B64
from tests.matrix.world import ALL, World, engine, settled, world

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODELS = {
    *(f"{what}-{kind}" for what in ("m", "plain", "think") for kind in ("ollama", "llamacpp", "openai")),
    "embed-openai",
    "Org/Big-Model:7B",
}
ROUTE_NAMES = {"writing", "coding"}


# --- keys ---


def _routes() -> Iterator[tuple[str, str]]:
    """(method, path) of everything that is served, with a value in the place of every parameter."""
    for door in DOORS:
        yield door.method, door.path
    for route in ROUTES:
        assert isinstance(route, Route)
        for method in route.methods or {"GET", "POST", "PATCH", "DELETE"}:
            yield method, re.sub(r"\{.*?\}", "x", route.path)
    for native in NATIVE_ROUTES:
        yield native.method, re.sub(r"\{.*?\}", "x", native.path)
    for method in ("GET", "POST", "OPTIONS"):
        yield method, "/nothing/here"


def _family(path: str) -> str:
    doors = {door.path: door.family for door in DOORS}
    module = errors_for(path).__module__.split(".")[2]
    return doors.get(path) or {"v1": "native", "sdapi": "a1111"}.get(module, module)


async def test_nothing_but_the_public_paths_answers_without_a_key(every: World) -> None:
    async with every.client.connection() as connection:
        for method, path in sorted(set(_routes())):
            reply = await connection.ask(method, path, b"{}" if method != "GET" else None, key="")
            if path in PUBLIC_PATHS:
                assert reply.status < 400 or reply.status == 405, (method, path, reply.status)
            elif ("GET" if method == "HEAD" else method, path) in OPEN_ROUTES:  # for who has no key yet
                assert reply.status < 500, (method, path, reply.status)
            elif method == "HEAD":
                assert reply.status == 401, (method, path)
            else:
                checked_error(_family(path), reply, 401)


async def test_public_paths_tell_nothing_of_the_fleet(every: World) -> None:
    for path in sorted(PUBLIC_PATHS):
        reply = await every.client.get(path, key="")
        assert reply.status == 200
        assert b"ollama-" not in reply.body
        assert b"127.0.0.1" not in reply.body
        head = await every.client.ask("HEAD", path, key="")
        assert (head.status, head.body) == (200, b"")


# --- listings ---


async def test_models_for_openai_and_anthropic(every: World) -> None:
    body = (await every.client.get("/v1/models")).json
    assert (body["object"], body["has_more"]) == ("list", False)
    ids = [item["id"] for item in body["data"]]
    assert len(ids) == len(set(ids))
    assert {name.removesuffix(":latest") for name in ids} == MODELS | ROUTE_NAMES | {"gpt-4o", "scribe", "auto"}
    assert (body["first_id"], body["last_id"]) == (ids[0], ids[-1])
    for item in body["data"]:
        assert {"id", "object", "created", "owned_by", "type", "display_name", "created_at"} <= set(item)
        assert (item["object"], item["type"]) == ("model", "model")
        assert isinstance(item["created"], int)
        datetime.fromisoformat(item["created_at"])
        one = await every.client.get(f"/v1/models/{item['id']}")
        assert one.json == item


@pytest.mark.parametrize(
    "name", ["Org/Big-Model:7B", "org/big-model:7b", "Org%2FBig-Model%3A7B", "m-ollama", "writing"]
)
async def test_a_model_is_found_by_any_of_its_names(every: World, name: str) -> None:
    assert (await every.client.get(f"/v1/models/{name}")).status == 200


async def test_an_unknown_model_has_no_page(every: World) -> None:
    for name in ("nothing", "a/b:c", "../../etc/passwd", ""):
        checked_error("openai", await every.client.get(f"/v1/models/{name}"), 404)
    text = checked_error("openai", await every.client.get("/v1/models/m-olama"), 404)
    assert "m-ollama" in text


async def test_tags_and_ps(every: World) -> None:
    for path in ("/api/tags", "/api/ps"):
        assert (await every.client.ask("HEAD", path)).status == 200
        models = (await every.client.get(path)).json["models"]
        names = [model["name"] for model in models]
        assert len(names) == len(set(names))
        assert all(":" in name for name in names)
        for model in models:
            assert model["model"] == model["name"]
            assert re.fullmatch("[0-9a-f]{64}", model["digest"])
            assert isinstance(model["size"], int)
            assert {"parent_model", "format", "family", "families", "parameter_size", "quantization_level"} <= set(
                model["details"]
            )
            stamp = model["modified_at"] if path == "/api/tags" else model["expires_at"]
            assert datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", stamp)).tzinfo
            if path == "/api/ps":
                assert {"size_vram", "context_length"} <= set(model)
    tags = {model["name"] for model in (await every.client.get("/api/tags")).json["models"]}
    assert {"m-ollama:latest", "m-llamacpp:latest", "Org/Big-Model:7B", "writing:latest"} <= tags


@pytest.mark.parametrize("field", ["model", "name"])
@pytest.mark.parametrize("kind", ["ollama", "llamacpp", "openai"])
async def test_show(every: World, kind: str, field: str) -> None:
    shown = (await every.client.post("/api/show", {field: f"m-{kind}"})).json
    assert {"modelfile", "parameters", "template", "details", "model_info", "capabilities"} <= set(shown)
    assert shown["model_info"]["general.architecture"]
    assert "completion" in shown["capabilities"]
    assert (".Suffix" in shown["template"]) == ("insert" in shown["capabilities"]) == (kind != "openai")
    checked_error("ollama", await every.client.post("/api/show", {field: "nobody"}), 404, words="not found")
    checked_error("ollama", await every.client.post("/api/show", {}), 400, words="model is required")


@pytest.mark.parametrize("name", ["writing", "writing:latest", "gpt-4o", "scribe:latest", "auto"])
async def test_a_route_an_alias_and_auto_can_be_shown(every: World, name: str) -> None:
    assert (await every.client.post("/api/show", {"model": name})).status == 200
    assert (await every.client.get(f"/v1/models/{name}")).status == 200


async def test_an_alias_is_no_model_that_could_be_removed(every: World) -> None:
    reply = await every.client.ask("DELETE", "/api/delete", {"model": "gpt-4o"})
    checked_error("ollama", reply, 404, words="It is an alias of 'm-ollama', by the configuration.")


async def test_version_and_banner(every: World) -> None:
    version = (await every.client.get("/api/version", key="")).json["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    reply = await every.client.get("/", key="")
    assert (reply.body, reply.content_type.split(";")[0]) == (b"Ollama is running", "text/plain")
    head = await every.client.ask("HEAD", "/", key="")
    assert (head.status, head.body) == (200, b"")


async def test_health_readiness_and_metrics(every: World) -> None:
    assert (await every.client.get("/healthz", key="")).json == {"status": "ok"}
    assert (await every.client.get("/readyz", key="")).status == 200
    await every.client.post("/api/generate", {"model": "m-ollama", "prompt": "say: x", "stream": False})
    text = (await every.client.get("/metrics")).body.decode()
    assert 'potluck_engine_up{engine="ollama/' in text
    assert re.search(r"^potluck_\w*calls\w*\{", text, re.MULTILINE)


async def test_what_tabbys_clients_ask(every: World) -> None:
    for method in ("GET", "POST"):
        health = (await every.client.ask(method, "/v1/health", b"{}" if method == "POST" else None)).json
        assert health["version"]["git_describe"]
        assert health["model"]
    models = (await every.client.get("/v1beta/models")).json
    assert "embed-openai" not in models["completion"]
    assert set(models) == {"completion", "chat"}
    assert (await every.client.get("/v1beta/server_setting")).json == {"disable_client_side_telemetry": True}
    events = {"type": "view", "completion_id": "x"}
    reply = await every.client.post("/v1/events", events)
    assert (reply.status, reply.body) == (200, b"")


# --- counting ---


@pytest.mark.parametrize("kind", ["ollama", "llamacpp", "openai"])
async def test_tokens_are_counted_or_estimated(every: World, kind: str) -> None:
    body: Any = {
        "model": f"m-{kind}",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "How many tokens are these?"}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    }
    reply = await every.client.post("/v1/messages/count_tokens?beta=true", body)
    count = reply.json["input_tokens"]
    assert 10 < count < 100
    assert ("x-potluck-estimated" in reply.headers) == (kind != "llamacpp")
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG_B64}}
    body["messages"][0]["content"] = [image, {"type": "text", "text": "?"}]
    assert (await every.client.post("/v1/messages/count_tokens", body)).json["input_tokens"] > 10
    text = checked_error(
        "anthropic", await every.client.post("/v1/messages/count_tokens", {**body, "model": "m-olama"}), 404
    )
    assert "m-ollama" in text


async def test_counting_needs_messages_but_no_limit(every: World) -> None:
    path = "/v1/messages/count_tokens"
    checked_error("anthropic", await every.client.post(path, {"model": "m-llamacpp"}), 400, words="messages")
    checked_error("anthropic", await every.client.post(path, {"messages": []}), 400)
    image = {"type": "image", "source": {"type": "url", "url": "http://127.0.0.1/x.png"}}
    body = {"model": "m-llamacpp", "messages": [{"role": "user", "content": [image]}]}
    reply = await every.client.post(path, body)
    assert reply.status in (200, 400)
    assert not any(b"127.0.0.1/x.png" in one.body for one in every.engines["llamacpp"].requests)


# --- keeping models ---


@pytest_asyncio.fixture(loop_scope="session")
async def keeping(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """One Ollama whose models come and go, and an engine that keeps none."""
    specs = (
        engine("ollama", "ollama", f"m-ollama,capabilities={ALL}", remote=("remote-model", "other:1b")),
        engine("openai", "openai", "m-openai,capabilities=completion"),
    )
    async with world(tmp_path_factory.mktemp("keeping"), *specs) as made:
        yield made


async def names(made: World, path: str = "/api/tags") -> set[str]:
    return {model["name"] for model in (await made.client.get(path)).json["models"]}


async def test_a_pull_tells_its_progress_and_the_model_is_there(keeping: World) -> None:
    reply = await keeping.client.post("/api/pull", {"model": "remote-model"})
    assert reply.content_type.startswith("application/x-ndjson")
    steps = [json.loads(line) for line in reply.body.splitlines()]
    assert steps[0] == {"status": "pulling manifest"}
    assert steps[-1] == {"status": "success"}
    assert any(step.get("total") and step.get("completed") == step["total"] for step in steps)
    assert all(re.fullmatch(r"pulling [0-9a-f]{12}", step["status"]) for step in steps if "total" in step)
    assert "remote-model:latest" in await names(keeping)
    chat = {"model": "remote-model", "messages": [{"role": "user", "content": "say: new"}], "stream": False}
    assert (await keeping.client.post("/api/chat", chat)).json["message"]["content"] == "new"
    whole = await keeping.client.post("/api/pull", {"name": "other:1b", "stream": False})
    assert (whole.json, whole.content_type) == ({"status": "success"}, json_type("ollama"))
    assert "other:1b" in await names(keeping)


async def test_a_pull_of_nothing_says_so_to_the_letter(keeping: World) -> None:
    words = "pull model manifest: file does not exist"
    reply = await keeping.client.post("/api/pull", {"model": "nowhere"})
    assert (reply.status, reply.content_type) == (200, "application/x-ndjson")
    assert [json.loads(line) for line in reply.body.splitlines()] == [{"status": "pulling manifest"}, {"error": words}]
    reply = await keeping.client.post("/api/pull", {"model": "nowhere", "stream": False})
    assert (reply.status, reply.json) == (500, {"error": words})
    checked_error("ollama", await keeping.client.post("/api/pull", {}), 400, words="model is required")


async def test_the_native_api_pulls_pins_and_removes_on_the_same_engine(keeping: World) -> None:
    fake = keeping.engines["ollama"]
    whole = await keeping.client.post("/api/v1/models/pull", {"model": "remote-model", "stream": False})
    assert (whole.status, whole.json["node"]) == (200, "ollama")
    assert (await keeping.client.post("/api/v1/models/remote-model:latest/pin", {})).status == 200
    assert fake.state()["resident"][0]["keep_alive_s"] is None
    listed = {model["id"]: model for model in (await keeping.client.get("/api/v1/models")).json["models"]}
    assert listed["remote-model:latest"]["engines"][0]["pinned"]
    assert (await keeping.client.post("/api/v1/models/remote-model/unload", {})).status == 409
    fake.change("remote-model", loaded=False)  # as after its restart
    keeping.app.fleet.look_now(keeping.app.fleet.snapshot()[0].id)
    await settled(lambda: fake.engine.loaded("remote-model"))
    reply = await keeping.client.ask("DELETE", "/api/v1/models/remote-model?node=ollama")
    assert reply.json["changed"][0]["model"] == "remote-model:latest"
    assert not fake.engine.loaded("remote-model")


async def test_a_model_that_answers_is_not_deleted(keeping: World) -> None:
    fake = keeping.engines["ollama"]
    fake.change("m-ollama", decode=20)
    async with keeping.client.connection() as connection:
        connection.send("POST", "/api/generate", {"model": "m-ollama", "prompt": "repeat 500"})
        await settled(lambda: fake.busy() == 1)
        reply = await keeping.client.ask("DELETE", "/api/delete", {"model": "m-ollama"})
        checked_error("ollama", reply, 409, words="answers a call")
        connection.cut()
    await settled(lambda: keeping.busy() == 0)
    assert (await keeping.client.ask("DELETE", "/api/delete", {"model": "m-ollama"})).status == 200


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "cut", "after": 6}, "broke off"),
        ({"kind": "in-band", "after": 4, "message": "write /x/blobs: no space left on device"}, "disk of the engine"),
    ],
)
async def test_a_pull_that_fails_in_the_middle_ends_in_band_on_both_apis(
    keeping: World, fault: dict[str, Any], words: str
) -> None:
    for path, last in (("/api/pull", b'{"error"'), ("/api/v1/models/pull", b"event: error")):
        keeping.engines["ollama"].fault(**fault, path="/api/pull")
        reply = await keeping.client.post(path, {"model": "remote-model"})
        assert reply.status == 200
        assert last in reply.body
        assert words.encode() in reply.body
        assert b"/x/blobs" not in reply.body


async def test_models_are_made_copied_and_deleted(keeping: World) -> None:
    made = await keeping.client.post("/api/create", {"model": "made", "from": "m-ollama", "system": "Be brief."})
    assert json.loads(made.body.splitlines()[-1]) == {"status": "success"}
    reply = await keeping.client.post("/api/copy", {"source": "made", "destination": "copied"})
    assert (reply.status, reply.body) == (200, b"")
    assert {"made:latest", "copied:latest"} <= await names(keeping)
    reply = await keeping.client.ask("DELETE", "/api/delete", {"model": "made"})
    assert (reply.status, reply.body) == (200, b"")
    assert "made:latest" not in await names(keeping)
    checked_error("ollama", await keeping.client.ask("DELETE", "/api/delete", {"name": "made"}), 404, words="not found")
    checked_error(
        "ollama",
        await keeping.client.post("/api/copy", {"source": "nobody", "destination": "x"}),
        404,
        words="not found",
    )
    checked_error("ollama", await keeping.client.post("/api/copy", {"source": "m-ollama"}), 400, words="destination")
    checked_error("ollama", await keeping.client.post("/api/create", {"from": "m-ollama"}), 400, words="model")
    checked_error("ollama", await keeping.client.ask("DELETE", "/api/delete", {"model": "m-openai"}), 501)
    checked_error("ollama", await keeping.client.post("/api/create", {"model": "x", "from": "nobody"}), 404)


async def test_blobs(keeping: World) -> None:
    data = b"x" * 3_000_000
    path = f"/api/blobs/sha256:{hashlib.sha256(data).hexdigest()}"
    assert (await keeping.client.ask("HEAD", path)).status == 404
    for chunked in (False, True):
        reply = await keeping.client.ask("POST", path, data, chunked=chunked)
        assert reply.status in (200, 201), reply.body
    assert (await keeping.client.ask("HEAD", path)).status == 200
    wrong = f"/api/blobs/sha256:{'0' * 64}"
    checked_error("ollama", await keeping.client.ask("POST", wrong, data), 400)
    for odd in ("/api/blobs/sha256:xyz", "/api/blobs/..%2f..%2fapi%2ftags"):
        reply = await keeping.client.ask("POST", odd, data)
        assert 400 <= reply.status < 500, reply.body


async def test_loading_and_unloading(keeping: World) -> None:
    fake = keeping.engines["ollama"]
    more: dict[str, Any]
    for path, more in (("/api/generate", {}), ("/api/chat", {"messages": []}), ("/api/embed", {})):
        reply = await keeping.client.post(path, {"model": "m-ollama", **more})
        assert reply.status == 200, reply.body
        assert reply.json.get("done_reason", "load") == "load"
        assert fake.engine.loaded("m-ollama")
        assert "m-ollama:latest" in await names(keeping, "/api/ps")
        reply = await keeping.client.post("/api/generate", {"model": "m-ollama", "keep_alive": 0})
        assert reply.json["done_reason"] == "unload"
        await settled(lambda: not fake.engine.loaded("m-ollama"))
        assert "m-ollama:latest" not in await names(keeping, "/api/ps")
    # An engine that has it always, or does not say.
    for keep_alive, reason in ((None, "load"), (0, "unload")):
        body = {"model": "m-openai", **({} if keep_alive is None else {"keep_alive": keep_alive})}
        reply = await keeping.client.post("/api/generate", body)
        assert (reply.json["done_reason"], reply.json["done"]) == (reason, True)


async def test_an_engine_that_dies_in_a_pull_is_an_error(keeping: World) -> None:
    keeping.engines["ollama"].fault("cut", path="/api/pull", after=1)
    reply = await keeping.client.post("/api/pull", {"model": "remote-model"})
    assert isinstance(json.loads(reply.body.splitlines()[-1])["error"], str)
    keeping.engines["ollama"].fault("reset", path="/api/pull")
    reply = await keeping.client.post("/api/pull", {"model": "remote-model"})
    checked_error("ollama", reply, reply.status)
    assert reply.status >= 500
    keeping.engines["ollama"].fault("status", path="/api/show", status=500, body='{"error":"/usr/lib/x"}')
    checked_error("ollama", await keeping.client.post("/api/show", {"model": "m-ollama"}), 502)


# --- native ---


async def test_models_nodes_and_status(every: World) -> None:
    models = (await every.client.get("/api/v1/models")).json["models"]
    assert {model["id"].removesuffix(":latest") for model in models} >= MODELS
    assert {model["id"]: model["alias_of"] for model in models if model["alias_of"]} == {
        "gpt-4o": "m-ollama",
        "scribe": "writing",
    }
    nodes = (await every.client.get("/api/v1/nodes")).json["nodes"]
    assert {node["id"] for node in nodes} == set(every.engines)
    assert all(engine["health"] == "up" for node in nodes for engine in node["engines"])
    status = (await every.client.get("/api/v1/status")).json
    assert (status["nodes"], status["engines_up"], status["waiting"]) == (5, 5, 0)


async def test_the_api_describes_itself(every: World) -> None:
    document = (await every.client.get("/api/v1/openapi.json")).json
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/chat" in document["paths"]
    assert (await every.client.get("/docs")).content_type.startswith("text/html")


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_a_pull_that_nobody_waits_for_stops(keeping: World, stream: bool) -> None:
    fake = keeping.engines["ollama"]
    fake.engine.settings = replace(fake.engine.settings, pull_s=4.0)
    async with keeping.client.connection() as connection:
        connection.send("POST", "/api/pull", {"model": "remote-model", "stream": stream})
        await settled(lambda: bool(fake.engine.pulled))
        connection.cut()
    await asyncio.sleep(0.3)
    before = dict(fake.engine.pulled)
    await asyncio.sleep(0.45)  # longer than two of its steps
    assert fake.engine.pulled == before
