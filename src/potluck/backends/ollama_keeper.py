"""Looking after an Ollama server's models: its own routes, with its errors told apart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import msgspec

from potluck.backends.digests import checked_digest
from potluck.backends.port import EngineHttp, HttpReply
from potluck.backends.reading import decoded_object
from potluck.core.errors import BadRequest, Conflict, ModelNotFound, NodeFailed, NotInRegistry, PotluckError
from potluck.core.model import Json, JsonObject, Model
from potluck.wire.ndjson import LineSplitter
from potluck.wire.ollama.errors import read_engine_error

# Not "no such": a registry whose host cannot be resolved ("no such host") is another matter.
_MISSING = ("file does not exist", "not found")


class OllamaKeeper:
    """`ModelKeeper` for Ollama."""

    async def show(self, model: Model, http: EngineHttp, *, verbose: bool) -> JsonObject:
        reply = await http.request("POST", "/api/show", _json({"model": model.id, "verbose": verbose}), timeout_s=30.0)
        _check(reply, model.id)
        return decoded_object(reply.body)

    async def pull(self, name: str, http: EngineHttp, *, insecure: bool) -> AsyncIterator[JsonObject]:
        """Raises `NotInRegistry` where other routes say that a model is not found: none was looked for here."""
        try:
            async for status in _progress(
                http, "/api/pull", {"model": name, "insecure": insecure, "stream": True}, name
            ):
                yield status
        except ModelNotFound as error:
            raise NotInRegistry(name) from error

    def push(self, name: str, http: EngineHttp, *, insecure: bool) -> AsyncIterator[JsonObject]:
        return _progress(http, "/api/push", {"model": name, "insecure": insecure, "stream": True}, name)

    def create(self, request: Mapping[str, Json], http: EngineHttp) -> AsyncIterator[JsonObject]:
        return _progress(http, "/api/create", {**request, "stream": True}, _named(request))

    async def copy(self, source: str, destination: str, http: EngineHttp) -> None:
        body = _json({"source": source, "destination": destination})
        _check(await http.request("POST", "/api/copy", body, timeout_s=60.0), source)

    async def delete(self, name: str, http: EngineHttp) -> None:
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
    return NodeFailed("The engine could not do it.", detail=text)


def _refusal(status: int, body: bytes, name: str) -> PotluckError:
    """Ollama answers 500 for names that its registry does not have."""
    if any(words.encode() in body for words in _MISSING):
        return ModelNotFound(name)
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
