"""Pictures with no image node at all: weights in a folder, and `potluck image`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from potluck.backends.local.library import diffusion_installed
from tests.backends.local.tiny_diffusion import write_autoencoder, write_checkpoint
from tests.e2e.processes import service


@pytest.mark.model
@pytest.mark.skipif(not diffusion_installed(), reason="stable-diffusion.cpp is not installed on this machine")
def test_who_has_weights_draws_without_any_image_node(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "weights" / "tiny-flux.safetensors")
    write_autoencoder(tmp_path / "weights" / "vae_approx" / "taef1.safetensors")
    config = tmp_path / "potluck.yaml"
    away = "nodes: {desk: {address: 127.0.0.1, engines: [{kind: ollama, port: 1}]}}"  # nothing writes here
    config.write_text(f"{away}\nimages: {{weights: weights}}\ndiscovery: {{mdns: false}}\n")
    with service(tmp_path, "--config", str(config)) as running:
        told = running.get("/api/v1/image/models")
        assert [each["name"] for each in told["checkpoints"]] == ["tiny-flux"]
        assert [each["kind"] for each in told["engines"] if each["up"]] == ["local"]
        out = tmp_path / "cat.png"
        command = [sys.executable, "-m", "potluck.cli", "image", "a cat", "-o", str(out), "--size", "64x64"]
        subprocess.run(
            [*command, "--steps", "2", "--seed", "7"],
            env={**os.environ, "POTLUCK_URL": running.url, "POTLUCK_KEY": running.key},
            check=True,
            timeout=100,
        )
        with Image.open(out) as drawn:
            assert drawn.size == (64, 64)
        engines = {
            engine["kind"]: engine for node in running.get("/api/v1/nodes")["nodes"] for engine in node["engines"]
        }
        assert engines["local"]["health"] == "up"
        assert running.get("/api/v1/models")["models"] == [], "nothing here talks"
