"""What no engine could draw is refused at the door: bounds, and what belongs together.

The bounds keep a slip of the hand, or of the mind, from taking a node for an hour; the owner may set tighter ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import ANY_SEED, LAST_SEED, PictureAsk, Task
from potluck.core.pictures.samplers import SAMPLERS, label, understood

# The latent space has one cell for 8 by 8 pixels: engines round, each its own way, what is between.
STEP_PIXELS: Final = 8
_LONGEST_PROMPT: Final = 20_000
_LONGEST_NAME: Final = 250
_INIT_TASKS: Final = frozenset({Task.IMG2IMG, Task.INPAINT, Task.OUTPAINT, Task.UPSCALE})


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one ask may want. ``pixels`` is of a picture as it leaves, hires fix and upscaling included."""

    side: int = 4096
    pixels: int = 4096 * 4096
    steps: int = 150
    count: int = 100
    loras: int = 16
    controls: int = 4


def checked(ask: PictureAsk, bounds: Bounds = Bounds()) -> PictureAsk:
    """The ask with canonical sampler and scheduler. Raises `BadRequest` with the field's name in ``param``."""
    for param, message, hint in _problems(ask, bounds):
        raise BadRequest(message, param=param, hint=hint)
    sampling = understood(ask.sampler, ask.scheduler)
    if sampling is None:
        raise _unknown_sampling(ask)
    return replace(ask, sampler=sampling.sampler, scheduler=sampling.scheduler)


def _unknown_sampling(ask: PictureAsk) -> BadRequest:
    if understood("", ask.scheduler) is None:
        return BadRequest(
            f'There is no scheduler "{ask.scheduler[:60]}".',
            param="scheduler",
            hint="Leave it out, or use Karras, Normal, Simple, …",
        )
    known = ", ".join(label(sampler.name) for sampler in SAMPLERS[:8])
    return BadRequest(f'There is no sampler "{ask.sampler[:60]}".', param="sampler", hint=f"There are {known}, ….")


_Problem = tuple[str, str, str]


def _problems(ask: PictureAsk, bounds: Bounds) -> Iterator[_Problem]:
    """Each as field, message and hint, the first one to be told."""
    yield from _names(ask)
    yield from _numbers(ask, bounds)
    yield from _sizes(ask, bounds)
    yield from _parts(ask)
    yield from _lists(ask, bounds)


def _names(ask: PictureAsk) -> Iterator[_Problem]:
    for param, text in (("prompt", ask.prompt), ("negative", ask.negative)):
        if len(text) > _LONGEST_PROMPT:
            yield param, f"The prompt is longer than {_LONGEST_PROMPT} characters.", "Shorten it."
        if "\x00" in text:
            yield param, "The prompt holds a character of no text (NUL).", "Take it out."
    named = {"model": ask.model, "vae": ask.vae, "node": ask.node, "workflow": ask.workflow}
    listed = {"loras": [each.name for each in ask.loras], "styles": ask.styles}
    for param, names in ({key: [name] for key, name in named.items()} | listed).items():
        for name in names:
            if len(name) > _LONGEST_NAME or not name.isprintable() or ".." in name.replace("\\", "/").split("/"):
                yield param, "That is no name that an engine could have.", "Use one of the list of models."


def _numbers(ask: PictureAsk, bounds: Bounds) -> Iterator[_Problem]:
    for param, number, low, high in (
        ("steps", ask.steps, 0, bounds.steps),
        ("cfg", ask.cfg, 0.0, 30.0),
        ("guidance", ask.guidance, 0.0, 100.0),
        ("seed", ask.seed, ANY_SEED, LAST_SEED),
        ("count", ask.count, 1, bounds.count),
        ("clip_skip", ask.clip_skip, 0, 12),
        ("denoise", ask.denoise, 0.0, 1.0),
        *((f"loras[{at}].weight", each.weight, -10.0, 10.0) for at, each in enumerate(ask.loras)),
        *((f"controls[{at}].weight", each.weight, 0.0, 10.0) for at, each in enumerate(ask.controls)),
        *((f"controls[{at}].start", each.start, 0.0, each.end) for at, each in enumerate(ask.controls)),
        *((f"controls[{at}].end", each.end, 0.0, 1.0) for at, each in enumerate(ask.controls)),
        *([("hires.scale", ask.hires.scale, 1.0, 4.0), ("hires.denoise", ask.hires.denoise, 0.0, 1.0),
           ("hires.steps", ask.hires.steps, 0, bounds.steps)] if ask.hires else []),
        *([("upscale.scale", ask.upscale.scale, 1.0, 8.0)] if ask.upscale else []),
        *([("inpaint.blur", ask.inpaint.blur, 0, 64), ("inpaint.padding", ask.inpaint.padding, 0, 256)]
          if ask.inpaint else []),
        *([("outpaint.feather", ask.outpaint.feather, 0, 512)] if ask.outpaint else []),
    ):  # fmt: skip
        if not math.isfinite(number) or not low <= number <= high:
            yield param, f"{param} is {number}, and must be from {low} to {high}.", "Choose another."


