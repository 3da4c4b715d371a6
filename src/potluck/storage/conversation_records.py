"""What is kept of conversations beside their messages' content. Times are Unix seconds, durations seconds."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType

from potluck.core.model import NodeId, UserId


class RescueNote(msgspec.Struct, frozen=True):
    """A node that went on with an answer after another one broke, in a ``way`` of `core.rescue`."""

    node: NodeId
    way: str = ""


class Attachment(msgspec.Struct, frozen=True):
    """A file that was sent with a message, by its id in the files of the message's user. What it held is read anew each
    time that a model is shown it."""

    file: str
    name: str
    media_type: str
    size_bytes: int


class MessageDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is told of a message and never searched by.

    ``first_token_s`` is from the request to the answer's first text. ``failure`` is the error's kind and ``hint`` its
    remedy, where it failed; ``stopped`` is why it was ended early. ``asked`` is a digest of the request that it
    answers, where that had a key by which it may be sent again.
    """

    first_token_s: float | None = None
    tokens_per_s: float | None = None
    rescues: tuple[RescueNote, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    failure: str = ""
    hint: str = ""
    stopped: str = ""
    asked: str = ""


NO_DETAILS = MessageDetails()


class ChatParams(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a conversation's answers are drawn, where a request does not say."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    think: bool | None = None


NO_PARAMS = ChatParams()


class Titled(StrEnum):
    """Where a title is from: the first words, a model, or a person, which no model may change."""

    WORDS = "words"
    MODEL = "model"
    PERSON = "person"


class ConversationChange(msgspec.Struct, frozen=True):
    """What is to be changed of a conversation; all else stays. A title of a person's is a change of the conversation,
    which moves it to the front; nothing else here does."""

    title: str | UnsetType = UNSET
    titled: Titled = Titled.PERSON
    model: str | UnsetType = UNSET
    leaf: str | UnsetType = UNSET
    pinned_s: float | UnsetType | None = UNSET
    archived_s: float | UnsetType | None = UNSET
    folder: str | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    system: str | UnsetType = UNSET
    params: ChatParams | UnsetType = UNSET


class ConversationFilter(msgspec.Struct, frozen=True):
    """Which conversations to list; every field that is set must hold. ``folder`` None is for those in none."""

    folder: str | UnsetType | None = UNSET
    archived: bool | None = None
    pinned: bool | None = None
    tag: str = ""


EVERY = ConversationFilter()


class Folder(msgspec.Struct, frozen=True):
    """``conversations`` is how many are in it."""

    id: str
    user: UserId
    name: str
    created_s: float
    conversations: int = 0


class Share(msgspec.Struct, frozen=True):
    """A conversation that who knows the ``id`` may read, from its first message to ``leaf``. ``public``: also without
    signing in. It is over at ``expires_s``; None: only when it is withdrawn."""

    id: str
    user: UserId
    conversation: str
    leaf: str
    created_s: float
    expires_s: float | None = None
    public: bool = False


class Prompt(msgspec.Struct, frozen=True):
    """A text to begin with. ``shared``: everybody may use it, and only ``user`` change it."""

    id: str
    user: UserId
    name: str
    text: str
    created_s: float
    updated_s: float
    shared: bool = False


class PromptChange(msgspec.Struct, frozen=True):
    """What is left out stays."""

    name: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    shared: bool | UnsetType = UNSET
