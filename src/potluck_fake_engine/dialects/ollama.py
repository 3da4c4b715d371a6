"""Ollama: chat, generate and embeddings; the looking after models is in `ollama_models` and `ollama_store`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from secrets import token_hex
from typing import Any

import msgspec

from potluck_fake_engine import tokens
from potluck_fake_engine.answers import Answer, Kind, answer
from potluck_fake_engine.asking import Ask, JsonObject, Message, unrender
from potluck_fake_engine.dialects import ollama_models, ollama_store, ollama_v1
from potluck_fake_engine.dialects.base import Dialect, Refusal, Route
from potluck_fake_engine.dialects.ollama_wire import (
    ChatRequest,
    EmbedRequest,
    GenerateRequest,
    Generating,
    check_host,
    encode,
    find,
    full_name,
    integer,
    keep_alive_s,
    nanoseconds,
    now_text,
    read,
    runner_options,
    stops,
    truncated,
)
from potluck_fake_engine.dialects.openai_wire import prompt_of
from potluck_fake_engine.engine import Engine, Model, Turn
from potluck_fake_engine.http import JSON, NDJSON, Reply, Request
from potluck_fake_engine.vectors import embed


def _chat_fields(text: str, thoughts: str) -> JsonObject:
    message: JsonObject = {"role": "assistant", "content": text}
    if thoughts:
        message["thinking"] = thoughts
    return {"message": message}


def _generate_fields(text: str, thoughts: str) -> JsonObject:
    return {"response": text, "thinking": thoughts} if thoughts else {"response": text}


async def chat(engine: Engine, request: Request, reply: Reply) -> None:
    asked = read(ChatRequest, request.body)
    if not asked.model:
        raise Refusal(400, "model is required")
    model = find(engine, asked.model)
    keep = keep_alive_s(asked.keep_alive, engine.settings.keep_alive_s)
    if not asked.messages and asked.keep_alive is not None and keep == 0:
        engine.unload(model.spec.name)
        await _one(reply, asked.model, {**_chat_fields("", ""), "done": True, "done_reason": "unload"})
        return
    think = _check(model, asked, "chat")
    if asked.tools and not model.spec.can("tools"):
        raise Refusal(400, f"{_qualified(model)} does not support tools")
    options, num_ctx = runner_options(engine, model, asked.options)
    if not asked.messages:
        async with engine.hold(model, keep, options):
            await _one(reply, asked.model, {**_chat_fields("", ""), "done": True, "done_reason": "load"})
        return
    ask = _ask(asked, model, tuple(message.neutral() for message in asked.messages), think, request.body)
    ask = truncated(replace(ask, tools=tuple(t.neutral() for t in asked.tools or ())), num_ctx, asked.truncate)
    await _generate(engine, model, asked, ask, reply, (keep, options), _chat_fields)


async def generate(engine: Engine, request: Request, reply: Reply) -> None:
    asked = read(GenerateRequest, request.body)
    model = find(engine, asked.model)
    keep = keep_alive_s(asked.keep_alive, engine.settings.keep_alive_s)
    if not asked.prompt and asked.keep_alive is not None and keep == 0:
        engine.unload(model.spec.name)
        await _one(reply, asked.model, {"response": "", "done": True, "done_reason": "unload"})
        return
    if asked.raw and (asked.template or asked.system or asked.context):
        raise Refusal(400, "raw mode does not support template, system, or context")
    think = _check(model, asked, "generate")
    if asked.suffix and not model.spec.can("insert"):
        raise Refusal(400, f"{_qualified(model)} does not support insert")
    options, num_ctx = runner_options(engine, model, asked.options)
    if not asked.prompt:
        async with engine.hold(model, keep, options):
            await _one(reply, asked.model, {"response": "", "done": True, "done_reason": "load"})
        return
    ask = truncated(_generate_ask(asked, model, think, request.body), num_ctx, asked.truncate)
    await _generate(engine, model, asked, ask, reply, (keep, options), _generate_fields)


def _check(model: Model, asked: Generating, what: str) -> bool:
    """Whether it will think.

    Raises:
        Refusal: the model cannot do what is asked.
    """
    if not model.spec.can("completion"):
        raise Refusal(400, f'"{asked.model}" does not support {what}')
    if asked.think and not model.spec.can("thinking"):
        raise Refusal(400, f'"{asked.model}" does not support thinking')
    if isinstance(asked.think, str) and asked.think not in ("low", "medium", "high", "max"):
        raise Refusal(400, f'invalid think value: "{asked.think}" (must be "high", "medium", "low", true, or false)')
    return model.spec.can("thinking") and asked.think is not False


def _qualified(model: Model) -> str:
    return f"registry.ollama.ai/library/{full_name(model.spec.name)}"


def _ask(asked: Generating, model: Model, messages: tuple[Message, ...], think: bool, body: bytes) -> Ask:
    options = asked.options or {}
    limit = integer(options, "num_predict", -1)
    return Ask(
        # The bare name, so that `m` and `m:latest` say the same.
        model=model.spec.name.removesuffix(":latest"),
        messages=messages,
        max_tokens=None if limit < 0 else limit,
        stop=stops(options),
        seed=integer(options, "seed", 0),
        schema=asked.schema(),
        think=think,
        received=body,
    )


def _generate_ask(asked: GenerateRequest, model: Model, think: bool, body: bytes) -> Ask:
    """A raw prompt is continued as it stands, unless it holds a rendered chat; so is one with a suffix."""
    if asked.raw or asked.suffix:
        turns = unrender(asked.prompt)
        ask = _ask(asked, model, turns or (Message("user", asked.prompt),), think=False, body=body)
        return replace(ask, raw=turns is None, suffix=asked.suffix)
    earlier = unrender(tokens.text_of(asked.context)) if asked.context else None
    system = (Message("system", asked.system),) if asked.system else ()
    user = Message("user", asked.prompt, len(asked.images or ()))
    return _ask(asked, model, (*system, *(earlier or ()), user), think, body)


async def _one(reply: Reply, model: str, fields: JsonObject) -> None:
    await reply.respond(200, encode({"model": model, "created_at": now_text(), **fields}), JSON)


async def _generate(
    engine: Engine,
    model: Model,
    asked: ChatRequest | GenerateRequest,
    ask: Ask,
    reply: Reply,
    runner: tuple[float, str],
    fields: Callable[[str, str], JsonObject],
) -> None:
    said = answer(ask)
    prompt = prompt_of(ask)
    began = engine.now()
    keep, options = runner
    async with engine.turn(model, prompt, tokens.count(prompt), keep_alive_s=keep, options=options) as turn:
        turn.said = said.text()
        await turn.prefill()
        extra: JsonObject = {}
        if isinstance(asked, GenerateRequest) and not asked.raw:
            extra["context"] = tokens.ids(f"{prompt}{said.text()}<|im_end|>\n")
        if asked.stream is False:
            await turn.beats(len(said.pieces))
            body = fields(said.text(), said.text(Kind.THINK))
            if calls := _calls(said):
                body["message"]["tool_calls"] = calls
            await _one(reply, asked.model, {**body, **_end(turn, said, began), **extra})
            return
        await reply.start(NDJSON)
        await _stream(turn, reply, asked.model, said, fields)
        last = {"model": asked.model, "created_at": now_text(), **fields("", ""), **_end(turn, said, began), **extra}
        await reply.send(encode(last) + b"\n")
        await reply.finish()


async def _stream(turn: Turn, reply: Reply, name: str, said: Answer, fields: Callable[[str, str], JsonObject]) -> None:
    """One line per token; a call's tokens are silent, and all calls come in one line."""
    head = b'{"model":%b,"created_at":"' % encode(name)
    marked = encode(fields("\x00", ""))[1:]
    before, _, after = (b'",' + marked[:-1] + b',"done":false}\n').partition(b'"\\u0000"')
    for kind, text in said.pieces:
        await turn.beat()
        if kind is Kind.TEXT:
            await reply.send(head + now_text().encode() + before + encode(text) + after)
        elif kind is Kind.THINK:
            line = {"model": name, "created_at": now_text(), **fields("", text), "done": False}
            await reply.send(encode(line) + b"\n")
    if calls := _calls(said):
        message = {"role": "assistant", "content": "", "tool_calls": calls}
        line = {"model": name, "created_at": now_text(), "message": message, "done": False}
        await reply.send(encode(line) + b"\n")


