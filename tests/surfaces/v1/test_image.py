"""``/api/v1/image``: what is asked for reaches who draws it, and comes back in every way it may be asked for."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from potluck.core.errors import BadRequest, NodeFailed
from potluck.core.pictures.ask import Masked, Task
from potluck.core.scopes import Scope
from tests.pictures import image
from tests.surfaces.studio import Studio, studio

from .world import ANNA, BERT, GUEST, Served

GENERATE, EDIT, UPSCALE = "/api/v1/image/generate", "/api/v1/image/edit", "/api/v1/image/upscale"
FOX = {"prompt": "a fox", "wait": 30}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path) as opened:
        yield opened


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path, begun=False) as opened:
        yield opened


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


async def post(place: Studio, path: str, body: Any, **options: Any) -> Served:
    return await place.world.ask("POST", path, body, **options)


async def test_a_picture_is_made_while_one_waits(place: Studio) -> None:
    answer = await post(place, GENERATE, {**FOX, "count": 2, "tags": ["Fox", "fox"], "width": 128, "height": 64})
    told = answer.json()
    assert (answer.status, told["state"], told["done"], told["total"]) == (200, "done", 2, 2)
    assert answer.headers["location"] == f"/api/v1/image/jobs/{told['id']}"
    assert [(each["seed"], each["width"], each["tags"], each["job"]) for each in told["images"]] == [
        (0, 128, ["Fox"], told["id"]),
        (1, 128, ["Fox"], told["id"]),
    ]
    assert told["title"] == "a fox"
    assert place.world.spending.left == 998
    listed = (await place.world.ask("GET", "/api/v1/images")).json()["images"]
    assert {each["id"] for each in listed} == {each["id"] for each in told["images"]}


async def test_who_does_not_wait_has_a_job_that_stands_in_line(closed: Studio) -> None:
    first = await post(closed, GENERATE, {"prompt": "one"})
    second = await post(closed, GENERATE, {"prompt": "two", "priority": "low", "title": "Second"})
    assert (first.status, first.json()["position"], first.json()["images"]) == (202, 0, [])
    told = second.json()
    assert (told["state"], told["position"], told["title"], told["error"]) == ("queued", 1, "Second", None)
    path = f"/api/v1/image/jobs/{told['id']}"
    assert (await closed.world.ask("GET", path)).json() == told
    assert (await closed.world.ask("GET", path, caller=BERT)).status == 404
    cancelled = (await closed.world.ask("POST", f"{path}/cancel")).json()
    assert (cancelled["state"], cancelled["position"]) == ("cancelled", None)
    assert closed.world.spending.left == 999, "what is not made counts for nothing"
    soon = await post(closed, GENERATE, {"prompt": "three", "wait": 0.01})
    assert (soon.status, soon.json()["state"]) == (202, "queued")


async def test_everything_that_is_asked_for_reaches_who_draws(place: Studio) -> None:
    map_ = b64(image(64, 64, 3))
    asked = {
        **FOX,
        "negative": "dog",
        "model": "sdxl",
        "steps": 30,
        "cfg": 6.5,
        "sampler": "DPM++ 2M Karras",
        "seed": 7,
        "loras": [{"name": "pixel", "weight": 0.5}],
        "controls": [{"kind": "canny", "image": map_, "end": 0.8}],
        "hires": {"scale": 1.5, "upscaler": "x4"},
        "styles": ["Noir"],
        "clip_skip": 2,
        "node": "orin0",
    }
    assert (await post(place, GENERATE, asked)).status == 200
    (ask,) = place.painter.drawn
    assert (ask.task, ask.negative, ask.steps, ask.cfg, ask.seed) == (Task.TXT2IMG, "dog", 30, 6.5, 7)
    assert (ask.sampler, ask.scheduler, ask.clip_skip, ask.node) == ("dpmpp_2m", "karras", 2, "orin0")
    assert (ask.loras[0].weight, ask.styles) == (0.5, ("Noir",))
    assert ask.hires is not None
    assert (ask.hires.scale, ask.hires.upscaler) == (1.5, "x4")
    assert ask.controls[0].end == 0.8
    content = await place.shop.files.whole(ask.controls[0].image, ANNA.user, 10**6)
    assert content.startswith(b"\x89PNG")


async def test_an_image_is_drawn_over_in_its_own_size(place: Studio) -> None:
    made = (await post(place, GENERATE, FOX)).json()["images"][0]["id"]
    for sent in (b64(image(201, 100, format="jpeg")), f"data:image/jpeg;base64,{b64(image(201, 100))}"):
        await post(place, EDIT, {**FOX, "image": sent, "denoise": 0.3})
        ask = place.painter.drawn[-1]
        assert (ask.task, ask.denoise, ask.width, ask.height) == (Task.IMG2IMG, 0.3, 200, 96)
    told = (await post(place, EDIT, {**FOX, "init": made})).json()["images"][0]
    assert told["parent"] == made
    init = place.painter.drawn[-1].init
    await post(place, EDIT, {**FOX, "image": init, "width": 512, "height": 512})
    assert (place.painter.drawn[-1].init, place.painter.drawn[-1].width) == (init, 512)


async def test_an_image_on_the_web_is_fetched(place: Studio) -> None:
    asked: list[str] = []

    class Web:
        async def fetch(self, url: str) -> tuple[bytes, str]:
            asked.append(url)
            if "inside" in url:
                raise BadRequest("The image at 'inside' was not used: it is inside the network.", param="image_url")
            return image(80, 80, format="webp"), "image/webp"

    state: Any = place.world.app.state
    state.services = replace(state.services, pictures=Web())
    await post(place, EDIT, {**FOX, "image": "https://example.org/a.webp"})
    assert (asked, place.painter.drawn[-1].width) == (["https://example.org/a.webp"], 80)
    refused = (await post(place, EDIT, {**FOX, "image": "http://inside/a.png"})).json()["error"]
    assert (refused["param"], "not used" in refused["message"]) == ("image", True)


async def test_a_mask_says_where(place: Studio) -> None:
    mask = image(64, 64, 255 * 257, mode="L")
    await post(place, EDIT, {**FOX, "image": b64(image()), "mask": b64(mask)})
    ask = place.painter.drawn[-1]
    assert ask.task is Task.INPAINT
    assert ask.inpaint is not None
    assert ask.inpaint.mask != ask.init
    full = {"mask": b64(mask), "content": "noise", "only_masked": True, "blur": 9, "padding": 8}
    await post(place, EDIT, {**FOX, "image": b64(image()), "inpaint": full})
    inpaint = place.painter.drawn[-1].inpaint
    assert inpaint is not None
    assert (inpaint.content, inpaint.only_masked, inpaint.blur, inpaint.invert) == (Masked.NOISE, True, 9, False)
    black = b64(image(64, 64, 0, mode="L"))
    for bad in (black, b64(image(64, 32, 255, mode="L")), b64(b"no image at all" * 20)):
        refused = await post(place, EDIT, {**FOX, "image": b64(image()), "mask": bad})
        assert (refused.status, refused.json()["error"]["param"]) == (400, "mask")


async def test_an_image_grows_and_is_enlarged(place: Studio) -> None:
    await post(place, EDIT, {**FOX, "image": b64(image()), "outpaint": {"left": 64}})
    ask = place.painter.drawn[-1]
    assert (ask.task, ask.width) == (Task.OUTPAINT, 0)
    assert ask.outpaint is not None
    assert ask.outpaint.left == 64
    told = (await post(place, UPSCALE, {"image": b64(image()), "scale": 4, "upscaler": "x4", "wait": 9})).json()
    assert told["state"] == "done"
    upscale = place.painter.drawn[-1].upscale
    assert upscale is not None
    assert (upscale.scale, upscale.upscaler) == (4.0, "x4")


async def test_a_form_does_as_well(place: Studio) -> None:
    form = httpx.Request(
        "POST",
        "http://x",
        data={"prompt": "a hat", "count": "2", "loras": '[{"name":"a"}]', "wait": "30", "unknown": "x"},
        files={"image": ("a.png", image(), "image/png"), "mask": ("m.png", image(64, 64, 255, mode="L"), "image/png")},
    )
    answer = await post(place, EDIT, None, raw=form.read(), headers=dict(form.headers))
    assert (answer.status, answer.json()["done"]) == (200, 2)
    ask = place.painter.drawn[-1]
    assert (ask.task, ask.prompt, ask.count, ask.loras[0].name) == (Task.INPAINT, "a hat", 2, "a")
    whole = httpx.Request(
        "POST",
        "http://x",
        data={"request": '{"prompt": "map", "controls": [{"kind": "pose", "image": ""}], "wait": 9}'},
        files={"controls[0]": ("a.png", image(), "image/png")},
    )
    assert (await post(place, GENERATE, None, raw=whole.read(), headers=dict(whole.headers))).json()["state"] == "done"
    bad = httpx.Request("POST", "http://x", data={"count": "many"}, files={"image": ("a.png", image())})
    refused = await post(place, EDIT, None, raw=bad.read(), headers=dict(bad.headers))
    assert (refused.status, refused.json()["error"]["param"]) == (400, "count")


async def test_it_is_followed_with_previews_until_it_is_there(place: Studio) -> None:
    answer = await post(place, GENERATE, {**FOX, "count": 2}, headers={"accept": "text/event-stream"})
    events = answer.events()
    names = [name for _, name, _ in events]
    assert names[0] == "job"
    assert names[-1] == "done"
    assert names.count("image") == 2
    job = events[0][2]["id"]
    first = next(data for _, name, data in events if name == "progress")
    assert (first["steps"], first["node"]) == (20, "orin0")
    assert first["preview"].startswith("data:image/jpeg;base64,")
    assert sum(data["preview"] is not None for _, name, data in events if name == "progress") == 1, "none comes twice"
    assert events[-1][2]["images"] == [data for _, name, data in events if name == "image"]
    again = (await place.world.ask("GET", f"/api/v1/image/jobs/{job}/events")).events()
    assert [name for _, name, _ in again] == ["image", "image", "done"]


async def test_a_job_that_fails_says_why(place: Studio) -> None:
    async def fails(index: int) -> None:
        if index == 1:
            raise BadRequest("The picture does not fit into memory.", hint="Make it smaller.")

    place.painter.before = fails
    told = (await post(place, GENERATE, {**FOX, "count": 3})).json()
    assert (told["state"], told["done"], len(told["images"])) == ("failed", 1, 1)
    assert told["error"] == {
        "type": "bad_request",
        "message": "The picture does not fit into memory.",
        "hint": "Make it smaller.",
    }


async def test_a_node_that_dies_in_the_middle_is_told_of(place: Studio) -> None:
    async def dies(index: int) -> None:
        place.painter.before = None
        raise NodeFailed("It broke.", node="orin0")

    place.painter.before = dies
    told = (await post(place, GENERATE, {"prompt": "x"})).json()
    async with asyncio.timeout(30):
        while not told["failures"]:
            told = (await place.world.ask("GET", f"/api/v1/image/jobs/{told['id']}")).json()
    assert (told["state"], told["failures"], told["error"]["type"]) == ("queued", 1, "node_failed")
    assert told["again_at"] is not None


async def test_who_did_not_hear_asks_again_and_gets_the_same_job(closed: Studio) -> None:
    body = {"prompt": "a hat", "image": b64(image())}
    headers = {"idempotency-key": "once"}
    one, two = [(await post(closed, EDIT, body, headers=headers)).json() for _ in range(2)]
    assert one["id"] == two["id"]
    assert closed.world.spending.left == 999
    other = await post(closed, EDIT, {**body, "prompt": "another"}, headers=headers)
    assert other.status == 409
    assert closed.world.spending.left == 999


WRONG = [
    (GENERATE, {"prompt": ""}, "prompt"),
    (GENERATE, {"prompt": "x", "width": 100_000, "height": 64}, "width"),
    (GENERATE, {"prompt": "x", "sampler": "magic"}, "sampler"),
    (GENERATE, {"prompt": "x", "steps": 1000}, "steps"),
    (GENERATE, {"prompt": "x", "count": 0}, "count"),
    (GENERATE, {"prompt": "x", "model": "../../etc/passwd"}, "model"),
    (GENERATE, {"prompt": "x", "tags": [""]}, "tags"),
    (GENERATE, {"prompt": "x", "wait": 601}, "wait"),
    (GENERATE, {"prompt": "x", "controls": [{"kind": "magic", "image": ""}]}, "controls[0].kind"),
    (EDIT, {"prompt": "x"}, "image"),
    (EDIT, {"prompt": "x", "image": "not/an/id"}, "image"),
    (EDIT, {"prompt": "x", "image": "data:image/png,abc"}, "image"),
    (EDIT, {"prompt": "x", "image": "!" * 200}, "image"),
    (EDIT, {"prompt": "x", "image": "QUJD" * 100}, "image"),
    (EDIT, {"prompt": "x", "image": "QUJD" * 100, "outpaint": {}}, "outpaint"),
    (UPSCALE, {"image": "QUJD" * 100}, "image"),
    (UPSCALE, {"image": "QUJD" * 100, "scale": 100}, "upscale.scale"),
]


async def test_what_cannot_be_is_named(closed: Studio) -> None:
    body: dict[str, Any]
    for path, body, param in WRONG:
        refused = await post(closed, path, body)
        assert (refused.status, refused.json()["error"]["param"]) == (400, param), refused.body
    assert closed.world.spending.left == 1000


async def test_what_one_may_not_is_refused_before_anything_is_kept(closed: Studio) -> None:
    limited = replace(ANNA, scope=Scope(models=("flux",)))
    assert (await post(closed, GENERATE, FOX, caller=GUEST)).status == 403
    assert (await post(closed, GENERATE, {**FOX, "model": "sdxl"}, caller=limited)).status == 403
    assert (await post(closed, GENERATE, {**FOX, "wait": 0, "model": "flux"}, caller=limited)).status == 202
    closed.world.spending.left = 2
    assert (await post(closed, GENERATE, {"prompt": "x", "count": 3})).status == 429
    closed.shop.quotas[ANNA.user] = 0
    assert (await post(closed, GENERATE, {"prompt": "x"})).json()["error"]["type"] == "quota_exceeded"
    assert (await post(closed, EDIT, {"prompt": "x", "image": "file-nothing"})).status == 404
    jobs = (await closed.world.ask("GET", "/api/v1/jobs")).json()["jobs"]
    assert len(jobs) == 1
    assert (await closed.world.ask("GET", "/api/v1/image/jobs/nothing")).status == 404


async def test_who_leaves_does_not_end_it(place: Studio) -> None:
    hold = asyncio.Event()

    async def waits(index: int) -> None:
        await hold.wait()

    place.painter.before = waits
    sent: list[Any] = []
    came = asyncio.Event()
    requests = [{"type": "http.request", "body": b'{"prompt": "x", "wait": 60}', "more_body": False}]

    async def receive() -> dict[str, Any]:
        if requests:
            return requests.pop()
        while not place.painter.drawn:
            await asyncio.sleep(0.001)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        came.set()

    await place.world.raw(receive, send, GENERATE)
    assert sent == []
    hold.set()
    while not (await place.world.ask("GET", "/api/v1/images")).json()["images"]:
        await asyncio.sleep(0.001)
