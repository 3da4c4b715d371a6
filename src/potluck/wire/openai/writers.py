"""Answers as OpenAI's clients read them, streamed and whole (API-CONTRACTS.md 1.1 to 1.3)."""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterable, Sequence
from typing import assert_never

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
from potluck.core.errors import PotluckError
from potluck.core.model import Json
from potluck.wire.openai.errors import error_event
from potluck.wire.openai.usage import UsageWritten, written
from potluck.wire.port import AnswerMeta
from potluck.wire.sse import DONE, PING, STREAM_TYPE, data_event

_json = msgspec.json.encode

CHAT_ID = "chatcmpl-"
COMPLETION_ID = "cmpl-"

# What made the answer, in OpenAI's terms; the SDKs only hand it on.
_FINGERPRINT = "fp_potluck"

_FINISH = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.LOAD: "stop",
    FinishReason.UNLOAD: "stop",
}


class _Function(msgspec.Struct, omit_defaults=True):
    name: str
    arguments: str


class _ToolCall(msgspec.Struct):
    id: str
    type: str
    function: _Function


class _Message(msgspec.Struct):
    role: str
    content: str | None
    refusal: None = None
    reasoning_content: str | msgspec.UnsetType = msgspec.UNSET
    tool_calls: list[_ToolCall] | msgspec.UnsetType = msgspec.UNSET


class _ChatChoice(msgspec.Struct):
    index: int
    message: _Message
    logprobs: Json
    finish_reason: str | None


class _TextChoice(msgspec.Struct):
    index: int
    text: str
    logprobs: Json
    finish_reason: str | None


class _Whole(msgspec.Struct):
    id: str
    object: str
    created: int
    model: str
    system_fingerprint: str
    choices: list[_ChatChoice] | list[_TextChoice]
    usage: UsageWritten


class StreamWriter:
    """What chat and text streams share: the frame of a chunk, the usage, the end.

    A chunk is put together from ready pieces of JSON; only what the model wrote is encoded for each event.
    """

    stream_type = STREAM_TYPE
    keep_alive = PING

    def __init__(self, meta: AnswerMeta, id_prefix: str, kind: str, *, include_usage: bool) -> None:
        self._meta = meta
        self._include_usage = include_usage
        self._usage: Usage | None = None
        self._begun: set[int] = set()
        self._kind = kind
        self._before = chunk_frame(kind, id_prefix + meta.id, int(meta.created_s), meta.model)
        # With include_usage OpenAI says null on every chunk but the last.
        self._after = b'],"usage":null}' if include_usage else b"]}"

    def go_on(self, answer_id: str, created: int, model: str, begun: Iterable[int]) -> None:
        """Write on in a stream that an engine's own chunks began, under their names; ``begun`` are its choices."""
        self._before = chunk_frame(self._kind, answer_id, created, model)
        self._begun.update(begun)

    def open(self) -> bytes:
        return b""

    def close(self, now_s: float) -> bytes:
        """The usage, if the client asked for it, and the end."""
        if not self._include_usage:
            return DONE
        return usage_event(self._before, self._usage or Usage()) + DONE

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return error_event(error)

    def _chunk(self, choice: bytes) -> bytes:
        return b"data: " + self._before + choice + self._after + b"\n\n"


def chunk_frame(kind: str, answer_id: str, created: int, model: str) -> bytes:
    """A chunk's JSON up to its choices, which are left open."""
    return _json({"id": answer_id, "object": kind, "created": created, "model": model})[:-1] + b',"choices":['


def usage_event(frame: bytes, usage: Usage) -> bytes:
    """The chunk that holds nothing but the usage."""
    return data_event(frame + b'],"usage":' + _json(written(usage)) + b"}")


