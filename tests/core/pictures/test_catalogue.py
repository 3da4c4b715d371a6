from __future__ import annotations

import pytest

from potluck.core.model import EngineKind
from potluck.core.pictures.ask import ControlKind
from potluck.core.pictures.catalogue import (
    Catalogue,
    Checkpoint,
    Extra,
    Family,
    Upscaler,
    control_model,
    family_of,
    plain_name,
)

XL = Checkpoint("sd_xl_base_1.0", "xl/sd_xl_base_1.0.safetensors [31e35c80fc]", Family.SDXL, hash="31e35c80fc")
OLD = Checkpoint("v1-5-pruned", "v1-5-pruned.ckpt", Family.SD15, sha256="e1441589a6" + "0" * 54, hash="e1441589a6")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("xl\\base.safetensors", "base"),
        ("base.safetensors [31e35c80fc]", "base"),
        ("model", "model"),
        ("sd3.5_large", "sd3.5_large"),
    ],
)
def test_a_name_is_the_file_without_folders_ending_and_hash(file: str, name: str) -> None:
    assert plain_name(file) == name


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("sd_xl_base_1.0", Family.SDXL),
        ("ponyDiffusionV6", Family.SDXL),
        ("v1-5-pruned-emaonly", Family.SD15),
        ("sd-v1-4", Family.SD15),
        ("flux1-dev-fp8", Family.FLUX),
        ("sd3.5_large", Family.SD3),
        ("v2-1_768-ema-pruned", Family.SD2),
        ("dreamshaper_8", Family.UNKNOWN),
    ],
)
def test_a_checkpoints_name_gives_its_family_away(name: str, family: Family) -> None:
    assert family_of(name) is family


@pytest.mark.parametrize(
    "asked", ["sd_xl_base_1.0", "SD_XL_base_1.0.safetensors", XL.file, "31e35c80fc", "sd_xl_base_1.0.safetensors"]
)
def test_a_checkpoint_is_found_under_every_name_that_people_use(asked: str) -> None:
    assert Catalogue(EngineKind.A1111, checkpoints=(OLD, XL)).checkpoint(asked) == XL


def test_a_checkpoint_is_found_by_its_whole_hash_and_not_by_a_name_nobody_has() -> None:
    has = Catalogue(EngineKind.A1111, checkpoints=(OLD, XL))
    assert has.checkpoint(OLD.sha256) == OLD
    assert has.checkpoint("other") is None


def test_without_a_name_what_is_loaded_goes_first() -> None:
    loaded = Checkpoint("b", "b.ckpt", loaded=True)
    assert Catalogue(EngineKind.A1111, checkpoints=(OLD, loaded)).checkpoint("") == loaded
    assert Catalogue(EngineKind.A1111, checkpoints=(OLD, XL)).checkpoint("") == OLD
    assert Catalogue(EngineKind.A1111).checkpoint("") is None


def test_the_largest_upscaler_goes_first() -> None:
    small, large = Upscaler("Lanczos", "Lanczos", 1), Upscaler("R-ESRGAN 4x+", "R-ESRGAN 4x+", 4)
    has = Catalogue(EngineKind.A1111, upscalers=(small, large))
    assert has.upscaler("") == large
    assert has.upscaler("lanczos") == small
    assert Catalogue(EngineKind.A1111).upscaler("") is None


def test_extras_are_found_by_name() -> None:
    lora, vae = Extra("pixel", "styles/pixel.safetensors"), Extra("ft-mse", "ft-mse.pt")
    has = Catalogue(EngineKind.COMFYUI, loras=(lora,), vaes=(vae,))
    assert has.lora("pixel") == lora
    assert has.lora("pix") is None
    assert has.vae("ft-mse.pt") == vae


def test_a_controlnet_is_of_the_checkpoints_family() -> None:
    files = ("control_v11p_sd15_canny.pth", "diffusers_xl_depth_full.safetensors", "openpose.pth")
    has = Catalogue(EngineKind.COMFYUI, controls=tuple(map(control_model, files)))
    canny, depth, pose = has.controls
    assert has.control(ControlKind.CANNY, "", Family.SD15) == canny
    assert has.control(ControlKind.CANNY, "", Family.SDXL) is None
    assert has.control(ControlKind.DEPTH, "", Family.UNKNOWN) == depth
    assert has.control(ControlKind.POSE, "", Family.SDXL) == pose
    assert has.control(ControlKind.POSE, "control_v11p_sd15_canny", Family.SDXL) == canny


def test_a_union_model_is_for_every_kind() -> None:
    assert control_model("xinsir-union-sdxl-promax.safetensors").kinds == frozenset(ControlKind)


def test_some_engines_draw_and_the_others_write() -> None:
    assert {kind for kind in EngineKind if kind.draws} == {EngineKind.COMFYUI, EngineKind.A1111}
