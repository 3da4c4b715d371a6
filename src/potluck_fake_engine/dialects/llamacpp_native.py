"""llama.cpp's own routes: health, slots, metrics, tokens, `/completion` and `/infill`."""

from __future__ import annotations

import time
from typing import Any, TypeVar

import msgspec

from potluck_fake_engine import tokens
from potluck_fake_engine.answers import Answer, answer
from potluck_fake_engine.asking import JsonObject
from potluck_fake_engine.dialects.base import Refusal, decode
from potluck_fake_engine.dialects.openai_speech import timings
from potluck_fake_engine.dialects.openai_wire import Common, prompt_of, raw_ask
from potluck_fake_engine.engine import Engine, Model, Turn
from potluck_fake_engine.http import SSE, Reply, Request
from potluck_fake_engine.slots import Slot

T = TypeVar("T")

TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
# By this users of a server tell a model that reasons: it lists no such ability.
_THINKING = "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
_N_VOCAB = 49152


class NativeRequest(Common):
    """`/completion` and `/infill`."""

    prompt: str | list[int | str] | None = None
    n_predict: int | None = None
    input_prefix: str | None = None
    input_suffix: str | None = None
    input_extra: list[JsonObject] | None = None


class TokenizeRequest(msgspec.Struct):
    content: str = ""
    with_pieces: bool = False


class DetokenizeRequest(msgspec.Struct):
    tokens: list[int] = []


def count(text: str) -> int:
    return tokens.count(text)


def only_model(engine: Engine) -> Model:
    """The model that was loaded at start: whatever `model` a request names."""
    return next(iter(engine.models.values()))


def ready_model(engine: Engine) -> Model:
    model = only_model(engine)
    if not engine.loaded(model.spec.name):
        raise Refusal(503, "Loading model", "unavailable_error")
    return model


def read(kind: type[T], body: bytes) -> T:
    try:
        return decode(kind, body)
    except msgspec.ValidationError as exc:
        raise Refusal(400, f"[json.exception.type_error.302] {exc}") from exc
    except msgspec.DecodeError as exc:
        message = f"[json.exception.parse_error.101] parse error at line 1, column 1: syntax error - {exc}"
        raise Refusal(400, message) from exc


def fit(model: Model, prompt: str) -> int:
    """The tokens of a prompt that fits into a slot."""
    total, room = tokens.count(prompt), model.spec.context
    if total >= room:
        message = f"request ({total} tokens) exceeds the available context size ({room} tokens), try increasing it"
        extra = {"n_prompt_tokens": total, "n_ctx": room}
        raise Refusal(400, message, "exceed_context_size_error", extra=extra)
    return total


async def _say(reply: Reply, body: object) -> None:
    await reply.respond(200, msgspec.json.encode(body))


async def health(engine: Engine, request: Request, reply: Reply) -> None:
    ready_model(engine)
    await _say(reply, {"status": "ok"})


async def props(engine: Engine, request: Request, reply: Reply) -> None:
    model = ready_model(engine)
    spec = model.spec
    await _say(
        reply,
        {
            "default_generation_settings": {"params": _params(None), "n_ctx": spec.context},
            "total_slots": model.slots.number,
            "model_alias": spec.name,
            "model_ftype": spec.quantization,
            "model_path": f"/models/{spec.name}.gguf",
            "modalities": {"vision": spec.can("vision"), "video": False, "audio": False},
            "endpoint_slots": True,
            "endpoint_props": True,
            "endpoint_metrics": True,
            "ui": True,
            "chat_template": TEMPLATE + (_THINKING if spec.can("thinking") else ""),
            "chat_template_caps": {"supports_tools": spec.can("tools"), "supports_tool_calls": spec.can("tools")},
            "bos_token": "<|im_start|>",
            "eos_token": "<|im_end|>",
            "build_info": "b0-unknown",
            "is_sleeping": False,
        },
    )


async def slots(engine: Engine, request: Request, reply: Reply) -> None:
    model = ready_model(engine)
    if request.argument("fail_on_no_slot") == "1" and model.slots.busy() >= model.slots.number:
        raise Refusal(503, "no slot available", "unavailable_error")
    await _say(reply, [_slot(slot, model.spec.context) for slot in model.slots.slots])