def _calls(said: Answer) -> list[JsonObject]:
    """Calls that were not cut off; arguments are objects here."""
    if said.finish != "tool_calls":
        return []
    return [
        {
            "id": f"call_{token_hex(4)}",
            "function": {"index": i, "name": name, "arguments": msgspec.json.decode(arguments)},
        }
        for i, (name, arguments) in enumerate(said.calls())
    ]


def _end(turn: Turn, said: Answer, began: float) -> JsonObject:
    """The last line's fields. Go leaves zeros out."""
    total = turn.engine.now() - began
    metrics: dict[str, int] = {
        "total_duration": nanoseconds(total),
        "load_duration": nanoseconds(turn.load_s),
        "prompt_eval_count": turn.slot.prompt_tokens,
        "prompt_eval_duration": nanoseconds(turn.prompt_s),
        "eval_count": len(said.pieces),
        "eval_duration": nanoseconds(turn.engine.now() - turn.started - turn.prompt_s),
    }
    reason = "length" if said.finish == "length" else "stop"
    return {"done": True, "done_reason": reason, **{key: value for key, value in metrics.items() if value}}


async def embeddings(engine: Engine, request: Request, reply: Reply) -> None:
    """`/api/embed` and the old `/api/embeddings`."""
    asked = read(EmbedRequest, request.body)
    old = request.path == "/api/embeddings"
    texts = [asked.prompt] if old and asked.prompt else _inputs(asked.input)
    model = find(engine, asked.model, "model '{}' not found" if old else 'model "{}" not found, try pulling it first')
    options, num_ctx = runner_options(engine, model, asked.options)
    keep = keep_alive_s(asked.keep_alive, engine.settings.keep_alive_s)
    began = engine.now()
    if not texts:
        async with engine.hold(model, keep, options):
            empty: JsonObject = {"embedding": []} if old else {"model": asked.model, "embeddings": []}
            await reply.respond(200, encode(empty), JSON)
        return
    texts = [_shortened(text, num_ctx, asked.truncate) for text in texts]
    total = sum(tokens.count(text) for text in texts)
    async with engine.turn(model, "".join(texts), total, keep_alive_s=keep, options=options) as turn:
        turn.slot.cached = 0
        await turn.prefill()
        dims = asked.dimensions if asked.dimensions and asked.dimensions > 0 else model.spec.dims
        vectors = [embed(model.spec.name, text, dims) for text in texts]
    if old:
        # The old route does not normalise.
        await reply.respond(200, encode({"embedding": [3 * x for x in vectors[0]]}), JSON)
        return
    durations = {
        "total_duration": nanoseconds(engine.now() - began),
        "load_duration": nanoseconds(turn.load_s),
        "prompt_eval_count": total,
    }
    body = {"model": asked.model, "embeddings": vectors, **{key: n for key, n in durations.items() if n}}
    await reply.respond(200, encode(body), JSON)


