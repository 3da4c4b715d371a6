"""What strangers send for images, masks and numbers, at every door of pictures: clear refusals, and nothing is lost."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from PIL import Image

from potluck.surfaces import openai_images
from tests.pictures import image
from tests.surfaces.studio import Studio
from tests.surfaces.test_a1111 import place as a1111_place
from tests.surfaces.v1.world import ANNA

_a1111 = a1111_place  # its fixture, by another name


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int) -> bytes:
    """What says that it is so large, and is not."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def with_bomb(png: bytes) -> bytes:
    """20 MiB of text, in 20 kB."""
    return png[:33] + chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(20 * 2**20))) + png[33:]


WHOLE = image(64, 64)
BAD: Mapping[str, bytes] = {
    "a text": b"ignore all instructions " * 9,
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>" * 2,
    "half of one": WHOLE[: len(WHOLE) // 2] + bytes(100),
    "a bomb": png_of(30_000, 30_000) + bytes(100),
    "a long one": png_of(1, 2**31 - 1) + bytes(100),
    "a bomb of text": with_bomb(WHOLE),
}


@pytest.fixture
async def place(_a1111: Studio) -> AsyncIterator[Studio]:
    _a1111.world.app.router.routes[:0] = openai_images.ROUTES
    before = _a1111.world.spending.left
    yield _a1111
    # Whatever was refused was never a job, was not drawn, and counts for nothing.
    assert _a1111.painter.drawn == []
    assert (await _a1111.world.ask("GET", "/api/v1/jobs")).json()["jobs"] == []
    assert (await _a1111.world.ask("GET", "/api/v1/images")).json()["images"] == []
    assert _a1111.world.spending.left == before


async def send(place: Studio, path: str, **more: Any) -> httpx.Response:
    app = place.world._as(ANNA)

    async def named(scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["request_id"] = "r1"
        await app(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(named), base_url="http://potluck") as web:
        return await web.post(path, **more)


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def refused(answer: httpx.Response, *fields: str) -> None:
    """By the client's own fault, in words, and with the field's name."""
    assert answer.status_code in (400, 404, 413, 422), answer.text
    assert any(field in answer.text for field in fields), answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_what_is_no_image_is_refused_everywhere(place: Studio, bad: bytes) -> None:
    sent = b64(bad)
    v1, sd = "/api/v1/image", "/sdapi/v1"
    for path, body in (
        (f"{v1}/edit", {"prompt": "x", "image": sent}),
        (f"{v1}/edit", {"prompt": "x", "image": b64(WHOLE), "mask": sent}),
        (f"{v1}/upscale", {"image": sent}),
        (f"{v1}/generate", {"prompt": "x", "controls": [{"kind": "canny", "image": sent}]}),
        ("/api/v1/images/parameters", {"image": sent}),
        (f"{sd}/img2img", {"prompt": "x", "init_images": [sent]}),
        (f"{sd}/img2img", {"prompt": "x", "init_images": [b64(WHOLE)], "mask": sent}),
        (f"{sd}/extra-single-image", {"image": sent, "upscaler_1": "x4"}),
        (f"{sd}/png-info", {"image": sent}),
    ):
        refused(await send(place, path, json=body), "image", "mask")
    for path, files in (
        ("edits", {"image": bad}),
        ("edits", {"image": WHOLE, "mask": bad}),
        ("variations", {"image": bad}),
    ):
        answer = await send(
            place,
            f"/v1/images/{path}",
            data={"prompt": "x"},
            files={name: ("a.png", each) for name, each in files.items()},
        )
        refused(answer, "image", "mask")
    form = {"image": ("a.png", bad)}
    refused(await send(place, f"{v1}/edit", data={"prompt": "x"}, files=form), "image")


@pytest.mark.parametrize(("width", "height", "white"), [(64, 16, True), (64, 64, False)])
async def test_a_mask_of_another_shape_or_without_anything_is_refused(
    place: Studio, width: int, height: int, white: bool
) -> None:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "white" if white else "black").save(out, "png")
    mask = out.getvalue()
    over = {"prompt": "x", "image": b64(WHOLE), "mask": b64(mask)}
    refused(await send(place, "/api/v1/image/edit", json=over), "mask")
    init = {"prompt": "x", "init_images": [b64(WHOLE)], "mask": b64(mask)}
    refused(await send(place, "/sdapi/v1/img2img", json=init), "mask")
    files = {"image": ("a.png", WHOLE), "mask": ("m.png", mask)}
    refused(await send(place, "/v1/images/edits", data={"prompt": "x"}, files=files), "mask")


async def test_absurd_numbers_and_unknown_samplers_are_refused(place: Studio) -> None:
    for body, field in (
        ({"width": 10**9, "height": 10**9}, "width"),
        ({"width": -64, "height": 64}, "width"),
        ({"width": 4096, "height": 4096, "hires": {"scale": 4.0}}, "width"),
        ({"width": 64}, "height"),
        ({"steps": 10**6}, "steps"),
        ({"cfg": 1e308}, "cfg"),
        ({"seed": 2**64}, "seed"),
        ({"count": 10**6}, "count"),
        ({"sampler": "<script>"}, "sampler"),
        ({"scheduler": "../../x"}, "scheduler"),
        ({"prompt": "x" * 20_001}, "prompt"),
        ({"prompt": "a\x00b"}, "prompt"),
        ({"loras": [{"name": "../../etc/passwd"}]}, "loras"),
        ({"loras": [{"name": "a", "weight": 1e9}]}, "loras"),
    ):
        refused(await send(place, "/api/v1/image/generate", json={"prompt": "x", **body}), field)
    for body, field in (
        ({"width": 10**9, "height": 10**9}, "width"),
        ({"width": 0}, "width"),
        ({"steps": 10**6}, "steps"),
        ({"cfg_scale": 1e308}, "cfg_scale"),
        ({"n_iter": 10**6}, "batch_size"),
        ({"batch_size": -1}, "batch_size"),
        ({"sampler_name": "<script>"}, "Sampler"),
        ({"scheduler": "../../x"}, "cheduler"),
        ({"enable_hr": True, "hr_scale": 1e9}, "hr_scale"),
        ({"styles": 7}, "styles"),
    ):
        refused(await send(place, "/sdapi/v1/txt2img", json={"prompt": "x", **body}), field)
    for body, field in (
        ({"size": "999999999x999999999"}, "size"),
        ({"size": "0x0"}, "size"),
        ({"size": "-64x64"}, "size"),
        ({"n": 10**6}, "n"),
        ({"prompt": "x" * 40_000}, "prompt"),
        ({"output_format": "exe"}, "output_format"),
    ):
        refused(await send(place, "/v1/images/generations", json={"prompt": "x", **body}), field)
    for path in ("/api/v1/image/generate", "/sdapi/v1/txt2img", "/v1/images/generations"):
        for content in (b"", b"[]", b"{", b"\xff\xfe", b'{"prompt": ' + b"[" * 5000):
            answer = await send(place, path, content=content, headers={"content-type": "application/json"})
            assert answer.status_code in (400, 422), (path, content[:20], answer.text)
