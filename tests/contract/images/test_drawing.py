"""What every image backend draws, and how the same ask is the same picture."""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core.pictures.ask import (
    Control,
    ControlKind,
    Hires,
    ImageId,
    Inpaint,
    Lora,
    Masked,
    PictureAsk,
    Task,
    Upscale,
)
from potluck.core.pictures.catalogue import Family
from potluck_fake_engine import art
from potluck_fake_engine.art import opened
from tests.contract.images.conftest import ASK, Rig, progress_of, rig_of, some_png

INIT, MASK = ImageId("file-init"), ImageId("file-mask")


async def test_an_engine_tells_what_it_has(rig: Rig) -> None:
    assert {each.name: each.family for each in rig.has.checkpoints} == {
        "sd_v1-5": Family.SD15,
        "sd_xl_base_1.0": Family.SDXL,
    }
    assert rig.has.lora("ink")
    assert rig.has.vae("vae-ft-mse-840000-ema-pruned")
    assert [each.name for each in rig.has.embeddings] == ["easynegative"]
    best = rig.has.upscaler("")
    assert best is not None
    assert best.name == "RealESRGAN_x4plus"
    assert set(rig.has.preprocessors) == set(ControlKind)
    assert rig.has.memory is not None
    assert rig.has.memory.total == 24 * 2**30
    assert await rig.backend.waiting(rig.http) == 0


async def test_a_picture_has_its_size_and_its_seed_draws_it_again(rig: Rig) -> None:
    one = await rig.picture(ASK)
    assert (opened(one).size, opened(one).format) == ((64, 64), "PNG")
    assert opened(one).tobytes() == opened(await rig.picture(ASK, id="again")).tobytes()
    other = await rig.picture(replace(ASK, seed=8), id="other")
    assert opened(one).tobytes() != opened(other).tobytes()


async def test_steps_are_told_in_order(rig: Rig) -> None:
    rig.fake.change("sd_v1-5", step_s=40.0)
    events = await rig.events(replace(ASK, steps=8))
    steps = [event.step for event in progress_of(events) if event.what == "drawing"]
    assert steps == sorted(steps)
    assert {event.steps for event in progress_of(events)} == {8}


@pytest.mark.parametrize(
    "ask",
    [
        replace(ASK, model="sd_xl_base_1.0"),
        replace(ASK, sampler="euler_ancestral", scheduler="karras", clip_skip=2),
        replace(ASK, loras=(Lora("ink", 0.5), Lora("pixel-art"))),
        replace(ASK, vae="vae-ft-mse-840000-ema-pruned"),
        replace(ASK, hires=Hires(2.0)),
        replace(ASK, hires=Hires(1.5, upscaler="RealESRGAN_x4plus")),
    ],
)
async def test_every_wish_of_text_to_image_is_drawn_and_makes_a_difference(rig: Rig, ask: PictureAsk) -> None:
    assert rig.backend.lacks(ask, rig.has) == ()
    plain, wished = await rig.picture(ASK), await rig.picture(ask, id="other")
    scale = ask.hires.scale if ask.hires else 1.0
    assert opened(wished).size == (64 * scale, 64 * scale)
    assert opened(plain).resize((8, 8)).tobytes() != opened(wished).resize((8, 8)).tobytes()


async def test_image_to_image_goes_as_far_from_its_beginning_as_it_is_told(rig: Rig) -> None:
    init = some_png()
    ask = replace(ASK, task=Task.IMG2IMG, init=INIT, denoise=0.0)
    assert opened(await rig.picture(ask, {INIT: init})).tobytes() == opened(init).tobytes()
    changed = await rig.picture(replace(ask, denoise=0.9), {INIT: init}, "other")
    assert opened(changed).tobytes() != opened(init).tobytes()


@pytest.mark.parametrize("content", [Masked.ORIGINAL, Masked.NOISE])
async def test_inpainting_leaves_what_is_not_masked(rig: Rig, content: Masked) -> None:
    init = some_png()
    left = opened(init).convert("L").point(lambda _: 0)
    left.paste(255, (0, 0, 32, 64))
    masked = Inpaint(MASK, blur=0, content=content)
    mask = art.png(left)
    ask = replace(ASK, task=Task.INPAINT, init=INIT, inpaint=masked, denoise=1.0)
    assert rig.backend.lacks(ask, rig.has) == ()
    drawn = opened(await rig.picture(ask, {INIT: init, MASK: mask}))
    before = opened(init)
    assert drawn.crop((32, 0, 64, 64)).tobytes() == before.crop((32, 0, 64, 64)).tobytes()
    assert drawn.crop((0, 0, 32, 64)).tobytes() != before.crop((0, 0, 32, 64)).tobytes()


async def test_an_image_is_upscaled_to_the_scale_that_was_asked_for(rig: Rig) -> None:
    ask = PictureAsk(task=Task.UPSCALE, init=INIT, width=64, height=48, upscale=Upscale(2.0))
    assert rig.backend.lacks(ask, rig.has) == ()
    assert opened(await rig.picture(ask, {INIT: some_png(64, 48)})).size == (128, 96)


@pytest.mark.parametrize("kind_of_map", list(ControlKind))
async def test_a_control_image_makes_a_difference(rig: Rig, kind_of_map: ControlKind) -> None:
    unit = Control(kind_of_map, INIT, weight=0.8)
    ask = replace(ASK, controls=(unit,))
    assert rig.backend.lacks(ask, rig.has) == ()
    one = await rig.picture(ask, {INIT: some_png()})
    other = await rig.picture(ask, {INIT: some_png(what="another")}, "other")
    ready = await rig.picture(replace(ask, controls=(replace(unit, preprocess=False),)), {INIT: some_png()}, "third")
    assert len({opened(each).tobytes() for each in (one, other, ready)}) == 3


async def test_what_an_engine_lacks_it_says(rig: Rig) -> None:
    wrong = replace(ASK, model="nobody", loras=(Lora("nobody"),), sampler="tcd")
    assert rig.backend.lacks(wrong, rig.has) == ("has no model nobody", "has no LoRA nobody", "has no sampler TCD")


@pytest.mark.parametrize("model", ["sd3_medium_incl_clips", "sd3.5_large", "flux1-dev-fp8"])
async def test_newer_families_are_drawn_too(kind: str, model: str) -> None:
    async with rig_of(kind, model) as rig:
        ask = replace(ASK, model=model)
        assert rig.backend.lacks(ask, rig.has) == ()
        assert opened(await rig.picture(ask)).size == (64, 64)
