"""From an ask to the templates that draw it on one ComfyUI, in order.

Where the two kinds of engines count differently, A1111's people are followed: steps are those of the whole schedule, of
which an image that is only partly drawn anew takes its share; what stands outside a mask stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from potluck.core.pictures.ask import Control, ControlKind, Hires, ImageId, Inpaint, Masked, PictureAsk
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, ControlModel, Extra, Family, Loader
from potluck.core.pictures.fitting import engine_sampler, engine_scheduler
from potluck.wire.comfyui.graphs import Use
from potluck.wire.prompts.embeddings import COMFYUI, spoken

# SD 3's own; ComfyUI's template for it has the same.
_SHIFT = 3.0
_MOST_RADIUS, _MOST_SIGMA = 31, 10.0
_UNION_TYPES = {
    ControlKind.CANNY: "canny/lineart/anime_lineart/mlsd",
    ControlKind.DEPTH: "depth",
    ControlKind.POSE: "openpose",
    ControlKind.SCRIBBLE: "hed/pidi/scribble/ted",
}
_SIXTEEN = frozenset({Family.SD3, Family.FLUX})

LATENT = "latent"
"""The upscaler that is none: hires fix in latent space."""

RESAMPLING = frozenset({"lanczos", "nearest-exact", "bicubic"})
"""Upscalers that are plain resampling, by ComfyUI's words."""


class Missing(Exception):
    """The engine lacks what no ask names: an encoder, a VAE. The text goes on from the node's name."""


def plan(ask: PictureAsk, has: Catalogue, files: Mapping[ImageId, str]) -> tuple[Use, ...]:
    """``ask`` is complete; ``files`` are the engine's names of its images. Raises `Missing`."""
    if not ask.generates:
        return (*_upscale(ask, has, files), Use("preview"))
    checkpoint = has.checkpoint(ask.model)
    if checkpoint is None:
        raise Missing("has no model")
    return tuple(_drawing(ask, has, checkpoint, files))


def _drawing(ask: PictureAsk, has: Catalogue, checkpoint: Checkpoint, files: Mapping[ImageId, str]) -> Iterator[Use]:
    """1. Models. 2. Words. 3. Controls. 4. What it begins with. 5. Drawing. 6. Hires fix. 7. The picture."""
    yield from _models(ask, has, checkpoint)
    prompt = spoken(ask.prompt, has.embeddings, COMFYUI)
    if checkpoint.family is Family.FLUX:
        yield Use("prompts-flux", {"prompt": prompt, "guidance": ask.guidance})
    else:
        yield Use("prompts", {"prompt": prompt, "negative": spoken(ask.negative, has.embeddings, COMFYUI)})
    for unit in ask.controls:
        yield from _control(unit, ask, has, checkpoint, files)
    if ask.inpaint:
        yield _mask(ask.inpaint, files[ask.inpaint.mask])
    yield _begin(ask, checkpoint, files)
    yield _sample(ask, has, ask.steps, ask.denoise if ask.init else 1.0)
    if ask.hires:
        yield from _hires(ask, ask.hires, has)
    yield Use("decode")
    if ask.inpaint:
        yield Use("paste")
    yield Use("preview")


def _models(ask: PictureAsk, has: Catalogue, checkpoint: Checkpoint) -> Iterator[Use]:
    whole = checkpoint.loader is Loader.CHECKPOINT
    yield Use("checkpoint" if whole else "diffusion-model", {"file": checkpoint.file})
    if not whole or (checkpoint.family is Family.SD3 and not _brings_encoders(checkpoint, has)):
        yield _encoders(checkpoint, has)
    vae = _vae(ask, has, checkpoint)
    if vae is not None:
        yield Use("vae", {"file": vae.file})
    if ask.clip_skip > 1:
        yield Use("clip-skip", {"layer": -ask.clip_skip})
    for lora in ask.loras:
        found = has.lora(lora.name)
        if found is None:
            raise Missing(f"has no LoRA {lora.name}")
        yield Use("lora", {"file": found.file, "weight": lora.weight})
    if checkpoint.family is Family.SD3:
        yield Use("shift", {"shift": _SHIFT})


def _brings_encoders(checkpoint: Checkpoint, has: Catalogue) -> bool:
    """Some of SD 3's checkpoints say so in their names; without encoders beside there is no choice."""
    return "incl" in checkpoint.name.lower() or not all(_encoder(word, has) for word in ("clip_g", "clip_l", "t5"))


def _encoder(word: str, has: Catalogue) -> Extra | None:
    return next((each for each in has.encoders if word in each.name.lower()), None)


def _encoders(checkpoint: Checkpoint, has: Catalogue) -> Use:
    words = ("clip_l", "t5") if checkpoint.family is Family.FLUX else ("clip_g", "clip_l", "t5")
    found = [_encoder(word, has) for word in words]
    files = [each.file for each in found if each is not None]
    if len(files) < len(words):
        raise Missing(f"has no text encoders for {checkpoint.name} ({', '.join(words)})")
    places = ("first", "second", "third")[: len(words)]
    return Use("encoders-two" if len(words) == 2 else "encoders-three", dict(zip(places, files, strict=True)))


