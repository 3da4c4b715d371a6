"""What can be done to images, as it goes to the child that does it and comes back. No pixel library is needed here."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from potluck.core.pictures.ask import ControlKind, Resize


class Format(StrEnum):
    """What images are written as."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    AVIF = "avif"

    @property
    def media_type(self) -> str:
        return f"image/{self}"


class MaskSource(StrEnum):
    """Where a mask says what is to be drawn anew.

    ``LIGHT``: where it is white. ``TRANSPARENT``: where one can look through (OpenAI's ``edits``). ``OPAQUE``: where
    one cannot (A1111, for a mask that can be looked through anywhere). ``ANY``: as `TRANSPARENT` if one can look
    through it anywhere, else as `LIGHT`.
    """

    LIGHT = "light"
    TRANSPARENT = "transparent"
    OPAQUE = "opaque"
    ANY = "any"


class Look(msgspec.Struct, frozen=True, tag="look"):
    """What an image is, and small WebP copies of it: one for each of ``sides``, as `Thumbnail` makes them."""

    image: bytes
    sides: tuple[int, ...] = ()


class Clean(msgspec.Struct, frozen=True, tag="clean"):
    """An upload as PNG: turned as its EXIF says, in sRGB of eight bits, the first frame, and nothing but pixels."""

    image: bytes


class Mask(msgspec.Struct, frozen=True, tag="mask"):
    """A grey PNG of the image's size, white where is to be drawn. A mask of other size but the same shape is scaled."""

    image: bytes
    width: int
    height: int
    source: MaskSource = MaskSource.ANY
    invert: bool = False


class Fit(msgspec.Struct, frozen=True, tag="fit"):
    """An image brought to a size, as PNG."""

    image: bytes
    width: int
    height: int
    resize: Resize = Resize.CROP


class Region(msgspec.Struct, frozen=True, tag="region"):
    """What of an image is to be drawn anew, with ``padding`` around it and in the shape of ``width`` and ``height``,
    brought to that size; and its mask, of which the edge is soft over ``blur`` pixels. ``mask`` is the image's, of its
    size. Where the region lies is `Made.box`."""

    image: bytes
    mask: bytes
    width: int
    height: int
    padding: int = 32
    blur: int = 0


class Paste(msgspec.Struct, frozen=True, tag="paste"):
    """An image with ``drawn`` put back at ``box``, where the mask is white: the other way round than `Region`."""

    image: bytes
    mask: bytes
    drawn: bytes
    box: tuple[int, int, int, int]
    blur: int = 0


class Grow(msgspec.Struct, frozen=True, tag="grow"):
    """A canvas for outpainting, and its mask: the image with more room to its sides, filled with its edges' colours.

    The mask is white in the new room, and fades over ``feather`` pixels into the image.
    """

    image: bytes
    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    feather: int = 40


class Thumbnail(msgspec.Struct, frozen=True, tag="thumbnail"):
    """A small WebP of which no side is longer than ``side``; one that is small already is not enlarged."""

    image: bytes
    side: int = 512


class Convert(msgspec.Struct, frozen=True, tag="convert"):
    """The image in another format. ``quality`` 1 to 100, which PNG has no use for. ``texts`` are kept in the file under
    PNG's keys (`wire.png`); where the format has none, in EXIF as A1111 and ComfyUI keep them. JPEG has no
    transparency: it becomes white. ``side`` is the most that a side may have: a larger image is scaled down.
    ``keep_texts``: those that the image comes with are kept, too."""

    image: bytes
    format: Format
    quality: int = 90
    texts: dict[str, str] = {}
    side: int | None = None
    keep_texts: bool = False


class Alpha(msgspec.Struct, frozen=True, tag="alpha"):
    """An image that can be looked through where ``mask`` can, which is scaled to it, as PNG (ComfyUI's
    ``/upload/mask``)."""

    image: bytes
    mask: bytes


class ControlMap(msgspec.Struct, frozen=True, tag="control"):
    """What a ControlNet is to follow, white on black, for engines without preprocessors of their own. Only kinds that
    take no model: canny and scribble. ``low`` and ``high`` are canny's thresholds, of 255."""

    image: bytes
    kind: ControlKind
    low: int = 100
    high: int = 200


Work: TypeAlias = Look | Clean | Mask | Fit | Region | Paste | Grow | Thumbnail | Convert | Alpha | ControlMap


class Made(msgspec.Struct, frozen=True, tag="made"):
    """What came of it. ``mask`` is `Grow`'s and `Region`'s, ``box`` (left, top, right, bottom) `Region`'s alone,
    ``copies`` are `Look`'s: empty bytes where the image is no larger.

    ``width`` and ``height`` are the new image's. ``media_type`` is the new one's, ``was`` the one that came in.
    ``transparent``: some pixel can be looked through. ``texts`` is how the picture that came in says it was made: any
    of ``parameters``, ``prompt`` and ``workflow``.
    """

    image: bytes
    width: int
    height: int
    media_type: str = Format.PNG.media_type
    was: str = ""
    transparent: bool = False
    texts: dict[str, str] = {}
    mask: bytes = b""
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    copies: tuple[bytes, ...] = ()


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """It cannot be done with these bytes, in words for whoever sent them."""

    message: str
    hint: str


class Limits(msgspec.Struct, frozen=True):
    """``bytes`` of a file, ``pixels`` of an image, ``side`` of its longer side.

    The largest camera pictures have 50 megapixels, and a bomb a thousand times as many.
    """

    bytes: int = 64 * 1024 * 1024
    pixels: int = 64_000_000
    side: int = 20_000
