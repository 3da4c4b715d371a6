"""The child that draws: ``python -m potluck.backends.local.diffusion_child PARENT MEMORY_BYTES``.

A `Task` on stdin for each picture; for each, `Loading`, a `Step` after each step, and `Painted` or `Failed` on stdout,
all MessagePack behind a length. Its model stays loaded until another one is asked for: what stable-diffusion.cpp may do
to memory, its own or the machine's, ends with the process.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec

from potluck.backends.local.diffusion_files import Files
from potluck.pixels.leash import bounded, die_with, read_frame, write_frame

if TYPE_CHECKING:
    from PIL import Image

_NICE: Final = 10
# What the libraries map beside all that they fill.
_SLACK_BYTES: Final = 2 * 1024**3
# The kernel ends this process before any other of the machine's, if it must end one.
_FIRST_TO_GO: Final = "1000"
WHOLE_PIXELS: Final = 768 * 768
"""What is larger is decoded in tiles: whole, a picture of 1024 x 1024 pixels takes 6 GB."""

# stable-diffusion.cpp makes a picture's sides larger until its blocks divide them.
_GRID: Final = 64
_PREVIEWS: Final = 10
_PREVIEW_QUALITY: Final = 70
_ERROR: Final = 3
# ggml's and the C++ library's, where malloc or a new thread gets none.
_MEMORY_WORDS: Final = ("alloc", "mem_buffer", "out of memory", "not enough memory", "resource temporarily unavailable")
_LINES: Final = 20


class LoraFile(msgspec.Struct, frozen=True):
    path: str
    weight: float


class Task(msgspec.Struct, frozen=True):
    """One picture. ``init`` and ``mask`` are PNGs of its size, empty for none; ``sampler`` and ``scheduler`` are
    stable-diffusion.cpp's words. ``hires_steps`` 0: as many as ``steps``; ``hires_scale`` 0: no second pass."""

    files: Files
    prompt: str
    negative: str
    width: int
    height: int
    steps: int
    cfg: float
    guidance: float
    sampler: str
    scheduler: str
    seed: int
    clip_skip: int = 0
    init: bytes = b""
    mask: bytes = b""
    denoise: float = 1.0
    loras: tuple[LoraFile, ...] = ()
    hires_scale: float = 0.0
    hires_steps: int = 0
    hires_denoise: float = 0.5
    hires_upscaler: str = ""
    tiling: bool = False
    threads: int = 1


class Loading(msgspec.Struct, frozen=True, tag="loading"):
    """The model is read from the disk."""


class Step(msgspec.Struct, frozen=True, tag="step"):
    """``preview`` is a small JPEG, or empty."""

    done: int
    of: int
    preview: bytes = b""


class Painted(msgspec.Struct, frozen=True, tag="painted"):
    """A PNG."""

    image: bytes


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """``memory``: there is too little of it. ``detail`` is what stable-diffusion.cpp said."""

    message: str
    hint: str = ""
    memory: bool = False
    detail: str = ""


def main(parent: int, memory_bytes: int) -> None:
    die_with(parent)
    bounded(memory_bytes + _SLACK_BYTES)
    os.nice(_NICE)  # a person's chat goes before
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_FIRST_TO_GO)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ["GGML_NO_BACKTRACE"] = "1"  # it would start a debugger, and lose its last words in what that says
    # The library writes to stdout when it likes to: ours is another one from here on.
    stdout = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    painter: _Painter | None = None
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        task = msgspec.msgpack.decode(frame, type=Task)
        try:
            painter = painter or _Painter(stdout)
            answer: Painted | Failed = Painted(painter.painted(task))
        except _Refused as refused:
            answer = refused.failed
        except MemoryError:
            answer = _no_memory("")
        except ImportError as error:
            answer = Failed("The drawing engine cannot be loaded.", "cyllama has to be installed.", detail=str(error))
        write_frame(stdout, msgspec.msgpack.encode(answer))


class _Refused(Exception):
    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.message)
        self.failed = failed


