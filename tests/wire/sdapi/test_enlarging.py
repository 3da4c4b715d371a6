"""Bodies of A1111's extras."""

from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.core.errors import BadRequest
from potluck.wire.sdapi.enlarging import MOST_IMAGES, Enlarging, read_batch, read_png_info, read_single


def single(**fields: Any) -> Enlarging:
    return read_single(json.dumps({"image": "aQ==", **fields}).encode())


def batch(*images: Any, **fields: Any) -> Enlarging:
    return read_batch(json.dumps({"imageList": images, **fields}).encode())


def test_an_image_is_enlarged_by_a_scale_or_to_a_size() -> None:
    assert single() == Enlarging(("aQ==",), "", 2.0)
    assert single(upscaler_1="x4", upscaling_resize=4) == Enlarging(("aQ==",), "x4", 4.0)
    to_size = single(upscaler_1="x4", resize_mode=1, upscaling_resize_w=300, upscaling_resize_h=100)
    assert (to_size.scale_of(100, 100), to_size.sides_of(100, 100)) == (3.0, (300, 100))
    whole = to_size._replace(crop=False)
    assert whole.sides_of(100, 100) == (300, 300)
    assert single(upscaling_resize=0.5).sides_of(101, 1) == (50, 1)


def test_a_batch_has_its_images_in_order() -> None:
    assert batch({"data": "YQ==", "name": "a.png"}, {"data": "Yg=="}).images == ("YQ==", "Yg==")


def test_an_image_with_a_question_has_that_alone() -> None:
    assert read_png_info(b'{"image": "YQ=="}') == "YQ=="


@pytest.mark.parametrize(
    ("ask", "param"),
    [
        (lambda: single(image=""), "image"),
        (lambda: single(codeformer_visibility=0.5), "codeformer_visibility"),
        (lambda: single(upscaler_2="x2", extras_upscaler_2_visibility=0.5), "upscaler_2"),
        (lambda: single(resize_mode=1, upscaling_resize_w=0), "upscaling_resize_w"),
        (lambda: batch(), "imageList"),
        (lambda: batch(*[{"data": "a"}] * (MOST_IMAGES + 1)), "imageList"),
        (lambda: batch("a"), "imageList[0].data"),
        (lambda: read_png_info(b"{}"), "image"),
    ],
)
def test_what_is_wrong_is_named(ask: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        ask()
    assert caught.value.param == param


def test_a_second_upscaler_that_is_not_seen_means_nothing() -> None:
    assert single(upscaler_2="x2") == single(upscaler_2="None", extras_upscaler_2_visibility=1)
