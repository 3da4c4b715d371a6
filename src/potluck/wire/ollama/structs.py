"""What Ollama's clients and engines write, as typed records. Unknown fields are ignored (API-CONTRACTS.md 0).

Almost everything may be missing or null: Go's zero values are left out by some and spelled out by others.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct

_NO_ARGUMENTS = Raw(b"{}")


class FunctionCall(Struct):
    name: str = ""
    arguments: Raw = _NO_ARGUMENTS


class WireToolCall(Struct):
    function: FunctionCall
    id: str | None = None


class WireMessage(Struct):
    role: str = ""
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[WireToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class WireFunction(Struct):
    name: str = ""
    description: str | None = None
    parameters: dict[str, Any] | None = None


class WireTool(Struct):
    function: WireFunction


class Common(Struct, kw_only=True):
    """What chat and generate share. ``format``, ``keep_alive`` have types of their own, checked where they are read."""

    model: str | None = None
    stream: bool | None = None
    format: Any = None
    think: bool | str | None = None
    keep_alive: Any = None
    options: dict[str, Any] | None = None
    truncate: bool | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


class ChatRequest(Common, kw_only=True):
    messages: list[WireMessage] | None = None
    tools: list[WireTool] | None = None


class GenerateRequest(Common, kw_only=True):
    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    template: str | None = None
    context: list[int] | None = None
    raw: bool | None = None
    images: list[str] | None = None


class EmbedRequest(Struct, kw_only=True):
    """Both routes: ``/api/embed`` has ``input``, the old ``/api/embeddings`` has ``prompt``."""

    model: str | None = None
    input: Any = None
    prompt: str | None = None
    truncate: bool | None = None
    dimensions: int | None = None
    keep_alive: Any = None
    options: dict[str, Any] | None = None


class Statistics(Struct, kw_only=True):
    """The end of an answer. Durations in nanoseconds; what is zero is left out, as Ollama does it."""

    done: bool = False
    done_reason: str | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: int | None = None
    eval_count: int | None = None
    eval_duration: int | None = None


class AnswerLine(Statistics, kw_only=True):
    """One line of a chat's or a generation's answer, or the whole one."""

    message: WireMessage | None = None
    response: str | None = None
    thinking: str | None = None
    tool_calls: list[WireToolCall] | None = None
    logprobs: list[Any] | None = None
    error: Any = None


class EmbedReply(Struct, kw_only=True):
    embeddings: list[list[float]] | None = None
    embedding: list[float] | None = None
    load_duration: int | None = None
    total_duration: int | None = None
    prompt_eval_count: int | None = None
    error: Any = None


class EmbedHead(Struct, kw_only=True):
    """The same without reading the numbers: empty where the field is missing."""

    embeddings: Raw = Raw(b"")
    embedding: Raw = Raw(b"")
    prompt_eval_count: int | None = None
    error: Any = None
