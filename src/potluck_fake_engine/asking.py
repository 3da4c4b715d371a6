"""A request in the fake's own words: what every dialect is read into before an answer is made."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]

IMAGE_TOKENS = 256

_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)(?:<\|im_end\|>\n?|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    content: str = ""
    images: int = 0
    calls: str = ""
    """The calls of an assistant message, as JSON: they only cost tokens here."""


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    parameters: JsonObject = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Ask:
    """``schema`` None = free text, ``{}`` = any JSON object. ``force`` names the tools one of which must be called.

    ``raw`` marks a prompt that is continued as it stands (its text is the only message). ``forced_prefix`` is what a
    grammar makes the answer begin with.
    """

    model: str
    messages: tuple[Message, ...]
    raw: bool = False
    suffix: str = ""
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int = 0
    tools: tuple[Tool, ...] = ()
    force: tuple[str, ...] = ()
    schema: JsonObject | None = None
    think: bool = False
    forced_prefix: str = ""
    received: bytes = b""


def render(messages: tuple[Message, ...]) -> str:
    """The chat template that the fake's models have (ChatML); a trailing assistant message is left open."""
    parts = [f"<|im_start|>{m.role}\n{m.content}{m.calls}<|im_end|>\n" for m in messages]
    if messages and messages[-1].role == "assistant":
        parts[-1] = parts[-1].removesuffix("<|im_end|>\n")
    else:
        parts.append("<|im_start|>assistant\n")
    return "".join(parts)


def unrender(prompt: str) -> tuple[Message, ...] | None:
    """The messages of a prompt that somebody rendered with that template, or None for a plain text."""
    turns = _TURN.findall(prompt)
    if not turns:
        return None
    messages = [Message(role, content) for role, content in turns]
    if messages[-1] == Message("assistant"):
        messages.pop()
    return tuple(messages)