def _slot(slot: Slot, n_ctx: int) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": slot.id, "n_ctx": n_ctx, "speculative": False, "is_processing": slot.busy}
    if slot.busy:
        shown["id_task"] = slot.ticket
        shown["n_prompt_tokens"] = slot.prompt_tokens
        shown["n_prompt_tokens_processed"] = slot.prompt_tokens - slot.cached
        shown["n_prompt_tokens_cache"] = slot.cached
        shown["params"] = _params(None)
        shown["next_token"] = [{"has_next_token": True, "n_remain": -1, "n_decoded": slot.decoded}]
    return shown


async def metrics(engine: Engine, request: Request, reply: Reply) -> None:
    """Prometheus text."""
    model = ready_model(engine)
    c = engine.counters
    rows: list[tuple[str, str, float]] = [
        ("prompt_tokens_total", "counter", c.tokens_in),
        ("prompt_tokens_cached_total", "counter", c.tokens_cached),
        ("prompt_seconds_total", "counter", round(c.prompt_s, 3)),
        ("tokens_predicted_total", "counter", c.tokens_out),
        ("tokens_predicted_seconds_total", "counter", round(c.decode_s, 3)),
        ("prompt_tokens_seconds", "gauge", c.tokens_in / c.prompt_s if c.prompt_s else 0),
        ("predicted_tokens_seconds", "gauge", c.tokens_out / c.decode_s if c.decode_s else 0),
        ("requests_processing", "gauge", model.slots.busy()),
        ("requests_deferred", "gauge", len(model.slots.waiting)),
    ]
    text = "".join(f"# HELP llamacpp:{n} {n}\n# TYPE llamacpp:{n} {t}\nllamacpp:{n} {v:g}\n" for n, t, v in rows)
    await reply.respond(200, text.encode(), "text/plain; version=0.0.4")


async def models(engine: Engine, request: Request, reply: Reply) -> None:
    """Answers while the model still loads, too."""
    spec = only_model(engine).spec
    capabilities = ["completion", *(["multimodal"] if spec.can("vision") else [])]
    details = {"parent_model": "", "format": "gguf", "family": "", "families": [""]}
    old = {
        "name": spec.name,
        "model": spec.name,
        "modified_at": "",
        "size": "",
        "digest": "",
        "type": "model",
        "description": "",
        "tags": [""],
        "capabilities": capabilities,
        "parameters": "",
        "details": {**details, "parameter_size": "", "quantization_level": ""},
    }
    inputs = ["text", "image"] if spec.can("vision") else ["text"]
    new = {
        "id": spec.name,
        "aliases": [spec.name],
        "tags": [],
        "object": "model",
        "architecture": {"input_modalities": inputs, "output_modalities": ["text"]},
        "created": int(time.time()),
        "owned_by": "llamacpp",
        "meta": {
            "vocab_type": 2,
            "n_vocab": _N_VOCAB,
            "n_ctx": spec.context,
            "n_ctx_train": spec.context,
            "n_embd": spec.dims,
            "n_params": spec.size,
            "size": spec.size,
            "ftype": spec.quantization,
        },
    }
    await _say(reply, {"models": [old], "object": "list", "data": [new]})


async def lora_adapters(engine: Engine, request: Request, reply: Reply) -> None:
    ready_model(engine)
    await _say(reply, [])


async def tokenize(engine: Engine, request: Request, reply: Reply) -> None:
    ready_model(engine)
    asked = read(TokenizeRequest, request.body)
    ids = tokens.ids(asked.content)
    if asked.with_pieces:
        pieces = tokens.pieces(asked.content)
        await _say(reply, {"tokens": [{"id": i, "piece": piece} for i, piece in zip(ids, pieces, strict=True)]})
    else:
        await _say(reply, {"tokens": ids})


async def detokenize(engine: Engine, request: Request, reply: Reply) -> None:
    ready_model(engine)
    await _say(reply, {"content": tokens.text_of(read(DetokenizeRequest, request.body).tokens)})