def _sizes(ask: PictureAsk, bounds: Bounds) -> Iterator[_Problem]:
    for param, side in (("width", ask.width), ("height", ask.height)):
        if side and not 64 <= side <= bounds.side:
            yield param, f"{param} is {side} pixels, and must be from 64 to {bounds.side}.", "Choose another."
        if side % STEP_PIXELS:
            nearest = round(side / STEP_PIXELS) * STEP_PIXELS
            yield param, f"{param} is {side} pixels, and must be a multiple of 8.", f"{nearest} is the nearest."
    if bool(ask.width) != bool(ask.height):
        yield "height" if ask.width else "width", "Width and height go together.", "Give both or none."
    scale = ask.hires.scale if ask.hires else 1.0
    if ask.width * scale * ask.height * scale > bounds.pixels:
        side = math.isqrt(bounds.pixels)
        yield "width", f"The picture would have more than {side} x {side} pixels.", "Make it smaller."
    if ask.outpaint:
        for param, side in zip(("left", "top", "right", "bottom"), _sides(ask), strict=True):
            if not 0 <= side <= bounds.side or side % STEP_PIXELS:
                message = f"{param} is {side} pixels, and must be a multiple of 8 from 0 to {bounds.side}."
                yield f"outpaint.{param}", message, "Choose another."


def _sides(ask: PictureAsk) -> tuple[int, int, int, int]:
    grown = ask.outpaint
    return (grown.left, grown.top, grown.right, grown.bottom) if grown else (0, 0, 0, 0)


def _parts(ask: PictureAsk) -> Iterator[_Problem]:
    """What a task needs, and what only another has a use for."""
    if ask.task in _INIT_TASKS and not ask.init:
        yield "init", f"{ask.task} begins with an image.", "Send one."
    if ask.task is Task.TXT2IMG and ask.init:
        yield "init", "txt2img begins with no image.", "Use img2img."
    if (ask.task is Task.INPAINT) != (ask.inpaint is not None):
        yield "inpaint", "A mask is for inpainting, which needs one.", "Use the task inpaint with a mask."
    if (ask.task is Task.OUTPAINT) != (ask.outpaint is not None):
        yield "outpaint", "Growing sides are for outpainting, which needs them.", "Use the task outpaint."
    if ask.outpaint and not any(_sides(ask)):
        yield "outpaint", "The image does not grow to any side.", "Say how far, in pixels."
    if (ask.task is Task.UPSCALE) != (ask.upscale is not None):
        yield "upscale", "A scale is for upscaling, which needs one.", "Use hires for more pixels while generating."
    if ask.hires and ask.task is not Task.TXT2IMG:
        yield "hires", "Hires fix goes with txt2img alone.", "Upscale the result instead."
    if ask.task is Task.UPSCALE and ask.count > 1:
        yield "count", "Upscaling an image gives one image.", "Leave count out."
    if ask.task is Task.TXT2IMG and not ask.prompt.strip():
        yield "prompt", "There is no prompt.", "Say what the picture shall show."


def _lists(ask: PictureAsk, bounds: Bounds) -> Iterator[_Problem]:
    if len(ask.loras) > bounds.loras:
        yield "loras", f"There are more than {bounds.loras} LoRAs.", "Leave some out."
    if len(ask.controls) > bounds.controls:
        yield "controls", f"There are more than {bounds.controls} ControlNet units.", "Leave some out."
    if len(ask.styles) > bounds.loras:
        yield "styles", f"There are more than {bounds.loras} styles.", "Leave some out."
    for at, unit in enumerate(ask.controls):
        if not unit.image:
            yield f"controls[{at}].image", "A ControlNet unit needs an image.", "Send one."
