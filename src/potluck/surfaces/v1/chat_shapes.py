"""What a chat takes and gives: its request, the events of its stream, and answers that outlast it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from potluck.surfaces.v1.shapes import Temperature, TimingsInfo, Tokens, UsageInfo


class TextInput(msgspec.Struct, tag_field="type", tag="text"):
    text: str


class ImageInput(msgspec.Struct, tag_field="type", tag="image"):
    """``data`` is base64 without a ``data:`` prefix; or ``url``, http or https, which Potluck fetches."""

    data: str = ""
    media_type: str = ""
    url: str = ""


class ChatRequest(msgspec.Struct):
    """Say something. Without ``conversation`` a new one begins, named after the message's first words.

    ``parent`` is the message that this one follows: left out, the last one of the branch that is shown; null for a new
    first message. To edit one, send what it is to be with the parent that it has. In place of ``message``,
    ``regenerate`` asks anew for an answer beside one there is, or for one more to a message of the user's, and
    ``continue`` goes on with an answer that was cut, in whose place the whole one comes. ``node`` is the only one that
    may answer.

    ``temporary`` begins a conversation that is in memory alone: in no list, no search and no log, and gone an hour
    after its last message, or when Potluck is started anew. What comes later in it is temporary without saying so.

    ``attachments`` are ids of your files: images for models that see, texts, and PDFs, of which the text is read.
    ``detached`` says whether the answer goes on when the client leaves; left out, a streamed one does. ``client_id`` is
    as the header ``Idempotency-Key``: sent again with the same one, a request is answered by what the first one began.
    """

    message: str | list[TextInput | ImageInput] = ""
    conversation: str = ""
    parent: str | UnsetType | None = UNSET
    regenerate: str = ""
    continues: str = msgspec.field(name="continue", default="")
    node: str = ""
    client_id: Annotated[str, Meta(max_length=200)] = ""
    temporary: bool = False
    attachments: Annotated[list[str], Meta(max_length=16)] = []
    model: str = ""
    system: str = ""
    stream: bool = True
    temperature: Temperature | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    seed: int | None = None
    stop: list[str] = []
    think: bool | None = None
    detached: bool | None = None


class ChatMeta(msgspec.Struct, omit_defaults=True):
    """The ``meta`` event, once in a stream: where the answer comes from, where it is kept, and the ``generation`` by
    which a client that lost the connection finds it again. ``continues`` is the cut message that it takes the place of,
    whose text comes first.
    """

    conversation: str
    user_message: str
    message: str
    request_id: str
    node: str
    model: str
    generation: str = ""
    continues: str = ""


class InLineInfo(msgspec.Struct):
    """The ``queued`` event: the call's place in line, 1 for the next of all, and in how many seconds it starts, by
    estimate. The last one counts.
    """

    position: int
    eta_s: float


class SeatedInfo(msgspec.Struct):
    """The ``seated`` event, before ``meta``, where that takes a while: a node has taken the call, and loads the model
    or reads the prompt. ``attempts`` are the engines tried, with this one.
    """

    node: str
    attempts: int


class RescuedInfo(msgspec.Struct):
    """The ``rescued`` event: the engine broke, and this node goes on from the last word, in a ``way`` of
    docs/guides/when-a-node-dies.md.
    """

    node: str
    attempts: int
    way: str


class StoppedInfo(msgspec.Struct):
    """The ``stopped`` event, last in a stream that was ended early: ``client`` asked for that, nobody read it
    (``alone``), or Potluck was started anew and could not go on with it (``restart``; ``message`` says more).
    """

    why: Literal["client", "alone", "restart"]
    message: str = ""


class Delta(msgspec.Struct):
    """The ``delta`` and ``reasoning`` events: text to be added to what came before."""

    text: str


class ChatDone(msgspec.Struct):
    """The ``done`` event, last in a stream that did not fail. ``finish`` is null if the engine did not say.
    ``first_token_ms`` is from the request to the first text; null, as ``tokens_per_s``, where nobody knows."""

    finish: str | None
    usage: UsageInfo | None
    timings: TimingsInfo | None
    first_token_ms: int | None = None
    tokens_per_s: float | None = None


class ChatReply(msgspec.Struct):
    """The whole answer of a request with ``"stream": false``."""

    conversation: str
    user_message: str
    message: str
    request_id: str
    node: str
    model: str
    text: str
    reasoning: str
    finish: str | None
    usage: UsageInfo | None
    timings: TimingsInfo | None
    generation: str = ""


class GenerationInfo(msgspec.Struct, kw_only=True):
    """An answer that runs, or ended lately. ``id`` is its message's too; ``last_event`` is the number of its last event
    so far; ``readers`` follow it now. ``queued`` is there while it waits in line; ``node`` and ``model`` are of the
    engine that has it, null before there is one.
    """

    id: str
    state: Literal["running", "complete", "failed", "interrupted"]
    conversation: str
    user_message: str
    request_id: str
    created_at: str
    ended_at: str | None
    asked_model: str
    model: str | None
    node: str | None
    queued: InLineInfo | None
    last_event: int
    readers: int
    detached: bool


class GenerationList(msgspec.Struct):
    """Your own: those that run, then those that ended, the last to end first."""

    generations: list[GenerationInfo]


class GenerationError(msgspec.Struct):
    """As in an ``error`` event."""

    type: str
    message: str
    hint: str = ""


class GenerationState(GenerationInfo, kw_only=True):
    """One with its text so far. ``done`` is there at the end of a complete one, ``error`` of a failed one, ``stopped``
    of an interrupted one.
    """

    text: str
    reasoning: str
    done: ChatDone | None = None
    error: GenerationError | None = None
    stopped: StoppedInfo | None = None


class EventQuery(msgspec.Struct):
    """``after`` is the id of the last event that you have; a ``Last-Event-ID`` header, which browsers send by
    themselves, goes before it.
    """

    after: Annotated[int, Meta(ge=0)] = 0
