from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ollama import ChatResponse, EmbeddingsResponse, EmbedResponse, GenerateResponse

from potluck.core.answer import (
    Answer,
    Choice,
    Event,
    Failed,
    Finish,
    FinishReason,
    Logprobs,
    Reasoning,
    Text,
    Timings,
    ToolArguments,
    ToolStart,
    Usage,
    Vector,
    collect,
)
from potluck.core.call import ToolCall
from potluck.core.errors import NodeFailed
from potluck.core.model import Json
from potluck.wire.ollama.writers import (
    ChatWriter,
    EmbeddingsWriter,
    EmbedWriter,
    GenerateWriter,
    arguments_object,
    normalised,
)
from potluck.wire.port import AnswerMeta
from tests.wire.legal_events import cut_up, legal_events

START = 1767225600.0
META = AnswerMeta("x" * 24, "Llama3.2", START)
AT = '"model":"Llama3.2","created_at":"2026-01-01T00:00:'


def streamed(writer: ChatWriter | GenerateWriter, events: list[Event]) -> bytes:
    """One event every quarter of a second, the first after a quarter."""
    out = writer.open()
    now = START
    for event in events:
        now += 0.25
        out += writer.write([event], now)
    return out + writer.close(now)


def test_a_chat_is_streamed_byte_for_byte_as_ollama_does() -> None:
    events: list[Event] = [
        Reasoning("hm"),
        Text("Hé"),
        Finish(FinishReason.LENGTH),
        Usage(prompt=11, completion=2),
        Timings(load_s=0.5, prefill_s=0.25, decode_s=0.125),
    ]
    assert streamed(ChatWriter(META), events).decode() == (
        f'{{{AT}00.250000000Z","message":{{"role":"assistant","content":"","thinking":"hm"}},"done":false}}\n'
        f'{{{AT}00.500000000Z","message":{{"role":"assistant","content":"Hé"}},"done":false}}\n'
        f'{{{AT}01.250000000Z","message":{{"role":"assistant","content":""}},"done":true,"done_reason":"length",'
        '"total_duration":1250000000,"load_duration":500000000,"prompt_eval_count":11,'
        '"prompt_eval_duration":250000000,"eval_count":2,"eval_duration":125000000}\n'
    )


def test_a_generation_is_streamed_byte_for_byte_as_ollama_does() -> None:
    events: list[Event] = [Reasoning("hm"), Text("ok"), Finish(FinishReason.STOP)]
    assert streamed(GenerateWriter(META), events).decode() == (
        f'{{{AT}00.250000000Z","response":"","thinking":"hm","done":false}}\n'
        f'{{{AT}00.500000000Z","response":"ok","done":false}}\n'
        f'{{{AT}00.750000000Z","response":"","done":true,"done_reason":"stop","context":[],'
        '"total_duration":750000000,"prompt_eval_duration":250000000,"eval_duration":500000000}\n'
    )


def test_a_raw_generation_has_no_context() -> None:
    assert b"context" not in streamed(GenerateWriter(META, raw=True), [Finish(FinishReason.STOP)])


def test_an_answer_without_a_word_took_its_time_for_the_prompt() -> None:
    last = json.loads(streamed(ChatWriter(META), [Finish(FinishReason.STOP)]))
    assert last["prompt_eval_duration"] == last["total_duration"] == 250_000_000
    assert "eval_duration" not in last
    assert "eval_count" not in last


def test_tool_calls_come_whole_in_one_line_with_an_object() -> None:
    events: list[Event] = [
        ToolStart(0, "call_a", "f"),
        ToolArguments(0, '{"city":'),
        ToolStart(1, "call_b", "g"),
        ToolArguments(0, '"Bern"}'),
        Finish(FinishReason.TOOL_CALLS),
    ]
    first, last = (json.loads(line) for line in streamed(ChatWriter(META), events).splitlines())
    assert first["message"] == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "call_a", "function": {"index": 0, "name": "f", "arguments": {"city": "Bern"}}},
            {"id": "call_b", "function": {"index": 1, "name": "g", "arguments": {}}},
        ],
    }
    assert first["done"] is False
    assert (last["done"], last["done_reason"]) == (True, "stop")
    generated = json.loads(streamed(GenerateWriter(META), events).splitlines()[0])
    assert generated["tool_calls"][0]["function"]["name"] == "f"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1}', {"a": 1}),
        ("", {}),
        (" ", {}),
        ('{"a":', {"_malformed": '{"a":'}),
        ("[1]", {"_malformed": "[1]"}),
        ("[" * 5000, {"_malformed": "[" * 5000}),
        ('"\ud800"', {"_malformed": '"\ud800"'}),
    ],
)
def test_arguments_that_are_no_object_are_kept_as_text(text: str, value: dict[str, Any]) -> None:
    assert arguments_object(text) == value


def test_logprobs_stand_beside_the_message() -> None:
    tokens: list[Json] = [{"token": "a", "logprob": -0.5}]
    line = json.loads(ChatWriter(META).write([Logprobs({"content": tokens})], START))
    assert line["logprobs"] == tokens
    whole = ChatWriter(META).whole(Answer((Choice("a", logprobs={"content": tokens}),)), START)
    assert json.loads(whole)["logprobs"] == tokens


