"""Work on images from the gateway's side: done by a child process that is there only while there is work."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final

import msgspec

from potluck.core.errors import BadRequest, Overloaded
from potluck.pixels.process import Child
from potluck.pixels.work import Limits, Made, Refused, Work

_DECODER: Final[msgspec.msgpack.Decoder[Made | Refused]] = msgspec.msgpack.Decoder(Made | Refused)

# Two processors are what the smallest machine has beside the engines' own, and one image takes up to a gigabyte.
_MEMORY_BYTES: Final = 3 * 1024**3
_LONGEST_WORK_S: Final = 60.0
# Thumbnails come in rows: who starts a child for each of them pays more for the start than for the work.
_IDLE_S: Final = 20.0
_MOST_WAITING: Final = 128
_RETRY_S: Final = 5.0


class Pixels:
    """One piece of work at a time, in the order of arrival. Use as an async context manager.

    A child that crashes or hangs costs the piece that it was at, and nothing else.
    """

    def __init__(self, limits: Limits | None = None, *, idle_s: float = _IDLE_S) -> None:
        self.limits = limits or Limits()
        self._idle_s = idle_s
        self._child: Child | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._retirement: asyncio.TimerHandle | None = None
        self._retired: set[asyncio.Future[str]] = set()

    async def __aenter__(self) -> Pixels:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        self._keep()
        if self._child is not None:
            await self._child.end()
            self._child = None
        if self._retired:
            await asyncio.wait(self._retired)

    @property
    def pid(self) -> int | None:
        """The child's, while there is one."""
        return self._child.pid if self._child else None

    async def perform(self, work: Work, *, param: str = "image") -> Made:
        """Raises `BadRequest` that names ``param`` for what cannot be done with these bytes, and `Overloaded` where too
        much waits already."""
        if len(work.image) > self.limits.bytes:
            most = self.limits.bytes // 1024**2
            raise BadRequest(f"The image file is larger than {most} MiB.", param=param, hint="Send a smaller one.")
        if self._waiting >= _MOST_WAITING:
            raise Overloaded("Too many images wait to be worked on.", retry_after_s=_RETRY_S)
        self._waiting += 1
        try:
            async with self._turn:
                answer = await self._answer(msgspec.msgpack.encode(work), param)
        finally:
            self._waiting -= 1
        if isinstance(answer, Refused):
            raise BadRequest(answer.message, param=param, hint=answer.hint)
        return answer

    async def _answer(self, message: bytes, param: str) -> Made | Refused:
        self._keep()
        child = await self._ready()
        try:
            async with asyncio.timeout(_LONGEST_WORK_S):
                await child.send(message)
                answer = await child.receive()
        except TimeoutError:
            await self._lose(child)
            raise BadRequest("The image took too long to be worked on.", param=param, hint="Scale it down.") from None
        except BaseException:
            # Whoever asked has left: the answer that is still to come must not be taken for the next one's.
            await self._lose(child)
            raise
        if answer is None:
            detail = await self._lose(child)
            raise BadRequest(
                "The image could not be worked on.",
                param=param,
                hint="Save it anew with another program.",
                detail=detail,
            )
        self._retirement = asyncio.get_running_loop().call_later(self._idle_s, self._retire)
        return _DECODER.decode(answer)

    async def _ready(self) -> Child:
        if self._child is None or self._child.gone:
            self._child = await Child.spawn("potluck.pixels.child", [str(_MEMORY_BYTES)])
            await self._child.send(msgspec.msgpack.encode(self.limits))
        return self._child

    async def _lose(self, child: Child) -> str:
        self._child = None
        child.kill()
        return await child.end()

    def _keep(self) -> None:
        if self._retirement is not None:
            self._retirement.cancel()
            self._retirement = None

    def _retire(self) -> None:
        """It has been idle for long enough; only a process that is at no work gets here."""
        self._retirement = None
        if self._child is not None:
            ending = asyncio.ensure_future(self._child.end())
            self._retired.add(ending)
            ending.add_done_callback(self._retired.discard)
            self._child = None
