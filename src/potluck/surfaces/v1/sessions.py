"""``/api/v1/sessions``: a browser shows its key once, and a cookie from then on."""

from __future__ import annotations

import msgspec

from potluck.core.errors import Forbidden
from potluck.core.sessions import forged, set_cookie
from potluck.storage.records import SessionId, SessionRecord
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.shapes import rfc3339


class SessionInfo(msgspec.Struct):
    """``agent`` is what the browser called itself; ``current`` marks the session that asks."""

    id: str
    agent: str
    created_at: str
    last_used_at: str
    current: bool


class SessionList(msgspec.Struct):
    sessions: list[SessionInfo]


async def begin_session(exchange: Exchange) -> Reply:
    headers, lifetimes = dict(exchange.headers), exchange.services.lifetimes
    site, origin = headers.get(b"sec-fetch-site", b""), headers.get(b"origin", b"")
    # A page elsewhere must not sign somebody in as whoever it likes, by a key in the query. Programs name no origin.
    if (site or origin) and forged(b"POST", site, origin, headers.get(b"host", b"")):
        raise Forbidden("A browser begins a session from Potluck's own pages only.")
    agent = headers.get(b"user-agent", b"").decode("latin-1")
    record, token = await exchange.services.people.begin_session(exchange.caller, agent, lifetimes)
    cookie = set_cookie(token, secure=_secure(exchange), length_s=lifetimes.length_s)
    return Reply(_info(record, record.id), {"set-cookie": cookie, "cache-control": "no-store"})


async def list_sessions(exchange: Exchange) -> Reply:
    caller = exchange.caller
    found = await exchange.services.people.sessions(caller)
    return Reply(SessionList([_info(record, caller.session) for record in found]))


async def end_session(exchange: Exchange) -> Reply:
    asked, current = exchange.path["session"], exchange.caller.session
    session = current if asked == "current" else asked
    await exchange.services.people.end_session(exchange.caller, SessionId(session))
    return Reply(
        None, {"set-cookie": set_cookie("", secure=_secure(exchange), length_s=0)} if session == current else {}
    )


def _secure(exchange: Exchange) -> bool:
    """The page's own word for how it came here: a proxy in front may speak https where we do not."""
    return dict(exchange.headers).get(b"origin", b"").lower().startswith(b"https://")


def _info(record: SessionRecord, current: str) -> SessionInfo:
    return SessionInfo(
        record.id, record.agent, rfc3339(record.created_s), rfc3339(record.last_used_s), record.id == current
    )
