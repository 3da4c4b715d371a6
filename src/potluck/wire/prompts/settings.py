"""What was asked for as infotext, and back: a picture that is opened in another program, or comes from one.

The names are A1111's (``create_infotext`` in ``modules/processing.py``, and its scripts'). What it has no name for is
left out, and said by the gallery.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import ANY_SEED, LAST_SEED, Hires, Lora, PictureAsk
from potluck.core.pictures.samplers import label, scheduler_label, understood
from potluck.wire.prompts.infotext import Infotext, read_size
from potluck.wire.prompts.loras import WithoutLoras, without_loras, write_lora

_PROGRAM: Final = "Potluck"
_LATENT: Final = "Latent"
_CLIP_USUAL: Final = 1

T = TypeVar("T", int, float)


def infotext_of(ask: PictureAsk, *, width: int, height: int, model_hash: str = "") -> Infotext:
    """Of a complete ask for one picture (`core.pictures.fitting.filled`), which has come to that size.

    LoRAs stand in the prompt, as A1111 wants them, unless they do already.
    """
    settings = {name: value for name, value in _settings(ask, width, height, model_hash).items() if value}
    prompt = ask.prompt
    named = {lora.name for lora in _parted(prompt).loras}
    for lora in ask.loras:
        if lora.name not in named:
            prompt = f"{prompt} {write_lora(lora.name, lora.weight)}".strip()
    return Infotext(prompt, ask.negative, settings)


def _settings(ask: PictureAsk, width: int, height: int, model_hash: str) -> dict[str, str]:
    """In A1111's order; an empty value is left out."""
    drawn = ask.generates
    hires = ask.hires
    return {
        "Steps": str(ask.steps) if drawn and ask.steps else "",
        "Sampler": label(ask.sampler) if drawn else "",
        "Schedule type": scheduler_label(ask.scheduler) if drawn else "",
        "CFG scale": f"{ask.cfg:g}" if drawn and ask.cfg else "",
        "Seed": str(ask.seed) if drawn and ask.seed >= 0 else "",
        # The first pass's, from which the second one goes on.
        "Size": f"{ask.width}x{ask.height}" if hires and ask.width else f"{width}x{height}",
        "Model hash": model_hash,
        "Model": ask.model,
        "VAE": ask.vae,
        "Denoising strength": f"{hires.denoise:g}" if hires else f"{ask.denoise:g}" if drawn and ask.init else "",
        "Clip skip": str(ask.clip_skip) if ask.clip_skip > _CLIP_USUAL else "",
        "Tiling": "True" if ask.tiling else "",
        "Hires upscale": f"{hires.scale:g}" if hires else "",
        "Hires steps": str(hires.steps) if hires and hires.steps else "",
        "Hires upscaler": (hires.upscaler or _LATENT) if hires else "",
        "Postprocess upscale by": f"{ask.upscale.scale:g}" if ask.upscale else "",
        "Postprocess upscaler": ask.upscale.upscaler if ask.upscale else "",
        # With the size these are three, which is what makes them settings (`infotext.FEWEST_SETTINGS`).
        "Task": ask.task.value,
        "Version": _PROGRAM,
    }


def ask_of(infotext: Infotext) -> PictureAsk:
    """What an infotext asks for, as far as it is understood: to be drawn, from words alone. The rest is left open.

    Whoever wrote it may have written anything: numbers out of all bounds count as not said, and `checking.checked` has
    its say afterwards as with every ask.
    """
    said = infotext.settings
    prompt, loras = _parted(infotext.prompt)
    sampling = understood(said.get("Sampler", ""), said.get("Schedule type", "")) or understood(said.get("Sampler", ""))
    width, height = read_size(said.get("Size", "")) or (0, 0)
    ask = PictureAsk(
        prompt=prompt.strip() if loras else prompt,
        negative=infotext.negative,
        width=width,
        height=height,
        steps=_number(said, "Steps", int, 0, 10_000) or 0,
        cfg=_number(said, "CFG scale", float, 0, 100) or 0.0,
        sampler=sampling.sampler if sampling else "",
        scheduler=sampling.scheduler if sampling else "",
        seed=_seed(said),
        model=said.get("Model", ""),
        vae=said.get("VAE", ""),
        clip_skip=_number(said, "Clip skip", int, 0, 12) or 0,
        loras=tuple(Lora(each.name, each.weight) for each in loras),
        tiling=said.get("Tiling") == "True",
    )
    return replace(ask, hires=_hires(said))


def _parted(prompt: str) -> WithoutLoras:
    """Where a LoRA has no weight that is one, all of it is the prompt."""
    try:
        return without_loras(prompt)
    except BadRequest:
        return WithoutLoras(prompt, ())


def _seed(said: Mapping[str, str]) -> int:
    seed = _number(said, "Seed", int, 0, LAST_SEED)
    return ANY_SEED if seed is None else seed


def _hires(said: Mapping[str, str]) -> Hires | None:
    scale = _number(said, "Hires upscale", float, 1, 8)
    if scale is None:
        return None
    upscaler = said.get("Hires upscaler", "")
    denoise = _number(said, "Denoising strength", float, 0, 1)
    return Hires(
        scale,
        Hires().denoise if denoise is None else denoise,
        "" if upscaler.startswith(_LATENT) else upscaler,
        _number(said, "Hires steps", int, 0, 10_000) or 0,
    )


def _number(said: Mapping[str, str], name: str, kind: Callable[[str], T], least: float, most: float) -> T | None:
    """A number within its bounds, or None. Python reads more as numbers than anybody writes."""
    text = said.get(name, "").strip()
    if not re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,12})?", text):
        return None
    try:
        number = kind(text)
    except ValueError:  # a fraction where none can be
        return None
    return number if least <= number <= most else None
