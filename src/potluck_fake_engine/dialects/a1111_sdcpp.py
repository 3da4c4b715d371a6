"""Of A1111's API what stable-diffusion.cpp's server serves, as it serves it: ``examples/server/routes_sdapi.cpp``.

One model, no progress, no interrupting, no settings; LoRAs are named beside the prompt, and tags in it are words. What
it does not know it passes over, an unknown sampler too. Nothing is behind a door that a prompt can open.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import msgspec

from potluck_fake_engine import art
from potluck_fake_engine.dialects import a1111_lists as lists
from potluck_fake_engine.dialects.a1111_desk import Asked, Broken, OutOfMemory, WebUi, unpacked
from potluck_fake_engine.dialects.base import Refusal
from potluck_fake_engine.engine import Engine
from potluck_fake_engine.http import JSON, Abandoned, Reply, Request

PLACEHOLDER = "8888888888"
SAMPLERS = (
    *("default", "euler", "euler_a", "heun", "dpm2", "dpm++2s_a", "dpm++2m", "dpm++2mv2", "ipndm", "ipndm_v", "lcm"),
    *("ddim_trailing", "tcd", "res_multistep", "res_2s", "er_sde"),
)
SCHEDULERS = (
    *("default", "discrete", "normal", "karras", "exponential", "ays", "gits", "sgm_uniform", "simple", "smoothstep"),
    *("kl_optimal", "lcm", "bong_tangent"),
)
_DOOR = re.compile("<sd_cpp_extra_args>(.*?)</sd_cpp_extra_args>")


class Refused(Refusal):
    """An error answer of this server's, not of A1111's."""


class _Lora(msgspec.Struct):
    path: str = ""
    multiplier: float = 1.0


class _Body(msgspec.Struct):
    """All that is read of a body."""

    prompt: str = ""
    negative_prompt: str = ""
    width: int = 512
    height: int = 512
    steps: int = 20
    cfg_scale: float = 7.0
    seed: int = -1
    batch_size: int = 1
    clip_skip: int = -1
    sampler_name: str = ""
    scheduler: str = ""
    lora: list[_Lora] = []
    enable_hr: bool = False
    hr_scale: float = 2.0
    hr_steps: int = 0
    hr_upscaler: str = "Latent"
    denoising_strength: float | None = None
    init_images: list[str] = []
    mask: str | None = None
    inpainting_mask_invert: int = 0


async def generate(engine: Engine, request: Request, reply: Reply, *, from_image: bool) -> None:
    if not request.body:
        raise Refused(400, "empty body")
    try:
        body = msgspec.json.decode(request.body, type=_Body, strict=False)
    except (msgspec.ValidationError, msgspec.DecodeError) as exc:
        raise Refused(500, str(exc), "server_error") from exc
    asked = _asked(engine, body, from_image=from_image)
    try:
        result = await engine.desk(WebUi).run(asked, "")
    except OutOfMemory as exc:
        raise Refused(500, "generate_image returned no results") from exc
    except LookupError as exc:
        raise Refused(500, "generate_image returned no results") from exc
    except Broken as exc:
        raise Abandoned from exc
    pictures = [_through_the_vae(image) for image in result.images] if asked.mask else result.images
    images = [base64.b64encode(image).decode() for image in pictures]
    info = msgspec.json.encode({"prompt": asked.prompt, "seed": asked.seed, "version": "stable-diffusion.cpp"}).decode()
    answer = {"images": images, "parameters": msgspec.json.decode(request.body), "info": info}
    await reply.respond(200, msgspec.json.encode(answer), JSON)


def _asked(engine: Engine, body: _Body, *, from_image: bool) -> Asked:
    if body.width <= 0 or body.height <= 0:
        raise Refused(400, "width and height must be positive")
    if not body.prompt:
        raise Refused(400, "prompt required")
    if _DOOR.search(body.prompt):
        raise Refused(400, "invalid sd_cpp_extra_args")
    known = {each["path"] for each in loras(engine)}
    for lora in body.lora:
        if not lora.path:
            raise Refused(400, "lora.path required")
        if lora.path not in known:
            raise Refused(400, f"invalid lora path: {lora.path}")
    init = body.init_images[:1] if from_image and body.init_images and _readable(body.init_images[0]) else None
    return Asked(
        prompt=body.prompt,
        negative_prompt=body.negative_prompt,
        seed=body.seed,
        sampler_name=body.sampler_name if body.sampler_name in SAMPLERS else "euler_a",
        scheduler=body.scheduler if body.scheduler in SCHEDULERS else "discrete",
        batch_size=body.batch_size,
        steps=body.steps,
        cfg_scale=body.cfg_scale,
        width=body.width,
        height=body.height,
        denoising_strength=body.denoising_strength,
        override_settings={"CLIP_stop_at_last_layers": max(1, body.clip_skip)},
        enable_hr=body.enable_hr and not from_image,
        hr_scale=body.hr_scale,
        hr_upscaler=body.hr_upscaler,
        hr_second_pass_steps=body.hr_steps,
        init_images=init,
        mask=body.mask if init else None,
        inpainting_mask_invert=body.inpainting_mask_invert,
        styles=[f"{each.path}:{each.multiplier}" for each in body.lora],
    )


def _through_the_vae(picture: bytes) -> bytes:
    """What is not masked comes back a little changed."""
    return art.png(art.opened(picture).convert("RGB").point([value ^ 2 for value in range(256)] * 3))


def _readable(text: str) -> bool:
    """An image that it cannot read is none, and no error."""
    try:
        return bool(unpacked(text))
    except (ValueError, binascii.Error):
        return False


def checkpoints(engine: Engine) -> list[dict[str, Any]]:
    name = engine.desk(WebUi).model()
    stem = lists.bare(lists.file_of(name))
    told = {"title": stem, "model_name": stem, "filename": lists.file_of(name), "config": None}
    return [{**told, "hash": PLACEHOLDER, "sha256": "8" * 64}]


def samplers(engine: Engine) -> list[dict[str, Any]]:
    return [{"name": name, "aliases": [name], "options": {}} for name in SAMPLERS]


def schedulers(engine: Engine) -> list[dict[str, Any]]:
    return [{"name": name, "label": name} for name in SCHEDULERS]


def loras(engine: Engine) -> list[dict[str, Any]]:
    return [{"name": lists.bare(file), "path": file} for file in lists.files_of(engine, "loras")]


def options(engine: Engine) -> dict[str, Any]:
    return {"samples_format": "png", "sd_model_checkpoint": lists.bare(lists.file_of(engine.desk(WebUi).model()))}


def error(refusal: Refused) -> bytes:
    if refusal.kind == "server_error":
        return msgspec.json.encode({"error": refusal.kind, "message": refusal.message})
    return msgspec.json.encode({"error": refusal.message})
