"""Our own export: what ``GET /api/v1/conversations/{conversation}`` tells, one or many."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec

from potluck.core.call import Role
from potluck.wire.imports.port import ForeignMessage, ForeignThread, Unreadable, bounded, ordered

SOURCE = "potluck"
FORMAT = "potluck.conversations"


class _Message(msgspec.Struct):
    id: str
    role: str
    text: str
    created_at: datetime
    parent: str | None = None
    reasoning: str = ""
    model: str | None = None
    images: int = 0
    attachments: list[msgspec.Raw] = []


class _Thread(msgspec.Struct):
    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    messages: list[_Message]
    model: str = ""
    leaf: str | None = None
    system: str = ""
    tags: list[str] = []
    pinned: bool = False
    archived: bool = False


def read(raw: bytes) -> ForeignThread:
    """Raises `Unreadable`, and `msgspec.ValidationError` for what is not of this shape."""
    about, left_out = msgspec.json.decode(raw, type=_Thread), Counter[str]()
    roles = {role.value: role for role in Role if role is not Role.TOOL}
    found: list[ForeignMessage] = []
    for each in about.messages:
        role = roles.get(each.role)
        if role is None:
            left_out["messages of other roles"] += 1
            continue
        left_out["images"] += each.images
        left_out["files"] += len(each.attachments)
        found.append(
            ForeignMessage(
                each.id,
                each.parent,
                role,
                bounded(each.text, left_out),
                each.created_at.timestamp(),
                bounded(each.reasoning, left_out),
                each.model or "",
            )
        )
    messages = ordered(found, left_out)
    if not messages:
        raise Unreadable("It has no messages.", about.title)
    return ForeignThread(
        source=SOURCE,
        id=about.id,
        title=about.title,
        created_s=about.created_at.timestamp(),
        updated_s=about.updated_at.timestamp(),
        messages=messages,
        leaf=about.leaf if any(each.id == about.leaf for each in messages) else None,
        model=about.model,
        system=about.system,
        tags=tuple(tag[:50] for tag in about.tags[:20]),
        pinned=about.pinned,
        archived=about.archived,
        left_out=+left_out,
    )
