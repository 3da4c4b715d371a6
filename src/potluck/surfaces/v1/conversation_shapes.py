"""Conversations as they are kept: lists, searches, messages and branches."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from potluck.storage.conversation_records import Titled
from potluck.storage.records import MessageState
from potluck.surfaces.v1.shapes import Named, Tag, Temperature, Tokens


class SnippetPiece(msgspec.Struct):
    """``found``: it is what was looked for."""

    text: str
    found: bool


class SearchMatch(msgspec.Struct):
    """Where a search found its text. ``message`` is null if only the title has it. ``pieces`` are ``snippet`` with what
    was found marked."""

    message: str | None
    snippet: str
    pieces: list[SnippetPiece] = []


class ConversationInfo(msgspec.Struct):
    """``match`` is set in the results of a search only. ``titled`` says who made the title: its first ``words``, a
    ``model``, or a ``person``, whose title no model changes. ``folder`` is its id. A ``temporary`` one is in memory
    alone."""

    id: str
    title: str
    model: str
    message_count: int
    created_at: str
    updated_at: str
    match: SearchMatch | None = None
    titled: Titled = Titled.WORDS
    pinned: bool = False
    archived: bool = False
    folder: str | None = None
    tags: list[str] = []
    temporary: bool = False


class ConversationList(msgspec.Struct):
    """``next`` is the ``cursor`` of the next page, null on the last one."""

    conversations: list[ConversationInfo]
    next: str | None = None


class ConversationQuery(msgspec.Struct):
    """``q`` searches titles and messages instead of listing: words or their beginnings, in any order, and what is in
    quotes as it is. ``folder`` is its id, or ``none``; without ``archived`` both are listed.
    """

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str = ""
    q: str = ""
    folder: str = ""
    archived: bool | None = None
    pinned: bool | None = None
    tag: str = ""


class NewConversation(msgspec.Struct):
    title: Annotated[str, Meta(max_length=200)] = ""
    model: str = ""


class ParamsInfo(msgspec.Struct, omit_defaults=True):
    """How a conversation's answers are drawn, where a request does not say."""

    temperature: Temperature | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    seed: int | None = None
    stop: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=16)] = []
    think: bool | None = None


class ConversationPatch(msgspec.Struct, omit_defaults=True):
    """What is left out stays. ``leaf`` is the last message of the branch that is shown. ``folder`` null takes it out of
    its folder. ``system`` and ``params`` are for answers whose requests do not say."""

    title: Named | UnsetType = UNSET
    model: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    leaf: str | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    folder: str | UnsetType | None = UNSET
    tags: Annotated[list[Tag], Meta(max_length=20)] | UnsetType = UNSET
    system: Annotated[str, Meta(max_length=100_000)] | UnsetType = UNSET
    params: ParamsInfo | UnsetType = UNSET


class MessageRescue(msgspec.Struct):
    """A node that went on with the answer after another one broke, in a ``way`` of
    docs/guides/when-a-node-dies.md."""

    node: str
    way: str


class ToolCallInfo(msgspec.Struct):
    """A tool that a model called; ``arguments`` is JSON as the model wrote it."""

    id: str
    name: str
    arguments: str


class AttachmentInfo(msgspec.Struct):
    """A file that was sent with a message; its content is at ``/api/v1/files/{file}/content``, if it is there still."""

    file: str
    name: str
    media_type: str
    size_bytes: int


class MessageInfo(msgspec.Struct):
    """``text`` holds all text of a message; ``images`` is how many images it has beside ``attachments``. ``parent`` is
    what it follows, ``children`` are those that follow it, oldest first: more than one are branches.

    What is told of an answer: ``first_token_ms`` from the request to the first text, ``rescued`` where other nodes went
    on with it. ``error``, ``error_type`` and ``error_hint`` stand beside the text that came before; ``stopped`` is why
    it was ended early.
    """

    id: str
    role: str
    text: str
    state: MessageState
    created_at: str
    parent: str | None = None
    reasoning: str = ""
    images: int = 0
    model: str | None = None
    node: str | None = None
    request_id: str | None = None
    finish: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""
    children: list[str] = []
    first_token_ms: int | None = None
    tokens_per_s: float | None = None
    rescued: list[MessageRescue] = []
    attachments: list[AttachmentInfo] = []
    tool_calls: list[ToolCallInfo] = []
    tool: str = ""
    error_type: str = ""
    error_hint: str = ""
    stopped: str = ""


class ThreadQuery(msgspec.Struct):
    """``branch`` leaves out all messages but those of one branch: ``active``, the one that is shown, or the one that
    ends with the message of that id."""

    branch: str = ""


class ConversationThread(ConversationInfo, kw_only=True):
    """One conversation with its messages, in the order of writing. ``leaf`` is the last one of the branch that is
    shown, null if there is no message; ``roots`` are the first messages, oldest first: more than one are branches."""

    messages: list[MessageInfo]
    leaf: str | None = None
    roots: list[str] = []
    system: str = ""
    params: ParamsInfo = msgspec.field(default_factory=ParamsInfo)


class MessagesDeleted(msgspec.Struct):
    """``deleted`` are the message that was named and all that followed it; ``leaf`` is as of a conversation."""

    deleted: list[str]
    leaf: str | None
