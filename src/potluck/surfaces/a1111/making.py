"""One request's job, from its order to the pictures that came of it. A client that leaves ends it."""

from __future__ import annotations

import asyncio
import base64

from starlette.requests import Request

from potluck.core.errors import BadRequest, NotFound, PotluckError
from potluck.core.jobs import JobState
from potluck.core.pictures.ask import PictureAsk
from potluck.core.pictures.checking import checked
from potluck.pixels.work import Convert, Fit, Format
from potluck.storage.pictures import PictureRecord
from potluck.surfaces import picture_orders as orders
from potluck.surfaces.a1111.desk import Making, desk_of
from potluck.surfaces.services import Services
from potluck.surfaces.state import caller_of, services_of
from potluck.surfaces.staying import end_job, while_there

# As these clients call what we call otherwise.
_PARAMS = {
    "negative": "negative_prompt",
    "cfg": "cfg_scale",
    "guidance": "distilled_cfg_scale",
    "count": "batch_size",
    "denoise": "denoising_strength",
    "init": "init_images",
    "model": "override_settings.sd_model_checkpoint",
    "vae": "override_settings.sd_vae",
    "clip_skip": "override_settings.CLIP_stop_at_last_layers",
    "hires.scale": "hr_scale",
    "hires.denoise": "denoising_strength",
    "hires.steps": "hr_second_pass_steps",
    "inpaint.blur": "mask_blur",
    "inpaint.padding": "inpaint_full_res_padding",
    "inpaint.mask": "mask",
    "upscale.scale": "upscaling_resize",
}


def checked_here(ask: PictureAsk) -> PictureAsk:
    """As `checked`; an unknown sampler is not found, as at A1111's."""
    try:
        return checked(ask)
    except BadRequest as error:
        raise _renamed(error) from error


def _renamed(error: PotluckError) -> PotluckError:
    if not isinstance(error, BadRequest):
        return error
    if error.param in ("sampler", "scheduler"):
        return NotFound(f"{error.param.capitalize()} not found: {error.message}", hint=error.hint)
    return BadRequest(error.message, param=_PARAMS.get(error.param, error.param), hint=error.hint)


async def made(request: Request, order: orders.Order) -> tuple[list[PictureRecord], Making]:
    """All pictures; those that are there where the caller has interrupted it. Raises what it failed with."""
    services, caller = services_of(request), caller_of(request)
    job = await orders.submit(services, caller, order)
    with desk_of(request).making(caller, job) as making:

        async def tell(news: orders.News) -> None:
            making.note(news, services.clock())

        try:
            ended = await while_there(request.receive, orders.watch(services, caller, job, tell))
        finally:
            await asyncio.shield(end_job(services, caller, job))
    if ended.state is not JobState.DONE and not making.interrupted:
        raise _renamed(orders.failure_of(ended))
    return await orders.pictures_of(services, ended), making


async def as_png(services: Services, picture: PictureRecord) -> bytes:
    """A picture's bytes, with what says how it was made."""
    content = await services.gallery.content(picture)
    if picture.media_type == Format.PNG.media_type:
        return content
    return (await services.gallery.pixels.perform(Convert(content, Format.PNG, keep_texts=True))).image


async def half_done(services: Services, making: Making, ask: PictureAsk) -> list[bytes]:
    """What was seen of a picture that was interrupted, in its size; nothing where nothing was."""
    if not making.preview:
        return []
    try:
        return [(await services.gallery.pixels.perform(Fit(making.preview, ask.width, ask.height))).image]
    except BadRequest:  # an engine's preview is not worth an answer
        return []


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
