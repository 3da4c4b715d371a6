"""comfy-api-simplified, unmodified, before two ComfyUIs of which one dies in the middle of a picture."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from comfy_api_simplified import ComfyApiWrapper, ComfyWorkflowWrapper
from PIL import Image

from tests.e2e.processes import Fake, Service, fake, service

MODEL = "sd_v1-5,size=4GB,step_s=0.05"


def graph(prompt: str, seed: int = 7, steps: int = 4) -> dict[str, Any]:
    """As 'Export (API)' writes it."""
    nodes: dict[str, tuple[str, str, dict[str, Any]]] = {
        "4": ("CheckpointLoaderSimple", "Load Checkpoint", {"ckpt_name": "sd_v1-5.safetensors"}),
        "5": ("EmptyLatentImage", "Empty", {"width": 256, "height": 256, "batch_size": 1}),
        "6": ("CLIPTextEncode", "Positive", {"text": prompt, "clip": ["4", 1]}),
        "7": ("CLIPTextEncode", "Negative", {"text": "blurry", "clip": ["4", 1]}),
        "3": (
            "KSampler",
            "KSampler",
            {
                "seed": seed,
                "steps": steps,
                "cfg": 7.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
                "model": ["4", 0],
                "positive": ["6", 0],
                "negative": ["7", 0],
                "latent_image": ["5", 0],
            },
        ),
        "8": ("VAEDecode", "VAE Decode", {"samples": ["3", 0], "vae": ["4", 2]}),
        "9": ("SaveImage", "Save Image", {"filename_prefix": "ComfyUI", "images": ["8", 0]}),
    }
    return {
        id_: {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}
        for id_, (kind, title, inputs) in nodes.items()
    }


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class House:
    def __init__(self, running: Service, port: int, fakes: dict[str, Fake]) -> None:
        self.running = running
        self.url = f"http://127.0.0.1:{port}"
        self.fakes = fakes

    def api(self, key: str) -> ComfyApiWrapper:
        return ComfyApiWrapper(self.url, user="me", password=key)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home, port = tmp_path_factory.mktemp("comfyui"), free_port()
    with ExitStack() as stack:
        fakes = {
            name: stack.enter_context(fake("--dialect", "comfyui", "--model", MODEL)) for name in ("desk", "attic")
        }
        nodes = "".join(
            f"  {name}: {{address: 127.0.0.1, engines: [{{kind: comfyui, port: {each.port}}}]}}\n"
            for name, each in fakes.items()
        )
        config = home / "potluck.yaml"
        config.write_text(
            f"nodes:\n{nodes}local: false\ndiscovery: {{mdns: false}}\n"
            f"images: {{comfyui_port: {port}, order: [desk]}}\n"
        )
        yield House(stack.enter_context(service(home, "--config", str(config))), port, fakes)


def opened(images: dict[str, bytes]) -> Image.Image:
    (content,) = images.values()
    return Image.open(io.BytesIO(content))


def test_a_node_that_dies_in_the_middle_costs_no_picture(house: House) -> None:
    api = house.api(house.running.key)
    first = opened(api.queue_and_wait_images(ComfyWorkflowWrapper(graph("a red fox")), "Save Image"))
    assert first.size == (256, 256)
    assert "a red fox" in first.info["prompt"], "the graph is in the file"
    house.fakes["desk"].control("POST", "/fake/faults", {"kind": "die", "after": 2, "seconds": 600})
    images = api.queue_and_wait_images(ComfyWorkflowWrapper(graph("a blue fox", 8, 8)), "Save Image")
    assert len(images) == 1
    kept = house.running.get("/api/v1/images?q=fox")["images"]
    assert [(each["prompt"], each["node"], each["seed"]) for each in kept] == [
        ("a blue fox", "attic", 8),
        ("a red fox", "desk", 7),
    ]
    assert kept[0]["model"] == "sd_v1-5"
