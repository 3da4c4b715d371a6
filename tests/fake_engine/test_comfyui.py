"""ComfyUI's fake against API-CONTRACTS.md 7, over an ordinary client."""

from __future__ import annotations

import asyncio
import io
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from PIL import Image

from potluck_fake_engine import art
from potluck_fake_engine.testing import FakeEngine, running

GRAPH: dict[str, Any] = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_v1-5.safetensors"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["1", 1]}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}},
    "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    "5": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["1", 0],
            "positive": ["2", 0],
            "negative": ["3", 0],
            "latent_image": ["4", 0],
            "seed": 7,
            "steps": 3,
            "cfg": 7.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
        },
    },
    "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
    "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": "ComfyUI"}},
}


def graph(seed: int = 7, **changes: Any) -> dict[str, Any]:
    made = json.loads(json.dumps(GRAPH))
    made["5"]["inputs"] |= {"seed": seed, **changes}
    return dict(made)


@asynccontextmanager
async def comfy(*models: str, **settings: Any) -> AsyncIterator[tuple[FakeEngine, aiohttp.ClientSession]]:
    async with (
        running(*(models or ("sd_v1-5",)), dialect="comfyui", **settings) as fake,
        aiohttp.ClientSession(fake.url) as http,
    ):
        yield fake, http


async def send(http: aiohttp.ClientSession, made: dict[str, Any], **more: Any) -> dict[str, Any]:
    async with http.post("/prompt", json={"prompt": made, **more}) as reply:
        return dict(await reply.json())


async def heard(socket: aiohttp.ClientWebSocketResponse, prompt: str) -> list[Any]:
    """All messages up to the last one of a prompt; binary ones as bytes."""
    found: list[Any] = []
    async with asyncio.timeout(10):
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                found.append(message.data)
                continue
            told = json.loads(message.data)
            found.append(told)
            if told["type"] == "executing" and told["data"] == {"node": None, "prompt_id": prompt}:
                break
    return found


def kinds(messages: list[Any]) -> list[str]:
    return ["preview" if isinstance(each, bytes) else each["type"] for each in messages]


