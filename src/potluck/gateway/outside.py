"""What lies out on the Internet, fetched for clients: never from inside the network. Imported when first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import aiohttp

from potluck.backends.outward import InsideTheNetwork, caused_by_inside, checked_connector
from potluck.core.addresses import Address
from potluck.gateway.images import FetchLimits, refusal

_REDIRECTS = 3
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)


class Outside:
    """Downloads from addresses that are ``allowed``."""

    def __init__(self, allowed: Callable[[Address], bool], limits: FetchLimits) -> None:
        self._allowed = allowed
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(self, url: str) -> bytes:
        """Raises `BadRequest` that says why it could not be had."""
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                return await self._download(url)
        except TimeoutError as error:
            raise refusal(url, f"it did not come within {self._limits.timeout_s:.0f} s") from error
        except InsideTheNetwork as error:
            raise refusal(url, "its address is not public") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if caused_by_inside(error):
                raise refusal(url, "its address is not public") from error
            raise refusal(url, "it could not be fetched", detail=str(error)) from error

    async def _download(self, url: str) -> bytes:
        for _ in range(_REDIRECTS + 1):
            self._check(url)
            async with self._client().get(url, allow_redirects=False, headers={"accept": "image/*"}) as reply:
                if reply.status in _REDIRECT_STATUSES and "location" in reply.headers:
                    url = urljoin(url, reply.headers["location"])
                    continue
                if reply.status != 200:
                    raise refusal(url, f"its server answered {reply.status}")
                return await self._body(url, reply)
        raise refusal(url, "it redirects too often")

    async def _body(self, url: str, reply: aiohttp.ClientResponse) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in reply.content.iter_any():
            size += len(piece)
            if size > self._limits.max_bytes:
                raise refusal(url, f"it is larger than {self._limits.max_bytes} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    def _check(self, url: str) -> None:
        """The scheme; addresses are checked when they are connected to."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise refusal(url, "only http and https URLs are fetched")

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=checked_connector(self._allowed, limit=16),
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session
