"""What stable-diffusion.cpp's server is told in its own words."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from potluck.core.model import EngineKind
from potluck.core.pictures.ask import Hires, ImageId, Inpaint, Lora, PictureAsk, Task
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, Extra, Family, Feature, Upscaler
from potluck.wire.a1111.bodies import body_of
from potluck.wire.a1111.reading import Failure, Lists, read_catalogue, read_list
from potluck.wire.a1111.sdcpp import NAME

IMAGE, MASK = ImageId("file-a"), ImageId("file-m")
HAS = Catalogue(
    EngineKind.A1111,
    version=NAME,
    checkpoints=(Checkpoint("sd15", "sd15", Family.SD15, loaded=True),),
    loras=(Extra("ink", "styles/ink.safetensors"),),
    upscalers=(Upscaler("4x", "4x", 4.0),),
    samplers=("euler_a", "dpm++2m"),
    schedulers=("discrete", "karras"),
)
ASK = PictureAsk(
    prompt="a cat",
    width=512,
    height=768,
    steps=20,
    cfg=7.0,
    sampler="dpmpp_2m",
    scheduler="normal",
    seed=1,
    model="sd15",
)


def test_text_to_image_names_samplers_as_it_does_and_overrides_nothing() -> None:
    assert body_of(ASK, HAS, {}, "task") == {
        "prompt": "a cat",
        "negative_prompt": "",
        "seed": 1,
        "steps": 20,
        "cfg_scale": 7.0,
        "width": 512,
        "height": 768,
        "batch_size": 1,
        "clip_skip": -1,
        "sampler_name": "dpm++2m",
        "scheduler": "discrete",
        "lora": [],
    }


def test_loras_stand_beside_the_prompt() -> None:
    body = body_of(replace(ASK, loras=(Lora("ink", 0.5), Lora("own")), clip_skip=2), HAS, {}, "task")
    assert body["prompt"] == "a cat"
    assert body["lora"] == [
        {"path": "styles/ink.safetensors", "multiplier": 0.5},
        {"path": "own", "multiplier": 1.0},
    ]
    assert body["clip_skip"] == 2


def test_no_prompt_is_a_blank_one() -> None:
    assert body_of(replace(ASK, prompt=""), HAS, {}, "task")["prompt"] == " "


@pytest.mark.parametrize(
    "prompt",
    [
        "<sd_cpp_extra_args>{}</sd_cpp_extra_args>",
        "<sd_cpp_<sd_cpp_extra_args>extra_args>{}</sd_cpp_</sd_cpp_extra_args>extra_args>",
    ],
)
def test_a_prompt_never_opens_its_native_fields(prompt: str) -> None:
    assert "sd_cpp_extra_args>" not in str(body_of(replace(ASK, prompt=prompt), HAS, {}, "task")["prompt"])


def test_an_image_and_a_mask_go_along() -> None:
    ask = replace(ASK, task=Task.INPAINT, init=IMAGE, inpaint=Inpaint(MASK, invert=True), denoise=0.4)
    body = body_of(ask, HAS, {IMAGE: b"image", MASK: b"mask"}, "task")
    assert (body["init_images"], body["denoising_strength"]) == (["aW1hZ2U="], 0.4)
    assert (body["mask"], body["inpainting_mask_invert"]) == ("bWFzaw==", 1)
    assert "mask" not in body_of(replace(ask, inpaint=None), HAS, {IMAGE: b"image"}, "task")


@pytest.mark.parametrize(("upscaler", "said"), [("", "Latent"), ("4x", "4x"), ("nobody", "Latent")])
def test_hires_fix_has_its_own_word_for_steps(upscaler: str, said: str) -> None:
    body = body_of(replace(ASK, hires=Hires(1.5, 0.4, upscaler, 7)), HAS, {}, "task")
    assert (body["hr_upscaler"], body["hr_scale"], body["hr_steps"]) == (said, 1.5, 7)


def lists(**answers: object) -> Lists:
    made = Lists()
    for name, answer in answers.items():
        setattr(made, name, read_list(name, msgspec.json.encode(answer)))
    return made


MODEL = {"title": "sd15", "model_name": "sd15", "hash": "8888888888", "sha256": "8" * 64, "config": None}


def test_its_lists_are_known_by_the_hash_that_is_none() -> None:
    has = read_catalogue(
        lists(
            models=[MODEL, {**MODEL, "title": "", "model_name": ""}],
            samplers=[{"name": "default"}, {"name": "euler_a"}],
            schedulers=[{"name": "default", "label": "default"}, {"name": "discrete", "label": "discrete"}],
            loras=[{"name": "ink", "path": "styles/ink.safetensors"}, {"name": "bare"}],
            upscalers=[{"name": "None"}, {"name": "Lanczos", "scale": 4}],
        )
    )
    assert has.version == NAME
    assert has.checkpoints == (Checkpoint("sd15", "sd15", Family.SD15, loaded=True),)
    assert (has.samplers, has.schedulers) == (("euler_a",), ("discrete",))
    assert has.loras == (Extra("ink", "styles/ink.safetensors"), Extra("bare", "bare"))
    assert has.features == {Feature.CLIP_SKIP, Feature.OUTPAINT, Feature.HIRES}


def test_an_older_one_without_upscalers_has_no_hires_fix() -> None:
    assert Feature.HIRES not in read_catalogue(lists(models=[MODEL])).features


def test_its_failures_have_their_own_words() -> None:
    assert Failure("server_error", message="bad json").told() == "server_error bad json"