async def test_messages_come_in_the_order_of_the_real_one() -> None:
    async with comfy() as (_, http), http.ws_connect("/ws?clientId=me") as socket:
        first = json.loads((await socket.receive()).data)
        assert first == {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": "me"}}
        answer = await send(http, graph(), client_id="me", prompt_id="p")
        assert answer == {"prompt_id": "p", "number": 0, "node_errors": {}}
        said = kinds(await heard(socket, "p"))
        assert said[:3] == ["status", "execution_start", "execution_cached"]
        assert said[said.index("progress_state") :][:3] == ["progress_state", "progress", "preview"]
        assert said[-4:] == ["executed", "execution_success", "status", "executing"]
        async with http.get("/history/p") as reply:
            entry = (await reply.json())["p"]
        assert entry["status"]["status_str"] == "success"
        assert [name for name, _ in entry["status"]["messages"]] == [
            "execution_start",
            "execution_cached",
            "execution_success",
        ]
        image = entry["outputs"]["7"]["images"][0]
        async with http.get("/view", params=image) as reply:
            picture = Image.open(io.BytesIO(await reply.read()))
        assert picture.size == (64, 64)
        assert json.loads(picture.info["prompt"])["5"]["inputs"]["seed"] == 7


async def test_what_was_drawn_is_not_drawn_again() -> None:
    async with comfy() as (_, http), http.ws_connect("/ws?clientId=me") as socket:
        await send(http, graph(), client_id="me", prompt_id="a")
        await heard(socket, "a")
        await send(http, graph(), client_id="me", prompt_id="b")
        again = await heard(socket, "b")
        assert "progress" not in kinds(again)
        cached = next(each for each in again if kinds([each]) == ["execution_cached"])
        assert sorted(cached["data"]["nodes"]) == sorted(GRAPH)
        assert "executed" in kinds(again)


async def test_previews_go_to_their_owner_and_those_of_nobody_to_everybody() -> None:
    async with (
        comfy() as (_, http),
        http.ws_connect("/ws?clientId=me") as mine,
        http.ws_connect("/ws?clientId=you") as yours,
    ):
        await mine.send_str('{"type":"feature_flags","data":{"supports_preview_metadata":true}}')
        await send(http, graph(), client_id="me", prompt_id="a")
        frames = [each for each in await heard(mine, "a") if isinstance(each, bytes)]
        event, length = struct.unpack(">II", frames[0][:8])
        assert event == 4
        assert json.loads(frames[0][8 : 8 + length])["prompt_id"] == "a"
        await send(http, graph(8), prompt_id="b")
        await send(http, graph(9), client_id="you", prompt_id="c")
        all_of_it = await heard(yours, "c")
        of_nobody = [each for each in all_of_it if not isinstance(each, bytes) and each["data"].get("prompt_id") == "b"]
        assert set(kinds(of_nobody)) == {"progress_state", "progress"}
        assert not any(isinstance(each, dict) and each["data"].get("prompt_id") == "a" for each in all_of_it)


@pytest.mark.parametrize(
    ("made", "kind", "of_node"),
    [
        ({}, "prompt_no_outputs", ""),
        ({"1": {"inputs": {}}}, "invalid_prompt", ""),
        ({"1": {"class_type": "Nobody", "inputs": {}}}, "invalid_prompt", ""),
        (graph(steps=0), "prompt_outputs_failed_validation", "value_smaller_than_min"),
        (graph(cfg=101), "prompt_outputs_failed_validation", "value_bigger_than_max"),
        (graph(seed="x"), "prompt_outputs_failed_validation", "invalid_input_type"),  # type: ignore[arg-type]
        (graph(sampler_name="x"), "prompt_outputs_failed_validation", "value_not_in_list"),
        (graph(latent_image=["99", 0]), "prompt_outputs_failed_validation", "bad_linked_input"),
        (graph(latent_image=["1", 0]), "prompt_outputs_failed_validation", "return_type_mismatch"),
        (graph(model="x"), "prompt_outputs_failed_validation", "return_type_mismatch"),
        (
            {**graph(), "8": {"class_type": "LoadImage", "inputs": {"image": "no.png"}}},
            "prompt_outputs_failed_validation",
            "custom_validation_failed",
        ),
        (
            {**graph(), "8": {"class_type": "VAEDecode", "inputs": {}}},
            "prompt_outputs_failed_validation",
            "required_input_missing",
        ),
    ],
)
async def test_wrong_prompts_are_refused_as_the_real_one_does(made: dict[str, Any], kind: str, of_node: str) -> None:
    async with comfy() as (_, http), http.post("/prompt", json={"prompt": made}) as reply:
        assert reply.status == 400
        body = await reply.json()
        assert body["error"]["type"] == kind
        told = [error["type"] for node in body["node_errors"].values() for error in node["errors"]]
        assert told[:1] == ([of_node] if of_node else [])


async def test_no_prompt_and_a_node_that_is_not_installed() -> None:
    async with comfy(without=frozenset({"KSampler"})) as (_, http):
        async with http.post("/prompt", data=b"nothing") as reply:
            assert (await reply.json())["error"]["type"] == "no_prompt"
        assert (await send(http, graph()))["error"]["type"] == "invalid_prompt"
        async with http.get("/object_info/KSampler") as reply:
            assert await reply.json() == {}
        async with http.get("/api/object_info") as reply:
            assert "CheckpointLoaderSimple" in await reply.json()


async def test_the_queue_is_everybodys_and_can_be_changed() -> None:
    async with comfy("sd_v1-5,step_s=100") as (fake, http), http.ws_connect("/ws?clientId=me") as socket:
        await send(http, graph(), client_id="me", prompt_id="a")
        await send(http, graph(8), client_id="me", prompt_id="b")
        await send(http, graph(9), client_id="me", prompt_id="c", front=True)
        async with asyncio.timeout(5):
            while True:
                async with http.get("/queue") as reply:
                    queue = await reply.json()
                if queue["queue_running"]:
                    break
        assert [each[1] for each in queue["queue_pending"]] == ["c", "b"]
        await http.post("/queue", json={"delete": ["b"]})
        await http.post("/interrupt", json={"prompt_id": "c"})  # it does not run
        await http.post("/interrupt", json={"prompt_id": "a"})
        said = await heard(socket, "a")
        assert "execution_interrupted" in kinds(said)
        fake.change("sd_v1-5", step_s=0)
        await heard(socket, "c")
        async with http.get("/history") as reply:
            assert list(await reply.json()) == ["a", "c"]
        await http.post("/history", json={"delete": ["a"]})
        async with http.get("/history", params={"max_items": "1"}) as reply:
            assert list(await reply.json()) == ["c"]


async def test_uploads_are_loaded_and_seen_again() -> None:
    async with comfy() as (_, http), http.ws_connect("/ws?clientId=me") as socket:
        form = aiohttp.FormData({"type": "temp", "subfolder": "x"})
        form.add_field("image", art.png(art.draw("a", 32, 32)), filename="a.png")
        async with http.post("/upload/image", data=form) as reply:
            assert await reply.json() == {"name": "a.png", "subfolder": "x", "type": "temp"}
        made = {
            "1": {"class_type": "LoadImage", "inputs": {"image": "x/a.png [temp]"}},
            "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
            "3": {"class_type": "SaveImageWebsocket", "inputs": {"images": ["1", 0]}},
        }
        await send(http, made, client_id="me", prompt_id="a")
        frames = [each for each in await heard(socket, "a") if isinstance(each, bytes)]
        assert struct.unpack(">II", frames[-1][:8]) == (1, 2)
        assert frames[-1][8:12] == b"\x89PNG"
        async with http.get(
            "/view", params={"filename": "a.png", "subfolder": "x", "type": "temp", "preview": "webp;80"}
        ) as reply:
            assert reply.content_type == "image/webp"
        for params, status in (
            ({"filename": "../a"}, 400),
            ({"filename": "a", "subfolder": "../.."}, 403),
            ({"filename": "a"}, 404),
        ):
            async with http.get("/view", params=params) as reply:
                assert reply.status == status


async def test_a_foreign_page_is_kept_out_on_loopback() -> None:
    async with comfy() as (_, http), http.get("/queue", headers={"Origin": "http://evil.example"}) as reply:
        assert reply.status == 403


async def test_reconnecting_takes_the_socket_over() -> None:
    async with comfy("sd_v1-5,step_s=10") as (_, http), http.ws_connect("/ws?clientId=me") as first:
        await first.receive()
        await send(http, graph(), client_id="me", prompt_id="a")
        async with http.ws_connect("/ws?clientId=me") as second:
            assert kinds(await heard(second, "a"))[-1] == "executing"
