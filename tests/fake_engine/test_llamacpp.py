"""llama.cpp's dialect: what a real server was seen to answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from potluck_fake_engine.testing import FakeEngine, running
from tests.fake_engine.raw import ask, chat
from tests.fake_engine.test_openai import CALLS, TOOL

CHAT = "/v1/chat/completions"


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    async with running(dialect="llamacpp", slots=2) as engine:
        yield engine


async def test_any_model_name_will_do(fake: FakeEngine) -> None:
    got = await ask(fake, "POST", "/v1/chat/completions", {**chat("say: hi"), "model": "whatever"})
    assert got.json["choices"][0]["message"]["content"] == "hi"
    assert got.json["model"] == "fake-model"


async def test_a_stream_begins_with_null_content_and_ends_with_timings(fake: FakeEngine) -> None:
    got = await ask(fake, "POST", "/v1/chat/completions", chat("repeat 2", stream=True))
    first, *_, last, done = got.events()
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert (last["choices"][0]["delta"], last["choices"][0]["finish_reason"]) == ({}, "stop")
    assert last["timings"]["predicted_n"] == 2
    assert "usage" not in last
    assert done == "[DONE]"


async def test_usage_and_timings_come_in_a_chunk_of_their_own_if_asked_for(fake: FakeEngine) -> None:
    body = chat("repeat 2", stream=True, stream_options={"include_usage": True})
    *_, finish, counted, _ = (await ask(fake, "POST", "/v1/chat/completions", body)).events()
    assert "timings" not in finish
    assert counted["choices"] == []
    assert counted["usage"]["completion_tokens"] == counted["timings"]["predicted_n"] == 2


async def test_the_prompt_is_cached_per_slot(fake: FakeEngine) -> None:
    body = chat("say: hello there")
    first = (await ask(fake, "POST", "/v1/chat/completions", body)).json
    second = (await ask(fake, "POST", "/v1/chat/completions", body)).json
    assert first["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    cached = second["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert cached == second["timings"]["cache_n"] == second["usage"]["prompt_tokens"] - 1
    assert second["timings"]["prompt_n"] == 1


async def test_a_prefill_is_echoed_in_a_whole_answer_and_not_in_a_stream(fake: FakeEngine) -> None:
    body = chat("say: one two three")
    body["messages"].append({"role": "assistant", "content": "one t"})
    whole = await ask(fake, "POST", "/v1/chat/completions", body)
    assert whole.json["choices"][0]["message"]["content"] == "one two three"
    streamed = await ask(fake, "POST", "/v1/chat/completions", {**body, "stream": True})
    texts = [event["choices"][0]["delta"].get("content") or "" for event in streamed.events()[:-1]]
    assert "".join(texts) == "wo three"


async def test_a_prompt_over_the_context_is_refused_with_both_numbers() -> None:
    async with running("m,context=64", dialect="llamacpp") as fake:
        got = await ask(fake, "POST", "/v1/chat/completions", chat("word " * 100, stream=True))
    error = got.json["error"]
    assert (got.status, error["code"], error["type"]) == (400, 400, "exceed_context_size_error")
    assert error["n_ctx"] == 64
    assert error["n_prompt_tokens"] > 100
    assert b"Connection: close" in got.head


async def test_generation_ends_where_the_context_does() -> None:
    async with running("m,context=64", dialect="llamacpp") as fake:
        got = (await ask(fake, "POST", "/v1/chat/completions", chat("repeat 500"))).json
    assert got["choices"][0]["finish_reason"] == "length"
    assert got["usage"]["total_tokens"] == 64


async def test_tool_calls_come_in_pieces_and_required_is_not_enforced(fake: FakeEngine) -> None:
    async with openai.AsyncOpenAI(base_url=fake.url + "/v1", api_key="k") as client:
        asked: Any = [{"role": "user", "content": CALLS}]
        async with client.chat.completions.stream(model="m", messages=asked, tools=[TOOL]) as stream:
            pieces = [event async for event in stream if event.type == "chunk"]
            final = await stream.get_final_completion()
    assert [call.function.arguments for call in final.choices[0].message.tool_calls or []] == [
        '{"city": "Köln"}',
        '{"city": "Rom"}',
    ]
    assert sum(bool(p.chunk.choices and p.chunk.choices[0].delta.tool_calls) for p in pieces) > 4
    got = await ask(fake, "POST", "/v1/chat/completions", chat("hi", tools=[TOOL], tool_choice="required"))
    assert got.json["choices"][0]["finish_reason"] == "stop"


async def test_until_it_is_loaded_everything_but_the_models_is_503() -> None:
    async with running("m,load_s=60", dialect="llamacpp") as fake:
        health = await ask(fake, "GET", "/health")
        assert health.status == 503
        assert health.json == {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
        assert (await ask(fake, "POST", "/v1/chat/completions", chat("hi"))).status == 503
        assert (await ask(fake, "GET", "/v1/models")).json["data"][0]["id"] == "m"


async def test_busy_slots_are_shown_and_further_calls_wait(fake: FakeEngine) -> None:
    fake.change("fake-model", decode=1)
    async with asyncio.TaskGroup() as group:
        calls = [
            group.create_task(ask(fake, "POST", "/v1/chat/completions", chat("repeat 9"), silence_s=0.5))
            for _ in range(3)
        ]
        while fake.engine.waiting() < 1:
            await asyncio.sleep(0.005)
        slots = (await ask(fake, "GET", "/slots")).json
        assert [slot["is_processing"] for slot in slots] == [True, True]
        assert (await ask(fake, "GET", "/slots?fail_on_no_slot=1")).status == 503
        assert b"llamacpp:requests_deferred 1" in (await ask(fake, "GET", "/metrics")).body
    assert [call.result().ended for call in calls] == ["open"] * 3


async def test_tokens_go_there_and_back(fake: FakeEngine) -> None:
    ids = (await ask(fake, "POST", "/tokenize", {"content": "hello wörld"})).json["tokens"]
    assert (await ask(fake, "POST", "/detokenize", {"tokens": ids})).json == {"content": "hello wörld"}
    pieces = (await ask(fake, "POST", "/tokenize", {"content": "a b", "with_pieces": True})).json["tokens"]
    assert [one["piece"] for one in pieces] == ["a", " b"]


async def test_a_rendered_template_is_continued_like_its_chat(fake: FakeEngine) -> None:
    prompt = (await ask(fake, "POST", "/apply-template", chat("say: one two three"))).json["prompt"]
    got = (await ask(fake, "POST", "/completion", {"prompt": prompt + "one", "n_predict": -1})).json
    assert (got["content"], got["stop_type"]) == (" two three", "eos")
    assert got["tokens_evaluated"] > 0


async def test_completion_streams_without_done(fake: FakeEngine) -> None:
    got = await ask(fake, "POST", "/completion", {"prompt": "repeat 9", "n_predict": 2, "stream": True})
    *chunks, last = got.events()
    assert [chunk["content"] for chunk in chunks] == ["w1", " w2"]
    assert (last["stop"], last["stop_type"], last["tokens_predicted"]) == (True, "limit", 2)


async def test_infill_needs_a_model_for_it(fake: FakeEngine) -> None:
    body = {"input_prefix": "def f(", "input_suffix": "return", "n_predict": 4}
    got = (await ask(fake, "POST", "/infill", body)).json
    assert got["content"]
    assert got["timings"]["predicted_n"] == 4
    fake.change("fake-model", capabilities=["completion"])
    assert (await ask(fake, "POST", "/infill", body)).status == 501


async def test_no_tokens_are_one_token(fake: FakeEngine) -> None:
    for path, body in [("/completion", {"prompt": "x", "n_predict": 0}), (CHAT, chat("repeat 3", max_tokens=0))]:
        timings = (await ask(fake, "POST", path, body)).json["timings"]
        assert (timings["predicted_n"], timings["predicted_per_second"]) == (1, 0)


async def test_kept_connections_say_so(fake: FakeEngine) -> None:
    reader, writer = await asyncio.open_connection(fake.host, fake.port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"Keep-Alive: timeout=5, max=100\r\n" in head
    assert b"Server: llama.cpp\r\n" in head
    writer.close()


async def test_a_grammar_forces_the_text_so_far(fake: FakeEngine) -> None:
    body = chat("say: one two three", grammar='root ::= "one two" [^\\x00]*')
    assert (await ask(fake, "POST", "/v1/chat/completions", body)).json["choices"][0]["message"][
        "content"
    ] == "one two three"


async def test_embeddings_need_a_model_for_it(fake: FakeEngine) -> None:
    got = (await ask(fake, "POST", "/v1/embeddings", {"input": ["a", "b"]})).json
    assert [one["index"] for one in got["data"]] == [0, 1]
    fake.change("fake-model", capabilities=["completion"])
    assert (await ask(fake, "POST", "/v1/embeddings", {"input": "a"})).status == 501


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/chat/completions", {}, 400),
        ("POST", "/v1/chat/completions", {"messages": [{"role": "user"}]}, 400),
        ("POST", "/v1/chat/completions", b'{"messages":', 400),
        ("GET", "/v1/models/x", None, 404),
        ("DELETE", "/v1/models", None, 404),
        ("POST", "/completion", {}, 400),
    ],
)
async def test_errors_carry_their_status_as_a_number(
    fake: FakeEngine, method: str, path: str, body: Any, status: int
) -> None:
    got = await ask(fake, method, path, body)
    assert got.status == got.json["error"]["code"] == status


async def test_an_image_without_a_projector_is_a_500(fake: FakeEngine) -> None:
    parts = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    body = {"messages": [{"role": "user", "content": parts}]}
    assert (await ask(fake, "POST", "/v1/chat/completions", body)).status == 200
    fake.change("fake-model", capabilities="completion")
    assert (await ask(fake, "POST", "/v1/chat/completions", body)).status == 500


async def test_props_tell_slots_and_context(fake: FakeEngine) -> None:
    props = (await ask(fake, "GET", "/props")).json
    assert (props["total_slots"], props["default_generation_settings"]["n_ctx"]) == (2, 8192)


async def test_the_template_tells_whether_the_model_thinks() -> None:
    for capabilities, thinks in (("completion", False), ("completion+thinking", True)):
        async with running(f"m,capabilities={capabilities}", dialect="llamacpp") as fake:
            template = (await ask(fake, "GET", "/props")).json["chat_template"]
            assert ("enable_thinking" in template) == thinks
