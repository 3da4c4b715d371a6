"""What answers that are read as they come go over: aiohttp, which is imported when the first of them is asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from potluck.backends.port import Address

if TYPE_CHECKING:
    import aiohttp

    from potluck.backends.images.port import ImageHttp


class Streaming:
    """One session for all engines, opened at first use and closed with `aclose`."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def to(self, address: Address, *, node: str) -> AsyncGenerator[ImageHttp]:
        """``node`` is the owner's name for the machine, for errors."""
        # 14 MB and a third of a second on a small machine, for what most houses do once a month.
        from potluck.backends.http import AiohttpEngine, open_engine_session  # noqa: PLC0415

        if self._session is None:
            self._session = await self._stack.enter_async_context(open_engine_session())
        yield AiohttpEngine(self._session, address, node=node)

    async def aclose(self) -> None:
        await self._stack.aclose()
