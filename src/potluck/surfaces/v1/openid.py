"""``/api/v1/sessions/oidc``: sign-in by an OpenID Connect provider; and which ways to sign in there are."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable
from urllib.parse import urlsplit

import msgspec
import structlog

from potluck.core.audit import Event
from potluck.core.errors import BadRequest, NotFound, PotluckError
from potluck.core.openid import FLOW_COOKIES, flow_cookie
from potluck.core.sessions import cookie_in, set_cookie
from potluck.gateway.openid.flow import CALLBACK, Answer, OpenIdWay
from potluck.storage.records import IdentityId
from potluck.surfaces.v1.errors import status_of
from potluck.surfaces.v1.exchange import Exchange, Page, Reply, Result
from potluck.surfaces.v1.sessions import agent_of, refuse_elsewhere
from potluck.surfaces.v1.shapes import rfc3339

log = structlog.get_logger(__name__)

START = "/api/v1/sessions/oidc"
# Where one goes on to who did not say: it tells who is signed in.
_PAGE = "/sign-in"

# What a Host header may be to become part of an address: a name or an address, and a port.
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


class OpenIdBegin(msgspec.Struct):
    """``next`` is the path to go on to, of this host; ``invitation`` the token of one."""

    next: str = ""
    invitation: str = ""


class OpenIdLink(msgspec.Struct):
    """``next`` is the path to go on to, of this host."""

    next: str = ""


class OpenIdLocation(msgspec.Struct):
    """Where to send the browser."""

    location: str


class OpenIdButton(msgspec.Struct):
    """``label`` is what to write on the button, ``start`` where it leads."""

    label: str
    start: str


class SignInWaysInfo(msgspec.Struct):
    """``name`` is what the service is called. A ``key`` and a ``password`` are taken at ``POST /api/v1/sessions``.
    ``oidc`` is null where no provider is configured; ``proxy`` says whether a reverse proxy may sign people in."""

    name: str
    oidc: OpenIdButton | None
    proxy: bool
    key: bool = True
    password: bool = True


class IdentityInfo(msgspec.Struct):
    """An account at a provider, by which a user can sign in. ``email`` is what the provider said last, once it has
    verified it."""

    id: str
    issuer: str
    subject: str
    email: str
    created_at: str
    last_used_at: str


class IdentityList(msgspec.Struct):
    identities: list[IdentityInfo]


async def ways(exchange: Exchange) -> Reply:
    openid = exchange.services.openid
    button = None if openid is None else OpenIdButton(openid.label, START)
    return Reply(
        SignInWaysInfo(exchange.services.settings.name, button, exchange.services.proxy_signs_in),
        {"cache-control": "no-store"},
    )


async def begin(exchange: Exchange, query: OpenIdBegin) -> Result:
    """Send the browser to the provider."""
    return await _shown(exchange, _begin(exchange, query))


async def end(exchange: Exchange, answer: Answer) -> Result:
    """Where the provider sends the browser back to."""
    return await _shown(exchange, _end(exchange, answer))


async def link(exchange: Exchange, body: OpenIdLink) -> Reply:
    """Begin to make an account at the provider one's own. By POST, so that no page elsewhere can begin it."""
    refuse_elsewhere(exchange)
    caller, way = exchange.caller, _way(exchange)
    if not caller.session:
        raise BadRequest("Only who is signed in, in a browser, can link an account.", hint="Begin a session first.")
    redirect_uri = _redirect_uri(exchange, way)
    begun = await (await way.sign_in()).begin(redirect_uri, next=body.next or _PAGE, user=caller.user)
    cookie = flow_cookie(begun.cookie, secure=_is_https(redirect_uri))
    return Reply(OpenIdLocation(begun.url), {"cache-control": "no-store"}, (cookie,))


async def list_identities(exchange: Exchange) -> Reply:
    found = await exchange.services.storage.identities.of_user(exchange.caller.user)
    return Reply(
        IdentityList(
            [
                IdentityInfo(
                    each.id,
                    each.issuer,
                    each.subject,
                    each.email,
                    rfc3339(each.created_s),
                    rfc3339(each.last_used_s),
                )
                for each in found
            ]
        )
    )


async def unlink(exchange: Exchange) -> Reply:
    identities, caller = exchange.services.storage.identities, exchange.caller
    identity = IdentityId(exchange.path["identity"])
    found = next((each for each in await identities.of_user(caller.user) if each.id == identity), None)
    await identities.remove(identity, caller.user)
    await exchange.tell(
        Event.IDENTITY_UNLINKED, exchange.services.name_of(caller.user), issuer=found.issuer if found else ""
    )
    return Reply(None)


async def _begin(exchange: Exchange, query: OpenIdBegin) -> Reply:
    way = _way(exchange)
    redirect_uri = _redirect_uri(exchange, way)
    sign_in = await way.sign_in()
    begun = await sign_in.begin(redirect_uri, next=query.next or _PAGE, invitation=query.invitation)
    cookie = flow_cookie(begun.cookie, secure=_is_https(redirect_uri))
    return Reply(None, {"location": begun.url, "cache-control": "no-store"}, (cookie,))


async def _end(exchange: Exchange, answer: Answer) -> Reply:
    way, services = _way(exchange), exchange.services
    secure = _is_https(_redirect_uri(exchange, way))
    cookie = cookie_in(dict(exchange.headers).get(b"cookie", b""), FLOW_COOKIES).decode("latin-1")
    ended = await (await way.sign_in()).end(answer, cookie, exchange.address)
    cookies = [flow_cookie("", secure=secure)]
    if not ended.linked:
        _, token = await services.people.sign_in(
            ended.user, agent_of(exchange), services.lifetimes, address=exchange.address
        )
        cookies.append(set_cookie(token, secure=secure, length_s=services.lifetimes.length_s))
    return Reply(None, {"location": ended.next, "cache-control": "no-store"}, tuple(cookies))


def _way(exchange: Exchange) -> OpenIdWay:
    way = exchange.services.openid
    if way is None:
        raise NotFound("Nobody signs in by a provider here.", hint="access.oidc in the configuration names one.")
    return way


def _redirect_uri(exchange: Exchange, way: OpenIdWay) -> str:
    """Where the provider sends the browser back to: it is registered there, so that a false ``Host`` gains nothing."""
    if way.redirect_uri:
        return way.redirect_uri
    host = dict(exchange.headers).get(b"host", b"").decode("latin-1")
    if not _HOST.fullmatch(host):
        raise BadRequest("The Host header is missing or not a host.", hint="A proxy must pass it on.")
    return f"{'https' if exchange.https else 'http'}://{host}{CALLBACK}"


def _is_https(url: str) -> bool:
    return urlsplit(url).scheme == "https"


async def _shown(exchange: Exchange, work: Awaitable[Reply]) -> Result:
    """Whoever is led here has a browser in front of them: errors are a page, if it asks for one."""
    try:
        return await work
    except PotluckError as error:
        log.info("nobody was signed in", why=error.message, detail=error.detail)
        if "text/html" not in dict(exchange.headers).get(b"accept", b"").decode("latin-1"):
            raise
        return Page(_page(error).encode(), "text/html; charset=utf-8", status=status_of(type(error))[0])


def _page(error: PotluckError) -> str:
    said = html.escape(error.message)
    hint = f"<p>{html.escape(error.hint)}</p>" if error.hint else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign-in</title>'
        f'<main><h1>Nobody was signed in</h1><p>{said}</p>{hint}<p><a href="{_PAGE}">Back</a></p></main></html>'
    )
