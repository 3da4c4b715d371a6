"""Texts in PNG files (PNG third edition, 11.3.3): read and written chunk by chunk; the pixels are never touched.

A1111 keeps a picture's infotext under ``parameters``, ComfyUI its graph under ``prompt`` and ``workflow``. Latin-1 goes
into ``tEXt``, all else into ``iTXt``, as Pillow writes both. Files come from engines and from strangers: what is no
whole chunk ends the reading, and no text grows past `LONGEST_BYTES`.
"""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

INFOTEXT_KEY: Final = "parameters"
GRAPH_KEY: Final = "prompt"
WORKFLOW_KEY: Final = "workflow"

# ComfyUI's largest workflows take a tenth of this.
LONGEST_BYTES: Final = 8 * 1024 * 1024
_MOST_TEXTS: Final = 64

_HEAD: Final = struct.Struct(">I4s")
_OVERHEAD: Final = 12  # length, type and checksum
_TEXT_TYPES: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_KEY: Final = re.compile(r"[!-~](?:[ -~]{0,77}[!-~])?")


class _Chunk(NamedTuple):
    """``start`` and ``end`` are the whole chunk's place in the file."""

    type: bytes
    data: bytes
    start: int
    end: int


def read_texts(file: bytes) -> dict[str, str]:
    """All texts by their keys, the last of each; nothing for what is no PNG."""
    found: dict[str, str] = {}
    for chunk in _chunks(file):
        if chunk.type in _TEXT_TYPES and len(found) < _MOST_TEXTS:
            key, text = _READ[chunk.type](chunk.data)
            if key and text is not None:
                found[key] = text
    return found


def with_texts(file: bytes, texts: Mapping[str, str]) -> bytes:
    """The same picture with these texts, in place of those with the same keys.

    Raises `ValueError` for what is no PNG, for a key that the format does not allow, and for a text that is too long.
    """
    chunks = list(_chunks(file))
    if not chunks or chunks[0].type != b"IHDR":
        raise ValueError("It is no PNG file.")
    old = [chunk for chunk in chunks if chunk.type in _TEXT_TYPES and _READ[chunk.type](chunk.data)[0] in texts]
    kept: list[bytes] = [file[: chunks[0].end], *(_written(key, text) for key, text in texts.items())]
    at = chunks[0].end
    for chunk in old:
        kept.append(file[at : chunk.start])
        at = chunk.end
    return b"".join([*kept, file[at:]])


def _chunks(file: bytes) -> Iterator[_Chunk]:
    """As far as the file is whole."""
    if not file.startswith(SIGNATURE):
        return
    at = len(SIGNATURE)
    while at + _OVERHEAD <= len(file):
        length, kind = _HEAD.unpack_from(file, at)
        end = at + length + _OVERHEAD
        if end > len(file):
            return
        # Only texts are copied out; the pixels are most of the file.
        data = file[at + _HEAD.size : end - 4] if kind in _TEXT_TYPES else b""
        yield _Chunk(kind, data, at, end)
        at = end


def _plain(data: bytes) -> tuple[str, str | None]:
    """``tEXt``: key, NUL, Latin-1."""
    key, _, text = data.partition(b"\0")
    return key.decode("latin-1"), text.decode("latin-1") if len(text) <= LONGEST_BYTES else None


def _compressed(data: bytes) -> tuple[str, str | None]:
    """``zTXt``: key, NUL, method, compressed Latin-1."""
    key, _, rest = data.partition(b"\0")
    text = _inflated(rest[1:])
    return key.decode("latin-1"), None if text is None else text.decode("latin-1")


def _international(data: bytes) -> tuple[str, str | None]:
    """``iTXt``: key, NUL, whether compressed, method, language, NUL, translated key, NUL, UTF-8."""
    key, _, rest = data.partition(b"\0")
    packed, rest = rest[:1], rest[2:]
    _, _, rest = rest.partition(b"\0")
    _, _, raw = rest.partition(b"\0")
    text = _inflated(raw) if packed == b"\1" else raw[: LONGEST_BYTES + 1]
    if text is None or len(text) > LONGEST_BYTES:
        return key.decode("latin-1"), None
    return key.decode("latin-1"), text.decode("utf-8", "replace")


_READ: Final = {b"tEXt": _plain, b"zTXt": _compressed, b"iTXt": _international}


def _inflated(data: bytes) -> bytes | None:
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(data, LONGEST_BYTES)
    except zlib.error:
        return None
    return text if inflate.eof else None


def _written(key: str, text: str) -> bytes:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key[:80]!r} cannot be the key of a text in a PNG file.")
    try:
        kind, data = b"tEXt", key.encode("ascii") + b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:
        kind, data = b"iTXt", key.encode("ascii") + b"\0\0\0\0\0" + text.encode("utf-8", "replace")
    if len(data) > LONGEST_BYTES or (kind == b"tEXt" and "\0" in text):
        raise ValueError("The text does not fit into a PNG file.")
    return _HEAD.pack(len(data), kind) + data + struct.pack(">I", binascii.crc32(kind + data))
