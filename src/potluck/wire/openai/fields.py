"""Fields that several requests of the family share, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import msgspec

from potluck.core.call import EngineHints, Sampling
from potluck.core.errors import BadRequest
from potluck.core.model import Json
from potluck.core.scheduling.classes import Kind
from potluck.wire.body import decode_body
from potluck.wire.ollama.options import read_options
from potluck.wire.ollama.times import read_keep_alive

# OpenAI's own limit; a home's engines are far below it, and an engine would try.
_MOST_CHOICES = 128
# As good as no limit, and it fits into an engine's integers.
_MOST_TOKENS = 1 << 30


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class Request(msgspec.Struct):
    """What chat and text requests have in common. Every field may be null, which is as good as absent."""

    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | float | None = None
    max_completion_tokens: int | float | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | float | None = None
    min_p: float | None = None
    n: int | float | None = None
    seed: int | float | None = None
    stop: str | list[str] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repeat_penalty: float | None = None
    # Lists of pairs are llama.cpp's own form.
    logit_bias: dict[str, float] | list[Any] | None = None
    options: dict[str, Any] | None = None
    keep_alive: int | float | str | None = None
    # OpenAI's; a word that is not known there is an engine's to refuse.
    service_tier: Any = None

    @property
    def answer_tokens(self) -> int | None:
        """The limit for one answer. Negative means "until the end" to several engines and clients: None."""
        limit = self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens
        return int(min(limit, _MOST_TOKENS)) if limit is not None and limit >= 0 else None

    @property
    def include_usage(self) -> bool:
        """Whether the client wants the usage of its stream."""
        return bool(self.stream and self.stream_options and self.stream_options.include_usage)


def read_kind(request: Request) -> Kind | None:
    """OpenAI's ``flex`` is slower and cheaper processing for what is not urgent: what a batch is here."""
    return Kind.BATCH if request.service_tier == "flex" else None


def read_model(model: str | None) -> str:
    if not model:
        raise BadRequest("you must provide a model", param="model", hint="GET /v1/models lists them.")
    return model


def read_choices(n: float | None) -> int:
    choices = whole(n, "n")
    if choices is not None and not 1 <= choices <= _MOST_CHOICES:
        raise BadRequest(f"Invalid value for 'n': it must be from 1 to {_MOST_CHOICES}.", param="n")
    return choices or 1


def whole(value: float | None, param: str) -> int | None:
    """A whole number that may be written as ``16.0``. Raises `BadRequest` for ``16.5``."""
    if value is None:
        return None
    if value != int(value):
        raise BadRequest(f"Invalid value for '{param}': expected an integer, got {value}.", param=param)
    return int(value)


def read_sampling(request: Request, *, logprobs: bool, top_logprobs: int) -> Sampling:
    """How tokens are drawn; what is not said stands as Ollama's ``options`` say it, which some clients send here."""
    limit = whole(request.max_completion_tokens, "max_completion_tokens")
    if limit is None:
        limit = whole(request.max_tokens, "max_tokens")
    stop = [request.stop] if isinstance(request.stop, str) else request.stop or []
    said = Sampling(
        # Negative means "until the end" to several engines and clients.
        max_tokens=limit if limit is not None and limit >= 0 else None,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=whole(request.top_k, "top_k"),
        min_p=request.min_p,
        seed=whole(request.seed, "seed"),
        stop=tuple(text for text in stop if text),
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        repeat_penalty=request.repeat_penalty,
        logit_bias=request.logit_bias if isinstance(request.logit_bias, dict) else {},
        logprobs=logprobs,
        top_logprobs=top_logprobs,
    )
    if not request.options:
        return said
    other, _, _ = read_options(request.options)
    unsaid = (name.name for name in fields(Sampling) if getattr(said, name.name) in (None, ()))
    return replace(said, **{name: getattr(other, name) for name in unsaid})


def read_hints(request: Request, body: bytes) -> EngineHints:
    """What concerns the engine, with all fields of the body that ``request`` has no name for."""
    _, num_ctx, rest = read_options(request.options or {})
    extra = unknown_fields(body, type(request))
    if isinstance(request.logit_bias, list):
        extra["logit_bias"] = request.logit_bias
    return EngineHints(num_ctx=num_ctx, keep_alive_s=read_keep_alive(request.keep_alive), extra=extra, options=rest)


def unknown_fields(body: bytes, known: type[msgspec.Struct]) -> dict[str, Json]:
    """The top-level fields of ``body`` that ``known`` has no name for."""
    raw = decode_body(body, dict[str, msgspec.Raw])
    names = set(known.__struct_encode_fields__)
    return {name: _json(value, name) for name, value in raw.items() if name not in names}


def _json(raw: msgspec.Raw, name: str) -> Json:
    try:
        value: Json = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BadRequest(f"The value of '{name}' is not valid JSON.", param=name) from exc
    return value


def changed_body(body: bytes, *, model: str | None, ask_usage: bool) -> bytes:
    """``body`` with another ``model`` (None keeps it) and with its stream's usage asked for.

    Every other field stays as the client wrote it and where it was. The very ``body`` if nothing changes.
    """
    if model is None and not ask_usage:
        return body
    if model is None and b'"stream_options"' not in body:
        behind = body.index(b"{") + 1
        return body[:behind] + b'"stream_options":{"include_usage":true},' + body[behind:]
    raw: dict[str, msgspec.Raw] = decode_body(body, dict[str, msgspec.Raw])
    if model is not None:
        raw["model"] = msgspec.Raw(msgspec.json.encode(model))
    if ask_usage:
        options: Mapping[str, msgspec.Raw] | None = None
        if "stream_options" in raw:
            options = msgspec.json.decode(raw["stream_options"], type=dict[str, msgspec.Raw] | None)
        wish = {**(options or {}), "include_usage": msgspec.Raw(b"true")}
        raw["stream_options"] = msgspec.Raw(msgspec.json.encode(wish))
    return msgspec.json.encode(raw)
