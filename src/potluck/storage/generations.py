"""What is kept of answers under way, so that a client can come back to them and a killed gateway can go on with them.

A log has a head, with all that is needed to make the call again, and entries: numbered events, which clients see, and
notes, which only the gateway does. `GenerationLogs` is the port; every implementation passes
tests/contract/storage/test_generations.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NewType, Protocol, TypeAlias

import msgspec

from potluck.core.answer import FinishReason, Timings, Usage
from potluck.core.call import ChatCall, Message, Role, Sampling, Thinking
from potluck.core.model import KeyId, ModelId, NodeId, RequestId, UserId
from potluck.core.scheduling.classes import Kind
from potluck.storage.records import ConversationId, MessageId, MessageState
from potluck.storage.sql import content

GenerationId = NewType("GenerationId", str)
"""The id of the message that it writes."""


# --- The head --------------------------------------------------------------------------------------------------------


class KeptTurn(msgspec.Struct, frozen=True):
    """A message of the prompt; ``content`` as in the table of messages."""

    role: Role
    content: str


class KeptCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A native chat call: it has no tools and no form."""

    model: str
    turns: tuple[KeptTurn, ...]
    thinking: Thinking
    sampling: Sampling

    @classmethod
    def of(cls, call: ChatCall) -> KeptCall:
        turns = tuple(KeptTurn(message.role, content.encode(message)) for message in call.messages)
        return cls(call.model, turns, call.thinking, call.sampling)

    def call(self) -> ChatCall:
        messages: tuple[Message, ...] = tuple(content.decode(turn.role, turn.content) for turn in self.turns)
        return ChatCall(self.model, messages, thinking=self.thinking, sampling=self.sampling)


class KeptBeginning(msgspec.Struct, frozen=True):
    """A cut answer that is to be gone on with: the ``message`` that has it, and about how many tokens its text is."""

    message: MessageId
    text: str
    reasoning: str
    pieces: int


class GenerationHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known when it begins. ``after`` is the message that it answers, ``id`` that of its own; ``first``: the
    conversation was made for it. ``whole``: nobody hears of it before its end. ``goes_on``: it outlasts its client.
    ``node`` is the only one that may answer, empty for any. ``beginning`` is what it goes on with, and takes the place
    of. ``asked`` as of `conversation_records.MessageDetails`.
    """

    id: GenerationId
    key: KeyId
    user: UserId
    request: RequestId
    conversation: ConversationId
    after: MessageId
    call: KeptCall
    created_s: float
    first: bool = False
    whole: bool = False
    goes_on: bool = True
    kind: Kind | None = None
    node: NodeId = NodeId("")
    beginning: KeptBeginning | None = None
    asked: str = ""

    @property
    def message(self) -> MessageId:
        return MessageId(self.id)


# --- Events ----------------------------------------------------------------------------------------------------------


class Began(msgspec.Struct, frozen=True, tag="meta", omit_defaults=True):
    """An engine answers. ``renamed`` are headers, as of `gateway.port.Generation`."""

    request: RequestId
    node: NodeId
    model: ModelId
    attempts: int = 1
    queue_s: float = 0.0
    renamed: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])


class Said(msgspec.Struct, frozen=True, tag="delta"):
    """More text; ``pieces`` is about how many tokens."""

    text: str
    pieces: int = 1


class Thought(msgspec.Struct, frozen=True, tag="reasoning"):
    text: str
    pieces: int = 1


class InLine(msgspec.Struct, frozen=True, tag="queued"):
    """``position`` 1 is the next of all."""

    position: int
    eta_s: float


class Seated(msgspec.Struct, frozen=True, tag="seated"):
    """An engine was found, which reads the prompt now, or loads the model first."""

    node: NodeId
    attempts: int


class Rescued(msgspec.Struct, frozen=True, tag="rescued"):
    """An engine goes on with what another one began."""

    node: NodeId
    attempts: int
    way: str


class Done(msgspec.Struct, frozen=True, tag="done", omit_defaults=True):
    """``first_token_s`` is from the request to the first text, None where that was not seen."""

    finish: FinishReason | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    first_token_s: float | None = None
    tokens_per_s: float | None = None


class Failure(msgspec.Struct, frozen=True, tag="error"):
    """As the native API words errors."""

    kind: str
    message: str
    hint: str = ""


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """It was ended before its time: ``client`` wanted so, nobody read it (``alone``), or the gateway was away
    (``restart``). ``message`` says more."""

    why: str
    message: str = ""


GenerationEvent: TypeAlias = Began | Said | Thought | InLine | Seated | Rescued | Done | Failure | Stopped
End: TypeAlias = Done | Failure | Stopped
ENDS = (Done, Failure, Stopped)


# --- Notes -----------------------------------------------------------------------------------------------------------


class Outcome(msgspec.Struct, frozen=True, tag="outcome"):
    """How it ends, written before the message is stored and anybody is told."""

    state: MessageState
    end: End


class Resumed(msgspec.Struct, frozen=True, tag="resumed"):
    """A gateway that was started anew goes on with it."""

    at_s: float


Note: TypeAlias = Outcome | Resumed


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """``number`` counts events from 1; a note has 0."""

    number: int
    what: GenerationEvent | Note


# --- The port --------------------------------------------------------------------------------------------------------


class Kept(msgspec.Struct, frozen=True):
    """A whole log. ``written_s`` is when it was last written to, in Unix seconds."""

    head: GenerationHead
    entries: tuple[Entry, ...]
    written_s: float
    size_bytes: int


class GenerationLogs(Protocol):
    """The logs of one gateway. A method that has returned has written: ``kill -9`` of the process loses nothing.

    What a machine that loses power had not written to its disk yet is lost: an answer half written is not worth an
    ``fsync`` for each of its frames. Raises `OperatorError` where it cannot write.
    """

    async def begin(self, head: GenerationHead) -> None:
        """Raises `Conflict` if the id is taken."""
        ...

    async def append(self, generation: GenerationId, entries: Sequence[Entry]) -> None:
        """Raises `NotFound`."""
        ...

    async def finish(self, generation: GenerationId) -> None:
        """It has come to its end: it is no longer among the `unfinished`. Harmless to call twice."""
        ...

    async def read(self, generation: GenerationId) -> Kept:
        """As far as it was written whole. Raises `NotFound`, also for what is no log any more."""
        ...

    async def unfinished(self) -> tuple[GenerationId, ...]:
        """Those without an end, to be gone on with by who alone writes here. What was half written is cut off."""
        ...

    async def finished(self) -> tuple[GenerationId, ...]: ...

    async def forget(self, generation: GenerationId) -> None:
        """Remove it. One that is not there is none."""
        ...
