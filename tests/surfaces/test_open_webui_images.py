"""Open WebUI's image client, its requests to the letter: to an A1111 and to OpenAI's images, and what it reads of the
answers. From ``backend/open_webui/routers/images.py`` of 0.6 and later; it sends them with aiohttp.
"""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from potluck.core.pictures.ask import Task
from potluck.surfaces import openai_images
from potluck.surfaces.auth import presented_keys
from tests.pictures import image, read
from tests.surfaces.studio import Studio
from tests.surfaces.test_a1111 import place as a1111_place
from tests.surfaces.v1.world import ANNA

_a1111 = a1111_place  # its fixture, by another name
HEADERS = {
    "accept": "*/*",
    "accept-encoding": "gzip, deflate, br",
    "user-agent": "Python/3.11 aiohttp/3.14.5",
}
# "AUTOMATIC1111_API_AUTH" is "anything:KEY".
A1111 = {**HEADERS, "authorization": "Basic " + base64.b64encode(b"open-webui:pk-recorded").decode()}
OPENAI = {**HEADERS, "authorization": "Bearer pk-recorded"}


@pytest.fixture
def place(_a1111: Studio) -> Studio:
    _a1111.world.app.router.routes[:0] = openai_images.ROUTES
    return _a1111


async def send(place: Studio, method: str, target: str, headers: dict[str, str], **more: Any) -> httpx.Response:
    app = place.world._as(ANNA)

    async def named(scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["request_id"] = "r1"
        await app(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(named), base_url="http://potluck") as web:
        return await web.request(method, target, headers=headers, **more)


def test_its_key_is_found_where_it_puts_it() -> None:
    for headers in (A1111, OPENAI):
        as_sent = [(b"authorization", headers["authorization"].encode())]
        assert b"pk-recorded" in list(presented_keys(as_sent, b""))
    # Without a setting for it, it sends the header all the same.
    assert list(presented_keys([(b"authorization", b"")], b"")) == []


async def test_as_a1111_it_lists_chooses_and_draws(place: Studio) -> None:
    # "Verify connection", and the list of models.
    options = (await send(place, "GET", "/sdapi/v1/options", A1111)).json()
    models = (await send(place, "GET", "/sdapi/v1/sd-models", A1111)).json()
    chosen = next(each for each in models if each["title"] != options["sd_model_checkpoint"])
    assert chosen["model_name"] == "v1-5"
    # `set_image_model` sends back all options that it was told.
    options["sd_model_checkpoint"] = chosen["title"]
    told = await send(place, "POST", "/sdapi/v1/options", A1111, json=options)
    assert (told.status_code, told.json()) == (200, None)
    assert (await send(place, "GET", "/sdapi/v1/options", A1111)).json()["sd_model_checkpoint"] == chosen["title"]
    # `image_generations`; beside it what the owner has written into "additional parameters".
    body: dict[str, Any] = {"prompt": "a red fox", "batch_size": 2, "width": 512, "height": 500, "steps": 20}
    body |= {"negative_prompt": "rain", "cfg_scale": 6, "sampler_name": "Euler", "scheduler": "Karras"}
    answer = (await send(place, "POST", "/sdapi/v1/txt2img", A1111, json=body)).json()
    drawn = place.painter.drawn[-1]
    assert (drawn.model, drawn.prompt, drawn.negative, drawn.count) == ("v1-5", "a red fox", "rain", 2)
    assert (drawn.width, drawn.height, drawn.steps, drawn.sampler) == (512, 496, 20, "euler")
    # It takes each of them for base64, or for a data URI if a comma is in it; `info` is kept as it is.
    assert len(answer["images"]) == 2
    assert not any("," in each for each in answer["images"])
    assert [read(base64.b64decode(each)).size for each in answer["images"]] == [(512, 496)] * 2
    assert isinstance(answer["info"], str)


@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-1.5"])
async def test_as_openai_it_draws_whatever_model_it_names(place: Studio, model: str) -> None:
    headers = {**OPENAI, "content-type": "application/json"}
    body: dict[str, Any] = {"model": model, "prompt": "a red fox", "n": 1, "size": "512x512"}
    if not model.startswith("gpt-image-"):  # `IMAGE_URL_RESPONSE_MODELS_REGEX_PATTERN`
        body["response_format"] = "b64_json"
    answer = await send(place, "POST", "/v1/images/generations?api-version=2025-04-01", headers, json=body)
    assert answer.status_code == 200, answer.text
    (told,) = answer.json()["data"]
    assert "url" not in told
    assert read(base64.b64decode(told["b64_json"])).size == (512, 512)
    # "auto", and additional parameters.
    body |= {"size": "auto", "quality": "low"}
    assert (await send(place, "POST", "/v1/images/generations", headers, json=body)).status_code == 200
    assert (place.painter.drawn[-1].model, place.painter.drawn[-1].width) == ("", 0)


@pytest.mark.parametrize("field", ["image", "image[]"])
async def test_as_openai_it_edits_an_image_of_a_chat(place: Studio, field: str) -> None:
    fields = {"model": "gpt-image-1", "prompt": "a hat", "n": "1", "size": "256x256", "background": "auto"}
    name = "2f1c0a52-6a3c-4a55-8c8e-6d1f3c8e5b10.png"
    files = [(field, (name, image(64, 64), "image/png"))]
    fields["response_format"] = "b64_json"
    answer = await send(place, "POST", "/v1/images/edits", OPENAI, data=fields, files=files)
    assert answer.status_code == 200, answer.text
    assert place.painter.drawn[-1].task is Task.IMG2IMG
    assert read(base64.b64decode(answer.json()["data"][0]["b64_json"])).size == (256, 256)
    # Where no size was said, the image's own.
    del fields["size"]
    assert (await send(place, "POST", "/v1/images/edits", OPENAI, data=fields, files=files)).status_code == 200


async def test_what_goes_wrong_has_a_status_that_it_shows(place: Studio) -> None:
    refused = await send(place, "POST", "/v1/images/generations", OPENAI, json={"model": "x", "prompt": "", "n": 1})
    assert refused.status_code == 400
    refused = await send(place, "POST", "/sdapi/v1/options", A1111, json={"sd_model_checkpoint": "gone"})
    assert refused.status_code == 404
