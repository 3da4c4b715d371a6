"""AUTOMATIC1111's one lock, what it draws behind it, and what it tells on the way.

Sources: API-CONTRACTS.md 6; ``modules/api/api.py``, ``modules/progress.py`` and ``modules/shared_state.py`` (1.10).
A client that leaves stops nothing: the job runs on to its end.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from PIL import Image

from potluck_fake_engine import art
from potluck_fake_engine.dialects import a1111_lists as lists
from potluck_fake_engine.engine import Desk, Engine, digest_of
from potluck_fake_engine.faults import FaultKind

_MEGAPIXEL = 1e6
_LAST_SEED = 2**32
_UNLIMITED = 24 * 2**30
OOM = (
    "CUDA out of memory. Tried to allocate 9.00 GiB. GPU 0 has a total capacity of 8.00 GiB of which 1.21 GiB is free."
)


class OutOfMemory(Exception):
    """As torch says it."""


class Broken(Exception):
    """The process died: whoever waits sees the connection break."""


class Asked(msgspec.Struct):
    """A body of txt2img or img2img. Unknown fields are passed over, as pydantic does there."""

    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] | None = None
    seed: int = -1
    subseed: int = -1
    subseed_strength: float = 0
    sampler_name: str | None = None
    sampler_index: str | None = None
    scheduler: str | None = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    restore_faces: bool | None = None
    tiling: bool | None = None
    denoising_strength: float | None = None
    override_settings: dict[str, Any] | None = None
    override_settings_restore_afterwards: bool = True
    enable_hr: bool = False
    hr_scale: float = 2.0
    hr_upscaler: str | None = None
    hr_second_pass_steps: int = 0
    init_images: list[str] | None = None
    resize_mode: int = 0
    mask: str | None = None
    mask_blur: int | None = None
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    include_init_images: bool = False
    alwayson_scripts: dict[str, Any] = {}
    script_name: str | None = None
    script_args: list[Any] = []
    send_images: bool = True
    save_images: bool = False
    force_task_id: str | None = None


@dataclass(slots=True)
class State:
    """``shared.state``, and the task that ``/internal/progress`` knows."""

    job: str = ""
    job_no: int = 0
    job_count: int = 0
    job_timestamp: str = "0"
    sampling_step: int = 0
    sampling_steps: int = 0
    interrupted: bool = False
    skipped: bool = False
    image: Image.Image | None = None
    task: str = ""
    began_s: float = 0.0

    def told(self) -> dict[str, Any]:
        return {
            "skipped": self.skipped,
            "interrupted": self.interrupted,
            "stopping_generation": False,
            "job": self.job,
            "job_count": self.job_count,
            "job_timestamp": self.job_timestamp,
            "job_no": self.job_no,
            "sampling_step": self.sampling_step,
            "sampling_steps": self.sampling_steps,
        }


@dataclass(slots=True)
class Result:
    images: list[bytes] = field(default_factory=list[bytes])
    info: dict[str, Any] = field(default_factory=dict[str, Any])


class WebUi(Desk):
    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.options = lists.first_options(engine)
        self.state = State()
        self.lock = asyncio.Lock()
        self.pending: dict[str, None] = {}
        self.finished: list[str] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stirred = asyncio.Event()
        self._timestamp = 0

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    # --- models ---

    def model(self) -> str:
        return lists.find_checkpoint(self.engine, str(self.options["sd_model_checkpoint"])) or next(
            iter(self.engine.models)
        )

    async def switch(self, asked: str) -> None:
        """Load another checkpoint. Raises `LookupError` for one that is not there."""
        name = lists.find_checkpoint(self.engine, asked)
        if name is None:
            raise LookupError(asked)
        if name != self.model() and self.engine.loaded(self.model()):
            self.engine.unload(self.model())
        self.options["sd_model_checkpoint"] = lists.title_of(name)
        self.options["sd_checkpoint_hash"] = digest_of(name)
        await self.loaded(name)

    async def loaded(self, name: str) -> None:
        model = self.engine.models[name]
        limit = self.engine.memory.limit
        if limit is not None and model.spec.loaded_bytes > limit:
            raise OutOfMemory(OOM)
        async with self.engine.hold(model):
            pass

    def memory(self) -> dict[str, Any]:
        total = self.engine.memory.limit or _UNLIMITED
        used = min(total, self.engine.memory.used())
        counted = {"current": used, "peak": used}
        return {
            "ram": {"free": 48 * 2**30, "used": 16 * 2**30, "total": 64 * 2**30},
            "cuda": {
                "system": {"free": total - used, "used": used, "total": total},
                "active": counted,
                "allocated": counted,
                "reserved": counted,
                "inactive": {"current": 0, "peak": 0},
                "events": {"retries": 0, "oom": 0},
            },
        }

    # --- drawing ---

    async def run(self, asked: Asked, task: str) -> Result:
        """Behind the lock. A client that leaves stops nothing."""
        self.pending[task] = None
        job = self.engine.loop.create_task(self._behind_the_lock(asked, task))
        self._tasks.add(job)
        job.add_done_callback(self._tasks.discard)
        job.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(job)

    async def _behind_the_lock(self, asked: Asked, task: str) -> Result:
        async with self.lock:
            self.pending.pop(task, None)
            self._timestamp += 1
            stamp = f"{time.strftime('%Y%m%d%H%M%S')}{self._timestamp:02}"
            count = asked.n_iter * (2 if asked.enable_hr else 1)
            self.state = State(
                "scripts_img2img" if asked.init_images else "scripts_txt2img",
                job_count=count,
                job_timestamp=stamp,
                task=task,
                began_s=self.engine.now(),
            )
            before = dict(self.options)
            try:
                return await self._draw(asked)
            finally:
                if asked.override_settings_restore_afterwards:
                    self.options = before
                self.finished = [*self.finished, task][-16:]
                self.state = State(job_timestamp=stamp)

    async def _draw(self, asked: Asked) -> Result:
        overridden = dict(asked.override_settings or {})
        if checkpoint := overridden.pop("sd_model_checkpoint", None):
            await self.switch(str(checkpoint))
        self.options.update(overridden)
        await self.loaded(self.model())
        self.engine.counters.started += 1
        result, seed = Result(), asked.seed if asked.seed >= 0 else self.engine.counters.started * 7919 % _LAST_SEED
        seeds = [(seed + i) % _LAST_SEED for i in range(asked.batch_size * asked.n_iter)]
        texts: list[str] = []
        for number in range(asked.n_iter):
            batch = seeds[number * asked.batch_size : (number + 1) * asked.batch_size]
            drawn = [self._picture(asked, each) for each in batch]
            await self._steps(asked, drawn[0], len(batch))
            for image, own in zip(drawn, batch, strict=True):
                text = self._infotext(asked, own)
                texts.append(text)
                result.images.append(art.png(image, {"parameters": text}))
            self.state.job_no += 1
            if self.state.interrupted:
                break
        self.engine.counters.finished += not self.state.interrupted
        self.engine.counters.cancelled += self.state.interrupted
        result.info = self._info(asked, seeds, texts)
        return result

    async def _steps(self, asked: Asked, drawn: Image.Image, batch: int) -> None:
        model = self.engine.models[self.model()]
        fault = self.engine.faults.at_work(model.spec.name)
        passes = [(asked.steps, 1.0)]
        if asked.init_images:
            passes = [(max(1, round(asked.steps * _denoise(asked))), 1.0)]
        if asked.enable_hr:
            passes.append((asked.hr_second_pass_steps or asked.steps, asked.hr_scale**2))
        async with self.engine.hold(model):
            for number, (steps, scale) in enumerate(passes):
                self.state.sampling_steps, self.state.job_no = steps, self.state.job_no + (number > 0)
                size = asked.width * asked.height * batch * scale / _MEGAPIXEL
                for step in range(1, steps + 1):
                    await self._paced(model.spec.step_s * size)
                    if self.state.interrupted:
                        return
                    if fault is not None and step > fault.after:
                        if fault.kind is FaultKind.DIE:
                            self.engine.die(fault.seconds)
                            raise Broken
                        raise OutOfMemory(OOM)
                    self.state.sampling_step = step
                    self.state.image = drawn.resize((64, 64))

    async def _paced(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self._stirred.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds / self.engine.settings.speed):
                await self._stirred.wait()

    def interrupt(self) -> None:
        self.state.interrupted = True
        self._stirred.set()

    def _picture(self, asked: Asked, seed: int) -> Image.Image:
        width, height = asked.width // 8 * 8, asked.height // 8 * 8
        told = {
            "model": self.model(),
            "words": [asked.prompt, asked.negative_prompt, asked.styles],
            "numbers": [seed, asked.steps, asked.cfg_scale, asked.sampler_name, asked.scheduler],
            "options": [self.options["sd_vae"], self.options["CLIP_stop_at_last_layers"], asked.tiling],
            "control": asked.alwayson_scripts,
        }
        if asked.enable_hr:
            width, height = round(width * asked.hr_scale) // 8 * 8, round(height * asked.hr_scale) // 8 * 8
        drawn = art.draw(told, width, height)
        if not asked.init_images:
            return drawn
        base = art.opened(unpacked(asked.init_images[0]))
        mask = None
        if asked.mask is not None:
            mask = art.opened(unpacked(asked.mask)).convert("L")
            mask = art.inverted(mask) if asked.inpainting_mask_invert else mask
        return art.over(base, drawn, _denoise(asked), mask)

    def _infotext(self, asked: Asked, seed: int) -> str:
        name = self.model()
        lines = [asked.prompt]
        if asked.negative_prompt:
            lines.append(f"Negative prompt: {asked.negative_prompt}")
        size = f"Size: {asked.width}x{asked.height}"
        told = [
            *(f"Steps: {asked.steps}", f"Sampler: {asked.sampler_name or 'Euler'}"),
            *([f"Schedule type: {asked.scheduler}"] if asked.scheduler else []),
            *(f"CFG scale: {asked.cfg_scale}", f"Seed: {seed}", size, f"Model hash: {digest_of(name)[:10]}"),
            f"Model: {lists.bare(lists.file_of(name))}",
            *([f"Denoising strength: {asked.denoising_strength}"] if asked.init_images or asked.enable_hr else []),
            "Version: v1.10.1",
        ]
        return "\n".join([*lines, ", ".join(told)])

    def _info(self, asked: Asked, seeds: list[int], texts: list[str]) -> dict[str, Any]:
        name = self.model()
        return {
            "prompt": asked.prompt,
            "all_prompts": [asked.prompt] * len(seeds),
            "negative_prompt": asked.negative_prompt,
            "all_negative_prompts": [asked.negative_prompt] * len(seeds),
            "seed": seeds[0],
            "all_seeds": seeds,
            "subseed": 1,
            "all_subseeds": [1 + i for i in range(len(seeds))],
            "subseed_strength": asked.subseed_strength,
            "width": asked.width,
            "height": asked.height,
            "sampler_name": asked.sampler_name or "Euler",
            "cfg_scale": asked.cfg_scale,
            "steps": asked.steps,
            "batch_size": asked.batch_size,
            "restore_faces": bool(asked.restore_faces),
            "face_restoration_model": None,
            "sd_model_name": lists.bare(lists.file_of(name)),
            "sd_model_hash": digest_of(name)[:10],
            "sd_vae_name": None,
            "sd_vae_hash": None,
            "seed_resize_from_w": -1,
            "seed_resize_from_h": -1,
            "denoising_strength": asked.denoising_strength,
            "extra_generation_params": {},
            "index_of_first_image": 0,
            "infotexts": texts,
            "styles": asked.styles or [],
            "job_timestamp": self.state.job_timestamp,
            "clip_skip": self.options["CLIP_stop_at_last_layers"],
            "is_using_inpainting_conditioning": False,
            "version": "v1.10.1",
        }

    # --- what it tells on the way ---

    def progress(self, *, image: bool) -> dict[str, Any]:
        state = self.state
        if state.job_count == 0:
            told: Mapping[str, Any] = {"progress": 0.0, "eta_relative": 0.0, "current_image": None}
        else:
            share = 0.01 + state.job_no / state.job_count
            if state.sampling_steps:
                share += state.sampling_step / state.sampling_steps / state.job_count
            share = min(share, 1.0)
            passed_s = self.engine.now() - state.began_s
            shown = state.image if image else None
            current = base64.b64encode(art.png(shown)).decode() if shown is not None else None
            told = {"progress": share, "eta_relative": passed_s / share - passed_s, "current_image": current}
        return {**told, "state": state.told(), "textinfo": None, "current_task": state.task or None}

    def task_progress(self, task: str) -> dict[str, Any]:
        """``/internal/progress``."""
        active, queued = self.state.task == task, task in self.pending
        share = self.progress(image=False)["progress"] if active else None
        return {
            "active": active,
            "queued": queued,
            "completed": task in self.finished,
            "progress": share,
            "eta": None,
            "live_preview": None,
            "id_live_preview": -1,
            "textinfo": "In queue..." if queued else None,
        }


def unpacked(text: str) -> bytes:
    """Base64, with or without a data URI before it."""
    return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text)


def _denoise(asked: Asked) -> float:
    return 0.75 if asked.denoising_strength is None else asked.denoising_strength
