"""Files beside a message: which of them a model can be shown, and how a file's text is put before it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

MOST_FILES: Final = 16
"""Beside one message."""

IMAGE_BYTES: Final = 20_000_000
TEXT_BYTES: Final = 4_000_000
PDF_BYTES: Final = 50_000_000
TEXT_CHARS: Final = 200_000
"""Of one file: some 50,000 tokens, which few models here hold."""


class Use(StrEnum):
    """How a model is shown a file."""

    IMAGE = "image"
    TEXT = "text"
    PDF = "pdf"


# What vision models' engines decode.
_IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_TEXTS: Final = frozenset(
    {
        *("application/json", "application/jsonl", "application/xml", "application/yaml", "application/x-yaml"),
        *("application/toml", "application/javascript", "application/x-javascript", "application/typescript"),
        *("application/x-sh", "application/sql", "application/x-python", "application/x-ndjson", "image/svg+xml"),
    }
)
_PDF: Final = "application/pdf"
_UNKNOWN: Final = "application/octet-stream"


def use_of(media_type: str) -> Use | None:
    """None for what no model is shown. What nobody has named may be text: its bytes tell."""
    media_type = media_type.partition(";")[0].strip().lower()
    if media_type in _IMAGES:
        return Use.IMAGE
    if media_type == _PDF:
        return Use.PDF
    is_text = media_type.startswith("text/") or media_type in _TEXTS or media_type.endswith(("+json", "+xml"))
    return Use.TEXT if is_text or media_type == _UNKNOWN else None


MOST_BYTES: Final[Mapping[Use, int]] = MappingProxyType(
    {Use.IMAGE: IMAGE_BYTES, Use.TEXT: TEXT_BYTES, Use.PDF: PDF_BYTES}
)
"""How large a file may be that is shown so."""


def read_text(content: bytes) -> str | None:
    """What a text file says; None for bytes that are no text. UTF-8, or UTF-16 that says so, else Latin-1 if it looks
    like a text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    # No text has these; nearly everything else has.
    return None if "\0" in text or any("\x7f" < char < "\xa0" for char in text[:10_000]) else text


def shown(name: str, text: str) -> str:
    """A file's text as a model reads it: fenced, so that it is told apart from what is asked, and cut where it is too
    long for any."""
    cut = f"\n[… {len(text) - TEXT_CHARS} more characters]" if len(text) > TEXT_CHARS else ""
    body = text[:TEXT_CHARS]
    fence = "```"
    while fence in body:
        fence += "`"
    return f"File: {name}\n{fence}\n{body}{cut}\n{fence}\n\n"


def missing(name: str) -> str:
    """What stands in place of a file that was deleted."""
    return f"[The file {name} is not there any more.]\n\n"
