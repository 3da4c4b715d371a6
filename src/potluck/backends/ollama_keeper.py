"""Looking after an Ollama server's models: its own routes, with its errors told apart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import msgspec

from potluck.backends.digests import checked_digest
from potluck.backends.port import EngineHttp, HttpReply, PullOrder, Weight
from potluck.backends.reading import decoded_object
from potluck.core.errors import (
    BadRequest,
    Conflict,
    ModelNotFound,
    NodeFailed,
    NoRoom,
    NotImplementedHere,
    PotluckError,
)
from potluck.core.model import Json, JsonObject, Model
from potluck.core.model_sources import HUB_HOST, FromHub, FromRegistry, Source, parse_source
from potluck.core.names import same_model
from potluck.wire.ndjson import LineSplitter
from potluck.wire.ollama.catalogue import read_ps
from potluck.wire.ollama.errors import read_engine_error

# A cold load of a large model from a slow disk; Ollama itself gives up when nothing moves for five minutes.
_LOAD_S = 900.0

_FULL = "no space left on device"
# Not "no such": a registry whose host cannot be resolved ("no such host") is another matter.
_MISSING = ("file does not exist", "not found")


class OllamaKeeper:
    """`ModelKeeper` for Ollama."""

    async def show(self, model: Model, http: EngineHttp, *, verbose: bool) -> JsonObject:
        reply = await http.request("POST", "/api/show", _json({"model": model.id, "verbose": verbose}), timeout_s=30.0)
        _check(reply, model.id)
        return decoded_object(reply.body)

    def fetches(self, source: Source) -> bool:
        """Names of registries, which a hub is too, by repository and quantisation; no files by URL."""
        return isinstance(source, FromRegistry) or (isinstance(source, FromHub) and not source.file)

    async def room(self) -> int | None:
        """None: Ollama does not tell."""
        return None

    async def weigh(self, order: PullOrder) -> Weight | None:
        """None: only the registry knows, and Ollama asks it while it pulls."""
        return None

    async def pull(self, order: PullOrder, http: EngineHttp) -> AsyncIterator[JsonObject]:
        """By Ollama, under the name it has there; an ``alias`` is made of it afterwards, and it keeps both."""
        if order.sha256:
            raise NotImplementedHere("Ollama checks its files by its registry's digests, not by one that is given.")
        name = _registry_name(order.name)
        async for step in _progress(http, "/api/pull", _pull_body(name, order), name):
            if order.alias and step.get("status") == "success":
                await self.copy(name, order.alias, http)
            yield step

    async def load(self, name: str, http: EngineHttp, *, keep_s: float | None) -> None:
        """A prompt of nothing, or for models that only embed an input of nothing.

        One that is in memory keeps the context that calls have given it: asked for without, it would be loaded anew.
        """
        said: JsonObject = {} if keep_s is None else {"keep_alive": keep_s}
        if (context := await _loaded_context(name, http)) is not None:
            said["options"] = {"num_ctx": context}
        await _prompt_nothing(name, http, said)

    async def unload(self, name: str, http: EngineHttp) -> None:
        await _prompt_nothing(name, http, {"keep_alive": 0})

    def push(self, name: str, http: EngineHttp, *, insecure: bool) -> AsyncIterator[JsonObject]:
        return _progress(http, "/api/push", {"model": name, "insecure": insecure, "stream": True}, name)

    def create(self, request: Mapping[str, Json], http: EngineHttp) -> AsyncIterator[JsonObject]:
        return _progress(http, "/api/create", {**request, "stream": True}, _named(request))

    async def copy(self, source: str, destination: str, http: EngineHttp) -> None:
        body = _json({"source": source, "destination": destination})
        _check(await http.request("POST", "/api/copy", body, timeout_s=60.0), source)

    async def delete(self, name: str, http: EngineHttp) -> None:
        """Ollama would keep in memory what it has deleted, until its time is up."""
        with suppress(PotluckError):  # what cannot be unloaded may still be deleted; if not, that says so
            await self.unload(name, http)
        _check(await http.request("DELETE", "/api/delete", _json({"model": name}), timeout_s=60.0), name)

    async def has_blob(self, digest: str, http: EngineHttp) -> bool:
        reply = await http.request("HEAD", f"/api/blobs/{checked_digest(digest)}")
        if reply.status not in (200, 404):
            _check(reply, digest)
        return reply.status == 200

    async def put_blob(self, digest: str, pieces: AsyncIterator[bytes], http: EngineHttp) -> None:
        """Raises `BadRequest` if what came does not have the digest."""
        async with http.stream("POST", f"/api/blobs/{checked_digest(digest)}", pieces) as stream:
            body = b"".join([piece async for piece in stream.pieces()])
        if stream.status == 400:
            raise BadRequest("The blob does not have the digest it was sent under.", param="digest")
        _check(HttpReply(stream.status, body), digest)


def _registry_name(text: str) -> str:
    source = parse_source(text)
    if isinstance(source, FromHub):
        return f"{HUB_HOST}/{source.owner}/{source.repo}{':' if source.tag else ''}{source.tag}"
    return text


def _pull_body(name: str, order: PullOrder) -> JsonObject:
    return {"model": name, "insecure": order.insecure, "stream": True}


async def _loaded_context(name: str, http: EngineHttp) -> int | None:
    """What it is in memory with, as far as the engine tells."""
    reply = await http.request("GET", "/api/ps")
    loaded = () if reply.status >= 400 else read_ps(reply.body)
    return next((each.context for each in loaded if same_model(each.name, name)), None)


async def _prompt_nothing(name: str, http: EngineHttp, said: JsonObject) -> None:
    reply = await http.request(
        "POST", "/api/generate", _json({"model": name, "stream": False, **said}), timeout_s=_LOAD_S
    )
    if reply.status == 400:
        # It only embeds. Without an input the engine loads or unloads, and computes nothing.
        reply = await http.request("POST", "/api/embed", _json({"model": name, "input": [], **said}), timeout_s=_LOAD_S)
    _check(reply, name)


async def _progress(http: EngineHttp, path: str, body: JsonObject, name: str) -> AsyncIterator[JsonObject]:
    """The engine's status objects. Raises what an ``error`` among them means, and `NodeFailed` if they break off."""
    last: Json = None
    async with http.stream("POST", path, _json(body)) as stream:
        if stream.status >= 400:
            whole = b"".join([piece async for piece in stream.pieces()])
            raise _refusal(stream.status, whole, name)
        async for line in _lines(stream.pieces()):
            status = decoded_object(line)
            if "error" in status:
                raise _said(str(status["error"]), name)
            last = status.get("status")
            yield status
    if last != "success":
        raise NodeFailed("The engine broke off before it was done.")


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    splitter = LineSplitter()
    async for piece in pieces:
        for line in splitter.feed(piece):
            yield line
    if rest := splitter.rest():
        yield rest


def _said(text: str, name: str) -> PotluckError:
    """What an error inside a 200 means: mostly that the registry does not have the model."""
    if any(words in text for words in _MISSING):
        return ModelNotFound(name)
    if _FULL in text:
        return NoRoom("The disk of the engine's machine is full.", hint="Make room there and pull again.", detail=text)
    return NodeFailed("The engine could not do it.", detail=text)


def _refusal(status: int, body: bytes, name: str) -> PotluckError:
    """Ollama answers 500 for names that its registry does not have, and for a full disk."""
    if any(words.encode() in body for words in (*_MISSING, _FULL)):
        return _said(body.decode("utf-8", "replace"), name)
    return read_engine_error(status, body, name)


def _check(reply: HttpReply, name: str) -> None:
    if reply.status == 409:
        raise Conflict(f"'{name}' is in use or taken.")
    if reply.status >= 400:
        raise _refusal(reply.status, reply.body, name)


def _named(request: Mapping[str, Json]) -> str:
    name = request.get("model") or request.get("name")
    return name if isinstance(name, str) else ""


def _json(body: Mapping[str, Json]) -> bytes:
    return msgspec.json.encode(body)
