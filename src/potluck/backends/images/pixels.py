"""Pixels before and after an engine: what goes in has the ask's size, what comes out is looked at, never trusted.

Pillow is imported when first used; everything here computes, and is called in a thread.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from potluck.core.errors import BadRequest, MalformedAnswer
from potluck.core.pictures.ask import Inpaint, Outpaint, Resize

if TYPE_CHECKING:
    from PIL.Image import Image

# As large as anybody may ask for, with hires fix and upscaling: more is a bomb.
MOST_PIXELS: Final = 8192 * 8192
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


def opened(data: bytes, *, most_pixels: int = MOST_PIXELS) -> Image:
    """An image from outside, upright, decoded in full. Raises `BadRequest`."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - 30 ms

    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
        if image.width * image.height > most_pixels:
            raise BadRequest(f"The image has more than {most_pixels // 1_000_000} megapixels.", hint="Make it smaller.")
        image.load()
        return ImageOps.exif_transpose(image)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        hint = "Send a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF."
        raise BadRequest("That is no image that can be read.", hint=hint, detail=str(error)) from error


def size_of(data: bytes) -> tuple[int, int]:
    """An image's size in pixels, upright; only its head is read as a rule. Raises `BadRequest`."""
    return opened(data).size


def fitted(data: bytes, width: int, height: int, how: Resize) -> bytes:
    """A PNG of that size. What is transparent becomes white, as engines know no transparency."""
    from PIL import Image, ImageOps  # noqa: PLC0415

    image = _opaque(opened(data))
    if image.size == (width, height):
        return png(image)
    smooth = Image.Resampling.LANCZOS
    match how:
        case Resize.STRETCH:
            image = image.resize((width, height), smooth)
        case Resize.CROP:
            image = ImageOps.fit(image, (width, height), smooth)
        case Resize.PAD:
            inner = ImageOps.contain(image, (width, height), smooth)
            image = inner.resize((width, height), smooth)
            image.paste(inner, ((width - inner.width) // 2, (height - inner.height) // 2))
    return png(image)


def _opaque(image: Image) -> Image:
    from PIL import Image as Images  # noqa: PLC0415

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = Images.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return white.convert("RGB")


def mask_of(data: bytes, masked: Inpaint, width: int, height: int, how: Resize) -> bytes:
    """A mask as engines want it: a PNG of the image's size, white where is to be drawn, in black and white.

    One with an alpha channel, and nothing else to tell, is drawn where it is transparent, as OpenAI's clients send it.
    """
    from PIL import Image, ImageOps  # noqa: PLC0415

    image = opened(data)
    if "A" in image.getbands() and image.getchannel("A").getextrema() != (255, 255):
        mask = ImageOps.invert(image.getchannel("A"))
    else:
        mask = image.convert("L")
    if masked.invert:
        mask = ImageOps.invert(mask)
    if mask.size != (width, height):
        smooth = Image.Resampling.BILINEAR
        fit = (
            ImageOps.fit(mask, (width, height), smooth) if how is Resize.CROP else mask.resize((width, height), smooth)
        )
        mask = fit
    if mask.getextrema() == (0, 0):
        hint = "Paint white what is to be drawn anew."
        raise BadRequest("The mask is empty: nothing would be drawn.", param="inpaint.mask", hint=hint)
    return png(mask.convert("RGB"))


def softened(mask: bytes, blur: int) -> bytes:
    """A mask with a soft edge."""
    from PIL import ImageFilter  # noqa: PLC0415

    image = opened(mask).convert("L")
    return png(image.filter(ImageFilter.GaussianBlur(blur)).convert("RGB")) if blur else mask


def grown(data: bytes, by: Outpaint) -> tuple[bytes, bytes]:
    """An image with its sides grown by its own edges, and the mask of what was added."""
    from PIL import Image, ImageFilter  # noqa: PLC0415

    image = _opaque(opened(data))
    size = (image.width + by.left + by.right, image.height + by.top + by.bottom)
    # The image drawn out over all, blurred: colours near the seam go on as they were.
    canvas = image.resize(size).filter(ImageFilter.GaussianBlur(max(size) // 16))
    canvas.paste(image, (by.left, by.top))
    mask = Image.new("L", size, 255)
    seam = min(by.feather, min(image.size) // 4)
    inner = (
        by.left + (seam if by.left else 0),
        by.top + (seam if by.top else 0),
        by.left + image.width - (seam if by.right else 0),
        by.top + image.height - (seam if by.bottom else 0),
    )
    mask.paste(0, inner)
    return png(canvas), png(mask.convert("RGB"))


def png(image: Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def looked_at(data: bytes) -> tuple[int, int, str]:
    """Width, height and media type of what an engine calls a picture. Raises `MalformedAnswer`."""
    from PIL import Image  # noqa: PLC0415

    try:
        image = opened(data)
    except BadRequest as error:
        raise MalformedAnswer("The engine's picture cannot be read.", detail=error.detail or error.message) from error
    form = Image.open(io.BytesIO(data)).format or "PNG"
    return (*image.size, Image.MIME.get(form, "image/png"))
