"""Pictures drawn from what was asked: the same words, seed and settings give the same pixels, on every machine.

A picture is eight by eight coloured fields, chosen by a hash of everything that a diffusion model's answer depends on.
So a test can tell what went into a picture, and compressing one takes no time.
"""

from __future__ import annotations

import hashlib
import io
from typing import Any

import msgspec
from PIL import Image, ImageChops, PngImagePlugin

_FIELDS = 8


def draw(what: object, width: int, height: int) -> Image.Image:
    """``what`` is anything that JSON can say."""
    colours = hashlib.shake_256(msgspec.json.encode(what, order="sorted")).digest(3 * _FIELDS * _FIELDS)
    return Image.frombytes("RGB", (_FIELDS, _FIELDS), colours).resize((width, height), Image.Resampling.NEAREST)


def over(base: Image.Image, drawn: Image.Image, denoise: float, mask: Image.Image | None = None) -> Image.Image:
    """What becomes of ``base``: mixed with what was drawn by ``denoise``, and only where a mask (L) is white."""
    base = base.convert("RGB").resize(drawn.size)
    mixed = Image.blend(base, drawn, min(1.0, max(0.0, denoise)))
    return mixed if mask is None else Image.composite(mixed, base, mask.convert("L").resize(drawn.size))


def half_done(drawn: Image.Image, share: float) -> Image.Image:
    """As a preview shows it."""
    return Image.blend(Image.new("RGB", drawn.size, (127, 127, 127)), drawn, min(1.0, max(0.0, share)))


def png(image: Image.Image, texts: dict[str, str] | None = None) -> bytes:
    """With ``tEXt`` chunks (``iTXt`` where Latin-1 does not do), as the engines write them."""
    told = PngImagePlugin.PngInfo()
    for key, text in (texts or {}).items():
        told.add_text(key, text)
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=told, compress_level=1)
    return out.getvalue()


def encoded(image: Image.Image, form: str, quality: int = 90) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, form.upper(), quality=quality)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """Raises `OSError` for what is no image."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def infotext(data: bytes) -> dict[str, Any]:
    """The text chunks of a PNG."""
    return {str(key): text for key, text in opened(data).info.items()}


def inverted(mask: Image.Image) -> Image.Image:
    return ImageChops.invert(mask.convert("L"))
