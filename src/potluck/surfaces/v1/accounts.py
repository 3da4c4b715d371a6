"""Signing in by name and password, one-time links, and second factors."""

from __future__ import annotations

from potluck.core.errors import BadRequest
from potluck.core.model import UserId
from potluck.core.sessions import DEVICE_COOKIES, DEVICE_S, cookie_in, set_cookie
from potluck.gateway.attempts import Visitor
from potluck.gateway.port import NOBODY
from potluck.storage.records import LinkId, LinkRecord, SessionRecord
from potluck.surfaces.v1.account_shapes import (
    Acceptance,
    CodeProof,
    FactorBegun,
    FactorConfirmed,
    FactorProof,
    FactorState,
    LinkInfo,
    LinkList,
    LinkShown,
    NewLink,
    PasswordChange,
    PasswordProof,
    SignIn,
    TokenQuery,
    link_info,
    link_made,
)
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.sessions import agent_of, begun, https, refuse_elsewhere
from potluck.surfaces.v1.sessions import begin_session as by_key
from potluck.surfaces.v1.shapes import rfc3339

_PRIVATE = {"cache-control": "no-store"}
"""It must not stay in any cache on the way."""


def visitor_of(exchange: Exchange) -> Visitor:
    """From where a request comes."""
    device = cookie_in(dict(exchange.headers).get(b"cookie", b""), DEVICE_COOKIES)
    return Visitor(exchange.address, agent_of(exchange), device.decode("latin-1"))


# --- Passwords -------------------------------------------------------------------------------------------------------


async def begin_session(exchange: Exchange, body: SignIn) -> Reply:
    """A session by name and password, or by the API key that is shown."""
    if not body.name and not body.password:
        return await by_key(exchange)
    refuse_elsewhere(exchange)
    # A session that is there already, or an address that is known, is no reason not to say who one is.
    if exchange.caller is not NOBODY and not exchange.caller.session and not exchange.caller.keyless:
        raise BadRequest("Show an API key, or send a name and a password.", param="name", hint="Not both at once.")
    services, visitor = exchange.services, visitor_of(exchange)
    signing_in = services.accounts().signing_in
    made = await signing_in.sign_in(body.name, body.password, body.code, visitor, services.lifetimes)
    return _come_in(exchange, *made)


async def change_password(exchange: Exchange, body: PasswordChange) -> Reply:
    signing_in = exchange.services.accounts().signing_in
    await signing_in.change_password(exchange.caller, body.old_password, body.new_password, visitor_of(exchange))
    return Reply(None)


def _come_in(exchange: Exchange, record: SessionRecord, token: str) -> Reply:
    """A session has begun, in a browser that is known from now on."""
    device = exchange.services.accounts().attempts.device(record.user)
    known = set_cookie(device, secure=https(exchange), length_s=DEVICE_S, names=DEVICE_COOKIES)
    reply = begun(exchange, record, token)
    return Reply(reply.value, reply.headers, (*reply.cookies, known))


# --- Links -----------------------------------------------------------------------------------------------------------


async def list_links(exchange: Exchange) -> Reply:
    return Reply(LinkList([_info(exchange, record) for record in await exchange.services.accounts().links.all()]))


async def invite(exchange: Exchange, body: NewLink) -> Reply:
    links = exchange.services.accounts().links
    return _made(exchange, *await links.invite(exchange.caller, body.name, body.role, body.expires_in_s))


async def reset(exchange: Exchange) -> Reply:
    return _made(exchange, *await exchange.services.accounts().links.reset(exchange.caller, exchange.path["user"]))


async def set_up(exchange: Exchange) -> Reply:
    return _made(exchange, *await exchange.services.accounts().links.set_up(exchange.caller))


async def withdraw(exchange: Exchange) -> Reply:
    await exchange.services.accounts().links.remove(exchange.caller, LinkId(exchange.path["link"]))
    return Reply(None)


async def look(exchange: Exchange, query: TokenQuery) -> Reply:
    accounts = exchange.services.accounts()
    record, user = await accounts.links.look(query.token)
    code = user is not None and await accounts.factors.asked_of(user.id)
    name = record.name if user is None else user.name
    return Reply(LinkShown(record.kind, record.role, name, code, rfc3339(record.expires_s)), _PRIVATE)


async def accept(exchange: Exchange, body: Acceptance) -> Reply:
    refuse_elsewhere(exchange)
    services, visitor = exchange.services, visitor_of(exchange)
    user = await services.accounts().links.accept(body.token, body.name, body.password, body.code, visitor)
    return _come_in(exchange, *await services.accounts().signing_in.begin(user, visitor, services.lifetimes))


def _made(exchange: Exchange, record: LinkRecord, token: str) -> Reply:
    return Reply(link_made(record, token, _origin(exchange), *_names(exchange, record)), _PRIVATE)


def _info(exchange: Exchange, record: LinkRecord) -> LinkInfo:
    return link_info(record, *_names(exchange, record))


def _names(exchange: Exchange, record: LinkRecord) -> tuple[str, str]:
    name_of = exchange.services.name_of
    return name_of(record.user) if record.user else "", name_of(UserId(record.by))


def _origin(exchange: Exchange) -> str:
    """How a link begins: as the owner says, else as whoever makes it came here."""
    host = dict(exchange.headers).get(b"host", b"").decode("latin-1")
    return exchange.services.url or f"{'https' if https(exchange) else 'http'}://{host}"


# --- Second factors --------------------------------------------------------------------------------------------------


async def read_factor(exchange: Exchange) -> Reply:
    factors, user = exchange.services.accounts().factors, exchange.caller.user
    return Reply(FactorState(await factors.asked_of(user), await factors.codes_left(user)))


async def begin_factor(exchange: Exchange, body: PasswordProof) -> Reply:
    factors = exchange.services.accounts().factors
    made = await factors.begin(exchange.caller, body.password, visitor_of(exchange))
    return Reply(FactorBegun(made.secret, made.url), _PRIVATE)


async def confirm_factor(exchange: Exchange, body: CodeProof) -> Reply:
    factors = exchange.services.accounts().factors
    codes = await factors.confirm(exchange.caller, body.code, visitor_of(exchange))
    return Reply(FactorConfirmed(list(codes)), _PRIVATE)


async def disable_factor(exchange: Exchange, body: FactorProof) -> Reply:
    factors = exchange.services.accounts().factors
    await factors.disable(exchange.caller, body.password, body.code, visitor_of(exchange))
    return Reply(None)


async def drop_factor(exchange: Exchange) -> Reply:
    await exchange.services.accounts().factors.drop(exchange.caller, exchange.path["user"])
    return Reply(None)
