"""What a conversation from elsewhere comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from potluck.core.call import Role

MOST_MESSAGES = 20_000
"""Of one conversation; a thousand times what people write."""

TEXT_CHARS = 1_000_000
"""Of one message."""


@dataclass(frozen=True, slots=True)
class ForeignMessage:
    """``id`` is the other program's. ``created_s`` is Unix seconds, 0 where it does not say."""

    id: str
    parent: str | None
    role: Role
    text: str
    created_s: float = 0.0
    reasoning: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class ForeignThread:
    """A conversation; each message comes behind the one that it follows. ``leaf`` is the last one of the branch that
    was shown, None where that is not told. ``left_out`` counts what was not taken, in words."""

    source: str
    id: str
    title: str
    created_s: float
    updated_s: float
    messages: tuple[ForeignMessage, ...]
    leaf: str | None = None
    model: str = ""
    system: str = ""
    tags: tuple[str, ...] = ()
    pinned: bool = False
    archived: bool = False
    left_out: Counter[str] = field(default_factory=Counter[str])


class Unreadable(Exception):
    """A conversation that cannot be taken; the words say why."""

    def __init__(self, why: str, title: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.title = title


def ordered(messages: Iterable[ForeignMessage], left_out: Counter[str]) -> tuple[ForeignMessage, ...]:
    """Each behind the one that it follows, siblings by their order. What follows nothing that is there begins a branch
    of its own; what goes in a circle is left out. Raises `Unreadable` for too many."""
    by_id = {each.id: each for each in messages}
    if len(by_id) > MOST_MESSAGES:
        raise Unreadable(f"It has more than {MOST_MESSAGES} messages.")
    children: dict[str | None, list[ForeignMessage]] = {}
    for each in by_id.values():
        children.setdefault(each.parent if each.parent in by_id else None, []).append(each)
    found: list[ForeignMessage] = []
    waiting = children.pop(None, [])[::-1]
    while waiting:
        at = waiting.pop()
        found.append(at)
        waiting += children.pop(at.id, [])[::-1]
    if len(found) < len(by_id):
        left_out["messages that follow themselves"] += len(by_id) - len(found)
    known = {each.id for each in found}
    return tuple(each if each.parent in known else _first(each) for each in found)


def _first(message: ForeignMessage) -> ForeignMessage:
    """Without a parent that is not there."""
    return ForeignMessage(
        message.id, None, message.role, message.text, message.created_s, message.reasoning, message.model
    )


def seconds(value: float | None) -> float:
    """A time that may be told in seconds, milliseconds, microseconds or nanoseconds; 0 for none, and for what no year
    of ours has."""
    if value is None or not 0 < value < 1e20:
        return 0.0
    while value > 1e11:
        value /= 1000
    return value


def bounded(text: str, left_out: Counter[str]) -> str:
    """Cut where nobody reads on."""
    if len(text) > TEXT_CHARS:
        left_out["ends of long messages"] += 1
    return text[:TEXT_CHARS]


def newest(messages: Sequence[ForeignMessage], least_s: float) -> float:
    return max((each.created_s for each in messages), default=0.0) or least_s


def text_in(value: object, name: str) -> str | None:
    """A text field of what may be a JSON object; None where it is not one, or has no such text."""
    found = cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None
