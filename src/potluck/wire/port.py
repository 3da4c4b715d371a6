"""What a codec is. A *surface* codec reads clients' requests and writes answers; an *engine* codec does the reverse.

Codecs are pure: bytes and core types in, bytes and core types out, no I/O, no clock, no randomness (ids and times are
handed in through `AnswerMeta`). They hold state only for the one stream they belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

import msgspec

from potluck.core.answer import Answer, Event, FinishReason, Timings, Usage
from potluck.core.call import Call
from potluck.core.errors import PotluckError
from potluck.core.model import Capability, Json
from potluck.core.openings import Opening
from potluck.core.rescue import Told
from potluck.core.scheduling.classes import Kind


class Shape(StrEnum):
    """A request and answer format that clients and engines may share; equal shapes can pass through untouched."""

    OPENAI_CHAT = "openai.chat"
    OPENAI_COMPLETION = "openai.completion"
    OPENAI_EMBEDDING = "openai.embedding"
    OPENAI_RESPONSES = "openai.responses"
    ANTHROPIC_MESSAGES = "anthropic.messages"
    OLLAMA_CHAT = "ollama.chat"
    OLLAMA_GENERATE = "ollama.generate"
    OLLAMA_EMBED = "ollama.embed"
    OLLAMA_EMBEDDINGS = "ollama.embeddings"
    LLAMACPP_INFILL = "llamacpp.infill"
    TABBY = "tabby"
    MISTRAL_FIM = "mistral.fim"
    NATIVE = "native"


NO_OPTIONS: Mapping[str, Json] = MappingProxyType({})
"""Of an `Ask` whose client says nothing of the runner."""


class AnswerMeta(msgspec.Struct, frozen=True):
    """What a writer must invent but may not take from the air.

    ``id`` is a fresh token (24 characters, ``[A-Za-z0-9]``) to build the dialect's ids from; ``model`` the name the
    client asked for; ``created_s`` Unix time in seconds, with fractions; ``prompt_tokens`` an estimate for dialects
    that state it before the engine does.
    """

    id: str
    model: str
    created_s: float
    prompt_tokens: int = 0


class AnswerWriter(Protocol):
    """Writes one answer in a client's dialect. Streaming: ``open``, ``write``…, then ``close`` or ``fail``.

    Not streaming: ``whole`` alone. ``now_s`` is Unix time; dialects that report durations subtract
    ``AnswerMeta.created_s`` from it where the engine gave no `Timings`.
    """

    stream_type: str
    """Content type of the stream: ``text/event-stream`` or ``application/x-ndjson``."""

    keep_alive: bytes
    """A legal nothing to send in a silence (``: ping\\n\\n``), or empty where the dialect has none."""

    def open(self) -> bytes:
        """What goes before the first event; often nothing."""
        ...

    def write(self, events: Sequence[Event], now_s: float) -> bytes: ...

    def close(self, now_s: float) -> bytes:
        """What goes after the last event: ``data: [DONE]``, ``message_stop``, a last line held back, or nothing."""
        ...

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        """The dialect's in-band error. Never a finish reason, never ``[DONE]``."""
        ...

    def whole(self, answer: Answer, now_s: float) -> bytes: ...


class AnswerReader(Protocol):
    """Reads one engine's answer. Streamed: ``feed``…, then ``end`` at the end of the body. Else ``whole`` alone."""

    def feed(self, data: bytes) -> list[Event]:
        """Whole events in ``data`` so far; incomplete ones are kept. Cutting the stream anywhere changes nothing.

        Raises `MalformedAnswer` for what is not the dialect.
        """
        ...

    def end(self) -> list[Event]:
        """The body is over. Raises `MalformedAnswer` if the answer is not (no finish reason, half an event)."""
        ...

    def whole(self, body: bytes) -> list[Event]: ...


class EngineRequest(msgspec.Struct, frozen=True):
    """A request to an engine, but for address, key and framing headers. ``stream`` says how the reader is to be fed."""

    path: str
    body: bytes
    reader: AnswerReader
    stream: bool
    method: str = "POST"
    content_type: str = "application/json"


