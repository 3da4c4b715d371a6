"""Work on images, done: bytes in, bytes out, in the process that calls it."""

from __future__ import annotations

from typing import assert_never

from PIL import Image

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import Resize
from potluck.pixels.opening import Opened, opened
from potluck.pixels.regions import pasted, region, soft
from potluck.pixels.shaping import fitted, grown, mask
from potluck.pixels.work import (
    Alpha,
    Clean,
    ControlMap,
    Convert,
    Fit,
    Grow,
    Limits,
    Look,
    Made,
    Mask,
    Paste,
    Region,
    Thumbnail,
    Work,
)
from potluck.pixels.writing import as_png, thumbnail, within, written


def perform(work: Work, limits: Limits) -> Made:
    """Raises `BadRequest` for what cannot be done with these bytes."""
    source = opened(work.image, limits)
    match work:
        case Look():
            copies = tuple(
                thumbnail(source.image, side)[0] if max(source.image.size) > side else b"" for side in work.sides
            )
            return _made(b"", source.image, source, copies=copies)
        case Clean():
            return _made(as_png(source.image), source.image, source)
        case Mask():
            grey = mask(source.image, work.width, work.height, work.source, invert=work.invert)
            return _made(as_png(grey), grey, source)
        case Fit():
            shaped = _fitted(source.image, work.width, work.height, work.resize, limits)
            return _made(as_png(shaped), shaped, source)
        case Region() | Paste():
            return _part(work, source, limits)
        case Grow():
            canvas, room = grown(source.image, work.left, work.top, work.right, work.bottom, work.feather, limits)
            return _made(as_png(canvas), canvas, source, mask=as_png(room))
        case Thumbnail():
            data, small = thumbnail(source.image, work.side)
            return _made(data, small, source, media_type="image/webp")
        case Convert():
            image = source.image if work.side is None else within(source.image, work.side)
            texts = {**source.texts, **work.texts} if work.keep_texts else work.texts
            data = written(image, work.format, work.quality, texts)
            return _made(data, image, source, media_type=work.format.media_type)
        case Alpha() | ControlMap():
            return _mapped(work, source, limits)
        case _:
            assert_never(work)


def _part(work: Region | Paste, source: Opened, limits: Limits) -> Made:
    """Out of its image, or back into it."""
    room = soft(opened(work.mask, limits).image, source.image, work.blur)
    if isinstance(work, Paste):
        whole = pasted(source.image, opened(work.drawn, limits).image, room, work.box)
        return _made(as_png(whole), whole, source)
    box = region(room, work.padding, work.width, work.height)
    part = _fitted(source.image.crop(box), work.width, work.height, Resize.STRETCH, limits)
    shown = fitted(room.crop(box), work.width, work.height, Resize.STRETCH)
    return _made(as_png(part), part, source, mask=as_png(shown), box=box)


def _mapped(work: Alpha | ControlMap, source: Opened, limits: Limits) -> Made:
    if isinstance(work, Alpha):
        seen = opened(work.mask, limits).image.convert("RGBA").getchannel("A").resize(source.image.size)
        image = source.image.convert("RGBA")
        image.putalpha(seen)
        return _made(as_png(image), image, source)
    # NumPy takes longer to load than most work takes.
    from potluck.pixels.controls import control_map  # noqa: PLC0415

    edges = control_map(source.image, work.kind, work.low, work.high)
    return _made(as_png(edges), edges, source)


def _fitted(image: Image.Image, width: int, height: int, resize: Resize, limits: Limits) -> Image.Image:
    if not (0 < width <= limits.side and 0 < height <= limits.side and width * height <= limits.pixels):
        raise BadRequest(f"An image of {width} x {height} pixels cannot be made here.", param="width")
    return fitted(image, width, height, resize)


def _made(
    data: bytes,
    image: Image.Image,
    source: Opened,
    *,
    media_type: str = "image/png",
    mask: bytes = b"",
    box: tuple[int, int, int, int] = (0, 0, 0, 0),
    copies: tuple[bytes, ...] = (),
) -> Made:
    return Made(
        data,
        image.width,
        image.height,
        media_type=media_type,
        was=source.media_type,
        transparent=image.mode == "RGBA",
        texts=source.texts,
        mask=mask,
        box=box,
        copies=copies,
    )
