"""The socket of one prompt: its messages, and pictures of it on the way; opened anew when it breaks.

Every prompt has a client id of its own, so nothing of it goes to anybody else's socket. What comes here of others all
the same (prompts without a client id are told to everybody) is told by its prompt, or left aside.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Generic, TypeVar
from urllib.parse import quote

from potluck.backends.images.beside import beside
from potluck.backends.images.port import ImageHttp
from potluck.core.errors import NodeError
from potluck.wire.comfyui.messages import Message, Preview, read_frame, read_message

# What nobody has taken: more would be progress that has passed.
_MOST = 256
_AGAIN_S = 1.0
# A preview over this is none.
_LARGEST_PREVIEW_BYTES = 8 * 2**20
_FEATURES = '{"type":"feature_flags","data":{"supports_preview_metadata":true}}'


T = TypeVar("T")


@asynccontextmanager
async def listening(http: ImageHttp, id: str, read: Callable[[str | bytes], T | None]) -> AsyncGenerator[Listening[T]]:
    """Within the block messages are heard, as far as ``read`` makes something of them."""
    heard = Listening(http, id, read)
    async with beside(heard.listen()):
        # Before the prompt is sent, or its first messages go nowhere. An engine without sockets is asked instead.
        with suppress(TimeoutError):
            async with asyncio.timeout(_AGAIN_S):
                await heard.open.wait()
        yield heard


class Listening(Generic[T]):
    """``id`` is both the client's and the prompt's."""

    def __init__(self, http: ImageHttp, id: str, read: Callable[[str | bytes], T | None]) -> None:
        self._http = http
        self._id = id
        self._read = read
        self._heard: asyncio.Queue[T | None] = asyncio.Queue(_MOST)
        self.open = asyncio.Event()

    async def next(self, within_s: float) -> T | None:
        """None if nothing comes in time, or the socket broke."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                return await self._heard.get()
        return None

    async def listen(self) -> None:
        while True:
            with suppress(NodeError):
                async with self._http.socket(f"/ws?clientId={quote(self._id, safe='')}") as socket:
                    await socket.send(_FEATURES)
                    self.open.set()
                    async for message in socket.messages():
                        self._take(message)
            if self.open.is_set():
                self._put(None)
            self.open.set()
            await asyncio.sleep(_AGAIN_S)

    def _take(self, raw: str | bytes) -> None:
        heard = self._read(raw)
        if heard is not None:
            self._put(heard)

    def _put(self, heard: T | None) -> None:
        if self._heard.full():
            self._heard.get_nowait()
        self._heard.put_nowait(heard)


def of_prompt(id: str) -> Callable[[str | bytes], Message | bytes | None]:
    """Messages, and previews of the prompt with that id."""

    def read(raw: str | bytes) -> Message | bytes | None:
        return read_message(raw) if isinstance(raw, str) else _of_ours(read_frame(raw), id)

    return read


def _of_ours(preview: Preview | None, id: str) -> bytes | None:
    if preview is None or len(preview.image) > _LARGEST_PREVIEW_BYTES:
        return None
    return preview.image if preview.prompt in ("", id) else None
