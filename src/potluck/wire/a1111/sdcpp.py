"""stable-diffusion.cpp's server where it goes its own way. Source: ``examples/server/routes_sdapi.cpp`` there.

It holds one model, tells no progress, takes LoRAs beside the prompt instead of in it, and has no settings to override.
A prompt may carry any field of its native API between ``<sd_cpp_extra_args>`` tags, files among them: ours never does.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

from potluck.core.model import Json, JsonObject
from potluck.core.pictures.ask import ImageId, Lora, PictureAsk
from potluck.core.pictures.catalogue import Catalogue
from potluck.core.pictures.fitting import engine_sampler, engine_scheduler

NAME: Final = "stable-diffusion.cpp"
"""`Catalogue.version` of such a server."""

PLACEHOLDER: Final = "8888888888"
"""The hash of every model it lists."""

ANY: Final = "default"
"""A sampler or scheduler of its lists that stands for the model's own."""

_DOOR: Final = "sd_cpp_extra_args"
_LATENT: Final = "Latent"


def body_of(ask: PictureAsk, has: Catalogue, images: Mapping[ImageId, bytes]) -> JsonObject:
    """As `bodies.body_of`, for an ask that generates."""
    loras: list[Json] = [_lora(each, has) for each in ask.loras]
    body: JsonObject = {
        "prompt": _closed(ask.prompt) or " ",  # it refuses an empty one, which an image to begin with need not have
        "negative_prompt": ask.negative,
        "seed": ask.seed,
        "steps": ask.steps,
        "cfg_scale": ask.cfg,
        "width": ask.width,
        "height": ask.height,
        "batch_size": 1,
        "clip_skip": ask.clip_skip or -1,
        "sampler_name": engine_sampler(ask, has),
        "scheduler": engine_scheduler(ask, has),
        "lora": loras,
    }
    return body | _beginning(ask, images) | _hires(ask, has)


def _closed(prompt: str) -> str:
    return prompt.replace(_DOOR, _DOOR.replace("_", " "))


def _lora(lora: Lora, has: Catalogue) -> JsonObject:
    found = has.lora(lora.name)
    return {"path": found.file if found else lora.name, "multiplier": lora.weight}


def _beginning(ask: PictureAsk, images: Mapping[ImageId, bytes]) -> JsonObject:
    if not ask.init:
        return {}
    body: JsonObject = {"init_images": [_b64(images[ask.init])], "denoising_strength": ask.denoise}
    if ask.inpaint is not None:
        body |= {"mask": _b64(images[ask.inpaint.mask]), "inpainting_mask_invert": int(ask.inpaint.invert)}
    return body


def _hires(ask: PictureAsk, has: Catalogue) -> JsonObject:
    if ask.hires is None:
        return {}
    found = has.upscaler(ask.hires.upscaler) if ask.hires.upscaler else None
    return {
        "enable_hr": True,
        "hr_scale": ask.hires.scale,
        "hr_upscaler": found.file if found else _LATENT,
        "hr_steps": ask.hires.steps,
        "denoising_strength": ask.hires.denoise,
    }


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
