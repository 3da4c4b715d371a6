from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core.model import EngineKind
from potluck.core.pictures.ask import Control, ControlKind, Hires, ImageId, Lora, PictureAsk, Task, Upscale
from potluck.core.pictures.catalogue import (
    Catalogue,
    Checkpoint,
    Extra,
    Family,
    Feature,
    Upscaler,
    control_model,
)
from potluck.core.pictures.fitting import engine_sampler, engine_scheduler, filled, lacks

IMAGE = ImageId("file-a")
PLAIN = PictureAsk(prompt="a cat")
XL = Checkpoint("xl", "xl.safetensors", Family.SDXL)
HAS = Catalogue(
    EngineKind.COMFYUI,
    checkpoints=(XL,),
    loras=(Extra("pixel", "pixel.safetensors"),),
    vaes=(Extra("ft", "ft.pt"),),
    upscalers=(Upscaler("4x", "4x.pth"),),
    controls=(control_model("xl-canny.safetensors"),),
    preprocessors={ControlKind.CANNY: "Canny"},
    samplers=("euler", "dpmpp_2m"),
    schedulers=("normal", "karras", "simple"),
    features=frozenset(Feature),
    nodes=frozenset({"KSampler"}),
    workflows=frozenset({"mine"}),
)
BARE = Catalogue(EngineKind.A1111, most_pixels=1_000_000)
CANNY = Control(ControlKind.CANNY, IMAGE)


@pytest.mark.parametrize(
    "ask",
    [
        PLAIN,
        replace(PLAIN, sampler="euler", scheduler="simple", loras=(Lora("pixel"),), vae="ft", controls=(CANNY,)),
        replace(PLAIN, tiling=True, restore_faces=True, hires=Hires(upscaler="4x"), clip_skip=2),
        replace(PLAIN, workflow="mine"),
        PictureAsk(task=Task.UPSCALE, init=IMAGE, upscale=Upscale()),
        replace(PLAIN, controls=(replace(CANNY, preprocess=False),)),
    ],
)
def test_an_engine_that_has_all_takes_it(ask: PictureAsk) -> None:
    assert lacks(ask, HAS, nodes=frozenset({"KSampler"})) == ()


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (PLAIN, "has no model"),
        (replace(PLAIN, model="xl"), "has no model xl"),
        (replace(PLAIN, loras=(Lora("pixel"),)), "has no LoRA pixel"),
        (replace(PLAIN, vae="ft"), "has no VAE ft"),
        (replace(PLAIN, controls=(CANNY,)), "has no ControlNet for canny"),
        (replace(PLAIN, controls=(replace(CANNY, model="big"),)), "has no ControlNet big"),
        (replace(PLAIN, controls=(CANNY,)), "cannot use ControlNet"),
        (replace(PLAIN, hires=Hires(upscaler="4x")), "has no upscaler 4x"),
        (PictureAsk(task=Task.UPSCALE, init=IMAGE, upscale=Upscale()), "has no upscaler"),
        (replace(PLAIN, sampler="euler"), "has no sampler Euler"),
        (replace(PLAIN, tiling=True), "cannot draw tiles"),
        (replace(PLAIN, workflow="mine"), "runs no workflows"),
        (replace(PLAIN, width=1024, height=1024), "draws no more than 1.0 megapixels"),
        (replace(PLAIN, width=512, height=512, hires=Hires(2.0)), "draws no more than 1.0 megapixels"),
    ],
)
def test_an_engine_that_lacks_something_says_what(ask: PictureAsk, reason: str) -> None:
    assert reason in lacks(ask, BARE)


def test_what_is_missing_in_an_engine_that_has_the_rest_is_told() -> None:
    assert lacks(replace(PLAIN, workflow="other"), HAS) == ("has no workflow other",)
    assert lacks(PLAIN, HAS, nodes=frozenset({"CannyEdge", "A"})) == ("lacks the node A, CannyEdge",)
    assert lacks(replace(PLAIN, scheduler="beta"), HAS) == ("has no scheduler Beta",)
    depth = Control(ControlKind.DEPTH, IMAGE, model="xl-canny")
    assert lacks(replace(PLAIN, controls=(depth,)), HAS) == ("has no preprocessor for depth",)
    scribble = Control(ControlKind.SCRIBBLE, IMAGE, model="xl-canny")
    assert lacks(replace(PLAIN, controls=(scribble,)), HAS) == (), "that map is made here"


def test_a_build_of_old_has_samplers_whose_names_hold_the_scheduler() -> None:
    old = Catalogue(EngineKind.A1111, checkpoints=(XL,), samplers=("Euler a", "DPM++ 2M", "DPM++ 2M Karras"))
    ask = replace(PLAIN, sampler="dpmpp_2m", scheduler="karras")
    assert lacks(ask, old) == ()
    assert engine_sampler(ask, old) == "DPM++ 2M Karras"
    assert engine_sampler(replace(ask, scheduler="simple"), old) == "DPM++ 2M"
    assert engine_scheduler(ask, old) == ""


def test_engines_are_spoken_to_in_their_own_words() -> None:
    new = Catalogue(EngineKind.A1111, samplers=("Euler", "DPM++ 2M"), schedulers=("automatic", "karras"))
    ask = replace(PLAIN, sampler="dpmpp_2m", scheduler="karras")
    assert (engine_sampler(ask, new), engine_scheduler(ask, new)) == ("DPM++ 2M", "karras")


def test_what_an_ask_leaves_open_is_the_familys() -> None:
    ask, found = filled(PLAIN, HAS)
    assert found == XL
    assert (ask.model, ask.width, ask.height, ask.steps, ask.cfg) == ("xl", 1024, 1024, 25, 6.0)
    assert (ask.sampler, ask.scheduler) == ("dpmpp_2m", "karras")


def test_what_is_drawn_over_an_image_has_its_size() -> None:
    ask, _ = filled(replace(PLAIN, task=Task.IMG2IMG, init=IMAGE), HAS)
    assert (ask.width, ask.height) == (0, 0)


def test_what_an_ask_says_stays() -> None:
    said = replace(PLAIN, width=512, height=768, steps=9, cfg=2.0, sampler="euler", model="XL")
    ask, _ = filled(said, HAS)
    assert ask == replace(said, model="xl", scheduler="normal")
    assert filled(replace(said, scheduler="simple"), HAS)[0].scheduler == "simple"


def test_nothing_is_filled_in_where_nothing_is_drawn() -> None:
    upscale = PictureAsk(task=Task.UPSCALE, init=IMAGE, upscale=Upscale())
    assert filled(upscale, HAS) == (upscale, None)
    assert filled(PLAIN, BARE) == (PLAIN, None)
