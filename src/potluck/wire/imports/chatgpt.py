"""ChatGPT's export: ``conversations.json``, a list of conversations, each a ``mapping`` of nodes.

Many nodes hold nothing that anybody said: what follows them follows the one before them here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

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

SOURCE = "chatgpt"

_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}
# In a row, before one answer.
_MOST_THOUGHTS = 100
_LEFT_OUT = {"tool": "outputs of tools", "system": ""}


class _Author(msgspec.Struct):
    role: str = ""


class _Content(msgspec.Struct):
    content_type: str = ""
    parts: list[Any] | None = None
    text: str | None = None
    language: str | None = None
    thoughts: list[Any] | None = None


class _Metadata(msgspec.Struct):
    model_slug: str | None = None
    is_visually_hidden_from_conversation: bool | None = None


class _Message(msgspec.Struct):
    author: _Author = msgspec.field(default_factory=_Author)
    content: _Content = msgspec.field(default_factory=_Content)
    create_time: float | None = None
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Node(msgspec.Struct):
    message: _Message | None = None
    parent: str | None = None


class _Conversation(msgspec.Struct):
    mapping: dict[str, msgspec.Raw]
    title: str | None = None
    id: str | None = None
    conversation_id: str | None = None
    create_time: float | None = None
    update_time: float | None = None
    current_node: str | None = None
    is_archived: bool | None = None
    is_starred: bool | None = None
    default_model_slug: str | None = None


def read(raw: bytes) -> ForeignThread:
    """Raises `Unreadable`, and `msgspec.ValidationError` for what is not of this shape."""
    about, left_out = msgspec.json.decode(raw, type=_Conversation), Counter[str]()
    nodes = {name: _node(each, left_out) for name, each in about.mapping.items()}
    said = {name: _said(name, node, left_out) for name, node in nodes.items()}
    tree = _Tree(nodes, said)
    found = [
        ForeignMessage(
            name,
            tree.above(name),
            each.role,
            each.text,
            each.created_s,
            bounded(_thoughts(tree.silent(name)), left_out) if each.role is Role.ASSISTANT else "",
            each.model,
        )
        for name, each in said.items()
        if each is not None
    ]
    messages = ordered(found, left_out)
    title = about.title or ""
    if not messages:
        raise Unreadable("It has no messages.", title)
    created_s = seconds(about.create_time) or messages[0].created_s
    shown = about.current_node or ""
    leaf = shown if said.get(shown) is not None else tree.above(shown)
    return ForeignThread(
        source=SOURCE,
        id=about.conversation_id or about.id or messages[0].id,
        title=title,
        created_s=created_s,
        updated_s=seconds(about.update_time) or newest(messages, created_s),
        messages=messages,
        leaf=leaf if any(each.id == leaf for each in messages) else None,
        model=about.default_model_slug or "",
        pinned=bool(about.is_starred),
        archived=bool(about.is_archived),
        left_out=left_out,
    )


def _node(raw: msgspec.Raw, left_out: Counter[str]) -> _Node:
    try:
        return msgspec.json.decode(raw, type=_Node)
    except msgspec.ValidationError:
        left_out["messages that cannot be read"] += 1
        return _Node()


def _said(name: str, node: _Node, left_out: Counter[str]) -> ForeignMessage | None:
    """What was said in a node; None for one that nobody sees."""
    message = node.message
    if message is None or message.metadata.is_visually_hidden_from_conversation:
        return None
    role = _ROLES.get(message.author.role)
    if role is None:
        if what := _LEFT_OUT.get(message.author.role, "messages of other roles"):
            left_out[what] += 1
        return None
    text = _text(message.content, left_out)
    if not text.strip():
        return None
    return ForeignMessage(
        name, None, role, bounded(text, left_out), seconds(message.create_time), "", message.metadata.model_slug or ""
    )


def _text(content: _Content, left_out: Counter[str]) -> str:
    match content.content_type:
        case "text" | "multimodal_text":
            return _joined(content.parts or [], left_out)
        case "code":
            return f"```{content.language or ''}\n{content.text}\n```" if content.text else ""
        case "thoughts" | "reasoning_recap" | "user_editable_context" | "model_editable_context":
            return ""
        case other:
            left_out[f"'{other[:40]}'"] += 1
            return content.text or ""


def _joined(parts: list[Any], left_out: Counter[str]) -> str:
    """Texts, and what was transcribed; of images and sounds the export has no bytes here."""
    found: list[str] = []
    for part in parts:
        text = part if isinstance(part, str) else text_in(part, "text")
        if text is not None:
            found.append(text)
        elif isinstance(part, dict):
            left_out["images and sounds"] += 1
    return "\n".join(found)


class _Tree:
    """Nodes by name, and which of them say something."""

    def __init__(self, nodes: dict[str, _Node], said: Mapping[str, ForeignMessage | None]) -> None:
        self._nodes = nodes
        self._said = said
        self._above: dict[str, str | None] = {}

    def above(self, name: str) -> str | None:
        """The nearest node above in which something was said. Each silent one is passed once, whoever asks."""
        passed: list[str] = []
        at = self._parent(name)
        while at is not None and self._said[at] is None and at not in self._above:
            passed.append(at)
            self._above[at] = None  # for who goes in a circle
            at = self._parent(at)
        found = self._above[at] if at is not None and self._said[at] is None else at
        self._above.update(dict.fromkeys(passed, found))
        return found

    def _parent(self, name: str) -> str | None:
        parent = self._nodes[name].parent if name in self._nodes else None
        return parent if parent in self._nodes else None

    def silent(self, name: str) -> Iterator[_Node]:
        """The nodes between this one and the one before that says something, the nearest first."""
        at = self._parent(name)
        for _ in range(_MOST_THOUGHTS):
            if at is None or self._said[at] is not None:
                return
            yield self._nodes[at]
            at = self._parent(at)


def _thoughts(nodes: Iterator[_Node]) -> str:
    """What a model thought in them."""
    found: list[str] = []
    for node in nodes:
        message = node.message
        thoughts = (message.content.thoughts or []) if message is not None else []
        found += [
            "\n".join(filter(None, (text_in(each, "summary"), text_in(each, "content")))) for each in reversed(thoughts)
        ]
    return "\n\n".join(filter(None, reversed(found)))
