"""Control maps of pictures whose lines are known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import ControlKind
from potluck.pixels.performing import perform
from potluck.pixels.work import ControlMap, Limits
from tests.pixels.pictures import as_file, read

LIMITS = Limits()


def marked(image: Image.Image, kind: ControlKind = ControlKind.CANNY, **thresholds: int) -> np.ndarray:
    made = read(perform(ControlMap(as_file(image), kind, **thresholds), LIMITS).image)
    assert made.mode == "RGB"
    pixels = np.asarray(made)
    assert set(np.unique(pixels)) <= {0, 255}
    return pixels[:, :, 0] == 255


def square(colour: int) -> Image.Image:
    image = Image.new("L", (60, 60))
    ImageDraw.Draw(image).rectangle((20, 20, 39, 39), fill=colour)
    return image


def test_canny_finds_the_outline_and_nothing_else() -> None:
    edges = marked(square(255))
    rows, columns = np.nonzero(edges)
    for lines in (rows, columns):
        assert lines.min() in (19, 20)
        assert lines.max() in (39, 40)
    assert not edges[22:38, 22:38].any()
    assert 70 <= edges.sum() <= 90  # one pixel wide, around a square of twenty


def test_a_circle_is_a_closed_line_of_one_pixel() -> None:
    image = Image.new("L", (400, 400))
    ImageDraw.Draw(image).ellipse((100, 100, 300, 300), fill=255)
    edges = marked(image.resize((100, 100), Image.Resampling.LANCZOS))
    assert 120 < edges.sum() < 200
    quarters = [edges[:50, :50], edges[:50, 50:], edges[50:, :50], edges[50:, 50:]]
    assert max(q.sum() for q in quarters) - min(q.sum() for q in quarters) < 6


def test_weak_lines_count_only_where_they_touch_strong_ones() -> None:
    faint = square(40)
    assert marked(faint, low=100, high=1_000).sum() == 0
    touched = faint.copy()
    ImageDraw.Draw(touched).rectangle((20, 20, 24, 39), fill=255)
    assert marked(touched, low=100, high=900)[20, 26:36].any() or marked(touched, low=100, high=900)[19, 26:36].any()


def test_a_plain_picture_has_no_lines() -> None:
    plain = Image.new("RGB", (40, 30), (90, 120, 30))
    assert marked(plain).sum() == marked(plain, ControlKind.SCRIBBLE).sum() == 0


def test_a_scribble_follows_dark_strokes() -> None:
    image = Image.new("RGB", (80, 80), "white")
    ImageDraw.Draw(image).line((10, 40, 70, 40), fill="black", width=3)
    strokes = marked(image, ControlKind.SCRIBBLE)
    assert strokes[40, 15:65].all()
    assert not strokes[:30].any()


@pytest.mark.parametrize("kind", [ControlKind.DEPTH, ControlKind.POSE])
def test_what_takes_a_model_is_refused(kind: ControlKind) -> None:
    with pytest.raises(BadRequest, match="takes a model"):
        perform(ControlMap(as_file(square(255)), kind), LIMITS)
