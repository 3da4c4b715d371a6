"""A1111's fake against API-CONTRACTS.md 6, over an ordinary client and over webuiapi."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from PIL import Image

from potluck_fake_engine import art
from potluck_fake_engine.testing import FakeEngine, running

BODY: dict[str, Any] = {"prompt": "a cat", "steps": 4, "width": 64, "height": 64, "seed": 7, "sampler_name": "Euler a"}


@asynccontextmanager
async def webui(*models: str, **settings: Any) -> AsyncIterator[tuple[FakeEngine, aiohttp.ClientSession]]:
    async with (
        running(*(models or ("sd_v1-5", "sd_xl")), dialect="a1111", **settings) as fake,
        aiohttp.ClientSession(fake.url) as http,
    ):
        yield fake, http


async def post(http: aiohttp.ClientSession, path: str, body: Any) -> tuple[int, Any]:
    async with http.post(path, json=body) as reply:
        return reply.status, await reply.json()


async def get(http: aiohttp.ClientSession, path: str) -> Any:
    async with http.get(path) as reply:
        return await reply.json()


async def test_a_picture_comes_with_its_infotext_and_its_info_as_a_string() -> None:
    async with webui() as (_, http):
        status, answer = await post(http, "/sdapi/v1/txt2img", {**BODY, "batch_size": 2, "n_iter": 2})
        assert status == 200
        assert len(answer["images"]) == 4
        info = json.loads(answer["info"])
        assert info["all_seeds"] == [7, 8, 9, 10]
        image = Image.open(io.BytesIO(base64.b64decode(answer["images"][1])))
        assert image.size == (64, 64)
        assert "Seed: 8" in image.info["parameters"]
        assert image.info["parameters"] == info["infotexts"][1]


async def test_progress_is_idle_and_then_our_tasks() -> None:
    async with webui("sd_v1-5,step_s=30") as (_, http):
        assert (await get(http, "/sdapi/v1/progress"))["state"]["job_count"] == 0
        drawing = asyncio.ensure_future(post(http, "/sdapi/v1/txt2img", {**BODY, "force_task_id": "mine"}))
        told: dict[str, Any] = {"progress": 0}
        async with asyncio.timeout(5):
            while not told["progress"] or not told["current_image"]:
                told = await get(http, "/sdapi/v1/progress")
        assert told["current_task"] == "mine"
        assert 0 < told["progress"] <= 1
        assert (await get(http, "/sdapi/v1/progress?skip_current_image=true"))["current_image"] is None
        _, active = await post(http, "/internal/progress", {"id_task": "mine"})
        assert active["active"]
        await post(http, "/sdapi/v1/interrupt", {})
        status, answer = await drawing
        assert (status, len(answer["images"])) == (200, 1)
        _, ended = await post(http, "/internal/progress", {"id_task": "mine"})
        assert ended["completed"]


async def test_a_client_that_leaves_stops_nothing() -> None:
    async with webui("sd_v1-5,step_s=10") as (fake, http):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await post(http, "/sdapi/v1/txt2img", {**BODY, "width": 256, "height": 256})
        async with asyncio.timeout(10):
            while not fake.counters.finished:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("txt2img", {"sampler_name": "nobody"}, 404, "Sampler not found"),
        ("txt2img", {"steps": "many"}, 422, "int"),
        ("txt2img", {"script_name": "nobody"}, 422, "Script"),
        ("img2img", {}, 404, "Init image not found"),
        ("img2img", {"init_images": ["bm9uZQ=="]}, 500, "Invalid encoded image"),
        ("extra-single-image", {"image": "", "upscaler_1": "nobody"}, 404, "Upscaler not found"),
        ("txt2img", {"override_settings": {"sd_model_checkpoint": "nobody"}}, 500, "Unknown checkpoint"),
    ],
)
async def test_wrong_asks_are_refused_as_the_real_one_does(path: str, body: Any, status: int, words: str) -> None:
    async with webui() as (_, http):
        got, answer = await post(http, f"/sdapi/v1/{path}", {**BODY, **body})
        assert got == status
        assert words in str(answer)


async def test_memory_that_does_not_do_is_told() -> None:
    async with webui("sd_v1-5,size=4GB", memory=2 * 10**9) as (_, http):
        status, answer = await post(http, "/sdapi/v1/txt2img", BODY)
        assert (status, answer["error"]) == (500, "OutOfMemoryError")


async def test_overridden_settings_stay_if_they_are_not_given_back() -> None:
    async with webui() as (fake, http):
        settings = {"sd_model_checkpoint": "sd_xl", "CLIP_stop_at_last_layers": 2}
        await post(http, "/sdapi/v1/txt2img", {**BODY, "override_settings": settings})
        assert (await get(http, "/sdapi/v1/options"))["CLIP_stop_at_last_layers"] == 1
        keep = {"override_settings": settings, "override_settings_restore_afterwards": False}
        await post(http, "/sdapi/v1/txt2img", {**BODY, **keep})
        options = await get(http, "/sdapi/v1/options")
        assert options["CLIP_stop_at_last_layers"] == 2
        assert options["sd_model_checkpoint"].startswith("sd_xl.safetensors [")
        assert (await get(http, "/sdapi/v1/memory"))["cuda"]["system"]["used"] > 0
        await post(http, "/sdapi/v1/unload-checkpoint", {})
        assert not fake.engine.loaded("sd_xl")


async def test_the_smaller_server_has_less() -> None:
    async with webui(quirks=frozenset({"sdcpp"})) as (_, http):
        async with http.get("/sdapi/v1/progress") as reply:
            assert reply.status == 404
        assert (await post(http, "/sdapi/v1/txt2img", BODY))[0] == 200


async def test_a_password_is_wanted_as_basic_auth() -> None:
    async with webui(api_key="me:secret") as (fake, http):
        assert (await post(http, "/sdapi/v1/txt2img", BODY))[0] == 401
        basic = {"Authorization": f"Basic {base64.b64encode(b'me:secret').decode()}"}
        async with aiohttp.ClientSession(fake.url, headers=basic) as known:
            assert (await post(known, "/sdapi/v1/txt2img", BODY))[0] == 200


async def test_webuiapi_draws_and_upscales_unmodified() -> None:
    webuiapi = pytest.importorskip("webuiapi")
    async with webui() as (fake, _):

        def draw() -> Any:
            api = webuiapi.WebUIApi(host=fake.host, port=fake.port)
            result = api.txt2img(prompt="a cat", seed=7, steps=2, width=64, height=64, sampler_name="Euler")
            again = api.img2img(images=[result.image], prompt="a dog", steps=2, width=64, height=64)
            large = api.extra_single_image(image=again.image, upscaler_1="Lanczos", upscaling_resize=2)
            return result.info["seed"], large.image.size, api.get_samplers()[0]["name"], api.util_get_current_model()

        seed, size, sampler, model = await asyncio.to_thread(draw)
        assert (seed, size, sampler) == (7, (128, 128), "DPM++ 2M")
        assert model.startswith("sd_v1-5")


def test_a_drawing_depends_on_what_was_asked() -> None:
    assert art.draw("a", 16, 16).tobytes() == art.draw("a", 16, 16).tobytes()
    assert art.draw("a", 16, 16).tobytes() != art.draw("b", 16, 16).tobytes()
