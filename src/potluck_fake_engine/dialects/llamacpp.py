"""llama.cpp's server with one model: its OpenAI routes as it writes them. The native ones are in `llamacpp_native`."""

from __future__ import annotations

from typing import Any

import msgspec

from potluck_fake_engine.answers import Answer
from potluck_fake_engine.dialects import llamacpp_native as native
from potluck_fake_engine.dialects.base import Dialect, Refusal, Route
from potluck_fake_engine.dialects.llamacpp_native import fit, read, ready_model
from potluck_fake_engine.dialects.openai import answers_to, encode_vector, prompts_of
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
from potluck_fake_engine.vectors import embed

STYLE = Style(
    fingerprint="b0-unknown",
    choices_first=True,
    opening=b'{"role":"assistant","content":null}',
    logprobs_key=False,
    call_id="",
    call_id_chars=32,
    timings=True,
    usage_null=False,
    echo_prefix=True,
    completion_id="chatcmpl-",
    headers=(("X-Accel-Buffering", "no"),),
)


async def chat(engine: Engine, request: Request, reply: Reply) -> None:
    model = ready_model(engine)
    asked = read(ChatRequest, request.body)
    _check_messages(model, asked)
    asked.at_least_one()
    ask = chat_ask(asked, model.spec, request.body, enforce=False)
    prompt = prompt_of(ask)
    total = fit(model, prompt)
    answers = answers_to(ask, asked.n, model.spec.context - total)
    async with engine.turn(model, prompt, total) as turn:
        turn.said = answers[0].text()
        await turn.prefill()
        writer = Writer(STYLE, "chat.completion", model.spec.name, stream=bool(asked.stream))
        if asked.stream:
            await stream(writer, turn, reply, answers, wants_usage=asked.wants_usage())
        else:
            await turn.beats(len(answers[0].pieces))
            await reply.respond(200, whole(writer, turn, answers))


def _check_messages(model: Model, asked: ChatRequest) -> None:
    messages = asked.messages
    if messages is None:
        raise Refusal(400, "'messages' is required")
    if any(message.content is None and message.role != "assistant" for message in messages):
        raise Refusal(400, "All non-assistant messages must contain 'content'")
    if asked.images() and not model.spec.can("vision"):
        hint = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
        raise Refusal(500, hint, "server_error")
    trailing = [message.role == "assistant" for message in messages[-2:]]
    if trailing == [True, True]:
        raise Refusal(400, "Cannot have 2 or more assistant messages at the end of the list.")
    if trailing[-1:] == [True] and model.spec.can("thinking") and asked.thinks():
        raise Refusal(400, "Assistant response prefill is incompatible with enable_thinking.")


async def completions(engine: Engine, request: Request, reply: Reply) -> None:
    model = ready_model(engine)
    asked = read(CompletionRequest, request.body)
    if asked.prompt is None:
        raise Refusal(400, "[json.exception.out_of_range.403] key 'prompt' not found")
    asked.at_least_one()
    prompts = prompts_of(asked.prompt)
    total = sum(fit(model, prompt) for prompt in prompts)
    answers: list[Answer] = []
    for prompt in prompts:
        # `suffix` is one of the fields that this server does not know.
        ask = raw_ask(asked, model.spec, prompt, "", request.body)
        answers += answers_to(ask, asked.n, model.spec.context - total)
    async with engine.turn(model, "".join(prompts), total) as turn:
        turn.said = answers[0].text()
        await turn.prefill()
        writer = Writer(STYLE, "text_completion", model.spec.name, stream=bool(asked.stream))
        if asked.stream:
            await stream(writer, turn, reply, answers, wants_usage=asked.wants_usage())
        else:
            await turn.beats(len(answers[0].pieces))
            await reply.respond(200, whole(writer, turn, answers))


