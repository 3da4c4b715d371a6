"""From a body of ``/sdapi/v1/extra-single-image`` or ``extra-batch-images`` to how far images are to be enlarged."""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from potluck.core.errors import BadRequest
from potluck.wire.sdapi.fields import as_object, converted, read_object

MOST_IMAGES: Final = 32
"""In one batch: each is kept while the first one is enlarged."""

_NONE: Final = ("", "none")
_TO_A_SIZE: Final = 1


class Enlarging(NamedTuple):
    """``upscaler`` empty: none, the images stay as they are. ``size`` in pixels, in place of ``scale``; ``crop``:
    exactly so, else as large as holds it."""

    images: tuple[str, ...]
    upscaler: str
    scale: float
    size: tuple[int, int] | None = None
    crop: bool = True

    def sides_of(self, width: int, height: int) -> tuple[int, int]:
        """The size in pixels that an image of this size comes to.

        >>> Enlarging((), "x", 2.0, (100, 50), crop=False).sides_of(50, 50)
        (100, 100)
        """
        if self.size is not None and self.crop:
            return self.size
        scale = self.scale_of(width, height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def scale_of(self, width: int, height: int) -> float:
        """How much an image of this size is to be enlarged; less than 1 where it is to become smaller.

        >>> Enlarging((), "x", 2.0, (100, 50)).scale_of(50, 50)
        2.0
        """
        return self.scale if self.size is None else max(self.size[0] / width, self.size[1] / height)


_Side = Annotated[int, Meta(ge=1, le=16_384)]


class _Extra(msgspec.Struct, kw_only=True):
    image: str = ""
    image_list: list[Any] = msgspec.field(default=[], name="imageList")
    resize_mode: int = 0
    upscaling_resize: float = 2.0
    upscaling_resize_w: _Side = 512
    upscaling_resize_h: _Side = 512
    upscaling_crop: bool = True
    upscaler_1: str = "None"
    upscaler_2: str = "None"
    extras_upscaler_2_visibility: float = 0.0
    gfpgan_visibility: float = 0.0
    codeformer_visibility: float = 0.0


class _Listed(msgspec.Struct):
    data: str
    name: str = ""


class _Info(msgspec.Struct):
    image: str


def read_single(body: bytes) -> Enlarging:
    """Raises `BadRequest`."""
    asked = converted(read_object(body), _Extra)
    if not asked.image:
        raise BadRequest("There is no image.", param="image")
    return _enlarging(asked, (asked.image,))


def read_batch(body: bytes) -> Enlarging:
    """Raises `BadRequest`."""
    asked = converted(read_object(body), _Extra)
    images = tuple(_listed(each, at) for at, each in enumerate(asked.image_list[: MOST_IMAGES + 1]))
    if not 1 <= len(images) <= MOST_IMAGES:
        raise BadRequest(f"The list must hold 1 to {MOST_IMAGES} images.", param="imageList")
    return _enlarging(asked, images)


def read_png_info(body: bytes) -> str:
    """The image of a ``png-info``. Raises `BadRequest`."""
    return converted(read_object(body), _Info).image


def _listed(sent: object, at: int) -> str:
    return converted(as_object(sent), _Listed, f"imageList[{at}].").data


def _enlarging(asked: _Extra, images: tuple[str, ...]) -> Enlarging:
    for param, share in (
        ("gfpgan_visibility", asked.gfpgan_visibility),
        ("codeformer_visibility", asked.codeformer_visibility),
    ):
        if share > 0:
            raise BadRequest("Faces are not restored while an image is enlarged.", param=param, hint="Leave it 0.")
    if asked.extras_upscaler_2_visibility > 0 and asked.upscaler_2.lower() not in _NONE:
        raise BadRequest("One upscaler is used at a time.", param="upscaler_2", hint="Leave it None.")
    upscaler = "" if asked.upscaler_1.lower() in _NONE else asked.upscaler_1
    size = (asked.upscaling_resize_w, asked.upscaling_resize_h) if asked.resize_mode == _TO_A_SIZE else None
    return Enlarging(images, upscaler, asked.upscaling_resize, size, asked.upscaling_crop)
