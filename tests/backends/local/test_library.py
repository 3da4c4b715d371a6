from __future__ import annotations

import os
from pathlib import Path

import pytest

from potluck.backends.local.library import BLOBS, Library, has_diffusion, name_of, place_of, shipped_weights
from potluck.core.model import ModelId
from tests.backends.local.gguf_files import BERT, CHAT, gguf, gguf_of_tensors


def put(folder: Path, place: str, data: bytes | None = None) -> Path:
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gguf(CHAT) if data is None else data)
    return path


def ids(library: Library) -> list[str]:
    return [weights.id for weights in library.scan()]


def test_files_are_models_by_their_place(tmp_path: Path) -> None:
    put(tmp_path, "tiny.gguf")
    put(tmp_path, "qwen/7b.gguf")
    put(tmp_path, "me/mine/v1.gguf")
    assert ids(Library(tmp_path, shipped=None)) == ["me/mine:v1", "qwen:7b", "tiny:latest"]


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("Llama 3 (Q4).gguf", "Llama-3-Q4:latest"),
        ("big-00001-of-00003.gguf", "big:latest"),
        ("big-00002-of-00003.gguf", None),
        ("a/b/c/d.gguf", None),
        ("hf.co/b/c/d.gguf", "hf.co/b/c:d"),
        ("hf.co/a/b/c/d.gguf", None),
        ("....gguf", None),
        ("qwen2.5-coder/1.5b-q4_k_m.gguf", "qwen2.5-coder:1.5b-q4_k_m"),
    ],
)
def test_names_are_made_of_what_names_may_hold(place: str, name: str | None) -> None:
    assert name_of(Path(place)) == name


@pytest.mark.parametrize("name", ["tiny:latest", "qwen:7b", "me/mine:v1", "hf.co/owner/repo:Q4_K_M"])
def test_a_name_has_its_place(name: str) -> None:
    place = place_of(name)
    assert place is not None
    assert name_of(place) == name


@pytest.mark.parametrize(
    "name", ["", "../x", "a/../b", "/etc/x", "a/b/c", ".x", "x:..", "x:a/b", "a b", f"{BLOBS}/x", BLOBS, "-x", "x\0"]
)
def test_a_name_cannot_lead_out_of_the_folder(name: str) -> None:
    place = place_of(name)
    assert place is None or (".." not in place.parts and not place.is_absolute() and len(place.parts) == 2)


def test_files_that_come_and_go_are_noticed(tmp_path: Path) -> None:
    library = Library(tmp_path / "models", shipped=None)
    assert ids(library) == []
    path = put(tmp_path / "models", "tiny.gguf")
    assert ids(library) == ["tiny:latest"]
    before = library.scan()[0].facts
    path.write_bytes(gguf(BERT))
    os.utime(path, ns=(1, 1))
    assert library.scan()[0].facts != before
    path.unlink()
    assert ids(library) == []


def test_what_is_no_model_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "noise.gguf", b"noise")
    put(tmp_path, "projector.gguf", gguf({"general.architecture": "clip"}))
    put(tmp_path, f"{BLOBS}/sha256-1.gguf")
    put(tmp_path, "half.gguf", gguf(CHAT)[:100])
    (tmp_path / "dangling.gguf").symlink_to(tmp_path / "nowhere")
    put(tmp_path, "good.gguf")
    assert ids(Library(tmp_path, shipped=None)) == ["good:latest"]


def test_what_draws_is_none_that_writes(tmp_path: Path) -> None:
    put(tmp_path, "chat.gguf")
    put(tmp_path, "broken.gguf", b"GGUF")
    assert not has_diffusion(tmp_path)
    put(tmp_path, "flux.gguf", gguf_of_tensors({"general.architecture": "flux"}, ["double_blocks.0.x"]))
    put(tmp_path, "sd15.gguf", gguf_of_tensors({}, ["model.diffusion_model.input_blocks.0.0.weight"]))
    assert has_diffusion(tmp_path)
    assert ids(Library(tmp_path, shipped=None)) == ["chat:latest"]


def test_the_shipped_model_comes_first_and_once(tmp_path: Path) -> None:
    shipped = put(tmp_path, "elsewhere.bin")
    put(tmp_path / "models", "smollm2/135m.gguf")
    found = Library(tmp_path / "models", shipped=shipped).scan()
    assert [(each.id, each.shipped) for each in found] == [("smollm2:135m", True)]


@pytest.mark.model
def test_the_shipped_weights_are_found() -> None:
    path = shipped_weights()
    assert path is not None
    assert path.suffix == ".gguf"


def test_a_model_is_served_with_no_more_context_than_it_was_trained_with(tmp_path: Path) -> None:
    put(tmp_path, "tiny.gguf")
    weights = Library(tmp_path, shipped=None).scan()[0]
    assert weights.model(context=8192, resident=False).context == 4096
    resident = weights.model(context=1024, resident=True)
    assert (resident.context, resident.loaded_context, resident.resident) == (1024, 1024, True)
    assert resident.id == ModelId("tiny:latest")
    assert resident.digest == weights.facts.fingerprint
