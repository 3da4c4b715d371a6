from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from potluck.core.errors import BadRequest
from potluck.core.model import EngineKind
from potluck.core.pictures.ask import ImageId, Inpaint, PictureAsk
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, Extra
from potluck.wire.comfyui.workflows import Place, filled_workflow, read_workflow

IMAGE, MASK = ImageId("file-a"), ImageId("file-m")
HAS = Catalogue(
    EngineKind.COMFYUI,
    checkpoints=(Checkpoint("xl", "xl.safetensors"),),
    vaes=(Extra("ft", "ft.pt"),),
    samplers=("euler",),
    schedulers=("karras",),
)
EXPORTED = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "old.safetensors"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "old", "clip": ["1", 1]}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad", "clip": ["1", 1]}},
    "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    "5": {"class_type": "FluxGuidance", "inputs": {"conditioning": ["2", 0], "guidance": 3.5}},
    "6": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["1", 0],
            "positive": ["5", 0],
            "negative": ["3", 0],
            "latent_image": ["4", 0],
            "seed": 1,
            "steps": 20,
            "cfg": 8.0,
            "sampler_name": "ddim",
            "scheduler": ["9", 0],
            "denoise": 0.5,
        },
    },
    "7": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "8": {"class_type": "LoadImage", "inputs": {"image": "m.png"}, "_meta": {"title": "The Mask"}},
    "10": {"class_type": "SaveImage", "inputs": {"images": ["6", 0]}},
}


def exported(**nodes: object) -> bytes:
    return msgspec.json.encode({**EXPORTED, **nodes})


ASK = PictureAsk(
    prompt="new",
    negative="worse",
    width=512,
    height=768,
    steps=9,
    cfg=2.0,
    sampler="euler",
    scheduler="karras",
    seed=7,
    model="xl",
    vae="ft",
    init=IMAGE,
    denoise=0.3,
    inpaint=Inpaint(MASK),
)
FILES = {IMAGE: "a [temp]", MASK: "m [temp]"}


def test_parameters_are_inferred_from_the_sampler() -> None:
    graph, lost = filled_workflow(read_workflow(exported()), ASK, HAS, FILES)
    assert graph["2"]["inputs"]["text"] == "new"  # type: ignore[index, call-overload]
    assert graph["3"]["inputs"]["text"] == "worse"  # type: ignore[index, call-overload]
    assert graph["4"]["inputs"] == {"width": 512, "height": 768, "batch_size": 1}
    sampler = graph["6"]["inputs"]
    assert isinstance(sampler, dict)
    assert {key: sampler[key] for key in ("seed", "steps", "cfg", "sampler_name", "denoise")} == {
        "seed": 7,
        "steps": 9,
        "cfg": 2.0,
        "sampler_name": "euler",
        "denoise": 0.3,
    }
    assert sampler["scheduler"] == ["9", 0]
    assert graph["7"]["inputs"] == {"image": "a [temp]"}
    assert graph["8"]["inputs"] == {"image": "m [temp]"}
    assert graph["1"]["inputs"] == {"ckpt_name": "xl.safetensors"}
    assert set(lost) == {"scheduler", "vae"}


def test_what_an_ask_leaves_open_stays_as_it_was_exported() -> None:
    graph, lost = filled_workflow(read_workflow(exported()), PictureAsk(prompt="new"), HAS, {})
    assert graph["1"] == EXPORTED["1"]
    assert graph["6"] == EXPORTED["6"]
    assert lost == ()


def test_a_title_marks_what_a_node_takes() -> None:
    marked = {"class_type": "StringConstant", "inputs": {"string": ""}, "_meta": {"title": "Potluck: prompt"}}
    named = {"class_type": "Odd", "inputs": {"amount": 1}, "_meta": {"title": "potluck: seed=amount potluck: nothing"}}
    wrong = {"class_type": "Odd", "inputs": {"other": 1}, "_meta": {"title": "potluck: steps"}}
    workflow = read_workflow(exported(a=marked, b=named, c=wrong))
    assert workflow.places["prompt"] == (Place("a", "string"),)
    assert workflow.places["seed"] == (Place("b", "amount"),)
    assert workflow.places["steps"] == (Place("6", "steps"),)


def test_newer_workflows_put_their_sampler_together() -> None:
    parts = {
        "1": {"class_type": "RandomNoise", "inputs": {"noise_seed": 1}},
        "2": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "3": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 20, "denoise": 1.0}},
        "4": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux"}},
        "5": {"class_type": "LoadImageMask", "inputs": {"image": "m.png"}},
        "6": {"class_type": "KSampler", "inputs": {"positive": ["7", 0], "negative": "?", "seed": 1, "denoise": 1}},
        "7": {"class_type": "Odd", "inputs": {"positive": ["7", 0]}, "_meta": 7},
    }
    places = read_workflow(msgspec.json.encode(parts)).places
    assert places["seed"] == (Place("1", "noise_seed"), Place("6", "seed"))
    assert {"sampler", "scheduler", "steps", "denoise", "model", "mask"} <= places.keys()
    assert "prompt" not in places


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"nodes": [], "links": []}',
        b'{"1": {"inputs": {}}}',
        b'{"1": {"class_type": "A", "inputs": []}}',
        b" " * (4 * 2**20 + 1),
        msgspec.json.encode({str(i): {"class_type": "A", "inputs": {}} for i in range(1001)}),
    ],
)
def test_what_is_no_exported_workflow_is_refused_with_a_remedy(data: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        read_workflow(data)
    assert "Export" in refused.value.hint


def test_the_workflow_itself_is_never_changed() -> None:
    workflow = read_workflow(exported())
    filled_workflow(workflow, ASK, HAS, FILES)
    assert workflow.graph == EXPORTED
    assert replace(ASK, seed=-1).seed == -1
