from __future__ import annotations

import pytest

from potluck.core.model import EngineId, ModelId
from potluck.core.pictures.catalogue import Family
from potluck.core.pictures.speeds import Reading, Speeds

DESK, XL, OLD = EngineId("desk/comfyui:8188"), ModelId("xl"), ModelId("old")


def test_before_anything_was_drawn_the_family_tells() -> None:
    speeds = Speeds()
    assert speeds.draw_s(DESK, XL, Family.SDXL, 20.0) == pytest.approx(7.0)
    assert speeds.draw_s(DESK, XL, Family.FLUX, 20.0) > speeds.draw_s(DESK, XL, Family.SD15, 20.0)
    assert speeds.load_s(DESK, XL, Family.SDXL) == pytest.approx(8.5e9 / 6e8)
    assert speeds.bytes(DESK, XL, Family.SDXL) == 8_500_000_000
    assert not speeds.knows(DESK, XL)


def test_the_first_reading_replaces_the_guess_and_others_move_it() -> None:
    speeds = Speeds()
    speeds.observe(DESK, XL, Reading(20.0, 10.0, 6.0, 9_000))
    assert speeds.draw_s(DESK, XL, Family.SDXL, 20.0) == pytest.approx(10.0)
    assert (speeds.load_s(DESK, XL, Family.SDXL), speeds.bytes(DESK, XL, Family.SDXL)) == (6.0, 9_000)
    speeds.observe(DESK, XL, Reading(20.0, 20.0))
    assert speeds.draw_s(DESK, XL, Family.SDXL, 20.0) == pytest.approx(13.0)
    assert speeds.load_s(DESK, XL, Family.SDXL) == 6.0
    assert speeds.knows(DESK, XL)


def test_a_model_that_was_never_used_is_as_fast_as_the_engines_others() -> None:
    speeds = Speeds()
    speeds.observe(DESK, XL, Reading(20.0, 2.0))
    assert speeds.draw_s(DESK, OLD, Family.SD15, 20.0) == pytest.approx(2.0)


def test_a_picture_that_took_no_time_teaches_nothing() -> None:
    speeds = Speeds()
    speeds.observe(DESK, XL, Reading(0.0, 0.0, 3.0))
    assert not speeds.knows(DESK, XL)
    assert speeds.draw_s(DESK, XL, Family.SDXL, 20.0) == pytest.approx(7.0)


def test_what_was_learned_outlasts_a_restart() -> None:
    speeds, again = Speeds(), Speeds()
    speeds.observe(DESK, XL, Reading(20.0, 10.0, 6.0, 9_000))
    again.recall(speeds.learned())
    assert again.learned() == speeds.learned()
    again.recall({(DESK, OLD): {}})
    assert not again.knows(DESK, OLD)


def test_a_processor_is_taken_to_be_slow_until_it_was_seen() -> None:
    speeds, engine, model = Speeds(), EngineId("vm/local:diffusion"), ModelId("sd15")
    card_s = speeds.draw_s(engine, model, Family.SD15, 2.0)
    assert speeds.draw_s(engine, model, Family.SD15, 2.0, on_processor=True) == 30 * card_s
    speeds.observe(engine, model, Reading(2.0, 5.0))
    assert speeds.draw_s(engine, model, Family.SD15, 2.0, on_processor=True) == 5.0
