"""What strangers send becomes plain pixels, or is refused before it is decoded."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from potluck.core.errors import BadRequest
from potluck.pixels.performing import perform
from potluck.pixels.work import Clean, Limits, Made
from tests.pixels.pictures import as_file, picture, read

LIMITS = Limits(bytes=4 * 1024 * 1024, pixels=1_000_000, side=4_000)


def clean(file: bytes) -> Made:
    return perform(Clean(file), LIMITS)


@pytest.mark.parametrize(
    ("format_", "media_type"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("GIF", "image/gif"),
        ("MPO", "image/jpeg"),
    ],
)
def test_each_format_becomes_png(format_: str, media_type: str) -> None:
    made = clean(as_file(picture(), format_))
    assert (made.width, made.height, made.was, made.media_type) == (64, 48, media_type, "image/png")
    assert not made.transparent
    red, green, blue = read(made.image).getpixel((1, 1))
    assert red > 150
    assert max(green, blue) < 110


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "RGBA", "I;16", "YCbCr"])
def test_each_kind_of_colour_becomes_rgb(mode: str) -> None:
    format_ = {"CMYK": "JPEG", "YCbCr": "JPEG"}.get(mode, "PNG")
    image = picture(mode="L" if mode.startswith("I") else "RGB").convert(mode)
    made = read(clean(as_file(image, format_)).image)
    assert made.mode == "RGB"
    assert max(abs(a - b) for a, b in zip(made.getpixel((60, 44)), (255, 255, 255), strict=True)) < 30


def test_sixteen_bits_of_grey_are_not_cut_off() -> None:
    deep = Image.new("I;16", (4, 1))
    for at, value in enumerate((0, 20_000, 40_000, 65_535)):
        deep.putpixel((at, 0), value)
    made = read(clean(as_file(deep)).image)
    assert [made.getpixel((at, 0))[0] for at in range(4)] == [0, 77, 155, 255]


def test_transparency_is_kept_where_there_is_any() -> None:
    image = picture(mode="RGBA")
    assert clean(as_file(image)).transparent is False
    image.putpixel((0, 0), (1, 2, 3, 100))
    made = clean(as_file(image))
    assert made.transparent
    assert read(made.image).getpixel((0, 0)) == (1, 2, 3, 100)


def test_a_picture_is_turned_as_its_exif_says_and_loses_it() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # its right side is at the top
    exif[0x010E] = "at home, 52.5 N 13.4 E"
    made = clean(as_file(picture(), "JPEG", exif=exif, quality=95))
    turned = read(made.image)
    assert turned.size == (48, 64)
    assert turned.getpixel((46, 1))[0] > 200  # red was at the left of the top, and is at the right
    assert dict(turned.getexif()) == {}
    assert b"at home" not in made.image


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "AVIF", "JPEG"])
def test_nothing_beside_the_pixels_is_left(format_: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "at home"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = clean(as_file(picture(), format_, exif=exif, icc_profile=profile))
    assert b"at home" not in made.image
    assert set(read(made.image).info) <= {"srgb", "gamma"}


def test_colours_of_another_profile_become_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    assert clean(as_file(picture(), "PNG", icc_profile=lab)).width == 64
    assert clean(as_file(picture(), "PNG", icc_profile=b"no profile")).width == 64


def test_the_first_picture_of_a_moving_one_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for format_ in ("GIF", "WEBP", "PNG"):
        made = clean(as_file(frames[0], format_, save_all=True, append_images=frames[1:]))
        assert read(made.image).getpixel((4, 4))[0] > 240


def png_of(width: int, height: int, pixels: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "file",
    [
        png_of(1001, 1000),
        png_of(30_000, 30_000),
        png_of(12_000, 12_000),
        png_of(1, 4_001),
        as_file(Image.new("1", (5_000, 300)), "GIF"),
    ],
)
def test_a_bomb_is_refused_before_it_is_decoded(file: bytes) -> None:
    with pytest.raises(BadRequest, match="more pixels"):
        clean(file)


@pytest.mark.parametrize("file", [b"", b"<svg/>", b"BM" + bytes(100), b"%PDF-1.7", as_file(picture(), "TIFF")])
def test_what_is_no_image_of_the_known_kinds_is_refused(file: bytes) -> None:
    with pytest.raises(BadRequest, match="PNG, JPEG, WebP, AVIF or GIF"):
        clean(file)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "AVIF", "GIF"])
def test_half_an_image_is_refused(format_: str) -> None:
    file = as_file(picture(400, 300), format_)
    with pytest.raises(BadRequest):
        clean(file[: len(file) * 6 // 10])


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=60)
@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "AVIF", "GIF"]), st.integers(0, 10_000), st.binary(min_size=1, max_size=8)
)
def test_damage_is_a_picture_or_a_refusal(format_: str, at: int, damage: bytes) -> None:
    file = as_file(picture(24, 16), format_)
    at %= len(file)
    with contextlib.suppress(BadRequest):
        assert clean(file[:at] + damage + file[at + len(damage) :]).width


def test_too_large_a_file_is_refused() -> None:
    with pytest.raises(BadRequest, match="larger than 4 MiB"):
        clean(bytes(LIMITS.bytes + 1))


def test_a_compressed_text_that_fills_the_memory_is_refused() -> None:
    bomb = zlib.compress(bytes(20 * 1024 * 1024))
    text = b"zTXt" + b"parameters\0\0" + bomb
    whole = as_file(picture())
    file = whole[:33] + struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text)) + whole[33:]
    with pytest.raises(BadRequest, match="damaged"):
        clean(file)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_an_orientation_that_nobody_can_read_turns_nothing() -> None:
    file = as_file(picture(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")
    assert clean(file).width == 64
    assert read(io.BytesIO(clean(file).image).read()).size == (64, 48)
