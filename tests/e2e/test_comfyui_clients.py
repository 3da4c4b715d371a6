"""comfy-api-simplified, unmodified, before two ComfyUIs of which one dies in the middle of a picture."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import websockets
from comfy_api_simplified import ComfyApiWrapper, ComfyWorkflowWrapper
from comfy_api_simplified.exceptions import ComfyApiError
from PIL import Image

from tests.comfyui_graph import graph
from tests.e2e.processes import Fake, Service, fake, service

MODEL = "sd_v1-5,size=4GB,step_s=0.05"


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


def call(house: House, method: str, path: str, key: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(house.url + path, data, {"authorization": f"Bearer {key}"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content.startswith((b"{", b"[")) else content
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def user(house: House, name: str) -> str:
    """The key of a new member."""
    request = urllib.request.Request(
        f"{house.running.url}/api/v1/users",
        json.dumps({"name": name, "role": "member"}).encode(),
        {"authorization": f"Bearer {house.running.key}", "content-type": "application/json"},
    )
    made = json.load(urllib.request.urlopen(request, timeout=10))
    request = urllib.request.Request(
        f"{house.running.url}/api/v1/keys",
        json.dumps({"name": name, "user": made["id"]}).encode(),
        {"authorization": f"Bearer {house.running.key}", "content-type": "application/json"},
    )
    key: str = json.load(urllib.request.urlopen(request, timeout=10))["key"]
    return key


async def heard(house: House, client: str, key: str, ask: Any, until: str) -> list[Any]:
    """All that a socket hears that is open before ``ask``, until the prompt that it makes is over or has so ended."""
    found: list[Any] = []
    async with websockets.connect(f"ws{house.url[4:]}/ws?clientId={client}&token={key}") as socket:
        found.append(json.loads(await socket.recv()))
        prompt = await asyncio.to_thread(ask)
        async with asyncio.timeout(60):
            while True:
                news = await socket.recv()
                found.append(json.loads(news) if isinstance(news, str) else news)
                if isinstance(news, str) and found[-1]["type"] == until:
                    data = found[-1]["data"]
                    if data.get("prompt_id") == prompt and data.get("node") is None:
                        return found


def test_two_users_see_nothing_of_each_other(house: House) -> None:
    anna, bert = user(house, "Anna"), user(house, "Bert")

    def ask() -> str:
        _, told = call(house, "POST", "/prompt", anna, {"prompt": graph("annas fox", 21), "client_id": "same"})
        prompt: str = told["prompt_id"]
        return prompt

    async def both() -> tuple[list[Any], list[Any]]:
        others: list[Any] = []
        async with websockets.connect(f"ws{house.url[4:]}/api/ws?clientId=same&token={bert}") as socket:
            mine = await heard(house, "same", anna, ask, "executing")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    while True:
                        others.append(await socket.recv())
        return mine, others

    mine, others = asyncio.run(both())
    kinds = [each["type"] for each in mine if isinstance(each, dict)]
    assert kinds[0] == "status"
    for kind in ("execution_start", "executing", "progress", "executed", "execution_success"):
        assert kind in kinds
    assert any(isinstance(each, bytes) and each[:8] == b"\0\0\0\1\0\0\0\1" for each in mine), "a JPEG on the way"
    assert [json.loads(each)["type"] for each in others] == ["status"]
    prompt = mine[-1]["data"]["prompt_id"]
    told = call(house, "GET", f"/history/{prompt}", anna)[1]
    (image,) = told[prompt]["outputs"]["9"]["images"]
    view = f"/view?filename={image['filename']}&type=output&subfolder="
    assert call(house, "GET", view, anna)[1].startswith(b"\x89PNG")
    assert call(house, "GET", view, bert)[0] == 404
    assert call(house, "GET", f"/history/{prompt}", bert) == (200, {})
    assert call(house, "GET", "/history", bert) == (200, {})
    assert list(call(house, "GET", "/api/history?max_items=5", anna)[1]) == [prompt]
    assert call(house, "GET", "/queue", bert)[1] == {"queue_running": [], "queue_pending": []}
    assert call(house, "POST", "/history", bert, {"delete": [prompt]})[0] == 200
    assert call(house, "POST", "/history", anna, {"delete": [prompt]})[0] == 200
    assert call(house, "GET", "/history", anna)[1] == {}
    assert call(house, "GET", view, anna)[0] == 200, "it is still in the gallery"


def test_a_prompt_that_waits_is_deleted_and_one_that_is_drawn_interrupted(house: House) -> None:
    key = user(house, "Cleo")

    def ask() -> str:
        slow = {"prompt": graph("a slow fox", 31, 400), "client_id": "c"}
        first: str = call(house, "POST", "/prompt", key, slow)[1]["prompt_id"]
        for seed in range(3):
            call(house, "POST", "/prompt", key, {"prompt": graph("waits", 40 + seed, 400)})
        until_s = time.monotonic() + 30
        while not (queue := call(house, "GET", "/queue", key)[1])["queue_running"] or not queue["queue_pending"]:
            assert time.monotonic() < until_s
            time.sleep(0.05)
        assert len(queue["queue_pending"]) + len(queue["queue_running"]) == 4
        assert call(house, "GET", "/prompt", key)[1]["exec_info"]["queue_remaining"] == 4
        assert call(house, "POST", "/queue", key, {"clear": True})[0] == 200
        assert call(house, "POST", "/interrupt", key, {})[0] == 200
        return first

    news = asyncio.run(heard(house, "c", key, ask, "execution_interrupted"))
    prompt = news[-1]["data"]["prompt_id"]
    until_s = time.monotonic() + 30
    while call(house, "GET", "/prompt", key)[1]["exec_info"]["queue_remaining"]:
        assert time.monotonic() < until_s
        time.sleep(0.05)
    history = call(house, "GET", "/history", key)[1]
    assert history[prompt]["status"]["status_str"] == "error"
    assert all(each["status"]["messages"][-1][0] == "execution_interrupted" for each in history.values())


def test_what_no_node_can_run_is_refused_as_comfyui_does(house: House) -> None:
    api = house.api(house.running.key)
    strange = graph("x")
    strange["6"]["class_type"] = "Nobody"
    status, told = call(house, "POST", "/prompt", house.running.key, {"prompt": strange})
    assert (status, told["error"]["type"]) == (400, "invalid_prompt")
    missing = graph("x")
    missing["4"]["inputs"]["ckpt_name"] = "nobody.safetensors"
    status, told = call(house, "POST", "/prompt", house.running.key, {"prompt": missing})
    assert (status, told["error"]["type"]) == (400, "prompt_outputs_failed_validation")
    assert told["node_errors"]["4"]["errors"][0]["type"] == "value_not_in_list"
    with pytest.raises(ComfyApiError):
        api.queue_prompt({"1": {}})
    assert call(house, "POST", "/prompt", "pk-wrong", {"prompt": graph("x")})[0] == 401
    with pytest.raises(ComfyApiError):
        house.api("pk-wrong").get_queue()
    assert call(house, "GET", "/view?filename=../../etc/passwd", house.running.key)[0] == 400


def test_images_are_uploaded_and_drawn_over(house: House, tmp_path: Path) -> None:
    api = house.api(user(house, "Dora"))
    photo = tmp_path / "photo.png"
    Image.new("RGB", (256, 256), (200, 40, 40)).save(photo)
    told = api.upload_image(photo, "sub")
    assert told == {"name": "photo.png", "subfolder": "sub", "type": "input"}
    assert api.upload_image(photo, "sub")["name"] == "photo.png", "the same image is there once"
    Image.new("RGB", (256, 256), (40, 200, 40)).save(photo)
    assert api.upload_image(photo, "sub")["name"] == "photo (1).png"
    over = graph("a hat")
    over["10"] = {"class_type": "LoadImage", "inputs": {"image": "sub/photo.png"}, "_meta": {"title": "Photo"}}
    over["5"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}, "_meta": {"title": "E"}}
    over["3"]["inputs"]["denoise"] = 0.5
    assert opened(api.queue_and_wait_images(ComfyWorkflowWrapper(over), "Save Image")).size == (256, 256)
    with pytest.raises(ComfyApiError):
        house.api(user(house, "Emil")).queue_prompt(over)
    assert api.get_image("photo.png", "sub", "input").startswith(b"\x89PNG")
    assert "KSampler" in api.get_object_info()
    assert [each["name"] for each in api.get_system_stats()["devices"]]


def test_pictures_by_the_socket_alone_are_kept_too(house: House) -> None:
    key = user(house, "Fred")
    live = graph("a live fox", 51)
    live["9"] = {"class_type": "SaveImageWebsocket", "inputs": {"images": ["8", 0]}, "_meta": {"title": "Save Image"}}
    images = house.api(key).queue_and_wait_images(ComfyWorkflowWrapper(live), "Save Image")
    assert opened(images).size == (256, 256)
    kept = call(House(house.running, int(house.running.url.rpartition(":")[2]), {}), "GET", "/api/v1/images", key)[1]
    assert [each["prompt"] for each in kept["images"]] == ["a live fox"]
