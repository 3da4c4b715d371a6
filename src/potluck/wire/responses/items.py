"""The input's items as messages: what moves, what becomes text, what is dropped (API-CONTRACTS.md 8)."""

from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence

import msgspec

from potluck.core.call import AudioPart, ImagePart, Message, Part, Role, TextPart, ToolCall
from potluck.core.errors import BadRequest
from potluck.wire.images import read_link
from potluck.wire.responses.body import ContentPart, ImageLink, Item
from potluck.wire.responses.tools import custom_arguments, function_name

# A tool's answer must not be empty: some chat templates leave an empty turn out, and the call then has no answer.
_ONLY_IMAGES = "The result is in the images of the next message."

_ROLES = {"user": Role.USER, "system": Role.SYSTEM, "developer": Role.SYSTEM, "assistant": Role.ASSISTANT}


def messages_of(items: str | Sequence[Item]) -> tuple[Message, ...]:
    """Raises `BadRequest` for a role or part that has no meaning here, and for references to what was never kept."""
    if isinstance(items, str):
        return (Message(Role.USER, (TextPart(items),)),) if items else ()
    transcript = _Transcript()
    for number, item in enumerate(items):
        transcript.take(item, f"input[{number}]")
    transcript.end()
    return tuple(transcript.messages)


class _Transcript(msgspec.Struct):
    """Items come one by one. What an assistant says and calls in a row is one message, as chat templates want it;
    images out of tool results wait for the end of the results, which must follow their calls at once."""

    messages: list[Message] = msgspec.field(default_factory=list[Message])
    names: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    reasoning: list[str] = msgspec.field(default_factory=list[str])
    parts: list[Part] = msgspec.field(default_factory=list[Part])
    calls: list[ToolCall] = msgspec.field(default_factory=list[ToolCall])
    images: list[Part] = msgspec.field(default_factory=list[Part])

    def take(self, item: Item, at: str) -> None:
        match item.type or ("message" if item.role else "item_reference"):
            case "message":
                self._message(item, at)
            case "function_call" | "custom_tool_call":
                self._show_images()
                self._call(item)
            case "function_call_output" | "custom_tool_call_output":
                self._end_turn()
                self._result(item, at)
            case "reasoning":
                self._show_images()
                texts = (part.text or "" for part in _list(item.content) or item.summary or ())
                self.reasoning.append("\n".join(texts))
            case "item_reference":
                raise BadRequest(
                    "Items cannot be referred to: nothing is stored here.", param=at, hint="Send the item itself."
                )
            case _:
                pass  # a call of one of OpenAI's own tools, its output, or what is newer than this

    def end(self) -> None:
        self._end_turn()
        self._show_images()

    def _message(self, item: Item, at: str) -> None:
        role = _ROLES.get(item.role or "")
        if role is None:
            raise BadRequest(f"'{item.role}' is not a role.", param=f"{at}.role", hint=f"Use {', '.join(_ROLES)}.")
        parts = _parts(item.content, f"{at}.content")
        if role is Role.ASSISTANT:
            self._show_images()
            if self.parts and parts:
                self.parts.append(TextPart("\n\n"))
            self.parts.extend(parts)
            return
        self._end_turn()
        if role is Role.USER:
            parts = [*self.images, *parts]
            self.images = []
        else:
            self._show_images()
        if parts:
            self.messages.append(Message(role, tuple(parts)))

    def _call(self, item: Item) -> None:
        name = function_name(item.name or "", item.namespace)
        call_id = item.call_id or ""
        written = item.arguments if item.type == "function_call" else item.input
        text = written if isinstance(written, str) else ""
        arguments = text if item.type == "function_call" else custom_arguments(text)
        self.names[call_id] = name
        self.calls.append(ToolCall(call_id, name, arguments or "{}"))

    def _result(self, item: Item, at: str) -> None:
        parts = _parts(item.output, f"{at}.output")
        images = [part for part in parts if not isinstance(part, TextPart)]
        text = "\n".join(part.text for part in parts if isinstance(part, TextPart))
        self.images.extend(images)
        call_id = item.call_id or ""
        said = TextPart(_ONLY_IMAGES if images and not text else text)
        self.messages.append(Message(Role.TOOL, (said,), tool_call_id=call_id, name=self.names.get(call_id, "")))

    def _end_turn(self) -> None:
        """The assistant's message, if it said or called anything: reasoning alone belongs to nothing."""
        if self.parts or self.calls:
            reasoning = "\n".join(self.reasoning)
            message = Message(Role.ASSISTANT, tuple(self.parts), reasoning=reasoning, tool_calls=tuple(self.calls))
            self.messages.append(message)
        self.reasoning, self.parts, self.calls = [], [], []

    def _show_images(self) -> None:
        if self.images:
            self.messages.append(Message(Role.USER, tuple(self.images)))
            self.images = []


def _list(content: str | Sequence[ContentPart] | None) -> Sequence[ContentPart]:
    return () if content is None or isinstance(content, str) else content


def _parts(content: str | Sequence[ContentPart] | Mapping[str, object] | None, where: str) -> list[Part]:
    if isinstance(content, str):
        return [TextPart(content)] if content else []
    if content is None or isinstance(content, Mapping):
        return []
    return [_part(part, f"{where}[{number}]") for number, part in enumerate(content)]


def _part(part: ContentPart, at: str) -> Part:
    match part.type:
        case "input_text" | "output_text" | "text":
            return TextPart(part.text or "")
        case "refusal":
            return TextPart(part.refusal or "")
        case "input_image" | "image_url":
            return _image(part, at)
        case "input_file":
            return _file(part, at)
        case "input_audio" if part.input_audio:
            return AudioPart(part.input_audio.data, part.input_audio.format)
        case other:
            raise BadRequest(f"Content of type '{other}' is not read here.", param=at)


def _image(part: ContentPart, at: str) -> ImagePart:
    link = part.image_url.url if isinstance(part.image_url, ImageLink) else part.image_url
    if not link:
        raise BadRequest("An image needs an image_url.", param=f"{at}.image_url", hint="Files by id are not kept here.")
    return read_link(link, f"{at}.image_url")


def _file(part: ContentPart, at: str) -> TextPart:
    """A text file's text between tags. ``file_data`` is base64, alone or as a data URI."""
    encoded = (part.file_data or "").rpartition(",")[2]
    try:
        text = binascii.a2b_base64(encoded, strict_mode=True).decode()
    except ValueError as exc:  # binascii.Error and UnicodeDecodeError are both of this kind
        raise _unreadable(at) from exc
    if not text or text.startswith("%PDF-"):
        raise _unreadable(at)
    title = f' title="{part.filename}"' if part.filename else ""
    return TextPart(f"<document{title}>\n{text}\n</document>\n")


def _unreadable(at: str) -> BadRequest:
    return BadRequest(
        "Files are read as text only: PDFs and files by address or id are not.",
        param=f"{at}.file_data",
        hint="Send a text file's bytes as base64, or a document's pages as images.",
    )
