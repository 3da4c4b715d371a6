"""Anthropic's turns of blocks as messages: what moves, what becomes text, what is dropped (API-CONTRACTS.md 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from potluck.core.call import ImagePart, Message, Part, Role, TextPart, ToolCall
from potluck.core.errors import BadRequest
from potluck.core.model import Json
from potluck.wire.anthropic.body import Block, Source, Turn
from potluck.wire.images import read_base64, read_link

# Claude Code's first system block. It changes with every request and is not meant for the model: left in, it would
# make every engine read the whole prompt anew.
_BILLING = "x-anthropic-billing-header:"

# A tool's answer must not be empty: some chat templates leave an empty turn out, and the call then has no answer.
_ONLY_IMAGES = "The result is in the images of the next message."


def system_text(system: str | list[Block] | None) -> str:
    """The system prompt's blocks as one text, paragraphs apart."""
    if system is None or isinstance(system, str):
        return system or ""
    texts = (block.text or "" for block in system if block.type == "text")
    return "\n\n".join(text for text in texts if text and not text.startswith(_BILLING))


def messages_of(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """Raises `BadRequest` for a role, a source or a place that has no meaning here."""
    names: dict[str, str] = {}
    messages: list[Message] = []
    for number, turn in enumerate(turns):
        where = f"messages[{number}]"
        blocks = turn.content if isinstance(turn.content, list) else [Block("text", text=turn.content)]
        match turn.role:
            case "user":
                messages.extend(_user(blocks, names, f"{where}.content"))
            case "assistant":
                messages.extend(_assistant(blocks, names, f"{where}.content"))
            case "system":
                messages.append(Message(Role.SYSTEM, (TextPart(system_text(blocks)),)))
            case _:
                raise BadRequest(
                    f"'{turn.role}' is not a role.", param=f"{where}.role", hint="Use user, assistant or system."
                )
    return tuple(messages)


def _user(blocks: Sequence[Block], names: dict[str, str], where: str) -> Iterator[Message]:
    """Tool results first, each its own message; then the rest, led by the images that were in the results."""
    images: list[Part] = []
    rest: list[Part] = []
    for number, block in enumerate(blocks):
        at = f"{where}[{number}]"
        if block.type == "tool_result":
            parts = _content(block.content, f"{at}.content")
            images.extend(part for part in parts if not isinstance(part, TextPart))
            yield _result(block, parts, names)
        elif block.type == "tool_use":
            raise BadRequest("tool_use blocks belong in assistant messages.", param=at)
        else:
            rest.extend(_parts(block, at))
    if images or rest:
        yield Message(Role.USER, (*images, *rest))


def _content(
    content: str | Sequence[Block] | Mapping[str, Json] | None, where: str, *, in_document: bool = False
) -> list[Part]:
    """What stands inside a block; an object there belongs to a kind that is dropped."""
    if isinstance(content, str):
        return [TextPart(content)]
    if content is None or isinstance(content, Mapping):
        return []
    return [part for number, inner in enumerate(content) for part in _parts(inner, f"{where}[{number}]", in_document)]


def _result(block: Block, parts: Sequence[Part], names: dict[str, str]) -> Message:
    text = "\n".join(part.text for part in parts if isinstance(part, TextPart))
    if not text and parts:
        text = _ONLY_IMAGES
    if block.is_error:
        text = f"Error: {text}"
    call_id = block.tool_use_id or ""
    return Message(Role.TOOL, (TextPart(text),), tool_call_id=call_id, name=names.get(call_id, ""))


def _assistant(blocks: Sequence[Block], names: dict[str, str], where: str) -> Iterator[Message]:
    """One message, or none if every block was of a kind that is dropped."""
    parts: list[Part] = []
    reasoning: list[str] = []
    calls: list[ToolCall] = []
    for number, block in enumerate(blocks):
        at = f"{where}[{number}]"
        match block.type:
            case "thinking":
                reasoning.append(block.thinking or "")
            case "tool_use":
                call = _tool_call(block, at)
                names[call.id] = call.name
                calls.append(call)
            case "tool_result":
                raise BadRequest("tool_result blocks belong in user messages.", param=at)
            case _:
                parts.extend(_parts(block, at))
    if parts or reasoning or calls:
        yield Message(Role.ASSISTANT, tuple(parts), reasoning="\n".join(reasoning), tool_calls=tuple(calls))


def _tool_call(block: Block, at: str) -> ToolCall:
    try:
        # The JSON is kept as written, and unread: only its first sign is looked at.
        arguments = bytes(block.input).decode()
    except UnicodeDecodeError as exc:
        raise BadRequest("A tool_use block's input is not valid UTF-8.", param=f"{at}.input") from exc
    if not arguments.startswith("{"):
        raise BadRequest("A tool_use block's input is an object.", param=f"{at}.input")
    return ToolCall(block.id or "", block.name or "", arguments)


def _parts(block: Block, at: str, in_document: bool = False) -> list[Part]:
    """A block's content for the model. Kinds without any (server tools and their results, …) are dropped."""
    match block.type:
        case "text":
            return [TextPart(block.text)] if block.text else []
        case "image":
            return [_image(block.source, f"{at}.source")]
        case "document" | "search_result" if in_document:
            raise BadRequest("Documents hold text and images, not each other.", param=at)
        case "document":
            return _document(block, f"{at}.source")
        case "search_result":
            return [
                TextPart(f"{block.title or ''} ({block.source or ''})\n"),
                *_content(block.content, f"{at}.content", in_document=True),
            ]
        case _:
            return []


def _image(source: Source | str | None, at: str) -> ImagePart:
    match source:
        case Source(type="base64"):
            return ImagePart(read_base64(source.data, f"{at}.data"), source.media_type or "")
        case Source(type="url"):
            return read_link(source.url, f"{at}.url")
        case _:
            raise BadRequest(
                "An image's source is base64 or an URL here.", param=at, hint="There is no store of uploaded files."
            )


def _document(block: Block, at: str) -> list[Part]:
    """Text documents as text between tags, with their title and context; their images stay images."""
    parts: list[Part]
    match block.source:
        case Source(type="text"):
            parts = [TextPart(block.source.data)]
        case Source(type="content"):
            parts = _content(block.source.content, f"{at}.content", in_document=True)
        case _:
            raise BadRequest(
                "Documents are read as text only: PDFs and files by address or id are not.",
                param=at,
                hint="Send the document's text, or its pages as images.",
            )
    title = f' title="{block.title}"' if block.title else ""
    context = f"{block.context}\n" if block.context else ""
    return [TextPart(f"<document{title}>\n{context}"), *parts, TextPart("\n</document>\n")]
