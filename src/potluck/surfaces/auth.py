"""Who asks: keys as clients can present them (API-CONTRACTS.md 0), checked against digests held in memory."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from potluck.core.errors import Unauthenticated
from potluck.core.keys import digest
from potluck.core.limits import Plan
from potluck.core.model import KeyId, UserId
from potluck.core.people import Role, own_key
from potluck.core.scopes import Scope as KeyScope
from potluck.gateway.admission import PlanOf, unlimited
from potluck.gateway.port import NOBODY, Caller
from potluck.gateway.relay.request import Request
from potluck.storage.records import KeyRecord, UserRecord
from potluck.surfaces.addresses import address_of
from potluck.surfaces.families import surface_of
from potluck.surfaces.sessions import Sessions
from potluck.surfaces.strangers import Strangers

if TYPE_CHECKING:  # the relay's calls need no keys of Starlette's
    from starlette.types import ASGIApp, Receive, Scope, Send

# What a load balancer, a monitor or an Ollama client asks before it has a key. Nothing behind them tells anything.
PUBLIC_PATHS = frozenset(
    {"/", "/healthz", "/readyz", "/health", "/api/version"}
    # Where one signs in, and where one-time links lead: pages that hold nothing of anybody.
    | {"/sign-in", "/invite", "/reset", "/setup"}
    | {"/pages/account.js", "/pages/account-words.js", "/pages/account.css"}
)
# How somebody comes in who has no key yet: by method and path. What these take proves who asks, or they tell nothing
# that needs it. Where the value is true a key or session that is shown counts, and a key must be a valid one.
OPEN_ROUTES: Mapping[tuple[str, str], bool] = {
    ("POST", "/api/v1/sessions"): True,
    ("GET", "/api/v1/sessions/ways"): False,
    ("GET", "/api/v1/sessions/oidc"): False,
    ("GET", "/api/v1/sessions/oidc/callback"): False,
    ("GET", "/api/v1/links"): False,
    ("GET", "/api/v1/shares/open"): True,
    ("GET", "/api/v1/invitations/open"): False,
    ("POST", "/api/v1/invitations/accept"): False,
}

# Clients repeat one key thousands of times; its SHA-256 need not be computed each time. Wrong keys are not remembered.
_REMEMBERED = 1024
# A key and the word before it; longer ones are looked at each time.
_MOST_REMEMBERED_BYTES = 256

Headers = Sequence[tuple[bytes, bytes]]

_KEY_HEADERS = frozenset({b"authorization", b"x-api-key", b"api-key"})


class Keyring:
    """The live keys. One owner for the mapping from digest to caller; storage is written by who changes keys."""

    def __init__(
        self,
        clock: Callable[[], float],
        sessions: Sessions | None = None,
        strangers: Strangers | None = None,
        plan_of: PlanOf = unlimited,
    ) -> None:
        """``clock`` is Unix seconds, for the time of last use. ``sessions`` are asked where no key is shown, and
        ``strangers`` where there is no cookie either, or a proxy vouches for who asks.
        ``plan_of`` tells how much a user may use, by one of its keys or without.

        ``refused`` is told of keys that are not valid: where from, and what was shown.
        """
        self._plan_of = plan_of
        self._sessions = sessions
        self.strangers = strangers
        self._clock = clock
        self._callers: dict[bytes, Caller] = {}
        self._themselves: dict[KeyId, Caller] = {}  # users who came in without a key, by `core.people.own_key`
        self._remembered: dict[tuple[bytes, bytes], Caller] = {}  # by the header that shows the key, as it came
        self._used: dict[KeyId, float] = {}
        self._users: dict[UserId, UserRecord] = {}
        self.refused: Callable[[str, str], None] = lambda address, key: None
        self._records: tuple[KeyRecord, ...] = ()

    def replace(self, records: Iterable[KeyRecord], users: Iterable[UserRecord]) -> None:
        """Take keys and users as they are stored now; who is revoked, disabled or gone is refused from this moment.

        Keys that have ended stay, so that who shows one is told that it has.
        """
        now = self._clock()
        self._records = tuple(records)
        self._users = {user.id: user for user in users}
        holders = {each.id: each for each in self._users.values() if not each.disabled}
        self._callers = {
            record.digest: _caller(record, holders[record.user].role, self._plan_of(holders[record.user], record))
            for record in self._records
            if record.user in holders and (record.revoked_s is None or record.revoked_s > now)
        }
        self._themselves = {
            (key := own_key(user.id)): Caller(key, user.name, user.id, user.role, plan=self._plan_of(user, None))
            for user in holders.values()
        }
        self._remembered = {}
        if self.strangers is not None:
            self.strangers.replace(self._users.values(), self._plan_of)

    def replan(self) -> None:
        """Ask anew how much everybody may use."""
        self.replace(self._records, self._users.values())

    def name_of(self, user: UserId) -> str:
        """What to call a user, from memory; the id of one that is not known."""
        known = self._users.get(user)
        return known.name if known is not None else user

    def users(self) -> tuple[UserRecord, ...]:
        """All of them."""
        return tuple(self._users.values())

    def user(self, user: UserId) -> UserRecord | None:
        """A user as it is now, from memory."""
        return self._users.get(user)

    def callers(self) -> Mapping[KeyId, Caller]:
        """The callers of the live keys, and the users themselves."""
        return {**{caller.key: caller for caller in self._callers.values()}, **self._themselves}

    def caller(self, headers: Headers, query: bytes = b"", method: bytes = b"GET", peer: str = "") -> Caller:
        """Who presents a key or, without any, a session's cookie, or is known by who hands the request on (``peer``,
        the address at the connection's other end).

        Raises `Unauthenticated` without ever repeating what was presented, and `Forbidden` as `Sessions.caller` does.
        A client may present several: Claude Code sends its account's key beside the token it was given for here.
        """
        now, ended = self._clock(), False
        for header in headers:
            if header[0] in _KEY_HEADERS:
                caller = self._remembered.get(header) or self._found((header,))
                if caller is not None:
                    if caller.end_s is None or now < caller.end_s:
                        break
                    ended = True
        else:
            caller = self._found((), query) if query else None
            if caller is not None and caller.end_s is not None and now >= caller.end_s:
                caller, ended = None, True
        if caller is None:
            caller = None if ended else self._without_key(headers, query, method, peer)
            if caller is None:
                raise self._refusal(headers, query, peer, ended=ended)
            return caller
        self._used[caller.key] = now
        return caller

    def _found(self, headers: Headers, query: bytes = b"") -> Caller | None:
        """Whose key it is that a header, or the query, presents."""
        for key in presented_keys(headers, query):
            # A digest of the whole key is looked up: how long that takes says nothing about the key.
            caller = self._callers.get(digest(key.decode("utf-8", "replace")))
            if caller is None:
                continue
            for header in headers:
                if len(header[1]) > _MOST_REMEMBERED_BYTES:
                    continue
                if len(self._remembered) >= _REMEMBERED:
                    self._remembered.clear()
                self._remembered[header] = caller
            return caller
        return None

    def _without_key(self, headers: Headers, query: bytes, method: bytes, peer: str) -> Caller | None:
        """1. Whom a proxy names: it has seen to it. 2. Whose cookie it is. 3. Who is in a network that is let in."""
        strangers = self.strangers
        if strangers is not None and not any(presented_keys(_not_for_a_proxy(headers), query)):
            caller = strangers.vouched(peer, method, headers)
            if caller is not None:
                return caller
        # A key that is wrong is not made good by anything else: who shows one means to be known by it.
        if any(presented_keys(headers, query)):
            return None
        caller = self._sessions.caller(method, headers) if self._sessions is not None else None
        if caller is None and strangers is not None:
            caller = strangers.near(peer, headers)
        return caller

    def _refusal(self, headers: Headers, query: bytes, peer: str, *, ended: bool) -> Unauthenticated:
        if ended:
            return Unauthenticated("The API key has expired.", hint="Make another with 'potluck keys create NAME'.")
        presented = next(presented_keys(headers, query), None)
        if presented is None:
            return Unauthenticated()
        address = peer if self.strangers is None else self.strangers.whence(peer, headers).shown
        self.refused(address, presented.decode("utf-8", "replace"))
        return Unauthenticated("The API key is not valid.")

    def of_key(self, key: KeyId) -> Caller | None:
        """Who has a key, without presenting it; None for one that does not count any more."""
        callers = (caller for caller in self._callers.values() if caller.key == key)
        found = self._themselves.get(key) or next(callers, None)
        return found if found is None or found.end_s is None or self._clock() < found.end_s else None

    def still(self, caller: Caller) -> bool:
        """Whether a caller is now who it was when its request came: neither turned out nor given other rights."""
        if caller.session:
            now = self._sessions.under(caller.session) if self._sessions is not None else None
        else:
            now = self.of_key(caller.key)
        return now is not None and (now.user, now.role, now.scope) == (caller.user, caller.role, caller.scope)

    def of_request(self, request: Request) -> Caller:
        """The relay's way in."""
        query = request.query if b"?" in request.target else b""
        return self.caller(request.headers, query, request.method, request.peer)

    def take_used(self) -> dict[KeyId, float]:
        """Times of last use since the last call of this, for storage."""
        used, self._used = self._used, {}
        return used


