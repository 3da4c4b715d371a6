"""Ollama's OpenAI routes: its own chat, dressed up. Whole tool calls, a role in every delta, `max_tokens` alone."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from potluck_fake_engine import tokens
from potluck_fake_engine.answers import answer
from potluck_fake_engine.asking import Ask
from potluck_fake_engine.dialects.base import Dialect, Refusal, Route, decode
from potluck_fake_engine.dialects.ollama_wire import (
    check_host,
    encode,
    find,
    full_name,
    lookup,
    runner_options,
    truncated,
)
from potluck_fake_engine.dialects.openai import embed_all, prompts_of
from potluck_fake_engine.dialects.openai_speech import Style, Writer, stream, whole
from potluck_fake_engine.dialects.openai_wire import (
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    chat_ask,
    prompt_of,
    raw_ask,
)
from potluck_fake_engine.engine import Engine, Model
from potluck_fake_engine.http import SSE, Reply, Request

STYLE = Style(
    fingerprint="fp_ollama",
    opening=None,
    logprobs_key=False,
    reasoning="reasoning",
    call_id_chars=8,
    whole_calls=True,
    usage_null=False,
    cached_details=False,
    role_every_delta=True,
    headers=(),
)
T = TypeVar("T")

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra")


async def chat(engine: Engine, request: Request, reply: Reply) -> None:
    asked = _read(ChatRequest, request.body)
    # It knows `max_tokens` alone.
    asked.max_completion_tokens = None
    if not asked.messages:
        raise Refusal(400, "[] is too short - 'messages'")
    model = find(engine, asked.model, "model '{}' not found")
    _check(model, asked)
    # tool_choice is one of the fields that it ignores.
    asked.tool_choice = None
    ask = chat_ask(asked, model.spec, request.body, enforce=False)
    options, num_ctx = runner_options(engine, model, None)
    await _answer(engine, request, reply, asked, model, truncated(ask, num_ctx, truncate=None), options)


def _check(model: Model, asked: ChatRequest) -> None:
    if asked.tools and not model.spec.can("tools"):
        raise Refusal(400, f"registry.ollama.ai/library/{full_name(model.spec.name)} does not support tools")
    effort = asked.reasoning.effort if asked.reasoning else asked.reasoning_effort
    if effort is not None and effort not in _EFFORTS:
        raise Refusal(400, f"invalid reasoning value: '{effort}' (must be one of {', '.join(_EFFORTS)})")
    if effort not in (None, "none") and not model.spec.can("thinking"):
        raise Refusal(400, f'"{asked.model}" does not support thinking')
    if any(not url.startswith("data:") for url in asked.images()):
        raise Refusal(400, "invalid image input")
    if any(message.content is None and not message.tool_calls for message in asked.messages or ()):
        raise Refusal(400, "invalid message content type: <nil>")


async def completions(engine: Engine, request: Request, reply: Reply) -> None:
    asked = _read(CompletionRequest, request.body)
    if not isinstance(asked.prompt, str):
        raise Refusal(400, "json: cannot unmarshal array into Go struct field CompletionRequest.prompt of type string")
    model = find(engine, asked.model, "model '{}' not found")
    if asked.suffix and not model.spec.can("insert"):
        raise Refusal(400, f"registry.ollama.ai/library/{full_name(model.spec.name)} does not support insert")
    ask = raw_ask(asked, model.spec, asked.prompt, asked.suffix or "", request.body)
    if not asked.suffix:
        # Goes through the model's template, as `/api/generate` without `raw`.
        ask = replace(ask, raw=False)
    options, _ = runner_options(engine, model, None)
    await _answer(engine, request, reply, asked, model, ask, options)


async def _answer(
    engine: Engine,
    request: Request,
    reply: Reply,
    asked: ChatRequest | CompletionRequest,
    model: Model,
    ask: Ask,
    options: str,
) -> None:
    ask = replace(ask, model=model.spec.name.removesuffix(":latest"))
    said = answer(ask)
    prompt = prompt_of(ask)
    keep = engine.settings.keep_alive_s
    what = "chat.completion" if isinstance(asked, ChatRequest) else "text_completion"
    async with engine.turn(model, prompt, tokens.count(prompt), keep_alive_s=keep, options=options) as turn:
        turn.said = said.text()
        await turn.prefill()
        writer = Writer(STYLE, what, asked.model, stream=bool(asked.stream))
        if asked.stream:
            await stream(writer, turn, reply, [said], wants_usage=asked.wants_usage())
        else:
            await turn.beats(len(said.pieces))
            await reply.respond(200, whole(writer, turn, [said]), "application/json")


async def embeddings(engine: Engine, request: Request, reply: Reply) -> None:
    asked = _read(EmbeddingRequest, request.body)
    if not asked.input:
        raise Refusal(400, "invalid input")
    model = find(engine, asked.model, 'model "{}" not found, try pulling it first')
    body = await embed_all(engine, model, asked, prompts_of(asked.input))
    await reply.respond(200, encode({**body, "model": asked.model}), "application/json")


async def models(engine: Engine, request: Request, reply: Reply) -> None:
    body = {"object": "list", "data": [_model(full_name(name)) for name in engine.models]}
    await reply.respond(200, encode(body), "application/json")


async def one_model(engine: Engine, request: Request, reply: Reply) -> None:
    name = request.path.removeprefix("/v1/models/")
    if lookup(engine, name) is None:
        raise Refusal(404, f"model '{name}' not found", "not_found_error")
    await reply.respond(200, encode(_model(name)), "application/json")


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": int(time.time()) - 1000, "owned_by": "library"}


def _read(kind: type[T], body: bytes) -> T:
    try:
        return decode(kind, body)
    except msgspec.DecodeError as exc:
        raise Refusal(400, str(exc)) from exc


_KINDS = {400: "invalid_request_error", 404: "not_found_error", 401: "authentication_error"}


def error(refusal: Refusal) -> tuple[str, bytes]:
    if refusal.kind == "plain":
        return "text/plain", refusal.message.encode()
    kind = _KINDS.get(refusal.status, "api_error")
    detail = {"message": refusal.message, "type": kind, "param": None, "code": None}
    return "application/json", encode({"error": detail})


def in_band(content_type: str, message: str) -> bytes:
    detail = {"message": message, "type": "api_error", "param": None, "code": None}
    encoded = encode({"error": detail})
    return b"data: " + encoded + b"\n\n" if content_type.startswith(SSE) else encoded


def _unknown(request: Request, known_path: bool) -> Refusal:
    return Refusal(404, "404 page not found", "not_found_error")


DIALECT = Dialect(
    name="ollama-v1",
    routes=(
        Route("POST", "/v1/chat/completions", chat, inference=True),
        Route("POST", "/v1/completions", completions, inference=True),
        Route("POST", "/v1/embeddings", embeddings, inference=True),
        Route("GET", "/v1/models", models),
        Route("GET", "/v1/models/*", one_model),
    ),
    error=error,
    in_band=in_band,
    unauthorized=lambda: Refusal(401, "unauthorized", "authentication_error"),
    unknown=_unknown,
    guard=check_host,
)
