"""What engines of the OpenAI family answer, read liberally and told in the strict order of `core.answer`.

Seen in the field (API-CONTRACTS.md 5): the role in every delta, the finish reason together with text, chunks after
the finish, no ``[DONE]``, no usage, usage in any chunk, whole tool calls or pieces, tool calls without an id or with
arguments that are an object, reasoning under either name.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from potluck.core.answer import (
    Event,
    Failed,
    Finish,
    FinishReason,
    Logprobs,
    Reasoning,
    Text,
    Timings,
    ToolArguments,
    ToolStart,
    Usage,
    Vector,
)
from potluck.core.errors import MalformedAnswer
from potluck.core.tool_ids import made_up_id
from potluck.wire.openai.chunks import (
    CHUNK,
    FINISH,
    ChoicePiece,
    Delta,
    Function,
    ToolPiece,
    arguments_text,
    decode_answer,
    excerpt,
    text_of,
)
from potluck.wire.openai.errors import read_in_band_error
from potluck.wire.openai.usage import UsageRead
from potluck.wire.sse import ServerEvent, SseReader


class _Tool(msgspec.Struct):
    """A tool call as it grows. It is told when its name is known; arguments that came before are ``held``."""

    index: int
    turn: int
    id: str = ""
    name: str = ""
    started: bool = False
    told: bool = False
    held: list[str] = msgspec.field(default_factory=list[str])

    def grow(self, call: ToolPiece, choice: int) -> Iterator[Event]:
        self.id = self.id or call.id or ""
        function = call.function or Function()
        self.name = self.name or function.name or ""
        if arguments := arguments_text(function.arguments):
            self.held.append(arguments)
        if self.name:
            yield from self.tell(choice)

    def tell(self, choice: int) -> Iterator[Event]:
        if not self.started:
            self.started = True
            yield ToolStart(self.index, self.id or made_up_id(self.turn, self.index, self.name), self.name, choice)
        for fragment in self.held:
            self.told = True
            yield ToolArguments(self.index, fragment, choice)
        self.held.clear()

    def close(self, choice: int) -> Iterator[Event]:
        """A function without parameters is called with none: clients parse the arguments, so they must be JSON."""
        if not self.told and not self.held:
            self.held.append("{}")
        yield from self.tell(choice)


class _Growing(msgspec.Struct):
    """What is known of one choice beside its text, which is not kept."""

    turn: int
    tools: list[_Tool] = msgspec.field(default_factory=list[_Tool])
    by_index: dict[int, _Tool] = msgspec.field(default_factory=dict[int, _Tool])
    finish: FinishReason | None = None
    stop_sequence: str = ""

    def tool(self, call: ToolPiece) -> _Tool:
        """The call that a piece belongs to, a new one if it begins one.

        ``index`` joins the pieces. Some engines number every call 0, but then the id is another one; some give no
        index, but then only a beginning has a name.
        """
        begins = bool(call.function and call.function.name)
        known = self.by_index.get(call.index) if call.index is not None else None
        if call.index is None and self.tools and not begins:
            known = self.tools[-1]
        if known is None or (call.id and known.id and call.id != known.id):
            known = _Tool(len(self.tools), self.turn)
            self.tools.append(known)
            if call.index is not None:
                self.by_index[call.index] = known
        return known

    def finished(self, choice: int) -> Finish:
        reason = self.finish or FinishReason.STOP
        if self.tools and reason is FinishReason.STOP:
            reason = FinishReason.TOOL_CALLS
        return Finish(reason, choice, self.stop_sequence)


class _ChoicesReader:
    """Reads answers made of choices. Finishes are held until the stream is over, because some engines talk on.

    ``turn`` is the number of messages before the answer; ids are made of it for tool calls that come without one.
    """

    def __init__(self, turn: int = 0) -> None:
        self._turn = turn
        self._sse = SseReader()
        self._choices: dict[int, _Growing] = {}
        self._usage: Usage | None = None
        self._timings: Timings | None = None
        self._over = False
        self._trouble: MalformedAnswer | None = None

    def feed(self, data: bytes) -> list[Event]:
        """What is whole. An error behind good events is raised by the next call, so that these are not lost."""
        if self._trouble is not None:
            raise self._trouble
        return self._take(self._sse.feed(data))

    def end(self) -> list[Event]:
        if self._trouble is not None:
            raise self._trouble
        events = self._take(self._sse.end())
        if self._trouble is not None:
            raise self._trouble
        if self._over:
            return events
        if not self._choices or any(choice.finish is None for choice in self._choices.values()):
            raise MalformedAnswer("The engine's answer broke off.", detail="no finish reason and no [DONE]")
        return [*events, *self._closing()]

    def whole(self, body: bytes) -> list[Event]:
        events = list(self._read(ServerEvent("", body)))
        return events if self._over else [*events, *self._closing()]

    def _take(self, server_events: list[ServerEvent]) -> list[Event]:
        events: list[Event] = []
        for server_event in server_events:
            if self._over:
                break
            try:
                events.extend(self._read(server_event))
            except MalformedAnswer as exc:
                self._trouble = exc
                if not events:
                    raise
                break
        return events

    def _read(self, event: ServerEvent) -> Iterator[Event]:
        data = event.data.strip()
        if data == b"[DONE]":
            yield from self._closing()
            return
        if not data:
            return
        chunk = decode_answer(data, CHUNK)
        if chunk.error is not None or event.name == "error":
            self._over = True
            yield Failed(read_in_band_error(data))
            return
        for choice in chunk.choices or ():
            yield from self._choice(choice)
        if chunk.usage is not None:
            self._usage = chunk.usage.usage()
        if chunk.timings is not None:
            self._timings = chunk.timings.timings()
            self._usage = self._usage or chunk.timings.usage()

    def _choice(self, choice: ChoicePiece) -> Iterator[Event]:
        index = choice.index or 0
        growing = self._choices.setdefault(index, _Growing(self._turn))
        if choice.text:
            yield Text(choice.text, index)
        if delta := choice.delta or choice.message:
            yield from _prose(delta, index)
            calls = delta.tool_calls or []
            if delta.function_call is not None:
                calls = [ToolPiece(index=0, function=delta.function_call)]
            for call in calls:
                yield from growing.tool(call).grow(call, index)
        if choice.logprobs:
            yield Logprobs(choice.logprobs, index)
        if choice.finish_reason:
            growing.finish = FINISH.get(choice.finish_reason, FinishReason.STOP)
            growing.stop_sequence = choice.stop_reason if isinstance(choice.stop_reason, str) else ""

    def _closing(self) -> Iterator[Event]:
        self._over = True
        if not self._choices:
            raise MalformedAnswer("The engine's answer is empty.", detail="no choices")
        choices = sorted(self._choices.items())
        for index, growing in choices:
            for tool in growing.tools:
                yield from tool.close(index)
        for index, growing in choices:
            yield growing.finished(index)
        if self._usage is not None:
            yield self._usage
        if self._timings is not None:
            yield self._timings


class ChatReader(_ChoicesReader):
    """Reads ``/v1/chat/completions``."""


class CompletionReader(_ChoicesReader):
    """Reads ``/v1/completions``; a choice's index is ``prompt_index * choices + choice`` as in `TextCall`."""