async def completion(engine: Engine, request: Request, reply: Reply) -> None:
    model = ready_model(engine)
    asked = read(NativeRequest, request.body)
    if asked.prompt is None:
        raise Refusal(400, "[json.exception.out_of_range.403] key 'prompt' not found")
    await _generate(engine, model, asked, request, reply, _text_of(asked.prompt), "")


async def infill(engine: Engine, request: Request, reply: Reply) -> None:
    model = ready_model(engine)
    if not model.spec.can("insert"):
        missing = "prefix token is missing. suffix token is missing. middle token is missing. "
        raise Refusal(501, f"Infill is not supported by this model: {missing}", "not_supported_error")
    asked = read(NativeRequest, request.body)
    for name, value in (("input_prefix", asked.input_prefix), ("input_suffix", asked.input_suffix)):
        if value is None:
            raise Refusal(400, f'"{name}" is required')
    prompt = (asked.input_prefix or "") + (_text_of(asked.prompt) if asked.prompt is not None else "")
    await _generate(engine, model, asked, request, reply, prompt, asked.input_suffix or "")


def _text_of(prompt: str | list[int | str]) -> str:
    """A prompt may mix texts and tokens."""
    if isinstance(prompt, str):
        return prompt
    return "".join(tokens.text_of([part]) if isinstance(part, int) else part for part in prompt)


async def _generate(
    engine: Engine, model: Model, asked: NativeRequest, request: Request, reply: Reply, prompt: str, suffix: str
) -> None:
    if asked.n_predict is not None:
        asked.max_tokens = asked.n_predict
    asked.at_least_one()
    ask = raw_ask(asked, model.spec, prompt, suffix, request.body)
    whole_prompt = prompt_of(ask)
    total = fit(model, whole_prompt)
    said = answer(ask, model.spec.context - total)
    async with engine.turn(model, whole_prompt, total) as turn:
        turn.said = said.text()
        await turn.prefill()
        if not asked.stream:
            await turn.beats(len(said.pieces))
            await _say(reply, _final(turn, asked, said, said.text(), prompt))
            return
        await reply.start(SSE, (("X-Accel-Buffering", "no"),))
        for number, piece in enumerate(said.pieces, 1):
            await turn.beat()
            counts = {"stop": False, "id_slot": -1, "tokens_predicted": number, "tokens_evaluated": total}
            chunk = {"index": 0, "content": piece.text, "tokens": tokens.ids(piece.text), **counts}
            await reply.send(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
        await reply.send(b"data: " + msgspec.json.encode(_final(turn, asked, said, "", prompt)) + b"\n\n")
        await reply.finish()


def _final(turn: Turn, asked: NativeRequest, said: Answer, content: str, prompt: str) -> dict[str, Any]:
    number = len(said.pieces)
    stop_type = "limit" if said.finish == "length" else "word" if said.stopping_word else "eos"
    return {
        "index": 0,
        "content": content,
        "tokens": [],
        "id_slot": turn.slot.id,
        "stop": True,
        "model": turn.model.spec.name,
        "tokens_predicted": number,
        "tokens_evaluated": turn.slot.prompt_tokens,
        "generation_settings": _params(asked),
        "prompt": prompt,
        "has_new_line": "\n" in said.text(),
        "truncated": False,
        "stop_type": stop_type,
        "stopping_word": said.stopping_word,
        "tokens_cached": turn.slot.prompt_tokens + number - 1,
        "timings": timings(turn, number),
    }


def _params(asked: NativeRequest | None) -> dict[str, Any]:
    limit = asked.max_tokens if asked is not None and asked.max_tokens is not None else -1
    return {
        "seed": asked.seed if asked is not None and asked.seed is not None else 4294967295,
        "temperature": 0.8,
        "top_k": 40,
        "top_p": 0.95,
        "min_p": 0.05,
        "repeat_last_n": 64,
        "repeat_penalty": 1.0,
        "stop": list(asked.stops()) if asked is not None else [],
        "max_tokens": limit,
        "n_predict": limit,
        "stream": bool(asked is not None and asked.stream),
        "n_probs": 0,
        "chat_format": "Content-only",
        "timings_per_token": False,
        "lora": [],
    }
