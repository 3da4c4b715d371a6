"""A1111's API over real jobs and a real gallery; only who draws is a test's own."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from starlette.requests import ClientDisconnect

from potluck.core.errors import BadRequest, PotluckError
from potluck.core.model import EngineKind, NodeId
from potluck.core.pictures.ask import ControlKind, Task
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, Memory, Upscaler
from potluck.core.scopes import Scope
from potluck.gateway.port import Caller
from potluck.surfaces import a1111, application
from potluck.surfaces.a1111.desk import Choice, Desk
from potluck.wire.prompts.styles import Style
from tests.pictures import image, read
from tests.surfaces.studio import Studio, studio
from tests.surfaces.v1.test_image_models import Painter
from tests.surfaces.v1.world import ANNA, BERT

HAS = Catalogue(
    EngineKind.A1111,
    checkpoints=(
        Checkpoint("sdxl", "xl/sdxl.safetensors", hash="ab12cd34ef", sha256="ab12cd34ef00", loaded=True),
        Checkpoint("v1-5", "v1-5.ckpt"),
    ),
    upscalers=(Upscaler("x4", "x4.pth", 4.0),),
    samplers=("Euler", "DPM++ 2M"),
    preprocessors={ControlKind.POSE: "openpose_full", ControlKind.CANNY: "canny"},
    memory=Memory(8, 5, 2),
)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path) as opened:
        app = opened.world.app
        app.add_exception_handler(PotluckError, application._potluck_error)
        app.router.routes[:0] = a1111.ROUTES
        app.state.desk = desk_of(opened)
        opened.world.painters = (
            Painter(NodeId("orin0"), EngineKind.A1111, has=HAS),
            Painter(NodeId("off"), EngineKind.COMFYUI, up=False),
        )
        app.state.services = replace(app.state.services, styles={"film": Style("film", "{prompt}, 35mm")})
        yield opened


def desk_of(place: Studio) -> Desk:
    return Desk(place.shop.storage.settings, place.world._tick)


async def ask(place: Studio, method: str, path: str, body: Any = None, caller: Caller = ANNA) -> httpx.Response:
    app = place.world._as(caller)

    async def named(scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["request_id"] = "r1"
        await app(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(named), base_url="http://potluck") as web:
        return await web.request(method, path, json=body)


async def post(place: Studio, what: str, caller: Caller = ANNA, **body: Any) -> httpx.Response:
    return await ask(place, "POST", f"/sdapi/v1/{what}", body, caller)


async def get(place: Studio, what: str, caller: Caller = ANNA) -> Any:
    return (await ask(place, "GET", f"/sdapi/v1/{what}", caller=caller)).json()


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def sizes(answer: httpx.Response) -> list[tuple[int, int]]:
    told = answer.json()
    return [read(base64.b64decode(each)).size for each in told.get("images") or [told["image"]]]


async def test_words_become_pictures_with_all_that_made_them(place: Studio) -> None:
    answer = await post(
        place,
        "txt2img",
        prompt="a fox <lora:ink:0.5>",
        negative_prompt="blur",
        width=128,
        height=64,
        batch_size=2,
        n_iter=2,
        steps=9,
        sampler_name="DPM++ 2M Karras",
        styles=["film"],
    )
    assert answer.status_code == 200
    assert sizes(answer) == [(128, 64)] * 4
    assert answer.headers["x-potluck-node"] == "orin0"
    told = answer.json()
    assert told["parameters"]["sampler_name"] == "DPM++ 2M Karras"
    info = json.loads(told["info"])
    assert (len(info["all_seeds"]), len(info["infotexts"]), info["batch_size"]) == (4, 4, 2)
    (drawn,) = place.painter.drawn
    assert (drawn.count, drawn.sampler, drawn.scheduler, drawn.styles) == (4, "dpmpp_2m", "karras", ("film",))
    assert (await get(place, "progress"))["state"]["job_count"] == 0
    nothing = await post(place, "txt2img", prompt="x", send_images=False)
    assert nothing.json()["images"] == []


async def test_an_image_is_drawn_over_where_the_mask_is(place: Studio) -> None:
    picture = "data:image/png;base64," + b64(image(64, 64))
    unit: dict[str, Any] = {"module": "canny", "model": "None"}
    over: dict[str, Any] = {"init_images": [picture], "prompt": "a hat", "width": 64, "height": 64}
    assert (await post(place, "img2img", denoising_strength=0.4, **over)).status_code == 200
    assert (place.painter.drawn[-1].task, place.painter.drawn[-1].denoise) == (Task.IMG2IMG, 0.4)
    units = [unit, {**unit, "image": b64(image(32, 32))}]
    for mask, invert in ((image(64, 64), 1), (image(64, 64, mode="RGBA"), 1)):
        answer = await post(
            place,
            "img2img",
            mask=b64(mask),
            mask_blur=9,
            inpainting_mask_invert=invert,
            alwayson_scripts={"controlnet": {"args": units}},
            **over,
        )
        assert answer.status_code == 200, answer.text
        drawn = place.painter.drawn[-1]
        assert drawn.inpaint is not None
        assert (drawn.task, drawn.inpaint.blur, drawn.inpaint.invert) == (Task.INPAINT, 9, False)
        assert drawn.controls[0].image == drawn.init
        assert drawn.controls[1].image not in (drawn.init, drawn.inpaint.mask)


@pytest.mark.parametrize(
    ("what", "body", "status", "words"),
    [
        ("img2img", {"prompt": "x"}, 404, "Init image not found"),
        ("img2img", {"prompt": "x", "init_images": ["aW1hZ2U=" * 20]}, 422, "init_images"),
        ("txt2img", {"prompt": "x", "sampler_name": "Nope"}, 404, "Sampler not found"),
        ("txt2img", {"prompt": "x", "override_settings": {"sd_model_checkpoint": "nope"}}, 404, "There are sdxl, v1-5"),
        ("txt2img", {"prompt": "x", "cfg_scale": 99}, 422, "cfg_scale"),
        ("txt2img", {"prompt": "x", "batch_size": 200}, 422, "batch_size"),
        ("txt2img", {"prompt": "x", "width": 99999}, 422, "width"),
        ("txt2img", {"prompt": "x", "script_name": "plot"}, 422, "script_name"),
        ("txt2img", {"prompt": "x", "alwayson_scripts": {"controlnet": {"args": [{"module": "canny"}]}}}, 422, "image"),
        ("extra-single-image", {"image": "x", "upscaler_1": "nope"}, 404, "There are x4"),
        ("extra-single-image", {"image": "no!", "upscaler_1": "x4"}, 422, "image"),
        ("png-info", {"image": "%%%"}, 422, "base64"),
        ("options", {"sd_model_checkpoint": "nope"}, 404, "Model not found"),
    ],
)
async def test_what_is_wrong_is_said_as_there(
    place: Studio, what: str, body: dict[str, Any], status: int, words: str
) -> None:
    answer = await post(place, what, **body)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert place.painter.drawn == []


async def test_a_key_asks_for_the_models_that_it_may(place: Studio) -> None:
    limited = replace(ANNA, scope=Scope(models=("v1-5",)))
    assert [each["model_name"] for each in await get(place, "sd-models", limited)] == ["v1-5"]
    assert (await get(place, "options", limited))["sd_model_checkpoint"] == "v1-5.ckpt"
    assert (await post(place, "options", limited, sd_model_checkpoint="sdxl")).status_code == 403
    chosen = {"sd_model_checkpoint": "sdxl"}
    refused = await post(place, "txt2img", limited, prompt="x", override_settings=chosen)
    assert (refused.status_code, refused.json()["error"]) == (403, "HTTPException")


async def test_a_model_is_chosen_for_ones_own_key_alone(place: Studio) -> None:
    before = await get(place, "options")
    assert (before["sd_model_checkpoint"], before["sd_checkpoint_hash"]) == (
        "sdxl.safetensors [ab12cd34ef]",
        "ab12cd34ef00",
    )
    answer = await post(place, "options", **{**before, "sd_model_checkpoint": "v1-5.ckpt", "sd_vae": "ft.pt"})
    assert answer.json() is None
    after = await get(place, "options")
    assert (after["sd_model_checkpoint"], after["sd_vae"]) == ("v1-5.ckpt", "ft.pt")
    assert (await get(place, "options", BERT)) == before
    await post(place, "options", CLIP_stop_at_last_layers=2)
    await post(place, "txt2img", prompt="x")
    await post(place, "txt2img", prompt="x", override_settings={"sd_model_checkpoint": "ab12cd34ef"})
    await post(place, "txt2img", BERT, prompt="x")
    drawn = [(each.model, each.vae, each.clip_skip) for each in place.painter.drawn]
    assert drawn == [("v1-5", "ft.pt", 2), ("sdxl", "ft.pt", 2), ("", "", 0)]
    stays: dict[str, Any] = {
        "override_settings": {"sd_model_checkpoint": "sdxl"},
        "override_settings_restore_afterwards": False,
    }
    await post(place, "txt2img", prompt="x", **stays)
    assert (await get(place, "options"))["sd_model_checkpoint"] == before["sd_model_checkpoint"]


async def test_before_any_engine_was_seen_a_model_is_taken_at_its_word(place: Studio) -> None:
    place.world.painters = ()
    assert (await get(place, "options"))["sd_model_checkpoint"] == ""
    answer = await post(
        place, "txt2img", prompt="x", override_settings={"sd_model_checkpoint": "a/mine.ckpt [ab12cd34ef]"}
    )
    assert (answer.status_code, place.painter.drawn[0].model) == (200, "mine")


async def test_images_are_enlarged_alone_and_in_a_batch(place: Studio) -> None:
    small = b64(image(64, 32))
    answer = await post(place, "extra-single-image", image=small, upscaler_1="x4", upscaling_resize=4)
    upscale = place.painter.drawn[-1].upscale
    assert upscale is not None
    assert (upscale.scale, upscale.upscaler) == (4.0, "x4")
    assert answer.status_code == 200
    assert sizes(await post(place, "extra-single-image", image=small)) == [(64, 32)], "no upscaler, no change"
    to_size: dict[str, Any] = {"resize_mode": 1, "upscaling_resize_w": 100, "upscaling_resize_h": 100}
    assert sizes(await post(place, "extra-single-image", image=small, upscaler_1="x4", **to_size)) == [(100, 100)]
    listed = [{"data": small, "name": "a"}, {"data": b64(image(32, 32)), "name": "b"}]
    both = await post(place, "extra-batch-images", imageList=listed, upscaler_1="x4", upscaling_resize=0.5)
    assert sizes(both) == [(32, 16), (16, 16)]


async def test_progress_is_ones_own_and_interrupting_gives_what_is_there(place: Studio) -> None:
    hold, drawing = asyncio.Event(), asyncio.Event()

    async def second_waits(index: int) -> None:
        if index:
            drawing.set()
            await hold.wait()

    place.painter.before = second_waits
    asked = asyncio.create_task(post(place, "txt2img", prompt="a fox", batch_size=3, width=64, height=64))
    await drawing.wait()
    while not (now := await get(place, "progress"))["current_image"] or now["state"]["job_no"] < 1:
        await asyncio.sleep(0.01)
    assert (now["state"]["job_count"], now["state"]["sampling_steps"]) == (3, 20)
    assert 0.34 <= now["progress"] < 1
    assert read(base64.b64decode(now["current_image"])).size == (32, 32)
    assert (await get(place, "progress?skip_current_image=true"))["current_image"] is None
    assert (await get(place, "progress", BERT))["state"]["job_count"] == 0
    assert (await post(place, "skip")).json() is None, "of three none is left out"
    assert (await post(place, "interrupt", BERT)).json() == {}
    assert (await post(place, "interrupt")).json() == {}
    answer = await asked
    assert (answer.status_code, sizes(answer)) == (200, [(64, 64)])
    assert (await post(place, "interrupt")).json() == {}, "there is nothing to interrupt"


async def test_one_that_is_skipped_is_shown_half_done(place: Studio) -> None:
    drawing = asyncio.Event()

    async def waits(index: int) -> None:
        drawing.set()
        await asyncio.Event().wait()

    place.painter.before = waits
    asked = asyncio.create_task(post(place, "txt2img", prompt="a fox", width=128, height=128))
    await drawing.wait()
    while not (await get(place, "progress"))["current_image"]:
        await asyncio.sleep(0.01)
    assert (await post(place, "skip")).json() is None
    answer = await asked
    assert (answer.status_code, sizes(answer)) == (200, [(128, 128)])
    assert json.loads(answer.json()["info"])["all_seeds"] == []


async def test_who_leaves_ends_the_job(place: Studio) -> None:
    drawing, leaving = asyncio.Event(), asyncio.Event()

    async def waits(index: int) -> None:
        drawing.set()
        await asyncio.Event().wait()

    place.painter.before = waits
    body = [{"type": "http.request", "body": b'{"prompt": "x"}', "more_body": False}]

    async def receive() -> Any:
        if body:
            return body.pop()
        await leaving.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        """Nobody hears it."""

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/sdapi/v1/txt2img",
        "headers": [],
        "query_string": b"",
        "state": {"request_id": "r1"},
    }
    asked = asyncio.create_task(place.world._as(ANNA)(scope, receive, send))
    await drawing.wait()
    leaving.set()
    with pytest.raises(ClientDisconnect):
        await asked
    (job,) = (await place.world.ask("GET", "/api/v1/jobs")).json()["jobs"]
    assert job["state"] in ("cancelled", "running")


async def test_what_fails_while_it_is_drawn_says_why(place: Studio) -> None:
    async def fails(index: int) -> None:
        raise BadRequest("It does not fit into memory.", hint="Make it smaller.")

    place.painter.before = fails
    answer = await post(place, "txt2img", prompt="x")
    assert (answer.status_code, "does not fit" in answer.json()["detail"][0]["msg"]) == (422, True)


async def test_a_picture_says_how_it_was_made(place: Studio) -> None:
    answer = await post(place, "png-info", image=b64(image()))
    assert answer.json() == {"info": "", "items": {}, "parameters": {}}


async def test_what_there_is_is_listed(place: Studio) -> None:
    assert [each["name"] for each in await get(place, "samplers")] == ["Euler", "DPM++ 2M"]
    assert [each["name"] for each in await get(place, "upscalers")] == ["None", "x4"]
    assert [each["name"] for each in await get(place, "schedulers")] == ["automatic"]
    assert [each["name"] for each in await get(place, "prompt-styles")] == ["film"]
    assert (await get(place, "memory"))["cuda"]["system"] == {"free": 5, "used": 3, "total": 8}
    for name in ("loras", "sd-vae", "hypernetworks", "face-restorers", "script-info", "realesrgan-models"):
        assert await get(place, name) == []
    assert await get(place, "embeddings") == {"loaded": {}, "skipped": {}}
    assert await get(place, "scripts") == {"txt2img": [], "img2img": []}
    assert len(await get(place, "latent-upscale-modes")) == 6
    assert "api" in await get(place, "cmd-flags")
    assert (await post(place, "refresh-checkpoints")).json() is None
    assert (await ask(place, "GET", "/controlnet/model_list")).json() == {"model_list": []}
    modules = (await ask(place, "GET", "/controlnet/module_list")).json()["module_list"]
    assert modules == ["none", "openpose", "canny"]


async def test_choices_outlast_a_restart_and_are_bounded(place: Studio) -> None:
    await post(place, "options", sd_model_checkpoint="v1-5")
    place.world.app.state.desk = desk = desk_of(place)
    assert (await get(place, "options"))["sd_model_checkpoint"] == "v1-5.ckpt"
    # As they are kept; one more, and the one that was longest without a change is forgotten.
    many = {f"k{number}": {"model": "m"} for number in range(1100)}
    await place.shop.storage.settings.set("sdapi.options", many, 1.0)
    await desk.choose(replace(ANNA, key="k1100"), Choice("m"))
    assert await desk.choice(replace(ANNA, key="k100")) == Choice()
    assert await desk.choice(replace(ANNA, key="k101")) == Choice("m")
    assert await desk.choice(replace(ANNA, key="k1100")) == Choice("m")
    await place.shop.storage.settings.set("sdapi.options", [1], 2.0)
    assert await desk.choice(ANNA) == Choice()
