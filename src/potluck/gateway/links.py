"""One-time links: to become a user, to choose a new password, and to set the owner up. Their tokens are shown once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec.structs import replace

from potluck.core.audit import Event
from potluck.core.errors import BadRequest, Conflict, Forbidden, NotFound
from potluck.core.keys import digest
from potluck.core.model import UserId
from potluck.core.passwords import checked_password
from potluck.core.people import OWNER_ID, Role, checked_name, folded, manages
from potluck.gateway.attempts import Attempts, Outcome, Visitor
from potluck.gateway.audit import Audit
from potluck.gateway.hashing import Hashing
from potluck.gateway.making_links import LinkMaker
from potluck.gateway.people import People, may_manage, newcomers_name
from potluck.gateway.port import Caller
from potluck.gateway.second_factor import SecondFactors
from potluck.storage.ports import Storage
from potluck.storage.records import LinkId, LinkKind, LinkRecord, PasswordRecord, UserRecord

INVITATION_S = 7 * 86_400.0
# Whoever asked for it waits for it.
_RESET_S = 86_400.0


class Links:
    """``clock`` is Unix seconds; ``changed`` is awaited after users have come or sessions have ended, and
    ``audit`` told."""

    def __init__(
        self,
        storage: Storage,
        people: People,
        hashing: Hashing,
        attempts: Attempts,
        factors: SecondFactors,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        random_bytes: Callable[[int], bytes],
        changed: Callable[[], Awaitable[None]],
        audit: Audit,
    ) -> None:
        self._storage = storage
        self._people = people
        self._hashing = hashing
        self._attempts = attempts
        self._factors = factors
        self._clock = clock
        self._new_id = new_id
        self._maker = LinkMaker(storage, clock, new_id, random_bytes, audit)
        self._changed = changed
        self._audit = audit

    # --- making ---

    async def invite(
        self, actor: Caller, name: str = "", role: Role = Role.MEMBER, expires_in_s: float = INVITATION_S
    ) -> tuple[LinkRecord, str]:
        """An invitation with its token. ``name`` is what the new user is to be called, if that is known already.

        Raises `Forbidden` for a role that ``actor`` may not make, `Conflict` for a name that is taken.
        """
        may_manage(actor, role)
        name = newcomers_name(name) if name.strip() else ""
        if name and any(folded(user.name) == folded(name) for user in await self._people.users()):
            raise Conflict(f"There is a user named {name!r} already.", hint="'potluck users reset' is for a password.")
        return await self._maker.make(LinkKind.INVITE, actor, expires_in_s, role=role, name=name)

    async def reset(self, actor: Caller, asked: str) -> tuple[LinkRecord, str]:
        """A link by which a user chooses a new password. Raises `NotFound`, `Forbidden`, and `Conflict` for who is
        disabled.

        Not for oneself, where a browser asks: whoever finds it open could take the account over.
        """
        user = await self._people.user(asked)
        may_manage(actor, user.role)
        if user.id == actor.user and actor.session:
            raise Forbidden("One's own password is changed with the old one.", hint="POST /api/v1/users/me/password.")
        if user.disabled:
            raise Conflict(f"The user {user.name!r} is disabled.", hint="'potluck users enable NAME' lets it in again.")
        return await self._maker.make(LinkKind.RESET, actor, _RESET_S, user=user.id, role=user.role, shown=user.name)

    async def set_up(self, actor: Caller) -> tuple[LinkRecord, str]:
        """A link by which the owner chooses a name and the first password. Raises `Conflict` once there is one."""
        may_manage(actor, Role.OWNER)
        if await self._storage.credentials.password(OWNER_ID) is not None:
            raise Conflict("The owner has a password already.", hint="'potluck users reset owner' makes a new one.")
        return await self._maker.set_up(actor)

    # --- looking after them ---

    async def all(self) -> Sequence[LinkRecord]:
        """Those that can still be used, oldest first."""
        now, users = self._clock(), await self._users()
        return [link for link in await self._storage.links.all() if valid(link, users, now)]

    async def remove(self, actor: Caller, link: LinkId) -> None:
        """Raises `NotFound`, and `Forbidden` for a link to more than ``actor`` may make."""
        record = next((each for each in await self._storage.links.all() if each.id == link), None)
        if record is None:
            raise NotFound("There is no such link.", hint="It may have been used.")
        may_manage(actor, record.role)
        await self._storage.links.remove(link)
        await self._audit.tell(Event.LINK_WITHDRAWN, actor, record.name, kind=record.kind.value, link=link)

    # --- using one ---

    async def look(self, token: str) -> tuple[LinkRecord, UserRecord | None]:
        """A link that could be used now, with whose password it sets. Changes nothing. Raises `NotFound`: the same for
        one that is over, used, withdrawn, or never was."""
        link, users = await self._storage.links.find(digest(token)), await self._users()
        if link is None or not valid(link, users, self._clock()):
            raise _gone()
        if link.kind is LinkKind.SETUP and await self._storage.credentials.password(OWNER_ID) is not None:
            raise _gone()
        return link, users.get(link.user)

    async def accept(self, token: str, name: str, password: str, code: str, visitor: Visitor) -> UserRecord:
        """Use a link up: who has it becomes a user, or has a new password; the user.

        ``name`` is for a new user, or the owner, and may be left out where the link has one. ``code`` is for who has a
        second factor: a link for a new password does not stand in for it.

        Raises `NotFound` as `look` does, `BadRequest`, `Conflict` for a name that is taken, `CodeNeeded`.
        """
        link, known = await self.look(token)
        user = self._becomes(link, known, name)
        password = checked_password(password, user.name)
        if known is not None:
            await self._with_code(known, code, visitor)
        hashed = PasswordRecord(user.id, await self._hashing.hash(password), self._clock())
        await self._storage.links.redeem(link.digest, user, hashed)
        await self._changed()
        who = visitor.as_caller(user)
        await self._audit.tell(Event.LINK_USED, who, user.name, kind=link.kind.value, link=link.id)
        return user

    def _becomes(self, link: LinkRecord, known: UserRecord | None, name: str) -> UserRecord:
        if link.kind is LinkKind.RESET and known is not None:
            return known
        name = name.strip() or (known.name if known is not None else link.name)
        if not name:
            raise BadRequest("A new user needs a name.", param="name", hint="Choose one to sign in with.")
        if known is not None:
            return replace(known, name=checked_name(name))
        return UserRecord(UserId(self._new_id()), newcomers_name(name), link.role, self._clock())

    async def _with_code(self, user: UserRecord, code: str, visitor: Visitor) -> None:
        with self._attempts.trying(user.name, self._attempts.recognised(visitor, user.id)) as attempt:
            attempt.outcome = Outcome.WRONG if code.strip() else Outcome.OPEN
            await self._factors.require(user.id, code)
            attempt.outcome = Outcome.OPEN

    async def _users(self) -> dict[UserId, UserRecord]:
        return {user.id: user for user in await self._people.users()}


def valid(link: LinkRecord, users: dict[UserId, UserRecord], now: float) -> bool:
    """A link is worth what its maker is: who was removed, disabled or given another role cannot let anybody in."""
    maker, whose = users.get(link.by), users.get(link.user)
    return (
        now < link.expires_s
        and maker is not None
        and not maker.disabled
        and manages(maker.role, link.role if whose is None else whose.role)
        and (whose is None or not whose.disabled)
        and (whose is not None) == bool(link.user)
    )


def _gone() -> NotFound:
    return NotFound("This link is not valid any more.", hint="Ask whoever made it for another one.")
