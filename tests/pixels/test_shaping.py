"""Sizes, masks and canvases."""

from __future__ import annotations

import pytest
from PIL import Image

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import Resize
from potluck.pixels.performing import perform
from potluck.pixels.work import Fit, Grow, Limits, Mask, MaskSource
from tests.pixels.pictures import as_file, picture, read

LIMITS = Limits(pixels=100_000, side=1_000)


def half(mode: str = "L", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """White, or opaque, on its right."""
    image = Image.new("L", size)
    image.paste(255, (size[0] // 2, 0, *size))
    if mode == "RGBA":
        clear = Image.new("RGBA", size, (0, 0, 0, 255))
        clear.putalpha(image)
        return clear
    return image.convert(mode)


def sides(file: bytes) -> tuple[int, int]:
    image = read(file)
    assert image.mode == "L"
    left, right = image.getpixel((2, 24)), image.getpixel((image.width - 3, 24))
    assert isinstance(left, int)
    assert isinstance(right, int)
    return left, right


@pytest.mark.parametrize(
    ("mode", "source", "invert", "drawn"),
    [
        ("L", MaskSource.ANY, False, (0, 255)),
        ("RGB", MaskSource.LIGHT, True, (255, 0)),
        ("RGBA", MaskSource.ANY, False, (255, 0)),
        ("RGBA", MaskSource.TRANSPARENT, True, (0, 255)),
        ("RGBA", MaskSource.OPAQUE, False, (0, 255)),
        ("L", MaskSource.OPAQUE, False, (0, 255)),
    ],
)
def test_a_mask_is_read_as_its_maker_meant_it(
    mode: str, source: MaskSource, invert: bool, drawn: tuple[int, int]
) -> None:
    made = perform(Mask(as_file(half(mode)), 64, 48, source, invert), LIMITS)
    assert sides(made.image) == drawn


def test_a_mask_of_the_same_shape_is_scaled() -> None:
    made = perform(Mask(as_file(half(size=(32, 24))), 64, 48), LIMITS)
    assert (made.width, made.height) == (64, 48)
    assert sides(made.image) == (0, 255)


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(BadRequest, match="64 x 48 pixels, and the image 64 x 64"):
        perform(Mask(as_file(half()), 64, 64), LIMITS)


def test_a_mask_that_leaves_nothing_to_draw_is_refused() -> None:
    with pytest.raises(BadRequest, match="nothing to be drawn"):
        perform(Mask(as_file(Image.new("L", (64, 48))), 64, 48), LIMITS)


@pytest.mark.parametrize("resize", list(Resize))
def test_an_image_comes_to_exactly_the_size(resize: Resize) -> None:
    made = perform(Fit(as_file(picture()), 100, 200, resize), LIMITS)
    image = read(made.image)
    assert image.size == (100, 200)
    # Cut: the corners are gone. With bars: the edges go on.
    assert image.getpixel((1, 1))[0] > (180 if resize is not Resize.CROP else 90)
    assert perform(Fit(as_file(picture()), 64, 48), LIMITS).width == 64


@pytest.mark.parametrize(("width", "height"), [(0, 10), (2_000, 10), (900, 900)])
def test_absurd_sizes_are_refused(width: int, height: int) -> None:
    with pytest.raises(BadRequest, match="cannot be made"):
        perform(Fit(as_file(picture()), width, height), LIMITS)


def test_a_canvas_grows_with_its_edges_and_the_mask_shows_where() -> None:
    made = perform(Grow(as_file(picture()), left=16, bottom=32, feather=8), LIMITS)
    canvas, mask = read(made.image), read(made.mask)
    assert canvas.size == mask.size == (80, 80)
    assert canvas.getpixel((0, 0)) == canvas.getpixel((16, 0))
    assert canvas.getpixel((79, 79)) == canvas.getpixel((79, 47))
    assert mask.getpixel((10, 10)) == mask.getpixel((40, 60)) == 255
    assert mask.getpixel((40, 20)) == 0
    # It fades into the image where there is new room, and nowhere else.
    assert mask.getpixel((17, 20)) > mask.getpixel((20, 20)) > mask.getpixel((26, 20)) == 0
    assert mask.getpixel((79, 20)) == mask.getpixel((40, 0)) == 0


def test_a_canvas_without_feather_has_a_hard_edge() -> None:
    mask = read(perform(Grow(as_file(picture()), right=16, feather=0), LIMITS).mask)
    assert (mask.getpixel((63, 20)), mask.getpixel((64, 20))) == (0, 255)


@pytest.mark.parametrize(
    ("grow", "said"), [({"left": -1}, "some side"), ({}, "some side"), ({"top": 2_000}, "too much")]
)
def test_a_canvas_that_cannot_be_is_refused(grow: dict[str, int], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        perform(Grow(as_file(picture()), **grow), LIMITS)
