"""Files named in a question by ``@path``: text goes into the message, images go beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from potluck.cli.failure import USAGE, CliError
from potluck.cli.output import size

MAX_TEXT_BYTES: Final = 512_000
"""Some 150,000 tokens: more than the models of a home lab can read."""
MAX_IMAGE_BYTES: Final = 20_000_000
"""Below the service's limit for a body, base64 and all, with room for a second picture."""

# At the start of a word, or it would be an e-mail address. A backslash before it keeps it as it is.
_MARK = re.compile(r"""(?<!\S)@(?:"([^"]+)"|'([^']+)'|(\S+))""")
_ENDS: Final = ".,;:!?)]}"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, base64 without a prefix."""

    media_type: str
    data_b64: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent: ``text`` with the files in it, and the images in the order they were named."""

    text: str
    images: tuple[Image, ...] = ()


def _read_capped(path: Path) -> bytes:
    """At most one byte more than may be attached, so that a huge file is refused and not read."""
    with path.open("rb") as file:
        return file.read(MAX_IMAGE_BYTES + 1)


def with_files(text: str, read: Callable[[Path], bytes] = _read_capped) -> Question:
    """Replace every ``@path`` by the path and add the file. Raises `CliError` for one that cannot be added."""
    sections: list[str] = []
    images: list[Image] = []

    def named(mark: re.Match[str]) -> str:
        path, rest = _existing(mark)
        data = _read(path, read)
        if media := media_type(data):
            _check_size(path, data, MAX_IMAGE_BYTES)
            images.append(Image(media, base64.b64encode(data).decode()))
        else:
            sections.append(_section(path, data))
        return f"{path}{rest}"

    asked = _MARK.sub(named, text).replace(r"\@", "@")
    return Question("\n\n".join([asked, *sections]), tuple(images))


def with_input(question: str, piped: str) -> str:
    """A question together with what was piped in; either may be empty."""
    return "\n\n".join(part for part in (question, piped.rstrip("\n")) if part.strip())


def media_type(data: bytes) -> str:
    """The type of an image by its first bytes; empty if it is none that models take."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return ""


def _existing(mark: re.Match[str]) -> tuple[Path, str]:
    """The file that is meant, and the punctuation of the sentence that was taken for a part of its name."""
    if quoted := mark[1] or mark[2]:
        return Path(quoted).expanduser(), ""
    word = mark[3]
    bare = word.rstrip(_ENDS)
    path = Path(word).expanduser()
    return (path, "") if path.exists() or not bare else (Path(bare).expanduser(), word[len(bare) :])


def _read(path: Path, read: Callable[[Path], bytes]) -> bytes:
    try:
        return read(path)
    except FileNotFoundError as exc:
        raise CliError(f"There is no file '{path}'.", hint=r"Write \@ for a plain @.", code=USAGE) from exc
    except IsADirectoryError as exc:
        raise CliError(f"'{path}' is a directory.", hint="Name the files in it.", code=USAGE) from exc
    except OSError as exc:
        raise CliError(f"'{path}' cannot be read: {exc.strerror}.", code=USAGE) from exc


def _section(path: Path, data: bytes) -> str:
    _check_size(path, data, MAX_TEXT_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise CliError(f"'{path}' is neither text nor a PNG, JPEG, GIF or WebP image.", code=USAGE)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"File {path}:\n{fence}{path.suffix[1:]}\n{text.rstrip()}\n{fence}"


def _check_size(path: Path, data: bytes, limit: int) -> None:
    if len(data) > limit:
        raise CliError(
            f"'{path}' is larger than {size(limit)}, the most that can be attached.",
            hint="Attach the part that matters.",
            code=USAGE,
        )
