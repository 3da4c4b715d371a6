"""Second factors: codes of an authenticator (RFC 6238), and recovery codes for who has lost it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from potluck.core.audit import Event
from potluck.core.errors import BadRequest, CodeNeeded, Conflict, Forbidden, NotFound
from potluck.core.keys import digest
from potluck.core.model import UserId
from potluck.core.passwords import prepared
from potluck.core.second_factors import CODES, RECOVERY_BYTES, matching, read_recovery_code, recovery_code, steps_at
from potluck.gateway.attempts import Attempts, Outcome, Visitor
from potluck.gateway.audit import Audit
from potluck.gateway.hashing import Hashing
from potluck.gateway.people import People, may_manage
from potluck.gateway.port import Caller
from potluck.gateway.vault import Vault
from potluck.storage.ports import Storage
from potluck.storage.records import FactorRecord, UserRecord

if TYPE_CHECKING:
    from pyotp.totp import TOTP

_ISSUER = "Potluck"
# 160 bits, as RFC 4226 recommends: 32 letters of base 32.
_SECRET_BYTES = 20


class Begun(msgspec.Struct, frozen=True):
    """A second factor that waits for its first code: the secret to type, and the URL that stands in a QR code."""

    secret: str
    url: str


class SecondFactors:
    """``clock`` is Unix seconds, which the codes are made of."""

    def __init__(
        self,
        storage: Storage,
        people: People,
        hashing: Hashing,
        attempts: Attempts,
        vault: Vault,
        clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        audit: Audit,
    ) -> None:
        self._storage = storage
        self._people = people
        self._hashing = hashing
        self._attempts = attempts
        self._vault = vault
        self._clock = clock
        self._random_bytes = random_bytes
        self._audit = audit

    async def begin(self, actor: Caller, password: str, visitor: Visitor) -> Begun:
        """Raises `Conflict` for who has one, or no password that it could be second to, and as `_prove` does."""
        user = await self._people.user(actor.user)
        await self._prove(user, password, None, visitor)
        secret = _base32(self._random_bytes(_SECRET_BYTES))
        locked = self._vault.locked(secret.encode(), user.id)
        await self._storage.credentials.begin_factor(FactorRecord(user.id, locked, self._clock()))
        return Begun(secret, _totp(secret).provisioning_uri(name=user.name, issuer_name=_ISSUER))

    async def confirm(self, actor: Caller, code: str, visitor: Visitor) -> Sequence[str]:
        """Have it asked for from now on; the recovery codes. Raises `Conflict`, and `BadRequest` for a wrong code."""
        user = await self._people.user(actor.user)
        begun = await self._storage.credentials.factor(user.id)
        if begun is None or begun.confirmed_s is not None:
            raise Conflict("No second factor waits for a code.", hint="Begin one first.")
        with self._attempts.trying(user.name, self._attempts.recognised(visitor, user.id)) as attempt:
            step = self._step(begun, code)
            if step is None:
                raise BadRequest("The code is wrong.", param="code", hint="See whether this machine's clock is right.")
            attempt.outcome = Outcome.OPEN
            codes = [recovery_code(self._random_bytes(RECOVERY_BYTES)) for _ in range(CODES)]
            await self._storage.credentials.confirm_factor(begun, step, [*map(digest, codes)], self._clock())
        await self._audit.tell(Event.FACTOR_ADDED, actor, user.name)
        return codes

    async def disable(self, actor: Caller, password: str, code: str, visitor: Visitor) -> None:
        """Remove one's own. Raises `NotFound`, and as `_prove` does."""
        user = await self._people.user(actor.user)
        if await self._storage.credentials.factor(user.id) is None:
            raise NotFound("There is no second factor.")
        await self._prove(user, password, code, visitor)
        await self._drop(actor, user)

    async def drop(self, actor: Caller, asked: str) -> None:
        """Remove a user's who has lost it. Raises `NotFound`, and `Forbidden` for who may not manage that user.

        Not one's own, where a browser asks: whoever finds it open could. A key that may manage users may.
        """
        user = await self._people.user(asked)
        may_manage(actor, user.role)
        if user.id == actor.user and actor.session:
            raise Forbidden("One's own second factor takes the password and a code to remove.")
        await self._drop(actor, user)

    async def require(self, user: UserId, code: str) -> None:
        """Take a code of a user who has a second factor. Raises `CodeNeeded`: without a code, and for a wrong one."""
        factor = await self._storage.credentials.factor(user)
        if factor is None or factor.confirmed_s is None:
            return
        if not code.strip():
            raise CodeNeeded("A code of the second factor is needed.", hint="Send it as code, or a recovery code.")
        if not await self._takes(factor, code):
            raise CodeNeeded("The code is wrong, or was used.", hint="Wait for the next one, or use a recovery code.")

    async def asked_of(self, user: UserId) -> bool:
        """Whether a user has a second factor."""
        factor = await self._storage.credentials.factor(user)
        return factor is not None and factor.confirmed_s is not None

    async def codes_left(self, user: UserId) -> int:
        return await self._storage.credentials.codes_left(user)

    async def _prove(self, user: UserRecord, password: str, code: str | None, visitor: Visitor) -> None:
        """That it is really the user who sits at an open browser. Raises `Forbidden`, `CodeNeeded`, `RateLimited`, and
        `Conflict` for who has no password."""
        known = await self._storage.credentials.password(user.id)
        if known is None:
            raise Conflict("There is no password that this could be second to.", hint="Set a password first.")
        with self._attempts.trying(user.name, self._attempts.recognised(visitor, user.id)) as attempt:
            if not await self._hashing.matches(known.hash, prepared(password)):
                raise Forbidden("The password is wrong.", hint="It is asked for to change how one signs in.")
            if code is not None:
                await self.require(user.id, code)
            attempt.outcome = Outcome.OPEN

    async def _takes(self, factor: FactorRecord, code: str) -> bool:
        step = self._step(factor, code)
        if step is not None:
            return await self._storage.credentials.take_step(factor.user, step)
        if await self._storage.credentials.take_code(factor.user, digest(read_recovery_code(code))):
            left = await self.codes_left(factor.user)
            await self._audit.tell(Event.CODE_USED, None, (await self._people.user(factor.user)).name, left=left)
            return True
        return False

    def _step(self, factor: FactorRecord, code: str) -> int | None:
        totp = _totp(self._vault.opened(factor.secret, factor.user).decode())
        return matching(code, [(step, totp.generate_otp(step)) for step in steps_at(self._clock())], factor.last_step)

    async def _drop(self, actor: Caller, user: UserRecord) -> None:
        await self._storage.credentials.drop_factor(user.id)
        await self._audit.tell(Event.FACTOR_REMOVED, actor, user.name)


def _totp(secret: str) -> TOTP:
    from pyotp.totp import TOTP  # noqa: PLC0415 - few have a second factor

    return TOTP(secret)


def _base32(random: bytes) -> str:
    return base64.b32encode(random).decode()
