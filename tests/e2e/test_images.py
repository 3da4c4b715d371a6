"""Pictures by OpenAI's own SDK, from two image engines of which one dies in the middle: none is lost or made twice."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from openai import OpenAI
from PIL import Image

from tests.e2e.processes import Fake, Service, fake, service

MODEL = "sd_v1-5,size=4GB,step_s=0.02"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Service, dict[str, Fake]]]:
    """The service before an image engine of each kind."""
    with ExitStack() as stack:
        engines = {
            kind: stack.enter_context(fake("--dialect", kind, "--model", MODEL)) for kind in ("comfyui", "a1111")
        }
        nodes = "".join(
            f"  {kind}-node: {{address: 127.0.0.1, engines: [{{kind: {kind}, port: {engine.port}}}]}}\n"
            for kind, engine in engines.items()
        )
        config = tmp_path / "potluck.yaml"
        config.write_text(f"nodes:\n{nodes}local: false\ndiscovery: {{mdns: false}}\n")
        yield stack.enter_context(service(tmp_path, "--config", str(config))), engines


def decoded(b64_json: str | None) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(b64_json or "")))


def test_an_engine_that_dies_in_the_middle_costs_no_picture(house: tuple[Service, dict[str, Fake]]) -> None:
    running, engines = house
    images = OpenAI(base_url=f"{running.url}/v1", api_key=running.key, max_retries=0).images
    assert running.get("/api/v1/models")["models"] == [], "nothing here talks"
    # 1. Whoever draws the first one dies with the next.
    first = images.generate(prompt="a red fox", model="gpt-image-1", size="512x512").data
    assert first is not None
    assert decoded(first[0].b64_json).size == (512, 512)
    (made,) = running.get("/api/v1/images")["images"]
    dying = engines[made["engine"]]
    dying.control("POST", "/fake/faults", {"kind": "die", "after": 3, "seconds": 600})
    # 2. All of six are there all the same, each once.
    answer = images.generate(prompt="a blue fox", n=6, size="512x512", quality="low").data
    assert answer is not None
    assert len({each.b64_json for each in answer}) == 6
    six = running.get("/api/v1/images?q=blue&limit=50")["images"]
    assert len({each["seed"] for each in six}) == len(six) == 6
    assert {each["node"] for each in six} != {made["node"]}
    assert "a picture failed" in running.log.read_text(), "the engine died"
    # 3. What was made is counted, and the dead engine named.
    usage = running.get("/api/v1/usage?by=model")["rows"]
    assert [(row["model"], row["images"]) for row in usage] == [("sd_v1-5", 7)]
    told = running.get("/api/v1/image/models?model=sd_v1-5")
    assert {each["node"]: each["up"] for each in told["engines"] if each["kind"] == made["engine"]} == {
        made["node"]: False
    }
    # 4. The other calls of the SDK.
    kinds = [each.type for each in images.generate(prompt="x", size="512x512", stream=True, partial_images=2)]
    assert kinds[-1] == "image_generation.completed"
    hole = io.BytesIO()
    Image.new("RGBA", (512, 512), (9, 9, 9, 0)).save(hole, "png")
    picture = ("a.png", base64.b64decode(first[0].b64_json or ""))
    edited = images.edit(image=picture, mask=("m.png", hole.getvalue()), prompt="a hat", output_format="webp").data
    assert edited is not None
    assert decoded(edited[0].b64_json).format == "WEBP"
