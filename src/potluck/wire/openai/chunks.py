"""The chunks that engines of the family send, and whole answers, which differ from them in a word.

Only what is needed to join the pieces is typed strictly: an engine's oddity in a side field must not cost an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from potluck.core.answer import FinishReason
from potluck.core.errors import MalformedAnswer
from potluck.wire.openai.usage import TimingsRead, UsageRead

T = TypeVar("T")


class Function(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class ToolPiece(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Part(msgspec.Struct):
    text: str | None = None


class Delta(msgspec.Struct):
    content: str | list[Part] | None = None
    reasoning_content: str | None = None
    reasoning: Any = None
    refusal: str | None = None
    tool_calls: list[ToolPiece] | None = None
    function_call: Function | None = None


class ChoicePiece(msgspec.Struct):
    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    text: str | None = None
    finish_reason: str | None = None
    # vLLM: the stop sequence that matched, or a token's id.
    stop_reason: Any = None
    logprobs: Any = None


class Chunk(msgspec.Struct):
    """A chunk of a stream or a whole answer: they differ in ``delta`` and ``message`` alone."""

    choices: list[ChoicePiece] | None = None
    usage: UsageRead | None = None
    timings: TimingsRead | None = None
    error: Any = None


CHUNK = msgspec.json.Decoder(Chunk)

FINISH = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}


def text_of(content: str | list[Part] | None) -> str:
    """A delta's text; Mistral's servers write it as parts."""
    return "".join(part.text or "" for part in content) if isinstance(content, list) else content or ""


def arguments_text(arguments: str | dict[str, Any] | None) -> str:
    return msgspec.json.encode(arguments).decode() if isinstance(arguments, dict) else arguments or ""


def written_bytes(chunk: Chunk) -> int:
    """How much the model wrote in a chunk: text, reasoning and arguments, in bytes of UTF-8."""
    return sum(len(text.encode()) for choice in chunk.choices or () for text in _written(choice))


def _written(choice: ChoicePiece) -> Iterator[str]:
    yield choice.text or ""
    if delta := choice.delta or choice.message:
        yield text_of(delta.content) or delta.refusal or ""
        reasoning: object = delta.reasoning_content or delta.reasoning
        yield reasoning if isinstance(reasoning, str) else ""
        for call in delta.tool_calls or ():
            yield arguments_text(call.function.arguments) if call.function else ""


def decode_answer(data: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Raises `MalformedAnswer` for what is not JSON or not of the shape that ``decoder`` reads."""
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        detail = f"{exc}: {excerpt(data)}"
        raise MalformedAnswer("The engine's answer is not what its dialect says.", detail=detail) from exc


def excerpt(data: bytes) -> str:
    """The beginning of what an engine sent, for the log."""
    return data[:500].decode("utf-8", "replace")
