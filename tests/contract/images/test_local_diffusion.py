"""stable-diffusion.cpp itself, with weights drawn by lot, behind the one port: the contract, and what is its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from potluck.backends.images.port import ImageHttp
from potluck.backends.local.diffusion import LocalDiffusion
from potluck.backends.local.diffusion_files import Shelves
from potluck.backends.local.library import diffusion_installed
from potluck.core.errors import NodeFailed, OutOfMemory
from potluck.core.model import EngineKind
from potluck.core.pictures.ask import Hires, ImageId, Lora, Task
from potluck.core.pictures.catalogue import Family
from potluck.core.pictures.outcome import Drawn, Progress
from potluck_fake_engine.art import opened
from potluck_fake_engine.testing import FakeEngine
from tests.backends.local.tiny_diffusion import write_autoencoder, write_checkpoint, write_lora
from tests.contract.images.conftest import ASK, Rig, progress_of, some_png
from tests.contract.images.test_drawing import (
    test_a_picture_has_its_size_and_its_seed_draws_it_again as test_a_picture_has_its_size_and_its_seed_draws_it_again,
)
from tests.contract.images.test_drawing import (
    test_inpainting_leaves_what_is_not_masked as test_inpainting_leaves_what_is_not_masked,
)

pytestmark = [
    pytest.mark.model,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not diffusion_installed(), reason="stable-diffusion.cpp is not installed on this machine"),
]

NO_HTTP = cast("ImageHttp", None)
INIT = ImageId("file-init")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    own = tmp_path_factory.mktemp("diffusion")
    write_checkpoint(own / "sd_v1-5.safetensors")
    write_autoencoder(own / "vae_approx" / "taef1.safetensors")
    write_lora(own / "loras" / "ink.safetensors")
    (own / "checkpoints").mkdir()
    (own / "checkpoints" / "cut-short.safetensors").write_bytes((own / "sd_v1-5.safetensors").read_bytes()[:200_000])
    return own


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(folder: Path, clock: Clock) -> AsyncIterator[Rig]:
    """A child that has its model once."""
    backend = LocalDiffusion(
        Shelves(folder), threads=1, clock=clock, idle_s=60.0, available=lambda: 8 * 10**9, total_bytes=16 * 10**9
    )
    yield Rig(cast("FakeEngine", None), backend, NO_HTTP, await backend.catalogue(NO_HTTP))
    await backend.aclose()


@pytest.fixture
def rig(home: Rig) -> Rig:
    return home


async def test_what_lies_in_the_folder_is_told_with_its_family(rig: Rig) -> None:
    await rig.look()
    assert rig.has.kind is EngineKind.LOCAL
    assert {each.name: each.family for each in rig.has.checkpoints} == {
        "sd_v1-5": Family.FLUX,  # the file's tensors know it better than its name
        "cut-short": Family.FLUX,
    }
    assert rig.has.lora("ink")
    assert rig.backend.lacks(replace(ASK, sampler="uni_pc"), rig.has) == ("has no sampler UniPC",)


async def test_steps_and_previews_are_told_in_order(rig: Rig) -> None:
    told = [each for each in progress_of(await rig.events(replace(ASK, steps=3))) if each.what == "drawing"]
    assert [(each.step, each.steps) for each in told] == [(1, 3), (2, 3), (3, 3)]
    assert any(each.preview.startswith(b"\xff\xd8") for each in told)


async def test_every_wish_makes_a_difference(rig: Rig) -> None:
    asks = [
        ASK,
        replace(ASK, prompt="a cat"),
        replace(ASK, loras=(Lora("ink", 1.0),)),
        replace(ASK, sampler="euler_ancestral"),
    ]
    assert [rig.backend.lacks(ask, rig.has) for ask in asks] == [()] * len(asks)
    assert len({opened(await rig.picture(ask)).tobytes() for ask in asks}) == len(asks)


async def test_odd_sizes_and_second_passes_have_the_size_that_was_asked_for(rig: Rig) -> None:
    init = some_png(72, 40)
    ask = replace(ASK, task=Task.IMG2IMG, init=INIT, width=72, height=40, denoise=0.5)
    assert opened(await rig.picture(ask, {INIT: init})).size == (72, 40)
    assert opened(await rig.picture(replace(ASK, hires=Hires(1.5, steps=2)))).size == (96, 96)


async def test_a_model_that_fits_no_more_is_refused_before_it_is_loaded(rig: Rig, folder: Path) -> None:
    poor = LocalDiffusion(Shelves(folder), threads=1, clock=Clock(), available=lambda: 10**8)
    has = await poor.catalogue(NO_HTTP)
    with pytest.raises(OutOfMemory, match="too little memory") as told:
        await Rig(rig.fake, poor, NO_HTTP, has).events(ASK)
    assert "GB" in told.value.detail


async def test_who_stops_listening_stops_the_child_at_once(rig: Rig) -> None:
    async with aclosing(rig.backend.run(rig.run_of(replace(ASK, steps=2_000)), NO_HTTP)) as events:
        async for event in events:
            if isinstance(event, Progress) and event.step > 0:
                assert not await rig.backend.cancel("nobody", NO_HTTP)
                break
    memory = await rig.backend.memory(NO_HTTP)
    assert memory is not None
    assert (await rig.backend.waiting(NO_HTTP), memory.held) == (0, 0)


async def test_a_broken_file_is_told_in_words_and_costs_no_other_picture(rig: Rig, clock: Clock) -> None:
    with pytest.raises(NodeFailed) as told:
        await rig.events(replace(ASK, model="cut-short"))
    assert "loaded" in told.value.message
    assert isinstance((await rig.events(replace(ASK, tiling=True)))[-1], Drawn)
    # Somebody who is at it is stopped by name; an idle child gives its memory back.
    drawing = asyncio.ensure_future(rig.events(replace(ASK, steps=2_000, tiling=True), id="mine"))
    async with asyncio.timeout(30):
        while not await rig.backend.cancel("mine", NO_HTTP):
            await asyncio.sleep(0.02)
        with pytest.raises(NodeFailed, match="stopped"):
            await drawing
