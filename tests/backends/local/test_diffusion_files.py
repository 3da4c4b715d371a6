"""Which diffusion weights lie on this machine, and what draws together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from potluck.backends.local.diffusion_files import Part, Shelf, Shelves, Weights, files_for
from potluck.core.pictures.catalogue import Family
from potluck.core.pictures.tensors import Holds
from tests.backends.local.gguf_files import CHAT, gguf_of_tensors

UNET = "model.diffusion_model.input_blocks.0.0.weight"
WHOLE = [UNET, "cond_stage_model.transformer.x", "first_stage_model.decoder.x"]


def safetensors(path: Path, names: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = json.dumps({name: {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]} for name in names}).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + b"\0\0")


def test_the_folder_is_laid_out_as_comfyuis(tmp_path: Path) -> None:
    safetensors(tmp_path / "dreamy.safetensors", WHOLE)
    safetensors(tmp_path / "checkpoints" / "xl" / "big.safetensors", [*WHOLE, "model.diffusion_model.label_emb.0"])
    safetensors(tmp_path / "diffusion_models" / "flux1-schnell.safetensors", ["double_blocks.0.img_mod.lin.weight"])
    (tmp_path / "checkpoints" / "old-v1-5.ckpt").write_bytes(b"PK")
    for part in ("vae/ae", "text_encoders/clip_l", "text_encoders/t5xxl_fp8", "loras/ink", "vae_approx/taesd"):
        safetensors(tmp_path / f"{part}.safetensors", ["x"])
    shelf = Shelves(tmp_path).scan()
    assert [(each.name, each.file, each.family, each.holds.alone) for each in shelf.models] == [
        ("dreamy", "dreamy.safetensors", Family.SD15, False),
        ("old-v1-5", "checkpoints/old-v1-5.ckpt", Family.SD15, False),
        ("big", "checkpoints/xl/big.safetensors", Family.SDXL, False),
        ("flux1-schnell", "diffusion_models/flux1-schnell.safetensors", Family.FLUX, True),
    ]
    assert [each.file for each in shelf.loras] == ["ink.safetensors"]
    flux = files_for(shelf.models[3], shelf)
    assert (flux.model, Path(flux.vae).name, Path(flux.t5).name) == ("", "ae.safetensors", "t5xxl_fp8.safetensors")
    assert flux.diffusion.endswith("flux1-schnell.safetensors")
    assert files_for(shelf.models[0], shelf).model.endswith("dreamy.safetensors")


def test_pulled_files_that_draw_count_and_those_that_write_do_not(tmp_path: Path) -> None:
    own, pulled = tmp_path / "diffusion", tmp_path / "models"
    repo = pulled / "hf.co" / "someone" / "sd-1.5-gguf"
    repo.mkdir(parents=True)
    (repo / "Q8_0.gguf").write_bytes(gguf_of_tensors({}, WHOLE))
    (repo / "Q4_K_M.gguf").write_bytes(gguf_of_tensors(CHAT, [UNET]))
    (pulled / "flux.gguf").write_bytes(
        gguf_of_tensors({"general.architecture": "flux"}, ["double_blocks.0.img_mod.lin.weight"])
    )
    found = Shelves(own, pulled).scan().models
    assert [(each.name, each.family) for each in found] == [
        ("flux", Family.FLUX),
        ("sd-1.5-gguf-Q8_0", Family.SD15),
    ]


@pytest.mark.parametrize(
    "data", [b"", b"\xff" * 8, (5).to_bytes(8, "little") + b"nope!", (3).to_bytes(8, "little") + b"[]]"]
)
def test_what_is_no_file_of_weights_is_left_out(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "odd.safetensors").write_bytes(data)
    (tmp_path / "odd.gguf").write_bytes(data)
    assert Shelves(tmp_path).scan() == Shelf()


def test_a_file_is_read_once_and_again_when_it_is_another(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    safetensors(path, WHOLE)
    shelves = Shelves(tmp_path)
    assert shelves.scan() == shelves.scan()
    safetensors(path, ["joint_blocks.0.x_block.attn.qkv.weight"])
    assert shelves.scan().models[0].family is Family.SD3
    path.unlink()
    assert shelves.scan() == Shelf()


def part(name: str) -> Part:
    return Part(name, f"{name}.safetensors", f"/{name}", 10)


def model(family: Family, *, alone: bool = False, vae: bool = False, encoders: bool = True) -> Weights:
    held = Holds(draws=True, alone=alone, vae=vae, encoders=encoders, family=family)
    return Weights("m", "m", "/m", held, family, 100)


def test_what_is_missing_is_said() -> None:
    told = files_for(model(Family.FLUX, alone=True, encoders=False), Shelf(encoders=(part("clip_l"),)))
    assert told.missing == "needs the text encoder t5 in text_encoders beside m"
    assert files_for(model(Family.SDXL), Shelf()).missing == "needs a VAE in vae beside m"


def test_a_vae_is_the_one_asked_for_or_the_familys_or_a_tiny_one() -> None:
    shelf = Shelf(vaes=(part("other"), part("sdxl_vae")), approximate=(part("taesd"), part("taef1")))
    assert files_for(model(Family.SDXL), shelf).vae == "/sdxl_vae"
    assert files_for(model(Family.SDXL, vae=True), shelf).vae == ""
    assert files_for(model(Family.SDXL, vae=True), shelf, part("mine")).vae == "/mine"
    assert files_for(model(Family.UNKNOWN), shelf).vae == "/other"
    tiny = files_for(model(Family.FLUX), shelf)
    assert (tiny.vae, tiny.tae, tiny.size_bytes) == ("", "/taef1", 110)


def test_sd_3_does_without_t5() -> None:
    shelf = Shelf(encoders=(part("clip_g"), part("clip_l")), vaes=(part("sd3_vae"),))
    assert files_for(model(Family.SD3, encoders=False), shelf).t5 == ""
    more = Shelf(encoders=(*shelf.encoders, part("t5xxl")), vaes=shelf.vaes)
    assert (
        files_for(model(Family.SD3, encoders=False), more).t5,
        files_for(model(Family.SD3, encoders=False), more).clip_g,
    ) == (
        "/t5xxl",
        "/clip_g",
    )
