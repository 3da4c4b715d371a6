"""OpenAI's images by its own SDK, over real jobs and a real gallery; only who draws is a test's own."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from openai import APIError, AsyncOpenAI, BadRequestError, InternalServerError, PermissionDeniedError

from potluck.core.errors import BadRequest, NodeFailed, PotluckError
from potluck.core.jobs import MOST_FAILURES
from potluck.core.pictures.ask import Task
from potluck.gateway.port import Caller
from potluck.surfaces import application, openai_images
from tests.pictures import image, read
from tests.surfaces.studio import Studio, studio
from tests.surfaces.v1.world import ANNA, GUEST


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path) as opened:
        opened.world.app.add_exception_handler(PotluckError, application._potluck_error)
        opened.world.app.router.routes[:0] = openai_images.ROUTES
        yield opened


def transport(place: Studio, caller: Caller = ANNA) -> httpx.ASGITransport:
    app = place.world._as(caller)

    async def named(scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["request_id"] = "r1"
        await app(scope, receive, send)

    return httpx.ASGITransport(named)


def client(place: Studio, caller: Caller = ANNA) -> AsyncOpenAI:
    http = httpx.AsyncClient(transport=transport(place, caller))
    return AsyncOpenAI(api_key="k", base_url="http://potluck/v1", http_client=http, max_retries=0)


def pictures(answer: Any) -> list[Any]:
    return [read(base64.b64decode(each.b64_json)) for each in answer.data]


async def test_pictures_come_back_in_base64(place: Studio) -> None:
    answer = await client(place).images.generate(
        prompt="a fox", model="gpt-image-1", n=2, size="256x128", quality="low"
    )
    assert [(each.format, each.size) for each in pictures(answer)] == [("PNG", (256, 128))] * 2
    assert (answer.size, answer.quality, answer.output_format) == ("256x128", "low", "png")
    (ask,) = place.painter.drawn
    assert (ask.model, ask.steps, ask.count) == ("", 12, 2)
    assert len((await place.world.ask("GET", "/api/v1/images")).json()["images"]) == 2


@pytest.mark.parametrize("format", ["jpeg", "webp"])
async def test_pictures_come_back_in_the_format_asked_for(place: Studio, format: Any) -> None:
    made = await client(place).images.generate(prompt="x", output_format=format, output_compression=50)
    assert pictures(made)[0].format == format.upper()
    linked = await client(place).images.generate(prompt="x", output_format=format, response_format="url")
    assert linked.data is not None
    link = linked.data[0].url
    assert link is not None
    assert link.startswith("http://potluck/api/v1/links?to=")
    async with httpx.AsyncClient(transport=transport(place)) as web:
        content = await web.get(link)
    assert read(content.content).format == format.upper()
    assert content.headers["content-type"] == f"image/{format}"


async def test_a_link_leads_to_the_owners_address_if_it_was_said(place: Studio) -> None:
    state: Any = place.world.app.state
    state.services = replace(state.services, url="https://potluck.home")
    made = await client(place).images.generate(prompt="x", model="dall-e-3")
    assert made.data is not None
    assert (made.data[0].url or "").startswith("https://potluck.home/api/v1/links?to=")


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # variations are, at OpenAI
async def test_an_edit_draws_where_one_can_look_through(place: Studio) -> None:
    images = client(place).images
    hole = image(64, 64, mode="RGBA")
    await images.edit(image=("a.png", image(80, 64)), prompt="a hat", n=1)
    assert (place.painter.drawn[-1].task, place.painter.drawn[-1].width) == (Task.IMG2IMG, 80)
    await images.edit(image=("a.png", image()), mask=("m.png", hole), prompt="a hat", size="512x512")
    ask = place.painter.drawn[-1]
    assert (ask.task, ask.width) == (Task.INPAINT, 512)
    await images.edit(image=[("a.png", hole)], prompt="a hat")
    assert place.painter.drawn[-1].task is Task.INPAINT
    answer = await images.create_variation(image=image(), n=2, size="256x256")
    assert [each.size for each in pictures(answer)] == [(256, 256)] * 2
    assert place.painter.drawn[-1].prompt == ""


async def test_what_is_wrong_with_an_edit_is_named(place: Studio) -> None:
    images = client(place).images
    for options, param in (
        ({"image": [("a.png", image()), ("b.png", image())]}, "image"),
        ({"image": ("a.png", b"no image")}, "image"),
        ({"image": ("a.png", image()), "mask": ("m.png", image(64, 16, mode="RGBA"))}, "mask"),
        ({"image": ("a.png", image()), "n": 11}, "n"),
        ({"image": ("a.png", image()), "size": "8x8"}, "size"),
    ):
        with pytest.raises(BadRequestError) as refused:
            await images.edit(prompt="x", **options)  # type: ignore[call-overload]
        assert refused.value.param == param
    async with httpx.AsyncClient(transport=transport(place)) as web:
        answer = await web.post("http://potluck/v1/images/edits", json={"prompt": "x"})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert place.painter.drawn == []


async def test_a_stream_shows_pictures_on_the_way(place: Studio) -> None:
    stream = await client(place).images.generate(
        prompt="x", stream=True, partial_images=2, output_format="webp", size="64x64", n=1
    )
    events = [event async for event in stream]
    assert [event.type for event in events] == [
        "image_generation.partial_image",
        "image_generation.completed",
    ], "of previews that are all the same one is worth its bytes"
    first, last = events
    assert first.type == "image_generation.partial_image"
    assert first.partial_image_index == 0
    assert all(read(base64.b64decode(event.b64_json)).format == "WEBP" for event in events)
    assert (last.size, last.output_format) == ("64x64", "webp")
    edited = await client(place).images.edit(image=image(), prompt="x", stream=True)
    assert [event.type async for event in edited] == ["image_edit.completed"]


async def test_what_fails_has_its_status_or_is_told_in_the_stream(place: Studio) -> None:
    async def too_large(index: int) -> None:
        raise BadRequest("It does not fit into memory.", hint="Make it smaller.")

    place.painter.before = too_large
    with pytest.raises(BadRequestError, match="does not fit"):
        await client(place).images.generate(prompt="x")
    with pytest.raises(BadRequestError, match="does not fit"):
        await client(place).images.generate(prompt="x", stream=True)

    async def second_fails(index: int) -> None:
        if index == 1:
            await too_large(index)

    place.painter.before = second_fails
    stream = await client(place).images.generate(prompt="x", n=2, stream=True)
    events = aiter(stream)
    assert (await anext(events)).type == "image_generation.completed"
    with pytest.raises(APIError, match="does not fit"):
        await anext(events)


async def test_engines_that_fail_for_good_are_a_servers_error(place: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(index: int) -> None:
        raise NodeFailed("The engine broke.", node="orin0")

    place.painter.before = breaks
    monkeypatch.setattr("potluck.jobs.runner.again_in_s", lambda *_: 0.0)
    with pytest.raises(InternalServerError, match="The engine broke") as failed:
        await client(place).images.generate(prompt="x")
    assert failed.value.status_code == 502
    assert len(place.painter.drawn) == MOST_FAILURES


async def test_a_guest_makes_none_and_nobody_asks_for_what_cannot_be(place: Studio) -> None:
    with pytest.raises(PermissionDeniedError):
        await client(place, GUEST).images.generate(prompt="x")
    with pytest.raises(BadRequestError) as refused:
        await client(place).images.generate(prompt="x", background="transparent")
    assert refused.value.param == "background"
    with pytest.raises(BadRequestError) as refused:
        await client(place).images.generate(prompt="x", size="8192x8192")
    assert refused.value.param == "size"


async def test_who_leaves_ends_the_job(place: Studio) -> None:
    hold = asyncio.Event()

    async def waits(index: int) -> None:
        await hold.wait()

    place.painter.before = waits
    requests = [{"type": "http.request", "body": b'{"prompt": "x"}', "more_body": False}]

    async def receive() -> dict[str, Any]:
        if requests:
            return requests.pop()
        while not place.painter.drawn:
            await asyncio.sleep(0.001)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError("nobody is there")

    with pytest.raises(Exception):  # noqa: B017 - `application` catches it
        await place.world.raw(receive, send, "/v1/images/generations")
    while True:
        (job,) = (await place.world.ask("GET", "/api/v1/jobs")).json()["jobs"]
        if job["state"] == "cancelled":
            break
        await asyncio.sleep(0.001)
