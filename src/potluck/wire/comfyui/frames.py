"""What comes over an engine's socket of one prompt, and how it is said to the client whose prompt it is.

The engine knows a prompt by our id, and the client by its own. Sources: API-CONTRACTS.md 7; ComfyUI ``server.py``
(`send_json`, `encode_bytes`, `send_image_with_metadata`) and ``protocol.py``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from potluck.core.model import Json, JsonObject

_PREVIEW, _TEXT, _PREVIEW_WITH_METADATA = 1, 3, 4
_JPEG, _PNG = 1, 2
_HEAD: Final = struct.Struct(">II")
_FORMATS: Final = {_JPEG: "image/jpeg", _PNG: "image/png"}

FEATURES: Final[JsonObject] = {"supports_preview_metadata": True, "max_upload_size": 64 * 2**20}
"""What both ends of a socket are told that we know."""


class Said(NamedTuple):
    """A message: its ``type``, and its data."""

    kind: str
    data: JsonObject


class Shown(NamedTuple):
    """A picture in a frame. ``node`` is empty where the frame does not tell whose it is, and so is ``prompt``."""

    image: bytes
    type: str
    node: str = ""
    prompt: str = ""
    about: Mapping[str, Json] = MappingProxyType({})


class Words(NamedTuple):
    """A node's text about how far it is (event 3), as it came."""

    frame: bytes


Heard: TypeAlias = Said | Shown | Words


class _Envelope(msgspec.Struct):
    type: str
    data: dict[str, Any] = {}


_envelopes = msgspec.json.Decoder(_Envelope)


def read_text(text: str) -> Said | None:
    """None for what is no message."""
    try:
        told = _envelopes.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return Said(told.type, told.data)


def read_bytes(data: bytes) -> Shown | Words | None:
    """None for a frame that is not known."""
    if len(data) < _HEAD.size:
        return None
    event, second = _HEAD.unpack_from(data)
    if event == _PREVIEW:
        return Shown(data[8:], _FORMATS.get(second, _FORMATS[_JPEG]))
    if event == _TEXT:
        return Words(data)
    if event != _PREVIEW_WITH_METADATA or len(data) < _HEAD.size + second:
        return None
    try:
        about: JsonObject = msgspec.json.decode(data[8 : 8 + second], type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    node, prompt = about.get("node_id"), about.get("prompt_id")
    kind = "image/png" if about.get("image_type") == "image/png" else "image/jpeg"
    return Shown(data[8 + second :], kind, str(node or ""), str(prompt or ""), about)


def write_text(kind: str, data: Mapping[str, Json]) -> str:
    return msgspec.json.encode({"type": kind, "data": data}).decode()


def write_shown(shown: Shown, *, metadata: bool) -> bytes:
    """``metadata``: the client has said that it reads it; others cut off eight bytes, and have the image."""
    if not (metadata and shown.about):
        return _HEAD.pack(_PREVIEW, _PNG if shown.type == "image/png" else _JPEG) + shown.image
    about = msgspec.json.encode(dict(shown.about))
    return _HEAD.pack(_PREVIEW_WITH_METADATA, len(about)) + about + shown.image


def renamed(data: JsonObject, prompt: str) -> JsonObject:
    """A message's data with the client's id in place of ours, also in what it tells of single nodes."""
    told: JsonObject = {**data, "prompt_id": prompt}
    nodes = told.get("nodes")
    if isinstance(nodes, dict):
        told["nodes"] = {
            id_: {**node, "prompt_id": prompt} if isinstance(node, dict) and "prompt_id" in node else node
            for id_, node in nodes.items()
        }
    return told


def status(remaining: int, sid: str = "") -> str:
    data: JsonObject = {"status": {"exec_info": {"queue_remaining": remaining}}}
    return write_text("status", {**data, "sid": sid} if sid else data)


def wants_metadata(text: str) -> bool | None:
    """What a client's first message says of previews; None for any other message."""
    told = read_text(text)
    if told is None or told.kind != "feature_flags":
        return None
    return told.data.get("supports_preview_metadata") is True
