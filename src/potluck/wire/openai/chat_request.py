"""``POST /v1/chat/completions``: the request's fields, what is checked at the door, and the `ChatCall` they mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec

from potluck.core.call import (
    AudioPart,
    ChatCall,
    Format,
    FormatKind,
    Message,
    Part,
    Role,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMode,
)
from potluck.core.errors import BadRequest
from potluck.core.model import Json
from potluck.wire.images import check_link, is_remote, read_link
from potluck.wire.openai.fields import Request, read_choices, read_hints, read_model, read_sampling, whole


class ImageUrl(msgspec.Struct):
    url: str


class InputAudio(msgspec.Struct):
    data: str
    format: str = "wav"


class ContentPart(msgspec.Struct):
    type: str = ""
    text: str | None = None
    # Some clients write the link itself where the object belongs.
    image_url: str | ImageUrl | None = None
    input_audio: InputAudio | None = None
    refusal: str | None = None


class FunctionCall(msgspec.Struct):
    name: str | None = None
    # A text by the book; an object from clients that also speak Ollama.
    arguments: str | dict[str, Any] | None = None


class CalledTool(msgspec.Struct):
    id: str | None = None
    function: FunctionCall | None = None


class ChatMessage(msgspec.Struct):
    role: str
    content: str | list[str | ContentPart] | None = None
    name: str | None = None
    tool_calls: list[CalledTool] | None = None
    tool_call_id: str | None = None
    function_call: FunctionCall | None = None
    reasoning_content: str | None = None
    reasoning: Any = None

    @property
    def text(self) -> str:
        """All text in it, as it was written."""
        if isinstance(self.content, list):
            return "".join(part if isinstance(part, str) else part.text or "" for part in self.content)
        return self.content or ""


class FunctionTool(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class OfferedTool(msgspec.Struct):
    type: str = "function"
    function: FunctionTool | None = None


class NamedFunction(msgspec.Struct):
    name: str


class NamedTool(msgspec.Struct):
    type: str = "function"
    function: NamedFunction | None = None


class JsonSchema(msgspec.Struct):
    name: str | None = None
    schema: dict[str, Any] | bool | None = None


class ResponseFormat(msgspec.Struct):
    type: str = "text"
    json_schema: JsonSchema | None = None
    # llama.cpp takes the schema here.
    schema: dict[str, Any] | bool | None = None


class ReasoningWish(msgspec.Struct):
    effort: str | None = None
    enabled: bool | None = None


class ChatRequest(Request, kw_only=True):
    messages: list[ChatMessage]
    tools: list[OfferedTool] | None = None
    tool_choice: str | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: int | float | None = None
    reasoning_effort: str | None = None
    reasoning: ReasoningWish | None = None
    # llama.cpp
    json_schema: dict[str, Any] | None = None
    # Ollama
    think: bool | str | None = None
    format: str | dict[str, Any] | None = None


_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}

# Of these an engine reads what is read here. Others make some engines fetch a link that nobody has judged: a
# `video_url` does, and so does a link in a part without a type.
_PLAIN_PARTS = frozenset({"text", "image_url", "input_audio", "refusal"})

# Engines know these roles; `developer` and `function` break many a chat template.
_PLAIN_ROLES = frozenset({"system", "user", "assistant", "tool"})

_EFFORTS = {name: name for name in ("none", "minimal", "low", "medium", "high", "xhigh")} | {
    "max": "xhigh",
    "ultra": "xhigh",
}


class Checked(msgspec.Struct):
    """What the door must know of a chat. ``plain`` says that any engine of the family reads it as it is."""

    model: str
    choices: int
    choice: ToolChoice
    images: bool = False
    remote: bool = False
    plain: bool = True


_FREE_CHOICE = ToolChoice()


def check(request: ChatRequest) -> Checked:
    """Refuse what no engine should see, and look for what must be changed on the way.

    Raises `BadRequest` for an empty conversation, unknown roles and contents, links that are not data or http(s), a
    number of choices out of range, a tool choice that names nothing, a format without its schema, and an effort nobody
    knows: what an engine of this family makes of those differs from one to the next.
    """
    found = Checked(
        read_model(request.model),
        1 if request.n is None else read_choices(request.n),
        _FREE_CHOICE if request.tool_choice is None else read_tool_choice(request),
    )
    if not request.messages:
        raise BadRequest("messages is empty", param="messages", hint="Send at least one message.")
    if request.reasoning or request.options or request.format or request.think is not None:
        found.plain = False
    if request.reasoning_effort or not found.plain:
        _effort(request)
    if request.response_format is not None or request.json_schema is not None:
        _check_format(request, found)
    for index, message in enumerate(request.messages):
        if message.role not in _PLAIN_ROLES:
            if message.role not in _ROLES:
                _refuse_role(message.role, f"messages[{index}].role")
            found.plain = False
        if message.tool_calls and any(
            call.function and isinstance(call.function.arguments, dict) for call in message.tool_calls
        ):
            found.plain = False
        if isinstance(message.content, list):
            _check_parts(message.content, f"messages[{index}].content", found)
    return found


def _refuse_role(role: str, param: str) -> NoReturn:
    raise BadRequest(f"Invalid value for '{param}': '{role}'.", param=param, hint=f"Known are {', '.join(_ROLES)}.")


def _check_format(request: ChatRequest, found: Checked) -> None:
    _format(request)
    # llama.cpp's own places for a schema: other engines overlook them, and some of its builds do.
    if request.response_format is None or request.response_format.schema is not None:
        found.plain = False


def _check_parts(parts: list[str | ContentPart], param: str, found: Checked) -> None:
    for index, part in enumerate(parts):
        if isinstance(part, str):
            found.plain = False
            continue
        if part.type not in _PLAIN_PARTS:
            found.plain = False
        if part.image_url is None:
            _readable(part, f"{param}[{index}]")
            continue
        found.images = True
        url = part.image_url if isinstance(part.image_url, str) else part.image_url.url
        check_link(url, f"{param}[{index}].image_url")
        if is_remote(url):
            found.remote = True
        if isinstance(part.image_url, str):
            found.plain = False


def read_tool_choice(request: ChatRequest) -> ToolChoice:
    """Raises `BadRequest` for a choice that the tools on offer cannot satisfy."""
    names = [tool.function.name for tool in request.tools or () if tool.function]
    match request.tool_choice:
        case None | "" | "auto":
            return ToolChoice()
        case "none":
            return ToolChoice(ToolMode.NONE)
        case "required" | "any":
            if not names:
                raise BadRequest("tool_choice needs tools", param="tool_choice", hint="Send tools, or 'auto'.")
            return ToolChoice(ToolMode.REQUIRED)
        case str(word):
            raise BadRequest(
                f"Invalid value for 'tool_choice': '{word}'.",
                param="tool_choice",
                hint="Write none, auto, required or a function.",
            )
        case NamedTool(function=NamedFunction(name=name)):
            if name not in names:
                raise BadRequest(f"tool_choice names '{name}', which is not among the tools", param="tool_choice")
            return ToolChoice(ToolMode.NAMED, name)
        case _:
            # "allowed_tools" and other kinds that only OpenAI's own service has.
            return ToolChoice()


def chat_call(request: ChatRequest, body: bytes) -> ChatCall:
    """The neutral record. Raises `BadRequest` for what only shows when everything is read."""
    top_logprobs = whole(request.top_logprobs, "top_logprobs") or 0
    hints = read_hints(request, body)
    return ChatCall(
        model=read_model(request.model),
        messages=tuple(_message(message, f"messages[{index}]") for index, message in enumerate(request.messages)),
        tools=tuple(_tools(request)),
        tool_choice=read_tool_choice(request),
        parallel_tool_calls=request.parallel_tool_calls,
        format=_format(request),
        thinking=_thinking(request, hints.extra.get("chat_template_kwargs")),
        sampling=read_sampling(request, logprobs=bool(request.logprobs), top_logprobs=top_logprobs),
        choices=read_choices(request.n),
        hints=hints,
    )


def _message(message: ChatMessage, param: str) -> Message:
    reasoning: object = message.reasoning_content or message.reasoning
    calls = list(message.tool_calls or ())
    if message.function_call is not None:
        calls.append(CalledTool(function=message.function_call))
    return Message(
        role=_ROLES[message.role],
        parts=tuple(_parts(message.content, f"{param}.content")),
        reasoning=reasoning if isinstance(reasoning, str) else "",
        tool_calls=tuple(_tool_call(call) for call in calls),
        tool_call_id=message.tool_call_id or "",
        name=message.name or "",
    )


def _tool_call(call: CalledTool) -> ToolCall:
    function = call.function or FunctionCall()
    arguments = function.arguments
    if isinstance(arguments, dict):
        arguments = msgspec.json.encode(arguments).decode()
    return ToolCall(id=call.id or "", name=function.name or "", arguments=arguments or "")


def _parts(content: str | list[str | ContentPart] | None, param: str) -> Iterator[Part]:
    if isinstance(content, str):
        content = [content] if content else []
    for index, part in enumerate(content or ()):
        yield TextPart(part) if isinstance(part, str) else _part(part, f"{param}[{index}]")


def _part(part: ContentPart, param: str) -> Part:
    if part.image_url is not None:
        url = part.image_url if isinstance(part.image_url, str) else part.image_url.url
        return read_link(url, f"{param}.image_url")
    if part.input_audio is not None:
        return AudioPart(data_b64=part.input_audio.data, format=part.input_audio.format)
    _readable(part, param)
    return TextPart((part.text if part.text is not None else part.refusal) or "")


def _readable(part: ContentPart, param: str) -> None:
    """Raises `BadRequest` for a part that holds nothing that is known."""
    if part.text is None and part.refusal is None and part.input_audio is None:
        raise BadRequest(
            f"Content of type '{part.type}' is not read here.", param=param, hint="Send text, image_url or input_audio."
        )


def _tools(request: ChatRequest) -> Iterator[Tool]:
    for index, tool in enumerate(request.tools or ()):
        if tool.function is None:
            raise BadRequest(
                f"Tools of type '{tool.type}' are not offered here.",
                param=f"tools[{index}].type",
                hint="Send functions.",
            )
        function = tool.function
        yield Tool(function.name, function.description or "", function.parameters or {}, function.strict)


def _format(request: ChatRequest) -> Format:
    """``response_format``; else llama.cpp's ``json_schema``, else Ollama's ``format``."""
    if (wanted := request.response_format) is None:
        if request.json_schema is not None:
            return Format(FormatKind.SCHEMA, request.json_schema)
        if isinstance(request.format, dict):
            return Format(FormatKind.SCHEMA, request.format)
        return Format(FormatKind.JSON) if request.format == "json" else Format()
    schema = wanted.json_schema.schema if wanted.json_schema else None
    schema = wanted.schema if schema is None else schema
    name = (wanted.json_schema.name if wanted.json_schema else None) or ""
    match wanted.type:
        case "text":
            return Format()
        case "json_object":
            return Format(FormatKind.JSON) if schema is None else Format(FormatKind.SCHEMA, schema, name)
        case "json_schema" if schema is not None:
            return Format(FormatKind.SCHEMA, schema, name)
        case "json_schema":
            raise BadRequest("missing required field `schema`", param="response_format.json_schema.schema")
        case other:
            raise BadRequest(
                f"Invalid value for 'response_format.type': '{other}'.",
                param="response_format.type",
                hint="Write text, json_object or json_schema.",
            )


def _thinking(request: ChatRequest, template_kwargs: Json) -> Thinking:
    """What was said in any of four ways; how hard to think outranks whether to."""
    if said := _effort(request):
        return Thinking(enabled=said != "none", effort=_EFFORTS[said])
    if isinstance(request.think, bool):
        return Thinking(enabled=request.think)
    enabled = template_kwargs.get("enable_thinking") if isinstance(template_kwargs, dict) else None
    if isinstance(enabled, bool):
        return Thinking(enabled=enabled)
    return Thinking(enabled=request.reasoning.enabled if request.reasoning else None)


def _effort(request: ChatRequest) -> str:
    """How hard to think, empty if that was not said. Raises `BadRequest` for a word nobody knows."""
    said = (
        request.reasoning_effort
        or (request.reasoning.effort if request.reasoning else None)
        or (request.think if isinstance(request.think, str) else "")
    )
    if said and said not in _EFFORTS:
        raise BadRequest(
            f"Invalid value for 'reasoning_effort': '{said}'.",
            param="reasoning_effort",
            hint="Write none, minimal, low, medium, high or xhigh.",
        )
    return said
