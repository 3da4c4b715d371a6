"""Small pictures for tests, as files."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image


def picture(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """A colour for each corner, so that a turned or mirrored one is told from the other."""
    corners = Image.new("RGB", (2, 2))
    for at, colour in {(0, 0): (255, 0, 0), (1, 0): (0, 255, 0), (0, 1): (0, 0, 255), (1, 1): (255, 255, 255)}.items():
        corners.putpixel(at, colour)
    return corners.resize((width, height), Image.Resampling.BILINEAR).convert(mode)


def as_file(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def read(file: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(file))
    image.load()
    return image