def _caller(record: KeyRecord, role: Role, plan: Plan | None) -> Caller:
    scope = None if record.surfaces is None and record.models is None else KeyScope(record.surfaces, record.models)
    return Caller(record.id, record.name, record.user, role, scope, record.end_s, prefix=record.prefix, plan=plan)


def presented_keys(headers: Headers, query: bytes) -> Iterator[bytes]:
    """The keys of a request: Bearer, x-api-key, the password of Basic, ``?key=`` and ``?token=``. Empty ones are none:
    a client whose setting is empty sends its header all the same."""
    for name, value in headers:
        if name == b"authorization":
            scheme, _, rest = value.strip().partition(b" ")
            match scheme.lower():
                case b"bearer":
                    key = rest.strip()
                case b"basic":
                    key = _password(rest.strip())
                case _:
                    continue
        elif name in _KEY_HEADERS:
            key = value.strip()
        else:
            continue
        if key:
            yield key
    if query:
        fields = parse_qs(query.decode("latin-1"))
        for field in ("key", "token"):
            for text in fields.get(field, ()):
                yield text.encode("utf-8", "replace")


def _not_for_a_proxy(headers: Headers) -> Headers:
    """Without Basic: who was asked for a password by the proxy sends it along, and the proxy may pass it on."""
    return [each for each in headers if each[0] != b"authorization" or each[1][:6].lower() != b"basic "]


