"""Who asks by the word of a reverse proxy that the owner named (``access.trusted_header``)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from potluck.core.addresses import Networks
from potluck.core.errors import Forbidden, Unauthenticated
from potluck.core.limits import Plan
from potluck.core.model import UserId
from potluck.core.people import OWNER_ID, checked_name, folded, own_key
from potluck.core.proxied import HeaderRules, Headers, Named, from_elsewhere, named, role_by, secret_in
from potluck.core.whence import Whence
from potluck.gateway.admission import PlanOf, unlimited
from potluck.gateway.port import Caller
from potluck.storage.records import UserRecord


class Proxied:
    """Users by the name that the proxy gives them. One owner for what is known of them; ``keep`` writes it down."""

    def __init__(
        self,
        rules: HeaderRules,
        proxies: Networks,
        clock: Callable[[], float],
        keep: Callable[[UserRecord], None],
    ) -> None:
        """``clock`` is Unix seconds. ``keep`` is told of users that are new, or whose role is another one now: it must
        not wait, for the calls of this user do not."""
        self.rules = rules
        self._proxies = proxies
        self._clock = clock
        self._keep = keep
        self._users: dict[str, UserRecord] = {}  # by folded name
        self._plan_of: PlanOf = unlimited
        self._plans: dict[UserId, Plan | None] = {}

    def replace(self, users: Iterable[UserRecord], plan_of: PlanOf = unlimited) -> None:
        """Take users as they are stored now, and how much each may use."""
        self._plan_of, self._plans = plan_of, {}
        self._users = {folded(user.name): user for user in users}

    def caller(self, whence: Whence, method: bytes, headers: Headers) -> Caller | None:
        """Whom the proxy names; None if it names nobody, or it is not the proxy that says so.

        Raises `Unauthenticated` and `Forbidden` for whom it names without avail.
        """
        # 1. Anybody can send the header: only the proxies' are read.
        if whence.peer is None or whence.peer not in self._proxies:
            return None
        who = named(headers, self.rules)
        if who is None:
            return None
        shown, secret = secret_in(headers), self.rules.secret
        if secret and not hmac.compare_digest(shown.encode(), secret.encode()):
            raise Unauthenticated(
                "What names a user here does not show the proxy's secret.",
                hint="The proxy must set the header X-Proxy-Secret to access.trusted_header.secret.",
            )
        # 2. The proxy vouches for the browser, and the browser may be led by a page elsewhere.
        told = dict(headers)
        if from_elsewhere(method, *(told.get(name, b"") for name in (b"sec-fetch-site", b"origin", b"host"))):
            raise Forbidden(
                "Who is signed in by a proxy may be asked for by Potluck's own pages only.",
                hint="Other pages show an API key. The proxy must pass the Host header on.",
            )
        # 3. What that user may.
        return self._caller(who)

    def _caller(self, who: Named) -> Caller:
        user = self._users.get(folded(who.name))
        if user is not None and user.disabled:
            raise Unauthenticated("This user is disabled.")
        known = None if user is None else user.role
        role = role_by(who, known, self.rules, owner=user is not None and user.id == OWNER_ID)
        if user is None:
            name = checked_name(who.name)
            user = self._learn(UserRecord(_user_id(name), name, role, self._clock()))
        elif user.role is not role:
            user = self._learn(replace(user, role=role))
        return Caller(own_key(user.id), user.name, user.id, role, keyless=True, plan=self._plan(user))

    def _plan(self, user: UserRecord) -> Plan | None:
        """Made once: plans go by what they are."""
        if user.id not in self._plans:
            self._plans[user.id] = self._plan_of(user, None)
        return self._plans[user.id]

    def _learn(self, user: UserRecord) -> UserRecord:
        self._plans.pop(user.id, None)
        # Known from now on, so that of a thousand calls one writes.
        self._users[folded(user.name)] = user
        self._keep(user)
        return user


def _user_id(name: str) -> UserId:
    """The same on all gateways of one database, which may see somebody new at the same moment."""
    return UserId("p" + hashlib.sha256(folded(name).encode("utf-8", "surrogatepass")).hexdigest()[:24])
