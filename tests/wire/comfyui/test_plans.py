from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.backends.images.templates import templates
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
    Loader,
    Upscaler,
    control_model,
)
from potluck.wire.comfyui.graphs import Template, Use, classes_of, put_together, read_template
from potluck.wire.comfyui.plans import Missing, plan, steps_of

IMAGE, MASK = ImageId("file-a"), ImageId("file-m")
FILES = {IMAGE: "potluck/a.png [temp]", MASK: "potluck/m.png [temp]"}


def has(family: Family, loader: Loader = Loader.CHECKPOINT, **more: object) -> Catalogue:
    plain = Catalogue(
        EngineKind.COMFYUI,
        checkpoints=(Checkpoint("model", "model.safetensors", family, loader),),
        loras=(Extra("ink", "ink.safetensors"),),
        vaes=(Extra("ft", "ft.pt"),),
        upscalers=(Upscaler("Lanczos", "lanczos", 1.0), Upscaler("4x", "4x.pth", 4.0)),
        controls=(control_model("canny.pth"), control_model("union.safetensors")),
        preprocessors={ControlKind.CANNY: "Canny", ControlKind.DEPTH: "DepthAnythingV2Preprocessor"},
        samplers=("euler",),
        schedulers=("normal",),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


ASK = PictureAsk(
    prompt="a cat",
    negative="fog",
    width=512,
    height=768,
    steps=20,
    cfg=7.0,
    sampler="euler",
    scheduler="normal",
    seed=1,
)
SD15 = has(Family.SD15)


def uses(ask: PictureAsk, on: Catalogue = SD15) -> list[str]:
    return [use.template for use in plan(ask, on, FILES)]


def inputs(ask: PictureAsk, kind: str, on: Catalogue = SD15) -> dict[str, object]:
    graph = put_together(plan(ask, on, FILES), templates())
    found = [node["inputs"] for node in graph.values() if node["class_type"] == kind]
    assert isinstance(found[-1], dict)
    return dict(found[-1])


def test_text_to_image_is_a_chain_from_the_checkpoint_to_the_picture() -> None:
    assert uses(ASK) == ["checkpoint", "prompts", "empty", "sample", "decode", "preview"]
    sampled = inputs(ASK, "KSampler")
    assert (sampled["seed"], sampled["steps"], sampled["cfg"], sampled["denoise"]) == (1, 20, 7.0, 1.0)
    assert inputs(ASK, "EmptyLatentImage") == {"width": 512, "height": 768, "batch_size": 1}


def test_loras_are_a_chain_and_clip_is_skipped_before() -> None:
    ask = replace(ASK, loras=(Lora("ink", 0.5), Lora("ink", 1)), clip_skip=2, vae="ft")
    assert uses(ask)[:6] == ["checkpoint", "vae", "clip-skip", "lora", "lora", "prompts"]
    graph = put_together(plan(ask, SD15, FILES), templates())
    first, second = (id_ for id_, node in graph.items() if node["class_type"] == "LoraLoader")
    second_inputs = graph[second]["inputs"]
    assert isinstance(second_inputs, dict)
    assert second_inputs["model"] == [first, 0]
    assert inputs(ask, "CLIPSetLastLayer")["stop_at_clip_layer"] == -2


def test_what_is_drawn_over_an_image_takes_its_share_of_the_steps() -> None:
    ask = replace(ASK, task=Task.IMG2IMG, init=IMAGE, denoise=0.5)
    assert uses(ask) == ["checkpoint", "prompts", "init", "sample", "decode", "preview"]
    assert (inputs(ask, "KSampler")["steps"], inputs(ask, "KSampler")["denoise"]) == (10, 0.5)
    assert steps_of(20, 0.01) == 1


@pytest.mark.parametrize(("content", "template"), [(Masked.ORIGINAL, "inpaint"), (Masked.NOISE, "inpaint-empty")])
def test_inpainting_puts_back_what_is_not_masked(content: Masked, template: str) -> None:
    ask = replace(ASK, task=Task.INPAINT, init=IMAGE, inpaint=Inpaint(MASK, content=content))
    assert uses(ask) == ["checkpoint", "prompts", "mask-soft", template, "sample", "decode", "paste", "preview"]
    hard = replace(ask, inpaint=Inpaint(MASK, blur=0, content=content))
    assert uses(hard)[2] == "mask"
    far = inputs(replace(ask, inpaint=Inpaint(MASK, blur=64, content=content)), "ImageBlur")
    assert (far["blur_radius"], far["sigma"]) == (31, 10.0)


@pytest.mark.parametrize(
    ("upscaler", "way"),
    [
        ("", ["enlarge-latent"]),
        ("Latent", ["enlarge-latent"]),
        ("Lanczos", ["decode", "enlarge", "encode"]),
        ("4x", ["decode", "enlarge-by-model", "encode"]),
    ],
)
def test_hires_fix_draws_again_over_the_enlarged_picture(upscaler: str, way: list[str]) -> None:
    ask = replace(ASK, hires=Hires(1.5, 0.5, upscaler))
    assert uses(ask)[3:] == ["sample", *way, "sample", "decode", "preview"]
    assert inputs(ask, "KSampler")["steps"] == 10


def test_upscaling_draws_nothing() -> None:
    ask = PictureAsk(task=Task.UPSCALE, init=IMAGE, width=100, height=50, upscale=Upscale(2.0))
    assert uses(ask) == ["image", "enlarge-by-model", "preview"]
    assert inputs(ask, "ImageScale")["width"] == 200
    assert uses(replace(ask, upscale=Upscale(2.0, "Lanczos"))) == ["image", "enlarge", "preview"]
    for upscale in (Upscale(2.0, "nobody"), None):
        with pytest.raises(Missing, match="no upscaler"):
            plan(replace(ask, upscale=upscale), has(Family.SD15, upscalers=()), FILES)


@pytest.mark.parametrize(
    ("unit", "way"),
    [
        (Control(ControlKind.CANNY, IMAGE), ["map-canny", "control"]),
        (Control(ControlKind.DEPTH, IMAGE), ["map-made", "control-union"]),
        (Control(ControlKind.POSE, IMAGE, preprocess=False), ["map", "control-union"]),
    ],
)
def test_a_control_unit_is_a_map_and_what_it_is_applied_to(unit: Control, way: list[str]) -> None:
    assert uses(replace(ASK, controls=(unit,)))[2:4] == way


def test_flux_knows_guidance_and_no_negative_prompt() -> None:
    flux = has(Family.FLUX)
    assert uses(ASK, flux) == ["checkpoint", "prompts-flux", "empty-16", "sample", "decode", "preview"]
    assert inputs(ASK, "FluxGuidance", flux)["guidance"] == 3.5


ENCODERS = tuple(Extra(name, f"{name}.safetensors") for name in ("clip_l", "clip_g", "t5xxl"))


def test_a_diffusion_model_alone_is_given_encoders_and_a_vae() -> None:
    flux = has(Family.FLUX, Loader.DIFFUSION, encoders=ENCODERS, vaes=(Extra("ae", "ae.safetensors"),))
    assert uses(ASK, flux)[:3] == ["diffusion-model", "encoders-two", "vae"]
    named = has(Family.FLUX, Loader.DIFFUSION, encoders=ENCODERS, vaes=(Extra("flux-vae", "flux-vae.safetensors"),))
    assert inputs(ASK, "VAELoader", named)["vae_name"] == "flux-vae.safetensors"
    sd3 = has(Family.SD3, Loader.DIFFUSION, encoders=ENCODERS, vaes=(Extra("sd3", "sd3.safetensors"),))
    assert uses(ASK, sd3)[:4] == ["diffusion-model", "encoders-three", "vae", "shift"]


def test_a_checkpoint_of_sd3_may_bring_its_encoders_or_not() -> None:
    assert uses(ASK, has(Family.SD3, encoders=ENCODERS))[:2] == ["checkpoint", "encoders-three"]
    assert uses(ASK, has(Family.SD3))[:2] == ["checkpoint", "shift"]
    named = Checkpoint("sd3_incl_clips", "sd3_incl_clips.safetensors", Family.SD3)
    assert uses(ASK, has(Family.SD3, encoders=ENCODERS, checkpoints=(named,)))[:2] == ["checkpoint", "shift"]


@pytest.mark.parametrize(
    ("ask", "on", "reason"),
    [
        (ASK, has(Family.SD15, checkpoints=()), "no model"),
        (ASK, has(Family.FLUX, Loader.DIFFUSION, vaes=(Extra("ae", "ae"),)), "no text encoders"),
        (ASK, has(Family.FLUX, Loader.DIFFUSION, encoders=ENCODERS), "no VAE"),
        (replace(ASK, loras=(Lora("nobody"),)), SD15, "no LoRA nobody"),
        (replace(ASK, controls=(Control(ControlKind.CANNY, IMAGE),)), has(Family.SD15, controls=()), "no ControlNet"),
    ],
)
def test_what_a_graph_would_need_and_is_not_there_is_told(ask: PictureAsk, on: Catalogue, reason: str) -> None:
    with pytest.raises(Missing, match=reason):
        plan(ask, on, FILES)


def test_a_prompt_is_never_taken_for_a_parameter() -> None:
    graph = put_together(plan(replace(ASK, prompt="$seed", negative="<model"), SD15, FILES), templates())
    texts = [node["inputs"]["text"] for node in graph.values() if node["class_type"] == "CLIPTextEncode"]  # type: ignore[index, call-overload]
    assert texts == ["$seed", "<model"]


def test_a_plan_that_does_not_hold_together_is_no_graph() -> None:
    with pytest.raises(ValueError, match="nothing gives latent, vae"):
        put_together([Use("decode")], templates())
    with pytest.raises(ValueError, match="file is 7"):
        put_together([Use("checkpoint", {"file": 7})], templates())
    with pytest.raises(ValueError, match="file is None"):
        put_together([Use("checkpoint")], templates())


def test_every_template_takes_what_it_uses_and_gives_what_it_has() -> None:
    for name, template in templates().items():
        assert template.about, name
        text = str([node.inputs for node in template.graph.values()])
        assert all(f"'<{port}'" in text for port in template.takes), name
        assert all(f"${each}" in text + str(template.graph) for each in template.parameters), name
        assert all(node in template.graph for node, _ in template.gives.values()), name


def test_classes_of_a_graph_are_counted_once() -> None:
    template = read_template(b'{"graph": {"a": {"class_type": "X", "inputs": {"n": 1}}}}')
    assert isinstance(template, Template)
    assert classes_of(put_together([Use("x"), Use("x")], {"x": template})) == {"X"}
