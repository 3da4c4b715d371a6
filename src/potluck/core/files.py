"""Files that people keep: their names, what of them a browser may show, and how much everybody may keep.

A name is for people and never becomes part of a path.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from potluck.core.errors import BadRequest
from potluck.core.people import Role, folded

PURPOSES: Final = (
    "assistants",
    "batch",
    "batch_output",
    "evals",
    "fine-tune",
    "fine-tune-results",
    "user_data",
    "vision",
)
"""What OpenAI's clients say a file is for; kept, and listed by."""

USUAL_PURPOSE: Final = "user_data"

PICTURE: Final = "picture"
"""The purpose of a picture's bytes, and of its small copies'."""

PICTURE_INPUT: Final = "picture_input"
"""That of an image which somebody sent for one to be made from."""

HIDDEN: Final = frozenset({PICTURE, PICTURE_INPUT})
"""Purposes of files that come and go with pictures: no client says them, no listing of files shows them, and they
count against another quota."""

LONGEST_NAME: Final = 255

NO_QUOTA: Final = (1 << 63) - 1
"""In bytes: more than anybody has."""

_FILE_ID = re.compile(r"file-[A-Za-z0-9_-]{1,80}")
_UNKNOWN = "application/octet-stream"
_NAMELESS = "file"
# What tools send where nobody has said anything.
_NOT_TOLD = frozenset({_UNKNOWN, "application/x-www-form-urlencoded"})
_BY_NAME = {
    "csv": "text/csv",
    "gif": "image/gif",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "md": "text/markdown",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "zip": "application/zip",
}
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,99}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,99}")
# RFC 8187's attr-char.
_AS_IT_IS = "!#$&+-.^_`|~"
# What runs nothing, whatever is in it. SVG, HTML, XML and PDF can.
_INLINE = re.compile(r"image/(?:png|jpeg|gif|webp|avif|bmp)|audio/[a-z0-9.+-]+|video/[a-z0-9.+-]+|text/plain")


@dataclass(frozen=True, slots=True)
class Quotas:
    """Bytes that the files of one user may have together: by its name, else by its role; a guest keeps none."""

    roles: Mapping[Role, int] = field(
        default_factory=lambda: {
            Role.OWNER: NO_QUOTA,
            Role.ADMIN: 100_000_000_000,
            Role.MEMBER: 10_000_000_000,
        }
    )
    users: Mapping[str, int] = field(default_factory=dict[str, int])

    def of(self, name: str, role: Role) -> int:
        """
        >>> Quotas(users={"Anna": 5}).of("anna", Role.MEMBER)
        5
        """
        own = next((most for user, most in self.users.items() if folded(user) == folded(name)), None)
        return self.roles.get(role, 0) if own is None else own


def is_file_id(text: str) -> bool:
    """Whether a text from outside can be a file's id at all."""
    return _FILE_ID.fullmatch(text) is not None


def checked_file_name(name: str) -> str:
    """A name from outside as it is kept: the last part of a path, without what cannot be seen.

    >>> checked_file_name("../../etc/pass\\x00wd")
    'passwd'
    """
    last = re.split(r"[/\\]", name)[-1]
    # Cc: controls; Cf: formats, such as what turns writing around (CVE-2021-42574); Cs: halves of pairs.
    seen = "".join(char for char in last if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    seen = " ".join(seen.split())[:LONGEST_NAME].strip()
    return _NAMELESS if seen.strip(".") == "" else seen


def checked_media_type(told: str, name: str = "") -> str:
    """A media type from outside without its parameters; of what is none, the one that the file's name speaks for.

    >>> checked_media_type("", "a.PNG")
    'image/png'
    """
    bare = told.partition(";")[0].strip().lower()
    if bare not in _NOT_TOLD and _MEDIA_TYPE.fullmatch(bare):
        return bare
    return _BY_NAME.get(name.rpartition(".")[2].lower(), _UNKNOWN)


def checked_purpose(told: str) -> str:
    """Raises `BadRequest` for what is no purpose."""
    if told not in PURPOSES:
        raise BadRequest(
            f"'{told[:50]}' is no purpose of a file.", param="purpose", hint=f"There are {', '.join(PURPOSES)}."
        )
    return told


def shown_inline(media_type: str) -> bool:
    """Whether a browser may show such a file in its window; others it is to save."""
    return _INLINE.fullmatch(media_type) is not None


def disposition(name: str, media_type: str) -> str:
    """A ``Content-Disposition`` (RFC 6266) for a kept name.

    >>> disposition("Größe.txt", "text/html")
    'attachment; filename="Gr__e.txt"; filename*=UTF-8\\'\\'Gr%C3%B6%C3%9Fe.txt'
    """
    how = "inline" if shown_inline(media_type) else "attachment"
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_AS_IT_IS)}"
