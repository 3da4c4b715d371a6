"""From a body of ``/sdapi/v1/txt2img`` or ``img2img`` to an ask.

Fields and their defaults are those of AUTOMATIC1111 1.10 (``modules/api/models.py``), but for steps, CFG scale and
sampler, which suit the model where nobody says them. What would give another picture than the one that was asked for,
and cannot be drawn here, is refused; what has no meaning here is passed over (``eta``, ``save_images``, …).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

import msgspec

from potluck.core.errors import BadRequest
from potluck.core.model import Json, JsonObject
from potluck.core.pictures.ask import ANY_SEED, Hires, ImageId, Inpaint, Masked, PictureAsk, Resize, Task
from potluck.core.pictures.checking import STEP_PIXELS
from potluck.wire.sdapi.controls import Unit, read_units
from potluck.wire.sdapi.fields import as_list, as_object, converted, read_object

LATER: Final = ImageId("file-later")
"""In place of an image that is not kept yet: what else is asked for is looked at before."""

_FILLS: Final = (Masked.BLURRED, Masked.ORIGINAL, Masked.NOISE, Masked.NOTHING)
# The last one enlarges in latent space, where it comes to the same shape.
_RESIZES: Final = (Resize.STRETCH, Resize.CROP, Resize.PAD, Resize.STRETCH)
# What stands for "as the model has it" in settings and lists.
_USUAL: Final = frozenset({"", "automatic", "none"})
_LONGEST_PLAIN: Final = 200


class _Ask(msgspec.Struct, kw_only=True):
    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] = []
    seed: int = ANY_SEED
    subseed_strength: float = 0.0
    sampler_name: str = ""
    sampler_index: str = ""
    scheduler: str = ""
    steps: int = 0
    cfg_scale: float = 0.0
    distilled_cfg_scale: float = 3.5
    width: int = 512
    height: int = 512
    batch_size: int = 1
    n_iter: int = 1
    restore_faces: bool = False
    tiling: bool = False
    denoising_strength: float = 0.75
    override_settings: dict[str, Any] = {}
    override_settings_restore_afterwards: bool = True
    script_name: str = ""
    alwayson_scripts: dict[str, Any] = {}
    send_images: bool = True
    # Of txt2img:
    enable_hr: bool = False
    hr_scale: float = 2.0
    hr_upscaler: str = ""
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_checkpoint_name: str = ""
    hr_sampler_name: str = ""
    hr_scheduler: str = ""
    hr_prompt: str = ""
    hr_negative_prompt: str = ""
    # Of img2img:
    init_images: list[str] = []
    resize_mode: int = 0
    mask: str = ""
    mask_blur: int = 4
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    include_init_images: bool = False


class Settings(msgspec.Struct, kw_only=True):
    """Of ``options`` and ``override_settings`` those that mean something here. ``sd_model_checkpoint`` is a title, a
    name or a hash; empty, and ``sd_vae`` "Automatic": what is usual."""

    sd_model_checkpoint: str = ""
    sd_vae: str = ""
    CLIP_stop_at_last_layers: int = 0


class Drawing(NamedTuple):
    """What is asked for. The images come beside ``ask``, which has `LATER` in their places: ``controls`` has one for
    each of its units, empty for the image that is drawn over. ``keeps_model``: the model is to be the caller's from now
    on. ``echo`` is the body as it is told back."""

    ask: PictureAsk
    init: str
    mask: str
    controls: tuple[str, ...]
    keeps_model: bool
    send_images: bool
    echo: JsonObject


def read_txt2img(body: bytes) -> Drawing:
    """Raises `BadRequest`."""
    sent = read_object(body)
    asked = converted(sent, _Ask)
    return _drawing(asked, replace(_ask(asked), hires=_hires(asked)), sent)


def read_img2img(body: bytes) -> Drawing:
    """Raises `BadRequest`; ``init`` is empty where no image came."""
    sent = read_object(body)
    asked = converted(sent, _Ask)
    if len(asked.init_images) > 1:
        raise BadRequest("One image is drawn over at a time.", param="init_images", hint="Send one, several times.")
    masked = _inpaint(asked) if asked.mask else None
    ask = replace(
        _ask(asked),
        task=Task.INPAINT if masked else Task.IMG2IMG,
        init=LATER,
        denoise=asked.denoising_strength,
        resize=_chosen(_RESIZES, asked.resize_mode, "resize_mode"),
        inpaint=masked,
    )
    return _drawing(asked, ask, sent, init=next(iter(asked.init_images), ""), mask=asked.mask)


def read_settings(sent: Mapping[str, Json]) -> Settings:
    """Raises `BadRequest`."""
    read = converted(dict(sent), Settings)
    vae = "" if read.sd_vae.lower() in _USUAL else read.sd_vae
    return Settings(
        sd_model_checkpoint=read.sd_model_checkpoint.strip(),
        sd_vae=vae,
        CLIP_stop_at_last_layers=read.CLIP_stop_at_last_layers,
    )


def _drawing(asked: _Ask, ask: PictureAsk, sent: JsonObject, init: str = "", mask: str = "") -> Drawing:
    units = list(_units(asked))
    ask = replace(ask, controls=tuple(each.control for each in units))
    keeps = not asked.override_settings_restore_afterwards and bool(ask.model)
    images = tuple(each.image for each in units)
    return Drawing(ask, init, mask, images, keeps, asked.send_images, _echo(asked, sent))


def _ask(asked: _Ask) -> PictureAsk:
    _refuse_what_is_not_drawn(asked)
    settings = read_settings(asked.override_settings)
    scheduler = "" if asked.scheduler.lower() in _USUAL else asked.scheduler
    if min(asked.batch_size, asked.n_iter) < 1:
        raise BadRequest("There is no picture in it.", param="batch_size" if asked.batch_size < 1 else "n_iter")
    return PictureAsk(
        prompt=asked.prompt,
        negative=asked.negative_prompt,
        # As A1111, which leaves out what is no whole cell of the latent space.
        width=asked.width // STEP_PIXELS * STEP_PIXELS,
        height=asked.height // STEP_PIXELS * STEP_PIXELS,
        steps=asked.steps,
        cfg=asked.cfg_scale,
        guidance=asked.distilled_cfg_scale,
        sampler=asked.sampler_name or asked.sampler_index,
        scheduler=scheduler,
        seed=max(ANY_SEED, asked.seed),
        count=asked.batch_size * asked.n_iter,
        model=settings.sd_model_checkpoint,
        vae=settings.sd_vae,
        clip_skip=settings.CLIP_stop_at_last_layers,
        styles=tuple(each for each in asked.styles if each),
        tiling=asked.tiling,
        restore_faces=asked.restore_faces,
    )


def _refuse_what_is_not_drawn(asked: _Ask) -> None:
    if asked.script_name.lower() not in _USUAL:
        raise BadRequest(f"There is no script '{asked.script_name[:80]}' here.", param="script_name")
    if asked.subseed_strength > 0:
        raise BadRequest("Variations of a seed are not drawn here.", param="subseed_strength", hint="Leave it 0.")
    if asked.width < 64 or asked.height < 64:
        param, side = ("width", asked.width) if asked.width < 64 else ("height", asked.height)
        raise BadRequest(f"{param} is {side} pixels, and must be 64 at least.", param=param)
    for name, script in asked.alwayson_scripts.items():
        if name.lower() != "controlnet" and _does_something(script):
            raise BadRequest(
                f"There is no script '{name[:80]}' here.",
                param=f"alwayson_scripts.{name[:80]}",
                hint="ControlNet alone is known.",
            )


def _does_something(script: object) -> bool:
    """An extension that is switched off comes with a false in front, or without anything."""
    args: Any = as_object(script).get("args")
    listed = as_list(args)
    return bool(listed[0] if listed else args)


def _units(asked: _Ask) -> list[Unit]:
    scripts = [script for name, script in asked.alwayson_scripts.items() if name.lower() == "controlnet"]
    return [unit for script in scripts for unit in read_units(script, LATER)]


def _hires(asked: _Ask) -> Hires | None:
    if not asked.enable_hr:
        return None
    for param, value, usual in (
        ("hr_checkpoint_name", asked.hr_checkpoint_name, ""),
        ("hr_sampler_name", asked.hr_sampler_name, asked.sampler_name),
        ("hr_scheduler", asked.hr_scheduler, asked.scheduler),
        ("hr_prompt", asked.hr_prompt, asked.prompt),
        ("hr_negative_prompt", asked.hr_negative_prompt, asked.negative_prompt),
    ):
        if value not in ("", usual) and not value.startswith("Use same"):
            raise BadRequest("The second pass is drawn as the first one.", param=param, hint="Leave it out.")
    upscaler = asked.hr_upscaler
    latent = upscaler.startswith("Latent") or upscaler.lower() in _USUAL
    return Hires(_hires_scale(asked), asked.denoising_strength, "" if latent else upscaler, asked.hr_second_pass_steps)


def _hires_scale(asked: _Ask) -> float:
    """By a size where one was said, as there; of both sides, as nothing is cut off here."""
    across, down = asked.hr_resize_x / asked.width, asked.hr_resize_y / asked.height
    if not across and not down:
        return asked.hr_scale
    if across and down and abs(across - down) > 0.01 * across:
        raise BadRequest(
            "The second pass has the first one's shape.", param="hr_resize_y", hint="Leave one of the sides 0."
        )
    return max(across, down)


def _inpaint(asked: _Ask) -> Inpaint:
    return Inpaint(
        LATER,
        asked.mask_blur,
        _chosen(_FILLS, asked.inpainting_fill, "inpainting_fill"),
        only_masked=asked.inpaint_full_res,
        padding=asked.inpaint_full_res_padding,
        invert=bool(asked.inpainting_mask_invert),
    )


def _chosen(choices: tuple[Any, ...], number: int, param: str) -> Any:
    if not 0 <= number < len(choices):
        raise BadRequest(f"{param} is {number}, and must be from 0 to {len(choices) - 1}.", param=param)
    return choices[number]


def _echo(asked: _Ask, sent: JsonObject) -> JsonObject:
    """All fields, as A1111 tells them back; images only where they are asked for."""
    echo: JsonObject = msgspec.to_builtins(asked) | sent
    if not asked.include_init_images:
        echo |= {"init_images": None, "mask": None}
    return echo | {"alwayson_scripts": _without_images(asked.alwayson_scripts)}


def _without_images(value: Any) -> Json:
    """A unit's images are megabytes that the client has."""
    named, listed = as_object(value), as_list(value)
    if named:
        return {name: _without_images(each) for name, each in named.items()}
    if listed:
        return [_without_images(each) for each in listed]
    return None if isinstance(value, str) and len(value) > _LONGEST_PLAIN else value
