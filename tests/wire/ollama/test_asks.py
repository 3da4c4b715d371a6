from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.call import ChatCall, EmbedCall, InfillCall, LoadCall, TextCall
from potluck.core.errors import BadRequest
from potluck.core.model import Capability, Model, ModelId
from potluck.wire.ollama.asks import read_chat, read_embed, read_embeddings, read_generate
from potluck.wire.ollama.passage import EmbedPassage, LinePassage
from potluck.wire.ollama.writers import ChatWriter, EmbeddingsWriter, EmbedWriter, GenerateWriter
from potluck.wire.port import AnswerMeta, AnswerWriter, Ask, Passage, Shape

META = AnswerMeta("x" * 24, "llama3.2", 0.0)
READERS = (read_chat, read_generate, read_embed, read_embeddings)


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "llama3.2", **fields}).encode()


HELLO = {"messages": [{"role": "user", "content": "hello"}]}
IMAGE = "iVBORw0KGgo="


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "missing request body"),
        (b" \n", "missing request body"),
        (b"{}", "model is required"),
        (b'{"model":""}', "model is required"),
        (b'{"model":null}', "model is required"),
    ],
)
def test_what_is_missing_is_said_in_ollamas_words(read: Any, sent: bytes, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(sent)
    assert str(caught.value) == message


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("sent", [b"{", b"[]", b'{"model": 7}'])
def test_what_is_no_request_is_refused(read: Any, sent: bytes) -> None:
    with pytest.raises(BadRequest):
        read(sent)


def test_the_field_of_a_wrong_type_is_named() -> None:
    with pytest.raises(BadRequest) as caught:
        read_chat(body(messages=[{"role": "user", "content": 7}]))
    assert caught.value.param == "messages[0].content"


@pytest.mark.parametrize(("stream", "streamed"), [({}, True), ({"stream": None}, True), ({"stream": False}, False)])
def test_chats_and_generations_stream_unless_told_not_to(stream: dict[str, Any], streamed: bool) -> None:
    assert read_chat(body(**HELLO, **stream)).stream is streamed
    assert read_generate(body(prompt="hello", **stream)).stream is streamed


def test_embeddings_never_stream() -> None:
    assert not read_embed(body(input="a", stream=True)).stream
    assert not read_embeddings(body(prompt="a", stream=True)).stream


@pytest.mark.parametrize(
    ("ask", "kind", "shape", "needs"),
    [
        (read_chat(body(**HELLO)), ChatCall, Shape.OLLAMA_CHAT, {Capability.COMPLETION}),
        (
            read_chat(body(**HELLO, tools=[{"type": "function", "function": {"name": "f"}}])),
            ChatCall,
            Shape.OLLAMA_CHAT,
            {Capability.COMPLETION, Capability.TOOLS},
        ),
        (
            read_chat(body(messages=[{"role": "user", "content": "", "images": [IMAGE]}])),
            ChatCall,
            Shape.OLLAMA_CHAT,
            {Capability.COMPLETION, Capability.VISION},
        ),
        (read_chat(body()), LoadCall, Shape.OLLAMA_CHAT, set()),
        (read_chat(body(messages=[])), LoadCall, Shape.OLLAMA_CHAT, set()),
        (read_generate(body(prompt="a")), TextCall, Shape.OLLAMA_GENERATE, {Capability.COMPLETION}),
        (
            read_generate(body(prompt="a", images=[IMAGE])),
            TextCall,
            Shape.OLLAMA_GENERATE,
            {Capability.COMPLETION, Capability.VISION},
        ),
        (read_generate(body(prompt="a", suffix="b")), InfillCall, Shape.OLLAMA_GENERATE, {Capability.INSERT}),
        (
            read_generate(body(prompt="a", suffix="b", raw=True)),
            TextCall,
            Shape.OLLAMA_GENERATE,
            {Capability.COMPLETION},
        ),
        (read_generate(body(suffix="b")), LoadCall, Shape.OLLAMA_GENERATE, set()),
        (read_embed(body(input="a")), EmbedCall, Shape.OLLAMA_EMBED, {Capability.EMBEDDING}),
        (read_embed(body()), LoadCall, Shape.OLLAMA_EMBED, set()),
        (read_embeddings(body(prompt="a")), EmbedCall, Shape.OLLAMA_EMBEDDINGS, {Capability.EMBEDDING}),
        (read_embeddings(body(prompt="")), LoadCall, Shape.OLLAMA_EMBEDDINGS, set()),
    ],
)
def test_an_ask_knows_what_it_needs_without_making_the_call(
    ask: Ask, kind: type, shape: Shape, needs: set[Capability]
) -> None:
    call = ask.call()
    assert isinstance(call, kind)
    assert ask.shape is shape
    assert ask.model == call.model == "llama3.2"
    assert ask.needs == call.needs == needs
    assert ask.untouchable


@pytest.mark.parametrize("think", [True, "high"])
def test_a_wish_to_think_needs_a_model_that_can(think: Any) -> None:
    assert Capability.THINKING in read_chat(body(**HELLO, think=think)).needs
    assert Capability.THINKING in read_generate(body(prompt="hi", think=think)).needs
    assert Capability.THINKING not in read_chat(body(**HELLO, think=False)).needs
    assert Capability.THINKING not in read_generate(body(prompt="hi")).needs


@pytest.mark.parametrize("ask", [read_chat(body()), read_generate(body(prompt="")), read_embed(body(input=""))])
def test_a_load_is_answered_whole_whatever_stream_says(ask: Ask) -> None:
    assert not ask.stream
    assert ask.call() == LoadCall("llama3.2")


@pytest.mark.parametrize("keep_alive", [0, "0", "0s"])
def test_a_keep_alive_of_nothing_unloads(keep_alive: Any) -> None:
    call = read_generate(body(keep_alive=keep_alive)).call()
    assert isinstance(call, LoadCall)
    assert call.unload


def test_raw_excludes_what_needs_a_template() -> None:
    for field in ({"system": "s"}, {"template": "t"}, {"context": [1]}):
        with pytest.raises(BadRequest, match="raw mode does not support template, system, or context"):
            read_generate(body(prompt="a", raw=True, **field))


def test_each_shape_has_its_writer_and_passage() -> None:
    kinds = [
        (read_chat(body(**HELLO)), ChatWriter, LinePassage),
        (read_generate(body(prompt="a")), GenerateWriter, LinePassage),
        (read_embed(body(input="a")), EmbedWriter, EmbedPassage),
        (read_embeddings(body(prompt="a")), EmbeddingsWriter, EmbedPassage),
    ]
    for ask, write, watch in kinds:
        writer: AnswerWriter = ask.writer(META)
        passage: Passage = ask.passage(META)
        assert type(writer) is write
        assert type(passage) is watch


# --- passing through --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["llama3.2", "llama3.2:latest", "LLAMA3.2"])
def test_a_name_that_the_engine_knows_leaves_the_bytes_alone(name: str) -> None:
    ask = read_chat(body(**HELLO, options={"temperature": 0}))
    assert ask.passed(name) is ask.body
    assert ask.passed_to(Model(ModelId(name))) is ask.body


def test_another_name_is_put_in_and_every_other_field_stays() -> None:
    sent = b'{"model":"coding","nobody":{"knows":[1.0,1e400]},"messages":[{"role":"user","content":"\\u00e9","x":1}]}'
    passed = read_chat(sent).passed("qwen2.5-coder:32b")
    assert passed == sent.replace(b'"coding"', b'"qwen2.5-coder:32b"')


def test_options_that_reload_the_model_are_normalised_on_the_way() -> None:
    ask = read_generate(body(prompt="a", options={"num_ctx": 9013, "num_gpu": 1, "seed": 7}))
    assert json.loads(ask.passed("llama3.2"))["options"] == {"seed": 7}
    changed = json.loads(ask.passed_to(LOADED))
    assert changed["options"] == {"num_ctx": 4096, "seed": 7}
    assert changed["model"] == "llama3.2"


LOADED = Model(ModelId("llama3.2:latest"), loaded_context=4096)


@pytest.mark.parametrize("name", ["Options", "OPTIONS", "option\u017f"])
def test_names_that_go_would_read_as_these_are_written_as_these(name: str) -> None:
    """Else a client could have a model loaded anew past all normalising."""
    sent = body(prompt="a", **{name: {"num_ctx": 9013, "seed": 7}}, Other=1, other=2)
    ask = read_generate(sent)
    assert ask.options == {"num_ctx": 9013, "seed": 7}
    passed = json.loads(ask.passed_to(LOADED))
    assert passed == {
        "model": "llama3.2",
        "prompt": "a",
        "options": {"num_ctx": 4096, "seed": 7},
        "Other": 1,
        "other": 2,
    }
    assert json.loads(read_chat(b'{"MODEL":"m","Messages":[{"role":"user","content":"a"}]}').body)["model"] == "m"
    both = read_generate(body(prompt="a", options={"num_ctx": 4096}, Options={"num_ctx": 9013}))
    assert json.loads(both.passed_to(LOADED))["options"] == {"num_ctx": 4096}


def test_the_loaded_context_is_said_for_who_says_nothing_with_every_other_byte_as_it_was() -> None:
    sent = body(prompt="a")
    assert read_generate(sent).passed_to(LOADED) == b'{"options":{"num_ctx":4096},' + sent[1:]
    asked = body(prompt="a", options={"num_ctx": 4096})
    assert read_generate(asked).passed_to(LOADED) is asked
    empty = body(prompt="a", options=None)
    assert json.loads(read_generate(empty).passed_to(LOADED))["options"] == {"num_ctx": 4096}


def test_what_may_be_too_long_is_to_be_refused_and_not_cut_unless_the_client_wants_that() -> None:
    long = "x" * 5000
    sent = body(prompt=long)
    passed = read_generate(sent).passed_to(LOADED)
    assert passed == b'{"truncate":false,"shift":false,"options":{"num_ctx":4096},' + sent[1:]
    wished = json.loads(read_generate(body(prompt=long, truncate=True, options={"num_ctx": 4096})).passed_to(LOADED))
    assert wished["truncate"] is True
    assert "shift" not in wished
    shifting = json.loads(read_generate(body(prompt=long, shift=True, truncate=None)).passed_to(LOADED))
    assert (shifting["truncate"], shifting["shift"]) == (False, True)
    embed = read_embed(body(input=long))
    assert b"truncate" not in embed.passed_to(LOADED)
    assert embed.may_cut


def test_what_a_call_needs_of_its_context_is_told() -> None:
    ask = read_generate(body(prompt="a", options={"num_predict": 50.5}))
    assert (ask.answer_tokens, ask.may_cut) == (50, False)
    for limit in (-1, 0, None, "x"):
        assert read_generate(body(prompt="a", options={"num_predict": limit})).answer_tokens is None
    assert read_generate(body(prompt="")).answer_tokens == 0
    assert read_generate(body(prompt="a", truncate=True)).may_cut
    assert not read_embed(body(input="a", truncate=False)).may_cut


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KNOWN = {"model", "stream", "format", "think", "keep_alive", "options", "truncate", "logprobs", "top_logprobs"}
KNOWN |= {"messages", "tools", "prompt", "suffix", "system", "template", "context", "raw", "images"}


@given(st.dictionaries(st.text().filter(lambda key: key not in KNOWN), json_values, max_size=4))
def test_unknown_fields_survive(fields: dict[str, Any]) -> None:
    sent = msgspec.json.encode({"model": "coding", **HELLO, **fields})
    ask = read_chat(sent)
    assert msgspec.json.decode(ask.passed("other:1b")) == {**msgspec.json.decode(sent), "model": "other:1b"}
    call = ask.call()
    assert isinstance(call, ChatCall)
    assert call.hints.extra == fields
