"""Reading ``multipart/form-data`` (RFC 7578), as far as uploads of images use it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r'(?:^|[;\s])name="([^"]*)"')
_FILE = re.compile(r'filename="([^"]*)"')
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    filename: str
    data: bytes


def fields(content_type: str, body: bytes) -> dict[str, Field]:
    """By name; none where this is no form."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        return {}
    parts = (b"\r\n" + body).split(b"\r\n--" + found[1].encode())
    read = (_field(part) for part in parts[1:-1])
    return {field.name: field for field in read}


def _field(part: bytes) -> Field:
    head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    text = head.decode("utf-8", "replace")
    name, file = _NAME.search(text), _FILE.search(text)
    return Field(name[1] if name else "", file[1] if file else "", data)
