"""Images as files: PNG, JPEG, WebP and AVIF, and thumbnails."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

from PIL import Image, ImageFilter

from potluck.core.errors import BadRequest
from potluck.pixels.metadata import texts_as_exif
from potluck.pixels.work import Format
from potluck.wire.png import with_texts

# Between programs of one house time is dearer than a few bytes; what is kept is written with zlib's usual effort.
_FAST: Final = 1
_USUAL: Final = 6
# EXIF in a JPEG is one segment of 64 KiB.
_JPEG_EXIF_BYTES: Final = 65_000
_EXIF_BYTES: Final = 8 * 1024 * 1024
_WHITE: Final = (255, 255, 255)
_THUMBNAIL_QUALITY: Final = 80
# Enough to bring back what scaling down took, too little for halos.
_SHARPEN: Final = ImageFilter.UnsharpMask(radius=0.8, percent=60, threshold=2)


def as_png(image: Image.Image, *, effort: int = _FAST) -> bytes:
    return _saved(image, "PNG", compress_level=effort)


def written(image: Image.Image, format_: Format, quality: int, texts: Mapping[str, str]) -> bytes:
    """The image as a file of that format, with ``texts`` in it."""
    if not 1 <= quality <= 100:
        raise BadRequest(f"The quality is {quality}, and must be from 1 to 100.", param="quality")
    match format_:
        case Format.PNG:
            return with_texts(as_png(image, effort=_USUAL), texts)
        case Format.JPEG:
            exif = texts_as_exif(texts, _JPEG_EXIF_BYTES)
            # Colours at full resolution from where people no longer ask for a small file.
            sampling = 0 if quality >= 90 else 2
            return _saved(on_white(image), "JPEG", quality=quality, subsampling=sampling, optimize=True, exif=exif)
        case Format.WEBP:
            return _saved(image, "WEBP", quality=quality, method=4, exif=texts_as_exif(texts, _EXIF_BYTES))
        case Format.AVIF:
            return _saved(image, "AVIF", quality=quality, speed=8, exif=texts_as_exif(texts, _EXIF_BYTES))


def thumbnail(image: Image.Image, side: int) -> tuple[bytes, Image.Image]:
    """A WebP, and the small image in it."""
    if not 16 <= side <= 2048:
        raise BadRequest(f"A thumbnail's side is {side} pixels, and must be from 16 to 2048.", param="side")
    small = within(image, side)
    return _saved(small, "WEBP", quality=_THUMBNAIL_QUALITY, method=4), small


def within(image: Image.Image, side: int) -> Image.Image:
    """Scaled down, and sharpened a little, so that no side is longer."""
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return small.filter(_SHARPEN) if small.size != image.size else small


def on_white(image: Image.Image) -> Image.Image:
    """Without transparency."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Image.new("RGB", image.size, _WHITE)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()
