"""``txt2img`` and ``img2img``."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from potluck.core.errors import BadRequest, NotFound
from potluck.core.pictures.ask import PictureAsk
from potluck.gateway.answer_headers import NODE, REQUEST_ID
from potluck.pixels.work import MaskSource
from potluck.storage.pictures import PictureId, PictureRecord
from potluck.surfaces import picture_orders as orders
from potluck.surfaces.a1111.choosing import model_of
from potluck.surfaces.a1111.desk import desk_of
from potluck.surfaces.a1111.making import as_png, b64, checked_here, half_done, made
from potluck.surfaces.body import body_of
from potluck.surfaces.picture_inputs import Taken, mask_of, take
from potluck.surfaces.state import caller_of, services_of
from potluck.wire.sdapi.answers import Drawn, write_pictures
from potluck.wire.sdapi.asks import Drawing, read_img2img, read_txt2img


async def txt2img(request: Request) -> Response:
    asked = read_txt2img(await body_of(request))
    ask = checked_here(await _with_choice(request, asked))
    return await _answer(request, asked, await _with_controls(request, asked, ask, None))


async def img2img(request: Request) -> Response:
    """1. What is asked for, as far as that is known without the images. 2. The images."""
    asked = read_img2img(await body_of(request))
    if not asked.init:
        raise NotFound("Init image not found")
    ask = checked_here(await _with_choice(request, asked))
    services, user = services_of(request), caller_of(request).user
    image = await take(services, user, asked.init, "init_images")
    ask = replace(ask, init=image.id)
    if ask.inpaint is not None:
        mask = await take(services, user, asked.mask, "mask")
        # As there: of a mask that can be looked through, what cannot is drawn anew; of others what is white.
        source = MaskSource.OPAQUE if mask.transparent else MaskSource.LIGHT
        inverted = ask.inpaint.invert
        grey = await mask_of(services, user, mask.content, image, "mask", source=source, invert=inverted)
        ask = replace(ask, inpaint=replace(ask.inpaint, mask=grey.id, invert=False))
    ask = await _with_controls(request, asked, ask, image)
    return await _answer(request, asked, ask, image.picture)


async def _with_choice(request: Request, asked: Drawing) -> PictureAsk:
    """What the request leaves open is as the caller's options have it."""
    desk, caller = desk_of(request), caller_of(request)
    choice = await desk.choice(caller)
    ask = asked.ask
    model = model_of(request, ask.model or choice.model)
    if asked.keeps_model:
        await desk.choose(caller, msgspec.structs.replace(choice, model=model))
    return replace(ask, model=model, vae=ask.vae or choice.vae, clip_skip=ask.clip_skip or choice.clip_skip)


async def _with_controls(request: Request, asked: Drawing, ask: PictureAsk, init: Taken | None) -> PictureAsk:
    services, user = services_of(request), caller_of(request).user
    units = list(ask.controls)
    for at, sent in enumerate(asked.controls):
        param = f"alwayson_scripts.controlnet.args[{at}].image"
        if not sent and init is None:
            raise BadRequest("A ControlNet unit needs an image.", param=param, hint="Send one.")
        image = await take(services, user, sent, param) if sent else init
        assert image is not None
        units[at] = replace(units[at], image=image.id)
    return replace(ask, controls=tuple(units))


async def _answer(request: Request, asked: Drawing, ask: PictureAsk, parent: PictureId | None = None) -> Response:
    services = services_of(request)
    pictures, making = await made(request, orders.Order(ask, parent=parent))
    images: list[bytes] = []
    if asked.send_images:
        images = [await as_png(services, each) for each in pictures]
        images = images or await half_done(services, making, ask)
    batch_size = asked.echo.get("batch_size")
    body = write_pictures(
        [b64(each) for each in images],
        [_drawn(each) for each in pictures],
        asked.echo,
        batch_size=batch_size if isinstance(batch_size, int) else ask.count,
    )
    return Response(body, media_type="application/json", headers=headers_of(request, pictures))


def _drawn(picture: PictureRecord) -> Drawn:
    ask = msgspec.json.decode(picture.parameters, type=PictureAsk)
    return Drawn(ask, picture.width, picture.height, picture.hash)


def headers_of(request: Request, pictures: list[PictureRecord]) -> dict[str, str]:
    """Where they were made."""
    nodes = ", ".join(dict.fromkeys(each.node for each in pictures if each.node))
    return {REQUEST_ID: request.state.request_id, **({NODE: nodes} if nodes else {})}
