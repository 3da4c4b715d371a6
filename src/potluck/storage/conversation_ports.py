"""What the rest may ask of storage about conversations and what is around them. What `ports` says of all holds, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from potluck.core.model import UserId
from potluck.storage.conversation_records import (
    EVERY,
    ConversationChange,
    ConversationFilter,
    Folder,
    Prompt,
    PromptChange,
    Share,
)
from potluck.storage.records import (
    Conversation,
    ConversationId,
    ConversationPage,
    MessageId,
    NewMessage,
    Place,
    SearchPage,
    StoredMessage,
    Thread,
)


class ConversationStore(Protocol):
    """Conversations and their messages. A conversation of another user is `NotFound`, as if it did not exist."""

    async def create(self, conversation: Conversation) -> None:
        """Keep a new, empty conversation; its ``messages`` is ignored. Raises `Conflict` if the id is taken."""
        ...

    async def list(
        self, user: UserId, *, limit: int, cursor: str | None = None, where: ConversationFilter = EVERY
    ) -> ConversationPage:
        """Newest first by ``updated_s``. Raises `BadRequest` for a cursor that `list` did not make.

        One that changes between two pages moves to the front: the later page then lacks it, none comes twice.
        """
        ...

    async def get(self, conversation: ConversationId, user: UserId) -> Thread:
        """Raises `NotFound`."""
        ...

    async def change(
        self, conversation: ConversationId, user: UserId, change: ConversationChange, now: float
    ) -> Conversation:
        """Raises `NotFound`, for the conversation, a ``leaf`` that is not in it, or a folder.

        A title of a model's is passed over where a person has chosen one.
        """
        ...

    async def delete(self, conversation: ConversationId, user: UserId) -> None:
        """Remove it with all its messages. Raises `NotFound`."""
        ...

    async def append(
        self,
        conversation: ConversationId,
        user: UserId,
        messages: Sequence[NewMessage],
        now: float,
        *,
        after: MessageId | Place = Place.END,
        model: str = "",
        follows: bool = False,
        replaces: MessageId | None = None,
    ) -> tuple[StoredMessage, ...]:
        """Write messages, each following the one before it and the first following ``after``.

        ``Place.END`` is the newest message of all, ``Place.START`` makes a new first one. Appends that run at the same
        time get different ``seq``, each one's in a row. ``model``, if given, becomes the conversation's. The last
        message becomes the conversation's leaf; with ``follows`` only where the leaf is what the first one follows, or
        is replaced. ``replaces`` is deleted, if it is there and nothing follows it.

        Raises `NotFound` (the conversation, or ``after`` in it) and `Conflict` (a message's id is taken).
        """
        ...

    async def delete_messages(
        self, conversation: ConversationId, user: UserId, root: MessageId
    ) -> tuple[Conversation, frozenset[MessageId]]:
        """Delete a message and all that follow it; which those were. If the leaf was among them, it is then the newest
        one of what stands beside them. Raises `NotFound`."""
        ...

    async def search(self, user: UserId, text: str, *, limit: int, cursor: str | None = None) -> SearchPage:
        """Conversations whose title, or one of whose messages, has all that ``text`` asks for (`core.searching`), the
        newest first, each once. Where no word begins with what is asked for, what stands inside of words is found.

        Raises `BadRequest` for a text that is empty or over 200 characters, and for a cursor that it did not make.
        """
        ...

    async def take_in(self, conversation: Conversation, messages: Sequence[StoredMessage]) -> int:
        """Keep a conversation from elsewhere, or what of it is not here yet; how many messages that were. Times and
        ``seq`` of the messages are theirs, in a new one; those that come to one that is here follow it. A parent comes
        before its children.

        Raises `Conflict` if another user has a conversation or a message of such an id.
        """
        ...


class FolderStore(Protocol):
    """Folders of conversations. A folder of another user is `NotFound`."""

    async def all(self, user: UserId) -> tuple[Folder, ...]:
        """By name."""
        ...

    async def add(self, folder: Folder) -> None:
        """Raises `Conflict` if the user has one of that name."""
        ...

    async def rename(self, folder: str, user: UserId, name: str) -> Folder:
        """Raises `NotFound` and `Conflict`."""
        ...

    async def remove(self, folder: str, user: UserId) -> None:
        """What is in it is in none then. Raises `NotFound`."""
        ...


class ShareStore(Protocol):
    """Conversations that others may read. A share of another user is `NotFound` but to `open`."""

    async def add(self, share: Share) -> None:
        """Raises `NotFound` if its conversation is not its user's, or the leaf is not in that."""
        ...

    async def all(self, user: UserId, conversation: ConversationId | None = None) -> tuple[Share, ...]:
        """The newest first, of all conversations or one; those that are over too."""
        ...

    async def remove(self, share: str, user: UserId) -> None:
        """Raises `NotFound`."""
        ...

    async def open(self, share: str, now: float) -> tuple[Share, Thread]:
        """What is shared, as far as it is. Raises `NotFound`, also for one that is over."""
        ...


class PromptStore(Protocol):
    """Prompts, one's own and shared ones."""

    async def visible(self, user: UserId) -> tuple[Prompt, ...]:
        """One's own and all that are shared, by name."""
        ...

    async def add(self, prompt: Prompt) -> None: ...

    async def change(self, prompt: str, user: UserId | None, change: PromptChange, now: float) -> Prompt:
        """``user`` None changes anybody's that is shared. Raises `NotFound`, also for another user's."""
        ...

    async def remove(self, prompt: str, user: UserId | None) -> None:
        """As `change`. Raises `NotFound`."""
        ...


class PreferenceStore(Protocol):
    """What each user prefers, as JSON that the caller understands."""

    async def get(self, user: UserId) -> str | None: ...

    async def set(self, user: UserId, value: str, now: float) -> None: ...
