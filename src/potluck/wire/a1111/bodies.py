"""From an ask to the body of ``/sdapi/v1/txt2img``, ``img2img`` or ``extra-single-image``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from potluck.core.model import Json, JsonObject
from potluck.core.pictures.ask import Control, ImageId, Lora, Masked, PictureAsk
from potluck.core.pictures.catalogue import Catalogue, Family
from potluck.core.pictures.fitting import engine_sampler, engine_scheduler
from potluck.wire.a1111 import sdcpp
from potluck.wire.a1111.parts import b64, hires
from potluck.wire.prompts.embeddings import spoken

_FILLS: Final = {Masked.BLURRED: 0, Masked.ORIGINAL: 1, Masked.NOISE: 2, Masked.NOTHING: 3}

TEXT_TO_IMAGE: Final = "/sdapi/v1/txt2img"
IMAGE_TO_IMAGE: Final = "/sdapi/v1/img2img"
ENLARGE: Final = "/sdapi/v1/extra-single-image"


def path_of(ask: PictureAsk) -> str:
    if not ask.generates:
        return ENLARGE
    return IMAGE_TO_IMAGE if ask.init else TEXT_TO_IMAGE


def body_of(ask: PictureAsk, has: Catalogue, images: Mapping[ImageId, bytes], task: str) -> JsonObject:
    """``ask`` is complete; ``images`` are PNGs of its size. ``task`` is how
    the engine tells our job from others."""
    if not ask.generates:
        return _enlarge(ask, has, images)
    if has.version == sdcpp.NAME:
        return sdcpp.body_of(ask, has, images)
    body: JsonObject = {
        "prompt": _prompt(ask, has),
        "negative_prompt": spoken(ask.negative, has.embeddings),
        "seed": ask.seed,
        "steps": ask.steps,
        "cfg_scale": ask.cfg,
        "width": ask.width,
        "height": ask.height,
        "sampler_name": engine_sampler(ask, has),
        "batch_size": 1,
        "n_iter": 1,
        "restore_faces": ask.restore_faces,
        "tiling": ask.tiling,
        "override_settings": _settings(ask, has),
        # Else the engine would load the checkpoint of before again, after each picture.
        "override_settings_restore_afterwards": False,
        "send_images": True,
        "save_images": False,
        "do_not_save_samples": True,
        "do_not_save_grid": True,
        "force_task_id": task,
    }
    if scheduler := engine_scheduler(ask, has):
        body["scheduler"] = scheduler
    if ask.controls:
        units: list[Json] = [_unit(each, ask, has, images) for each in ask.controls]
        body["alwayson_scripts"] = {"controlnet": {"args": units}}
    if (found := has.checkpoint(ask.model)) is not None and found.family is Family.FLUX:
        body["distilled_cfg_scale"] = ask.guidance  # Forge's name for it; others pass it over
    return body | _beginning(ask, images) | hires(ask, has, steps="hr_second_pass_steps")


def _prompt(ask: PictureAsk, has: Catalogue) -> str:
    return " ".join([spoken(ask.prompt, has.embeddings), *(_tag(each, has) for each in ask.loras)])


def _tag(lora: Lora, has: Catalogue) -> str:
    found = has.lora(lora.name)
    return f"<lora:{found.file if found else lora.name}:{lora.weight:g}>"


def _settings(ask: PictureAsk, has: Catalogue) -> JsonObject:
    """Every one is said each time, as each stays as the last job left it."""
    found, vae = has.checkpoint(ask.model), has.vae(ask.vae)
    settings: JsonObject = {
        "sd_vae": vae.file if vae else "Automatic",
        "CLIP_stop_at_last_layers": max(1, ask.clip_skip),
        # ComfyUI draws its noise on the processor: so the same seed is the same picture on both.
        "randn_source": "CPU",
    }
    if found is not None:
        settings["sd_model_checkpoint"] = found.file
    return settings


def _beginning(ask: PictureAsk, images: Mapping[ImageId, bytes]) -> JsonObject:
    if not ask.init:
        return {}
    body: JsonObject = {
        "init_images": [b64(images[ask.init])],
        "denoising_strength": ask.denoise,
        "resize_mode": 0,
        "include_init_images": False,
    }
    masked = ask.inpaint
    if masked is not None:
        body |= {
            "mask": b64(images[masked.mask]),
            "mask_blur": masked.blur,
            "inpainting_fill": _FILLS[masked.content],
            "inpaint_full_res": masked.only_masked,
            "inpaint_full_res_padding": masked.padding,
            "inpainting_mask_invert": int(masked.invert),
        }
    return body


def _unit(unit: Control, ask: PictureAsk, has: Catalogue, images: Mapping[ImageId, bytes]) -> JsonObject:
    found = has.checkpoint(ask.model)
    model = has.control(unit.kind, unit.model, found.family if found else Family.UNKNOWN)
    return {
        "enabled": True,
        "module": has.preprocessors.get(unit.kind, "none") if unit.preprocess else "none",
        "model": model.file if model else unit.model,
        "weight": unit.weight,
        "image": b64(images[unit.image]),
        "guidance_start": unit.start,
        "guidance_end": unit.end,
        "resize_mode": "Crop and Resize",
        "pixel_perfect": True,
        "control_mode": "Balanced",
    }


def _enlarge(ask: PictureAsk, has: Catalogue, images: Mapping[ImageId, bytes]) -> JsonObject:
    wanted = ask.upscale
    found = has.upscaler(wanted.upscaler if wanted else "")
    return {
        "image": b64(images[ask.init]),
        "resize_mode": 0,
        "upscaling_resize": wanted.scale if wanted else 1.0,
        "upscaler_1": found.file if found else "None",
    }