async def embeddings(engine: Engine, request: Request, reply: Reply) -> None:
    """`/v1/embeddings` in OpenAI's form, `/embedding` and `/embeddings` in the server's own."""
    model = ready_model(engine)
    asked = read(EmbeddingRequest, request.body)
    if not model.spec.can("embedding"):
        message = "This server does not support embeddings. Start it with `--embeddings`"
        raise Refusal(501, message, "not_supported_error")
    given = asked.input if asked.input is not None else asked.content
    if given is None:
        raise Refusal(400, '"input" or "content" must be provided')
    texts = prompts_of(given)
    total = sum(fit(model, text) for text in texts)
    async with engine.turn(model, "".join(texts), total) as turn:
        turn.slot.cached = 0
        await turn.prefill()
        vectors = [embed(model.spec.name, text, model.spec.dims) for text in texts]
    if request.path != "/v1/embeddings":
        listed: list[dict[str, Any]] = [{"index": i, "embedding": [v]} for i, v in enumerate(vectors)]
        await reply.respond(200, msgspec.json.encode(listed))
        return
    base64 = {"encoding_format": "base64"} if asked.encoding_format == "base64" else {}
    data = [
        {"embedding": encode_vector(vector, asked.encoding_format), "index": i, "object": "embedding", **base64}
        for i, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": total, "total_tokens": total}
    body = {"model": asked.model or model.spec.name, "object": "list", "usage": usage, "data": data}
    await reply.respond(200, msgspec.json.encode(body))


async def input_tokens(engine: Engine, request: Request, reply: Reply) -> None:
    model = ready_model(engine)
    asked = read(ChatRequest, request.body)
    _check_messages(model, asked)
    ask = chat_ask(asked, model.spec, request.body, enforce=False)
    body = {"input_tokens": native.count(prompt_of(ask)), "object": "response.input_tokens"}
    await reply.respond(200, msgspec.json.encode(body))


async def apply_template(engine: Engine, request: Request, reply: Reply) -> None:
    model = ready_model(engine)
    asked = read(ChatRequest, request.body)
    _check_messages(model, asked)
    ask = chat_ask(asked, model.spec, request.body, enforce=False)
    await reply.respond(200, msgspec.json.encode({"prompt": prompt_of(ask)}))


def error(refusal: Refusal) -> tuple[str, bytes]:
    detail = {"code": refusal.status, "message": refusal.message, "type": refusal.kind, **refusal.extra}
    return "application/json; charset=utf-8", msgspec.json.encode({"error": detail})


def in_band(content_type: str, message: str) -> bytes:
    detail = {"code": 500, "message": message, "type": "server_error"}
    encoded = msgspec.json.encode({"error": detail})
    return b"data: " + encoded + b"\n\n" if content_type.startswith(SSE) else encoded


def _unknown(request: Request, known_path: bool) -> Refusal:
    return Refusal(404, "File Not Found", "not_found_error")


DIALECT = Dialect(
    name="llamacpp",
    routes=(
        Route("GET", "/health", native.health),
        Route("GET", "/v1/health", native.health),
        Route("GET", "/props", native.props),
        Route("GET", "/slots", native.slots),
        Route("GET", "/metrics", native.metrics),
        Route("GET", "/models", native.models),
        Route("GET", "/v1/models", native.models),
        Route("GET", "/lora-adapters", native.lora_adapters),
        Route("POST", "/tokenize", native.tokenize),
        Route("POST", "/detokenize", native.detokenize),
        Route("POST", "/apply-template", apply_template),
        Route("POST", "/v1/chat/completions/input_tokens", input_tokens),
        Route("POST", "/v1/chat/completions", chat, inference=True),
        Route("POST", "/chat/completions", chat, inference=True),
        Route("POST", "/v1/completions", completions, inference=True),
        Route("POST", "/v1/embeddings", embeddings, inference=True),
        Route("POST", "/embeddings", embeddings, inference=True),
        Route("POST", "/embedding", embeddings, inference=True),
        Route("POST", "/completion", native.completion, inference=True),
        Route("POST", "/completions", native.completion, inference=True),
        Route("POST", "/infill", native.infill, inference=True),
    ),
    error=error,
    in_band=in_band,
    unauthorized=lambda: Refusal(401, "Invalid API Key", "authentication_error"),
    unknown=_unknown,
    public=frozenset({"/health", "/v1/health", "/models", "/v1/models", "/"}),
    headers=(("Server", "llama.cpp"), ("Access-Control-Allow-Origin", "")),
    keep_alive="timeout=5, max=100",
    error_closes=True,
)
