"""What a prompt begins with. By that the calls of one conversation, or of one file in an editor, are known to each
other: an engine that has read it for one of them need not read it for the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from potluck.core.model import UserId

Opening: TypeAlias = "tuple[str, ...]"
"""Texts in their order, each cut to what tells it from others. Empty: nothing worth to be known by."""

# Agents' instructions are alike for tens of thousands of characters, but then the first message tells them apart.
_MESSAGE_CHARS = 2048
# Some clients put instructions, tools and files into messages of their own before the first one of the user's.
_MOST_MESSAGES = 8
# While somebody types, what stands before the cursor grows at its end. A shorter text costs nothing to read anew.
_TEXT_CHARS = 256

NO_OPENING: Opening = ()


def opening_of_turns(turns: Iterable[tuple[str, str]]) -> Opening:
    """Of a conversation: everything up to the first message of the user, which no later turn changes. ``turns`` are
    roles and texts.
    """
    found: list[str] = []
    for role, text in turns:
        found.append(text if len(text) <= _MESSAGE_CHARS else text[:_MESSAGE_CHARS])
        if role == "user" or len(found) == _MOST_MESSAGES:
            break
    return tuple(found)


def opening_of_text(text: str) -> Opening:
    """Of a text to be continued."""
    return (text[:_TEXT_CHARS],) if len(text) >= _TEXT_CHARS else NO_OPENING


def conversation_name(user: UserId, opening: Opening) -> str:
    """A name that tells nothing of the texts, and means something in this process only; empty for no opening.

    Python's own hash: it is keyed anew at each start, and a thousand characters take it a microsecond.
    """
    return str(hash((user, opening))) if opening else ""