def _no_memory(said: str) -> Failed:
    message = "The machine has too little memory for this picture."
    return Failed(message, "Ask for a smaller one, or for a smaller model.", memory=True, detail=said)


class _Painter:
    """The library, with the model that is loaded."""

    def __init__(self, stdout: BinaryIO) -> None:
        # A heavy library without types, which this process alone needs.
        self._sd: Any = importlib.import_module("cyllama.sd")
        self._stdout = stdout
        self._context: Any = None
        self._loaded: tuple[Files, bool, int] | None = None
        self._said: list[str] = []
        self._steps = Steps(lambda step: self._tell(step))
        self._sd.set_log_callback(self._log)
        self._sd.set_progress_callback(self._steps.saw)
        self._sd.set_preview_callback(
            self._preview, mode=self._sd.PreviewMode.PROJ, interval=1, denoised=True, noisy=False
        )

    def painted(self, task: Task) -> bytes:
        """Raises `_Refused`."""
        self._said.clear()
        self._load(task)
        ask = self._asked(task)
        self._steps.begin(task)
        try:
            images = self._context.generate_with_params(ask)
        except RuntimeError as error:
            raise self._refused("The picture could not be drawn.", str(error)) from error
        finally:
            self._steps.end()
        if not images:
            raise self._refused("The engine ended without a picture.", "")
        return _finished(images[0].to_pil(), task)

    # --- the model ---

    def _load(self, task: Task) -> None:
        wanted = (task.files, task.tiling, task.threads)
        if self._loaded == wanted:
            return
        self._tell(Loading())
        if self._context is not None:
            self._context.close()
            self._context, self._loaded = None, None
        sd, files = self._sd, task.files
        params = sd.SDContextParams(
            model_path=files.model or None,
            vae_path=files.vae or None,
            clip_l_path=files.clip_l or None,
            clip_g_path=files.clip_g or None,
            t5xxl_path=files.t5 or None,
            diffusion_model_path=files.diffusion or None,
            n_threads=task.threads,
            vae_decode_only=False,
        )
        if files.tae:
            params.taesd_path = files.tae
        params.free_params_immediately = False
        params.rng_type = sd.RngType.CPU  # the noise that ComfyUI draws, too
        params.diffusion_flash_attn = True
        params.circular_x = params.circular_y = task.tiling
        try:
            self._context = sd.SDContext(params)
        except (OSError, ValueError, RuntimeError) as error:
            raise self._refused("The model cannot be loaded.", str(error)) from error
        self._loaded = wanted

    def _refused(self, message: str, error: str) -> _Refused:
        said = "\n".join([*self._said, error]).strip()
        if memory_words(said):
            return _Refused(_no_memory(said))
        hint = self._said[-1][:200] if self._said else ""
        return _Refused(Failed(message, hint, detail=said))

    # --- the picture ---

    def _asked(self, task: Task) -> Any:
        sd = self._sd
        width, height = _upward(task.width), _upward(task.height)
        ask = sd.SDImageGenParams(
            prompt=task.prompt,
            negative_prompt=task.negative,
            width=width,
            height=height,
            seed=task.seed,
            batch_count=1,
            sample_steps=task.steps,
            cfg_scale=task.cfg,
            sample_method=_named(sd.SampleMethod, sd.sample_method_name, task.sampler),
            scheduler=_named(sd.Scheduler, sd.scheduler_name, task.scheduler),
            strength=task.denoise,
            clip_skip=task.clip_skip or -1,
        )
        ask.sample_params.distilled_guidance = task.guidance
        ask.vae_tiling_enabled = width * height * (task.hires_scale or 1.0) ** 2 > WHOLE_PIXELS
        if task.init:
            ask.set_init_image(sd.SDImage.from_pil(_padded(task.init, "RGB", width, height)))
        if task.mask:
            ask.set_mask_image(sd.SDImage.from_pil(_padded(task.mask, "L", width, height)))
        if task.loras:
            ask.set_loras([{"path": each.path, "multiplier": each.weight} for each in task.loras])
        if task.hires_scale:
            ask.set_hires_fix(
                enabled=True,
                upscaler=sd.HiresUpscaler[task.hires_upscaler.upper() or "LATENT"],
                scale=task.hires_scale,
                steps=task.hires_steps,
                denoising_strength=task.hires_denoise,
            )
        return ask

    # --- what it tells ---

    def _tell(self, event: Loading | Step) -> None:
        write_frame(self._stdout, msgspec.msgpack.encode(event))

    def _log(self, level: int, message: str) -> None:
        if int(level) >= _ERROR:
            self._said = [*self._said, message.strip()][-_LINES:]

    def _preview(self, step: int, frames: Any, is_noisy: bool) -> None:
        """Pixels are the library's own, and gone after this call."""
        if frames and self._steps.wants_preview:
            out = io.BytesIO()
            frames[0].to_pil().convert("RGB").save(out, "JPEG", quality=_PREVIEW_QUALITY)
            self._steps.preview = out.getvalue()


