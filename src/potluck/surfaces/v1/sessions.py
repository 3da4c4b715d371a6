"""``/api/v1/sessions``: a browser shows its key once, and a cookie from then on."""

from __future__ import annotations

import msgspec

from potluck.core.errors import Forbidden, Unauthenticated
from potluck.core.sessions import forged, set_cookie
from potluck.gateway.port import NOBODY
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
    refuse_elsewhere(exchange)
    if exchange.caller is NOBODY:
        raise Unauthenticated(hint="Send one as Authorization: Bearer KEY.")
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
    cookie = set_cookie(token, secure=_secure(exchange), length_s=length_s)
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