def test_failures_are_a_line_and_never_done() -> None:
    writer = GenerateWriter(META)
    assert writer.write([Text("a")], START).endswith(b'"done":false}\n')
    assert writer.write([Failed(NodeFailed("broke"))], START) == b'{"error":"broke"}\n'
    assert writer.fail(NodeFailed("broke"), "req") == b'{"error":"broke"}\n'
    assert writer.close(START) == b""


def test_there_is_no_legal_nothing_to_send() -> None:
    for writer in (ChatWriter(META), EmbedWriter(META)):
        assert writer.keep_alive == b""
        assert writer.stream_type == "application/x-ndjson"


def test_a_whole_chat_is_one_object_with_everything() -> None:
    answer = Answer(
        (Choice("Hi", "hm", (ToolCall("call_a", "f", "{}"),), FinishReason.TOOL_CALLS),),
        usage=Usage(prompt=3, completion=4),
    )
    whole = json.loads(ChatWriter(META).whole(answer, START + 2))
    assert whole == {
        "model": "Llama3.2",
        "created_at": "2026-01-01T00:00:02.000000000Z",
        "message": {
            "role": "assistant",
            "content": "Hi",
            "thinking": "hm",
            "tool_calls": [{"id": "call_a", "function": {"index": 0, "name": "f", "arguments": {}}}],
        },
        "done": True,
        "done_reason": "stop",
        "total_duration": 2_000_000_000,
        "prompt_eval_count": 3,
        "eval_count": 4,
        "eval_duration": 2_000_000_000,
    }


@pytest.mark.parametrize("reason", [FinishReason.LOAD, FinishReason.UNLOAD])
def test_loading_and_unloading_are_answered_in_one_object(reason: FinishReason) -> None:
    answer = collect([Usage(prompt=9, completion=0, estimated=True), Finish(reason)])
    assert json.loads(ChatWriter(META).whole(answer, START + 2)) == {
        "model": "Llama3.2",
        "created_at": "2026-01-01T00:00:02.000000000Z",
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": reason.value,
    }
    assert json.loads(GenerateWriter(META).whole(answer, START))["response"] == ""
    assert json.loads(EmbedWriter(META).whole(answer, START)) == {"model": "Llama3.2", "embeddings": []}
    assert EmbeddingsWriter(META).whole(answer, START) == b'{"embedding":[]}'


def test_an_answer_that_gave_no_reason_stopped() -> None:
    assert json.loads(GenerateWriter(META).whole(Answer(), START))["done_reason"] == "stop"


@given(legal_events(), st.lists(st.integers(0, 4), max_size=6))
def test_ollamas_client_reads_every_legal_stream(events: list[Event], sizes: list[int]) -> None:
    for writer in (ChatWriter(META), GenerateWriter(META)):
        out = b"".join(writer.write(batch, START + 1) for batch in cut_up(events, sizes)) + writer.close(START + 2)
        lines = [msgspec.json.decode(line) for line in out.splitlines()]
        assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
        answer = collect(events).choices[0]
        if isinstance(writer, ChatWriter):
            chat = [ChatResponse(**line) for line in lines]
            assert "".join(line.message.content or "" for line in chat) == answer.text
            assert "".join(line.message.thinking or "" for line in chat) == answer.reasoning
            names = [call.function.name for line in chat for call in line.message.tool_calls or ()]
            assert names == [call.name for call in answer.tool_calls]
        else:
            generated = [GenerateResponse(**line) for line in lines]
            assert "".join(line.response or "" for line in generated) == answer.text


# --- vectors ----------------------------------------------------------------------------------------------------------


def test_vectors_are_brought_to_length_one() -> None:
    answer = Answer(vectors=((3.0, 4.0), (0.0, 0.0)), usage=Usage(prompt=5), timings=Timings(load_s=0.5))
    whole = json.loads(EmbedWriter(META).whole(answer, START + 1))
    assert whole == {
        "model": "Llama3.2",
        "embeddings": [[0.6, 0.8], [0.0, 0.0]],
        "total_duration": 1_000_000_000,
        "load_duration": 500_000_000,
        "prompt_eval_count": 5,
    }
    assert EmbedResponse(**whole).embeddings[0] == [0.6, 0.8]


def test_the_old_route_gives_the_vector_as_it_is() -> None:
    whole = EmbeddingsWriter(META).whole(Answer(vectors=((3.0, 4.0),)), START)
    assert whole == b'{"embedding":[3.0,4.0]}'
    assert EmbeddingsResponse(**json.loads(whole)).embedding == [3.0, 4.0]


@given(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=8))
def test_normalising_keeps_directions_and_is_done_once(vector: list[float]) -> None:
    once = normalised(vector)
    assert math.hypot(*once) == pytest.approx(1, abs=1e-4) or not any(vector)
    assert normalised(once) is once


def test_an_embedding_is_never_streamed() -> None:
    writer = EmbedWriter(META)
    events: list[Event] = [Vector(0, (1.0,))]
    assert writer.open() + writer.write(events, START) + writer.close(START) == b""
    assert writer.fail(NodeFailed("broke"), "req") == b'{"error":"broke"}\n'
    assert ChatWriter(META).write(events, START) == b""
