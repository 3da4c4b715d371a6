"""What clients send to ``/v1/responses``, as typed records (API-CONTRACTS.md 1.7).

Only what is read stands here; every other field is ignored wherever it comes. `Echo` is read from the same bytes a
second time: what the answer must repeat as it was written.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class ImageLink(msgspec.Struct, frozen=True):
    """Chat completions' way to name an image, which some clients send here too."""

    url: str = ""


class Sound(msgspec.Struct, frozen=True):
    data: str = ""
    format: str = ""


class ContentPart(msgspec.Struct, frozen=True):
    """``input_text``, ``output_text``, ``summary_text``, ``input_image``, ``input_file``, ``refusal``, …"""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | ImageLink | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: Sound | None = None


class Item(msgspec.Struct, frozen=True):
    """Any item of the input. A message may leave ``type`` out. Fields of kinds that are dropped may be objects."""

    type: str | None = None
    id: str | None = None
    role: str | None = None
    content: str | list[ContentPart] | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: str | dict[str, Any] | None = None
    input: str | dict[str, Any] | None = None
    output: str | list[ContentPart] | dict[str, Any] | None = None
    summary: list[ContentPart] | None = None


class Grammar(msgspec.Struct, frozen=True):
    """A custom tool's input: ``text``, or ``grammar`` with a definition in ``lark`` or ``regex``."""

    type: str = "text"
    syntax: str = ""
    definition: str = ""


class ToolSpec(msgspec.Struct, frozen=True):
    """``function``, ``custom``, ``namespace`` with tools inside, or one of OpenAI's own."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    format: Grammar | None = None
    tools: list[ToolSpec] | None = None


class ToolName(msgspec.Struct, frozen=True):
    type: str
    name: str = ""
    namespace: str | None = None


class Choice(msgspec.Struct, frozen=True):
    """``{"type": "function"|"custom", "name"}``, ``{"type": "allowed_tools", "mode", "tools"}`` or an own tool."""

    type: str
    name: str = ""
    namespace: str | None = None
    mode: str = "auto"
    tools: list[ToolName] | None = None


class TextFormat(msgspec.Struct, frozen=True):
    type: str
    name: str | None = None
    schema: Any = None


class TextConfig(msgspec.Struct, frozen=True):
    format: TextFormat | None = None


class ReasoningConfig(msgspec.Struct, frozen=True):
    effort: str | None = None


class ResponsesBody(msgspec.Struct, frozen=True):
    model: Name
    input: str | list[Item]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: Positive | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: str | Choice | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: ReasoningConfig | None = None
    truncation: str | None = None
    previous_response_id: str | None = None
    conversation: str | dict[str, Any] | None = None
    background: bool | None = None
    prompt: dict[str, Any] | None = None
    service_tier: Any = None


_NULL = msgspec.Raw(b"null")


class Echo(msgspec.Struct, frozen=True):
    """Request fields that the response object repeats, as the client wrote them."""

    instructions: msgspec.Raw = _NULL
    max_output_tokens: msgspec.Raw = _NULL
    max_tool_calls: msgspec.Raw = _NULL
    metadata: msgspec.Raw = msgspec.Raw(b"{}")
    parallel_tool_calls: msgspec.Raw = msgspec.Raw(b"true")
    prompt_cache_key: msgspec.Raw = _NULL
    reasoning: msgspec.Raw = msgspec.Raw(b'{"effort":null,"summary":null}')
    safety_identifier: msgspec.Raw = _NULL
    temperature: msgspec.Raw = _NULL
    text: msgspec.Raw = msgspec.Raw(b'{"format":{"type":"text"}}')
    tool_choice: msgspec.Raw = msgspec.Raw(b'"auto"')
    tools: msgspec.Raw = msgspec.Raw(b"[]")
    top_p: msgspec.Raw = _NULL
    truncation: msgspec.Raw = msgspec.Raw(b'"disabled"')
    user: msgspec.Raw = _NULL
