"""A whole export: which program's it is, and its conversations one by one."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from potluck.core.errors import BadRequest
from potluck.wire.imports import chatgpt, open_webui, own
from potluck.wire.imports.port import ForeignThread, Unreadable

MOST_BYTES = 300_000_000
"""Of JSON, unpacked. Exports of years of daily use have a third of it."""

# ChatGPT's ZIP has one such file, or several of a hundred conversations each: conversations-000.json, -001 and so on.
_IN_ZIP = re.compile(r"(?:.*/)?conversations(?:-\d+)?\.json")
_HINT = "Send Potluck's own export, Open WebUI's, or ChatGPT's conversations.json, also in its ZIP."

_Reader: TypeAlias = Callable[[bytes], ForeignThread]


class _Shape(msgspec.Struct):
    """What tells exports apart."""

    conversations: list[msgspec.Raw] | None = None
    mapping: msgspec.Raw = msgspec.Raw()
    chat: msgspec.Raw = msgspec.Raw()
    messages: msgspec.Raw = msgspec.Raw()
    title: msgspec.Raw = msgspec.Raw()


def conversations_of(content: bytes) -> list[msgspec.Raw]:
    """The conversations of a file, each as its JSON. Raises `BadRequest` for what is no export."""
    files = _unzipped(content) if content.startswith(b"PK\x03\x04") else iter((content,))
    return [each for file in files for each in _listed(file)]


def _listed(content: bytes) -> list[msgspec.Raw]:
    try:
        found: list[msgspec.Raw] | _Shape = msgspec.json.decode(content, type=list[msgspec.Raw] | _Shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest("This file is no export of conversations.", hint=_HINT, detail=str(error)) from error
    if isinstance(found, list):
        return found
    if found.conversations is not None:
        return found.conversations
    return [msgspec.Raw(content)]


def read(conversation: bytes) -> ForeignThread:
    """One of them. Raises `Unreadable`."""
    try:
        shape = msgspec.json.decode(conversation, type=_Shape)
        reader = _reader(shape)
    except (msgspec.DecodeError, RecursionError):
        raise Unreadable("It is no conversation.") from None
    if reader is None:
        raise Unreadable("It is no conversation of a program that is known here.", _title(shape))
    try:
        return reader(conversation)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(f"It cannot be read: {error}.", _title(shape)) from None


def threads(content: bytes) -> Iterator[ForeignThread | Unreadable]:
    """All of a file, one by one; those that cannot be read as why. Raises `BadRequest`."""
    for raw in conversations_of(content):
        try:
            yield read(raw)
        except Unreadable as unreadable:
            yield unreadable


def _reader(shape: _Shape) -> _Reader | None:
    if bytes(shape.mapping):
        return chatgpt.read
    if bytes(shape.chat):
        return open_webui.read
    return own.read if bytes(shape.messages) else None


def _title(shape: _Shape) -> str:
    title = msgspec.json.decode(shape.title) if bytes(shape.title) else ""
    return title[:200] if isinstance(title, str) else ""


def _unzipped(content: bytes) -> Iterator[bytes]:
    """ChatGPT's export comes as a ZIP with much beside it."""
    left = MOST_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = sorted(each for each in archive.namelist() if _IN_ZIP.fullmatch(each))
            if not names:
                raise BadRequest("The ZIP has no conversations.json in it.", hint=_HINT)
            for name in names:
                with archive.open(name) as file:
                    found = file.read(left + 1)
                left -= len(found)
                if left < 0:
                    most = f"{MOST_BYTES // 1_000_000} MB"
                    raise BadRequest(f"The conversations in the ZIP have more than {most}.", hint="Split it.")
                yield found
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadRequest("The ZIP is damaged, or encrypted.", hint="Save it anew.", detail=str(error)) from error
