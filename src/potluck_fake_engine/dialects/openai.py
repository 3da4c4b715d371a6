"""A server that speaks OpenAI's dialect as the public API does; `--quirks` makes it behave like others of its kind."""

from __future__ import annotations

import base64
import struct
import time
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

import msgspec

from potluck_fake_engine import tokens
from potluck_fake_engine.answers import Answer, answer
from potluck_fake_engine.asking import Ask
from potluck_fake_engine.dialects.base import Dialect, Refusal, Route, decode
from potluck_fake_engine.dialects.openai_speech import Style, Writer, stream, whole
from potluck_fake_engine.dialects.openai_wire import (
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    Prompts,
    chat_ask,
    prompt_of,
    raw_ask,
)
from potluck_fake_engine.engine import Engine, Model
from potluck_fake_engine.http import SSE, Reply, Request
from potluck_fake_engine.vectors import embed

QUIRKS = {
    "no-usage": "no_usage",
    "role-every-delta": "role_every_delta",
    "finish-with-content": "finish_with_content",
    "extra-after-finish": "extra_after_finish",
    "no-space": "no_space",
    "comments": "comments",
    "no-done": "no_done",
    "crlf": "crlf",
}
_MAX_CHOICES = 16

T = TypeVar("T")


@cache
def style_of(quirks: frozenset[str]) -> Style:
    changed: dict[str, Any] = {QUIRKS[quirk]: True for quirk in quirks if quirk in QUIRKS}
    return replace(Style(), **changed)


def find(engine: Engine, name: str) -> Model:
    if not name:
        raise Refusal(400, "you must provide a model parameter")
    model = engine.models.get(name)
    if model is None:
        message = f"The model `{name}` does not exist or you do not have access to it."
        raise Refusal(404, message, code="model_not_found")
    return model


async def chat(engine: Engine, request: Request, reply: Reply) -> None:
    asked = read(ChatRequest, request.body)
    model = find(engine, asked.model)
    if not asked.messages:
        raise Refusal(
            400, "Missing required parameter: 'messages'.", param="messages", code="missing_required_parameter"
        )
    if asked.images() and not model.spec.can("vision"):
        raise Refusal(400, "Invalid content type. image_url is only supported by certain models.")
    ask = chat_ask(asked, model.spec, request.body, enforce=True)
    prompt = prompt_of(ask)
    total = fit(model, prompt)
    answers = answers_to(ask, asked.n, model.spec.context - total)
    async with engine.turn(model, prompt, total) as turn:
        turn.said = answers[0].text()
        await turn.prefill()
        writer = Writer(style_of(engine.settings.quirks), "chat.completion", asked.model, stream=bool(asked.stream))
        if asked.stream:
            await stream(writer, turn, reply, answers, wants_usage=asked.wants_usage())
        else:
            await turn.beats(sum(len(said.pieces) for said in answers))
            await reply.respond(200, whole(writer, turn, answers), "application/json")


async def completions(engine: Engine, request: Request, reply: Reply) -> None:
    asked = read(CompletionRequest, request.body)
    model = find(engine, asked.model)
    if asked.prompt is None:
        raise Refusal(400, "Missing required parameter: 'prompt'.", param="prompt", code="missing_required_parameter")
    # The default of the public API.
    asked.max_tokens = 16 if asked.max_tokens is None else asked.max_tokens
    prompts = prompts_of(asked.prompt)
    total = sum(fit(model, prompt) for prompt in prompts)
    answers: list[Answer] = []
    for prompt in prompts:
        ask = raw_ask(asked, model.spec, prompt, asked.suffix or "", request.body)
        answers += answers_to(ask, asked.n, model.spec.context - total)
    async with engine.turn(model, "".join(prompts), total) as turn:
        await turn.prefill()
        writer = Writer(style_of(engine.settings.quirks), "text_completion", asked.model, stream=bool(asked.stream))
        if asked.stream:
            await stream(writer, turn, reply, answers, wants_usage=asked.wants_usage())
        else:
            await turn.beats(sum(len(said.pieces) for said in answers))
            echoes = [prompt for prompt in prompts for _ in range(asked.n or 1)] if asked.echo else []
            await reply.respond(200, whole(writer, turn, answers, echoes), "application/json")


