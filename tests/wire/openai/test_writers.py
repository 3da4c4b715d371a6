"""Answers as OpenAI's clients read them, to the byte."""

from __future__ import annotations

import base64
import json
import struct

import pytest

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
)
from potluck.core.call import ToolCall
from potluck.core.errors import NodeFailed
from potluck.core.model import Json
from potluck.wire.openai.writers import ChatWriter, CompletionWriter, EmbeddingWriter
from potluck.wire.port import AnswerMeta, AnswerWriter

META = AnswerMeta(id="ID", model="m", created_s=1700000000.9)
FRAME = '{"id":"chatcmpl-ID","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":['
TEXT_FRAME = '{"id":"cmpl-ID","object":"text_completion","created":1700000000,"model":"m","choices":['
ROLE = '{"index":%d,"delta":{"role":"assistant","content":""},"finish_reason":null,"logprobs":null}'
USAGE = (
    '"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,'
    '"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":1}}'
)
SPENT = Usage(prompt=5, completion=2, cached=1, reasoning=1)
STOP = Finish(FinishReason.STOP)
BROKEN = Failed(NodeFailed("x"))


def streamed(writer: AnswerWriter, *events: Event) -> list[str]:
    stream = writer.open() + writer.write(events, 0.0) + writer.close(0.0)
    assert stream.endswith(b"\n\n")
    return [event.removeprefix("data: ") for event in stream.decode().split("\n\n")[:-1]]


def chunks(*choices: str, frame: str = FRAME) -> list[str]:
    return [f"{frame}{choice}]}}" for choice in choices]


def test_a_chat_stream_is_role_text_finish_and_done() -> None:
    assert streamed(ChatWriter(META), Text("Grü\n"), Text("ß"), STOP, SPENT, Timings(), Vector(0, ()), BROKEN) == [
        *chunks(
            ROLE % 0,
            '{"index":0,"delta":{"content":"Grü\\n"},"finish_reason":null,"logprobs":null}',
            '{"index":0,"delta":{"content":"ß"},"finish_reason":null,"logprobs":null}',
            '{"index":0,"delta":{},"finish_reason":"stop","logprobs":null}',
        ),
        "[DONE]",
    ]


def test_usage_comes_in_a_chunk_of_its_own_if_it_was_asked_for() -> None:
    events = streamed(ChatWriter(META, include_usage=True), Text("a"), STOP, SPENT)
    assert events[-2:] == [FRAME + "]," + USAGE + "}", "[DONE]"]
    assert all(event.endswith('],"usage":null}') for event in events[:-2])


def test_usage_that_nobody_knows_is_zero() -> None:
    assert json.loads(streamed(ChatWriter(META, include_usage=True), STOP)[-2])["usage"]["total_tokens"] == 0


def test_each_choice_begins_with_its_role() -> None:
    events = streamed(ChatWriter(META), Text("a", 0), Text("b", 1), Finish(FinishReason.LENGTH, 1), STOP)
    told = [json.loads(event)["choices"][0] for event in events[:-1]]
    assert [(each["index"], each["delta"].get("role"), each["finish_reason"]) for each in told] == [
        (0, "assistant", None),
        (0, None, None),
        (1, "assistant", None),
        (1, None, None),
        (1, None, "length"),
        (0, None, "stop"),
    ]


def test_tool_calls_give_id_and_name_once_and_then_pieces() -> None:
    events = streamed(
        ChatWriter(META),
        ToolStart(0, "call_1", "get"),
        ToolArguments(0, '{"a"'),
        ToolArguments(0, ":1}"),
        STOP,
    )
    tool = '{"index":0,"delta":{"tool_calls":[%s]},"finish_reason":null,"logprobs":null}'
    assert events[1:] == [
        *chunks(
            tool % '{"index":0,"id":"call_1","type":"function","function":{"name":"get","arguments":""}}',
            tool % '{"index":0,"function":{"arguments":"{\\"a\\""}}',
            tool % '{"index":0,"function":{"arguments":":1}"}}',
            '{"index":0,"delta":{},"finish_reason":"tool_calls","logprobs":null}',
        ),
        "[DONE]",
    ]


def test_reasoning_and_logprobs_stand_in_their_deltas() -> None:
    logprobs: Json = {"content": [{"token": "a"}]}
    events = streamed(
        ChatWriter(META), Reasoning("hm"), Text("a"), Logprobs(logprobs), Logprobs(logprobs, 1), Text("b"), STOP
    )
    told = [json.loads(event)["choices"][0] for event in events[:-1]]
    assert [(each["index"], each["delta"], each["logprobs"]) for each in told if "role" not in each["delta"]] == [
        (0, {"reasoning_content": "hm"}, None),
        (0, {"content": "a"}, logprobs),
        (1, {}, logprobs),
        (0, {"content": "b"}, None),
        (0, {}, None),
    ]


def test_logprobs_alone_in_a_piece_get_a_chunk() -> None:
    assert json.loads(streamed(ChatWriter(META), Logprobs({"content": []}))[1])["choices"][0]["logprobs"] == {
        "content": []
    }


