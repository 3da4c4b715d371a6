"""Answers of Ollama engines as events (API-CONTRACTS.md 2)."""

from __future__ import annotations

from collections.abc import Sequence

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
from potluck.wire.ndjson import LineSplitter
from potluck.wire.ollama.errors import in_band
from potluck.wire.ollama.statistics import finish_of, timings_of, usage_of
from potluck.wire.ollama.structs import AnswerLine, EmbedReply, WireToolCall

_LINE = msgspec.json.Decoder(AnswerLine)
_EMBED = msgspec.json.Decoder(EmbedReply)


class LineReader:
    """Reads ``/api/chat`` and ``/api/generate``, streamed or whole.

    ``turn`` is the place of the answer in its conversation, for the ids of tool calls that come without one.
    """

    def __init__(self, *, turn: int = 0) -> None:
        self._splitter = LineSplitter()
        self._turn = turn
        self._calls = 0
        self._done = False

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for line in self._splitter.feed(data):
            events += self._line(line)
        return events

    def end(self) -> list[Event]:
        events = self._line(rest) if (rest := self._splitter.rest()) else []
        if not self._done:
            raise MalformedAnswer("The engine's answer broke off.")
        return events

    def whole(self, body: bytes) -> list[Event]:
        events = self._line(body)
        if not self._done:
            raise MalformedAnswer("The engine's answer is not whole.")
        return events

    def _line(self, data: bytes) -> list[Event]:
        if self._done:
            return []  # nothing follows the last line; what does is not the answer's
        try:
            line = _LINE.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise MalformedAnswer("The engine sent a line that is not Ollama's.") from exc
        if line.error is not None:
            self._done = True
            return [Failed(in_band(line.error))]
        events = self._deltas(line)
        if line.done:
            self._done = True
            figures: tuple[Usage | Timings | None, ...] = (usage_of(line), timings_of(line))
            events.append(Finish(finish_of(line, called=self._calls > 0)))
            events.extend(figure for figure in figures if figure is not None)
        return events

    def _deltas(self, line: AnswerLine) -> list[Event]:
        message = line.message
        thinking = (message.thinking if message else None) or line.thinking
        content = (message.content if message else None) or line.response
        calls = (message.tool_calls if message else None) or line.tool_calls
        events: list[Event] = []
        if thinking:
            events.append(Reasoning(thinking))
        if content:
            events.append(Text(content))
        if line.logprobs:
            events.append(Logprobs({"content": line.logprobs}))
        return events + self._tool_calls(calls or ())

    def _tool_calls(self, calls: Sequence[WireToolCall]) -> list[Event]:
        """Whole calls. They are counted here: engines of some versions number each line's from 0 again."""
        events: list[Event] = []
        for call in calls:
            name, arguments = call.function.name, bytes(call.function.arguments).decode()
            call_id = call.id or made_up_id(self._turn, self._calls, name, arguments)
            events.append(ToolStart(self._calls, call_id, name))
            events.append(ToolArguments(self._calls, arguments))
            self._calls += 1
        return events


class EmbedReader:
    """Reads ``/api/embed`` and the old ``/api/embeddings``, which are never streamed."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> list[Event]:
        """Keeps the pieces of a body that somebody streams all the same."""
        self._pieces.append(data)
        return []

    def end(self) -> list[Event]:
        return self.whole(b"".join(self._pieces))

    def whole(self, body: bytes) -> list[Event]:
        """Raises `MalformedAnswer` if the body holds no vectors."""
        try:
            reply = _EMBED.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise MalformedAnswer("The engine's vectors cannot be read.") from exc
        if reply.error is not None:
            return [Failed(in_band(reply.error))]
        vectors = reply.embeddings if reply.embeddings is not None else [reply.embedding or []]
        if reply.embeddings is None and not reply.embedding:
            raise MalformedAnswer("The engine's answer holds no vectors.")
        events: list[Event] = [Vector(index, tuple(vector)) for index, vector in enumerate(vectors)]
        if reply.prompt_eval_count is not None:
            events.append(Usage(prompt=reply.prompt_eval_count))
        if reply.load_duration:
            events.append(Timings(load_s=reply.load_duration / 1e9))
        return events


class LoadReader(EmbedReader):
    """Reads the answer to a `LoadCall`, whichever route it took: no error means that it was done."""

    def __init__(self, *, unload: bool = False) -> None:
        super().__init__()
        self._reason = FinishReason.UNLOAD if unload else FinishReason.LOAD

    def whole(self, body: bytes) -> list[Event]:
        try:
            line = _LINE.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise MalformedAnswer("The engine's answer is not Ollama's.") from exc
        if line.error is not None:
            return [Failed(in_band(line.error))]
        events: list[Event] = [Finish(self._reason)]
        return [*events, timings] if (timings := timings_of(line)) else events
