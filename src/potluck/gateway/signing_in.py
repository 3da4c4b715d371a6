"""Coming in by name and password, and changing one's password."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from potluck.core.audit import Event
from potluck.core.errors import CodeNeeded, Forbidden, SignInRefused
from potluck.core.model import UserId
from potluck.core.passwords import checked_password, prepared
from potluck.core.people import folded
from potluck.core.sessions import Lifetimes
from potluck.gateway.attempts import Attempts, Outcome, Visitor
from potluck.gateway.audit import Audit
from potluck.gateway.hashing import Hashing
from potluck.gateway.people import People
from potluck.gateway.port import Caller
from potluck.gateway.second_factor import SecondFactors
from potluck.storage.ports import Storage
from potluck.storage.records import PasswordRecord, SessionId, SessionRecord, UserRecord

# What stands in an id's place where nobody has the name: it is looked up all the same.
_NOBODY = UserId("")


class SigningIn:
    """``clock`` is Unix seconds; ``changed`` is awaited after sessions have ended, and ``audit`` told."""

    def __init__(
        self,
        storage: Storage,
        people: People,
        hashing: Hashing,
        attempts: Attempts,
        factors: SecondFactors,
        clock: Callable[[], float],
        changed: Callable[[], Awaitable[None]],
        audit: Audit,
    ) -> None:
        self._storage = storage
        self._people = people
        self._hashing = hashing
        self._attempts = attempts
        self._factors = factors
        self._clock = clock
        self._changed = changed
        self._audit = audit

    async def sign_in(
        self, name: str, password: str, code: str, visitor: Visitor, lifetimes: Lifetimes
    ) -> tuple[SessionRecord, str]:
        """A new session with its token.

        Raises `SignInRefused` after the same work whoever it is, also for nobody, for who is disabled, and for who has
        no password; `CodeNeeded` only after the right password; `RateLimited` for who has guessed too often.
        """
        user = await self.proven(name, password, code, visitor)
        visitor = self._attempts.recognised(visitor, user.id)
        return await self.begin(user, visitor, lifetimes)

    async def proven(self, name: str, password: str, code: str, visitor: Visitor) -> UserRecord:
        """Who has this name and this password. Raises as `sign_in`."""
        user = await self.named(name)
        visitor = self._attempts.recognised(visitor, user.id if user else None)
        with self._attempts.trying(" ".join(name.split()), visitor) as attempt:
            known = await self._storage.credentials.password(user.id if user else _NOBODY)
            right = await self._hashing.matches(known.hash if known else None, prepared(password))
            if user is None or known is None or user.disabled or not right:
                # A name that nobody has is not told: it may be a password, typed in the wrong field.
                self._audit.sign_in_refused(visitor.address, user.name if user else "")
                raise SignInRefused
            try:
                await self._factors.require(user.id, code)
            except CodeNeeded:
                if not code.strip():  # who has not been asked has not failed
                    attempt.outcome = Outcome.OPEN
                else:
                    self._audit.sign_in_refused(visitor.address, user.name)
                raise
            attempt.outcome = Outcome.RIGHT
        await self._renew(known, password)
        return user

    async def begin(self, user: UserRecord, visitor: Visitor, lifetimes: Lifetimes) -> tuple[SessionRecord, str]:
        """A session for who has proven to be ``user``."""
        return await self._people.sign_in(user.id, visitor.agent, lifetimes, address=visitor.address)

    async def change_password(self, actor: Caller, old: str, new: str, visitor: Visitor) -> None:
        """Change one's password, and end all one's other sessions; or set the first one, which takes no old one.

        Raises `Forbidden` for a wrong old one, `RateLimited`, and `BadRequest` for a new one that will not do.
        """
        user = await self._people.user(actor.user)
        known = await self._storage.credentials.password(user.id)
        if known is None and actor.end_s is not None:
            # It would let in for longer than the key does.
            raise Forbidden("A key that ends sets no first password.", hint="Ask for a link: 'potluck users reset'.")
        if known is not None:
            with self._attempts.trying(user.name, self._attempts.recognised(visitor, user.id)) as attempt:
                if not await self._hashing.matches(known.hash, prepared(old)):
                    self._audit.sign_in_refused(visitor.address, user.name)
                    raise Forbidden("The old password is wrong.", hint="Nothing was changed.")
                attempt.outcome = Outcome.OPEN
        hashed = await self._hashing.hash(checked_password(new, user.name, "new_password"))
        record = PasswordRecord(user.id, hashed, self._clock())
        await self._storage.credentials.set_password(record, keep=SessionId(actor.session))
        await self._changed()
        await self._audit.tell(Event.PASSWORD_CHANGED, actor, user.name)

    async def named(self, name: str) -> UserRecord | None:
        """The user of a name, in whatever case."""
        asked = folded(" ".join(name.split()))
        return next((user for user in await self._storage.users.all() if folded(user.name) == asked), None)

    async def _renew(self, known: PasswordRecord, password: str) -> None:
        """Hash the password anew if hashes are made otherwise by now."""
        if await self._hashing.outdated(known.hash):
            await self._storage.credentials.rehash(known, await self._hashing.hash(prepared(password)))