class ChatWriter(StreamWriter):
    """Writes ``chat.completion.chunk`` and ``chat.completion``."""

    def __init__(self, meta: AnswerMeta, *, include_usage: bool = False) -> None:
        super().__init__(meta, CHAT_ID, "chat.completion.chunk", include_usage=include_usage)
        self._with_tools: set[int] = set()

    def write(self, events: Sequence[Event], now_s: float) -> bytes:  # noqa: C901 - one arm per kind of event
        out: list[bytes] = []
        for place, event in enumerate(events):
            match event:
                case Text():
                    after = events[place + 1] if place + 1 < len(events) else None
                    logprobs = after.value if isinstance(after, Logprobs) and after.choice == event.choice else None
                    self._delta(out, event.choice, b'"content":' + _json(event.text), logprobs)
                case Reasoning():
                    self._delta(out, event.choice, b'"reasoning_content":' + _json(event.text))
                case ToolStart():
                    self._with_tools.add(event.choice)
                    self._delta(out, event.choice, _tool_start(event))
                case ToolArguments():
                    fragment = _json(event.fragment)
                    piece = b'"tool_calls":[{"index":%d,"function":{"arguments":%b}}]' % (event.index, fragment)
                    self._delta(out, event.choice, piece)
                case Logprobs():
                    before = events[place - 1] if place else None
                    # Those of a text stand in its own chunk.
                    if not (isinstance(before, Text) and before.choice == event.choice):
                        self._delta(out, event.choice, b"", event.value)
                case Finish():
                    reason = _FINISH[_with_tools(event.reason, event.choice in self._with_tools)]
                    self._delta(out, event.choice, b"", finish=reason)
                case Usage():
                    self._usage = event
                case Timings() | Vector() | Failed():
                    pass
                case _:
                    assert_never(event)
        return b"".join(out)

    def whole(self, answer: Answer, now_s: float) -> bytes:
        choices = [_chat_choice(index, choice) for index, choice in enumerate(answer.choices)]
        return _whole(self._meta, CHAT_ID, "chat.completion", choices, answer.usage)

    def _delta(
        self, out: list[bytes], choice: int, delta: bytes, logprobs: Json = None, finish: str | None = None
    ) -> None:
        if choice not in self._begun:
            self._begun.add(choice)
            out.append(self._chunk(_chat_delta(choice, b'"role":"assistant","content":""')))
        out.append(self._chunk(_chat_delta(choice, delta, logprobs, finish)))


def _chat_delta(choice: int, delta: bytes, logprobs: Json = None, finish: str | None = None) -> bytes:
    said = (choice, delta, _json(finish), _json(logprobs))
    return b'{"index":%d,"delta":{%b},"finish_reason":%b,"logprobs":%b}' % said


def _tool_start(event: ToolStart) -> bytes:
    said = (event.index, _json(event.id), _json(event.name))
    return b'"tool_calls":[{"index":%d,"id":%b,"type":"function","function":{"name":%b,"arguments":""}}]' % said


def _with_tools(reason: FinishReason, called: bool) -> FinishReason:
    """Ollama says ``stop`` after tool calls; clients of this dialect run tools only if they are told to."""
    return FinishReason.TOOL_CALLS if called and reason is FinishReason.STOP else reason


def _chat_choice(index: int, choice: Choice) -> _ChatChoice:
    calls = [_ToolCall(call.id, "function", _Function(call.name, call.arguments)) for call in choice.tool_calls]
    message = _Message(
        role="assistant",
        content=None if calls and not choice.text else choice.text,
        reasoning_content=choice.reasoning or msgspec.UNSET,
        tool_calls=calls or msgspec.UNSET,
    )
    finish = _FINISH[_with_tools(choice.finish, bool(calls))] if choice.finish else None
    return _ChatChoice(index=index, message=message, logprobs=choice.logprobs, finish_reason=finish)


