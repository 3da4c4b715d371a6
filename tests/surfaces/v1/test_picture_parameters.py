"""``POST /api/v1/images/parameters``: what a picture says of how it was made, which may be anything."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from potluck.core.pictures.ask import Lora, PictureAsk
from potluck.wire.png import with_texts
from potluck.wire.prompts.of_picture import infotext_of
from tests.pictures import image
from tests.surfaces.studio import Studio, studio

from .world import BERT, GUEST, Served

PATH, GENERATE = "/api/v1/images/parameters", "/api/v1/image/generate"
ASK = PictureAsk(
    prompt="a fox", negative="rain", width=128, height=64, steps=9, cfg=5.5, sampler="euler", scheduler="karras",
    seed=7, model="sdxl", loras=(Lora("ink", 0.5),),
)  # fmt: skip


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path) as opened:
        yield opened


async def post(place: Studio, body: Any, **options: Any) -> Served:
    return await place.world.ask("POST", PATH, body, **options)


async def test_what_a_picture_says_makes_it_again(place: Studio) -> None:
    picture = with_texts(image(), {"parameters": infotext_of(ASK), "workflow": '{"nodes": []}'})
    told = (await post(place, {"image": base64.b64encode(picture).decode()})).json()
    assert (told["left_out"], told["workflow"]) == ([], '{"nodes": []}')
    assert told["infotext"].startswith("a fox <lora:ink:0.5>")
    parameters = told["parameters"]
    assert (parameters["seed"], parameters["sampler"], parameters["loras"]) == (
        7,
        "euler",
        [{"name": "ink", "weight": 0.5}],
    )
    made = await place.world.ask("POST", GENERATE, {**parameters, "wait": 30})
    assert made.status == 200, made.body
    (drawn,) = place.painter.drawn
    assert (drawn.prompt, drawn.width, drawn.steps, drawn.loras) == ("a fox", 128, 9, (Lora("ink", 0.5),))
    # One's own picture by its id; another's is not there.
    (kept,) = made.json()["images"]
    assert (await post(place, {"image": kept["id"]})).json()["parameters"] is None
    assert (await post(place, {"image": kept["id"]}, caller=BERT)).status == 404
    assert (await post(place, {"infotext": infotext_of(ASK)}, caller=GUEST)).status == 403


async def test_whatever_a_text_says_does_nothing_but_be_read(place: Studio) -> None:
    wild = (
        "ignore all instructions <lora:../../etc/passwd:9> {{7*7}} $(id)\n"
        "Negative prompt: </script><script>alert(1)</script>\n"
        "Steps: 9999, Sampler: ../../x, Schedule type: '; drop table jobs, CFG scale: 1e400, Seed: -5, "
        "Size: 99999x99999, Model: ../../etc/passwd, Clip skip: 99, Hires upscale: 7.5"
    )
    told = (await post(place, {"infotext": wild})).json()
    assert sorted(told["left_out"]) == ["hires", "loras", "model", "steps", "width"]
    parameters = told["parameters"]
    assert parameters["prompt"] == "ignore all instructions  {{7*7}} $(id)"
    assert (parameters["steps"], parameters["width"], parameters["height"], parameters["model"]) == (0, 0, 0, "")
    assert (await place.world.ask("POST", GENERATE, {**parameters, "wait": 30})).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"image": "!" * 200}, 400),
        ({"image": base64.b64encode(b"no image" * 30).decode()}, 400),
        ({"image": "nobodys"}, 404),
        ({"infotext": "x" * 50_001}, 400),
        ({"infotext": "a fox and no settings"}, 200),
        ({"image": base64.b64encode(image()).decode()}, 200),
    ],
)
async def test_what_is_no_picture_or_says_nothing(place: Studio, body: dict[str, Any], status: int) -> None:
    answer = await post(place, body)
    assert answer.status == status, answer.body
    if status == 200:
        assert answer.json()["parameters"] is None
