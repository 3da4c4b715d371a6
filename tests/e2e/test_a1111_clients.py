"""webuiapi, unmodified, before an image engine of each kind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import webuiapi
from PIL import Image

from tests.e2e.processes import Service, fake, service

MODEL = "sd_v1-5,size=4GB,step_s=0.01"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("a1111")
    with ExitStack() as stack:
        nodes = "".join(
            f"  {kind}-node: {{address: 127.0.0.1, engines: [{{kind: {kind}, port: {engine.port}}}]}}\n"
            for kind in ("comfyui", "a1111")
            for engine in [stack.enter_context(fake("--dialect", kind, "--model", MODEL))]
        )
        config = home / "potluck.yaml"
        config.write_text(f"nodes:\n{nodes}local: false\ndiscovery: {{mdns: false}}\n")
        yield stack.enter_context(service(home, "--config", str(config)))


@pytest.fixture
def api(running: Service) -> Any:
    return webuiapi.WebUIApi(baseurl=f"{running.url}/sdapi/v1", username="me", password=running.key)


def test_pictures_are_drawn_changed_and_enlarged(api: Any) -> None:
    drawn = api.txt2img(
        prompt="a red fox", sampler_name="DPM++ 2M Karras", steps=8, seed=7, batch_size=2, width=256, height=256
    )
    assert [each.size for each in drawn.images] == [(256, 256)] * 2
    assert (drawn.info["all_seeds"], drawn.info["sd_model_name"]) == ([7, 8], "sd_v1-5")
    assert drawn.parameters["prompt"] == "a red fox"
    assert "Seed: 7" in drawn.image.info["parameters"], "the file says how it was made"
    assert api.png_info(drawn.image).info.startswith("a red fox")
    over = api.img2img(images=[drawn.image], prompt="a hat", steps=8, width=256, height=256, denoising_strength=0.5)
    assert over.image.size == (256, 256)
    mask = Image.new("RGB", (256, 256), (0, 0, 0))
    mask.paste((255, 255, 255), (64, 64, 128, 128))
    inpainted = api.img2img(images=[drawn.image], mask_image=mask, prompt="a hat", steps=8, width=256, height=256)
    assert inpainted.image.size == (256, 256)
    upscaler = next(each["name"] for each in api.get_upscalers() if each["name"] != "None")
    large = api.extra_single_image(image=drawn.image, upscaler_1=upscaler, upscaling_resize=2)
    assert large.image.size == (512, 512)


def test_models_are_listed_and_chosen(api: Any) -> None:
    (model,) = api.get_sd_models()
    api.util_set_model("sd_v1-5")
    assert api.util_get_current_model() == model["title"]
    assert "Euler" in api.util_get_sampler_names()
    with pytest.raises(RuntimeError, match="Model not found"):
        api.txt2img(prompt="x", override_settings={"sd_model_checkpoint": "nope"})


def test_progress_and_interrupt(api: Any) -> None:
    assert api.get_progress()["state"]["job_count"] == 0
    results: list[Any] = []
    asked = threading.Thread(
        target=lambda: results.append(api.txt2img(prompt="a fox", steps=150, n_iter=40, width=256, height=256))
    )
    asked.start()
    until = time.monotonic() + 60
    while (now := api.get_progress())["state"]["sampling_step"] == 0:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert now["state"]["job_count"] == 40
    assert api.interrupt() == {}
    asked.join(60)
    (result,) = results
    assert len(result.json["images"]) < 40
    api.util_wait_for_ready(check_interval=0.05)


def test_a_wrong_key_is_asked_for_a_password(running: Service) -> None:
    stranger = webuiapi.WebUIApi(baseurl=f"{running.url}/sdapi/v1", username="me", password="pk-wrong")
    answer = stranger.session.get(f"{running.url}/sdapi/v1/sd-models")
    assert (answer.status_code, answer.json()["error"]) == (401, "HTTPException")
    assert answer.headers["www-authenticate"].startswith("Basic")
