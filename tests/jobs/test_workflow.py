"""Graphs of ComfyUI's clients as jobs: on fakes of ComfyUI, over the real fleet, gallery and database."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from potluck.backends.images.port import graphs_of
from potluck.core.jobs import JobState
from potluck.core.pictures.ask import PictureAsk
from potluck.gateway.prompt_feed import Listener
from potluck.jobs.workflow import WorkflowJob, file_id, job_id
from potluck.storage.jobs import JobRecord
from potluck.wire.comfyui.frames import Shown
from potluck.wire.comfyui.outputs import Entry, id_in
from potluck.wire.comfyui.validation import Upload
from tests.comfyui_graph import graph as exported
from tests.jobs.studio import House, house
from tests.pictures import image
from tests.surfaces.v1.world import ANNA, BERT

TWO = {"attic": ("comfyui", ["sd_v1-5"]), "desk": ("comfyui", ["sd_v1-5"])}
ONE = {"desk": ("comfyui", ["sd_v1-5"])}
SLOW = {name: (kind, ["sd_v1-5,step_s=5"]) for name, (kind, _) in TWO.items()}


def graph(steps: int = 3) -> dict[str, Any]:
    made = exported("a lighthouse", 2**40, steps)
    made["5"]["inputs"] |= {"width": 64, "height": 64}
    return made


async def submit(home: House, asked: dict[str, Any] | None = None, prompt: str = "p", **more: Any) -> JobRecord:
    job = WorkflowJob(graph=asked or graph(), prompt=prompt, number=1, outputs=("9",), **{"client": "c", **more})
    return await home.jobs.submit(job, ANNA, id=job_id(ANNA.user, prompt))


def feed(home: House) -> Any:
    pictures = home.runner._tools.pictures
    assert pictures is not None
    return pictures.feed


def heard(listener: Listener) -> list[Any]:
    return [json.loads(each) if isinstance(each, str) else each for each in listener._line]


def kinds(listener: Listener) -> list[str]:
    return [each["type"] for each in heard(listener) if isinstance(each, dict)]


def without(home: House, node: str, kind: str) -> None:
    engine = home.fakes[node].engine
    engine.change_settings(replace(engine.settings, without=(kind,)))


async def look(home: House) -> None:
    for place in home.studio.places():
        graphs = graphs_of(place.images)
        assert graphs is not None
        await graphs.info(place.http, fresh_s=0.0)


async def entry(home: House, job: JobRecord) -> Entry:
    (part,) = await home.jobs.parts(job.id, ANNA, limit=9)
    return msgspec.json.decode(part.content, type=Entry)


async def test_a_graph_is_kept_with_all_that_it_says_and_told_as_it_goes(tmp_path: Path) -> None:
    async with house(tmp_path, ONE) as home:
        with feed(home).listening(ANNA.user, "c") as mine, feed(home).listening(BERT.user, "c") as others:
            job = await home.ended(await submit(home, previews=True))
            assert job.state is JobState.DONE
        (picture,) = await home.pictures(job)
        assert (picture.prompt, picture.model, picture.node, picture.seed) == ("a lighthouse", "sd_v1-5", "desk", 2**40)
        ask = msgspec.json.decode(picture.parameters, type=PictureAsk)
        assert (ask.steps, ask.sampler, ask.negative) == (3, "euler", "blurry")
        told = await entry(home, job)
        (shown,) = told.outputs["9"]["images"]
        assert id_in(shown["filename"]) == picture.id
        assert [kind for kind, _ in told.messages] == ["execution_start", "execution_cached", "execution_success"]
        assert {each["data"]["prompt_id"] for each in heard(mine) if isinstance(each, dict)} == {"p"}
        assert kinds(mine)[-2:] == ["executed", "execution_success"]
        assert sum(isinstance(each, Shown) for each in heard(mine)) == 3
        assert heard(others) == []
        assert [each.images for each in home.counted] == [1]
        fake = home.fakes["desk"]
        assert fake.bodies("/prompt")[0]["client_id"] != "c", "a client's id is not an engine's to know"
        assert json.loads(fake.requests[-1].body or b"{}") in ({}, {"delete": [fake.bodies("/prompt")[0]["prompt_id"]]})


async def test_pictures_on_the_way_go_only_to_who_knows_them(tmp_path: Path) -> None:
    async with house(tmp_path, ONE) as home:
        with feed(home).listening(ANNA.user, "c") as plain:
            await home.ended(await submit(home))
        assert not any(isinstance(each, Shown) for each in heard(plain))
        with feed(home).listening(ANNA.user, "d") as knows, feed(home).listening(ANNA.user, "c") as plain:
            knows.metadata = True
            await home.ended(await submit(home, graph(4), "q", client=""))
        assert "progress" in kinds(knows)
        assert "progress" in kinds(plain)
        assert "executing" not in kinds(plain), "whose prompt has no client hears no more of it at ComfyUI either"
        assert any(isinstance(each, Shown) for each in heard(knows))
        assert not any(isinstance(each, Shown) for each in heard(plain))


async def test_an_engine_that_dies_is_followed_by_the_next_and_the_client_hears_of_one_beginning(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, SLOW, order=("desk", "attic")) as home:
        home.fakes["desk"].fault("die", after=1, seconds=60.0)
        with feed(home).listening(ANNA.user, "c") as mine:
            job = await home.ended(await submit(home))
        assert job.state is JobState.DONE
        assert [each.node for each in await home.pictures(job)] == ["attic"]
        assert [kinds(mine).count(kind) for kind in ("execution_start", "executed", "execution_success")] == [1, 1, 1]


async def test_memory_that_does_nowhere_ends_the_prompt_with_a_remedy_and_nothing_is_counted(tmp_path: Path) -> None:
    async with house(tmp_path, TWO) as home:
        for fake in home.fakes.values():
            fake.fault("oom", times=None)
        with feed(home).listening(ANNA.user, "c") as mine:
            job = await home.ended(await submit(home, count=2))
        assert job.state is JobState.FAILED
        assert job.failure is not None
        assert "memory" in job.failure.message
        (failed,) = [
            each["data"] for each in heard(mine) if isinstance(each, dict) and each["type"] == "execution_error"
        ]
        assert "memory" in failed["exception_message"]
        assert failed["traceback"] == []
        assert (await entry(home, job)).failed
        assert (home.given_back, home.counted) == ([(ANNA, 2)], [])


async def test_an_image_that_is_gone_ends_the_prompt(tmp_path: Path) -> None:
    async with house(tmp_path, TWO) as home:
        broken = graph()
        broken["10"] = {"class_type": "LoadImage", "inputs": {"image": "gone.png"}}
        broken["9"]["inputs"]["images"] = ["10", 0]
        gone = Upload("10", "image", "gone.png")
        job = await home.ended(await submit(home, broken, uploads=(gone,), files={"gone.png": file_id("gone")}))
        assert job.state is JobState.FAILED
        assert job.failure is not None
        assert job.failure.kind == "not_found"


async def test_uploads_are_brought_to_the_engine_under_names_of_ours(tmp_path: Path) -> None:
    async with house(tmp_path, ONE) as home:
        kept, _ = await home.shop.gallery.take_in(ANNA.user, image(64, 64, 5))
        over = graph()
        over["10"] = {"class_type": "LoadImage", "inputs": {"image": "mine.png"}}
        over["5"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}}
        uploads = (Upload("10", "image", "mine.png"),)
        job = await home.ended(await submit(home, over, uploads=uploads, files={"mine.png": kept}))
        assert job.state is JobState.DONE, job.failure
        (sent,) = home.fakes["desk"].bodies("/prompt")
        assert sent["prompt"]["10"]["inputs"]["image"].endswith(" [temp]")


async def test_what_is_shown_in_passing_is_no_picture_of_the_gallery(tmp_path: Path) -> None:
    async with house(tmp_path, ONE) as home:
        passing = graph()
        passing["9"] = {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}
        job = await home.ended(await submit(home, passing))
        assert list(await home.pictures(job)) == []
        (shown,) = (await entry(home, job)).outputs["9"]["images"]
        assert shown["type"] == "temp"
        file = await home.shop.files.get(file_id(id_in(shown["filename"])), ANNA.user)
        assert file.expires_s is not None


async def test_a_gateway_that_starts_anew_goes_on_with_what_the_engine_does(tmp_path: Path) -> None:
    async with house(tmp_path, {"desk": ("comfyui", ["sd_v1-5,step_s=20"])}) as home:
        job = await submit(home, graph(8))
        async with asyncio.timeout(20):
            while not home.fakes["desk"].counters.started:
                await asyncio.sleep(0.02)
        await home.runner.stop()
        home.runner = home.again()
        home.runner.begin()
        assert (await home.ended(job)).state is JobState.DONE
        assert len(await home.pictures(job)) == 1


async def test_a_graph_goes_where_its_nodes_are(tmp_path: Path) -> None:
    async with house(tmp_path, TWO, order=("desk", "attic")) as home:
        without(home, "desk", "VAEDecode")
        await look(home)
        job = await home.ended(await submit(home))
        assert [each.node for each in await home.pictures(job)] == ["attic"]
        without(home, "attic", "VAEDecode")
        await look(home)
        job = await home.ended(await submit(home, prompt="q"))
        assert job.failure is not None
        assert "lacks the node VAEDecode" in job.failure.hint
