from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from potluck.core.model import EngineKind
from potluck.core.pictures.ask import (
    Control,
    ControlKind,
    Hires,
    ImageId,
    Inpaint,
    Lora,
    Masked,
    PictureAsk,
    Task,
    Upscale,
)
from potluck.core.pictures.catalogue import (
    Catalogue,
    Checkpoint,
    Extra,
    Family,
    Feature,
    Memory,
    Upscaler,
    control_model,
)
from potluck.wire.a1111.bodies import ENLARGE, IMAGE_TO_IMAGE, TEXT_TO_IMAGE, body_of, path_of
from potluck.wire.a1111.reading import (
    PATHS,
    Answer,
    Failure,
    Lists,
    MemoryAnswer,
    ProgressAnswer,
    read_catalogue,
    read_list,
    read_memory,
)

IMAGE, MASK = ImageId("file-a"), ImageId("file-m")
IMAGES = {IMAGE: b"image", MASK: b"mask"}
HAS = Catalogue(
    EngineKind.A1111,
    checkpoints=(Checkpoint("xl", "xl.safetensors [abc]", Family.SDXL),),
    loras=(Extra("ink", "Ink"),),
    vaes=(Extra("ft", "ft.pt"),),
    upscalers=(Upscaler("4x", "4x", 4.0),),
    controls=(control_model("canny [1234abcd]"),),
    preprocessors={ControlKind.CANNY: "canny"},
    samplers=("DPM++ 2M",),
    schedulers=("automatic", "karras"),
)
ASK = PictureAsk(
    prompt="a cat", width=512, height=768, steps=20, cfg=7.0, sampler="dpmpp_2m", scheduler="karras", seed=1, model="xl"
)


def test_text_to_image_says_everything_that_the_last_job_may_have_changed() -> None:
    body = body_of(ASK, HAS, {}, "task")
    assert path_of(ASK) == TEXT_TO_IMAGE
    assert body["sampler_name"] == "DPM++ 2M"
    assert body["scheduler"] == "karras"
    assert body["override_settings"] == {
        "sd_vae": "Automatic",
        "CLIP_stop_at_last_layers": 1,
        "randn_source": "CPU",
        "sd_model_checkpoint": "xl.safetensors [abc]",
    }
    assert body["force_task_id"] == "task"
    assert "init_images" not in body
    assert "enable_hr" not in body


def test_an_engine_without_schedulers_is_told_none_and_one_without_models_keeps_its_own() -> None:
    bare = Catalogue(EngineKind.A1111, samplers=("DPM++ 2M Karras",))
    body = body_of(replace(ASK, vae="ft"), bare, {}, "task")
    assert body["sampler_name"] == "DPM++ 2M Karras"
    assert "scheduler" not in body
    settings = body["override_settings"]
    assert isinstance(settings, dict)
    assert "sd_model_checkpoint" not in settings


def test_loras_stand_in_the_prompt() -> None:
    ask = replace(ASK, loras=(Lora("ink", 0.5), Lora("own")), vae="ft", clip_skip=2)
    body = body_of(ask, HAS, {}, "task")
    assert body["prompt"] == "a cat <lora:Ink:0.5> <lora:own:1>"
    assert body["override_settings"] == {
        "sd_vae": "ft.pt",
        "CLIP_stop_at_last_layers": 2,
        "randn_source": "CPU",
        "sd_model_checkpoint": "xl.safetensors [abc]",
    }


def test_an_image_and_a_mask_go_along() -> None:
    masked = Inpaint(MASK, blur=3, content=Masked.NOISE, only_masked=True, padding=8)
    ask = replace(ASK, task=Task.INPAINT, init=IMAGE, inpaint=masked, denoise=0.4)
    body = body_of(ask, HAS, IMAGES, "task")
    assert path_of(ask) == IMAGE_TO_IMAGE
    assert (body["init_images"], body["mask"], body["inpainting_fill"]) == (["aW1hZ2U="], "bWFzaw==", 2)
    assert (body["mask_blur"], body["inpaint_full_res"], body["denoising_strength"]) == (3, True, 0.4)
    assert "mask" not in body_of(replace(ask, inpaint=None), HAS, IMAGES, "task")


@pytest.mark.parametrize(("upscaler", "said"), [("", "Latent"), ("4x", "4x"), ("nobody", "Latent")])
def test_hires_fix_is_the_engines_own(upscaler: str, said: str) -> None:
    body = body_of(replace(ASK, hires=Hires(1.5, 0.4, upscaler, 7)), HAS, {}, "task")
    assert (body["hr_upscaler"], body["hr_scale"], body["denoising_strength"]) == (said, 1.5, 0.4)
    assert body["hr_second_pass_steps"] == 7


def unit_of(control: Control, has: Catalogue = HAS) -> dict[str, object]:
    body = msgspec.to_builtins(body_of(replace(ASK, controls=(control,)), has, IMAGES, "task"))
    unit: dict[str, object] = body["alwayson_scripts"]["controlnet"]["args"][0]
    return unit


