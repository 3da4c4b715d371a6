"""What the rest may ask of storage about people and how they come in. What `ports` says of all holds here too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from potluck.core.limits import Limits
from potluck.core.model import KeyId, UserId
from potluck.core.people import Role
from potluck.storage.records import (
    FactorRecord,
    IdentityId,
    IdentityRecord,
    KeyRecord,
    LinkId,
    LinkRecord,
    PasswordRecord,
    SessionId,
    SessionRecord,
    SignInWays,
    UserRecord,
)


class UserStore(Protocol):
    """People and programs that may use the service."""

    async def add(self, record: UserRecord) -> None:
        """Keep a new user. Raises `Conflict` if its name, whatever the case, or its id is taken."""
        ...

    async def all(self) -> tuple[UserRecord, ...]:
        """Every user, disabled ones too, oldest first."""
        ...

    async def set_role(self, user: UserId, role: Role) -> UserRecord:
        """Raises `NotFound`."""
        ...

    async def set_disabled(self, user: UserId, disabled_s: float | None) -> UserRecord:
        """``disabled_s`` is since when the user is kept out, None to let it in. Raises `NotFound`."""
        ...

    async def set_limits(self, user: UserId, limits: Limits | None) -> UserRecord:
        """What a user may use; None for no limits of its own. Raises `NotFound`."""
        ...

    async def remove(self, user: UserId) -> None:
        """Remove a user with its keys, conversations, files, pictures and jobs; the request log and the usage stay.

        Raises `NotFound`.
        """
        ...


class KeyStore(Protocol):
    """API keys, of which only digests are kept."""

    async def add(self, record: KeyRecord) -> None:
        """Keep a new key. Raises `Conflict` if a live key has its name, or any key its id or digest."""
        ...

    async def all(self) -> tuple[KeyRecord, ...]:
        """Every key, revoked ones too, oldest first."""
        ...

    async def revoke(self, key: KeyId, now: float) -> KeyRecord:
        """End a key; one that has ended already stays as it is. Raises `NotFound`."""
        ...

    async def replace(self, old: KeyId, new: KeyRecord, now: float) -> None:
        """Revoke ``old`` from ``now`` on, which may be to come, and add ``new``, which may have its name; both at once.

        Raises `NotFound` and `Conflict`.
        """
        ...

    async def set_limits(self, key: KeyId, limits: Limits | None) -> KeyRecord:
        """How much may be used by a key; None for no limits of its own. Raises `NotFound`."""
        ...

    async def touch(self, used: Mapping[KeyId, float]) -> None:
        """Note when keys were last used. A time never goes back; keys that are not there are passed over."""
        ...


class SessionStore(Protocol):
    """Sessions of browsers, of whose tokens only digests are kept."""

    async def add(self, record: SessionRecord) -> None: ...

    async def all(self) -> tuple[SessionRecord, ...]:
        """Every session, oldest first."""
        ...

    async def remove(self, session: SessionId, user: UserId) -> None:
        """End a session. Raises `NotFound`, also for another user's."""
        ...

    async def touch(self, used: Mapping[SessionId, float]) -> None:
        """Note when sessions were last used. A time never goes back; those that are not there are passed over."""
        ...

    async def prune(self, *, begun_before_s: float, used_before_s: float) -> int:
        """Forget sessions that began, or were last used, at these times or before; how many they were."""
        ...


class CredentialStore(Protocol):
    """How users sign in who show no key. What is secret comes here hashed or encrypted."""

    async def standing(self) -> Mapping[UserId, SignInWays]:
        """How each user can sign in; who has neither password nor second factor is left out."""
        ...

    async def password(self, user: UserId) -> PasswordRecord | None: ...

    async def set_password(self, record: PasswordRecord, *, keep: SessionId | None = None) -> None:
        """Set or change a password; the user's sessions but ``keep``, and links for another password, are over.

        Raises `NotFound` for the user.
        """
        ...

    async def rehash(self, old: PasswordRecord, hash_: str) -> bool:
        """Put another hash of the same password in place; not if the password was changed meanwhile."""
        ...

    async def factor(self, user: UserId) -> FactorRecord | None: ...

    async def begin_factor(self, record: FactorRecord) -> None:
        """Keep a second factor that is not confirmed, in place of another such. Raises `Conflict` if one is."""
        ...

    async def confirm_factor(self, begun: FactorRecord, step: int, codes: Collection[bytes], now: float) -> None:
        """Have it asked for from now on; ``codes`` are digests of codes that stand in for it once each.

        Raises `Conflict` if it is not that one any more that waits for this.
        """
        ...

    async def take_step(self, user: UserId, step: int) -> bool:
        """Take the code of a step, if neither it nor a later one was taken. Of any number at once one is told True."""
        ...

    async def take_code(self, user: UserId, digest: bytes) -> bool:
        """Use a recovery code up. Of any number at once one is told True."""
        ...

    async def codes_left(self, user: UserId) -> int: ...

    async def drop_factor(self, user: UserId) -> None:
        """Remove the second factor with its recovery codes. Raises `NotFound`."""
        ...


class LinkStore(Protocol):
    """One-time links, of whose tokens only digests are kept."""

    async def add(self, record: LinkRecord) -> None:
        """Keep a link, in place of all others of its kind for the same user, and forget those that are over."""
        ...

    async def all(self) -> tuple[LinkRecord, ...]:
        """Every link, oldest first; some may be over."""
        ...

    async def find(self, digest: bytes) -> LinkRecord | None: ...

    async def remove(self, link: LinkId) -> None:
        """Raises `NotFound`."""
        ...

    async def redeem(self, digest: bytes, user: UserRecord, password: PasswordRecord) -> None:
        """Use a link up: ``user`` is added, or gets that name, with this password; all sessions of it end.

        All of it or nothing, and by one of any number at once. Raises `NotFound` if the link is not there any more, or
        was over at the password's time, or is for set-up and the owner has a password; `Conflict` for the name.
        """
        ...


class IdentityStore(Protocol):
    """Who users are at OpenID Connect providers."""

    async def find(self, issuer: str, subject: str) -> IdentityRecord | None: ...

    async def of_user(self, user: UserId) -> tuple[IdentityRecord, ...]:
        """A user's, oldest first."""
        ...

    async def add(self, record: IdentityRecord, *, user: UserRecord | None = None, invitation: bytes = b"") -> None:
        """Keep who somebody is: a user that is there or, with ``user``, one that is added with it.

        ``invitation`` is the digest of an invitation that is used up with that. All of it or nothing, and by one of any
        number at once. Raises `NotFound` if the user or the invitation is not there any more, or that was over at
        ``record.created_s``; `Conflict` if the identity is somebody's already, or the user's name is.
        """
        ...

    async def seen(self, identity: IdentityId, email: str, now: float) -> None:
        """Note a sign-in. One that is not there is passed over."""
        ...

    async def remove(self, identity: IdentityId, user: UserId) -> None:
        """Raises `NotFound`, also for another user's."""
        ...