def _password(encoded: bytes) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


class RequireKey:
    """ASGI middleware: nothing but the public paths is served without a key, or what `passwords` has ``proven``. Sets
    ``request.state.caller``, and ``request.state.address`` to where the request comes from behind proxies
    (`core.whence`)."""

    def __init__(self, app: ASGIApp, keyring: Keyring) -> None:
        self._app = app
        self._keyring = keyring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers: Headers = scope["headers"]
            peer = address_of(scope)
            state, strangers = scope.setdefault("state", {}), self._keyring.strangers
            state["address"] = peer if strangers is None else strangers.whence(peer, headers).shown
            if scope["path"] not in PUBLIC_PATHS:
                state["caller"] = state.pop("proven", None) or self._caller(scope, headers, peer)
            if strangers is not None:
                scope["scheme"] = strangers.scheme(peer, headers) or scope.get("scheme", "http")
                scope["headers"] = strangers.clean(headers)
        await self._app(scope, receive, send)

    def _caller(self, scope: Scope, headers: Headers, peer: str) -> Caller:
        # Raised outside Starlette's own handlers on purpose: `surfaces.errors` renders it like any other.
        query, method = scope.get("query_string", b""), scope["method"]
        asks = OPEN_ROUTES.get(("GET" if method == "HEAD" else method, scope["path"]))
        if asks is False:
            return NOBODY
        try:
            caller = self._keyring.caller(headers, query, method.encode(), peer)
        except Unauthenticated:
            # Nothing was shown, or the cookie of a session that is over: no reason not to sign in.
            if asks and not any(presented_keys(headers, query)):
                return NOBODY
            raise
        if caller.scope is not None and not caller.scope.allows_surface(surface := surface_of(scope["path"])):
            raise caller.scope.surface_refusal(surface)
        return caller
