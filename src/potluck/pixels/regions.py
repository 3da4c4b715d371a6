"""The part of an image that is drawn anew at its full size, and put back."""

from __future__ import annotations

from PIL import Image, ImageFilter

from potluck.core.errors import BadRequest

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def soft(mask: Image.Image, image: Image.Image, blur: int) -> Image.Image:
    """A mask in grey, its edge soft over ``blur`` pixels. Raises `BadRequest` for one of another size."""
    if mask.size != image.size:
        raise BadRequest("The mask has another size than its image.", param="mask")
    grey = mask.convert("L")
    return grey.filter(ImageFilter.GaussianBlur(blur)) if blur else grey


def region(mask: Image.Image, padding: int, width: int, height: int) -> Box:
    """What is white with ``padding`` around it, widened to the shape of ``width`` to ``height`` as far as the image
    has room. Raises `BadRequest` for a mask that is all black."""
    white = mask.getbbox()
    if white is None:
        raise BadRequest("The mask leaves nothing to be drawn.", param="mask")
    left, top = max(0, white[0] - padding), max(0, white[1] - padding)
    right, bottom = min(mask.width, white[2] + padding), min(mask.height, white[3] + padding)
    wanted = width / height
    if (right - left) / (bottom - top) < wanted:
        left, right = _widened(left, right, round((bottom - top) * wanted), mask.width)
    else:
        top, bottom = _widened(top, bottom, round((right - left) / wanted), mask.height)
    return left, top, right, bottom


def _widened(first: int, last: int, wanted: int, most: int) -> tuple[int, int]:
    """To ``wanted``, to both sides alike; past an edge it is moved."""
    wanted = min(wanted, most)
    first = min(max(0, first - (wanted - (last - first)) // 2), most - wanted)
    return first, first + wanted


def pasted(image: Image.Image, drawn: Image.Image, mask: Image.Image, box: Box) -> Image.Image:
    """What is not white stays as it was, to the pixel. Raises `BadRequest` for a box that is not the image's."""
    left, top, right, bottom = box
    if not (0 <= left < right <= image.width and 0 <= top < bottom <= image.height):
        raise BadRequest("The region lies outside of its image.")
    whole = image.copy()
    part = drawn.convert(image.mode).resize((right - left, bottom - top), Image.Resampling.LANCZOS)
    whole.paste(part, (left, top), mask.crop(box))
    return whole
