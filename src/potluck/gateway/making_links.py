"""One-time links made: what the first start does, too, which needs nothing else of how people come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from potluck.core.audit import Event
from potluck.core.keys import RANDOM_BYTES, digest, make_token
from potluck.core.model import UserId
from potluck.core.people import OWNER_ID, Role
from potluck.gateway.audit import Audit
from potluck.gateway.port import Caller
from potluck.storage.ports import Storage
from potluck.storage.records import LinkId, LinkKind, LinkRecord

# A new one comes with every start.
_SETUP_S: Final = 7 * 86_400.0
# Whose password an invitation sets: nobody's yet.
_NOBODY: Final = UserId("")


class LinkMaker:
    """``clock`` is Unix seconds."""

    def __init__(
        self,
        storage: Storage,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        random_bytes: Callable[[int], bytes],
        audit: Audit,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id
        self._random_bytes = random_bytes
        self._audit = audit

    async def set_up(self, actor: Caller | None = None) -> tuple[LinkRecord, str]:
        """A link by which the owner chooses a name and the first password, in place of any earlier one; with its token.
        Nobody is Potluck itself, at its start."""
        return await self.make(LinkKind.SETUP, actor, _SETUP_S, user=OWNER_ID, role=Role.OWNER)

    async def make(
        self,
        kind: LinkKind,
        actor: Caller | None,
        expires_in_s: float,
        *,
        role: Role,
        user: UserId = _NOBODY,
        name: str = "",
        shown: str = "",
    ) -> tuple[LinkRecord, str]:
        """A link with its token. ``shown`` is whose it is, for the audit log."""
        token, now = make_token(self._random_bytes(RANDOM_BYTES)), self._clock()
        by = OWNER_ID if actor is None else actor.user
        record = LinkRecord(LinkId(self._new_id()), kind, digest(token), by, now, now + expires_in_s, user, role, name)
        await self._storage.links.add(record)
        subject = shown or name
        await self._audit.tell(Event.LINK_MADE, actor, subject, kind=kind.value, link=record.id, role=role.value)
        return record, token


def own_url(told: str, listening: str) -> str:
    """How links begin: as the owner says, else with where the service listens (``http://HOST:PORT``).

    Every address of the machine is none that a browser could go to; its own is one on the machine itself.
    """
    return told or listening.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
