"""What pictures can be made with, and where."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from potluck.core.model import EngineKind, NodeId
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, Extra, Family, Feature, Memory, Upscaler
from potluck.core.scopes import Scope

from .world import ANNA, World

PATH = "/api/v1/image/models"


@dataclass(frozen=True)
class Painter:
    node: NodeId
    kind: EngineKind
    up: bool = True
    why: str = ""
    has: Catalogue | None = None


COMFYUI = Catalogue(
    EngineKind.COMFYUI,
    "0.3.64",
    checkpoints=(Checkpoint("sdxl", "sdxl.safetensors", Family.SDXL, loaded=True), Checkpoint("flux", "flux.gguf")),
    loras=(Extra("ink", "ink.safetensors"),),
    samplers=("euler",),
    features=frozenset({Feature.PREVIEWS}),
    memory=Memory(8, 3),
)
A1111 = Catalogue(
    EngineKind.A1111,
    checkpoints=(Checkpoint("sdxl", "sdxl.safetensors [ab12cd34ef]", Family.SDXL, hash="ab12cd34ef"),),
    upscalers=(Upscaler("x4", "x4", 4.0),),
    features=frozenset({Feature.UPSCALE}),
)


def world() -> World:
    return World(
        painters=(
            Painter(NodeId("one"), EngineKind.COMFYUI, has=COMFYUI),
            Painter(NodeId("two"), EngineKind.A1111, has=A1111),
            Painter(NodeId("off"), EngineKind.COMFYUI, up=False, why="It does not answer."),
        )
    )


async def test_everything_is_listed_with_the_nodes_where_it_is() -> None:
    told = (await world().ask("GET", PATH)).json()
    unknown = {"label": "", "family": "", "hash": "", "scale": None, "kinds": [], "loaded_on": []}
    assert told["checkpoints"] == [
        {
            **unknown,
            "name": "sdxl",
            "nodes": ["one", "two"],
            "family": "sdxl",
            "hash": "ab12cd34ef",
            "loaded_on": ["one"],
        },
        {**unknown, "name": "flux", "nodes": ["one"], "family": "unknown"},
    ]
    assert told["loras"] == [{**unknown, "name": "ink", "nodes": ["one"]}]
    assert told["samplers"] == [{**unknown, "name": "euler", "nodes": ["one"], "label": "Euler"}]
    assert told["upscalers"] == [{**unknown, "name": "x4", "nodes": ["two"], "scale": 4.0}]
    one, two, off = told["engines"]
    assert (one["kind"], one["version"], one["features"], one["memory_free"]) == ("comfyui", "0.3.64", ["previews"], 3)
    assert (two["memory_total"], two["lacks"]) == (None, [])
    assert (off["up"], off["why"], off["most_pixels"]) == (False, "It does not answer.", None)


async def test_an_engine_says_why_it_cannot_make_something() -> None:
    flux = (await world().ask("GET", f"{PATH}?model=flux")).json()["engines"]
    assert [each["lacks"] for each in flux] == [[], ["has no model flux"], []]
    upscale = (await world().ask("GET", f"{PATH}?task=upscale&upscaler=x4")).json()["engines"]
    assert upscale[0]["lacks"] == ["has no upscaler x4", "cannot upscale"]
    for task in ("img2img", "inpaint", "outpaint"):
        assert (await world().ask("GET", f"{PATH}?task={task}")).status == 200
    assert (await world().ask("GET", f"{PATH}?task=magic")).status == 400


async def test_a_limited_key_sees_its_own_models_alone() -> None:
    limited = replace(ANNA, scope=Scope(models=("flux",)))
    told = (await world().ask("GET", PATH, caller=limited)).json()
    assert [each["name"] for each in told["checkpoints"]] == ["flux"]
