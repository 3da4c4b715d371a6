"""What clients send to ``/v1/messages`` and ``/v1/messages/count_tokens``, as typed records (API-CONTRACTS.md 3).

Only what is read stands here. Everything else (``cache_control``, ``context_management``, ``mcp_servers``,
``metadata``, ``service_tier``, …) is ignored wherever it comes.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Source(msgspec.Struct, frozen=True):
    """Where an image or document comes from: ``base64``, ``url``, ``text``, ``content`` or ``file``."""

    type: str = ""
    media_type: str | None = None
    data: str = ""
    url: str = ""
    content: str | list[Block] | None = None


class Block(msgspec.Struct, frozen=True):
    """Any block of any kind: the kinds share too little to be worth a type each, and unknown ones must decode too.

    ``source`` is an object in images and documents, a text in search results. ``input`` is kept as written.
    """

    type: str
    text: str | None = None
    source: Source | str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")
    tool_use_id: str | None = None
    content: str | list[Block] | dict[str, Any] | None = None
    is_error: bool | None = None
    thinking: str | None = None
    title: str | None = None
    context: str | None = None


class Turn(msgspec.Struct, frozen=True):
    role: str
    content: str | list[Block]


class ToolSpec(msgspec.Struct, frozen=True):
    """A function has an ``input_schema``; Anthropic's own tools (``web_search_20250305``, …) have only a ``type``."""

    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None


class Choice(msgspec.Struct, frozen=True):
    type: str
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class ThinkingSpec(msgspec.Struct, frozen=True):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class OutputFormat(msgspec.Struct, frozen=True):
    type: str
    schema: dict[str, Any] | None = None


class OutputConfig(msgspec.Struct, frozen=True):
    effort: str | None = None
    format: OutputFormat | None = None


class CountBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``count_tokens``. ``output_format`` is where ``output_config.format`` stood in a beta."""

    model: Name
    messages: Annotated[list[Turn], msgspec.Meta(min_length=1)]
    system: str | list[Block] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: Choice | None = None
    thinking: ThinkingSpec | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None


class MessagesBody(CountBody, frozen=True, kw_only=True):
    max_tokens: Positive
