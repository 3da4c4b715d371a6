"""How a picture was made, in files that have no PNG texts: in their EXIF.

A1111 keeps infotext as ``UserComment`` (piexif's ``UNICODE`` with UTF-16), ComfyUI's WebP its graph and workflow as
``Model`` and ``Make``, each with the key before a colon.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from PIL import ExifTags, Image

from potluck.wire.png import GRAPH_KEY, INFOTEXT_KEY, LONGEST_BYTES, WORKFLOW_KEY

_UNICODE: Final = b"UNICODE\0"
_ASCII: Final = b"ASCII\0\0\0"
_COMFYUI: Final = re.compile(rf"({GRAPH_KEY}|{WORKFLOW_KEY}):(.*)", re.DOTALL | re.IGNORECASE)


def exif_texts(image: Image.Image) -> dict[str, str]:
    """What a file's EXIF tells, under PNG's keys; nothing for one that is damaged."""
    found: dict[str, str] = {}
    try:
        exif = image.getexif()
        comment = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
        tags = [exif.get(tag) for tag in (ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.ImageDescription)]
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError):
        return found
    for tag in tags:
        if isinstance(tag, str) and (said := _COMFYUI.match(tag)):
            found[said[1].lower()] = said[2]
    if isinstance(comment, bytes) and (infotext := _comment(comment)):
        found[INFOTEXT_KEY] = infotext
    return found


def texts_as_exif(texts: Mapping[str, str], most_bytes: int) -> bytes:
    """EXIF with these texts; the workflow and then the graph are left out where all would be too much."""
    for kept in ((INFOTEXT_KEY, GRAPH_KEY, WORKFLOW_KEY), (INFOTEXT_KEY, GRAPH_KEY), (INFOTEXT_KEY,)):
        exif = _exif({key: texts[key] for key in kept if texts.get(key)})
        if len(exif) <= most_bytes:
            return exif
    return b""


def _exif(texts: Mapping[str, str]) -> bytes:
    if not texts:
        return b""
    exif = Image.Exif()
    if INFOTEXT_KEY in texts:
        comment = _UNICODE + texts[INFOTEXT_KEY].encode("utf-16-be", "replace")
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    for key, tag in ((GRAPH_KEY, ExifTags.Base.Model), (WORKFLOW_KEY, ExifTags.Base.Make)):
        if key in texts:
            exif[tag] = f"{key}:{texts[key]}".encode("utf-8", "replace")
    return exif.tobytes()


def _comment(comment: bytes) -> str:
    if len(comment) > LONGEST_BYTES:
        return ""
    if comment.startswith(_UNICODE):
        raw = comment[len(_UNICODE) :]
        # Nothing says in which order the bytes stand: a text that begins with an ASCII character gives it away.
        return raw.decode("utf-16-le" if raw[1:2] == b"\0" else "utf-16-be", "replace").strip("\0")
    return comment.removeprefix(_ASCII).decode("utf-8", "replace").strip("\0")
