"""What galleries are told from outside: ids, tags, and how a picture is called when it is saved."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from potluck.core.errors import BadRequest
from potluck.core.people import Role, folded

LONGEST_TAG: Final = 60

_PICTURE_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ENDINGS: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/gif": "gif",
    "image/bmp": "bmp",
}
_STEP_PIXELS = 8
_LEAST_SIDE, _MOST_SIDE = 64, 4096
# A listing of a folder shows as much.
_LONGEST_STEM = 60


@dataclass(frozen=True, slots=True)
class Keeping:
    """For how many seconds pictures are kept that are nobody's favourites: by their owner's name, else by its role;
    None, and a role that is left out, is for ever."""

    roles: Mapping[Role, float] = field(default_factory=dict[Role, float])
    users: Mapping[str, float | None] = field(default_factory=dict[str, float | None])

    def of(self, name: str, role: Role) -> float | None:
        """
        >>> Keeping(users={"Anna": 5.0}).of("anna", Role.MEMBER)
        5.0
        """
        for user, keep_s in self.users.items():
            if folded(user) == folded(name):
                return keep_s
        return self.roles.get(role)


def is_picture_id(text: str) -> bool:
    """Whether a text from outside can be a picture's id at all."""
    return _PICTURE_ID.fullmatch(text) is not None


def checked_tags(tags: Iterable[str], param: str = "tags") -> tuple[str, ...]:
    """Tags from outside as they are kept: without spaces around, each once whatever its case. Raises `BadRequest`.

    >>> checked_tags([" Best  of ", "best OF", "fox"])
    ('Best of', 'fox')
    """
    found: dict[str, str] = {}
    for tag in tags:
        plain = " ".join(tag.split())
        if not plain or len(plain) > LONGEST_TAG or not plain.isprintable():
            raise BadRequest(
                f"A tag has 1 to {LONGEST_TAG} characters that can be printed.", param=param, hint="Such as 'best'."
            )
        found.setdefault(folded(plain), plain)
    return tuple(found.values())


def drawn_size(width: int, height: int, most_pixels: int = 1024 * 1024) -> tuple[int, int]:
    """At what size an image is drawn over where nobody has said one: its own, as near as engines draw, or as much of
    it as models are at home with.

    >>> drawn_size(800, 601), drawn_size(4000, 3000), drawn_size(5, 5)
    ((800, 600), (1176, 880), (64, 64))
    """
    scale = min(1.0, math.sqrt(most_pixels / (width * height)))
    return _sized(width * scale), _sized(height * scale)


def _sized(length: float) -> int:
    return min(_MOST_SIDE, max(_LEAST_SIDE, int(length / _STEP_PIXELS + 0.001) * _STEP_PIXELS))


def picture_name(prompt: str, id: str, media_type: str) -> str:
    """How a picture is called when it is saved: by the first words of its prompt, and what tells it from others.

    >>> picture_name("A red fox, (masterpiece:1.2) <lora:x:1>", "0193abcd-2", "image/png")
    'a-red-fox-masterpiece-1-2-lora-x-1-0193abcd-2.png'
    """
    plain = unicodedata.normalize("NFC", prompt).lower()
    words = "".join(char if char.isalnum() else " " for char in plain).split()
    stem = ""
    for word in words:
        if len(stem) + 1 + len(word) > _LONGEST_STEM:
            break
        stem = f"{stem}-{word}" if stem else word
    return f"{f'{stem}-' if stem else ''}{id}.{_ENDINGS.get(media_type, 'bin')}"
