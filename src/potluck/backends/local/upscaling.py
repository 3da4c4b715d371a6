"""Real-ESRGAN on the processor behind `ImageBackend`: one image function that works with no image node at all.

Each image is enlarged by a child process of its own (`upscaling_child`): the gateway stays small, a crash of ncnn costs
one image, and who leaves stops it at once.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Final

import msgspec

from potluck.backends.images.port import Event, ImageHttp, Run
from potluck.backends.local.upscaler_weights import Weights, can_run, fitting, weights
from potluck.backends.local.upscaling_child import Enlarged, Failed, Step, Task
from potluck.backends.port import Address
from potluck.core.errors import BadRequest, NodeFailed
from potluck.core.model import EngineKind
from potluck.core.pictures.ask import PictureAsk
from potluck.core.pictures.catalogue import Catalogue, Feature, Memory, Upscaler
from potluck.core.pictures.fitting import lacks
from potluck.core.pictures.outcome import Drawn, Progress
from potluck.pixels.process import Child
from potluck.wire.png import SIGNATURE

_DECODER: Final[msgspec.msgpack.Decoder[Step | Enlarged | Failed]] = msgspec.msgpack.Decoder(Step | Enlarged | Failed)
# As large as anything that leaves: half an hour's work for the small networks on a slow machine.
_MOST_PIXELS: Final = 8192 * 8192
# More threads than this wait for each other more than they work.
_MOST_THREADS: Final = 8
# A tile's, which keeps the small networks below a sixth of a gigabyte, and the large below one.
_SIDE: Final = 160
_LARGE_SIDE: Final = 64
# The large networks take half a minute for a tile on a slow machine.
_LONGEST_TILE_S: Final = 300.0


def threads_for(cores: int) -> int:
    """One processor is left to the gateway, and to whatever else the machine does."""
    return min(_MOST_THREADS, max(1, cores - 1))


class LocalUpscaling:
    """`ImageBackend`, for upscaling alone. ``own`` is the owner's folder of more weights; ``threads`` 0: as many as
    `threads_for` says."""

    kind = EngineKind.LOCAL

    def __init__(self, own: Path | None = None, threads: int = 0) -> None:
        self._own = own
        self._threads = threads or threads_for(os.cpu_count() or 1)
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._children: dict[str, Child] = {}
        self._cancelled: set[str] = set()

    def address(self) -> Address:
        """Nowhere: nothing is asked over a network."""
        return Address("local", 0)

    def offered(self) -> tuple[Weights, ...]:
        """The weights that can be used on this machine."""
        return weights(self._own) if can_run() else ()

    async def glance(self, http: ImageHttp) -> str:
        return "ncnn"

    async def catalogue(self, http: ImageHttp) -> Catalogue:
        return await self.everything()

    async def everything(self) -> Catalogue:
        """What lies on the disk at this moment."""
        offered = await asyncio.to_thread(self.offered)
        return Catalogue(
            EngineKind.LOCAL,
            version="ncnn",
            upscalers=tuple(Upscaler(each.name, each.name, float(each.scale)) for each in offered),
            features=frozenset({Feature.UPSCALE, Feature.CANCEL}) if offered else frozenset(),
            most_pixels=_MOST_PIXELS,
        )

    async def memory(self, http: ImageHttp) -> Memory | None:
        """It uses none of an accelerator's."""
        return None

    def lacks(self, ask: PictureAsk, has: Catalogue) -> tuple[str, ...]:
        return lacks(ask, has)

    async def run(self, run: Run, http: ImageHttp) -> AsyncGenerator[Event, None]:
        """1. Wait for whoever enlarges at this moment. 2. A child for this image. 3. Its tiles, one by one."""
        self._waiting += 1
        try:
            if self._turn.locked():
                yield Progress(what="queued")
            async with self._turn:
                task = await asyncio.to_thread(self._task, run)
                async with aclosing(self._enlarged(run.id, task)) as events:
                    async for event in events:
                        yield event
        finally:
            self._waiting -= 1
            self._cancelled.discard(run.id)

    async def cancel(self, id: str, http: ImageHttp) -> bool:
        child = self._children.get(id)
        if child is None:
            return False
        self._cancelled.add(id)
        child.kill()
        return True

    async def left(self, id: str, http: ImageHttp) -> bool:
        """Its children die with us."""
        return False

    async def waiting(self, http: ImageHttp) -> int:
        return self._waiting

    async def free(self, http: ImageHttp) -> None:
        """A model goes with its image."""

    def _task(self, run: Run) -> Task:
        """Raises `BadRequest` for an ask of another kind, or with a result that is too large."""
        wanted = run.ask.upscale
        if wanted is None or run.ask.init not in run.inputs:
            raise BadRequest("Only upscaling can be done here.", param="task")
        chosen = fitting(self.offered(), wanted.upscaler, wanted.scale)
        if chosen is None:
            raise BadRequest(f"There is no upscaler {wanted.upscaler} here.", param="upscale.upscaler")
        image = run.inputs[run.ask.init]
        width, height = (round(side * wanted.scale) for side in _size(image))
        if width * height > _MOST_PIXELS:
            raise BadRequest(
                f"The image would have {width} x {height} pixels; {_MOST_PIXELS / 1e6:.0f} megapixels are the most.",
                param="upscale.scale",
                hint="Use a smaller scale.",
            )
        return Task(
            image,
            chosen.param,
            chosen.bin,
            chosen.scale,
            width,
            height,
            side=_LARGE_SIDE if chosen.large else _SIDE,
            threads=self._threads,
        )

    async def _enlarged(self, id: str, task: Task) -> AsyncGenerator[Event, None]:
        child = await Child.spawn("potluck.backends.local.upscaling_child")
        self._children[id] = child
        drawn = False
        try:
            yield Progress(what="loading")
            await child.send(msgspec.msgpack.encode(task))
            while not drawn:
                event = await self._next(id, child)
                drawn = isinstance(event, Drawn)
                yield event
        finally:
            del self._children[id]
            await child.end()

    async def _next(self, id: str, child: Child) -> Event:
        try:
            async with asyncio.timeout(_LONGEST_TILE_S):
                frame = await child.receive()
        except TimeoutError:
            raise NodeFailed("The upscaler hung.", hint="Use a smaller model.") from None
        if frame is None:
            detail = await child.end()
            why = "The upscaling was stopped." if id in self._cancelled else "The upscaler crashed."
            raise NodeFailed(why, hint="Use a smaller image, or scale.", detail=detail)
        match _DECODER.decode(frame):
            case Step(done, of):
                return Progress(done, of, what="upscaling")
            case Enlarged(image):
                return Drawn(image)
            case Failed(message, hint, client=True):
                raise BadRequest(message, param="init", hint=hint)
            case Failed(message, hint):
                raise NodeFailed(message, hint=hint)


def _size(png: bytes) -> tuple[int, int]:
    """Inputs are PNG files, whose size stands in the first chunk."""
    if not png.startswith(SIGNATURE):
        raise BadRequest("The image is no PNG file.", param="init")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])
