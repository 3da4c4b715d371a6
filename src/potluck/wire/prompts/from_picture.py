"""What a picture's infotext asks for (`of_picture` writes it): ours, A1111's, and of programs that write as it does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import ANY_SEED, LAST_SEED, Hires, Lora, PictureAsk
from potluck.core.pictures.samplers import understood
from potluck.wire.prompts.infotext import Infotext, read_size
from potluck.wire.prompts.loras import WithoutLoras, without_loras

_LATENT: Final = "Latent"

T = TypeVar("T", int, float)


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
        restore_faces="Face restoration" in said,
        hires=_hires(said),
    )
    guidance = _number(said, "Distilled CFG Scale", float, 0, 100)
    return ask if guidance is None else replace(ask, guidance=guidance)


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
