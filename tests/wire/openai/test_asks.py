"""Asks: what the gateway sees of a request, and the answer's way back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from potluck.core.answer import Answer, Choice, Finish, FinishReason, Text, Usage
from potluck.core.model import Capability
from potluck.wire.openai.asks import read_chat, read_completion, read_embedding
from potluck.wire.openai.passage import AnswerPassage, WholePassage
from potluck.wire.port import AnswerMeta, Ask, Shape
from tests.wire.openai.streams import sse

META = AnswerMeta(id="ID", model="m", created_s=1.0, prompt_tokens=4)
HELLO = [{"role": "user", "content": "hi"}]
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:;base64,QUJD"}}]}]
TOOL = {"type": "function", "function": {"name": "get"}}


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", **fields}).encode()


def chat(**fields: Any) -> Ask:
    return read_chat(body(**{"messages": HELLO, **fields}))


def completion(**fields: Any) -> Ask:
    return read_completion(body(**{"prompt": "p", "max_tokens": 5, **fields}))


def embedding(**fields: Any) -> Ask:
    return read_embedding(body(**{"input": "i", **fields}))


@pytest.mark.parametrize(
    ("ask", "shape", "needs"),
    [
        (chat(), Shape.OPENAI_CHAT, {Capability.COMPLETION}),
        (chat(tools=[TOOL]), Shape.OPENAI_CHAT, {Capability.COMPLETION, Capability.TOOLS}),
        (chat(tools=[TOOL], tool_choice="none"), Shape.OPENAI_CHAT, {Capability.COMPLETION}),
        # Forced by a schema, which needs no template with a place for tools.
        (chat(tools=[TOOL], tool_choice="required"), Shape.OPENAI_CHAT, {Capability.COMPLETION}),
        (chat(messages=IMAGE), Shape.OPENAI_CHAT, {Capability.COMPLETION, Capability.VISION}),
        (completion(), Shape.OPENAI_COMPLETION, {Capability.COMPLETION}),
        (completion(suffix="s"), Shape.OPENAI_COMPLETION, {Capability.COMPLETION}),
        (embedding(), Shape.OPENAI_EMBEDDING, {Capability.EMBEDDING}),
    ],
)
def test_an_ask_says_what_it_is_and_needs_as_its_call_does(ask: Ask, shape: Shape, needs: set[Capability]) -> None:
    assert (ask.shape, ask.model, ask.stream) == (shape, "m", False)
    assert ask.needs == ask.call().needs == needs
    assert ask.call().model == "m"
    assert ask.untouchable is not ({"suffix", "tool_choice"} & json.loads(ask.body).keys() != set())


@pytest.mark.parametrize(
    ("ask", "generations"),
    [
        (chat(), 1),
        (chat(n=3), 3),
        (completion(prompt=["a", "b"], n=2), 4),
        (completion(prompt=[1, 2]), 1),
        (embedding(input=["a", "b"]), 1),
    ],
)
def test_an_ask_knows_how_many_answers_it_wants(ask: Ask, generations: int) -> None:
    assert ask.generations == generations


@pytest.mark.parametrize("fields", [{"suffix": "s"}, {"echo": True}, {"options": {"top_k": 1}}, {"max_tokens": None}])
def test_a_completion_that_engines_misread_is_not_passed_on(fields: dict[str, Any]) -> None:
    assert not completion(**fields).untouchable


@pytest.mark.parametrize("make", [chat, completion, embedding])
def test_a_body_for_an_engine_with_the_same_name_is_the_very_body(make: Any) -> None:
    ask: Ask = make(nobody_knows={"x": [1]})
    assert ask.passed("m") is ask.body
    changed = json.loads(ask.passed("q:latest"))
    assert changed == {**json.loads(ask.body), "model": "q:latest"}


@pytest.mark.parametrize("make", [chat, completion])
def test_streams_are_always_metered(make: Any) -> None:
    asked: Ask = make(stream=True, stream_options={"include_usage": True})
    assert asked.stream
    assert asked.passed("m") is asked.body
    for fields in ({}, {"stream_options": None}, {"stream_options": {"include_usage": False}}):
        unasked: Ask = make(stream=True, **fields)
        for model in ("m", "q"):
            assert json.loads(unasked.passed(model)) == {
                **json.loads(unasked.body),
                "model": model,
                "stream_options": {"include_usage": True},
            }


@pytest.mark.parametrize("make", [chat, completion])
@pytest.mark.parametrize("asked", [False, True])
def test_usage_reaches_the_client_only_if_it_asked(make: Any, asked: bool) -> None:
    ask: Ask = make(stream=True, stream_options={"include_usage": asked})
    writer = ask.writer(META)
    written = writer.write([Text("a"), Finish(FinishReason.STOP), Usage(1, 2)], 0.0) + writer.close(0.0)
    assert (b"prompt_tokens" in written) is asked
    stream = sse('{"choices":[{"text":"a","finish_reason":"stop"}]}', '{"choices":[],"usage":{"prompt_tokens":1}}')
    passage = ask.passage(META)
    passed = passage.forward(stream, 0.0) + passage.end(0.0)
    assert (b"prompt_tokens" in passed) is asked


def test_an_echo_is_written_for_engines_that_cannot() -> None:
    answer = Answer(choices=(Choice("a"), Choice("b"), Choice("c"), Choice("d")))
    written = json.loads(completion(prompt=["P", "Q"], n=2, echo=True).writer(META).whole(answer, 0.0))
    assert [choice["text"] for choice in written["choices"]] == ["Pa", "Pb", "Qc", "Qd"]


@pytest.mark.parametrize(("wanted", "kind"), [(None, list), ("float", list), ("base64", str)])
def test_embeddings_are_encoded_as_asked(wanted: str | None, kind: type) -> None:
    ask = embedding(encoding_format=wanted)
    written = json.loads(ask.writer(META).whole(Answer(vectors=((1.0,),)), 0.0))
    assert isinstance(written["data"][0]["embedding"], kind)
    given = b'{"data":[{"embedding":[1]}],"usage":{"prompt_tokens":1}}'
    assert ask.passage(META).whole(given, 0.0) is given


@pytest.mark.parametrize("asking", [chat, completion])
def test_only_a_stream_is_watched_piece_by_piece(asking: Callable[..., Ask]) -> None:
    assert type(asking().passage(META)) is WholePassage
    assert type(asking(stream=True).passage(META)) is AnswerPassage


def test_tools_that_must_not_be_called_are_not_shown_to_an_engine() -> None:
    tools = '"tools":[{"type":"function","function":{"name":"f"}}]'
    body = '{"model":"m","messages":[{"role":"user","content":"x"}],%s,"tool_choice":"%s"}'
    assert not read_chat((body % (tools, "none")).encode()).untouchable
    assert read_chat((body % (tools, "auto")).encode()).untouchable


def test_dimensions_are_for_potluck_to_keep_since_llamacpp_overlooks_them() -> None:
    assert embedding().untouchable
    assert not embedding(dimensions=8).untouchable


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({}, None),
        ({"max_tokens": 5}, 5),
        ({"max_tokens": 5, "max_completion_tokens": 7.0}, 7),
        ({"max_tokens": -1}, None),
        ({"max_tokens": 1e300}, 1 << 30),
    ],
)
def test_what_a_call_needs_of_its_context_is_told(fields: dict[str, Any], limit: int | None) -> None:
    options = {"num_ctx": 9000}
    chat = read_chat(json.dumps({"model": "m", "messages": [{"role": "user", "content": "a"}], **fields}).encode())
    text = read_completion(json.dumps({"model": "m", "prompt": "a", "options": options, **fields}).encode())
    assert (chat.answer_tokens, chat.options, chat.may_cut) == (limit, {}, False)
    assert (text.answer_tokens, text.options, text.may_cut) == (limit, options, False)
    vectors = read_embedding(b'{"model":"m","input":"a"}')
    assert (vectors.answer_tokens, vectors.options, vectors.may_cut) == (0, {}, False)


def test_a_conversation_is_known_by_all_that_comes_before_its_first_answer() -> None:
    def opening(*messages: dict[str, Any]) -> tuple[str, ...]:
        return read_chat(json.dumps({"model": "m", "messages": messages}).encode()).opening

    system, parts = {"role": "system", "content": "s"}, [{"type": "text", "text": "a"}, "b"]
    first = opening(system, {"role": "user", "content": parts})
    assert first == ("s", "ab")
    later = opening(system, {"role": "user", "content": parts}, {"role": "assistant", "content": "c"}, system)
    assert later == first
    assert opening({"role": "user", "content": None}) == ("",)


def test_a_text_is_known_by_its_beginning_and_ids_are_not() -> None:
    text = "x" * 300
    assert read_completion(json.dumps({"model": "m", "prompt": text}).encode()).opening == (text[:256],)
    assert read_completion(b'{"model":"m","prompt":[1,2]}').opening == ()
    assert read_embedding(b'{"model":"m","input":"a"}').opening == ()
