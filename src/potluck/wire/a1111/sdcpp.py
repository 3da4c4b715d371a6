"""stable-diffusion.cpp's server where it goes its own way. Source: ``examples/server/routes_sdapi.cpp`` there.

It holds one model, tells no progress, takes LoRAs beside the prompt instead of in it, and has no settings to override.
A prompt may carry any field of its native API between ``<sd_cpp_extra_args>`` tags, files among them: ours never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from potluck.core.model import Json, JsonObject
from potluck.core.pictures.ask import ImageId, Lora, PictureAsk
from potluck.core.pictures.catalogue import Catalogue
from potluck.core.pictures.fitting import engine_sampler, engine_scheduler
from potluck.wire.a1111.parts import b64, hires

NAME: Final = "stable-diffusion.cpp"
"""`Catalogue.version` of such a server."""

PLACEHOLDER: Final = "8888888888"
"""The hash of every model it lists."""

ANY: Final = "default"
"""A sampler or scheduler of its lists that stands for the model's own."""

_DOOR: Final = "sd_cpp_extra_args"


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
    return body | _beginning(ask, images) | hires(ask, has, steps="hr_steps")


def _closed(prompt: str) -> str:
    return prompt.replace(_DOOR, _DOOR.replace("_", " "))


def _lora(lora: Lora, has: Catalogue) -> JsonObject:
    found = has.lora(lora.name)
    return {"path": found.file if found else lora.name, "multiplier": lora.weight}


def _beginning(ask: PictureAsk, images: Mapping[ImageId, bytes]) -> JsonObject:
    if not ask.init:
        return {}
    body: JsonObject = {"init_images": [b64(images[ask.init])], "denoising_strength": ask.denoise}
    if ask.inpaint is not None:
        body |= {"mask": b64(images[ask.inpaint.mask]), "inpainting_mask_invert": int(ask.inpaint.invert)}
    return body
