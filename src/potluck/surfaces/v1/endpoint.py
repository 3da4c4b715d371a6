"""Routes of the native API as one record each, and the ASGI application that serves all methods of one path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias, TypeVar

import msgspec
import structlog
from msgspec.structs import replace
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from potluck.core.errors import (
    BadRequest,
    ClientError,
    MethodNotAllowed,
    NotFound,
    PotluckError,
    RateLimited,
    Unauthenticated,
)
from potluck.core.people import Right
from potluck.gateway.answer_headers import REQUEST_ID
from potluck.gateway.port import NOBODY
from potluck.surfaces.addresses import address_of
from potluck.surfaces.body import read_body
from potluck.surfaces.contents import Content
from potluck.surfaces.services import Services
from potluck.surfaces.uploads import Upload
from potluck.surfaces.v1.errors import error_body, native_error
from potluck.surfaces.v1.exchange import Events, Exchange, Page, Reply, Result, send_whole, while_connected
from potluck.wire.body import decode_body
from potluck.wire.terms import read_terms

log = structlog.get_logger(__name__)

Method: TypeAlias = Literal["GET", "POST", "PATCH", "DELETE"]
T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Action:
    """A handler with what it reads: a body, a query, or nothing. Made by `reading`, `perhaps`, `asking`, `plain`,
    `uploading`; ``upload`` is for one that reads a file as it comes, ``bare`` for one that takes a request without its
    body, too."""

    run: Callable[[Exchange, bytes, QueryParams], Awaitable[Result]]
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    upload: bool = False
    bare: bool = False


def reading(shape: type[T], handler: Callable[[Exchange, T], Awaitable[Result]]) -> Action:
    """A handler of a JSON body."""

    async def run(exchange: Exchange, body: bytes, query: QueryParams) -> Result:
        return await handler(exchange, decode_body(body, shape))

    return Action(run, body=shape)


def perhaps(shape: type[T], handler: Callable[[Exchange, T], Awaitable[Result]]) -> Action:
    """A handler of a JSON body that may be left out, because all of its fields may."""

    async def run(exchange: Exchange, body: bytes, query: QueryParams) -> Result:
        return await handler(exchange, decode_body(body.strip() or b"{}", shape))

    return Action(run, body=shape, bare=True)


def asking(shape: type[T], handler: Callable[[Exchange, T], Awaitable[Result]]) -> Action:
    """A handler of a query string."""

    async def run(exchange: Exchange, body: bytes, query: QueryParams) -> Result:
        return await handler(exchange, decode_query(query, shape))

    return Action(run, query=shape)


def plain(handler: Callable[[Exchange], Awaitable[Result]]) -> Action:
    """A handler of nothing but its path."""

    async def run(exchange: Exchange, body: bytes, query: QueryParams) -> Result:
        return await handler(exchange)

    return Action(run)


def uploading(shape: type[T], handler: Callable[[Exchange, Upload, T], Awaitable[Result]]) -> Action:
    """A handler of a file, which comes as the body or in a form, and of a query string."""

    async def run(exchange: Exchange, body: bytes, query: QueryParams) -> Result:
        assert exchange.receive is not None
        upload = Upload(exchange.receive, dict(exchange.headers))
        return await handler(exchange, upload, decode_query(query, shape))

    return Action(run, query=shape, upload=True)


@dataclass(frozen=True, slots=True)
class Route:
    """One thing the API does. Serving, the OpenAPI document and docs/reference/http.md all come from here.

    ``answer`` is the JSON of success, None for an empty body; ``events`` the stream's, by name, where there is one.
    ``errors`` are those beyond what any route may answer with. ``right`` is what its callers must have;
    None: it is for who has no key yet, too (`auth.OPEN_ROUTES` lists the same). A ``lasting`` one goes on to its end
    though its client leaves: what it changes is then told to whom it concerns, and audited. ``also`` are media types
    of a success that a client may ask for in place of JSON.
    """

    method: Method
    path: str
    summary: str
    action: Action
    answer: type[msgspec.Struct] | None
    errors: tuple[type[PotluckError], ...] = ()
    events: Mapping[str, type[msgspec.Struct]] = field(default_factory=dict[str, type[msgspec.Struct]])
    status: int = 200
    media_type: str = "application/json"
    right: Right | None = field(kw_only=True)
    lasting: bool = False
    also: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The path as it is described: ``{name:path}``, which may hold slashes, is a name like others."""
        return self.path.replace(":path}", "}")


