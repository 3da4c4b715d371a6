"""Ollama's listings: what there is, what is loaded, what a model is."""

from __future__ import annotations

import time
from dataclasses import replace

from potluck_fake_engine.asking import JsonObject
from potluck_fake_engine.dialects.base import Refusal
from potluck_fake_engine.dialects.ollama_wire import (
    FOREVER_S,
    NameRequest,
    encode,
    find,
    full_name,
    is_valid,
    lookup,
    read,
    rfc3339,
)
from potluck_fake_engine.engine import Engine, Model
from potluck_fake_engine.http import JSON, Reply, Request
from potluck_fake_engine.memory import Runner

VERSION = "0.13.5"

# Some day in the past on which everything was pulled.
_PULLED = 1_750_000_000.25

_TEMPLATE = "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
_INSERT_TEMPLATE = "{{- if .Suffix }}<|fim_prefix|>{{ .Prompt }}<|fim_suffix|>{{ .Suffix }}<|fim_middle|>{{ else }}"


async def banner(engine: Engine, request: Request, reply: Reply) -> None:
    await reply.respond(200, b"Ollama is running", "text/plain; charset=utf-8")


async def version(engine: Engine, request: Request, reply: Reply) -> None:
    await reply.respond(200, encode({"version": VERSION}), JSON)


async def tags(engine: Engine, request: Request, reply: Reply) -> None:
    listed = [
        {
            **_identity(model),
            "modified_at": rfc3339(_PULLED),
            "details": {**_details(model), "context_length": model.spec.context},
            "capabilities": sorted(model.spec.capabilities),
        }
        for model in engine.models.values()
    ]
    await reply.respond(200, encode({"models": listed}), JSON)


async def ps(engine: Engine, request: Request, reply: Reply) -> None:
    """Longest remaining first; a model that still loads is among them."""
    runners = sorted(engine.memory.runners.values(), key=lambda runner: -_left_s(engine, runner))
    listed = [_running(engine, runner) for runner in runners if runner.model in engine.models]
    await reply.respond(200, encode({"models": listed}), JSON)


def _left_s(engine: Engine, runner: Runner) -> float:
    """Seconds until it will be dropped, if nobody asks for it until then."""
    if runner.users or runner.loading:
        return min(runner.keep_alive_s, FOREVER_S)
    return min(runner.expires_at - engine.now(), FOREVER_S)


def _running(engine: Engine, runner: Runner) -> JsonObject:
    model = engine.models[runner.model]
    limit = engine.memory.limit
    vram = runner.size if limit is None else min(runner.size, limit)
    context = int(runner.options.partition("num_ctx=")[2].partition(" ")[0] or model.spec.context)
    return {
        **_identity(model),
        "size": runner.size,
        "details": _details(model),
        "expires_at": rfc3339(time.time() + _left_s(engine, runner)),
        "size_vram": vram,
        "context_length": context,
    }


def _identity(model: Model) -> JsonObject:
    name = full_name(model.spec.name)
    return {"name": name, "model": name, "size": model.spec.size, "digest": model.digest}


def _details(model: Model) -> JsonObject:
    spec = model.spec
    return {
        "parent_model": model.extra.get("parent", ""),
        "format": "gguf",
        "family": spec.family,
        "families": [spec.family],
        "parameter_size": spec.parameter_size,
        "quantization_level": spec.quantization,
    }


async def show(engine: Engine, request: Request, reply: Reply) -> None:
    asked = read(NameRequest, request.body)
    if not asked.wanted():
        raise Refusal(400, "model is required")
    model = find(engine, asked.wanted())
    spec = model.spec
    template = model.extra.get("template") or (_INSERT_TEMPLATE if spec.can("insert") else "") + _TEMPLATE
    body: JsonObject = {
        "license": model.extra.get("license", "Apache License 2.0"),
        "modelfile": f"FROM {full_name(spec.name)}\nTEMPLATE {template!r}\n",
        "parameters": 'stop                           "<|im_end|>"',
        "template": template,
        "details": _details(model),
        "model_info": {
            "general.architecture": spec.family,
            "general.parameter_count": spec.size,
            f"{spec.family}.context_length": spec.context,
            f"{spec.family}.embedding_length": spec.dims,
        },
        "capabilities": sorted(spec.capabilities),
        "modified_at": rfc3339(_PULLED),
    }
    if system := model.extra.get("system"):
        body["system"] = system
    await reply.respond(200, encode(body), JSON)


async def copy(engine: Engine, request: Request, reply: Reply) -> None:
    asked = read(NameRequest, request.body)
    for name, which in ((asked.source, "source"), (asked.destination, "destination")):
        if not is_valid(name):
            raise Refusal(400, f'{which} "{name}" is invalid')
    model = find(engine, asked.source, 'model "{}" not found')
    made = engine.add(replace(model.spec, name=asked.destination, resident=False), digest=model.digest)
    made.extra.update(model.extra)
    await reply.respond(200, b"", "")


async def delete(engine: Engine, request: Request, reply: Reply) -> None:
    asked = read(NameRequest, request.body)
    model = lookup(engine, asked.wanted())
    if model is None:
        raise Refusal(404, f"model '{asked.wanted()}' not found", "not_found_error")
    engine.remove(model.spec.name)
    await reply.respond(200, b"", "")
