"""What comes over ComfyUI's WebSocket: which of it is about our prompt, and what it says."""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from potluck.core.model import JsonObject

_PREVIEW: Final = 1
_PREVIEW_WITH_METADATA: Final = 4


class What(StrEnum):
    """``ENDED`` is said last, after the history is written; ``DONE`` a moment before."""

    BEGAN = "began"
    AT = "at"
    STEP = "step"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    ENDED = "ended"


class Message(NamedTuple):
    """``prompt`` is whose it is. ``node`` is where it is at; ``step`` of ``steps`` are done there. Of a failure
    ``kind`` is the exception's name and ``text`` its words."""

    what: What
    prompt: str
    node: str = ""
    step: int = 0
    steps: int = 0
    kind: str = ""
    text: str = ""


class Preview(NamedTuple):
    """``prompt`` is empty where the frame does not tell whose it is."""

    image: bytes
    prompt: str = ""


class _Data(msgspec.Struct):
    prompt_id: str = ""
    node: Any = None
    node_id: Any = None
    value: float = 0
    max: float = 0
    exception_type: str = ""
    exception_message: str = ""


class _Envelope(msgspec.Struct):
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")


_envelopes = msgspec.json.Decoder(_Envelope)
_data = msgspec.json.Decoder(_Data)
_WHAT: Final = {
    "execution_start": What.BEGAN,
    "progress": What.STEP,
    "execution_success": What.DONE,
    "execution_error": What.FAILED,
    "execution_interrupted": What.STOPPED,
    "executing": What.AT,
}


def read_message(text: str) -> Message | None:
    """None for what says nothing of one prompt's way, and for what is no message at all."""
    try:
        envelope = _envelopes.decode(text)
        what = _WHAT.get(envelope.type)
        if what is None:
            return None
        return _message(what, _data.decode(envelope.data))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def message_of(kind: str, data: JsonObject) -> Message | None:
    """The same of one that is decoded."""
    what = _WHAT.get(kind)
    try:
        return None if what is None else _message(what, msgspec.convert(data, _Data))
    except msgspec.ValidationError:
        return None


def _message(what: What, data: _Data) -> Message:
    node = data.node if data.node is not None else data.node_id
    if what is What.AT and node is None:
        what = What.ENDED
    return Message(
        what,
        data.prompt_id,
        "" if node is None else str(node),
        max(0, int(data.value)),
        max(0, int(data.max)),
        data.exception_type,
        data.exception_message,
    )


class _About(msgspec.Struct):
    prompt_id: str = ""


def read_frame(data: bytes) -> Preview | None:
    """A binary frame; None for one that is no picture."""
    if len(data) < 8:
        return None
    event, second = struct.unpack_from(">II", data)
    if event == _PREVIEW:
        return Preview(data[8:])
    if event != _PREVIEW_WITH_METADATA or len(data) < 8 + second:
        return None
    try:
        about = msgspec.json.decode(data[8 : 8 + second], type=_About)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return Preview(data[8 + second :], about.prompt_id)
