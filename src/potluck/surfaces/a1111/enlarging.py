"""``extra-single-image``, ``extra-batch-images`` and ``png-info``."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from potluck.core.errors import NotFound
from potluck.core.pictures.ask import PictureAsk, Task, Upscale
from potluck.pixels.work import Fit, Look
from potluck.storage.pictures import PictureRecord
from potluck.surfaces import picture_orders as orders
from potluck.surfaces.a1111.choosing import catalogues
from potluck.surfaces.a1111.drawing import headers_of
from potluck.surfaces.a1111.making import as_png, b64, checked_here, made
from potluck.surfaces.body import body_of
from potluck.surfaces.picture_inputs import Taken, decoded, take
from potluck.surfaces.state import caller_of, services_of
from potluck.wire.sdapi.answers import write_batch, write_enlarged, write_png_info
from potluck.wire.sdapi.asks import LATER
from potluck.wire.sdapi.enlarging import Enlarging, read_batch, read_png_info, read_single


async def single(request: Request) -> Response:
    asked = read_single(await body_of(request))
    images, pictures = await _enlarged(request, asked, "image")
    body = write_enlarged(b64(images[0]))
    return Response(body, media_type="application/json", headers=headers_of(request, pictures))


async def batch(request: Request) -> Response:
    """One after the other, each a job of its own."""
    asked = read_batch(await body_of(request))
    images, pictures = await _enlarged(request, asked, "imageList")
    body = write_batch([b64(each) for each in images])
    return Response(body, media_type="application/json", headers=headers_of(request, pictures))


async def _enlarged(request: Request, asked: Enlarging, param: str) -> tuple[list[bytes], list[PictureRecord]]:
    """1. All images are looked at. 2. Each is enlarged, unless the caller has interrupted the one before it."""
    services, user = services_of(request), caller_of(request).user
    _find_upscaler(request, asked.upscaler)
    taken = [await take(services, user, each, param) for each in asked.images]
    asks = [_ask(asked, each) for each in taken]
    images: list[bytes] = []
    pictures: list[PictureRecord] = []
    for image, ask in zip(taken, asks, strict=True):
        if ask is None:
            images.append(image.content)
            continue
        made_here, making = await made(request, orders.Order(ask, parent=image.picture))
        pictures += made_here
        images += [await _sized(request, asked, image, each) for each in made_here]
        if making.interrupted:
            break
    return images or [each.content for each in taken], pictures


def _ask(asked: Enlarging, image: Taken) -> PictureAsk | None:
    """None for an image that stays as it is."""
    if not asked.upscaler:
        return None
    scale = max(1.0, asked.scale_of(image.width, image.height))
    ask = PictureAsk(task=Task.UPSCALE, init=LATER, upscale=Upscale(scale, asked.upscaler))
    return replace(checked_here(ask), init=image.id)


async def _sized(request: Request, asked: Enlarging, image: Taken, picture: PictureRecord) -> bytes:
    """What no upscaler does: smaller, or cut to a size."""
    services = services_of(request)
    content = await as_png(services, picture)
    width, height = asked.sides_of(image.width, image.height)
    if (asked.size is None and asked.scale >= 1.0) or (width, height) == (picture.width, picture.height):
        return content
    return (await services.gallery.pixels.perform(Fit(content, width, height))).image


def _find_upscaler(request: Request, name: str) -> None:
    known = catalogues(request)
    if name and known and all(each.upscaler(name) is None for each in known):
        names = ", ".join(dict.fromkeys(each.name for has in known for each in has.upscalers))
        raise NotFound(f"Upscaler not found: {name[:80]}", hint=f"There are {names}." if names else "There are none.")


async def png_info(request: Request) -> Response:
    content = decoded(read_png_info(await body_of(request)), "image")
    seen = await services_of(request).gallery.pixels.perform(Look(content), param="image")
    return Response(write_png_info(seen.texts), media_type="application/json")
