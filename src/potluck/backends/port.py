"""What an engine must offer Potluck: one small class per kind of server, all passing one contract suite.

A backend knows its engine's dialect and habits, not which call goes where. It opens no connection for calls: the relay
does that, with the bytes that a backend encodes. Only probing and looking after models goes through `EngineHttp`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from potluck.core.answer import Event
from potluck.core.call import Call
from potluck.core.errors import PotluckError
from potluck.core.model import Capability, EngineKind, Json, JsonObject, Model
from potluck.core.model_sources import Source
from potluck.core.rescue import Way
from potluck.wire.port import Ask, EngineRequest, Shape


class Address(msgspec.Struct, frozen=True):
    """Where an engine listens. ``headers`` go with every request to it (its own API key, never a client's).

    ``base_path`` stands before every path (``/proxy/llm``), without a slash at its end.
    """

    host: str
    port: int
    tls: bool = False
    base_path: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Report(msgspec.Struct, frozen=True):
    """One look at an engine. ``slots`` is None where it does not tell. ``busy`` counts others' calls too, if known."""

    models: tuple[Model, ...]
    slots: int | None = None
    busy: int | None = None
    version: str = ""


class Ready(msgspec.Struct, frozen=True):
    """A call that needs no engine, with its answer: loading a model on a server that holds it always."""

    events: tuple[Event, ...]


class HttpReply(msgspec.Struct, frozen=True):
    status: int
    body: bytes


class EngineHttp(Protocol):
    """Ordinary requests to one engine, for everything but calls.

    Both raise `NodeUnreachable` or `NodeTimeout`; a status is the caller's to judge.
    """

    async def request(
        self, method: str, path: str, body: bytes | None = None, *, timeout_s: float = 10.0
    ) -> HttpReply: ...

    def stream(
        self, method: str, path: str, body: bytes | AsyncIterator[bytes] | None = None
    ) -> AbstractAsyncContextManager[HttpStream]:
        """An answer read piece by piece, without a limit on its whole time: a pull takes as long as it takes."""
        ...


class HttpStream(Protocol):
    status: int

    def pieces(self) -> AsyncIterator[bytes]: ...


class Backend(Protocol):
    """One engine. Methods without ``async`` are pure and quick: they run on the hot path."""

    kind: EngineKind

    shapes: frozenset[Shape]
    """What may pass through to this engine untouched."""

    many: bool
    """Whether one request may ask it for several answers (``n``, several prompts); else they are asked one by one."""

    ways: frozenset[Way]
    """How it can be asked to go on with an answer that another engine began, beside asking anew."""

    hears_only_streams: bool
    """Whether the engine notices that a client left only while it streams. Then `encode` asks for a stream also where
    a whole answer is wanted (the reader takes it whole all the same), and only streams should pass through."""

    context_by_call: bool
    """Whether every call says with what context the engine is to run the model, and loads it anew if that changes:
    ``loaded_context`` of the model that a call is encoded for is what it says."""

    def address(self, model: Model, needs: frozenset[Capability] = frozenset()) -> Address | None:
        """Where calls for ``model`` that need ``needs`` go now; None if `prepare` must make it ready first.

        ``needs`` are the call's own: an engine may serve embeddings of a model by another process than its chat.
        """
        ...

    async def prepare(self, model: Model, needs: frozenset[Capability] = frozenset()) -> None:
        """Make ``model`` ready to be called: start its process, wait for its load. Raises `NodeError`.

        Several callers may wait for one start; one that leaves does not stop it.
        """
        ...

    def encode(self, call: Call, model: Model, *, stream: bool) -> EngineRequest | Ready:
        """The engine's request for a call. Raises `Unsupported` for what neither it nor a translation can do."""
        ...

    def pass_through(self, ask: Ask, model: Model) -> tuple[str, bytes]:
        """Path and body for an ask whose shape is in ``shapes``.

        Raises `Unsupported` where ``model`` cannot be asked so; a translation may still do.
        """
        ...

    def error(self, status: int, body: bytes, model: str) -> PotluckError:
        """What a status of 400 or more means. The engine's own words only where they are safe for clients."""
        ...

    async def probe(self, http: EngineHttp) -> Report:
        """Look at the engine: alive, models, slots. Raises `NodeError` if it is not well."""
        ...

    async def count_tokens(self, call: Call, model: Model, http: EngineHttp) -> int | None:
        """Tokens of the call's prompt as the engine would count them; None if it cannot."""
        ...


class PullOrder(msgspec.Struct, frozen=True):
    """What is to be fetched: a name or URL as `core.model_sources` reads it.

    ``sha256`` (hex) is what the file must have, ``alias`` what it is to be called, each empty if nobody said.
    ``inside``: the URL's own address may be inside the network. ``insecure`` is for Ollama's registries.
    """

    name: str
    insecure: bool = False
    sha256: str = ""
    alias: str = ""
    inside: bool = False


class Weight(msgspec.Struct, frozen=True):
    """How large what is to be fetched is, and how much of it is here already."""

    size_bytes: int
    have_bytes: int = 0


class ModelKeeper(Protocol):
    """What an engine that manages models offers beside `Backend` (Ollama, and ``local`` in part).

    Everything raises `ModelNotFound` for a name that is not there, `NotImplementedHere` for what this kind cannot do,
    `Conflict` for what is in use, `NoRoom` for a disk that is full. Streams yield Ollama's status objects
    (API-CONTRACTS.md 2, ``/api/pull``), the last being ``success``; one may hold a ``license`` beside.
    """

    async def show(self, model: Model, http: EngineHttp, *, verbose: bool) -> JsonObject: ...

    def fetches(self, source: Source) -> bool:
        """Whether it can pull from there, if what is asked for exists."""
        ...

    async def room(self) -> int | None:
        """Free bytes on its disk; None where nobody tells."""
        ...

    async def weigh(self, order: PullOrder) -> Weight | None:
        """None where that is not known before. Raises as `pull` does."""
        ...

    def pull(self, order: PullOrder, http: EngineHttp) -> AsyncIterator[JsonObject]:
        """Fetch a model. Whoever stops iterating ends it; what is there by then is not fetched twice."""
        ...

    async def load(self, name: str, http: EngineHttp, *, keep_s: float | None) -> None:
        """Bring a model into memory and wait for it. It stays for ``keep_s`` without a call: negative is for ever,
        None as the engine is set up."""
        ...

    async def unload(self, name: str, http: EngineHttp) -> None: ...

    def push(self, name: str, http: EngineHttp, *, insecure: bool) -> AsyncIterator[JsonObject]: ...

    def create(self, request: Mapping[str, Json], http: EngineHttp) -> AsyncIterator[JsonObject]: ...

    async def copy(self, source: str, destination: str, http: EngineHttp) -> None: ...

    async def delete(self, name: str, http: EngineHttp) -> None:
        """Remove it from disk, and from memory too."""
        ...

    async def has_blob(self, digest: str, http: EngineHttp) -> bool: ...

    async def put_blob(self, digest: str, pieces: AsyncIterator[bytes], http: EngineHttp) -> None: ...


class Supervised(Protocol):
    """What an engine that runs as our own child processes offers beside `Backend`."""

    def children(self) -> Sequence[Child]: ...

    async def aclose(self) -> None:
        """End every child: ask first, then kill. Nothing is left behind."""
        ...


class Child(msgspec.Struct, frozen=True):
    """One child process for the status page. ``restarts`` counts crashes since start; ``why`` the last one's reason."""

    model: str
    role: str
    pid: int | None
    state: str
    restarts: int
    why: str
