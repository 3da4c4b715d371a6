"""Files out on the web, by URL: what may be reached, where redirects lead, what a server's refusal means.

Every address is checked in the moment its socket is opened, whoever wrote it and however it was found: a name that
changes its mind (DNS rebinding) and another spelling of an address (``http://127。0。0。1/``, which is one after
normalisation) gain nothing. What is no plain address even there (``http://127.1/``, ``http://2130706433/``) would be
resolved behind our back, and is refused. Redirects are followed by hand: a server out on the Internet never leads
inside the network, not even for the owner, who may name an address inside; and nobody is led from https to http.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from potluck.core.addresses import Address, is_public, read_address
from potluck.core.errors import BadRequest, NodeFailed, NodeTimeout, NodeUnreachable
from potluck.core.model_sources import without_query

_REDIRECTS = 5
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_CONNECT_S = 15.0
# A server that sends nothing for so long has forgotten us; what is here is kept, and asking again goes on from there.
_SILENCE_S = 60.0

_GO_ON = "Pull again later: what is here is kept."


class InsideTheNetwork(OSError):
    """An address that must not be asked."""


# As `socket.getaddrinfo` gives it: family, kind, protocol, canonical name, and where.
_Towards: TypeAlias = tuple[int, int, int, str, tuple[object, ...]]


def checked_sockets(allowed: Callable[[Address], bool]) -> Callable[[_Towards], socket.socket]:
    """Opens sockets, but none towards an address that is not allowed."""

    def opened(towards: _Towards) -> socket.socket:
        family, kind, protocol, _, where = towards
        address = read_address(str(where[0]))
        if address is None:  # it would be resolved behind our back
            raise InsideTheNetwork("not an address")
        if not allowed(address):
            raise InsideTheNetwork("not allowed")
        return socket.socket(family, kind, protocol)

    return opened


def checked_connector(allowed: Callable[[Address], bool], *, limit: int) -> aiohttp.TCPConnector:
    """Connects to addresses that are allowed, ``limit`` at a time, each anew."""
    return aiohttp.TCPConnector(
        socket_factory=checked_sockets(allowed),
        resolver=aiohttp.ThreadedResolver(),
        use_dns_cache=False,
        force_close=True,
        limit=limit,
    )


def caused_by_inside(error: BaseException) -> bool:
    """Whether an error of aiohttp's comes from an address that was not allowed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InsideTheNetwork) or isinstance(getattr(cause, "os_error", None), InsideTheNetwork):
            return True
        cause = cause.__cause__
    return False


@dataclass(frozen=True, slots=True)
class Ask:
    """What to get. ``inside``: its own address may be inside the network. ``secret`` headers go to its origin alone."""

    url: str
    inside: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    secret: Mapping[str, str] = field(default_factory=dict[str, str])


class Answer:
    """A server's answer, whatever its status. ``headers`` (lower case) hold what a redirect on the way said, too."""

    def __init__(self, reply: aiohttp.ClientResponse, headers: Mapping[str, str]) -> None:
        self.status = reply.status
        self.headers = headers
        self._reply = reply

    async def pieces(self, at_most: int) -> AsyncIterator[bytes]:
        """The body in pieces of ``at_most`` bytes. Raises `NodeUnreachable` or `NodeTimeout` where it breaks off."""
        try:
            async for piece in self._reply.content.iter_chunked(at_most):
                yield piece
        except TimeoutError as error:
            raise NodeTimeout("The server fell silent in the middle of the file.", hint=_GO_ON) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NodeUnreachable("The download broke off.", hint=_GO_ON, detail=str(error)) from error

    async def whole(self, limit: int) -> bytes:
        """The whole body. Raises `NodeFailed` if it is longer than ``limit`` bytes."""
        body = bytearray()
        async for piece in self.pieces(65_536):
            body += piece
            if len(body) > limit:
                raise NodeFailed("The server's answer has no end.", status=self.status)
        return bytes(body)


class Outward:
    """GETs from the web. Use as an async context manager. ``allowed`` says what is out there."""

    def __init__(self, allowed: Callable[[Address], bool] = is_public) -> None:
        self._allowed = allowed
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Outward:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        for session in self._sessions.values():
            await session.close()

    @asynccontextmanager
    async def get(self, ask: Ask) -> AsyncGenerator[Answer]:
        """The answer at the end of all redirects. Raises `BadRequest` for what must not be asked, and `NodeError`."""
        url, inside = ask.url, ask.inside
        origin = _origin(url)
        said: dict[str, str] = {}
        for _ in range(_REDIRECTS + 1):
            self._check(url, inside=inside)
            inside = inside and await self._is_inside(url)
            headers = {**ask.headers, **ask.secret} if _origin(url) == origin else ask.headers
            reply = await self._send(url, headers, inside=inside)
            try:
                said |= {name.lower(): value for name, value in reply.headers.items()}
                if reply.status not in _REDIRECT_STATUSES or "location" not in reply.headers:
                    yield Answer(reply, said)
                    return
                url = _led(url, reply.headers["location"])
                for name in ("content-length", "content-range", "content-encoding", "etag", "last-modified"):
                    said.pop(name, None)
            finally:
                reply.close()
        raise NodeFailed("The server redirects too often.")

    async def _send(self, url: str, headers: Mapping[str, str], *, inside: bool) -> aiohttp.ClientResponse:
        # Unpacked: ranges and checksums are of the bytes as they lie there.
        sent = {"accept-encoding": "identity", "user-agent": "potluck", **headers}
        try:
            return await self._session(inside=inside).get(_exact(url), headers=sent, allow_redirects=False)
        except TimeoutError as error:
            raise NodeTimeout("The server does not answer.", hint=_GO_ON, detail=without_query(url)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if caused_by_inside(error):
                raise _inside(url) from error
            why = f"{without_query(url)}: {error}"
            raise NodeUnreachable("The server cannot be reached.", hint=_GO_ON, detail=why) from error

    def _check(self, url: str, *, inside: bool) -> None:
        """Scheme and literal address; names are checked when they are resolved."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadRequest("Only http and https URLs are fetched.", param="model")
        address = read_address(parts.hostname)
        if address is not None and not inside and not self._allowed(address):
            raise _inside(url)

    async def _is_inside(self, url: str) -> bool:
        """Whether a host that may be inside the network is; one that is not cannot lead there."""
        host = urlsplit(url).hostname or ""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            return False
        addresses = [read_address(str(where[0])) for *_, where in found]
        return not all(address is not None and self._allowed(address) for address in addresses)

    def _session(self, *, inside: bool) -> aiohttp.ClientSession:
        if (session := self._sessions.get(inside)) is None:
            allowed: Callable[[Address], bool] = (lambda address: True) if inside else self._allowed
            session = self._sessions[inside] = aiohttp.ClientSession(
                connector=checked_connector(allowed, limit=16),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S),
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return session


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _exact(url: str) -> URL:
    """As it stands, where it can stand so in a request: a signature holds for one spelling only."""
    return URL(url, encoded=all("!" <= char <= "~" for char in url))


def _led(url: str, location: str) -> str:
    after = urljoin(url, location)
    if url.startswith("https:") and not after.startswith("https:"):
        raise NodeFailed("The server leads from https to http.")
    return after


def _inside(url: str) -> BadRequest:
    host = urlsplit(url).hostname or "?"
    return BadRequest(
        f"'{host}' was not asked: its address is not public.",
        param="model",
        hint="The owner may pull from inside the network, by naming an address there.",
    )
