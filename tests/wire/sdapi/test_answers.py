"""What A1111's clients are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.core import errors as e
from potluck.core.model import EngineKind, NodeId
from potluck.core.pictures.ask import Hires, ImageId, PictureAsk
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, Extra, Memory, Upscaler, control_model
from potluck.core.pictures.offer import offer
from potluck.wire.prompts.styles import Style
from potluck.wire.sdapi import lists
from potluck.wire.sdapi.answers import (
    Drawn,
    Standing,
    write_batch,
    write_enlarged,
    write_pictures,
    write_png_info,
    write_progress,
)
from potluck.wire.sdapi.asks import read_txt2img
from potluck.wire.sdapi.errors import write_error

ECHO = read_txt2img(b'{"prompt": "a fox", "negative_prompt": "blur", "sampler_name": "Euler"}').echo


def told(body: bytes) -> Any:
    return json.loads(body)


def drawn(**fields: Any) -> Drawn:
    ask = PictureAsk(prompt="a fox", negative="blur", steps=20, cfg=7, sampler="euler", scheduler="normal", **fields)
    return Drawn(ask, 512, 768, "31e35c80fc")


def test_pictures_come_with_all_that_made_them_as_json_in_a_string() -> None:
    answer = told(write_pictures(["YQ==", "Yg=="], [drawn(seed=4), drawn(seed=5)], ECHO, batch_size=2))
    assert (answer["images"], answer["parameters"]["prompt"]) == (["YQ==", "Yg=="], "a fox")
    assert isinstance(answer["info"], str)
    info = json.loads(answer["info"])
    assert (info["seed"], info["all_seeds"], info["all_prompts"]) == (4, [4, 5], ["a fox"] * 2)
    assert (info["width"], info["height"], info["sampler_name"], info["batch_size"]) == (512, 768, "Euler", 2)
    assert (info["sd_model_hash"], info["clip_skip"], info["denoising_strength"]) == ("31e35c80fc", 1, None)
    assert [text.split("\n")[0] for text in info["infotexts"]] == ["a fox"] * 2
    assert "Seed: 5" in info["infotexts"][1]


@pytest.mark.parametrize(
    ("fields", "strength"),
    [({"hires": Hires(denoise=0.4)}, 0.4), ({"init": ImageId("file-1"), "denoise": 0.6}, 0.6)],
)
def test_how_much_was_drawn_anew_is_told(fields: dict[str, Any], strength: float) -> None:
    info = json.loads(told(write_pictures(["YQ=="], [drawn(restore_faces=True, **fields)], ECHO, batch_size=1))["info"])
    assert (info["denoising_strength"], info["face_restoration_model"]) == (strength, "CodeFormer")


def test_what_was_interrupted_before_the_first_picture_has_info_too() -> None:
    info = json.loads(told(write_pictures([], [], ECHO, batch_size=1))["info"])
    assert (info["prompt"], info["all_seeds"], info["infotexts"], info["width"]) == ("a fox", [], [], 512)


def test_enlarged_images_come_alone_or_as_a_list() -> None:
    assert told(write_enlarged("YQ=="))["image"] == "YQ=="
    assert told(write_batch(["YQ=="]))["images"] == ["YQ=="]


def test_a_pictures_infotext_is_taken_apart() -> None:
    text = "a fox\nNegative prompt: blur\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 5"
    answer = told(write_png_info({"parameters": text, "mine": "x"}))
    assert (answer["info"], answer["items"]["mine"]) == (text, "x")
    assert answer["parameters"] == {
        "Prompt": "a fox",
        "Negative prompt": "blur",
        "Steps": "20",
        "Sampler": "Euler",
        "CFG scale": "7",
        "Seed": "5",
    }
    assert told(write_png_info({})) == {"info": "", "items": {}, "parameters": {}}


def test_progress_is_by_pictures_and_steps() -> None:
    idle = told(write_progress(None))
    assert (idle["progress"], idle["eta_relative"], idle["state"]["job_count"]) == (0.0, 0.0, 0)
    assert idle["current_image"] is None
    standing = Standing("j", 2, 1, 5, 20, elapsed_s=6.35, preview_b64="YQ==")
    half = told(write_progress(standing))
    assert (half["progress"], half["current_image"]) == (0.635, "YQ==")
    assert half["eta_relative"] == pytest.approx(3.65)
    assert (half["state"]["job_no"], half["state"]["sampling_step"], half["state"]["sampling_steps"]) == (1, 5, 20)
    assert told(write_progress(Standing("j", 1, 1)))["progress"] == 1.0
    waiting = told(write_progress(Standing("j", 1, text="Waiting, 2 before it.")))
    assert (waiting["progress"], waiting["eta_relative"], waiting["textinfo"]) == (0.01, 0.0, "Waiting, 2 before it.")


ENGINES = [
    (
        NodeId("one"),
        Catalogue(
            EngineKind.A1111,
            samplers=("Euler", "Odd one"),
            schedulers=("automatic", "karras", "odd"),
            upscalers=(Upscaler("Latent", "Latent", 0.0), Upscaler("x4", "x4.pth", 4.0), Upscaler("soft", "soft.pth")),
            loras=(Extra("ink", "ink.safetensors"),),
            vaes=(Extra("ft", "ft.pt"),),
            embeddings=(Extra("easy", "easy.pt"),),
            controls=(control_model("control_canny.pth"),),
        ),
    )
]


def test_lists_are_as_there() -> None:
    has = offer(ENGINES)
    models: Any = lists.checkpoints(
        [Checkpoint("v1", "old\\v1.ckpt [6ce0161689]", hash="6ce0161689"), Checkpoint("x", "x")]
    )
    assert [(each["title"], each["model_name"], each["hash"]) for each in models] == [
        ("v1.ckpt [6ce0161689]", "v1", "6ce0161689"),
        ("x", "x", None),
    ]
    samplers: Any = lists.samplers(has)
    assert [(each["name"], each["aliases"]) for each in samplers] == [("Euler", ["euler"]), ("Odd one", ["Odd one"])]
    schedulers: Any = lists.schedulers(has)
    assert [each["name"] for each in schedulers] == ["automatic", "karras", "odd"]
    upscalers: Any = lists.upscalers(has)
    assert [(each["name"], each["scale"]) for each in upscalers] == [("None", 4.0), ("x4", 4.0), ("soft", 4.0)]
    assert lists.loras(has) == [{"name": "ink", "alias": "ink", "path": "ink", "metadata": {}}]
    assert lists.vaes(has) == [{"model_name": "ft", "filename": "ft"}]
    assert list(lists.embeddings(has)["loaded"]) == ["easy"]  # type: ignore[arg-type]
    assert lists.styles({"film": Style("film", "p", "n")}) == [{"name": "film", "prompt": "p", "negative_prompt": "n"}]
    assert lists.scripts(has)["txt2img"] == ["controlnet"]
    assert lists.scripts(offer([]))["txt2img"] == []
    assert lists.controls(has.controls) == {"model_list": ["control_canny"]}


def test_memory_is_that_of_all_accelerators() -> None:
    cuda: Any = lists.memory([Memory(10, 4, 1), Memory(20, 5)])["cuda"]
    assert (cuda["system"], cuda["active"]["current"]) == ({"free": 9, "used": 21, "total": 30}, 1)
    nothing: Any = lists.memory([])["cuda"]
    assert "error" in nothing


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (e.NotFound("Model not found"), 404, "HTTPException"),
        (e.Forbidden("no"), 403, "HTTPException"),
        (e.NodeFailed("it broke", node="n"), 500, "RuntimeError"),
        (e.OutOfMemory("no room", node="n"), 500, "OutOfMemoryError"),
        (e.PotluckError("bug"), 500, "HTTPException"),
    ],
)
def test_errors_have_a1111s_shape(error: e.PotluckError, status: int, kind: str) -> None:
    reply = write_error(error, "r1")
    assert (reply.status, told(reply.body)["error"], set(told(reply.body))) == (
        status,
        kind,
        {"error", "detail", "body", "errors"},
    )
    assert error.message in told(reply.body)["errors"]


def test_fields_are_named_as_fastapi_names_them() -> None:
    reply = write_error(e.BadRequest("Too many.", param="steps"), "r1")
    assert (reply.status, told(reply.body)) == (
        422,
        {"detail": [{"type": "value_error", "loc": ["body", "steps"], "msg": "Too many."}]},
    )
    assert told(write_error(e.BadRequest("No."), "r1").body)["detail"][0]["loc"] == ["body"]


def test_headers_say_what_to_do() -> None:
    assert dict(write_error(e.Unauthenticated(), "r1").headers)["www-authenticate"].startswith("Basic realm=")
    assert dict(write_error(e.RateLimited("Later.", retry_after_s=1.5), "r1").headers)["retry-after"] == "2"
    assert dict(write_error(e.MethodNotAllowed("PUT", ["GET"]), "r1").headers)["allow"] == "GET"