async def embeddings(engine: Engine, request: Request, reply: Reply) -> None:
    asked = read(EmbeddingRequest, request.body)
    model = find(engine, asked.model)
    if not model.spec.can("embedding"):
        raise Refusal(403, f"You are not allowed to generate embeddings from the model {asked.model}")
    if not asked.input:
        raise Refusal(400, "'$.input' is invalid. Please check the API reference.", param="input")
    if asked.dimensions is not None and asked.dimensions < 1:
        raise Refusal(400, "'dimensions' must be at least 1.", param="dimensions")
    body = await embed_all(engine, model, asked, prompts_of(asked.input))
    await reply.respond(200, msgspec.json.encode({**body, "model": asked.model}), "application/json")


async def embed_all(engine: Engine, model: Model, asked: EmbeddingRequest, texts: list[str]) -> dict[str, Any]:
    """The list of embeddings in OpenAI's form, after as long as reading the texts takes."""
    total = sum(fit(model, text) for text in texts)
    dims = asked.dimensions or model.spec.dims
    async with engine.turn(model, "".join(texts), total) as turn:
        turn.slot.cached = 0
        await turn.prefill()
        vectors = [embed(model.spec.name, text, dims) for text in texts]
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": i, "embedding": encode_vector(vector, asked.encoding_format)}
            for i, vector in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": total, "total_tokens": total},
    }


def encode_vector(vector: list[float], encoding_format: str | None) -> list[float] | str:
    if encoding_format != "base64":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


async def models(engine: Engine, request: Request, reply: Reply) -> None:
    listed = [_model(engine, name) for name in engine.models]
    await reply.respond(200, msgspec.json.encode({"object": "list", "data": listed}), "application/json")


async def one_model(engine: Engine, request: Request, reply: Reply) -> None:
    name = request.path.removeprefix("/v1/models/")
    find(engine, name)
    await reply.respond(200, msgspec.json.encode(_model(engine, name)), "application/json")


def _model(engine: Engine, name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": int(time.time()) - 1000, "owned_by": "fake"}


def prompts_of(prompt: Prompts) -> list[str]:
    """Every way to give one or several prompts, as texts."""
    if isinstance(prompt, str):
        return [prompt]
    if prompt and isinstance(prompt[0], int):
        return [tokens.text_of(token for token in prompt if isinstance(token, int))]
    return [tokens.text_of(part) if isinstance(part, list) else str(part) for part in prompt]


def answers_to(ask: Ask, number: int | None, room: int) -> list[Answer]:
    """One answer per choice, each with its own seed and with no more tokens than the context has room for."""
    others = range(1, min(number or 1, _MAX_CHOICES))
    return [answer(ask, room), *(answer(replace(ask, seed=ask.seed + i), room) for i in others)]


def fit(model: Model, prompt: str) -> int:
    """The tokens of a prompt that fits into the context."""
    total = tokens.count(prompt)
    if total >= model.spec.context:
        message = (
            f"This model's maximum context length is {model.spec.context} tokens. However, your messages resulted in "
            f"{total} tokens. Please reduce the length of the messages."
        )
        raise Refusal(400, message, code="context_length_exceeded", param="messages")
    return total


def read(kind: type[T], body: bytes) -> T:
    try:
        return decode(kind, body)
    except msgspec.ValidationError as exc:
        raise Refusal(400, str(exc)) from exc
    except msgspec.DecodeError as exc:
        message = f"We could not parse the JSON body of your request. ({exc})"
        raise Refusal(400, message) from exc


def error(refusal: Refusal) -> tuple[str, bytes]:
    detail = {"message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code}
    return "application/json", msgspec.json.encode({"error": detail})


def in_band(content_type: str, message: str) -> bytes:
    detail = {"message": message, "type": "server_error", "param": None, "code": None}
    encoded = msgspec.json.encode({"error": detail})
    return b"data: " + encoded + b"\n\n" if content_type.startswith(SSE) else encoded


def _unknown(request: Request, known_path: bool) -> Refusal:
    if known_path:
        return Refusal(405, f"Not allowed to {request.method} on {request.path} (HINT: use another method)")
    return Refusal(404, f"Invalid URL ({request.method} {request.path})")


DIALECT = Dialect(
    name="openai",
    routes=(
        Route("POST", "/v1/chat/completions", chat, inference=True),
        Route("POST", "/v1/completions", completions, inference=True),
        Route("POST", "/v1/embeddings", embeddings, inference=True),
        Route("GET", "/v1/models", models),
        Route("GET", "/v1/models/*", one_model),
    ),
    error=error,
    in_band=in_band,
    unauthorized=lambda: Refusal(401, "Incorrect API key provided.", code="invalid_api_key"),
    unknown=_unknown,
)
