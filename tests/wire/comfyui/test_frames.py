"""What engines say of a prompt, and how its client hears it."""

from __future__ import annotations

import json
import struct

import pytest

from potluck.wire.comfyui.frames import (
    Said,
    Shown,
    Words,
    read_bytes,
    read_text,
    renamed,
    status,
    wants_metadata,
    write_shown,
    write_text,
)
from potluck.wire.comfyui.messages import What, message_of

ABOUT = {"node_id": "3", "prompt_id": "ours", "image_type": "image/png"}


def framed(about: bytes, image: bytes = b"pixels") -> bytes:
    return struct.pack(">II", 4, len(about)) + about + image


def test_messages_are_read_and_written_alike() -> None:
    assert read_text(write_text("progress", {"value": 1})) == Said("progress", {"value": 1})
    assert read_text('{"type":"status"}') == Said("status", {})
    for text in ("", "[]", '{"type":3}', '{"type":"a","data":[]}'):
        assert read_text(text) is None


def test_pictures_are_read_with_what_stands_beside_them() -> None:
    assert read_bytes(struct.pack(">II", 1, 2) + b"pixels") == Shown(b"pixels", "image/png")
    assert read_bytes(struct.pack(">II", 1, 9) + b"pixels") == Shown(b"pixels", "image/jpeg")
    assert read_bytes(framed(json.dumps(ABOUT).encode())) == Shown(b"pixels", "image/png", "3", "ours", ABOUT)
    assert read_bytes(framed(b"{}")) == Shown(b"pixels", "image/jpeg")
    assert read_bytes(struct.pack(">II", 3, 0)) == Words(struct.pack(">II", 3, 0))


@pytest.mark.parametrize(
    "frame", [b"", b"1234567", struct.pack(">II", 9, 0), struct.pack(">II", 4, 99), framed(b"[]"), framed(b"\xff")]
)
def test_frames_that_are_none_are_left_aside(frame: bytes) -> None:
    assert read_bytes(frame) is None


def test_a_client_is_shown_pictures_as_it_knows_them() -> None:
    shown = Shown(b"pixels", "image/png", "3", "mine", {"prompt_id": "mine"})
    assert write_shown(shown, metadata=False) == struct.pack(">II", 1, 2) + b"pixels"
    assert (
        write_shown(shown._replace(about={}, type="image/jpeg"), metadata=True) == struct.pack(">II", 1, 1) + b"pixels"
    )
    told = read_bytes(write_shown(shown, metadata=True))
    assert isinstance(told, Shown)
    assert (told.prompt, told.image) == ("mine", b"pixels")


def test_a_prompt_has_the_clients_name_everywhere() -> None:
    nodes = {"3": {"prompt_id": "ours", "value": 1}, "4": {"value": 2}, "5": None}
    assert renamed({"prompt_id": "ours", "nodes": nodes}, "mine") == {
        "prompt_id": "mine",
        "nodes": {"3": {"prompt_id": "mine", "value": 1}, "4": {"value": 2}, "5": None},
    }
    assert renamed({"nodes": ["3"]}, "mine") == {"prompt_id": "mine", "nodes": ["3"]}


def test_status_and_features() -> None:
    assert json.loads(status(2))["data"] == {"status": {"exec_info": {"queue_remaining": 2}}}
    assert json.loads(status(0, "c"))["data"]["sid"] == "c"
    flags = '{"type":"feature_flags","data":{"supports_preview_metadata":true}}'
    assert (wants_metadata(flags), wants_metadata('{"type":"feature_flags"}'), wants_metadata("x")) == (
        True,
        False,
        None,
    )


def test_messages_that_are_decoded_say_the_same() -> None:
    told = message_of("progress", {"prompt_id": "p", "value": 2, "max": 5, "node": "3"})
    assert told is not None
    assert (told.what, told.prompt, told.node, told.step, told.steps) == (What.STEP, "p", "3", 2, 5)
    assert message_of("crystools.monitor", {}) is None
    assert message_of("progress", {"prompt_id": 3}) is None