class ErrorWriter(Protocol):
    """A dialect's error bodies. One table per dialect from the tree in `core.errors` to statuses."""

    def __call__(self, error: PotluckError, request_id: str) -> ErrorReply: ...


class ErrorReply(msgspec.Struct, frozen=True):
    """``headers`` are lower-case names with values: ``retry-after``, ``x-should-retry``, ``www-authenticate``, …"""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Passage(Protocol):
    """An engine's answer on its way to a client: what arrives, and what is sent for it.

    Two kinds: a `Translation` (reader and writer joined), and the pass-through of a shape that both ends speak, which
    returns the very bytes it was given and parses only what accounting needs, at the end.
    """

    stream_type: str
    keep_alive: bytes

    def open(self) -> bytes: ...

    def forward(self, data: bytes, now_s: float) -> bytes:
        """``data`` is any piece of the body; returns whole events of the client's dialect, or nothing yet."""
        ...

    def end(self, now_s: float) -> bytes:
        """The engine's body is over. Raises `MalformedAnswer` if it broke off; else what is left to send."""
        ...

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        """The client dialect's in-band error."""
        ...

    def whole(self, body: bytes, now_s: float) -> bytes:
        """Not streamed: the client's body for the engine's."""
        ...

    def account(self) -> Account:
        """What the answer cost, as far as it came."""
        ...

    def broken(self, fresh: Callable[[], AnswerWriter]) -> Broken | None:
        """Where the stream stands that broke off, so that another engine may go on; None where nobody can tell any more
        what was sent. To be asked before `end`. ``fresh`` makes a writer of the client's dialect."""
        ...


class Broken(msgspec.Struct, frozen=True):
    """What the client has of an answer, and the writer that goes on with the very same stream."""

    told: Told
    writer: AnswerWriter


class Account(msgspec.Struct, frozen=True):
    """What one attempt spent, read off its answer. ``text_bytes`` is the text sent, for estimates: 0 where the
    engine told its usage."""

    usage: Usage | None = None
    timings: Timings | None = None
    finish: FinishReason | None = None
    text_bytes: int = 0


class Ask(Protocol):
    """A client's request, read and checked, before anybody made a `Call` of it.

    Reading the fields that decide is cheap; ``call()`` builds the neutral record and is only asked for when the
    engine does not speak the client's shape, or the request must be changed on the way.
    """

    @property
    def shape(self) -> Shape: ...

    @property
    def model(self) -> str:
        """As the client wrote it; empty in dialects that may leave it out."""
        ...

    @property
    def stream(self) -> bool: ...

    @property
    def body(self) -> bytes:
        """The request as the client sent it, decompressed."""
        ...

    @property
    def needs(self) -> frozenset[Capability]:
        """What the model must be able to do."""
        ...

    @property
    def kind(self) -> Kind | None:
        """What the client says, or shows, the call to be; None: what it is by its door."""
        ...

    @property
    def generations(self) -> int:
        """How many answers one request asks for: ``n`` times the number of prompts. Embeddings count as one."""
        ...

    @property
    def untouchable(self) -> bool:
        """Whether the bytes may go to an engine of the same shape: no remote image, no tool call to force."""
        ...

    @property
    def answer_tokens(self) -> int | None:
        """The client's limit for one answer; None if it set none."""
        ...

    @property
    def options(self) -> Mapping[str, Json]:
        """What it asked of the runner, in Ollama's ``options``; empty as a rule."""
        ...

    @property
    def opening(self) -> Opening:
        """What its prompt begins with (`core.openings`)."""
        ...

    @property
    def may_cut(self) -> bool:
        """Whether the client wants a prompt that is too long to be cut, rather than refused."""
        ...

    def call(self) -> Call:
        """The neutral record. Raises `BadRequest` for what only shows when everything is read."""
        ...

    def writer(self, meta: AnswerMeta) -> AnswerWriter: ...

    def passed(self, model: str) -> bytes:
        """The body for an engine of the same shape that knows the model as ``model``: every field kept, known or
        not; usage asked for, so that every stream can be metered. The very ``body`` if nothing has to change."""
        ...

    def passage(self, meta: AnswerMeta) -> Passage:
        """Watches the answer of an engine of the same shape. Takes out the usage that only we asked for."""
        ...
