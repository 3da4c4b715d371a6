"""Images as files of each format, with what made them in it."""

from __future__ import annotations

import pytest
from PIL import Image

from potluck.core.errors import BadRequest
from potluck.pixels.performing import perform
from potluck.pixels.work import Clean, Convert, Format, Limits, Look, Thumbnail
from potluck.wire.png import read_texts
from tests.pixels.pictures import as_file, picture, read

LIMITS = Limits()
TEXTS = {
    "parameters": "für a cat\nNegative prompt: “dogs”\nSteps: 20, Sampler: Euler a, Size: 64x48",
    "prompt": '{"1": {"class_type": "KSampler"}}',
    "workflow": '{"nodes": []}',
}


@pytest.mark.parametrize("format_", list(Format))
def test_a_picture_comes_back_in_each_format_and_tells_how_it_was_made(format_: Format) -> None:
    made = perform(Convert(as_file(picture()), format_, 90, TEXTS), LIMITS)
    assert made.media_type == f"image/{format_}"
    again = perform(Clean(made.image), LIMITS)
    assert again.was == made.media_type
    assert again.texts == TEXTS
    assert (again.width, again.height) == (64, 48)


@pytest.mark.parametrize("format_", ["JPEG", "WEBP"])
def test_what_a1111_keeps_in_exif_is_read_in_either_order_of_bytes(format_: str) -> None:
    for encoded in (
        b"UNICODE\0" + "a cat".encode("utf-16-le"),
        b"UNICODE\0" + "a cat".encode("utf-16-be"),
        b"ASCII\0\0\0a cat",
    ):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9286] = encoded
        assert perform(Clean(as_file(picture(), format_, exif=exif)), LIMITS).texts == {"parameters": "a cat"}


def test_a_workflow_that_a_jpeg_cannot_hold_is_left_out_before_the_rest() -> None:
    long = TEXTS | {"workflow": "x" * 70_000}
    made = perform(Convert(as_file(picture()), Format.JPEG, 90, long), LIMITS)
    assert perform(Clean(made.image), LIMITS).texts == {key: TEXTS[key] for key in ("parameters", "prompt")}
    made = perform(Convert(as_file(picture()), Format.JPEG, 90, {"parameters": "x" * 70_000}), LIMITS)
    assert perform(Clean(made.image), LIMITS).texts == {}


def test_only_how_it_was_made_is_told_of_a_pngs_texts() -> None:
    from potluck.wire.png import with_texts

    file = with_texts(as_file(picture()), {"parameters": "a cat", "Author": "me"})
    made = perform(Clean(file), LIMITS)
    assert made.texts == {"parameters": "a cat"}
    assert read_texts(made.image) == {}


def test_transparency_becomes_white_where_a_format_has_none() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    made = perform(Convert(as_file(clear), Format.JPEG), LIMITS)
    assert min(read(made.image).getpixel((4, 4))) > 250
    assert read(perform(Convert(as_file(clear), Format.WEBP), LIMITS).image).mode == "RGBA"


def test_quality_decides_the_size() -> None:
    file = as_file(Image.effect_noise((64, 64), 80).convert("RGB"))
    sizes = [len(perform(Convert(file, Format.WEBP, quality), LIMITS).image) for quality in (10, 60, 95)]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize(("size", "small"), [((1000, 500), (256, 128)), ((100, 1000), (26, 256)), ((64, 48), (64, 48))])
def test_a_thumbnail_fits_and_is_never_enlarged(size: tuple[int, int], small: tuple[int, int]) -> None:
    made = perform(Thumbnail(as_file(picture(*size)), 256), LIMITS)
    assert made.media_type == "image/webp"
    assert (made.width, made.height) == small
    assert read(made.image).size == small


@pytest.mark.parametrize(
    "work",
    [
        Convert(as_file(picture()), Format.WEBP, 0),
        Convert(as_file(picture()), Format.JPEG, 101),
        Thumbnail(as_file(picture()), 5),
    ],
)
def test_numbers_out_of_range_are_refused(work: Convert | Thumbnail) -> None:
    with pytest.raises(BadRequest, match="must be from"):
        perform(work, LIMITS)


def test_a_look_tells_what_an_image_is_and_copies_what_is_large() -> None:
    made = perform(Look(as_file(picture(300, 120), "JPEG"), (64, 300, 512)), LIMITS)
    assert (made.width, made.height, made.was, made.image) == (300, 120, "image/jpeg", b"")
    small, same, larger = made.copies
    assert read(small).size == (64, 26)
    assert (same, larger) == (b"", b"")


def test_a_converted_image_is_scaled_down_and_never_up() -> None:
    for side, size in ((50, (50, 38)), (64, (64, 48)), (500, (64, 48))):
        made = perform(Convert(as_file(picture()), Format.AVIF, side=side), LIMITS)
        assert read(made.image).size == (made.width, made.height) == size


def test_what_an_image_comes_with_is_kept_where_that_is_asked_for() -> None:
    whole = perform(Convert(as_file(picture()), Format.PNG, 90, TEXTS), LIMITS).image
    kept = perform(Convert(whole, Format.WEBP, texts={"workflow": "{}"}, keep_texts=True), LIMITS).image
    assert perform(Clean(kept), LIMITS).texts == {**TEXTS, "workflow": "{}"}
    assert perform(Clean(perform(Convert(whole, Format.WEBP), LIMITS).image), LIMITS).texts == {}
