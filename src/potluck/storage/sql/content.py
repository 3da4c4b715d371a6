"""Messages as the JSON that is kept of them, and as the text that a search looks at.

The shape is our own and stays readable for good: later versions add fields, they change none.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

import msgspec

from potluck.core.call import AudioPart, ImagePart, Message, Part, Role, TextPart, ToolCall
from potluck.core.searching import folded


class _Text(msgspec.Struct, frozen=True, tag="text"):
    text: str


class _Image(msgspec.Struct, frozen=True, tag="image", omit_defaults=True):
    data_b64: str = ""
    media_type: str = ""
    url: str = ""


class _Audio(msgspec.Struct, frozen=True, tag="audio"):
    data_b64: str
    format: str


_Part: TypeAlias = _Text | _Image | _Audio


class _ToolCall(msgspec.Struct, frozen=True):
    id: str
    name: str
    arguments: str


class _Content(msgspec.Struct, frozen=True, omit_defaults=True):
    parts: tuple[_Part, ...] = ()
    reasoning: str = ""
    tool_calls: tuple[_ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""


_decoder = msgspec.json.Decoder(_Content)


def clean(text: str) -> str:
    """``text`` without what a database's text cannot hold: NUL, and halves of UTF-16 pairs."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def fold(text: str) -> str:
    """The form in which texts are compared by a search, the same for every database: LIKE alone is not."""
    return folded(clean(text))


def encode(message: Message) -> str:
    """Everything of a message but its role."""
    content = _Content(
        parts=tuple(_part(part) for part in message.parts),
        reasoning=clean(message.reasoning),
        tool_calls=tuple(_ToolCall(call.id, call.name, clean(call.arguments)) for call in message.tool_calls),
        tool_call_id=message.tool_call_id,
        name=message.name,
    )
    return msgspec.json.encode(content).decode()


def decode(role: str, text: str) -> Message:
    """The message that `encode` was given."""
    content = _decoder.decode(text)
    return Message(
        role=Role(role),
        parts=tuple(_core_part(part) for part in content.parts),
        reasoning=content.reasoning,
        tool_calls=tuple(ToolCall(call.id, call.name, call.arguments) for call in content.tool_calls),
        tool_call_id=content.tool_call_id,
        name=content.name,
    )


def _part(part: Part) -> _Part:
    match part:
        case TextPart():
            return _Text(clean(part.text))
        case ImagePart():
            return _Image(part.data_b64, part.media_type, part.url)
        case AudioPart():
            return _Audio(part.data_b64, part.format)
        case _:
            assert_never(part)


def _core_part(part: _Part) -> Part:
    match part:
        case _Text():
            return TextPart(part.text)
        case _Image():
            return ImagePart(part.data_b64, part.media_type, part.url)
        case _Audio():
            return AudioPart(part.data_b64, part.format)
        case _:
            assert_never(part)
