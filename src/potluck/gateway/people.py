"""Users and their keys, changed by the rules of `core.people`: by a running service, or in its data directory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from msgspec.structs import replace

from potluck.core.audit import Event
from potluck.core.errors import BadRequest, Conflict, Forbidden, NotFound
from potluck.core.keys import RANDOM_BYTES, digest, make_key, make_token, prefix
from potluck.core.limits import NO_LIMITS, Limits, checked, strictest, words_of
from potluck.core.model import KeyId, UserId
from potluck.core.people import OWNER_ID, OWNER_NAME, Right, Role, checked_name, folded, manages, own_key, refusal
from potluck.core.scopes import Scope, scope_of
from potluck.core.sessions import Lifetimes
from potluck.gateway.audit import Audit
from potluck.gateway.port import Caller
from potluck.storage.ports import Storage
from potluck.storage.records import KeyRecord, SessionId, SessionRecord, SignInWays, UserRecord

# Browsers of one person; a script that signs in again and again must not fill the table.
_MOST_SESSIONS = 50
# Enough to tell browsers apart.
_AGENT_SHOWN = 200
_NO_USER = "'potluck users ls' lists them."


class People:
    """Every method takes who asks, and raises `Forbidden` for what is not theirs to do.

    ``clock`` is Unix seconds, ``new_id`` a fresh id, ``random_bytes`` a cryptographic source. ``changed`` is awaited
    after every change, so that it holds from the next request on; ``audit`` is told of it then.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        random_bytes: Callable[[int], bytes],
        changed: Callable[[], Awaitable[None]],
        audit: Audit,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id
        self._random_bytes = random_bytes
        self._changed = changed
        self._audit = audit

    def token(self) -> str:
        """What nobody guesses, for a link."""
        return make_token(self._random_bytes(RANDOM_BYTES))

    # --- users ---

    async def users(self) -> Sequence[UserRecord]:
        return await self._storage.users.all()

    async def user(self, asked: str) -> UserRecord:
        """By id, or by name whatever its case. Raises `NotFound`."""
        found = _found(await self.users(), asked)
        if found is None:
            raise NotFound(f"There is no user {asked!r}.", hint=_NO_USER)
        return found

    async def add_user(self, actor: Caller, name: str, role: Role) -> UserRecord:
        """Raises `BadRequest` for what is no name, `Conflict` for one that is taken."""
        may_manage(actor, role)
        record = UserRecord(UserId(self._new_id()), newcomers_name(name), role, self._clock())
        await self._storage.users.add(record)
        await self._changed()
        await self._audit.tell(Event.USER_MADE, actor, record.name, role=role.value)
        return record

    async def set_role(self, actor: Caller, asked: str, role: Role) -> UserRecord:
        """Raises `NotFound`, and `Conflict` for the owner."""
        user = await self._other(actor, asked)
        may_manage(actor, role)
        record = await self._storage.users.set_role(user.id, role)
        await self._changed()
        await self._audit.tell(Event.USER_ROLE, actor, user.name, before=user.role.value, after=role.value)
        return record

    async def set_disabled(self, actor: Caller, asked: str, *, disabled: bool) -> UserRecord:
        """Keep a user out with all its keys, or let it in again. Raises `NotFound`, and `Conflict` for the owner."""
        user = await self._other(actor, asked)
        if user.disabled == disabled:
            return user
        record = await self._storage.users.set_disabled(user.id, self._clock() if disabled else None)
        await self._changed()
        await self._audit.tell(Event.USER_DISABLED if disabled else Event.USER_ENABLED, actor, user.name)
        return record

    async def set_limits(self, actor: Caller, asked: str, limits: Limits | None) -> UserRecord:
        """What a user may use, beside what its role may; None for no limits of its own. Raises `NotFound`.

        An owner's are its own to set: who is limited by somebody else is no owner.
        """
        user = await self.user(asked)
        if user.id != actor.user or actor.role is not Role.OWNER:
            may_manage(actor, user.role)
        record = await self._storage.users.set_limits(user.id, limits)
        await self._changed()
        await self._audit.tell(Event.USER_LIMITED, actor, user.name, limits=words_of(limits))
        return record

    async def remove_user(self, actor: Caller, asked: str) -> UserRecord:
        """Remove a user with its keys, conversations and files. Raises `NotFound`, and `Conflict` for the owner."""
        user = await self._other(actor, asked)
        await self._storage.users.remove(user.id)
        await self._changed()
        await self._audit.tell(Event.USER_REMOVED, actor, user.name, role=user.role.value)
        return user

    async def _other(self, actor: Caller, asked: str) -> UserRecord:
        user = await self.user(asked)
        if user.id == OWNER_ID:
            raise Conflict(
                "The owner stays as it is: nobody could administer Potluck otherwise.",
                hint="Its key lies in the data directory.",
            )
        may_manage(actor, user.role)
        return user

    # --- sessions ---

    async def sessions(self, actor: Caller, asked: str = "", *, every: bool = False) -> Sequence[SessionRecord]:
        """One's own, oldest first; ``asked``'s, by name or id; or everybody's.

        Raises `NotFound`, and `Forbidden` for who may not manage users.
        """
        if (asked or every) and not actor.may(Right.MANAGE_PEOPLE):
            raise actor.refusal(Right.MANAGE_PEOPLE)
        whose = (await self.user(asked)).id if asked else actor.user
        return [record for record in await self._storage.sessions.all() if every or record.user == whose]

    async def ways(self) -> Mapping[UserId, SignInWays]:
        """How users can sign in beside their keys."""
        return await self._storage.credentials.standing()

    async def begin_session(self, actor: Caller, agent: str, lifetimes: Lifetimes) -> tuple[SessionRecord, str]:
        """A new session with its token, for who shows a key; it ends with that key.

        Raises `BadRequest` for who shows none, or a session, which would go on for ever so, and `Forbidden` for a
        limited key.
        """
        if actor.session or actor.keyless:
            raise BadRequest("A session is begun with an API key.", hint="Send one as Authorization: Bearer KEY.")
        if actor.scope is not None:
            raise Forbidden("A limited key begins no session.", hint="Use one without limits on surfaces and models.")
        return await self._begin_session(actor, agent, lifetimes)

    async def sign_in(
        self, user: UserId, agent: str, lifetimes: Lifetimes, *, address: str = ""
    ) -> tuple[SessionRecord, str]:
        """A new session with its token, for who has proven to be ``user`` otherwise than by a key, from ``address``.

        It is for the caller to have looked whether the user is disabled; a session of one that is lets nobody in.
        """
        return await self._begin_session(Caller(own_key(user), "", user, address=address), agent, lifetimes)

    async def _begin_session(self, actor: Caller, agent: str, lifetimes: Lifetimes) -> tuple[SessionRecord, str]:
        user, key = actor.user, actor.key
        now, store = self._clock(), self._storage.sessions
        await store.prune(begun_before_s=now - lifetimes.length_s, used_before_s=now - lifetimes.idle_s)
        own = [record for record in await store.all() if record.user == user]
        for old in own[: 1 - _MOST_SESSIONS]:
            with suppress(NotFound):  # it was ended meanwhile
                await store.remove(old.id, user)
        token = make_key(self._random_bytes(RANDOM_BYTES))
        record = SessionRecord(SessionId(self._new_id()), user, key, digest(token), agent[:_AGENT_SHOWN], now, now)
        await store.add(record)
        await self._changed()
        await self._audit.tell(Event.SESSION_BEGUN, actor, record.id, agent=record.agent)
        return record, token

    async def end_session(self, actor: Caller, session: SessionId) -> None:
        """Raises `NotFound`, also for somebody else's whom the caller does not manage."""
        whose = next((each.user for each in await self._storage.sessions.all() if each.id == session), actor.user)
        if whose != actor.user and not await self._manages(actor, whose):
            whose = actor.user
        await self._storage.sessions.remove(session, whose)
        await self._changed()
        await self._audit.tell(Event.SESSION_ENDED, actor, session)

    async def _manages(self, actor: Caller, user: UserId) -> bool:
        holder = _found(await self.users(), user)
        return actor.may(Right.MANAGE_PEOPLE) and (holder is None or manages(actor.role, holder.role))

    # --- keys ---

    async def keys(self, actor: Caller) -> Sequence[KeyRecord]:
        """One's own; everybody's for who manages users."""
        records = await self._storage.keys.all()
        every = actor.may(Right.MANAGE_PEOPLE)
        return [record for record in records if every or record.user == actor.user]

    async def create_key(
        self,
        actor: Caller,
        name: str,
        user: str = "",
        *,
        expires_in_s: float | None = None,
        surfaces: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        limits: Limits | None = None,
    ) -> tuple[KeyRecord, str]:
        """A new key with its record: ``user``'s, by name or id; with an end, and limited (`core.scopes`, and
        ``limits``), if so said.

        Without ``user``: 1. who manages users gives it to the user of the key's name, a new member if there is none;
        2. everybody else gets it themselves. A key that ends makes none that outlives it, and one with limits none
        without them.

        Raises `BadRequest` for limits that make no sense, `Conflict` for a name that is taken, `NotFound` for the user.
        """
        now = self._clock()
        scope = scope_of(surfaces, models) or Scope()
        ends = [] if expires_in_s is None else [now + expires_in_s]
        ends += [] if actor.end_s is None else [actor.end_s]
        await self._is_free(name)
        holder = await self._holder(actor, name, user)
        if holder.disabled:
            raise Conflict(
                f"The user {holder.name!r} is disabled.", hint="'potluck users enable NAME' lets it in again."
            )
        key = make_key(self._random_bytes(RANDOM_BYTES))
        record = KeyRecord(
            KeyId(self._new_id()),
            name,
            prefix(key),
            digest(key),
            now,
            user=holder.id,
            expires_s=min(ends, default=None),
            surfaces=scope.surfaces,
            models=scope.models,
            limits=await self._within(actor, limits),
        )
        await self._storage.keys.add(record)
        await self._changed()
        await self._tell_of_key(Event.KEY_MADE, actor, record, holder.name)
        return record, key

    async def rotate_key(self, actor: Caller, key: KeyId, overlap_s: float) -> tuple[KeyRecord, str]:
        """A new key in place of one, with its name, user and limits; the old one is valid for ``overlap_s`` more.

        Raises `NotFound` as `revoke_key` does, and `Conflict` for the data directory's and for one that has ended.
        """
        old, now = await self._theirs(actor, key), self._clock()
        if not old.live or (old.end_s is not None and old.end_s <= now):
            raise Conflict(f"The key {old.name!r} has ended.", hint="Make a new one.")
        if old.owner:
            raise Conflict(
                "The owner's key is not rotated like others.",
                hint="Remove its file from the data directory and start again: another one is made.",
            )
        secret = make_key(self._random_bytes(RANDOM_BYTES))
        new = replace(
            old,
            id=KeyId(self._new_id()),
            prefix=prefix(secret),
            digest=digest(secret),
            created_s=now,
            last_used_s=None,
        )
        await self._storage.keys.replace(key, new, now + overlap_s)
        await self._changed()
        await self._tell_of_key(Event.KEY_ROTATED, actor, new)
        return new, secret

    async def key(self, actor: Caller, key: KeyId) -> KeyRecord:
        """A key that the caller may change. Raises `NotFound`."""
        return await self._theirs(actor, key)

    async def limit_key(self, actor: Caller, key: KeyId, limits: Limits | None) -> KeyRecord:
        """How much may be used by a key; None for no limits of its own. Raises `NotFound` as `revoke_key` does."""
        await self._theirs(actor, key)
        record = await self._storage.keys.set_limits(key, limits)
        await self._changed()
        await self._audit.tell(Event.KEY_LIMITED, actor, record.name, id=key, limits=words_of(limits))
        return record

    async def _within(self, actor: Caller, limits: Limits | None) -> Limits | None:
        """The limits of a key that another one makes."""
        own = next((each.limits for each in await self._storage.keys.all() if each.id == actor.key), None)
        return limits if own is None else checked(strictest(own, limits or NO_LIMITS))

    async def revoke_key(self, actor: Caller, key: KeyId) -> None:
        """Raises `NotFound`, also for a key that is not the caller's to see; `Conflict` for the data directory's."""
        record = await self._theirs(actor, key)
        if record.owner and record.live:
            raise Conflict("The owner's key cannot be revoked: nobody could administer Potluck then.")
        await self._storage.keys.revoke(key, self._clock())
        await self._changed()
        await self._tell_of_key(Event.KEY_REVOKED, actor, record)

    async def _tell_of_key(self, event: Event, actor: Caller, key: KeyRecord, holder: str = "") -> None:
        """``begins`` is what may be shown of the key that it is about; that of ``actor`` may be another."""
        told: dict[str, str | int] = {"id": key.id, "begins": key.prefix, "for": holder or await self._name(key.user)}
        for name, limits in (("surfaces", key.surfaces), ("models", key.models)):
            if limits is not None:
                told[name] = ", ".join(limits)
        await self._audit.tell(event, actor, key.name, **told)

    async def _name(self, user: UserId) -> str:
        holder = _found(await self.users(), user)
        return holder.name if holder is not None else user

    async def _theirs(self, actor: Caller, key: KeyId) -> KeyRecord:
        """A key that the caller may change."""
        record = next((each for each in await self.keys(actor) if each.id == key), None)
        if record is None:
            raise NotFound("There is no such key.", hint="GET /api/v1/keys lists them.")
        holder = _found(await self.users(), record.user)
        if record.user != actor.user and holder is not None:
            may_manage(actor, holder.role)
        return record

    async def _is_free(self, name: str) -> None:
        """Before a user is made for it; of two at once the store refuses one."""
        if any(each.live and each.name == name for each in await self._storage.keys.all()):
            raise Conflict(f"There is a key named {name!r} already.", hint="Choose another name, or revoke that key.")

    async def _holder(self, actor: Caller, name: str, asked: str) -> UserRecord:
        users = await self.users()
        own = _found(users, actor.user)
        if not actor.may(Right.MANAGE_PEOPLE):
            if own is None or (asked and own is not _found(users, asked)):
                raise refusal(actor.role, Right.MANAGE_PEOPLE)
            return own
        if not asked and _found(users, name) is None:
            return await self.add_user(actor, name, Role.MEMBER)
        holder = await self.user(asked or name)
        if holder is not own or not asked:
            # A key named like an owner or admin would be one's with all their rights: that is to be said aloud.
            if not asked and holder.role in (Role.OWNER, Role.ADMIN):
                raise Conflict(
                    f"There is a user named {name!r}, who is {holder.role}.",
                    hint="Say whose the key is to be, or choose another name.",
                )
            may_manage(actor, holder.role)
        return holder


def newcomers_name(name: str) -> str:
    """A name for a user that is not the first. Raises `BadRequest`, and `Conflict` for the owner's."""
    name = checked_name(name)
    # Also before the first start has made that user, and when it goes by another name.
    if folded(name) == OWNER_NAME:
        raise Conflict(f"There is a user named {OWNER_NAME!r} already.", hint="Choose another name.")
    return name


def _found(users: Sequence[UserRecord], asked: str) -> UserRecord | None:
    name = folded(" ".join(asked.split()))
    by_id = next((user for user in users if user.id == asked), None)
    return by_id or next((user for user in users if folded(user.name) == name), None)


def may_manage(actor: Caller, role: Role) -> None:
    """Raises `Forbidden` for who may not make, change or remove users of that role."""
    if not manages(actor.role, role):
        raise Forbidden(f"Your role, {actor.role}, may not manage users of role {role}.", hint="It takes an owner.")
