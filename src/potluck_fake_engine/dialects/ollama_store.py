"""Ollama's ways to get models in and out: pull, push, create, blobs. The registry is imaginary (`Settings.remote`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256

from potluck_fake_engine.asking import JsonObject
from potluck_fake_engine.dialects.base import Refusal
from potluck_fake_engine.dialects.ollama_wire import NameRequest, encode, full_name, is_valid, lookup, read
from potluck_fake_engine.engine import Engine, digest_of
from potluck_fake_engine.http import JSON, NDJSON, Reply, Request
from potluck_fake_engine.settings import ModelSpec

_PULL_STEPS = 20
# What comes beside the weights, as real models have it.
_SMALL_LAYERS = (("template", 1_429), ("license", 11_343), ("params", 96))


class _Failed(Exception):
    """Told in the stream; a 500 where there is none."""


Progress = AsyncIterator[JsonObject]


async def _tell(reply: Reply, progress: Progress, stream: bool | None) -> None:
    """Every line as it comes, or only the last one."""
    if stream is False:
        try:
            lines = [line async for line in progress]
        except _Failed as exc:
            raise Refusal(500, str(exc), "api_error") from exc
        await reply.respond(200, encode(lines[-1]), JSON)
        return
    await reply.start(NDJSON)
    try:
        async for line in progress:
            await reply.send(encode(line) + b"\n")
    except _Failed as exc:
        await reply.send(encode({"error": str(exc)}) + b"\n")
    await reply.finish()


async def pull(engine: Engine, request: Request, reply: Reply) -> None:
    asked = read(NameRequest, request.body)
    if not is_valid(asked.wanted()):
        raise Refusal(400, "invalid model name")
    await _tell(reply, _pulling(engine, asked.wanted()), asked.stream)


async def _pulling(engine: Engine, name: str) -> Progress:
    """Layer by layer, the weights first. A pull that was broken off goes on where it was."""
    yield {"status": "pulling manifest"}
    known = lookup(engine, name)
    if known is None and full_name(name).lower() not in [full_name(n).lower() for n in engine.settings.remote]:
        raise _Failed("pull model manifest: file does not exist")
    spec = known.spec if known else ModelSpec(name)
    async for line in _weights(engine, known.digest if known else digest_of(name), spec.size, here=known is not None):
        yield line
    for what, size in _SMALL_LAYERS:
        digest = digest_of(f"{what} of {name}")
        yield {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": size, "completed": size}
    for status in ("verifying sha256 digest", "writing manifest"):
        yield {"status": status}
    if known is None:
        engine.add(spec)
    yield {"status": "success"}


async def _weights(engine: Engine, digest: str, size: int, *, here: bool) -> Progress:
    completed = size if here else engine.pulled.get(digest, 0)
    line: JsonObject = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": size}
    while completed < size:
        yield {**line, "completed": completed} if completed else line
        await asyncio.sleep(engine.settings.pull_s / _PULL_STEPS / engine.settings.speed)
        completed = min(size, completed + -(-size // _PULL_STEPS))
        engine.pulled[digest] = completed
    yield {**line, "completed": completed}


async def push(engine: Engine, request: Request, reply: Reply) -> None:
    asked = read(NameRequest, request.body)
    if not asked.wanted():
        raise Refusal(400, "model is required")
    await _tell(reply, _pushing(engine, asked.wanted()), asked.stream)


async def _pushing(engine: Engine, name: str) -> Progress:
    yield {"status": "retrieving manifest"}
    model = lookup(engine, name)
    if model is None:
        raise _Failed("couldn't retrieve manifest: file does not exist")
    line = {"status": f"pushing {model.digest[:12]}", "digest": f"sha256:{model.digest}", "total": model.spec.size}
    yield line
    yield {**line, "completed": model.spec.size}
    yield {"status": "pushing manifest"}
    yield {"status": "success"}


async def create(engine: Engine, request: Request, reply: Reply) -> None:
    asked = read(NameRequest, request.body)
    if not is_valid(asked.wanted()):
        raise Refusal(400, "invalid model name")
    if not asked.from_ and not asked.files:
        raise Refusal(400, "neither 'from' or 'files' was specified")
    for digest in (asked.files or {}).values():
        if digest.removeprefix("sha256:") not in engine.blobs:
            raise Refusal(400, f'blob "{digest}" does not exist')
    await _tell(reply, _creating(engine, asked), asked.stream)


async def _creating(engine: Engine, asked: NameRequest) -> Progress:
    spec = ModelSpec(asked.wanted())
    if asked.from_:
        base = lookup(engine, asked.from_)
        if base is None:
            async for line in _pulling(engine, asked.from_):
                if line["status"] != "success":
                    yield line
            base = lookup(engine, asked.from_)
        if base is not None:
            spec = replace(base.spec, name=asked.wanted(), resident=False)
            yield {"status": f"using existing layer sha256:{base.digest}"}
    for digest in (asked.files or {}).values():
        yield {"status": f"using existing layer {digest}"}
    model = engine.add(spec)
    model.extra.update({"template": asked.template, "system": asked.system, "parent": asked.from_})
    if isinstance(asked.license, str):
        model.extra["license"] = asked.license
    yield {"status": "writing manifest"}
    yield {"status": "success"}


def _digest(request: Request) -> str:
    digest = request.path.removeprefix("/api/blobs/")
    if not digest.startswith(("sha256:", "sha256-")):
        raise Refusal(400, "invalid digest format")
    return digest[7:]


async def has_blob(engine: Engine, request: Request, reply: Reply) -> None:
    digest = _digest(request)
    await reply.respond(200 if digest in engine.blobs else 404, b"", "")


async def put_blob(engine: Engine, request: Request, reply: Reply) -> None:
    digest = _digest(request)
    if digest in engine.blobs:
        await reply.respond(200, b"", "")
        return
    got = sha256(request.body).hexdigest()
    if got != digest:
        raise Refusal(400, f'digest mismatch, expected "sha256:{digest}", got "sha256:{got}"')
    engine.blobs[digest] = len(request.body)
    await reply.respond(201, b"", "")
