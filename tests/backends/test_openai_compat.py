from __future__ import annotations

from typing import Any

import msgspec
import pytest

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.openai_compat import OpenAiCompat
from potluck.backends.port import Address, Ready
from potluck.core.call import (
    ChatCall,
    InfillCall,
    LoadCall,
    Message,
    Role,
    TextCall,
    TextPart,
    Tool,
    ToolChoice,
    ToolMode,
)
from potluck.core.errors import ModelNotFound, NodeBusy, NodeFailed, Unsupported
from potluck.core.model import Capability, Model, ModelId
from potluck.wire.openai.asks import read_completion, read_embedding
from potluck.wire.port import EngineRequest
from tests.backends.scripted import Script

MODEL = Model(ModelId("m"))
HI = (Message(Role.USER, (TextPart("Hi."),)),)


def server(**settings: Any) -> OpenAiCompat:
    return OpenAiCompat(EngineSettings(Address("192.0.2.1", 8000), **settings))


def listing(*models: dict[str, Any]) -> Script:
    return Script({"GET /v1/models": {"data": list(models)}})


async def test_the_list_is_taken_with_what_servers_add_to_it() -> None:
    report = await server().probe(
        listing({"id": "a", "max_model_len": 100}, {"id": "b", "max_context_length": 200}, {"id": "c"})
    )
    assert [(model.id, model.context) for model in report.models] == [("a", 100), ("b", 200), ("c", None)]
    assert report.slots is None


@pytest.mark.parametrize(
    "model",
    [
        {"id": "text-embedding-3-small"},
        {"id": "BAAI/bge-m3"},
        {"id": "intfloat/e5-large"},
        {"id": "x", "type": "embeddings"},
    ],
)
async def test_embedding_models_are_told_by_name_or_type(model: dict[str, Any]) -> None:
    assert (await server().probe(listing(model))).models[0].capabilities == {Capability.EMBEDDING}


@pytest.mark.parametrize("model", [{"id": "llama-3"}, {"id": "here5"}, {"id": "embedder", "type": "llm"}])
async def test_all_others_get_the_benefit_of_the_doubt(model: dict[str, Any]) -> None:
    capabilities = (await server().probe(listing(model))).models[0].capabilities
    assert {Capability.COMPLETION, Capability.TOOLS} <= capabilities
    assert Capability.EMBEDDING not in capabilities


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_configured_models_serve_where_the_server_lists_none(status: int) -> None:
    report = await server(models=(ModelId("a"), ModelId("b")), context=9).probe(Script({"GET /v1/models": status}))
    assert [(model.id, model.context) for model in report.models] == [("a", 9), ("b", 9)]


async def test_configured_models_keep_what_the_list_says_of_them() -> None:
    report = await server(models=(ModelId("b"),)).probe(listing({"id": "a"}, {"id": "b", "max_model_len": 7}))
    assert [(model.id, model.context) for model in report.models] == [("b", 7)]


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_that_is_down_is_down_whatever_is_configured(status: int) -> None:
    with pytest.raises((NodeFailed, NodeBusy)):
        await server(models=(ModelId("a"),)).probe(Script({"GET /v1/models": status}))


async def test_without_a_list_the_owner_is_told_what_to_do() -> None:
    with pytest.raises(NodeFailed, match="'models' in the config"):
        await server().probe(Script({}))
    with pytest.raises(NodeFailed, match="key"):
        await server().probe(Script({"GET /v1/models": 401}))


async def test_a_server_that_only_draws_is_no_engine_for_text() -> None:
    with pytest.raises(NodeFailed) as told:
        await server().probe(listing({"id": "sd-cpp-local", "object": "model", "owned_by": "local"}))
    assert "a1111" in told.value.hint


def test_a_forced_tool_is_the_servers_to_force() -> None:
    call = ChatCall("m", HI, tools=(Tool("look"),), tool_choice=ToolChoice(ToolMode.REQUIRED))
    request = server().encode(call, MODEL, stream=True)
    assert isinstance(request, EngineRequest)
    sent = msgspec.json.decode(request.body)
    assert (sent["tool_choice"], sent["stream"]) == ("required", True)
    assert "return_progress" not in sent


def test_a_templated_text_is_a_chat_and_a_raw_one_is_not() -> None:
    for templated, path in ((True, "/v1/chat/completions"), (False, "/v1/completions")):
        request = server().encode(TextCall("m", ("Hi.",), templated=templated), MODEL, stream=False)
        assert isinstance(request, EngineRequest)
        assert (request.path, request.stream) == (path, False)


def test_filling_in_is_said_in_words_or_refused() -> None:
    request = server().encode(InfillCall("m", "a", "b"), MODEL, stream=False)
    assert isinstance(request, EngineRequest)
    assert request.path == "/v1/chat/completions"
    with pytest.raises(Unsupported):
        server().encode(InfillCall("m", "a", "b", strict=True), MODEL, stream=False)


def test_loading_needs_no_engine() -> None:
    assert isinstance(server().encode(LoadCall("m"), MODEL, stream=False), Ready)


def test_each_shape_has_its_path() -> None:
    completion = read_completion(b'{"model":"x","prompt":"Hi"}')
    embedding = read_embedding(b'{"model":"x","input":"Hi"}')
    assert server().pass_through(completion, MODEL)[0] == "/v1/completions"
    path, passed = server().pass_through(embedding, MODEL)
    assert path == "/v1/embeddings"
    assert msgspec.json.decode(passed)["model"] == "m"


def test_its_errors_are_read_as_the_family_writes_them() -> None:
    assert isinstance(server().error(404, b'{"error":{"message":"no"}}', "m"), ModelNotFound)


LLAMACPP: dict[str, Any] = {"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx": 2048}}


async def llamacpp() -> OpenAiCompat:
    found = server()
    await found.probe(listing(LLAMACPP))
    return found


async def test_a_llamacpp_server_is_known_by_its_list_and_its_habits_are_heeded() -> None:
    found = server()
    assert (found.many, found.hears_only_streams) == (True, False)
    report = await found.probe(listing(LLAMACPP))
    assert [(model.id, model.context) for model in report.models] == [("m", 2048)]
    # It counts the tokens of one of several answers, and writes a whole one to its end for nobody.
    assert (found.many, found.hears_only_streams) == (False, True)
    await found.probe(listing({"id": "m", "owned_by": "vllm"}))
    assert (found.many, found.hears_only_streams) == (True, False)


async def test_a_llamacpp_server_is_made_to_call_a_tool_by_a_schema() -> None:
    call = ChatCall("m", HI, tools=(Tool("look"),), tool_choice=ToolChoice(ToolMode.REQUIRED))
    request = (await llamacpp()).encode(call, MODEL, stream=False)
    assert isinstance(request, EngineRequest)
    sent = msgspec.json.decode(request.body)
    assert "tool_choice" not in sent
    assert sent["response_format"]["type"] == "json_schema"
    assert sent["stream"] is True


async def test_a_llamacpp_server_tells_progress_and_counts_tokens() -> None:
    found = await llamacpp()
    _, passed = found.pass_through(read_completion(b'{"model":"x","prompt":"Hi","stream":true}'), MODEL)
    assert msgspec.json.decode(passed)["return_progress"] is True
    script = Script({"POST /v1/chat/completions/input_tokens": {"input_tokens": 7}})
    assert await found.count_tokens(ChatCall("m", HI), MODEL, script) == 7
    assert await server().count_tokens(ChatCall("m", HI), MODEL, script) is None
