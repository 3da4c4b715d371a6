"""What the provider is asked over: short questions, short answers, and no redirects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import aiohttp
import msgspec

from potluck.core.errors import ProviderAway, ProviderFailed

# A person waits.
_PATIENCE_S = 10.0
# Sets of keys and claims are some kilobytes.
_LONGEST_BYTES = 1_000_000
_RETRY_S = 10.0

S = TypeVar("S")


class Web:
    """One session, opened at first use and closed with `aclose`."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(
        self,
        shape: type[S],
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        refused: str = "",
    ) -> S:
        """The JSON at ``url``, to which ``form`` is posted if there is one.

        Raises `ProviderAway` where nobody answers, and `ProviderFailed` for every other answer; ``refused`` is then
        said of those that the provider means for us (4xx).
        """
        try:
            async with asyncio.timeout(_PATIENCE_S):
                status, body = await self._exchange(url, form, {"accept": "application/json", **(headers or {})})
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise ProviderAway(
                "The sign-in provider does not answer.",
                retry_after_s=_RETRY_S,
                hint="Try again, or sign in another way.",
                detail=f"{url}: {error!r}",
            ) from error
        if status >= 500:
            raise ProviderAway(
                "The sign-in provider has a problem of its own.",
                retry_after_s=_RETRY_S,
                hint="Try again, or sign in another way.",
                detail=f"{url}: {status}",
            )
        if status != 200:
            raise ProviderFailed(
                refused or "The sign-in provider does not give what was asked for.",
                hint="The owner finds more in Potluck's log.",
                detail=f"{url}: {status} {body[:500]!r}",
            )
        try:
            return msgspec.json.decode(body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProviderFailed(
                "The sign-in provider's answer is not what it should be.",
                hint="The owner finds more in Potluck's log.",
                detail=f"{url}: {error}",
            ) from error

    async def _exchange(
        self, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        method = "GET" if form is None else "POST"
        async with self._client().request(method, url, data=form, headers=headers, allow_redirects=False) as reply:
            body = bytearray()
            async for piece in reply.content.iter_any():
                body += piece
                if len(body) > _LONGEST_BYTES:
                    raise ValueError("the answer has no end")
            return reply.status, bytes(body)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=8, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session
