"""Images that pictures are to be made from: by whatever name or shape clients send them, as kept, cleaned PNG files."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from potluck.core.errors import BadRequest, NotFound
from potluck.core.files import PICTURE_INPUT
from potluck.core.galleries import is_picture_id
from potluck.core.model import UserId
from potluck.core.pictures.ask import ImageId
from potluck.gateway.gallery import MOST_BYTES, Gallery
from potluck.pixels.work import Look, Mask, MaskSource
from potluck.storage.pictures import PictureId
from potluck.surfaces.services import Services
from potluck.wire.images import is_remote

# An id is shorter, an image longer.
_LONGEST_ID = 100


class Taken(NamedTuple):
    """An image that is kept. ``content`` is a PNG; ``transparent``: some pixel can be looked through; ``picture`` is
    the one in the gallery that it is."""

    id: ImageId
    width: int
    height: int
    content: bytes
    transparent: bool = False
    picture: PictureId | None = None


async def take(services: Services, user: UserId, sent: str | bytes, param: str, name: str = "") -> Taken:
    """``sent`` is the bytes, or a text: an id of a file or a picture, base64, a data URI, or a URL on the web.

    Raises `BadRequest` that names ``param`` for what is no image, `NotFound` for an id of nothing, `QuotaExceeded`.
    """
    gallery = services.gallery
    if isinstance(sent, bytes):
        return await _kept(gallery, user, sent, param, name)
    if is_remote(sent):
        return await _kept(gallery, user, await _fetched(services, sent, param), param, name)
    if len(sent) > _LONGEST_ID or sent.startswith("data:"):
        return await _kept(gallery, user, decoded(sent, param), param, name)
    if not is_picture_id(sent):
        raise BadRequest(
            "That is neither an image nor the id of one.",
            param=param,
            hint="Send an id of a file or picture, base64, a data URI, or a URL.",
        )
    return await _known(gallery, user, sent, param)


async def take_mask(
    services: Services, user: UserId, sent: str | bytes, of: Taken, param: str, *, invert: bool
) -> Taken:
    """A mask as engines want it: white where is to be drawn, of the size of its image."""
    mask = await take(services, user, sent, param)
    return await mask_of(services, user, mask.content, of, param, invert=invert)


async def mask_of(
    services: Services,
    user: UserId,
    content: bytes,
    of: Taken,
    param: str,
    *,
    source: MaskSource = MaskSource.ANY,
    invert: bool = False,
) -> Taken:
    """The mask that an image's light, or what can be looked through in it, makes. Raises `BadRequest` for one of
    another shape than its image, or with nothing to draw."""
    gallery = services.gallery
    made = await gallery.pixels.perform(Mask(content, of.width, of.height, source, invert), param=param)
    return Taken(ImageId(await gallery.keep_input(user, made, "mask.png")), of.width, of.height, made.image)


async def _fetched(services: Services, url: str, param: str) -> bytes:
    try:
        return (await services.pictures.fetch(url))[0]
    except BadRequest as error:
        raise BadRequest(error.message, param=param, hint="Send the image itself.", detail=error.detail) from error


async def _known(gallery: Gallery, user: UserId, named: str, param: str) -> Taken:
    try:
        file, picture = await gallery.source(named, user)
        record = await gallery.files.get(file, user)
        content = await gallery.files.whole(file, user, MOST_BYTES)
    except NotFound as error:
        raise NotFound(f"There is no image '{named}' of yours.", hint=error.hint) from error
    if record.purpose == PICTURE_INPUT:
        seen = await gallery.pixels.perform(Look(content), param=param)
        return Taken(ImageId(file), seen.width, seen.height, content, seen.transparent)
    # Kept once more under a name of its own: the picture may be deleted before its turn has come.
    return (await _kept(gallery, user, content, param, record.name))._replace(picture=picture)


async def _kept(gallery: Gallery, user: UserId, content: bytes, param: str, name: str) -> Taken:
    file, made = await gallery.take_in(user, content, name, param=param)
    return Taken(ImageId(file), made.width, made.height, made.image, made.transparent)


def decoded(text: str, param: str) -> bytes:
    """The bytes of base64 or a data URI. Raises `BadRequest`."""
    plain = text
    if text.startswith("data:"):
        head, _, plain = text.partition(",")
        if not head.endswith(";base64"):
            raise BadRequest("The data URI is not in base64.", param=param, hint="data:image/png;base64,…")
    try:
        return base64.b64decode("".join(plain.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("The image is not in base64.", param=param, hint="Or send an id, or a form.") from error
