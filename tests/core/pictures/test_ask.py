from __future__ import annotations

import msgspec

from potluck.core.pictures.ask import (
    LAST_SEED,
    Control,
    ControlKind,
    Hires,
    ImageId,
    Inpaint,
    Lora,
    PictureAsk,
    Task,
    Upscale,
    each,
)
from potluck.core.pictures.outcome import Progress, guessed, megapixel_steps


def test_an_ask_survives_its_journey_as_json() -> None:
    ask = PictureAsk(
        task=Task.INPAINT,
        prompt="a hat",
        loras=(Lora("pixel", 0.5),),
        controls=(Control(ControlKind.POSE, ImageId("file-a")),),
        inpaint=Inpaint(ImageId("file-m")),
    )
    assert msgspec.json.decode(msgspec.json.encode(ask), type=PictureAsk) == ask


def test_all_images_that_go_in_are_named_once() -> None:
    control = Control(ControlKind.DEPTH, ImageId("file-a"))
    ask = PictureAsk(init=ImageId("file-a"), inpaint=Inpaint(ImageId("file-m")), controls=(control, control))
    assert ask.images == ("file-a", "file-m")
    assert PictureAsk().images == ()


def test_every_picture_has_a_seed_of_its_own_that_goes_round_at_the_last() -> None:
    assert [one.seed for one in each(PictureAsk(seed=LAST_SEED, count=3))] == [LAST_SEED, 0, 1]
    assert all(one.count == 1 for one in each(PictureAsk(seed=1, count=2)))


def test_a_seed_is_drawn_only_where_none_was_given() -> None:
    assert PictureAsk(seed=7).seeded(99).seed == 7
    assert PictureAsk().seeded(LAST_SEED + 6).seed == 5


def test_upscaling_draws_nothing() -> None:
    assert not PictureAsk(task=Task.UPSCALE).generates
    assert PictureAsk().generates


def test_work_is_counted_in_megapixels_and_steps() -> None:
    ask = PictureAsk(width=1000, height=1000, steps=20)
    assert megapixel_steps(ask) == 20
    assert megapixel_steps(PictureAsk(width=1000, height=1000, steps=20, init=ImageId("a"), denoise=0.5)) == 10
    hires = PictureAsk(width=1000, height=1000, steps=20, hires=Hires(2.0, 0.5))
    assert megapixel_steps(hires) == 20 + 4 * 20 * 0.5
    assert megapixel_steps(PictureAsk(width=1000, height=1000, upscale=Upscale(4.0))) == 16
    assert megapixel_steps(PictureAsk(upscale=Upscale(2.0))) == 4


def test_where_an_engine_tells_no_steps_time_does() -> None:
    told = Progress(0, 20)
    assert (guessed(told, 0.0, 0.0).step, guessed(told, 5.0, 10.0).step) == (0, 10)
    late = guessed(told, 50.0, 10.0)
    assert (late.step, late.eta_s) == (18, 5.0)


def test_progress_is_a_share_of_one_picture() -> None:
    assert Progress(5, 20).share == 0.25
    assert Progress(25, 20).share == 1
    assert Progress(3, 0).share == 0
