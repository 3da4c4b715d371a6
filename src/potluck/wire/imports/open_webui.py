"""Open WebUI's export (Settings, Data, Export Chats): a list of chats, each with its tree under ``chat.history``."""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import Any, cast

import msgspec

from potluck.core.call import Role
from potluck.wire.imports.port import (
    ForeignMessage,
    ForeignThread,
    Unreadable,
    bounded,
    newest,
    ordered,
    seconds,
    text_in,
)

SOURCE = "open-webui"

# Reasoning is kept in the text: a fold with a quotation.
_REASONING = re.compile(r'<details type="reasoning"[^>]*>(.*?)</details>\s*', re.DOTALL)
_OTHER_FOLDS = re.compile(r'<details type="(?:tool_calls|code_interpreter)"[^>]*>.*?</details>\s*', re.DOTALL)
_SUMMARY = re.compile(r"<summary>.*?</summary>", re.DOTALL)
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM}


class _Message(msgspec.Struct, rename="camel"):
    role: str = ""
    content: Any = None
    parent_id: str | None = None
    timestamp: float | None = None
    model: str | None = None
    files: list[Any] | None = None


class _History(msgspec.Struct, rename="camel"):
    messages: dict[str, msgspec.Raw] = {}
    current_id: str | None = None


class _Params(msgspec.Struct):
    system: str | None = None


class _Chat(msgspec.Struct):
    title: str | None = None
    models: list[str] | None = None
    history: _History = msgspec.field(default_factory=_History)
    tags: list[Any] | None = None
    timestamp: float | None = None
    params: _Params | None = None
    system: str | None = None


class _Meta(msgspec.Struct):
    tags: list[Any] | None = None


class _Export(msgspec.Struct):
    id: str | None = None
    title: str | None = None
    chat: _Chat = msgspec.field(default_factory=_Chat)
    created_at: float | None = None
    updated_at: float | None = None
    archived: bool | None = None
    pinned: bool | None = None
    meta: _Meta | None = None


def read(raw: bytes) -> ForeignThread:
    """Raises `Unreadable`, and `msgspec.ValidationError` for what is not of this shape."""
    export = msgspec.json.decode(raw, type=_Export)
    chat, left_out = export.chat, Counter[str]()
    found = [_message(name, each, left_out) for name, each in chat.history.messages.items()]
    messages = ordered([each for each in found if each is not None], left_out)
    title = export.title or chat.title or ""
    if not messages:
        raise Unreadable("It has no messages.", title)
    created_s = seconds(export.created_at) or seconds(chat.timestamp) or messages[0].created_s
    known = {each.id for each in messages}
    return ForeignThread(
        source=SOURCE,
        id=export.id or f"{title} {messages[0].id}",
        title=title,
        created_s=created_s,
        updated_s=seconds(export.updated_at) or newest(messages, created_s),
        messages=messages,
        leaf=chat.history.current_id if chat.history.current_id in known else None,
        model=next(iter(chat.models or ()), ""),
        system=(chat.params.system if chat.params is not None else None) or chat.system or "",
        tags=_tags([*(chat.tags or ()), *((export.meta.tags if export.meta is not None else None) or ())]),
        pinned=bool(export.pinned),
        archived=bool(export.archived),
        left_out=left_out,
    )


def _message(name: str, raw: msgspec.Raw, left_out: Counter[str]) -> ForeignMessage | None:
    try:
        message = msgspec.json.decode(raw, type=_Message)
    except msgspec.ValidationError:
        left_out["messages that cannot be read"] += 1
        return None
    role = _ROLES.get(message.role)
    if role is None:
        left_out["messages of other roles"] += 1
        return None
    if message.files:
        left_out["files"] += len(message.files)
    text = _text(message.content, left_out)
    reasoning = "\n\n".join(_quoted(match[1]) for match in _REASONING.finditer(text))
    text, folds = _OTHER_FOLDS.subn("", _REASONING.sub("", text))
    if folds:
        left_out["tool calls"] += folds
    return ForeignMessage(
        id=name,
        parent=message.parent_id,
        role=role,
        text=bounded(text, left_out),
        created_s=seconds(message.timestamp),
        reasoning=bounded(reasoning, left_out),
        model=message.model or "",
    )


def _text(content: object, left_out: Counter[str]) -> str:
    """A text, or OpenAI's list of parts."""
    if isinstance(content, str):
        return content
    found: list[str] = []
    for part in cast("list[object]", content) if isinstance(content, list) else []:
        text = text_in(part, "text")
        if text is None:
            left_out["images"] += 1
        else:
            found.append(text)
    return "\n".join(found)


def _quoted(fold: str) -> str:
    """What stands in a fold, as HTML: each line behind a ``>``, which later versions write as HTML, too."""
    lines = html.unescape(_SUMMARY.sub("", fold)).strip().splitlines()
    return "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)


def _tags(tags: list[Any]) -> tuple[str, ...]:
    """Names, or records with a name."""
    names = [each if isinstance(each, str) else text_in(each, "name") for each in tags]
    return tuple(dict.fromkeys(name[:50] for name in names if name))[:20]