class _Embedding(msgspec.Struct):
    embedding: list[float] | str
    index: int | None = None


class _Embeddings(msgspec.Struct):
    data: list[_Embedding] | None = None
    usage: UsageRead | None = None
    error: Any = None


_EMBEDDINGS = msgspec.json.Decoder(_Embeddings)


class EmbeddingReader:
    """Reads ``/v1/embeddings``, which never streams; fed in pieces it waits for the end."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> list[Event]:
        self._pieces.append(data)
        return []

    def end(self) -> list[Event]:
        return self.whole(b"".join(self._pieces))

    def whole(self, body: bytes) -> list[Event]:
        read = decode_answer(body, _EMBEDDINGS)
        if read.error is not None:
            return [Failed(read_in_band_error(body))]
        if read.data is None:
            raise MalformedAnswer("The engine's answer is not a list of embeddings.", detail=excerpt(body))
        events: list[Event] = [
            Vector(place if item.index is None else item.index, _floats(item.embedding))
            for place, item in enumerate(read.data)
        ]
        if read.usage is not None:
            events.append(read.usage.usage())
        return events


def _prose(delta: Delta, choice: int) -> Iterator[Event]:
    reasoning: object = delta.reasoning_content or delta.reasoning
    if reasoning and isinstance(reasoning, str):
        yield Reasoning(reasoning, choice)
    if content := text_of(delta.content) or delta.refusal:
        yield Text(content, choice)


def _floats(embedding: list[float] | str) -> tuple[float, ...]:
    """A vector from its numbers or from the base64 of little-endian float32."""
    if not isinstance(embedding, str):
        return tuple(embedding)
    try:
        data = binascii.a2b_base64(embedding, strict_mode=True)
        return struct.unpack(f"<{len(data) // 4}f", data)
    except (binascii.Error, ValueError, struct.error) as exc:
        raise MalformedAnswer("The engine's embedding cannot be read.", detail=str(exc)) from exc
