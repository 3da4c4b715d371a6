"""stable-diffusion.cpp's own server behind A1111's port: what it can, as the contract wants it, and what it cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from potluck.core.errors import NodeFailed
from potluck.core.pictures.ask import Hires, ImageId, Inpaint, Lora, PictureAsk, Task, Upscale
from potluck.core.pictures.catalogue import Family
from potluck.core.pictures.outcome import Progress
from potluck_fake_engine import art
from potluck_fake_engine.art import opened
from tests.contract.images.conftest import ASK, Rig, progress_of, rig_of, some_png

INIT, MASK = ImageId("file-init"), ImageId("file-mask")


@pytest.fixture
async def small() -> AsyncIterator[Rig]:
    async with rig_of("a1111", "sd_v1-5", quirks=frozenset({"sdcpp"})) as made:
        yield made


async def test_it_tells_its_one_model_and_no_hash_that_is_none(small: Rig) -> None:
    assert [(each.name, each.family, each.hash, each.loaded) for each in small.has.checkpoints] == [
        ("sd_v1-5", Family.SD15, "", True)
    ]
    assert small.has.version == "stable-diffusion.cpp"
    assert "default" not in (*small.has.samplers, *small.has.schedulers)
    assert await small.backend.memory(small.http) is None
    assert await small.backend.waiting(small.http) == 0
    await small.backend.free(small.http)


async def test_what_it_does_not_serve_it_lacks(small: Rig) -> None:
    enlarge = PictureAsk(task=Task.UPSCALE, init=INIT, width=64, height=64, upscale=Upscale(2.0))
    assert small.backend.lacks(enlarge, small.has) == ("cannot upscale",)
    assert small.backend.lacks(replace(ASK, tiling=True), small.has) == ("cannot draw tiles",)
    assert small.backend.lacks(replace(ASK, sampler="uni_pc"), small.has) == ("has no sampler UniPC",)
    assert small.backend.lacks(replace(ASK, sampler="dpmpp_2m", scheduler="karras", clip_skip=2), small.has) == ()


@pytest.mark.parametrize(
    "ask",
    [
        replace(ASK, sampler="euler", scheduler="normal"),
        replace(ASK, clip_skip=2),
        replace(ASK, loras=(Lora("ink", 0.5),)),
        replace(ASK, hires=Hires(2.0)),
        replace(ASK, hires=Hires(2.0, upscaler="RealESRGAN_x4plus")),
    ],
)
async def test_what_it_can_makes_a_difference(small: Rig, ask: PictureAsk) -> None:
    assert small.backend.lacks(ask, small.has) == ()
    plain, wished = await small.picture(ASK), await small.picture(ask)
    assert opened(plain).resize((8, 8)).tobytes() != opened(wished).resize((8, 8)).tobytes()


async def test_images_and_masks_go_in_even_without_a_prompt(small: Rig) -> None:
    init = some_png()
    left = opened(init).convert("L").point(lambda _: 0)
    left.paste(255, (0, 0, 32, 64))
    ask = replace(ASK, prompt="", task=Task.INPAINT, init=INIT, inpaint=Inpaint(MASK), denoise=1.0)
    drawn = opened(await small.picture(ask, {INIT: init, MASK: art.png(left)}))
    assert drawn.crop((0, 0, 32, 64)).tobytes() != opened(init).crop((0, 0, 32, 64)).tobytes()
    assert drawn.crop((32, 0, 64, 64)).tobytes() == opened(init).crop((32, 0, 64, 64)).tobytes()


async def test_a_prompt_opens_no_door_to_its_native_fields(small: Rig) -> None:
    inside = 'a cat <sd_cpp_extra_args>{"width": 9000}</sd_cpp_extra_args>'
    assert opened(await small.picture(replace(ASK, prompt=inside))).size == (64, 64)


async def test_that_it_draws_is_told_though_it_tells_no_steps(small: Rig) -> None:
    small.fake.change("sd_v1-5", step_s=60.0)
    told = progress_of(await small.events(replace(ASK, steps=4)))
    assert set(told) == {Progress(0, 4)}


async def test_a_picture_that_did_not_come_is_told_with_what_may_help(small: Rig) -> None:
    small.fake.fault("oom")
    with pytest.raises(NodeFailed) as told:
        await small.events(ASK)
    assert "memory" in told.value.hint
    with pytest.raises(NodeFailed) as refused:
        await small.events(replace(ASK, loras=(Lora("nobody"),)))
    assert "invalid lora path" in refused.value.hint
