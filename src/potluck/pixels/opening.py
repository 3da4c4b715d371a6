"""Strangers' image files, opened: bounded before anything is decoded, and afterwards nothing but pixels."""

from __future__ import annotations

import io
import struct
from typing import Final, NamedTuple, cast

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from potluck.core.errors import BadRequest
from potluck.pixels.metadata import exif_texts
from potluck.pixels.work import Limits
from potluck.wire.png import GRAPH_KEY, INFOTEXT_KEY, WORKFLOW_KEY, read_texts

# Others have decoders in Pillow that few people look at.
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "AVIF", "GIF")
# What some phones make is a JPEG with more behind it.
_MEDIA_TYPES: Final = {"MPO": "image/jpeg"}
# What Pillow's readers are known to raise over bytes that are no whole image.
_BROKEN: Final = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, ZeroDivisionError,
    RuntimeError, struct.error,
)  # fmt: skip
_DEEP_GREY: Final = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_KEPT_TEXTS: Final = (INFOTEXT_KEY, GRAPH_KEY, WORKFLOW_KEY)


class Opened(NamedTuple):
    """``image`` is RGB, or RGBA where something can be looked through it. ``texts``: see `work.Made`."""

    image: Image.Image
    media_type: str
    texts: dict[str, str]


def opened(data: bytes, limits: Limits) -> Opened:
    """Raises `BadRequest` for what is no image, is damaged, or is too large to be decoded."""
    if len(data) > limits.bytes:
        raise BadRequest(f"The image file is larger than {limits.bytes // 1024**2} MiB.", hint="Send a smaller one.")
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _bounded(image, limits)
            image.load()
            return Opened(_plain(image), _media_type(image), _texts(image, data))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise _too_large(limits) from exc
    except UnidentifiedImageError as exc:
        raise BadRequest(
            "That is no image that can be read here." if data else "The image is empty.",
            hint="Send PNG, JPEG, WebP, AVIF or GIF.",
        ) from exc
    except _BROKEN as exc:
        raise BadRequest(
            "The image is damaged or cut off.", hint="Send the whole file again.", detail=f"{type(exc).__name__}: {exc}"
        ) from exc


def _bounded(image: Image.Image, limits: Limits) -> None:
    width, height = image.size
    if max(width, height) > limits.side or width * height > limits.pixels:
        raise _too_large(limits)


def _too_large(limits: Limits) -> BadRequest:
    return BadRequest(
        f"The image has more pixels than can be read here: {limits.pixels / 1e6:.0f} megapixels, "
        f"and {limits.side} to a side, are the most.",
        hint="Scale it down first.",
    )


def _media_type(image: Image.Image) -> str:
    name = image.format or ""
    return _MEDIA_TYPES.get(name, f"image/{name.lower()}")


def _texts(image: Image.Image, data: bytes) -> dict[str, str]:
    found = read_texts(data) if image.format == "PNG" else exif_texts(image)
    return {key: found[key] for key in _KEPT_TEXTS if key in found}


def _plain(image: Image.Image) -> Image.Image:
    """Upright, sRGB, eight bits a colour, without anything beside the pixels."""
    profile = image.info.get("icc_profile")
    plain = _in_srgb(_upright(image), profile if isinstance(profile, bytes) else b"")
    plain.info.clear()
    if plain.mode == "RGBA" and plain.getchannel("A").getextrema() == (255, 255):
        return plain.convert("RGB")
    return plain


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _BROKEN:  # the pixels are there, and nobody can tell which way is up
        return image.copy()


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    target = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode in _DEEP_GREY:
        return _shallow(image).convert("RGB")
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        try:
            mode = "RGB" if image.mode == "CMYK" else image.mode
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            # The library says nothing of its type.
            srgb = cast("ImageCms.ImageCmsProfile", ImageCms.createProfile("sRGB"))
            converted = ImageCms.profileToProfile(image, own, srgb, outputMode=mode)
            return converted.convert(target) if converted is not None else image.convert(target)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a profile that nobody can read says nothing of the colours
    return image.convert(target)


def _shallow(image: Image.Image) -> Image.Image:
    """Sixteen bits of grey as eight; Pillow would cut all above 255 off."""
    deep = image.convert("I") if image.mode != "F" else image
    _, high = deep.getextrema()
    assert isinstance(high, (int, float))
    scale = 1 / 257 if high > 255 else 1.0
    return deep.point(lambda value: value * scale + 0.0).convert("L")
