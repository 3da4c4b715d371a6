"""A connection to an image engine that breaks in the middle, as when a gateway is killed: the engine hears nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from potluck.backends.images.port import ImageHttp
from potluck.backends.port import HttpReply
from potluck.core.errors import NodeUnreachable


class Torn:
    """An engine's connection that breaks, and with it everything that goes over it."""

    def __init__(self, http: ImageHttp) -> None:
        self._http = http
        self.broken = asyncio.Event()

    async def request(self, *asked: Any, **more: Any) -> HttpReply:
        answer = asyncio.ensure_future(self._http.request(*asked, **more))
        breaking = asyncio.ensure_future(self.broken.wait())
        await asyncio.wait({answer, breaking}, return_when=asyncio.FIRST_COMPLETED)
        if breaking.cancel() and answer.done():
            return answer.result()
        answer.cancel()
        raise NodeUnreachable("The cable is out.")

    def socket(self, path: str) -> Any:
        return self._http.socket(path)