def _inputs(given: Any) -> list[str]:
    if isinstance(given, str):
        return [given] if given else []
    if given is None:
        return []
    if isinstance(given, list) and all(isinstance(text, str) for text in given):  # pyright: ignore[reportUnknownVariableType] - JSON
        return list(given)  # pyright: ignore[reportUnknownArgumentType] - checked above
    raise Refusal(400, "invalid input type")


def _shortened(text: str, num_ctx: int, truncate: bool | None) -> str:
    pieces = tokens.pieces(text)
    if len(pieces) <= num_ctx:
        return text
    if truncate is False:
        raise Refusal(400, "input length exceeds maximum context length")
    return "".join(pieces[:num_ctx])


def error(refusal: Refusal) -> tuple[str, bytes]:
    if refusal.kind == "plain":
        return "text/plain", refusal.message.encode()
    return JSON, encode({"error": refusal.message})


def in_band(content_type: str, message: str) -> bytes:
    return encode({"error": message}) + b"\n"


def _unknown(request: Request, known_path: bool) -> Refusal:
    if known_path:
        return Refusal(405, "405 method not allowed", "plain")
    return Refusal(404, "404 page not found", "plain")


DIALECT = Dialect(
    name="ollama",
    routes=(
        Route("GET", "/", ollama_models.banner),
        Route("GET", "/api/version", ollama_models.version),
        Route("GET", "/api/tags", ollama_models.tags),
        Route("GET", "/api/ps", ollama_models.ps),
        Route("POST", "/api/show", ollama_models.show),
        Route("POST", "/api/copy", ollama_models.copy),
        Route("DELETE", "/api/delete", ollama_models.delete),
        Route("POST", "/api/pull", ollama_store.pull),
        Route("POST", "/api/push", ollama_store.push),
        Route("POST", "/api/create", ollama_store.create),
        Route("HEAD", "/api/blobs/*", ollama_store.has_blob),
        Route("POST", "/api/blobs/*", ollama_store.put_blob),
        Route("POST", "/api/chat", chat, inference=True),
        Route("POST", "/api/generate", generate, inference=True),
        Route("POST", "/api/embed", embeddings, inference=True),
        Route("POST", "/api/embeddings", embeddings, inference=True),
    ),
    error=error,
    in_band=in_band,
    unauthorized=lambda: Refusal(401, "unauthorized", "authentication_error"),
    unknown=_unknown,
    public=frozenset({"/"}),
    guard=check_host,
    also=(ollama_v1.DIALECT,),
)