def decode_query(query: Mapping[str, str], shape: type[T]) -> T:
    """A query string as a record; an empty value counts as left out. Raises `BadRequest` naming the parameter."""
    given = {name: value for name, value in query.items() if value}
    for time in _times(shape) & given.keys():
        # Read loosely, as numbers and booleans are in a query, any number would be a time.
        if "T" not in given[time].upper():
            raise BadRequest(
                f"Invalid value for '{time}' in the query: it is a time.",
                param=time,
                hint="Such as 2026-08-01T12:00:00Z.",
            )
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as exc:
        what, _, where = str(exc).partition(" - at `$.")
        param = where.removesuffix("`")
        raise BadRequest(f"Invalid value for '{param}' in the query: {what}.", param=param) from exc


@cache
def _times(shape: type[msgspec.Struct]) -> frozenset[str]:
    """The fields of a query that are times."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(shape) if "datetime" in str(field.type))


class Endpoint:
    """All methods of one path."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = {route.method: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """1. Find the route. 2. Read the body. 3. Run the handler as long as the client is there."""
        services: Services = scope["app"].state.services
        state = scope.get("state", {})
        caller, address = state["caller"], address_of(scope)
        if caller is not NOBODY:
            caller = replace(caller, address=address)
        exchange = Exchange(services, caller, state.get("request_id") or services.new_id(), address=address)
        exchange.path, exchange.method = scope.get("path_params", {}), scope["method"]
        exchange.https = scope.get("scheme") == "https"
        try:
            route = self._route(scope["method"], exchange)
            exchange.headers = scope["headers"]
            exchange.terms = read_terms(exchange.headers)
            exchange.last_event = Headers(scope=scope).get("last-event-id", "")
            body: bytes | None = b""
            if route.action.body is not None:
                body = await read_body(receive, Headers(scope=scope), services.max_body_bytes)
        except PotluckError as error:
            return await _send_error(send, error, exchange)
        if body is None:
            return None
        events = Events(send)
        if route.action.upload:  # whoever leaves in the middle is noticed by the handler, which reads what comes
            exchange.receive = receive
            with suppress(ClientDisconnect):
                await _answer(route, exchange, b"", QueryParams(scope["query_string"]), events, send)
            return None
        work = _answer(route, exchange, body, QueryParams(scope["query_string"]), events, send)
        if route.lasting:
            return await work
        return await while_connected(receive, work, events, services.ping_s)

    def _route(self, method: str, exchange: Exchange) -> Route:
        if not self._routes:
            raise NotFound("There is no such path.")
        route = next((known for name, known in self._routes.items() if name == _ALSO.get(method, method)), None)
        if route is None:
            raise MethodNotAllowed(method, sorted(self._routes))
        if route.right is not None and not exchange.caller.may(route.right):
            raise Unauthenticated() if exchange.caller is NOBODY else exchange.caller.refusal(route.right)
        return route


# The server leaves the body out.
_ALSO = {"HEAD": "GET"}


async def _answer(
    route: Route, exchange: Exchange, body: bytes, query: QueryParams, events: Events, send: Send
) -> None:
    try:
        result = await route.action.run(exchange, body, query)
        match result:
            case Reply(value, headers, cookies):
                content = b"" if value is None else msgspec.json.encode(value)
                named = {REQUEST_ID: exchange.request_id, **headers}
                status = 204 if value is None and route.status < 300 else route.status
                await send_whole(send, status, "application/json", content, named, cookies)
            case Page(content, media_type, headers, status):
                await send_whole(send, status, media_type, content, headers)
            case Content():
                await result.send(send)
            case _:
                await result.run(events)
                await events.end()
    except PotluckError as error:
        if not events.begun:
            return await _send_error(send, error, exchange)
        _note(error, exchange)
        await events.send("error", error_body(error, exchange.request_id, exchange.conversation))
        await events.end()


async def _send_error(send: Send, error: PotluckError, exchange: Exchange) -> None:
    _note(error, exchange)
    reply = native_error(error, exchange.request_id, exchange.conversation)
    await send_whole(send, reply.status, reply.content_type, reply.body, dict(reply.headers))


def _note(error: PotluckError, exchange: Exchange) -> None:
    # Who guesses passwords must not fill the log.
    if not isinstance(error, ClientError | RateLimited):
        log.warning("request failed", request=exchange.request_id, error=error.message, detail=error.detail)
