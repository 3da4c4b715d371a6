"""stable-diffusion.cpp on this machine's processor behind `ImageBackend`: pictures with no image node at all.

A child process draws (`diffusion_child`): the gateway stays small, a crash costs one picture, and who leaves stops it
at once. The child keeps its model until another one is asked for, memory is wanted, or nobody draws for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

import msgspec

from potluck.backends.images.port import Event, ImageHttp, Run
from potluck.backends.local.diffusion_child import (
    WHOLE_PIXELS,
    Failed,
    Loading,
    LoraFile,
    Painted,
    Step,
    Task,
    memory_words,
)
from potluck.backends.local.diffusion_files import Files, Shelf, Shelves, Weights, files_for
from potluck.backends.local.footprint import available_bytes, resident_bytes
from potluck.backends.local.library import diffusion_installed
from potluck.backends.port import Address
from potluck.core.errors import BadRequest, NodeFailed, OutOfMemory
from potluck.core.model import EngineKind
from potluck.core.pictures.ask import PictureAsk
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, Extra, Feature, Loader, Memory, Upscaler
from potluck.core.pictures.fitting import engine_sampler, engine_scheduler, filled, lacks
from potluck.core.pictures.outcome import Drawn, Progress
from potluck.pixels.process import Child

_DECODER: Final[msgspec.msgpack.Decoder[Loading | Step | Painted | Failed]] = msgspec.msgpack.Decoder(
    Loading | Step | Painted | Failed
)
# stable-diffusion.cpp's ``sample_method_to_str`` and ``scheduler_to_str``.
SAMPLERS: Final = (
    *("euler", "euler_a", "heun", "dpm2", "dpm++2s_a", "dpm++2m", "ipndm", "ipndm_v", "lcm", "ddim_trailing", "tcd"),
    *("res_multistep", "er_sde"),
)
SCHEDULERS: Final = ("discrete", "karras", "exponential", "ays", "sgm_uniform", "simple", "kl_optimal")
UPSCALERS: Final = ("Latent", "Latent_nearest", "Latent_bicubic", "Lanczos", "Nearest")
"""What enlarges between the passes of a hires fix."""

_FEATURES: Final = frozenset(
    {
        *(Feature.HIRES, Feature.PREVIEWS, Feature.CANCEL, Feature.VAE, Feature.CLIP_SKIP, Feature.OUTPAINT),
        Feature.TILING,
    }
)
# On a processor a larger one takes hours.
_MOST_PIXELS: Final = 2048 * 2048
# A step of a large model on a slow machine, or a model of 20 GB from a slow disk: what says nothing for so long hangs.
_LONGEST_STEP_S: Final = 1800.0
# Beside its weights a model needs what it works in: some hundred megabytes, and more with each pixel that is decoded at
# once (`diffusion_child`).
_WORKING_BYTES: Final = 400_000_000
_BYTES_PER_PIXEL: Final = 5_000


class LocalDiffusion:
    """`ImageBackend`. One picture at a time. ``clock`` is monotonic; ``idle_s`` 0 keeps the model for ever;
    ``available`` tells how many bytes the machine has left, None where it does not."""

    kind = EngineKind.LOCAL

    def __init__(
        self,
        shelves: Shelves,
        *,
        threads: int,
        clock: Callable[[], float],
        idle_s: float = 300.0,
        available: Callable[[], int | None] = available_bytes,
        total_bytes: int | None = None,
    ) -> None:
        self._shelves = shelves
        self._threads = threads
        self._clock = clock
        self._idle_s = idle_s
        self._available = available
        self._total_bytes = total_bytes
        self._shelf = Shelf()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._child: Child | None = None
        self._loaded = ""
        self._used_s = clock()
        self._drawing = ""
        self._cancelled: set[str] = set()

    def address(self) -> Address:
        """Nowhere: nothing is asked over a network."""
        return Address("local", 0)

    # --- looking ---

    async def glance(self, http: ImageHttp) -> str:
        return "stable-diffusion.cpp"

    async def catalogue(self, http: ImageHttp) -> Catalogue:
        """What lies in the folders at this moment. Raises `NodeFailed` where nothing can draw it."""
        if not diffusion_installed():
            raise NodeFailed("stable-diffusion.cpp is not installed: pip install 'potluck[images]'.")
        shelf = self._shelf = await asyncio.to_thread(self._shelves.scan)
        return Catalogue(
            EngineKind.LOCAL,
            version="stable-diffusion.cpp",
            checkpoints=tuple(self._checkpoint(each) for each in shelf.models),
            loras=tuple(Extra(each.name, each.file) for each in shelf.loras),
            vaes=tuple(Extra(each.name, each.file) for each in shelf.vaes),
            upscalers=tuple(Upscaler(each, each, 0.0) for each in UPSCALERS),
            samplers=SAMPLERS,
            schedulers=SCHEDULERS,
            features=_FEATURES,
            most_pixels=_MOST_PIXELS,
            memory=await self.memory(http),
        )

    def _checkpoint(self, weights: Weights) -> Checkpoint:
        loader = Loader.DIFFUSION if weights.holds.alone else Loader.CHECKPOINT
        loaded = self._loaded == weights.path
        return Checkpoint(
            weights.name, weights.file, weights.family, loader, size_bytes=weights.size_bytes, loaded=loaded
        )

    async def memory(self, http: ImageHttp) -> Memory | None:
        """The machine's, of which the child holds its part. Asked again and again: here an idle child ends."""
        idle = self._idle_s > 0 and not self._waiting and self._clock() - self._used_s >= self._idle_s
        if idle:
            await self._end()
        held = (resident_bytes(self._child.pid) or 0) if self._child is not None else 0
        free = await asyncio.to_thread(self._available)
        if self._total_bytes is None or free is None:
            return None
        return Memory(self._total_bytes, min(free, self._total_bytes), held)

    async def waiting(self, http: ImageHttp) -> int:
        return self._waiting

    def lacks(self, ask: PictureAsk, has: Catalogue) -> tuple[str, ...]:
        """Also the files that a model needs beside itself."""
        reasons = lacks(ask, has)
        weights = self._weights(filled(ask, has)[0].model) if ask.generates and not reasons else None
        missing = files_for(weights, self._shelf).missing if weights is not None and not ask.vae else ""
        return (*reasons, *([missing] if missing else []))

    def _weights(self, name: str) -> Weights | None:
        return next((each for each in self._shelf.models if each.name == name), None)

    # --- drawing ---

    async def run(self, run: Run, http: ImageHttp) -> AsyncGenerator[Event, None]:
        """1. Our turn. 2. Whether memory will do. 3. The child, and what it tells."""
        self._waiting += 1
        try:
            if self._turn.locked():
                yield Progress(what="queued")
            async with self._turn, aclosing(self._drawn(run, self._task(run))) as events:
                async for event in events:
                    yield event
        finally:
            self._waiting -= 1
            self._used_s = self._clock()
            self._cancelled.discard(run.id)

    async def _drawn(self, run: Run, task: Task) -> AsyncGenerator[Event, None]:
        child = await self._ready(task)
        self._drawing, drawn = run.id, False
        try:
            await child.send(msgspec.msgpack.encode(task))
            while not drawn:
                event = await self._next(run, child)
                drawn = isinstance(event, Drawn)
                if drawn:
                    self._loaded = task.files.model or task.files.diffusion
                yield event
        finally:
            self._drawing = ""
            if not drawn:  # what it is at is nobody's any more, and the library cannot be told to stop
                await self._end()

    async def _ready(self, task: Task) -> Child:
        """The child, alive. Raises `OutOfMemory` where the machine has too little left for the picture."""
        held = (resident_bytes(self._child.pid) or 0) if self._child is not None else 0
        free = await asyncio.to_thread(self._available)
        at_once = min(task.width * task.height, WHOLE_PIXELS)
        needs = task.files.size_bytes + _WORKING_BYTES + _BYTES_PER_PIXEL * at_once
        if free is not None and free + held < needs:
            told = f"It has {(free + held) / 1e9:.1f} GB left, and the picture takes about {needs / 1e9:.1f} GB."
            hint = "Ask for a smaller one, or for a smaller model."
            raise OutOfMemory("The machine has too little memory for this picture.", hint=hint, detail=told)
        if self._child is None or self._child.gone:
            await self._end()
            room = free if free is not None else needs * 4
            self._child = await Child.spawn("potluck.backends.local.diffusion_child", [str(room)])
        return self._child

    async def _next(self, run: Run, child: Child) -> Event:
        try:
            async with asyncio.timeout(_LONGEST_STEP_S):
                frame = await child.receive()
        except TimeoutError:
            raise NodeFailed("The drawing engine hung.", hint="Use a smaller model, or size.") from None
        if frame is None:
            raise await self._crashed(run, child)
        match _DECODER.decode(frame):
            case Loading():
                return Progress(0, run.ask.steps, what="loading")
            case Step(done, of, preview):
                return Progress(done, of, preview=preview)
            case Painted(image):
                return Drawn(image)
            case Failed(message, hint, memory=True, detail=detail):
                raise OutOfMemory(message, hint=hint, detail=detail)
            case Failed(message, hint, detail=detail):
                raise NodeFailed(message, hint=hint, detail=detail)

    async def _crashed(self, run: Run, child: Child) -> NodeFailed | OutOfMemory:
        detail = await child.end()
        if run.id in self._cancelled:
            return NodeFailed("The picture was stopped.", detail=detail)
        # The kernel ends with a kill what takes more than there is, and this process before others.
        if memory_words(detail) or detail.startswith("exit code -9"):
            hint = "Ask for a smaller one, or for a smaller model."
            return OutOfMemory("The machine has too little memory for this picture.", hint=hint, detail=detail)
        return NodeFailed("The drawing engine crashed.", hint="Its model may be broken, or too new.", detail=detail)

    async def _end(self) -> None:
        child, self._child, self._loaded = self._child, None, ""
        if child is not None:
            await child.end()

    def _task(self, run: Run) -> Task:
        """Raises `BadRequest` for an ask of another kind, `NodeFailed` for a model that has gone."""
        ask = run.ask
        if not ask.generates:
            raise BadRequest("Only drawing can be done here.", param="task")
        weights = self._weights(ask.model)
        if weights is None:
            raise NodeFailed(f"{ask.model} is not here any more.")
        files = self._files(weights, ask)
        hires = ask.hires
        return Task(
            files,
            ask.prompt,
            ask.negative,
            ask.width,
            ask.height,
            ask.steps,
            ask.cfg,
            ask.guidance,
            engine_sampler(ask, run.has),
            engine_scheduler(ask, run.has),
            ask.seed,
            clip_skip=ask.clip_skip,
            init=run.inputs[ask.init] if ask.init else b"",
            mask=run.inputs[ask.inpaint.mask] if ask.inpaint else b"",
            denoise=ask.denoise if ask.init else 1.0,
            loras=self._loras(ask, run.has),
            hires_scale=hires.scale if hires else 0.0,
            hires_steps=hires.steps if hires else 0,
            hires_denoise=hires.denoise if hires else 0.0,
            hires_upscaler=hires.upscaler if hires else "",
            tiling=ask.tiling,
            threads=self._threads,
        )

    def _files(self, weights: Weights, ask: PictureAsk) -> Files:
        wanted = ask.vae.lower()
        files = files_for(
            weights, self._shelf, next((each for each in self._shelf.vaes if each.name.lower() == wanted), None)
        )
        if files.missing:
            raise NodeFailed(f"This machine {files.missing}.")
        return files

    def _loras(self, ask: PictureAsk, has: Catalogue) -> tuple[LoraFile, ...]:
        paths = {each.file: each.path for each in self._shelf.loras}
        found = ((has.lora(each.name), each.weight) for each in ask.loras)
        return tuple(LoraFile(paths[extra.file], weight) for extra, weight in found if extra and extra.file in paths)

    # --- stopping ---

    async def cancel(self, id: str, http: ImageHttp) -> bool:
        if self._drawing != id or self._child is None:
            return False
        self._cancelled.add(id)
        self._child.kill()
        return True

    async def left(self, id: str, http: ImageHttp) -> bool:
        """Its child dies with us."""
        return False

    async def free(self, http: ImageHttp) -> None:
        """The model goes with its process, unless it draws."""
        if not self._waiting:
            await self._end()

    async def aclose(self) -> None:
        await self._end()
