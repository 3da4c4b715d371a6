"""What people choose from is what all engines have, with where it is."""

from __future__ import annotations

from potluck.core.model import EngineKind, NodeId
from potluck.core.pictures.ask import ControlKind
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, ControlModel, Extra, Family, Upscaler
from potluck.core.pictures.offer import Offer, Offered, offer

ONE, TWO = NodeId("one"), NodeId("two")


def test_the_same_thing_on_two_nodes_is_offered_once() -> None:
    one = Catalogue(
        EngineKind.COMFYUI,
        checkpoints=(Checkpoint("SDXL", "sdxl.safetensors", Family.SDXL), Checkpoint("flux", "flux.gguf", Family.FLUX)),
        loras=(Extra("ink", "styles/ink.safetensors"),),
        upscalers=(Upscaler("x4", "x4.pth"),),
        controls=(ControlModel("union", "union", frozenset({ControlKind.POSE}), Family.SDXL),),
        samplers=("dpmpp_2m", "euler", "new_thing"),
        schedulers=("karras",),
        workflows=frozenset({"b", "a"}),
    )
    two = Catalogue(
        EngineKind.A1111,
        checkpoints=(Checkpoint("sdxl", "sdxl.safetensors [31e35c80fc]", Family.SDXL, hash="31e35c80fc", loaded=True),),
        vaes=(Extra("ft", "ft.pt"),),
        embeddings=(Extra("easy", "easy.pt"),),
        upscalers=(Upscaler("x4", "x4", 4.0), Upscaler("x2", "x2", 2.0)),
        controls=(ControlModel("UNION", "union", frozenset({ControlKind.CANNY, ControlKind.POSE}), Family.SDXL),),
        samplers=("DPM++ 2M", "Euler a"),
        schedulers=("Karras", "Automatic"),
    )
    both = offer([(ONE, one), (TWO, two)])
    assert both.checkpoints == (
        Offered("SDXL", (ONE, TWO), about="sdxl", hash="31e35c80fc", loaded=(TWO,)),
        Offered("flux", (ONE,), about="flux"),
    )
    assert both.loras == (Offered("ink", (ONE,)),)
    assert (both.vaes, both.embeddings) == ((Offered("ft", (TWO,)),), (Offered("easy", (TWO,)),))
    assert both.upscalers == (Offered("x4", (ONE, TWO), scale=4.0), Offered("x2", (TWO,), scale=2.0))
    assert both.controls == (Offered("union", (ONE, TWO), about="sdxl", kinds=("pose", "canny")),)
    assert [(each.name, each.label, each.nodes) for each in both.samplers] == [
        ("dpmpp_2m", "DPM++ 2M", (ONE, TWO)),
        ("euler", "Euler", (ONE,)),
        ("new_thing", "new_thing", (ONE,)),
        ("euler_ancestral", "Euler a", (TWO,)),
    ]
    assert [each.name for each in both.schedulers] == ["karras", "Automatic"]
    assert [each.name for each in both.workflows] == ["a", "b"]
    twice = offer([(ONE, two), (TWO, two)])
    assert twice.upscalers[0].nodes == (ONE, TWO)
    assert twice.checkpoints[0].loaded == (ONE, TWO)


def test_no_engine_offers_nothing() -> None:
    assert offer([]) == Offer()
