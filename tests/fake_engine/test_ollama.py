"""Ollama's dialect, through the real SDK and on the raw socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import ollama
import openai
import pytest

from potluck_fake_engine.testing import FakeEngine, running
from tests.fake_engine.raw import ask, chat
from tests.fake_engine.test_openai import CALLS, TOOL


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    async with running(dialect="ollama") as engine:
        yield engine


@pytest.fixture
async def client(fake: FakeEngine) -> AsyncIterator[ollama.AsyncClient]:
    async with ollama.AsyncClient(fake.url) as sdk:
        yield sdk


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


async def test_chat_streams_a_line_per_token_and_counts_in_the_last(client: ollama.AsyncClient) -> None:
    lines = [line async for line in await client.chat("fake-model", user("repeat 3"), stream=True)]
    assert [line.message.content for line in lines] == ["w1", " w2", " w3", ""]
    assert [line.done for line in lines] == [False, False, False, True]
    assert (lines[-1].done_reason, lines[-1].eval_count) == ("stop", 3)
    assert (lines[-1].prompt_eval_count or 0) > 3
    assert {line.model for line in lines} == {"fake-model"}


async def test_names_are_the_same_with_and_without_latest_in_any_case(client: ollama.AsyncClient) -> None:
    texts = [(await client.chat(n, user("hi"))).message.content for n in ("fake-model", "Fake-Model:latest")]
    assert texts[0] == texts[1]
    with pytest.raises(ollama.ResponseError) as caught:
        await client.chat("fake-model:7b", user("hi"))
    assert (caught.value.status_code, caught.value.error) == (404, "model 'fake-model:7b' not found")


async def test_the_count_of_a_prompt_includes_what_is_cached(client: ollama.AsyncClient) -> None:
    first, second = [await client.chat("fake-model", user("hello")) for _ in range(2)]
    assert first.prompt_eval_count == second.prompt_eval_count


async def test_tool_calls_come_whole_with_objects(client: ollama.AsyncClient, fake: FakeEngine) -> None:
    lines = [line async for line in await client.chat("fake-model", user(CALLS), tools=[TOOL], stream=True)]
    calls = [call for line in lines for call in line.message.tool_calls or []]
    assert [call.function.arguments for call in calls] == [{"city": "Köln"}, {"city": "Rom"}]
    assert lines[-1].done_reason == "stop"
    got = await ask(fake, "POST", "/api/chat", chat(CALLS, tools=[TOOL], stream=False))
    assert [call["function"]["index"] for call in got.json["message"]["tool_calls"]] == [0, 1]
    assert got.json["message"]["tool_calls"][0]["id"].startswith("call_")


async def test_a_format_is_kept(client: ollama.AsyncClient, fake: FakeEngine) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 5}}, "required": ["n"]}
    chatted = await client.chat("fake-model", user("x"), format=schema)
    assert json.loads(chatted.message.content or "") == {"n": 5}
    assert isinstance(json.loads((await client.generate("fake-model", "x", format="json")).response or ""), dict)
    assert (await ask(fake, "POST", "/api/chat", chat("x", format="xml"))).status == 400


async def test_what_a_model_cannot_do_is_400_in_ollamas_words(client: ollama.AsyncClient, fake: FakeEngine) -> None:
    fake.change("fake-model", capabilities="completion")
    refused: list[tuple[dict[str, Any], str]] = [
        ({"think": True}, '"fake-model" does not support thinking'),
        ({"tools": [TOOL]}, "registry.ollama.ai/library/fake-model:latest does not support tools"),
    ]
    for how, text in refused:
        with pytest.raises(ollama.ResponseError) as caught:
            await client.chat("fake-model", user("hi"), **how)
        assert (caught.value.status_code, caught.value.error) == (400, text)
    with pytest.raises(ollama.ResponseError, match="does not support insert"):
        await client.generate("fake-model", "a", suffix="b")


async def test_a_thinking_model_thinks_unless_told_not_to(client: ollama.AsyncClient, fake: FakeEngine) -> None:
    fake.change("fake-model", capabilities=["completion", "thinking"])
    reply = await client.chat("fake-model", user("think: hmm\nsay: yes"))
    assert (reply.message.thinking, reply.message.content) == ("hmm", "yes")
    assert (await client.chat("fake-model", user("hi"), think=False)).message.thinking is None


async def test_options_cut_stop_and_seed(client: ollama.AsyncClient) -> None:
    reply = await client.generate("fake-model", "repeat 9", options={"num_predict": 2})
    assert (reply.response, reply.done_reason) == ("w1 w2", "length")
    assert (await client.generate("fake-model", "repeat 9", options={"stop": ["w2"]})).response == "w1 "
    seeds = [(await client.generate("fake-model", "x", options={"seed": n})).response for n in (1, 2)]
    assert seeds[0] != seeds[1]
    with pytest.raises(ollama.ResponseError) as caught:
        await client.generate("fake-model", "x", options={"num_predict": "many"})
    assert caught.value.status_code == 400


async def test_text_is_escaped_as_go_does(fake: FakeEngine) -> None:
    got = await ask(fake, "POST", "/api/chat", chat("say: a < b && c"))
    assert rb"\u003c" in got.body
    assert b"<" not in got.dechunked()
    assert "".join(line["message"]["content"] for line in got.lines()) == "a < b && c"


async def test_generate_goes_on_from_its_context(client: ollama.AsyncClient, fake: FakeEngine) -> None:
    first = await client.generate("fake-model", "say: one")
    second = await client.generate("fake-model", "say: two", context=first.context)
    assert (second.prompt_eval_count or 0) > (first.prompt_eval_count or 0)
    raw = await ask(fake, "POST", "/api/generate", {"model": "fake-model", "prompt": "x", "raw": True, "stream": False})
    assert "context" not in raw.json


async def test_a_trailing_assistant_message_is_continued(client: ollama.AsyncClient) -> None:
    messages = [*user("say: one two three"), {"role": "assistant", "content": "one t"}]
    assert (await client.chat("fake-model", messages)).message.content == "wo three"


async def test_old_messages_are_dropped_when_the_context_is_full(client: ollama.AsyncClient, fake: FakeEngine) -> None:
    messages = [{"role": "system", "content": "keep"}, *user("word " * 200), *user("say: fine")]
    reply = await client.chat("fake-model", messages, options={"num_ctx": 64})
    assert reply.message.content == "fine"
    assert (reply.prompt_eval_count or 99) < 64
    body = {"model": "fake-model", "messages": messages, "options": {"num_ctx": 64}, "truncate": False}
    assert (await ask(fake, "POST", "/api/chat", body)).status == 400


async def test_an_empty_chat_loads_and_keep_alive_zero_unloads(client: ollama.AsyncClient) -> None:
    assert (await client.chat("fake-model", [])).done_reason == "load"
    listed = (await client.ps()).models
    assert [model.model for model in listed] == ["fake-model:latest"]
    assert (await client.generate("fake-model", "", keep_alive=0)).done_reason == "unload"
    assert (await client.ps()).models == []


async def test_keep_alive_is_told_by_ps(fake: FakeEngine, client: ollama.AsyncClient) -> None:
    await client.chat("fake-model", user("hi"), keep_alive="1h30m")
    expires = (await client.ps()).models[0].expires_at
    assert expires is not None
    assert 5390 < (expires - datetime.now(UTC)).total_seconds() < 5410
    await client.chat("fake-model", user("hi"), keep_alive=-1)
    assert (await ask(fake, "GET", "/api/ps")).json["models"][0]["expires_at"].startswith("23")
    await client.chat("fake-model", user("hi"), keep_alive=0)
    assert (await client.ps()).models == []


async def test_another_num_ctx_loads_the_model_again(client: ollama.AsyncClient, fake: FakeEngine) -> None:
    for num_ctx in (1024, 1024, 2048):
        await client.chat("fake-model", user("hi"), options={"num_ctx": num_ctx, "temperature": num_ctx})
    assert fake.counters.loads == 2
    assert (await client.ps()).models[0].context_length == 2048


async def test_memory_is_shared_and_the_idle_model_goes() -> None:
    async with running("a,size=5GB", "b,size=5GB", dialect="ollama", memory=8 * 10**9) as fake:
        for name in ("a", "b", "a"):
            await ask(fake, "POST", "/api/chat", {"model": name, "messages": user("hi")})
        assert (fake.counters.loads, fake.counters.evictions) == (3, 2)


async def test_a_loaded_model_takes_more_than_its_weights() -> None:
    async with running("a,size=5GB,memory=6GB", "b,size=3GB", dialect="ollama", memory=8 * 10**9) as fake:
        await ask(fake, "POST", "/api/chat", {"model": "a", "messages": user("hi")})
        (listed,) = (await ask(fake, "GET", "/api/ps")).json["models"]
        sizes = [model["size"] for model in (await ask(fake, "GET", "/api/tags")).json["models"]]
        await ask(fake, "POST", "/api/chat", {"model": "b", "messages": user("hi")})
    assert (listed["size"], listed["size_vram"], sizes) == (6 * 10**9, 6 * 10**9, [5 * 10**9, 3 * 10**9])
    assert fake.counters.evictions == 1


async def test_a_cold_load_holds_the_answer_back_and_is_told() -> None:
    async with running("a,load_s=10", dialect="ollama", speed=100.0) as fake:
        last = (await ask(fake, "POST", "/api/chat", {"model": "a", "messages": user("hi")})).lines()[-1]
        assert last["load_duration"] >= 90_000_000
        again = (await ask(fake, "POST", "/api/chat", {"model": "a", "messages": user("hi")})).lines()[-1]
        assert again.get("load_duration", 0) < 50_000_000


async def test_a_full_queue_is_a_503() -> None:
    async with running("a,load_s=60", "b", dialect="ollama", max_queue=0) as fake:
        got = await ask(fake, "POST", "/api/chat", {"model": "b", "messages": user("hi")})
    assert got.status == 503
    assert got.json["error"].startswith("server busy")


async def test_show_has_what_clients_need(client: ollama.AsyncClient, fake: FakeEngine) -> None:
    shown = await client.show("fake-model")
    assert shown.modelinfo is not None
    assert shown.modelinfo["llama.context_length"] == 8192
    assert ".Suffix" in (shown.template or "")
    assert "tools" in (shown.capabilities or [])
    fake.change("fake-model", capabilities="completion")
    assert ".Suffix" not in ((await client.show("fake-model")).template or "")
    assert (await ask(fake, "POST", "/api/show", {"name": "fake-model"})).status == 200
    assert (await ask(fake, "POST", "/api/show", {})).status == 400


async def test_embeddings_new_and_old(client: ollama.AsyncClient, fake: FakeEngine) -> None:
    new = await client.embed("fake-model", ["a", "b"])
    assert len(new.embeddings) == 2
    assert sum(x * x for x in new.embeddings[0]) == pytest.approx(1.0)
    old = await client.embeddings("fake-model", "a")
    assert sum(x * x for x in old.embedding) == pytest.approx(9.0)
    assert (await client.embed("fake-model", "")).embeddings == []
    got = await ask(fake, "POST", "/api/embed", {"model": "fake-model", "input": [1]})
    assert (got.status, got.json) == (400, {"error": "invalid input type"})
    with pytest.raises(ollama.ResponseError, match="exceeds maximum context"):
        await client.embed("fake-model", "word " * 9000, truncate=False)


async def test_copy_and_delete(client: ollama.AsyncClient) -> None:
    await client.copy("fake-model", "twin")
    assert [model.model for model in (await client.list()).models] == ["fake-model:latest", "twin:latest"]
    await client.delete("twin")
    assert len((await client.list()).models) == 1
    for gone in (client.copy("nobody", "x"), client.delete("nobody")):
        with pytest.raises(ollama.ResponseError) as caught:
            await gone
        assert caught.value.status_code == 404


async def test_a_pull_tells_its_progress_and_goes_on_where_it_was(fake: FakeEngine) -> None:
    async with running(dialect="ollama", pull_s=2.0) as slow:
        first = await ask(slow, "POST", "/api/pull", {"model": "remote-model"}, silence_s=0.05)
        done = [json.loads(piece) for piece in first.body.split(b"\r\n") if piece.startswith(b"{")]
        reached = max(line.get("completed", 0) for line in done)
        while slow.counters.bytes_out == 0:
            await asyncio.sleep(0.005)
        slow.change_settings(speed=1000)
        lines = (await ask(slow, "POST", "/api/pull", {"model": "remote-model"})).lines()
    weights = next(line["digest"] for line in lines if "digest" in line)
    counted = [line["completed"] for line in lines if "completed" in line and line["digest"] == weights]
    assert counted == sorted(counted)
    assert counted[0] >= reached
    assert counted[-1] == lines[1]["total"]
    assert [line["status"] for line in lines if "total" not in line] == [
        "pulling manifest",
        "verifying sha256 digest",
        "writing manifest",
        "success",
    ]


async def test_an_unknown_model_fails_the_pull_in_its_stream(fake: FakeEngine) -> None:
    got = await ask(fake, "POST", "/api/pull", {"model": "nobody"})
    assert got.status == 200
    assert got.lines()[-1] == {"error": "pull model manifest: file does not exist"}
    assert (await ask(fake, "POST", "/api/pull", {"model": "nobody", "stream": False})).status == 500


async def test_create_from_a_model_and_from_a_blob(client: ollama.AsyncClient, fake: FakeEngine) -> None:
    await client.create("mine", from_="fake-model", system="be kind")
    assert (await ask(fake, "POST", "/api/show", {"model": "mine"})).json["system"] == "be kind"
    digest = "sha256:" + sha256(b"weights").hexdigest()
    assert (await ask(fake, "HEAD", f"/api/blobs/{digest}")).status == 404
    assert (await ask(fake, "POST", f"/api/blobs/{digest}", b"other")).status == 400
    assert (await ask(fake, "POST", f"/api/blobs/{digest}", b"weights")).status == 201
    assert (await ask(fake, "HEAD", f"/api/blobs/{digest}")).status == 200
    assert (await client.create("blobbed", files={"w.gguf": digest})).status == "success"
    assert (await ask(fake, "POST", "/api/create", {"model": "x"})).status == 400


async def test_push_needs_a_model(fake: FakeEngine) -> None:
    assert (await ask(fake, "POST", "/api/push", {"model": "fake-model"})).lines()[-1] == {"status": "success"}
    assert "error" in (await ask(fake, "POST", "/api/push", {"model": "nobody"})).lines()[-1]


async def test_banner_version_and_unknown_paths(fake: FakeEngine) -> None:
    assert (await ask(fake, "GET", "/")).body == b"Ollama is running"
    head = await ask(fake, "HEAD", "/")
    assert (head.status, head.body) == (200, b"")
    assert (await ask(fake, "HEAD", "/api/version")).status == 200
    assert (await ask(fake, "GET", "/api/nothing")).body == b"404 page not found"
    assert (await ask(fake, "GET", "/api/chat")).status == 405
    assert (await ask(fake, "POST", "/api/chat")).json == {"error": "missing request body"}


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:1", 200), ("[::1]:1", 200), ("192.168.1.5", 200), ("nas.local", 200), ("evil.example", 403)],
)
async def test_foreign_host_names_are_refused(fake: FakeEngine, host: str, status: int) -> None:
    for path in ("/api/version", "/v1/models"):
        reader, writer = await asyncio.open_connection(fake.host, fake.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert int(head.split()[1]) == status
        assert bool(body) == (status == 200)


async def test_its_openai_routes_are_its_own(fake: FakeEngine) -> None:
    async with openai.AsyncOpenAI(base_url=fake.url + "/v1", api_key="k", max_retries=0) as client:
        messages: Any = user(CALLS)
        stream = await client.chat.completions.create(model="fake-model", messages=messages, tools=[TOOL], stream=True)
        deltas = [chunk.choices[0].delta async for chunk in stream]
        assert all(delta.role == "assistant" for delta in deltas)
        calls = [call for delta in deltas for call in delta.tool_calls or []]
        assert [call.function.arguments for call in calls if call.function] == ['{"city": "Köln"}', '{"city": "Rom"}']
        with pytest.raises(openai.NotFoundError) as caught:
            await client.chat.completions.create(model="nobody", messages=messages)
        assert caught.value.body == {
            "message": "model 'nobody' not found",
            "type": "not_found_error",
            "param": None,
            "code": None,
        }
        assert [model.id async for model in client.models.list()] == ["fake-model:latest"]
        assert (await client.completions.create(model="fake-model", prompt="say: x")).choices[0].text == "x"
        assert (await client.embeddings.create(model="fake-model", input="x")).data[0].embedding
    limit = await ask(fake, "POST", "/v1/chat/completions", chat("repeat 5", max_completion_tokens=1))
    assert limit.json["choices"][0]["finish_reason"] == "stop"
    remote = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]
    body = {"model": "fake-model", "messages": [{"role": "user", "content": remote}]}
    assert (await ask(fake, "POST", "/v1/chat/completions", body)).status == 400


async def test_a_null_is_a_field_that_was_left_out(fake: FakeEngine) -> None:
    body: dict[str, Any] = {
        "model": "fake-model",
        "prompt": "say: x",
        "system": None,
        "raw": None,
        "suffix": None,
        "stream": False,
    }
    assert (await ask(fake, "POST", "/api/generate", body)).json["response"] == "x"
    body["prompt"] = 7
    assert (await ask(fake, "POST", "/api/generate", body)).status == 400
