"""Jobs that draw: on fakes of both engines, over the real fleet, gallery and database."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image, ImageChops

from potluck.backends.images.port import Run
from potluck.core.errors import BadRequest, NodeUnreachable
from potluck.core.jobs import JobState
from potluck.core.model import ModelId
from potluck.core.pictures.ask import (
    Control,
    ControlKind,
    ImageId,
    Inpaint,
    Lora,
    Outpaint,
    PictureAsk,
    Task,
    Upscale,
)
from potluck.core.pictures.fitting import filled
from potluck.core.pictures.outcome import Progress
from potluck.jobs.image import order_id
from potluck.wire.png import read_texts
from potluck_fake_engine.art import opened
from tests.jobs.studio import House, house
from tests.pictures import image, read
from tests.surfaces.v1.world import ANNA, BERT
from tests.torn import Torn

BOTH = {"desk": ("comfyui", ["sd_v1-5"]), "agx0": ("a1111", ["sd_v1-5"])}
COMFY = {"desk": ("comfyui", ["sd_v1-5"])}
ASK = PictureAsk(prompt="a lighthouse", width=64, height=64, steps=3, seed=7)


async def kept_image(home: House, width: int = 64, height: int = 64) -> ImageId:
    taken = await home.shop.gallery.take_in(ANNA.user, image(width, height, 5))
    return ImageId(taken if isinstance(taken, str) else taken[0])


async def test_every_picture_of_a_job_is_kept_with_all_that_made_it(tmp_path: Path) -> None:
    async with house(tmp_path, COMFY) as home:
        job = await home.submit(replace(ASK, count=3), tags=("sea",))
        assert (await home.ended(job)).state is JobState.DONE
        pictures = await home.pictures(job)
        assert [each.seed for each in pictures] == [7, 8, 9]
        first = pictures[0]
        assert (first.node, first.model, first.tags, first.task) == ("desk", "sd_v1-5", ("sea",), "txt2img")
        ask = msgspec.json.decode(first.parameters, type=PictureAsk)
        assert (ask.sampler, ask.scheduler, ask.cfg) == ("dpmpp_2m", "karras", 7.0)
        content = await home.shop.gallery.content(first)
        texts = read_texts(content)
        assert "Seed: 7, Size: 64x64" in texts["parameters"]
        assert "KSampler" in texts["prompt"]
        # What is kept draws the same picture again.
        again = await home.submit(ask)
        await home.ended(again)
        other = await home.shop.gallery.content((await home.pictures(again))[0])
        assert opened(other).tobytes() == opened(content).tobytes()


async def test_steps_and_previews_are_told_of_their_job_alone(tmp_path: Path) -> None:
    async with house(tmp_path, {"desk": ("comfyui", ["sd_v1-5,step_s=10"])}) as home:
        one, other = await home.submit(ASK), await home.submit(replace(ASK, seed=9), BERT)
        await home.ended(one)
        await home.ended(other, BERT)
        for job in (one, other):
            told = [progress for id_, progress, _ in home.told if id_ == job.id]
            assert [each.step for each in told if each.what == "drawing" and each.preview] == [1, 2, 3]


async def test_where_an_engine_tells_no_steps_they_are_guessed_from_what_was_learned(tmp_path: Path) -> None:
    small = {"desk": ("a1111", ["sd_v1-5,step_s=100"])}
    async with house(tmp_path, small, quirks=frozenset({"sdcpp"})) as home:
        first = await home.ended(await home.submit(ASK))
        assert first.state is JobState.DONE
        job = await home.ended(await home.submit(replace(ASK, seed=8)))
        told = [progress for id_, progress, _ in home.told if id_ == job.id and progress.what == "drawing"]
        assert {each.steps for each in told} == {3}
        assert all(each.eta_s is not None and each.eta_s > 0 for each in told)


async def test_a_picture_goes_on_elsewhere_when_its_engine_dies(tmp_path: Path) -> None:
    engines = {name: (kind, ["sd_v1-5,step_s=5"]) for name, (kind, _) in BOTH.items()}
    async with house(tmp_path, engines, order=("desk", "agx0")) as home:
        home.fakes["desk"].fault("die", after=1, seconds=60.0)
        job = await home.submit(ASK)
        assert (await home.ended(job)).state is JobState.DONE
        assert [each.node for each in await home.pictures(job)] == ["agx0"]


async def test_a_picture_that_fits_on_another_node_is_drawn_there(tmp_path: Path) -> None:
    async with house(tmp_path, BOTH, order=("desk", "agx0")) as home:
        home.fakes["desk"].fault("oom")
        job = await home.submit(ASK)
        assert (await home.ended(job)).state is JobState.DONE
        assert [each.node for each in await home.pictures(job)] == ["agx0"]


async def test_a_picture_that_fits_nowhere_ends_with_a_remedy(tmp_path: Path) -> None:
    async with house(tmp_path, BOTH) as home:
        for fake in home.fakes.values():
            fake.fault("oom", times=None)
        job = await home.ended(await home.submit(replace(ASK, width=1024, height=1024)))
        assert job.state is JobState.FAILED
        assert job.failure is not None
        assert "memory" in job.failure.message
        assert "768 x 768" in job.failure.hint


@pytest.mark.parametrize(
    ("ask", "kind", "words"),
    [
        (replace(ASK, model="nobody"), "model_not_found", "nobody"),
        (replace(ASK, loras=(Lora("nobody"),)), "bad_request", "has no LoRA nobody"),
        (replace(ASK, node="elsewhere"), "bad_request", "is not elsewhere"),
        (replace(ASK, styles=("nobody",)), "bad_request", "no style"),
        (replace(ASK, task=Task.IMG2IMG, init=ImageId("file-nobody")), "not_found", ""),
    ],
)
async def test_what_cannot_be_drawn_ends_with_the_reason(
    tmp_path: Path, ask: PictureAsk, kind: str, words: str
) -> None:
    async with house(tmp_path, COMFY) as home:
        job = await home.ended(await home.submit(ask))
        assert job.state is JobState.FAILED
        assert job.failure is not None
        assert job.failure.kind == kind
        assert words in f"{job.failure.message} {job.failure.hint}"


async def test_what_is_made_is_counted_and_what_is_not_is_given_back(tmp_path: Path) -> None:
    async with house(tmp_path, COMFY) as home:
        await home.ended(await home.submit(ASK))
        (counted,) = home.counted
        assert (counted.images, counted.served_model, counted.user, counted.family) == (1, "sd_v1-5", "anna", "images")
        assert counted.engine is not None
        await home.ended(await home.submit(replace(ASK, model="nobody", count=3)))
        assert (home.given_back, len(home.counted)) == ([(ANNA, 3)], 1)


async def test_a_picture_in_line_knows_its_place(tmp_path: Path) -> None:
    async with house(tmp_path, {"desk": ("comfyui", ["sd_v1-5,step_s=20"])}) as home:
        job = await home.submit(replace(ASK, count=3))
        while not any(each.step for _, each, _ in home.told):
            await asyncio.sleep(0.001)
        places = [home.studio.standing(order_id(job.id, index)) for index in range(3)]
        assert sorted(each.position for each in places if each is not None) == [1, 2]
        await home.ended(job)


async def test_what_no_engine_could_ever_draw_is_not_taken(tmp_path: Path) -> None:
    async with house(tmp_path, COMFY) as home:
        with pytest.raises(BadRequest, match="scheduler"):
            await home.submit(replace(ASK, scheduler="nobody"))


async def test_without_an_image_engine_the_owner_is_told_what_to_do(tmp_path: Path) -> None:
    async with house(tmp_path, {}) as home:
        job = await home.ended(await home.submit(ASK))
        assert job.failure is not None
        assert "comfyui" in job.failure.hint


async def test_words_are_made_before_and_the_seed_decides_them(tmp_path: Path) -> None:
    async with house(tmp_path, COMFY) as home:
        wish = "a __colour__ {boat|boat} <lora:ink:0.5>"
        job = await home.submit(replace(ASK, prompt=wish, styles=("film",)))
        assert (await home.ended(job)).state is JobState.DONE
        picture = (await home.pictures(job))[0]
        assert picture.prompt == "photo of a red boat , 35mm"
        assert picture.negative == "drawing"
        ask = msgspec.json.decode(picture.parameters, type=PictureAsk)
        assert (ask.loras, ask.styles) == ((Lora("ink", 0.5),), ())


@pytest.mark.parametrize("node", ["desk", "agx0"])
async def test_images_that_go_in_are_brought_to_size(tmp_path: Path, node: str) -> None:
    async with house(tmp_path, {node: BOTH[node]}) as home:
        init, mask = await kept_image(home, 130, 70), await kept_image(home, 130, 70)
        plain = replace(ASK, width=0, height=0, init=init)
        control = Control(ControlKind.CANNY, mask)
        asks = {
            "img2img": replace(plain, task=Task.IMG2IMG, controls=(control,)),
            "inpaint": replace(plain, task=Task.INPAINT, inpaint=Inpaint(mask, invert=True)),
            "outpaint": replace(plain, task=Task.OUTPAINT, outpaint=Outpaint(left=64, bottom=32)),
            "upscale": PictureAsk(task=Task.UPSCALE, init=init, upscale=Upscale(2.0)),
        }
        sizes = {}
        for name, ask in asks.items():
            job = await home.ended(await home.submit(ask))
            assert job.state is JobState.DONE, job.failure
            picture = (await home.pictures(job))[0]
            sizes[name] = (picture.width, picture.height)
        assert sizes == {
            "img2img": (128, 72),
            "inpaint": (128, 72),
            "outpaint": (192, 104),
            "upscale": (260, 140),
        }


@pytest.mark.parametrize("node", ["desk", "agx0"])
async def test_only_what_is_masked_is_drawn_at_full_size_and_nothing_else_is_touched(tmp_path: Path, node: str) -> None:
    async with house(tmp_path, {node: BOTH[node]}) as home:
        init = await kept_image(home, 200, 120)
        mask = Image.new("L", (200, 120), 0)
        mask.paste(255, (100, 40, 140, 80))
        out = io.BytesIO()
        mask.save(out, "png")
        masked, _ = await home.shop.gallery.take_in(ANNA.user, out.getvalue())
        inpaint = Inpaint(ImageId(masked), blur=0, only_masked=True, padding=10)
        ask = replace(ASK, task=Task.INPAINT, init=init, inpaint=inpaint, denoise=1.0)
        control = Control(ControlKind.CANNY, init)
        job = await home.ended(await home.submit(replace(ask, controls=(control,))))
        assert job.state is JobState.DONE, job.failure
        (picture,) = await home.pictures(job)
        made = read(await home.shop.gallery.content(picture))
        assert made.size == (200, 120)
        before = read(await home.shop.gallery.files.whole(init, ANNA.user, 10**6))
        differs = ImageChops.difference(made.convert("RGB"), before.convert("RGB")).getbbox()
        assert differs is not None
        assert differs[0] >= 100
        assert differs[2:] <= (140, 80)
        assert "Size: 64x64" in read_texts(await home.shop.gallery.content(picture))["parameters"]


async def test_maps_that_take_no_model_are_made_for_an_engine_that_makes_none(tmp_path: Path) -> None:
    without = frozenset({"Canny", "CannyEdgePreprocessor", "DWPreprocessor", "OpenposePreprocessor"})
    async with house(tmp_path, COMFY, without=without) as home:
        init = await kept_image(home, 130, 70)
        unit = Control(ControlKind.CANNY, init)
        job = await home.ended(await home.submit(replace(ASK, controls=(unit, replace(unit, preprocess=False)))))
        assert job.state is JobState.DONE, job.failure
        assert len({each.body for each in home.fakes["desk"].requests if each.path == "/upload/image"}) == 2
        job = await home.ended(await home.submit(replace(ASK, controls=(Control(ControlKind.POSE, init),))))
        assert job.failure is not None
        assert "has no preprocessor for pose" in job.failure.hint


async def test_a_job_that_is_cancelled_stops_the_engine(tmp_path: Path) -> None:
    async with house(tmp_path, {"desk": ("comfyui", ["sd_v1-5,step_s=200"])}) as home:
        job = await home.submit(replace(ASK, steps=100, count=5))
        fake = home.fakes["desk"]
        async with asyncio.timeout(10):
            while not fake.counters.started:
                await asyncio.sleep(0.02)
        await home.jobs.cancel(job.id, ANNA)
        assert (await home.ended(job)).state is JobState.CANCELLED
        async with asyncio.timeout(10):
            while not fake.counters.cancelled:
                await asyncio.sleep(0.02)
        assert home.studio.waiting == 0


async def test_a_gateway_that_starts_anew_repeats_nothing_that_was_kept(tmp_path: Path) -> None:
    async with house(tmp_path, {"desk": ("comfyui", ["sd_v1-5,step_s=10"])}) as home:
        job = await home.submit(replace(ASK, count=6))
        async with asyncio.timeout(20):
            while not (await home.jobs.get(job.id, ANNA)).done:
                await asyncio.sleep(0.02)
        await home.runner.stop()
        before = {each.id: each.created_s for each in await home.pictures(job)}
        home.runner = home.again()
        home.runner.begin()
        assert (await home.ended_in_the_end(job)).state is JobState.DONE
        after = await home.pictures(job)
        assert len(after) == 6
        assert before.items() <= {each.id: each.created_s for each in after}.items()
        assert len({each.seed for each in after}) == 6


async def test_what_an_engine_draws_since_before_a_restart_is_fetched_there(tmp_path: Path) -> None:
    engines = {name: ("comfyui", ["sd_v1-5,step_s=10"]) for name in ("desk", "agx0")}
    async with house(tmp_path, engines, begun=False, order=("desk", "agx0")) as home:
        job = await home.submit(replace(ASK, steps=20))
        # 1. A gateway that is killed while the second engine draws.
        assert await home.shop.storage.jobs.claim("killed", ["image"], home.shop.now[0]) is not None
        place = next(each for each in home.studio.places() if each.node == "agx0")
        torn: Any = Torn(place.http)
        complete, _ = filled(replace(ASK, steps=20), place.has)
        with pytest.raises(NodeUnreachable):
            async for event in place.images.run(Run(order_id(job.id, 0), complete, place.has, {}), torn):
                if isinstance(event, Progress) and event.step > 0:
                    torn.broken.set()
        # 2. The next one would draw with the first, and finds out.
        await home.look()
        home.runner.begin()
        assert (await home.ended(job)).state is JobState.DONE
        assert [each.node for each in await home.pictures(job)] == ["agx0"]
        assert [home.fakes[name].counters.started for name in ("desk", "agx0")] == [0, 1]
        # 3. It has seen too little of it to learn from.
        assert not any(each["step_s"] and each["step_s"] < 1.0 for each in home.studio.speeds.learned().values())


async def test_two_engines_share_what_there_is_to_do(tmp_path: Path) -> None:
    async with house(tmp_path, BOTH) as home:
        # For all that is known they are so slow that a second copy of the model is worth its load.
        slow = {"step_s": 1e5, "load_s": 5.0}
        home.studio.speeds.recall({(each.engine, ModelId("sd_v1-5")): slow for each in home.studio.places()})
        job = await home.submit(replace(ASK, count=4))
        assert (await home.ended(job)).state is JobState.DONE
        pictures = await home.pictures(job)
        assert len(pictures) == 4
        assert {each.node for each in pictures} == {"desk", "agx0"}


async def test_a_hundred_jobs_outlast_dying_engines(tmp_path: Path) -> None:
    async with house(tmp_path, BOTH) as home:
        home.fakes["desk"].fault("oom", times=None, probability=0.2, seed=1)
        home.fakes["agx0"].fault("cut", times=None, probability=0.2, seed=2, path="/sdapi/v1/txt2img")
        jobs = [await home.submit(replace(ASK, seed=number, steps=1)) for number in range(20)]
        for job in jobs:
            await home.ended_in_the_end(job)
        pictures = [await home.pictures(job) for job in jobs]
        assert [len(each) for each in pictures] == [1] * 20


async def test_what_an_image_engine_holds_stands_in_its_nodes_account(tmp_path: Path) -> None:
    async with house(tmp_path, COMFY, node_memory={"desk": 8_000_000_000}) as home:
        assert (await home.ended(await home.submit(ASK))).state is JobState.DONE
        await home.look()
        engine = next(iter(home.fleet.engines.values()))
        assert [(each.resident, (each.memory_bytes or 0) >= 2_000_000_000) for each in engine.models.values()] == [
            (True, True)
        ]
        assert home.fleet.listing() == ()  # no call can ask for it
        learned = home.studio.speeds.learned()
        assert [model for _, model in learned] == ["sd_v1-5"]
