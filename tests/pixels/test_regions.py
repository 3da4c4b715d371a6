"""Parts of images, drawn anew at their full size and put back."""

from __future__ import annotations

import pytest
from PIL import Image

from potluck.core.errors import BadRequest
from potluck.pixels.performing import perform
from potluck.pixels.regions import pasted, region, soft
from potluck.pixels.work import Limits, Paste, Region
from potluck.pixels.writing import as_png
from tests.pictures import image, read


def masked(width: int, height: int, *box: int) -> Image.Image:
    mask = Image.new("L", (width, height), 0)
    if box:
        mask.paste(255, (box[0], box[1], box[2], box[3]))
    return mask


@pytest.mark.parametrize(
    ("box", "padding", "shape", "found"),
    [
        ((40, 40, 60, 60), 10, (64, 64), (30, 30, 70, 70)),
        ((40, 40, 60, 60), 10, (128, 64), (10, 30, 90, 70)),
        ((40, 40, 60, 60), 10, (64, 128), (30, 10, 70, 90)),
        ((0, 0, 10, 10), 10, (64, 32), (0, 0, 40, 20)),
        ((90, 90, 100, 100), 10, (32, 64), (80, 60, 100, 100)),
        ((10, 10, 90, 90), 50, (64, 64), (0, 0, 100, 100)),
        ((0, 0, 100, 10), 0, (32, 64), (0, 0, 100, 100)),
    ],
)
def test_it_is_what_is_masked_with_its_surroundings_in_the_shape_that_is_drawn(
    box: tuple[int, ...], padding: int, shape: tuple[int, int], found: tuple[int, ...]
) -> None:
    assert region(masked(100, 100, *box), padding, *shape) == found


def test_what_is_not_masked_comes_back_to_the_pixel() -> None:
    whole, mask = image(100, 80), masked(100, 80, 40, 30, 60, 50)
    part = perform(Region(whole, as_png(mask), 64, 64, padding=4, blur=2), Limits())
    assert (read(part.image).size, read(part.mask).size) == ((64, 64), (64, 64))
    left, top, right, bottom = part.box
    assert right - left == bottom - top >= 28
    drawn = image(64, 64, 200)
    made = read(perform(Paste(whole, as_png(mask), drawn, part.box, blur=2), Limits()).image)
    before, new = read(whole), read(drawn).convert("RGB")
    assert made.size == (100, 80)
    assert made.getpixel((50, 40)) == new.getpixel((0, 0))
    for at in ((0, 0), (99, 79), (left + 1, top + 1), (30, 40), (70, 40)):
        if not 34 <= at[0] < 66 or not 24 <= at[1] < 56:
            assert made.getpixel(at) == before.getpixel(at)


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(BadRequest, match="nothing to be drawn"):
        region(masked(10, 10), 4, 64, 64)
    with pytest.raises(BadRequest, match="another size"):
        soft(masked(10, 10, 0, 0, 5, 5), Image.new("RGB", (11, 10)), 0)
    for box in ((0, 0, 11, 10), (5, 0, 5, 10), (-1, 0, 5, 10)):
        with pytest.raises(BadRequest, match="outside"):
            pasted(Image.new("RGB", (10, 10)), Image.new("RGB", (4, 4)), masked(10, 10, 0, 0, 5, 5), box)
