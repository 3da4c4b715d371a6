"""``/api/v1/sessions``: a browser proves once who asks, by a key or a password, and has a cookie from then on."""

from __future__ import annotations

import msgspec

from potluck.core.errors import Forbidden, Unauthenticated
from potluck.core.sessions import forged, set_cookie
from potluck.gateway.port import NOBODY
from potluck.storage.records import SessionId, SessionRecord
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.shapes import rfc3339


class SessionInfo(msgspec.Struct):
    """``user`` is whose it is, by name. ``agent`` is what the browser called itself; ``current`` marks the session that
    asks."""

    id: str
    user: str
    agent: str
    created_at: str
    last_used_at: str
    current: bool


class SessionQuery(msgspec.Struct):
    """One's own without a word; ``user``'s, by name or id, or ``all`` of everybody's, for who manages users."""

    user: str = ""
    all: bool = False


class SessionList(msgspec.Struct):
    sessions: list[SessionInfo]


async def begin_session(exchange: Exchange) -> Reply:
    refuse_elsewhere(exchange)
    if exchange.caller is NOBODY:
        raise Unauthenticated(
            "Who are you?", hint="Send name and password, or an API key as Authorization: Bearer KEY."
        )
    services = exchange.services
    made = await services.people.begin_session(exchange.caller, agent_of(exchange), services.lifetimes)
    return begun(exchange, *made)


def refuse_elsewhere(exchange: Exchange) -> None:
    """Raise `Forbidden` for a browser on another's page: that must not sign somebody in as whoever it likes, by a key
    in the query or a name of its own. Programs name no origin."""
    headers = dict(exchange.headers)
    site, origin = headers.get(b"sec-fetch-site", b""), headers.get(b"origin", b"")
    if (site or origin) and forged(b"POST", site, origin, headers.get(b"host", b"")):
        raise Forbidden("A browser begins a session from Potluck's own pages only.")


def agent_of(exchange: Exchange) -> str:
    """What the browser calls itself."""
    return dict(exchange.headers).get(b"user-agent", b"").decode("latin-1")


def begun(exchange: Exchange, record: SessionRecord, token: str) -> Reply:
    """The answer that a session begins with: the token is in its cookie and nowhere else."""
    length_s = exchange.services.lifetimes.length_s
    cookie = set_cookie(token, secure=https(exchange), length_s=length_s)
    return Reply(_info(exchange, record, record.id), {"set-cookie": cookie, "cache-control": "no-store"})


async def list_sessions(exchange: Exchange, query: SessionQuery) -> Reply:
    caller = exchange.caller
    found = await exchange.services.people.sessions(caller, query.user, every=query.all)
    return Reply(SessionList([_info(exchange, record, caller.session) for record in found]))


async def end_session(exchange: Exchange) -> Reply:
    asked, current = exchange.path["session"], exchange.caller.session
    session = current if asked == "current" else asked
    await exchange.services.people.end_session(exchange.caller, SessionId(session))
    return Reply(None, {"set-cookie": set_cookie("", secure=https(exchange), length_s=0)} if session == current else {})


def https(exchange: Exchange) -> bool:
    """The page's own word for how it came here: a proxy in front may speak https where we do not."""
    return dict(exchange.headers).get(b"origin", b"").lower().startswith(b"https://")


def _info(exchange: Exchange, record: SessionRecord, current: str) -> SessionInfo:
    return session_info(record, exchange.services.name_of(record.user), current)


def session_info(record: SessionRecord, user: str, current: str = "") -> SessionInfo:
    """``user`` is a name, ``current`` the id of the session that asks."""
    return SessionInfo(
        record.id, user, record.agent, rfc3339(record.created_s), rfc3339(record.last_used_s), record.id == current
    )