def _vae(ask: PictureAsk, has: Catalogue, checkpoint: Checkpoint) -> Extra | None:
    if ask.vae:
        return has.vae(ask.vae)
    if checkpoint.loader is Loader.CHECKPOINT:
        return None
    words = ("ae", "flux") if checkpoint.family is Family.FLUX else ("sd3",)
    named = (each for each in has.vaes if each.name.lower() in words)
    like = (each for each in has.vaes if any(word in each.name.lower() for word in words[-1:]))
    found = next(named, None) or next(like, None)
    if found is None:
        raise Missing(f"has no VAE for {checkpoint.name}")
    return found


def _control(
    unit: Control, ask: PictureAsk, has: Catalogue, checkpoint: Checkpoint, files: Mapping[ImageId, str]
) -> Iterator[Use]:
    model = has.control(unit.kind, unit.model, checkpoint.family)
    if model is None:
        raise Missing(f"has no ControlNet for {unit.kind}")
    yield _map(unit, ask, has, files[unit.image])
    values: dict[str, str | int | float] = {
        "file": model.file,
        "weight": unit.weight,
        "start": unit.start,
        "end": unit.end,
    }
    if _is_union(model):
        yield Use("control-union", {**values, "type": _UNION_TYPES[unit.kind]})
    else:
        yield Use("control", values)


def _is_union(model: ControlModel) -> bool:
    return len(model.kinds) == len(ControlKind)


def _map(unit: Control, ask: PictureAsk, has: Catalogue, image: str) -> Use:
    maker = has.preprocessors.get(unit.kind, "") if unit.preprocess else ""
    if not maker:  # the image is a map, or we make it one before it goes up
        return Use("map", {"image": image})
    if maker == "Canny":
        return Use("map-canny", {"image": image})
    return Use("map-made", {"image": image, "class": maker, "resolution": max(64, min(ask.width, ask.height))})


def _mask(masked: Inpaint, image: str) -> Use:
    """A1111 blurs with a kernel of five times sigma; ComfyUI's node has bounds of its own."""
    if not masked.blur:
        return Use("mask", {"image": image})
    radius, sigma = min(_MOST_RADIUS, round(2.5 * masked.blur)), min(_MOST_SIGMA, float(masked.blur))
    return Use("mask-soft", {"image": image, "radius": radius, "sigma": sigma})


def _begin(ask: PictureAsk, checkpoint: Checkpoint, files: Mapping[ImageId, str]) -> Use:
    if ask.inpaint is not None:
        template = "inpaint" if ask.inpaint.content is Masked.ORIGINAL else "inpaint-empty"
        return Use(template, {"image": files[ask.init]})
    if ask.init:
        return Use("init", {"image": files[ask.init]})
    size = {"width": ask.width, "height": ask.height}
    return Use("empty-16" if checkpoint.family in _SIXTEEN else "empty", size)


def _sample(ask: PictureAsk, has: Catalogue, steps: int, denoise: float) -> Use:
    return Use(
        "sample",
        {
            "seed": ask.seed,
            "steps": steps_of(steps, denoise),
            "cfg": ask.cfg,
            "sampler": engine_sampler(ask, has),
            "scheduler": engine_scheduler(ask, has),
            "denoise": denoise,
        },
    )


def steps_of(steps: int, denoise: float) -> int:
    """How many steps are done of a schedule of ``steps``. ComfyUI wants these, A1111 the whole."""
    return steps if denoise >= 1 else max(1, int(denoise * steps))


def enlarged(side: int, scale: float) -> int:
    """A side as hires fix makes it: a multiple of 8."""
    return round(side * scale / 8) * 8


def _hires(ask: PictureAsk, hires: Hires, has: Catalogue) -> Iterator[Use]:
    size = {"width": enlarged(ask.width, hires.scale), "height": enlarged(ask.height, hires.scale)}
    if not hires.upscaler or hires.upscaler.lower().startswith(LATENT):
        yield Use("enlarge-latent", size)
    else:
        yield Use("decode")
        yield _enlarge(hires.upscaler, has, size)
        yield Use("encode")
    yield _sample(ask, has, hires.steps or ask.steps, hires.denoise)


def _enlarge(upscaler: str, has: Catalogue, size: Mapping[str, int]) -> Use:
    found = has.upscaler(upscaler)
    if found is None:
        raise Missing(f"has no upscaler {upscaler}" if upscaler else "has no upscaler")
    if found.file in RESAMPLING:
        return Use("enlarge", {"method": found.file, **size})
    return Use("enlarge-by-model", {"file": found.file, **size})


def _upscale(ask: PictureAsk, has: Catalogue, files: Mapping[ImageId, str]) -> Iterator[Use]:
    """``width`` and ``height`` of an ask that upscales are the image's own."""
    scale = ask.upscale.scale if ask.upscale else 1.0
    size = {"width": max(1, round(ask.width * scale)), "height": max(1, round(ask.height * scale))}
    yield Use("image", {"image": files[ask.init]})
    yield _enlarge(ask.upscale.upscaler if ask.upscale else "", has, size)