class Steps:
    """Of the library's progress, which counts tensors as they are loaded and tiles as they are decoded, too, that which
    is a picture's: so many passes of so many steps."""

    def __init__(self, tell: Callable[[Step], None]) -> None:
        self._tell = tell
        self._passes: list[int] = []
        self._done = self._before = 0
        self.preview = b""
        self.wants_preview = False

    def begin(self, task: Task) -> None:
        self._passes = [task.steps, *([task.hires_steps or task.steps] if task.hires_scale else [])]
        self._done = self._before = 0

    def end(self) -> None:
        self._passes = []

    def saw(self, step: int, steps: int, seconds: float) -> None:
        """An image to begin with leaves steps out: then ``steps`` is less than was asked for."""
        if not self._passes or step <= 0 or steps > self._passes[0] * 2:
            return
        of = self._before + steps + sum(self._passes[1:])
        done = self._before + step
        self.wants_preview = done % max(1, of // _PREVIEWS) == 0
        if done > self._done:
            self._done = done
            self._tell(Step(done, of, self.preview))
            self.preview = b""
        if step >= steps:
            self._before += steps
            self._passes.pop(0)


def memory_words(said: str) -> bool:
    """Whether a library's complaint is about memory."""
    told = said.lower()
    return any(each in told for each in _MEMORY_WORDS)


def _named(members: Any, name_of: Callable[[Any], str], wanted: str) -> Any:
    """The one that stable-diffusion.cpp calls so. Raises `_Refused` for a word that this version does not know."""
    for each in members:
        if each.name != "COUNT" and name_of(each) == wanted:
            return each
    raise _Refused(Failed(f"This version of stable-diffusion.cpp does not know {wanted}.", "Choose another sampler."))


def _upward(side: int) -> int:
    return -(-side // _GRID) * _GRID


def _padded(png: bytes, mode: str, width: int, height: int) -> Image.Image:
    """On a canvas of the grid's size, its last row and column repeated."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - only under the limits that `main` takes upon itself

    image = Image.open(io.BytesIO(png)).convert(mode)
    if image.size == (width, height):
        return image
    canvas = Image.new(mode, (width, height))
    canvas.paste(image.crop((image.width - 1, 0, image.width, image.height)).resize((width, image.height)))
    canvas.paste(image)
    last = canvas.crop((0, image.height - 1, width, image.height))
    if height > image.height:
        canvas.paste(last.resize((width, height - image.height)), (0, image.height))
    return ImageOps.fit(canvas, (width, height))


def _finished(drawn: Image.Image, task: Task) -> bytes:
    """Cut to the size that was asked for; what is not to be drawn anew is the image that came in."""
    from PIL import Image  # noqa: PLC0415

    from potluck.pixels.writing import as_png  # noqa: PLC0415

    scale = task.hires_scale or 1.0
    picture = drawn.convert("RGB").crop((0, 0, round(task.width * scale), round(task.height * scale)))
    if task.mask:
        mask = Image.open(io.BytesIO(task.mask)).convert("L")
        before = Image.open(io.BytesIO(task.init)).convert("RGB")
        picture = Image.composite(picture, before, mask)
    return as_png(picture, effort=3)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
