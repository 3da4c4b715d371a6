"""From Ollama's requests to neutral calls (API-CONTRACTS.md 2 and 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import msgspec

from potluck.core.call import (
    Call,
    ChatCall,
    EmbedCall,
    EngineHints,
    Format,
    FormatKind,
    ImagePart,
    InfillCall,
    LoadCall,
    Message,
    Role,
    Sampling,
    TextCall,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
)
from potluck.core.errors import BadRequest
from potluck.core.model import JsonObject
from potluck.core.tool_ids import made_up_id
from potluck.wire.body import decode_body
from potluck.wire.images import read_base64, read_link
from potluck.wire.ollama.options import read_options
from potluck.wire.ollama.structs import (
    ChatRequest,
    Common,
    EmbedRequest,
    GenerateRequest,
    WireMessage,
    WireTool,
    WireToolCall,
)
from potluck.wire.ollama.times import read_keep_alive

_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
}
# Ollama's four words for effort, and what they are called elsewhere.
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "max": "xhigh"}


def chat_call(request: ChatRequest, body: bytes) -> ChatCall:
    """Raises `BadRequest` for an option of a wrong type, a strange role, format or keep-alive."""
    sampling, hints = _settings(request, body)
    return ChatCall(
        model=request.model or "",
        messages=_messages(request.messages or []),
        tools=tuple(_tool(tool) for tool in request.tools or []),
        format=_format(request.format),
        thinking=_thinking(request.think),
        sampling=sampling,
        hints=hints,
    )


def generate_call(request: GenerateRequest, body: bytes) -> Call:
    """A suffix makes it an `InfillCall`, unless ``raw`` says that the prompt is to be taken as it is.

    ``context`` of an earlier answer is ignored: its tokens mean something only to the model that made them.
    """
    sampling, hints = _settings(request, body)
    model, prompt = request.model or "", request.prompt or ""
    if request.suffix and not request.raw:
        return InfillCall(model, prefix=prompt, suffix=request.suffix, strict=True, sampling=sampling, hints=hints)
    return TextCall(
        model=model,
        prompts=(prompt,),
        templated=not request.raw,
        system=request.system or "",
        template=request.template or "",
        images=_images(request.images),
        format=_format(request.format),
        thinking=_thinking(request.think),
        sampling=sampling,
        hints=hints,
    )


def embed_call(request: EmbedRequest, body: bytes, inputs: tuple[str, ...], *, normalised: bool) -> EmbedCall:
    """Of ``options`` only what runs the model matters here; nothing is sampled."""
    _, num_ctx, options = read_options(request.options or {})
    return EmbedCall(
        model=request.model or "",
        inputs=inputs,
        # Ollama overlooks what is no length.
        dimensions=request.dimensions if request.dimensions and request.dimensions > 0 else None,
        normalised=normalised,
        hints=EngineHints(
            num_ctx=num_ctx,
            keep_alive_s=read_keep_alive(request.keep_alive),
            truncate=request.truncate,
            extra=_extra(body, EmbedRequest),
            options=options,
        ),
    )


def embed_inputs(value: Any) -> tuple[str, ...]:
    """A text or a list of texts; nothing and ``""`` mean no input. Raises `BadRequest` for anything else."""
    if value is None or value == "":
        return ()
    texts: Any = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in cast("list[object]", texts)):
        raise BadRequest("invalid input type", param="input")
    return tuple(cast("list[str]", texts))


def load_call(request: Common | EmbedRequest) -> LoadCall:
    """Unload with a ``keep_alive`` of 0, otherwise load."""
    keep_alive_s = read_keep_alive(request.keep_alive)
    _, num_ctx, options = read_options(request.options or {})
    hints = EngineHints(num_ctx=num_ctx, keep_alive_s=keep_alive_s, options=options)
    return LoadCall(request.model or "", unload=keep_alive_s == 0, hints=hints)


def _settings(request: ChatRequest | GenerateRequest, body: bytes) -> tuple[Sampling, EngineHints]:
    sampling, num_ctx, options = read_options(request.options or {})
    hints = EngineHints(
        num_ctx=num_ctx,
        keep_alive_s=read_keep_alive(request.keep_alive),
        truncate=request.truncate,
        extra=_extra(body, type(request)),
        options=options,
    )
    return replace(sampling, logprobs=bool(request.logprobs), top_logprobs=request.top_logprobs or 0), hints


def _extra(body: bytes, known: type[msgspec.Struct]) -> JsonObject:
    fields: JsonObject = decode_body(body, dict[str, Any])
    return {name: value for name, value in fields.items() if name not in known.__struct_fields__}


def _format(value: Any) -> Format:
    match value:
        case None | "":
            return Format()
        case "json":
            return Format(FormatKind.JSON)
        case dict():
            return Format(FormatKind.SCHEMA, schema=cast("JsonObject", value))
        case _:
            shown = msgspec.json.encode(value).decode()[:80]
            raise BadRequest(f'invalid format: {shown}; expected "json" or a valid JSON Schema object', param="format")


def _thinking(value: bool | str | None) -> Thinking:
    if isinstance(value, str):
        if value not in _EFFORTS:
            raise BadRequest(
                f'invalid think value: "{value[:40]}" (must be "high", "medium", "low", "max", true, or false)',
                param="think",
            )
        return Thinking(enabled=True, effort=_EFFORTS[value])
    return Thinking(enabled=value)


def _tool(tool: WireTool) -> Tool:
    function = tool.function
    return Tool(function.name, function.description or "", cast("JsonObject", function.parameters or {}))


def _images(images: Sequence[str] | None, place: str = "") -> tuple[ImagePart, ...]:
    """Plain base64 by contract; a data URI, which some clients send all the same, is taken apart."""
    return tuple(
        read_link(data, param) if data.startswith("data:") else ImagePart(read_base64(data, param))
        for index, data in enumerate(images or ())
        if (param := f"{place}images[{index}]")
    )


def _messages(wire: Sequence[WireMessage]) -> tuple[Message, ...]:
    open_calls = _OpenCalls()
    return tuple(_message(message, turn, open_calls) for turn, message in enumerate(wire))


def _message(wire: WireMessage, turn: int, open_calls: _OpenCalls) -> Message:
    role = _ROLES.get(wire.role.lower())
    if role is None:
        raise BadRequest(
            f'invalid role: "{wire.role[:40]}", must be one of ["system", "user", "assistant", "tool"]',
            param=f"messages[{turn}].role",
        )
    # Ollama's templates put images before the words.
    parts = (*_images(wire.images, f"messages[{turn}]."), *((TextPart(wire.content),) if wire.content else ()))
    if role is Role.TOOL:
        call_id, name = open_calls.answered(wire.tool_call_id or "", wire.tool_name or "")
        return Message(role, parts, tool_call_id=call_id, name=name)
    calls = tuple(_tool_call(call, turn, index) for index, call in enumerate(wire.tool_calls or ()))
    open_calls.opened(calls)
    return Message(role, parts, reasoning=wire.thinking or "", tool_calls=calls)


def _tool_call(wire: WireToolCall, turn: int, index: int) -> ToolCall:
    arguments = _arguments(wire.function.arguments)
    return ToolCall(wire.id or made_up_id(turn, index, wire.function.name), wire.function.name, arguments)


def _arguments(raw: msgspec.Raw) -> str:
    """The object's own text. A client that sent a JSON text inside a string means its content."""
    text = bytes(raw)
    if text.startswith(b'"'):
        return msgspec.json.decode(text, type=str)
    return "{}" if text == b"null" else text.decode()


class _OpenCalls(msgspec.Struct):
    """Tool calls still without a result: results without an id are matched by name, else by order."""

    calls: list[ToolCall] = msgspec.field(default_factory=list[ToolCall])

    def opened(self, calls: Sequence[ToolCall]) -> None:
        self.calls.extend(calls)

    def answered(self, call_id: str, name: str) -> tuple[str, str]:
        """The id and name of the call that a result answers. What fits no call keeps what it came with."""
        fits = (call for call in self.calls if (call.id == call_id if call_id else not name or call.name == name))
        call = next(fits, None)
        if call is None:
            return call_id, name
        self.calls.remove(call)
        return call.id, name or call.name
