"""A picture's infotext: what A1111's programs, and Potluck, read out of the file to draw it again."""

from __future__ import annotations

from potluck.core.pictures.ask import PictureAsk
from potluck.core.pictures.samplers import label, scheduler_label
from potluck.wire.prompts.infotext import Infotext, write
from potluck.wire.prompts.loras import write_lora

KEY = "parameters"
"""Under which it stands in a PNG."""


def infotext_of(ask: PictureAsk, model_hash: str = "") -> str:
    """Of a complete ask. What only one program knows has its name there; others keep what they do not know."""
    prompt = " ".join([ask.prompt, *(write_lora(each.name, each.weight) for each in ask.loras)])
    settings = {
        "Steps": str(ask.steps),
        "Sampler": label(ask.sampler),
        "Schedule type": scheduler_label(ask.scheduler),
        "CFG scale": f"{ask.cfg:g}",
        "Seed": str(ask.seed),
        "Size": f"{ask.width}x{ask.height}",
        "Model hash": model_hash,
        "Model": ask.model,
        "VAE": ask.vae,
        "Denoising strength": f"{_denoise(ask):g}" if ask.init or ask.hires else "",
        "Clip skip": str(ask.clip_skip) if ask.clip_skip > 1 else "",
        "Distilled CFG Scale": f"{ask.guidance:g}" if ask.cfg == 1.0 else "",
        "Tiling": "True" if ask.tiling else "",
        "Face restoration": "CodeFormer" if ask.restore_faces else "",
        **_hires(ask),
        "Version": "Potluck",
    }
    return write(Infotext(prompt, ask.negative, {name: value for name, value in settings.items() if value}))


def _denoise(ask: PictureAsk) -> float:
    return ask.hires.denoise if ask.hires else ask.denoise


def _hires(ask: PictureAsk) -> dict[str, str]:
    if ask.hires is None:
        return {}
    return {
        "Hires upscale": f"{ask.hires.scale:g}",
        "Hires steps": str(ask.hires.steps or ""),
        "Hires upscaler": ask.hires.upscaler or "Latent",
    }
