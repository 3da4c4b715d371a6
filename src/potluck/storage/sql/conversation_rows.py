"""Conversations and messages as rows of their tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET
from sqlalchemy import Row

from potluck.core.answer import FinishReason
from potluck.core.model import ModelId, NodeId, RequestId, UserId
from potluck.storage.conversation_records import (
    NO_DETAILS,
    NO_PARAMS,
    ChatParams,
    ConversationChange,
    MessageDetails,
    Titled,
)
from potluck.storage.records import (
    Conversation,
    ConversationId,
    MessageId,
    MessageState,
    NewMessage,
    StoredMessage,
)
from potluck.storage.sql.content import clean, decode, encode, fold

T = TypeVar("T")


def conversation_row(conversation: Conversation) -> dict[str, object]:
    """A new one, without messages."""
    return {
        "id": conversation.id,
        "user_id": conversation.user,
        "title": clean(conversation.title),
        "title_folded": fold(conversation.title),
        "model": clean(conversation.model),
        "created_s": conversation.created_s,
        "updated_s": conversation.updated_s,
        "last_seq": 0,
        "removed": 0,
        "pinned_s": conversation.pinned_s,
        "archived_s": conversation.archived_s,
        "folder_id": conversation.folder,
        "tags": clean(msgspec.json.encode(conversation.tags).decode()),
        "system": clean(conversation.system),
        "params": _optional(conversation.params, NO_PARAMS),
        "titled": conversation.titled.value,
    }


def change_values(change: ConversationChange, now: float) -> dict[str, object]:
    """A change in the table's terms."""
    values: dict[str, object] = {}
    if change.title is not UNSET:
        values |= {"title": clean(change.title), "title_folded": fold(change.title), "titled": change.titled.value}
        if change.titled is Titled.PERSON:
            values["updated_s"] = now
    if change.model is not UNSET:
        values["model"] = clean(change.model)
    if change.tags is not UNSET:
        values["tags"] = clean(msgspec.json.encode(change.tags).decode())
    if change.system is not UNSET:
        values["system"] = clean(change.system)
    if change.params is not UNSET:
        values["params"] = _optional(change.params, NO_PARAMS)
    plain = {
        "leaf_id": change.leaf,
        "pinned_s": change.pinned_s,
        "archived_s": change.archived_s,
        "folder_id": change.folder,
    }
    return values | {column: value for column, value in plain.items() if value is not UNSET}


def _optional(value: T, nothing: T) -> str | None:
    """JSON of a record, null of one that says nothing."""
    return None if value == nothing else clean(msgspec.json.encode(value).decode())


def message_rows(stored: Sequence[StoredMessage]) -> list[dict[str, object]]:
    return [
        {
            "id": each.id,
            "conversation_id": each.conversation,
            "seq": each.seq,
            "parent_id": each.parent,
            "created_s": each.created_s,
            "role": each.message.role.value,
            "content": encode(each.message),
            "folded": fold(each.message.text),
            "state": each.new.state.value,
            "model": each.new.model,
            "node": each.new.node,
            "request_id": each.new.request,
            "finish": each.new.finish.value if each.new.finish is not None else None,
            "prompt_tokens": each.new.prompt_tokens,
            "completion_tokens": each.new.completion_tokens,
            "error": clean(each.new.error),
            "details": _optional(each.new.details, NO_DETAILS),
        }
        for each in stored
    ]


def conversation_of(row: Row[Any]) -> Conversation:
    return Conversation(
        id=ConversationId(row.id),
        user=UserId(row.user_id),
        title=row.title,
        created_s=row.created_s,
        updated_s=row.updated_s,
        model=row.model,
        messages=row.last_seq - row.removed,
        leaf=MessageId(row.leaf_id) if row.leaf_id is not None else None,
        pinned_s=row.pinned_s,
        archived_s=row.archived_s,
        folder=row.folder_id,
        tags=msgspec.json.decode(row.tags, type=tuple[str, ...]),
        system=row.system,
        params=NO_PARAMS if row.params is None else msgspec.json.decode(row.params, type=ChatParams),
        titled=Titled(row.titled),
    )


def message_of(row: Row[Any]) -> StoredMessage:
    new = NewMessage(
        id=MessageId(row.id),
        message=decode(row.role, row.content),
        state=MessageState(row.state),
        model=ModelId(row.model) if row.model is not None else None,
        node=NodeId(row.node) if row.node is not None else None,
        request=RequestId(row.request_id) if row.request_id is not None else None,
        finish=FinishReason(row.finish) if row.finish is not None else None,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        error=row.error,
        details=NO_DETAILS if row.details is None else msgspec.json.decode(row.details, type=MessageDetails),
    )
    parent = MessageId(row.parent_id) if row.parent_id is not None else None
    return StoredMessage(ConversationId(row.conversation_id), row.seq, parent, row.created_s, new)
