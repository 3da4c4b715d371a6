"""Images that a client names by URL: fetched here, never by an engine, and never from inside the network.

Every address is checked in the moment its socket is opened, whoever wrote it and however it was found: a name that
changes its mind (DNS rebinding), another spelling of an address (``http://127。0。0。1/``, which is one after
normalisation) and a redirect gain nothing. What is no plain address even there (``http://127.1/``, ``http://2130706433/``)
would be resolved behind our back, and is refused.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

import aiohttp

from potluck.core.call import Call, ChatCall, ImagePart, Message, TextCall
from potluck.core.errors import BadRequest
from potluck.wire.images import sniff

_REDIRECTS = 3
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: Address) -> bool:
    """Whether an address is out on the Internet. IPv4 in IPv6's clothes is judged as the IPv4 address it is."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return is_public(inner)
        # 64:ff9b::/96 is NAT64: the last 32 bits are an IPv4 address that a router would go to.
        if address in ipaddress.IPv6Network("64:ff9b::/96"):
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and not address.is_multicast


class _InsideTheNetwork(OSError):
    """An address that must not be asked."""


# As `socket.getaddrinfo` gives it: family, kind, protocol, canonical name, and where.
_Towards: TypeAlias = tuple[int, int, int, str, tuple[object, ...]]


def _checked_sockets(allowed: Callable[[Address], bool]) -> Callable[[_Towards], socket.socket]:
    """Opens sockets, but none towards an address that is not allowed."""

    def opened(towards: _Towards) -> socket.socket:
        family, kind, protocol, _, where = towards
        try:
            address = ipaddress.ip_address(str(where[0]).partition("%")[0])
        except ValueError as error:
            raise _InsideTheNetwork("not an address") from error
        if not allowed(address):
            raise _InsideTheNetwork("not allowed")
        return socket.socket(family, kind, protocol)

    return opened


@dataclass(frozen=True, slots=True)
class FetchLimits:
    max_bytes: int = 20 * 1024 * 1024
    timeout_s: float = 15.0


class RemoteImages:
    """Replaces remote images in calls by their bytes. Use as an async context manager."""

    def __init__(self, allowed: Callable[[Address], bool] = is_public, limits: FetchLimits = FetchLimits()) -> None:
        self._allowed = allowed
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def needed(self, call: Call) -> bool:
        """Whether a call names an image by URL."""
        return any(part.url for part in _images(call))

    async def fetched(self, call: Call) -> Call:
        """The call with every remote image in it. Raises `BadRequest` naming the image that could not be had."""
        urls = list(dict.fromkeys(part.url for part in _images(call) if part.url))
        images = dict(zip(urls, await asyncio.gather(*(self._fetch(url) for url in urls)), strict=True))
        if isinstance(call, ChatCall):
            return replace(call, messages=tuple(_filled(message, images) for message in call.messages))
        if isinstance(call, TextCall):
            return replace(call, images=tuple(images.get(image.url, image) for image in call.images))
        return call

    async def _fetch(self, url: str) -> ImagePart:
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                data = await self._download(url)
        except TimeoutError as error:
            raise _refusal(url, f"it did not come within {self._limits.timeout_s:.0f} s") from error
        except _InsideTheNetwork as error:
            raise _refusal(url, "its address is not public") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if _caused_by_inside(error):
                raise _refusal(url, "its address is not public") from error
            raise _refusal(url, "it could not be fetched", detail=str(error)) from error
        encoded = base64.b64encode(data).decode("ascii")
        media_type = sniff(encoded)
        if not media_type.startswith("image/"):
            raise _refusal(url, "it is not an image")
        return ImagePart(data_b64=encoded, media_type=media_type)

    async def _download(self, url: str) -> bytes:
        for _ in range(_REDIRECTS + 1):
            self._check(url)
            async with self._client().get(url, allow_redirects=False, headers={"accept": "image/*"}) as reply:
                if reply.status in _REDIRECT_STATUSES and "location" in reply.headers:
                    url = urljoin(url, reply.headers["location"])
                    continue
                if reply.status != 200:
                    raise _refusal(url, f"its server answered {reply.status}")
                return await self._body(url, reply)
        raise _refusal(url, "it redirects too often")

    async def _body(self, url: str, reply: aiohttp.ClientResponse) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in reply.content.iter_any():
            size += len(piece)
            if size > self._limits.max_bytes:
                raise _refusal(url, f"it is larger than {self._limits.max_bytes} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    def _check(self, url: str) -> None:
        """The scheme; addresses are checked when they are connected to."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise _refusal(url, "only http and https URLs are fetched")

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                socket_factory=_checked_sockets(self._allowed),
                resolver=aiohttp.ThreadedResolver(),
                use_dns_cache=False,
                force_close=True,
                limit=16,
            )
            self._session = aiohttp.ClientSession(
                connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        return self._session


def _images(call: Call) -> list[ImagePart]:
    if isinstance(call, ChatCall):
        return [part for message in call.messages for part in message.parts if isinstance(part, ImagePart)]
    return list(call.images) if isinstance(call, TextCall) else []


def _filled(message: Message, images: dict[str, ImagePart]) -> Message:
    if not any(isinstance(part, ImagePart) and part.url for part in message.parts):
        return message
    parts = tuple(images[part.url] if isinstance(part, ImagePart) and part.url else part for part in message.parts)
    return replace(message, parts=parts)


def _caused_by_inside(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _InsideTheNetwork) or isinstance(getattr(cause, "os_error", None), _InsideTheNetwork):
            return True
        cause = cause.__cause__
    return False


def _refusal(url: str, why: str, *, detail: str = "") -> BadRequest:
    host = urlsplit(url).hostname or "?"
    return BadRequest(
        f"The image at '{host}' was not used: {why}.",
        param="image_url",
        hint="Send the image itself as a data: URL.",
        detail=detail,
    )
