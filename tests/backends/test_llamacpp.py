"""What llama.cpp's server tells of itself, in its modes and ages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from potluck.backends import llama_server
from potluck.backends.engine_settings import EngineSettings
from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.llamacpp import LlamaCpp
from potluck.backends.port import Address, Ready
from potluck.core.answer import FinishReason, collect
from potluck.core.call import (
    ChatCall,
    EmbedCall,
    InfillCall,
    LoadCall,
    Message,
    Role,
    Sampling,
    Snippet,
    TextPart,
    Tool,
    ToolChoice,
    ToolMode,
)
from potluck.core.errors import ContextOverflow, MalformedAnswer, NodeBusy, NodeFailed, Unsupported
from potluck.core.model import Capability, Model, ModelId
from potluck.wire.code.infill import read_infill
from potluck.wire.openai.asks import read_chat
from potluck.wire.port import EngineRequest
from potluck_fake_engine.testing import running
from tests.backends.scripted import Script

ADDRESS = Address("192.0.2.1", 8080)
MODEL = Model(ModelId("m"), frozenset({Capability.COMPLETION, Capability.TOOLS}))
CODER = replace(MODEL, capabilities=frozenset({Capability.COMPLETION, Capability.INSERT}))

WELL: dict[str, Any] = {
    "GET /health": {"status": "ok"},
    "GET /v1/models": {"data": [{"id": "tiny", "meta": {"n_params": 135_000_000, "size": 7, "ftype": "Q4_1"}}]},
    "GET /props": {
        "total_slots": 3,
        "default_generation_settings": {"n_ctx": 4096},
        "chat_template": "{{ tools }}<think>",
        "modalities": {"vision": True},
        "build_info": "b7000",
    },
    "GET /slots": [{"is_processing": True}, {"is_processing": False}, {"is_processing": True}],
    "POST /infill": 501,
    "POST /v1/embeddings": 501,
}


def llamacpp(**settings: Any) -> LlamaCpp:
    return LlamaCpp(EngineSettings(ADDRESS, **settings))


def body(request: EngineRequest | Ready) -> dict[str, Any]:
    assert isinstance(request, EngineRequest)
    decoded: dict[str, Any] = msgspec.json.decode(request.body)
    return decoded


async def test_a_look_gathers_what_several_routes_tell() -> None:
    report = await llamacpp().probe(Script(WELL))
    (model,) = report.models
    assert (report.slots, report.busy, report.version) == (3, 2, "b7000")
    assert (model.id, model.context, model.loaded_context, model.resident) == ("tiny", 4096, 4096, True)
    assert (model.parameter_size, model.quantization, model.size_bytes) == ("135M", "Q4_1", 7)
    can = Capability
    assert model.capabilities == {can.COMPLETION, can.TOOLS, can.THINKING, can.VISION}


async def test_what_a_model_can_do_is_asked_once() -> None:
    backend, script = llamacpp(), Script({**WELL, "POST /infill": {"content": ""}, "POST /v1/embeddings": {"data": []}})
    first = await backend.probe(script)
    assert await backend.probe(script) == first
    assert Capability.INSERT in first.models[0].capabilities
    assert [script.times(call) for call in ("POST /infill", "POST /v1/embeddings", "GET /props")] == [1, 1, 2]


async def test_another_model_under_the_same_address_is_asked_anew() -> None:
    backend, script = llamacpp(), Script(WELL)
    await backend.probe(script)
    await backend.probe(Script({**WELL, "GET /v1/models": {"data": [{"id": "other"}]}}))
    await backend.probe(script)
    assert script.times("POST /infill") == 2


@pytest.mark.parametrize("status", [400, 404, 405, 500, 501])
async def test_a_route_that_fails_for_whatever_reason_is_not_counted_on(status: int) -> None:
    (model,) = (await llamacpp().probe(Script({**WELL, "POST /infill": status}))).models
    assert Capability.INSERT not in model.capabilities


async def test_a_server_that_only_embeds_does_not_write() -> None:
    answers = {**WELL, "POST /v1/embeddings": {"data": []}, "POST /v1/completions": 501}
    (model,) = (await llamacpp().probe(Script(answers))).models
    assert Capability.EMBEDDING in model.capabilities
    assert model.capabilities.isdisjoint({Capability.COMPLETION, Capability.TOOLS})


async def test_the_templates_own_word_on_tools_counts_most() -> None:
    props = {**WELL["GET /props"], "chat_template_caps": {"supports_tools": False}}
    (model,) = (await llamacpp().probe(Script({**WELL, "GET /props": props}))).models
    assert Capability.TOOLS not in model.capabilities


async def test_the_owners_names_and_context_stand() -> None:
    names = (ModelId("coder"), ModelId("coder:7b"))
    report = await llamacpp(models=names, context=1000).probe(Script(WELL))
    assert [(model.id, model.context) for model in report.models] == [("coder", 1000), ("coder:7b", 1000)]


@pytest.mark.parametrize(
    ("listed", "name"), [("/srv/models/qwen.gguf", "qwen"), (r"C:\m\qwen.gguf", "qwen"), ("org/qwen", "org/qwen")]
)
async def test_folders_of_the_engines_machine_are_not_part_of_a_name(listed: str, name: str) -> None:
    report = await llamacpp().probe(Script({**WELL, "GET /v1/models": {"data": [{"id": listed}]}}))
    assert report.models[0].id == name


async def test_a_router_lists_several_models_and_which_are_loaded() -> None:
    listed = [{"id": "a", "status": {"value": "loaded"}}, {"id": "b", "status": {"value": "unloaded"}}]
    script = Script({"GET /health": {}, "GET /v1/models": {"data": listed}, "GET /props": {"role": "router"}})
    report = await llamacpp().probe(script)
    assert [(model.id, model.resident) for model in report.models] == [("a", True), ("b", False)]
    assert report.slots is None
    assert script.times("POST /infill") == 0


async def test_hidden_slots_are_no_trouble() -> None:
    assert (await llamacpp().probe(Script({**WELL, "GET /slots": 501}))).busy is None


async def test_a_server_that_loads_says_that_it_will_be_ready() -> None:
    with pytest.raises(NodeBusy) as caught:
        await llamacpp().probe(Script({**WELL, "GET /health": 503}))
    assert caught.value.loading


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"GET /health": 503}, NodeBusy),
        ({"GET /health": 401}, NodeFailed),
        ({"GET /v1/models": b"<html>"}, MalformedAnswer),
        ({"GET /v1/models": {"data": []}}, MalformedAnswer),
        ({"GET /props": 404}, NodeFailed),
        ({"POST /infill": 503}, NodeBusy),
    ],
)
async def test_an_engine_that_is_not_well_says_so(answers: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        await llamacpp().probe(Script({**WELL, **answers}))


@pytest.mark.parametrize("insert", [True, False])
async def test_the_project_own_fake_is_understood(insert: bool) -> None:
    can = "completion+tools" + ("+insert" if insert else "")
    model = f"m,context=1024,slots=2,capabilities={can}"
    async with running(model, dialect="llamacpp") as fake, open_engine_session() as session:
        address = Address(fake.host, fake.port)
        report = await LlamaCpp(EngineSettings(address)).probe(AiohttpEngine(session, address))
    assert (report.models[0].context, report.slots) == (1024, 2)
    assert (Capability.INSERT in report.models[0].capabilities) is insert


# --- Calls ---


HI = (Message(Role.USER, (TextPart("Hi."),)),)
TOOL = Tool("look", "", {"type": "object", "properties": {}})


def test_every_generation_is_streamed_with_progress() -> None:
    for stream in (True, False):
        request = llamacpp().encode(ChatCall("m", HI), MODEL, stream=stream)
        sent = body(request)
        assert (sent["stream"], sent["return_progress"]) == (True, True)
        assert isinstance(request, EngineRequest)
        assert request.stream is stream


def test_a_stream_is_read_whole_where_a_whole_answer_was_wanted() -> None:
    request = llamacpp().encode(ChatCall("m", HI), MODEL, stream=False)
    assert isinstance(request, EngineRequest)
    chunks = (
        b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":null}}],"prompt_progress":{"total":9}}\n\n'
        b'data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\ndata: [DONE]\n\n'
    )
    answer = collect(request.reader.whole(chunks))
    assert (answer.choices[0].text, answer.choices[0].finish) == ("Hello", FinishReason.STOP)
    assert answer.usage is not None


def test_a_stream_that_breaks_off_is_no_whole_answer() -> None:
    request = llamacpp().encode(ChatCall("m", HI), MODEL, stream=False)
    assert isinstance(request, EngineRequest)
    with pytest.raises(MalformedAnswer):
        request.reader.whole(b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n')


def test_a_forced_tool_goes_as_a_schema_and_others_as_they_are() -> None:
    forced = body(llamacpp().encode(
        ChatCall("m", HI, tools=(TOOL,), tool_choice=ToolChoice(ToolMode.REQUIRED)), MODEL, stream=True
    ))  # fmt: skip
    assert "tools" not in forced
    assert forced["response_format"]["type"] == "json_schema"
    auto = body(llamacpp().encode(ChatCall("m", HI, tools=(TOOL,)), MODEL, stream=True))
    assert (len(auto["tools"]), auto["tool_choice"]) == (1, "auto")


def test_tools_that_must_not_be_called_are_not_shown() -> None:
    call = ChatCall("m", HI, tools=(TOOL,), tool_choice=ToolChoice(ToolMode.NONE))
    assert "tools" not in body(llamacpp().encode(call, MODEL, stream=True))


def test_a_model_that_inserts_is_asked_by_infill() -> None:
    call = InfillCall("m", "a", "b", snippets=(Snippet("x.py", "y"),), sampling=Sampling(max_tokens=5))
    request = llamacpp().encode(call, CODER, stream=False)
    assert isinstance(request, EngineRequest)
    assert request.path == "/infill"
    sent = body(request)
    assert (sent["input_prefix"], sent["input_suffix"], sent["n_predict"]) == ("a", "b", 5)
    events = request.reader.whole(b'data: {"content":"x<|im_end|>","stop":true,"stop_type":"eos"}\n\n')
    assert collect(events).choices[0].text == "x"


def test_a_model_that_does_not_is_told_in_words() -> None:
    request = llamacpp().encode(InfillCall("m", "a", "b"), MODEL, stream=False)
    assert isinstance(request, EngineRequest)
    assert request.path == "/v1/chat/completions"


def test_vectors_may_be_asked_for_as_the_model_made_them() -> None:
    assert "embd_normalize" not in body(llamacpp().encode(EmbedCall("m", ("a",)), MODEL, stream=False))
    raw = body(llamacpp().encode(EmbedCall("m", ("a",), normalised=False), MODEL, stream=False))
    assert raw["embd_normalize"] == -1


def test_vectors_may_be_asked_for_shorter_though_the_server_overlooks_it() -> None:
    request = llamacpp().encode(EmbedCall("m", ("a",), dimensions=2), MODEL, stream=False)
    assert isinstance(request, EngineRequest)
    events = request.reader.whole(b'{"data":[{"index":0,"embedding":[3,4,12]}]}')
    assert collect(events).vectors == ((0.6, 0.8),)


def test_a_server_holds_its_model_always() -> None:
    for unload, reason in ((False, FinishReason.LOAD), (True, FinishReason.UNLOAD)):
        ready = llamacpp().encode(LoadCall("m", unload=unload), MODEL, stream=False)
        assert isinstance(ready, Ready)
        assert collect(ready.events).choices[0].finish is reason


def test_bytes_pass_with_the_name_that_the_engine_knows() -> None:
    ask = read_chat(b'{"model":"chat","messages":[{"role":"user","content":"Hi."}],"odd":1}')
    path, passed = llamacpp().pass_through(ask, MODEL)
    assert path == "/v1/chat/completions"
    assert msgspec.json.decode(passed) == {"model": "m", "messages": [{"role": "user", "content": "Hi."}], "odd": 1}


@pytest.mark.parametrize(
    ("more", "sent"), [("", None), (',"stream":true', True), (',"stream":true,"return_progress":false', False)]
)
def test_a_stream_that_passes_tells_progress_unless_the_client_said_otherwise(more: str, sent: bool | None) -> None:
    ask = read_chat(b'{"model":"m","messages":[{"role":"user","content":"Hi."}]%b}' % more.encode())
    assert msgspec.json.decode(llamacpp().pass_through(ask, MODEL)[1]).get("return_progress") is sent


def test_infill_passes_to_a_model_that_inserts_and_to_no_other() -> None:
    ask = read_infill(b'{"input_prefix":"a","input_suffix":"b"}')
    assert llamacpp().pass_through(ask, CODER)[0] == "/infill"
    with pytest.raises(Unsupported):
        llamacpp().pass_through(ask, MODEL)


def test_a_text_too_long_to_embed_is_an_overflow() -> None:
    said = (
        b'{"error":{"code":500,"message":"input (701 tokens) is too large to process. '
        b'increase the physical batch size (current batch size: 512)","type":"server_error"}}'
    )
    error = llama_server.error(500, said, "m")
    assert isinstance(error, ContextOverflow)
    assert (error.prompt_tokens, error.context) == (701, 512)


async def test_an_older_server_counts_by_template_and_tokenizer() -> None:
    script = Script({"POST /apply-template": {"prompt": "<user>Hi."}, "POST /tokenize": {"tokens": [1, 2, 3]}})
    assert await llamacpp().count_tokens(ChatCall("m", HI), MODEL, script) == 3
    assert script.asked[-1][1]["content"] == "<user>Hi."


async def test_filling_in_is_counted_with_its_context() -> None:
    script = Script({"POST /tokenize": {"tokens": [1, 2]}})
    call = InfillCall("m", "a", "b", snippets=(Snippet("x.py", "y"),))
    assert await llamacpp().count_tokens(call, MODEL, script) == 6
    assert await llamacpp().count_tokens(LoadCall("m"), MODEL, script) is None
