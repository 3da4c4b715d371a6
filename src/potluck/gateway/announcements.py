"""Word of what has changed, for whoever shows it: said in one line by who changes it, heard by all open portals.

To announce something new: a `Topic`, a method here, and what is to be shown of it in `surfaces.v1.live_views`.
"""

from __future__ import annotations

from potluck.core.model import UserId
from potluck.storage.records import ConversationId, Topic
from potluck.storage.shared_ports import Bus
from potluck.storage.temporary import is_temporary


class Announcements:
    """Says what has changed, to this gateway and all others of the installation. Neither waits nor fails."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def conversation(self, user: UserId, conversation: str) -> None:
        """A conversation of ``user`` is new, is gone, or has another title, folder, tag or last message.

        Nothing is told of a temporary one, which is in no list.
        """
        if is_temporary(conversation):
            return
        self._bus.publish(Topic.CONVERSATIONS, f"{user} {conversation}")


def conversation_of(what: str) -> tuple[UserId, ConversationId]:
    """Whose conversation was told of, and which; both are empty where it may be anybody's."""
    user, _, conversation = what.partition(" ")
    return UserId(user), ConversationId(conversation)