def test_an_error_in_band_is_neither_a_finish_nor_an_end() -> None:
    for writer in (ChatWriter(META), CompletionWriter(META)):
        assert writer.fail(NodeFailed("broken"), "r") == (
            b'data: {"error":{"message":"broken","type":"server_error","param":null,"code":null}}\n\n'
        )


def test_a_whole_chat_answer() -> None:
    answer = Answer(choices=(Choice(text="Hi", finish=FinishReason.STOP),), usage=SPENT)
    assert ChatWriter(META).whole(answer, 0.0).decode() == (
        '{"id":"chatcmpl-ID","object":"chat.completion","created":1700000000,"model":"m",'
        '"system_fingerprint":"fp_potluck","choices":[{"index":0,"message":{"role":"assistant","content":"Hi",'
        '"refusal":null},"logprobs":null,"finish_reason":"stop"}],' + USAGE + "}"
    )


def test_a_whole_answer_with_tool_calls_has_no_content() -> None:
    call = ToolCall("call_1", "get", "{}")
    answer = Answer(choices=(Choice(reasoning="hm", tool_calls=(call,), finish=FinishReason.STOP), Choice(text="")))
    written = json.loads(ChatWriter(META).whole(answer, 0.0))
    assert written["choices"][0] == {
        "index": 0,
        "message": {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "reasoning_content": "hm",
            "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "get", "arguments": "{}"}}],
        },
        "logprobs": None,
        "finish_reason": "tool_calls",
    }
    assert written["choices"][1]["message"] == {"role": "assistant", "content": "", "refusal": None}
    assert written["choices"][1]["finish_reason"] is None
    assert written["usage"]["total_tokens"] == 0


def test_a_completion_stream() -> None:
    others: tuple[Event, ...] = (
        Reasoning("x"),
        ToolStart(0, "i", "n"),
        ToolArguments(0, "{}"),
        Timings(),
        Vector(0, ()),
        BROKEN,
    )
    events = streamed(CompletionWriter(META, include_usage=True), Text("a"), Logprobs({"t": 1}), *others, STOP, SPENT)
    assert events == [
        TEXT_FRAME + '{"index":0,"text":"a","finish_reason":null,"logprobs":null}],"usage":null}',
        TEXT_FRAME + '{"index":0,"text":"","finish_reason":null,"logprobs":{"t":1}}],"usage":null}',
        TEXT_FRAME + '{"index":0,"text":"","finish_reason":"stop","logprobs":null}],"usage":null}',
        TEXT_FRAME + "]," + USAGE + "}",
        "[DONE]",
    ]


def test_an_echo_comes_once_before_each_choice_of_its_prompt() -> None:
    writer = CompletionWriter(META, prompts=["P", "Q"], choices=2)
    events: list[Event] = [
        Text("a", 0),
        Text("b", 0),
        Text("c", 1),
        Finish(FinishReason.STOP, 2),
        Text("d", 3),
        Text("e", 4),
    ]
    told = [json.loads(event)["choices"][0] for event in streamed(writer, *events)[:-1]]
    assert [(each["index"], each["text"]) for each in told] == [
        (0, "Pa"),
        (0, "b"),
        (1, "Pc"),
        (2, "Q"),
        (3, "Qd"),
        (4, "e"),
    ]


def test_a_whole_completion() -> None:
    answer = Answer(choices=(Choice(text="a", finish=FinishReason.LENGTH), Choice(text="b")), usage=SPENT)
    assert CompletionWriter(META, prompts=["P"]).whole(answer, 0.0).decode() == (
        '{"id":"cmpl-ID","object":"text_completion","created":1700000000,"model":"m",'
        '"system_fingerprint":"fp_potluck","choices":['
        '{"index":0,"text":"Pa","logprobs":null,"finish_reason":"length"},'
        '{"index":1,"text":"b","logprobs":null,"finish_reason":null}],' + USAGE + "}"
    )


def test_embeddings_as_numbers() -> None:
    answer = Answer(vectors=((0.5, -1.0), (0.25, 0.0)), usage=Usage(prompt=3))
    assert EmbeddingWriter(META).whole(answer, 0.0).decode() == (
        '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1.0]},'
        '{"object":"embedding","index":1,"embedding":[0.25,0.0]}],"model":"m",'
        '"usage":{"prompt_tokens":3,"total_tokens":3}}'
    )


def test_embeddings_as_base64_are_little_endian_floats() -> None:
    written = json.loads(EmbeddingWriter(META, base64=True).whole(Answer(vectors=((0.5, -1.0),)), 0.0))
    data = base64.b64decode(written["data"][0]["embedding"])
    assert struct.unpack("<2f", data) == (0.5, -1.0)
    assert written["usage"] == {"prompt_tokens": 0, "total_tokens": 0}


def test_embeddings_have_no_stream() -> None:
    writer = EmbeddingWriter(META)
    assert writer.open() + writer.write([Vector(0, ())], 0) + writer.close(0) + writer.fail(NodeFailed("x"), "r") == b""


@pytest.mark.parametrize("reason", FinishReason)
def test_every_reason_has_a_word_that_clients_know(reason: FinishReason) -> None:
    for writer in (ChatWriter(META), CompletionWriter(META)):
        finish = json.loads(streamed(writer, Finish(reason))[-2])["choices"][0]["finish_reason"]
        assert finish in {"stop", "length", "tool_calls", "content_filter"}