def test_control_units_are_the_extensions() -> None:
    unit = unit_of(Control(ControlKind.CANNY, IMAGE, weight=0.5, end=0.8))
    assert (unit["module"], unit["model"], unit["guidance_end"]) == ("canny", "canny [1234abcd]", 0.8)
    assert unit_of(Control(ControlKind.CANNY, IMAGE, preprocess=False))["module"] == "none"
    bare = Catalogue(EngineKind.A1111, samplers=("DPM++ 2M",))
    assert unit_of(Control(ControlKind.POSE, IMAGE, model="own"), bare)["model"] == "own"


def test_flux_is_guided_in_forges_words() -> None:
    flux = replace(HAS, checkpoints=(Checkpoint("xl", "flux", Family.FLUX),))
    assert body_of(ASK, flux, {}, "task")["distilled_cfg_scale"] == 3.5


def test_upscaling_is_the_extras_tab() -> None:
    ask = PictureAsk(task=Task.UPSCALE, init=IMAGE, upscale=Upscale(2.0))
    assert path_of(ask) == ENLARGE
    body = body_of(ask, HAS, IMAGES, "task")
    assert (body["upscaler_1"], body["upscaling_resize"], body["image"]) == ("4x", 2.0, "aW1hZ2U=")
    bare = body_of(replace(ask, upscale=None), replace(HAS, upscalers=()), IMAGES, "task")
    assert (bare["upscaler_1"], bare["upscaling_resize"]) == ("None", 1.0)


# --- lists ------------------------------------------------------------------------------------------------------------


def lists(**answers: object) -> Lists:
    made = Lists()
    for name, answer in answers.items():
        setattr(made, name, read_list(name, msgspec.json.encode(answer)))
    return made


def test_all_lists_together_are_a_catalogue() -> None:
    told = lists(
        models=[
            {
                "title": "xl.safetensors [31e35c80fc]",
                "model_name": "xl",
                "hash": "31e35c80fc",
                "sha256": "31e35c80fc00",
            },
            {"title": "old.ckpt", "model_name": "old", "hash": None, "sha256": "e1441589a6ff"},
            {},
        ],
        samplers=[{"name": "Euler", "aliases": ["k_euler"], "options": {}}, {}],
        schedulers=[{"name": "karras", "label": "Karras"}, {"label": "Beta"}, {}],
        upscalers=[{"name": "None", "scale": 4}, {"name": "Lanczos", "scale": 4}, {"name": "4x", "scale": 4}],
        loras=[{"name": "ink", "alias": "Ink"}],
        vaes=[{"model_name": "ft.pt"}, {"name": "other.pt"}, {}],
        controls={"model_list": ["None", "canny [1234abcd]"]},
        modules={"module_list": ["none", "canny", "depth_midas"]},
        options={"sd_model_checkpoint": "xl.safetensors [31e35c80fc]"},
    )
    told.progress = True
    has = read_catalogue(told)
    assert [(each.name, each.loaded, each.hash) for each in has.checkpoints] == [
        ("xl", True, "31e35c80fc"),
        ("old", False, "e1441589a6"),
    ]
    assert (has.samplers, has.schedulers) == (("Euler",), ("karras", "Beta"))
    best = has.upscaler("")
    assert best is not None
    assert best.name == "4x"
    assert [each.name for each in has.vaes] == ["ft", "other"]
    assert has.preprocessors == {ControlKind.CANNY: "canny", ControlKind.DEPTH: "depth_midas"}
    assert {Feature.PREVIEWS, Feature.CONTROLNET, Feature.VAE, Feature.UPSCALE} <= has.features
    assert PATHS.keys() == {name for name in Lists.__struct_fields__ if name != "progress"}


def test_an_engine_that_serves_little_can_little() -> None:
    has = read_catalogue(lists(models=[{"title": "xl", "model_name": "xl"}]))
    assert not has.checkpoints[0].loaded
    assert not {Feature.PREVIEWS, Feature.CONTROLNET, Feature.VAE, Feature.UPSCALE} & has.features


@pytest.mark.parametrize(
    ("answer", "memory"),
    [
        ({"cuda": {"system": {"free": 4, "total": 8}, "reserved": {"current": 3, "peak": 3}}}, Memory(8, 4, 3)),
        ({"cuda": {"system": {"free": 4, "total": 8}}}, Memory(8, 4, 0)),
        ({"cuda": {"error": "unavailable"}}, None),
        ({"cuda": {"system": {"free": 0, "total": 0}}}, None),
        ({"ram": {}}, None),
    ],
)
def test_memory_is_told_where_there_is_cuda(answer: object, memory: Memory | None) -> None:
    assert read_memory(msgspec.convert(answer, MemoryAnswer)) == memory


def test_an_answers_picture_is_its_first() -> None:
    assert Answer(["a", "b"]).picture == "a"
    assert Answer(image="c").picture == "c"
    assert Answer().picture == ""


def test_progress_says_whether_anything_is_drawn() -> None:
    assert ProgressAnswer().idle
    drawn = msgspec.convert({"progress": 0.5, "state": {"job_count": 1}, "current_task": None}, ProgressAnswer)
    assert not drawn.idle


def test_failures_are_told_in_the_engines_words() -> None:
    told = Failure("OutOfMemoryError", "CUDA out of memory").told()
    assert told == "OutOfMemoryError CUDA out of memory"
    assert "width" in Failure(detail=[{"loc": ["body", "width"]}]).told()
