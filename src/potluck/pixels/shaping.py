"""Images brought to a size, masks that fit them, and canvases that are larger than they are."""

from __future__ import annotations

from typing import Final, assert_never

from PIL import Image, ImageFilter, ImageOps

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import Resize
from potluck.pixels.work import Limits, MaskSource

# A mask drawn on a scaled copy may be a pixel off; one of another shape was made for another image.
_SHAPE_TOLERANCE: Final = 0.01
_LANCZOS: Final = Image.Resampling.LANCZOS


def fitted(image: Image.Image, width: int, height: int, resize: Resize) -> Image.Image:
    """At exactly that size."""
    if image.size == (width, height):
        return image
    match resize:
        case Resize.STRETCH:
            return image.resize((width, height), _LANCZOS)
        case Resize.CROP:
            return ImageOps.fit(image, (width, height), _LANCZOS)
        case Resize.PAD:
            inner = ImageOps.contain(image, (width, height), _LANCZOS)
            left, top = (width - inner.width) // 2, (height - inner.height) // 2
            return _edges_repeated(inner, left, top, width - inner.width - left, height - inner.height - top)
        case _:
            assert_never(resize)


def mask(image: Image.Image, width: int, height: int, source: MaskSource, *, invert: bool) -> Image.Image:
    """Grey, white where is to be drawn. Raises `BadRequest` for a mask of another shape, or with nothing to draw."""
    if abs(image.width * height - image.height * width) > _SHAPE_TOLERANCE * image.width * height:
        raise BadRequest(
            f"The mask has {image.width} x {image.height} pixels, and the image {width} x {height}.",
            hint="Send a mask of the image's size.",
        )
    grey = _grey(image, source)
    if grey.size != (width, height):
        grey = grey.resize((width, height), Image.Resampling.BILINEAR)
    if invert:
        grey = ImageOps.invert(grey)
    if grey.getextrema()[1] == 0:
        raise BadRequest(
            "The mask leaves nothing to be drawn.",
            hint="White, or transparent, is what is drawn anew; the mask may be inverted.",
        )
    return grey


def _grey(image: Image.Image, source: MaskSource) -> Image.Image:
    seen_through = image.mode == "RGBA"
    match source:
        case MaskSource.LIGHT:
            return image.convert("L")
        case MaskSource.ANY if not seen_through:
            return image.convert("L")
        # One that can be looked through nowhere has its say in its colours, for A1111 too.
        case MaskSource.OPAQUE:
            return image.getchannel("A") if seen_through else image.convert("L")
        case MaskSource.TRANSPARENT | MaskSource.ANY:
            return ImageOps.invert(image.convert("RGBA").getchannel("A"))
        case _:
            assert_never(source)


def grown(
    image: Image.Image, left: int, top: int, right: int, bottom: int, feather: int, limits: Limits
) -> tuple[Image.Image, Image.Image]:
    """A canvas with more room, and the mask of what is to be drawn there. Raises `BadRequest` for a side of less than
    nothing, for none at all, and for a canvas past the limits."""
    sides = (left, top, right, bottom)
    if min(sides) < 0 or not any(sides):
        raise BadRequest("The image must grow to some side.", hint="Say by how many pixels.")
    width, height = image.width + left + right, image.height + top + bottom
    if max(width, height) > limits.side or width * height > limits.pixels:
        raise BadRequest(f"The canvas would have {width} x {height} pixels, which is too much.", hint="Grow it less.")
    canvas = _edges_repeated(image.convert("RGB"), left, top, right, bottom)
    return canvas, _room(image.size, sides, feather)


def _room(size: tuple[int, int], sides: tuple[int, int, int, int], feather: int) -> Image.Image:
    """White where the image ends, and black from ``feather`` pixels within it: an edge half way in, blurred by that."""
    left, top, right, bottom = sides
    width, height = size
    inset = min(max(0, feather) // 2, min(size) // 8)
    kept = (
        left + (inset if left else 0),
        top + (inset if top else 0),
        left + width - (inset if right else 0),
        top + height - (inset if bottom else 0),
    )
    room = Image.new("L", (width + left + right, height + top + bottom), 255)
    room.paste(0, kept)
    if not inset:
        return room
    faded = room.filter(ImageFilter.BoxBlur(inset))
    whole = Image.new("L", room.size, 255)
    whole.paste(faded.crop((left, top, left + width, top + height)), (left, top))
    return whole


def _edges_repeated(image: Image.Image, left: int, top: int, right: int, bottom: int) -> Image.Image:
    """With its outermost pixels drawn on to the new edges."""
    width, height = image.size
    wide = Image.new(image.mode, (left + width + right, height))
    wide.paste(image, (left, 0))
    for at, room, column in ((0, left, 0), (left + width, right, width - 1)):
        if room:
            edge = image.crop((column, 0, column + 1, height))
            wide.paste(edge.resize((room, height), Image.Resampling.NEAREST), (at, 0))
    tall = Image.new(image.mode, (wide.width, top + height + bottom))
    tall.paste(wide, (0, top))
    for at, room, row in ((0, top, 0), (top + height, bottom, height - 1)):
        if room:
            edge = wide.crop((0, row, wide.width, row + 1))
            tall.paste(edge.resize((wide.width, room), Image.Resampling.NEAREST), (0, at))
    return tall