class CompletionWriter(StreamWriter):
    """Writes ``text_completion``, streamed and whole.

    ``prompts`` are those to echo before each answer, empty if none was asked for; ``choices`` how many answers each
    prompt gets. Reasoning has no place in this dialect and is left out.
    """

    def __init__(
        self, meta: AnswerMeta, *, include_usage: bool = False, prompts: Sequence[str] = (), choices: int = 1
    ) -> None:
        super().__init__(meta, COMPLETION_ID, "text_completion", include_usage=include_usage)
        self._prompts = prompts
        self._choices = choices

    def write(self, events: Sequence[Event], now_s: float) -> bytes:
        out: list[bytes] = []
        for event in events:
            match event:
                case Text():
                    self._piece(out, event.choice, event.text)
                case Logprobs():
                    self._piece(out, event.choice, "", logprobs=event.value)
                case Finish():
                    self._piece(out, event.choice, "", finish=_FINISH[event.reason])
                case Usage():
                    self._usage = event
                case Reasoning() | ToolStart() | ToolArguments() | Timings() | Vector() | Failed():
                    pass
                case _:
                    assert_never(event)
        return b"".join(out)

    def whole(self, answer: Answer, now_s: float) -> bytes:
        choices = [
            _TextChoice(
                index=index,
                text=self._echo(index) + choice.text,
                logprobs=choice.logprobs,
                finish_reason=_FINISH[choice.finish] if choice.finish else None,
            )
            for index, choice in enumerate(answer.choices)
        ]
        return _whole(self._meta, COMPLETION_ID, "text_completion", choices, answer.usage)

    def _echo(self, choice: int) -> str:
        prompt = choice // self._choices
        return self._prompts[prompt] if prompt < len(self._prompts) else ""

    def _piece(
        self, out: list[bytes], choice: int, text: str, logprobs: Json = None, finish: str | None = None
    ) -> None:
        if choice not in self._begun:
            self._begun.add(choice)
            text = self._echo(choice) + text
        said = (choice, _json(text), _json(finish), _json(logprobs))
        out.append(self._chunk(b'{"index":%d,"text":%b,"finish_reason":%b,"logprobs":%b}' % said))


def _whole(
    meta: AnswerMeta,
    id_prefix: str,
    kind: str,
    choices: list[_ChatChoice] | list[_TextChoice],
    usage: Usage | None,
) -> bytes:
    return _json(
        _Whole(
            id=id_prefix + meta.id,
            object=kind,
            created=int(meta.created_s),
            model=meta.model,
            system_fingerprint=_FINGERPRINT,
            choices=choices,
            usage=written(usage or Usage()),
        )
    )


class _Embedding(msgspec.Struct):
    object: str
    index: int
    embedding: tuple[float, ...] | str


class _EmbeddingUsage(msgspec.Struct):
    prompt_tokens: int
    total_tokens: int


class _Embeddings(msgspec.Struct):
    object: str
    data: list[_Embedding]
    model: str
    usage: _EmbeddingUsage


class EmbeddingWriter:
    """Writes the list of embeddings, as numbers or as the base64 of little-endian float32. There is no stream."""

    stream_type = "application/json"
    keep_alive = b""

    def __init__(self, meta: AnswerMeta, *, base64: bool = False) -> None:
        self._meta = meta
        self._base64 = base64

    def open(self) -> bytes:
        return b""

    def write(self, events: Sequence[Event], now_s: float) -> bytes:
        return b""

    def close(self, now_s: float) -> bytes:
        return b""

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return b""

    def whole(self, answer: Answer, now_s: float) -> bytes:
        prompt = answer.usage.prompt if answer.usage else 0
        data = [
            _Embedding("embedding", index, _packed(values) if self._base64 else values)
            for index, values in enumerate(answer.vectors)
        ]
        return _json(_Embeddings("list", data, self._meta.model, _EmbeddingUsage(prompt, prompt)))


def _packed(values: tuple[float, ...]) -> str:
    return binascii.b2a_base64(struct.pack(f"<{len(values)}f", *values), newline=False).decode()
