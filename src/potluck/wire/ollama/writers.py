"""Answers in Ollama's words (API-CONTRACTS.md 2): lines of JSON, the last one with reason, counts and durations.

Ollama never sends half a tool call and puts everything but text into the last line, so those wait until the end.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, assert_never

import msgspec

from potluck.core.answer import (
    Answer,
    Choice,
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
from potluck.core.call import ToolCall
from potluck.core.errors import PotluckError
from potluck.core.model import Json, JsonObject
from potluck.wire.ollama.errors import error_line
from potluck.wire.ollama.times import nanoseconds, rfc3339
from potluck.wire.port import AnswerMeta

STREAM_TYPE = "application/x-ndjson"

# Ollama says stop where others say tool_calls, and knows no content filter.
_REASONS = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "stop",
    FinishReason.CONTENT_FILTER: "stop",
    FinishReason.LOAD: "load",
    FinishReason.UNLOAD: "unload",
}

MALFORMED_ARGUMENTS = "_malformed"
"""The key under which arguments that are no JSON object travel, for Ollama's are always an object."""


def arguments_object(text: str) -> JsonObject:
    """A tool call's arguments as Ollama needs them. What is no object is kept as text under one key, not lost."""
    if not text.strip():
        return {}
    try:
        value: Json = msgspec.json.decode(text.encode("utf-8", "surrogatepass"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {MALFORMED_ARGUMENTS: text}


def _wire_calls(calls: Iterable[ToolCall]) -> list[JsonObject]:
    return [
        {
            "id": call.id,
            "function": {"index": index, "name": call.name, "arguments": arguments_object(call.arguments)},
        }
        for index, call in enumerate(calls)
    ]


class _LineWriter(ABC):
    """What chat and generate share: everything but how one delta is spelled."""

    stream_type = STREAM_TYPE
    keep_alive = b""

    def __init__(self, meta: AnswerMeta) -> None:
        self._meta = meta
        self._tools: dict[int, tuple[ToolStart, list[str]]] = {}
        self._finish: FinishReason | None = None
        self._usage: Usage | None = None
        self._timings: Timings | None = None
        self._first_s: float | None = None

    @abstractmethod
    def _delta(self, text: str = "", reasoning: str = "", calls: Iterable[ToolCall] = ()) -> JsonObject:
        """The fields that carry an answer's piece."""

    def _ending(self) -> JsonObject:
        """Further fields of the last line."""
        return {}

    def open(self) -> bytes:
        return b""

    def write(self, events: Sequence[Event], now_s: float) -> bytes:
        return b"".join([self._event(event, now_s) for event in events])

    def close(self, now_s: float) -> bytes:
        """The last line. Nothing if the answer gave no reason for its end: a client must not take it for whole."""
        if self._finish is None:
            return b""
        first_s = now_s if self._first_s is None else self._first_s
        lines = b""
        if self._tools:
            calls = (ToolCall(start.id, start.name, "".join(pieces)) for start, pieces in self._tools.values())
            lines = self._line(self._delta(calls=calls), now_s)
        return lines + self._last_line(self._delta(), self._finish, now_s, first_s) + b"\n"

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return error_line(error)

    def whole(self, answer: Answer, now_s: float) -> bytes:
        choice = answer.choices[0] if answer.choices else Choice()
        self._usage, self._timings = answer.usage, answer.timings
        fields = self._delta(choice.text, choice.reasoning, choice.tool_calls)
        # Nothing tells when the first word came, so all of the time counts as writing.
        return self._last_line(fields, choice.finish or FinishReason.STOP, now_s, self._meta.created_s, choice.logprobs)

    def _event(self, event: Event, now_s: float) -> bytes:  # noqa: C901 - one arm per kind of event
        if self._first_s is None and isinstance(event, Text | Reasoning | ToolStart):
            self._first_s = now_s
        match event:
            case Text():
                return self._line(self._delta(event.text), now_s)
            case Reasoning():
                return self._line(self._delta(reasoning=event.text), now_s)
            case ToolStart():
                self._tools[event.index] = (event, [])
            case ToolArguments():
                self._tools[event.index][1].append(event.fragment)
            case Logprobs():
                return self._line(self._delta() | _logprobs(event.value), now_s)
            case Finish():
                self._finish = event.reason
            case Usage():
                self._usage = event
            case Timings():
                self._timings = event
            case Vector():
                pass
            case Failed():
                return error_line(event.error)
            case _:
                assert_never(event)
        return b""

    def _line(self, fields: JsonObject, now_s: float) -> bytes:
        line: dict[str, Any] = {"model": self._meta.model, "created_at": rfc3339(now_s), **fields, "done": False}
        return msgspec.json.encode(line) + b"\n"

    def _last_line(
        self, fields: JsonObject, reason: FinishReason, now_s: float, first_s: float, logprobs: Json = None
    ) -> bytes:
        return msgspec.json.encode(
            {
                "model": self._meta.model,
                "created_at": rfc3339(now_s),
                **fields,
                "done": True,
                "done_reason": _REASONS[reason],
                # Of a load or an unload Ollama tells nothing more: no token was read or written.
                **(
                    {}
                    if reason in (FinishReason.LOAD, FinishReason.UNLOAD)
                    else self._ending() | self._statistics(now_s, first_s) | _logprobs(logprobs)
                ),
            }
        )

    def _statistics(self, now_s: float, first_s: float) -> dict[str, int]:
        """Durations in nanoseconds, from the engine or from the clock; what is zero is left out."""
        created_s = self._meta.created_s
        timings = self._timings or Timings(prefill_s=first_s - created_s, decode_s=now_s - first_s)
        usage = self._usage or Usage()
        spent_s = timings.load_s + timings.prefill_s + timings.decode_s
        figures = {
            "total_duration": nanoseconds(max(now_s - created_s, spent_s)),
            "load_duration": nanoseconds(timings.load_s),
            "prompt_eval_count": usage.prompt,
            "prompt_eval_duration": nanoseconds(timings.prefill_s),
            "eval_count": usage.completion,
            "eval_duration": nanoseconds(timings.decode_s),
        }
        return {name: figure for name, figure in figures.items() if figure}


def _logprobs(value: Json) -> JsonObject:
    """OpenAI's object holds Ollama's list under ``content``."""
    content = value.get("content") if isinstance(value, dict) else None
    return {"logprobs": content} if content else {}


class ChatWriter(_LineWriter):
    """Answers of ``/api/chat``."""

    def _delta(self, text: str = "", reasoning: str = "", calls: Iterable[ToolCall] = ()) -> JsonObject:
        message: JsonObject = {"role": "assistant", "content": text}
        if reasoning:
            message["thinking"] = reasoning
        if wire_calls := _wire_calls(calls):
            message["tool_calls"] = [*wire_calls]
        return {"message": message}


class GenerateWriter(_LineWriter):
    """Answers of ``/api/generate``. ``raw`` ones have no ``context``; in others it is empty, for none is kept."""

    def __init__(self, meta: AnswerMeta, *, raw: bool = False) -> None:
        super().__init__(meta)
        self._raw = raw

    def _delta(self, text: str = "", reasoning: str = "", calls: Iterable[ToolCall] = ()) -> JsonObject:
        fields: JsonObject = {"response": text}
        if reasoning:
            fields["thinking"] = reasoning
        if wire_calls := _wire_calls(calls):
            fields["tool_calls"] = [*wire_calls]
        return fields

    def _ending(self) -> JsonObject:
        return {} if self._raw else {"context": []}


class EmbedWriter:
    """Answers of ``/api/embed``: never a stream, vectors always of length 1."""

    stream_type = STREAM_TYPE
    keep_alive = b""

    def __init__(self, meta: AnswerMeta) -> None:
        self._meta = meta

    def open(self) -> bytes:
        return b""

    def write(self, events: Sequence[Event], now_s: float) -> bytes:
        return b""

    def close(self, now_s: float) -> bytes:
        return b""

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return error_line(error)

    def whole(self, answer: Answer, now_s: float) -> bytes:
        timings, usage = answer.timings or Timings(), answer.usage or Usage()
        figures = {
            "total_duration": nanoseconds(now_s - self._meta.created_s),
            "load_duration": nanoseconds(timings.load_s),
            "prompt_eval_count": usage.prompt,
        }
        return msgspec.json.encode(
            {
                "model": self._meta.model,
                "embeddings": [normalised(vector) for vector in answer.vectors],
                # A load, which reads nothing, has no figures.
                **{name: figure for name, figure in figures.items() if figure and answer.vectors},
            }
        )


class EmbeddingsWriter(EmbedWriter):
    """Answers of the old ``/api/embeddings``: the one vector as the engine gave it."""

    def whole(self, answer: Answer, now_s: float) -> bytes:
        return msgspec.json.encode({"embedding": answer.vectors[0] if answer.vectors else ()})


def normalised(vector: Sequence[float]) -> Sequence[float]:
    """``vector`` with length 1; itself if it has that already, or is all zeros."""
    length = math.hypot(*vector)
    if length == 0 or math.isclose(length, 1, abs_tol=1e-5):
        return vector
    return [value / length for value in vector]
