from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import (
    Control,
    ControlKind,
    Hires,
    ImageId,
    Inpaint,
    Lora,
    Outpaint,
    PictureAsk,
    Task,
    Upscale,
)
from potluck.core.pictures.checking import Bounds, checked

IMAGE = ImageId("file-a")
PLAIN = PictureAsk(prompt="a cat")
IMG2IMG = PictureAsk(task=Task.IMG2IMG, init=IMAGE)
INPAINT = PictureAsk(task=Task.INPAINT, init=IMAGE, inpaint=Inpaint(IMAGE))
OUTPAINT = PictureAsk(task=Task.OUTPAINT, init=IMAGE, outpaint=Outpaint(left=128))
UPSCALE = PictureAsk(task=Task.UPSCALE, init=IMAGE, upscale=Upscale())
CONTROL = Control(ControlKind.CANNY, IMAGE)
HIRES = replace(PLAIN, width=1024, height=1024, hires=Hires())


@pytest.mark.parametrize(
    "ask", [PLAIN, IMG2IMG, INPAINT, OUTPAINT, UPSCALE, HIRES, replace(PLAIN, controls=(CONTROL,))]
)
def test_what_can_be_drawn_passes(ask: PictureAsk) -> None:
    assert checked(ask) == ask


def test_names_of_samplers_become_canonical() -> None:
    passed = checked(replace(PLAIN, sampler="DPM++ 2M Karras"))
    assert (passed.sampler, passed.scheduler) == ("dpmpp_2m", "karras")


@pytest.mark.parametrize(
    ("ask", "param"),
    [
        (replace(PLAIN, prompt=" "), "prompt"),
        (replace(PLAIN, prompt="a" * 20_001), "prompt"),
        (replace(PLAIN, negative="a\x00b"), "negative"),
        (replace(PLAIN, model="a" * 251), "model"),
        (replace(PLAIN, vae="../../etc/passwd"), "vae"),
        (replace(PLAIN, loras=(Lora("a\nb"),)), "loras"),
        (replace(PLAIN, loras=(Lora("a", float("nan")),)), "loras[0].weight"),
        (replace(PLAIN, loras=(Lora("a"),) * 17), "loras"),
        (replace(PLAIN, styles=("a",) * 17), "styles"),
        (replace(PLAIN, controls=(CONTROL,) * 5), "controls"),
        (replace(PLAIN, controls=(replace(CONTROL, image=ImageId("")),)), "controls[0].image"),
        (replace(PLAIN, controls=(replace(CONTROL, start=0.9, end=0.1),)), "controls[0].start"),
        (replace(PLAIN, steps=151), "steps"),
        (replace(PLAIN, cfg=-1.0), "cfg"),
        (replace(PLAIN, seed=2**32), "seed"),
        (replace(PLAIN, count=0), "count"),
        (replace(PLAIN, width=32, height=64), "width"),
        (replace(PLAIN, width=512, height=515), "height"),
        (replace(PLAIN, width=512), "height"),
        (replace(PLAIN, height=512), "width"),
        (replace(HIRES, hires=Hires(4.5)), "hires.scale"),
        (replace(HIRES, width=4096, height=4096), "width"),
        (replace(IMG2IMG, hires=Hires()), "hires"),
        (replace(IMG2IMG, init=ImageId("")), "init"),
        (replace(PLAIN, init=IMAGE), "init"),
        (replace(INPAINT, inpaint=None), "inpaint"),
        (replace(INPAINT, inpaint=Inpaint(IMAGE, blur=65)), "inpaint.blur"),
        (replace(OUTPAINT, outpaint=None), "outpaint"),
        (replace(OUTPAINT, outpaint=Outpaint()), "outpaint"),
        (replace(OUTPAINT, outpaint=Outpaint(top=9)), "outpaint.top"),
        (replace(OUTPAINT, outpaint=Outpaint(top=-8)), "outpaint.top"),
        (replace(OUTPAINT, outpaint=Outpaint(top=8, feather=513)), "outpaint.feather"),
        (replace(UPSCALE, upscale=None), "upscale"),
        (replace(UPSCALE, upscale=Upscale(9.0)), "upscale.scale"),
        (replace(UPSCALE, count=2), "count"),
        (replace(PLAIN, sampler="nobody"), "sampler"),
        (replace(PLAIN, scheduler="nobody"), "scheduler"),
    ],
)
def test_what_nobody_could_draw_is_refused_with_its_fields_name(ask: PictureAsk, param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        checked(ask)
    assert refused.value.param == param
    assert refused.value.hint


def test_the_owner_may_set_tighter_bounds() -> None:
    with pytest.raises(BadRequest, match="1000 x 1000"):
        checked(replace(PLAIN, width=1024, height=1024), Bounds(pixels=1_000_000))
