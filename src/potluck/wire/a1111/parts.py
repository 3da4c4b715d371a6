"""What every server of this API takes alike, stable-diffusion.cpp's too."""

from __future__ import annotations

import base64
from typing import Final

from potluck.core.model import JsonObject
from potluck.core.pictures.ask import PictureAsk
from potluck.core.pictures.catalogue import Catalogue

_LATENT: Final = "Latent"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def hires(ask: PictureAsk, has: Catalogue, *, steps: str) -> JsonObject:
    """The second, larger pass; nothing where none is wanted. ``steps`` is what the server calls its number of steps."""
    if ask.hires is None:
        return {}
    found = has.upscaler(ask.hires.upscaler) if ask.hires.upscaler else None
    return {
        "enable_hr": True,
        "hr_scale": ask.hires.scale,
        "hr_upscaler": found.file if found else _LATENT,
        steps: ask.hires.steps,
        "denoising_strength": ask.hires.denoise,
    }
