"""Who asks, by a browser's cookie: the live sessions, held in memory as keys are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from potluck.core.errors import Forbidden, Unauthenticated
from potluck.core.keys import digest
from potluck.core.model import KeyId
from potluck.core.sessions import Lifetimes, cookie_in, forged
from potluck.gateway.port import Caller
from potluck.storage.records import SessionId, SessionRecord

Headers = Sequence[tuple[bytes, bytes]]


class _Live(msgspec.Struct):
    """One session. It may what the key may that it was begun with, and ends with it."""

    caller: Caller
    created_s: float
    last_used_s: float


class Sessions:
    """The live sessions. One owner for them; storage is written by who begins and ends them."""

    def __init__(self, clock: Callable[[], float], lifetimes: Lifetimes) -> None:
        """``clock`` is Unix seconds."""
        self._clock = clock
        self.lifetimes = lifetimes
        self._live: dict[bytes, _Live] = {}
        self._used: dict[SessionId, float] = {}
        self._records: tuple[SessionRecord, ...] = ()

    def replace(self, records: Iterable[SessionRecord], callers: Mapping[KeyId, Caller]) -> None:
        """Take sessions as they are stored now; ``callers`` are those of the live keys."""
        before, self._live = self._live, {}
        self._records = tuple(records)
        for record in self._records:
            if (caller := callers.get(record.key)) is not None and caller.user == record.user:
                known = before.get(record.digest)
                used_s = max(record.last_used_s, known.last_used_s if known is not None else 0.0)
                caller = msgspec.structs.replace(caller, session=record.id)
                self._live[record.digest] = _Live(caller, record.created_s, used_s)

    def take(self, callers: Mapping[KeyId, Caller]) -> None:
        """Take other callers for the same sessions."""
        self.replace(self._records, callers)

    def caller(self, method: bytes, headers: Headers) -> Caller | None:
        """Whose session a request's cookie is; None without a cookie.

        Raises `Unauthenticated` for a session that is over or unknown, and `Forbidden` for a request that another site
        may have forged.
        """
        named = dict(headers)
        token = cookie_in(named.get(b"cookie", b""))
        if not token:
            return None
        kept = digest(token.decode("utf-8", "replace"))
        live, now = self._live.get(kept), self._clock()
        if live is None or now >= self.lifetimes.end_s(live.created_s, live.last_used_s) or _ended(live.caller, now):
            raise Unauthenticated("The session is over.", hint="Sign in again.")
        if forged(method, *(named.get(name, b"") for name in (b"sec-fetch-site", b"origin", b"host"))):
            raise Forbidden(
                "A browser's session changes things only from Potluck's own pages.",
                hint="Other pages and programs show an API key. A proxy must pass the Host header on.",
            )
        live.last_used_s = now
        self._used[SessionId(live.caller.session)] = now
        return live.caller

    def under(self, session: str) -> Caller | None:
        """Who has a session now, by its id; None where it is over."""
        now = self._clock()
        return next(
            (
                live.caller
                for live in self._live.values()
                if live.caller.session == session
                and now < self.lifetimes.end_s(live.created_s, live.last_used_s)
                and not _ended(live.caller, now)
            ),
            None,
        )

    def take_used(self) -> dict[SessionId, float]:
        """Times of last use since the last call of this, for storage."""
        used, self._used = self._used, {}
        return used


def _ended(caller: Caller, now: float) -> bool:
    return caller.end_s is not None and now >= caller.end_s
