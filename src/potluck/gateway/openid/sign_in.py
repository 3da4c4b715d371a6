"""One sign-in by a provider, from the button to the session: what is under way lies sealed in the browser's cookie."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace

from potluck.core.audit import Event
from potluck.core.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthenticated
from potluck.core.keys import digest
from potluck.core.model import UserId
from potluck.core.openid import FLOW_S, OpenIdRules, Person, local_path, missing, person, role_of, together
from potluck.core.people import OWNER_ID, Role, folded, own_key
from potluck.gateway.audit import Audit
from potluck.gateway.links import valid
from potluck.gateway.openid.flow import Answer, Begun, Ended, Flow, opened, sealed
from potluck.gateway.openid.provider import Provider
from potluck.gateway.port import Caller
from potluck.storage.ports import Storage
from potluck.storage.records import IdentityId, IdentityRecord, LinkKind, LinkRecord, UserRecord

_SEAL = "openid.seal"
"""The setting with the key that seals cookies: all gateways of a database read each other's."""

_RANDOM_BYTES = 32
_LONGEST_CODE = 4096
# Sign-ins that have ended, and cannot be ended again; more at once than a house has people.
_MOST_ENDED = 4096


class SignIn:
    """``clock`` is Unix seconds, ``random_bytes`` a cryptographic source, ``changed`` awaited after users changed."""

    def __init__(
        self,
        rules: OpenIdRules,
        issuer: str,
        provider: Provider,
        storage: Storage,
        audit: Audit,
        *,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        random_bytes: Callable[[int], bytes],
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._rules = rules
        self._issuer = issuer
        self._provider = provider
        self._storage = storage
        self._audit = audit
        self._clock = clock
        self._new_id = new_id
        self._random_bytes = random_bytes
        self._changed = changed
        self._ended: dict[str, float] = {}  # states by their end, oldest first

    async def begin(self, redirect_uri: str, *, next: str = "", user: str = "", invitation: str = "") -> Begun:
        """Send somebody to the provider. ``user`` wants to be linked; ``invitation`` is the token of one.

        Raises `ProviderAway`, `ProviderFailed`, and `NotFound` for an invitation that is over.
        """
        now = self._clock()
        if invitation:
            await self._invitation(digest(invitation))
        flow = Flow(
            state=self._random(),
            nonce=self._random(),
            verifier=self._random(),
            redirect_uri=redirect_uri,
            until_s=now + FLOW_S,
            next=local_path(next),
            user=user,
            invitation=digest(invitation).hex() if invitation else "",
        )
        url = await self._provider.address(redirect_uri, flow.state, flow.nonce, flow.verifier)
        return Begun(url, sealed(flow, await self._seal()))

    async def end(self, answer: Answer, cookie: str, address: str) -> Ended:
        """Take what the browser brings back.

        1. It must be this browser that was sent away, once, and lately. 2. The provider must vouch for somebody, to us.
        3. The owner must let that one in. Raises `ClientError` of the kind that fits, `ProviderAway`, `ProviderFailed`.
        """
        flow = self._under_way(answer, opened(cookie, await self._seal()))
        document = await self._provider.document()
        if not self._provider.is_its(document, answer.iss):
            raise Forbidden("The answer is another provider's.", hint="Sign in again.")
        if answer.error:
            raise Forbidden(f"The sign-in provider let nobody in ({_word(answer.error)}).", hint="Sign in again.")
        if not answer.code or len(answer.code) > _LONGEST_CODE:
            raise BadRequest("The provider gave no code.", param="code", hint="Sign in again.")
        claims, token = await self._provider.claims(answer.code, flow.verifier, flow.redirect_uri, flow.nonce)
        subject = str(claims["sub"])
        if missing(claims, self._rules):
            claims = together(claims, await self._provider.more(token, subject))
        user = await self._user(person(subject, claims, self._rules), flow, address)
        return Ended(user, flow.next, linked=bool(flow.user))

    def _under_way(self, answer: Answer, flow: Flow | None) -> Flow:
        now = self._clock()
        # Text that is no ASCII cannot be compared in constant time, and is no state of ours.
        same = flow is not None and answer.state.isascii() and hmac.compare_digest(flow.state, answer.state)
        if flow is None or not same or now >= flow.until_s or flow.state in self._ended:
            raise BadRequest(
                "No such sign-in is under way in this browser.",
                param="state",
                hint="Begin again; it has to end in the browser where it began, at the same address, within "
                f"{FLOW_S / 60:.0f} minutes.",
            )
        while self._ended and (len(self._ended) >= _MOST_ENDED or next(iter(self._ended.values())) <= now):
            del self._ended[next(iter(self._ended))]
        self._ended[flow.state] = flow.until_s
        return flow

    # --- whose account it is ---

    async def _user(self, who: Person, flow: Flow, address: str) -> UserId:
        """1. Who is signed in, and wants to be known by this account. 2. Whose account it is. 3. Who was invited. 4. If
        the owner says so, the user who is named by the verified address. 5. Somebody new, if there is a role for them.

        A name alone is never enough: everybody may have the same one at the provider.
        """
        known = await self._storage.identities.find(self._issuer, who.subject)
        users = await self._storage.users.all()
        if flow.user:
            return await self._link(who, known, _live(users, UserId(flow.user)), address)
        if known is not None:
            return await self._again(who, known, _live(users, known.user), address)
        if flow.invitation:
            return await self._invited(who, users, bytes.fromhex(flow.invitation), address)
        same = next((user for user in users if who.email and folded(user.name) == folded(who.email)), None)
        # The owner links an account by its own hand, or not at all.
        if self._rules.link_email and same is not None and same.id != OWNER_ID:
            return await self._link(who, None, _live(users, same.id), address)
        role = role_of(who, None, self._rules)
        if role is None:
            raise Forbidden("Nobody has invited this account.", hint="Ask the owner of this Potluck for an invitation.")
        return await self._new(who, users, role, b"", address)

    async def _link(self, who: Person, known: IdentityRecord | None, user: UserRecord, address: str) -> UserId:
        if known is not None and known.user != user.id:
            raise Conflict("This account is another user's here.", hint="Sign in with it, and unlink it there first.")
        if known is None:
            await self._storage.identities.add(self._identity(who, user.id))
            await self._audit.tell(Event.IDENTITY_LINKED, _actor(user, address), user.name, issuer=self._issuer)
        return user.id

    async def _again(self, who: Person, known: IdentityRecord, user: UserRecord, address: str) -> UserId:
        role = role_of(who, user.role, self._rules)
        # The owner stays what it is: nobody could administer Potluck otherwise.
        if user.id != OWNER_ID and role is not user.role:
            if role is None:
                raise Forbidden("This account has no role here any more.", hint="Ask the owner of this Potluck.")
            await self._storage.users.set_role(user.id, role)
            await self._changed()
            told = {"before": user.role.value, "after": role.value}
            await self._audit.tell(Event.USER_ROLE, _actor(user, address), user.name, **told)
        await self._storage.identities.seen(known.id, who.email, self._clock())
        return user.id

    async def _invited(self, who: Person, users: tuple[UserRecord, ...], invitation: bytes, address: str) -> UserId:
        link = await self._invitation(invitation)
        # What the inviter proposed goes before what the provider says.
        invited = replace(who, names=(link.name, *who.names)) if link.name else who
        user = await self._new(invited, users, link.role, invitation, address)
        actor = Caller(own_key(user), "", user, link.role, address=address)
        await self._audit.tell(Event.LINK_USED, actor, link.name, kind=link.kind.value, link=link.id)
        return user

    async def _invitation(self, token_digest: bytes) -> LinkRecord:
        """Raises `NotFound` for one that is over, or whose maker may invite nobody any more."""
        link = await self._storage.links.find(token_digest)
        users = {user.id: user for user in await self._storage.users.all()}
        if link is None or link.kind is not LinkKind.INVITE or not valid(link, users, self._clock()):
            raise NotFound("This invitation is over.", hint="Ask for another one.")
        return link

    async def _new(
        self, who: Person, users: tuple[UserRecord, ...], role: Role, invitation: bytes, address: str
    ) -> UserId:
        taken = {folded(user.name) for user in users}
        name = next((name for name in who.names if folded(name) not in taken), None)
        if name is None:
            raise Conflict(
                f"There is a user named {who.names[0]!r} already.",
                hint="If that is you, sign in the other way and link this account.",
            )
        user = UserRecord(UserId(self._new_id()), name, role, self._clock())
        await self._storage.identities.add(self._identity(who, user.id), user=user, invitation=invitation)
        await self._changed()
        told = {"role": role.value, "issuer": self._issuer}
        await self._audit.tell(Event.USER_MADE, _actor(user, address), user.name, **told)
        return user.id

    def _identity(self, who: Person, user: UserId) -> IdentityRecord:
        now = self._clock()
        return IdentityRecord(IdentityId(self._new_id()), self._issuer, who.subject, user, who.email, now, now)

    def _random(self) -> str:
        """256 bits of chance, in the letters of a code verifier (RFC 7636 4.1)."""
        return base64.urlsafe_b64encode(self._random_bytes(_RANDOM_BYTES)).rstrip(b"=").decode()

    async def _seal(self) -> bytes:
        kept = await self._storage.settings.get(_SEAL)
        if not isinstance(kept, str):
            await self._storage.settings.set(_SEAL, self._random_bytes(_RANDOM_BYTES).hex(), self._clock())
            kept = str(await self._storage.settings.get(_SEAL))
        return bytes.fromhex(kept)


def _actor(user: UserRecord, address: str) -> Caller:
    return Caller(own_key(user.id), user.name, user.id, user.role, address=address)


def _live(users: tuple[UserRecord, ...], user: UserId) -> UserRecord:
    found = next((each for each in users if each.id == user), None)
    if found is None or found.disabled:
        raise Unauthenticated("This user is disabled, or gone.", hint="Ask the owner of this Potluck.")
    return found


def _word(error: str) -> str:
    """The provider's error as its code, if it is one; the browser could bring anything."""
    return error if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 60 else "an unknown error"
