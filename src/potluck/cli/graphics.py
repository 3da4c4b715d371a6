"""Pictures in terminals that can show them: kitty's protocol, iTerm2's, and sixel.

Sources: kitty, "Terminal graphics protocol"; iTerm2, "Inline images protocol"; DEC STD 070 and the VT340's manual for
sixel, and for the device attributes (``CSI c``) by which a terminal says that it has it: 4 is among them.
"""

from __future__ import annotations

import base64
import io
import os
import re
import select
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from PIL.Image import Image

# kitty's own limit for one escape sequence.
_CHUNK: Final = 4096
_ATTRIBUTES: Final = re.compile(rb"\x1b\[\?([0-9;]+)c")
# A terminal on this machine answers at once, one at the other end of the world within this.
_ANSWERS_S: Final = 0.3
# Sixel knows pixels and no cells: twelve lines of most fonts.
_SIXEL_PIXELS: Final = 216
_SIXEL_COLOURS: Final = 128


class Graphics(StrEnum):
    KITTY = "kitty"
    ITERM2 = "iterm2"
    SIXEL = "sixel"


def known(environ: Mapping[str, str]) -> Graphics | None:
    """What a terminal's environment gives away; None where one has to ask it.

    >>> known({"TERM": "xterm-kitty"})
    <Graphics.KITTY: 'kitty'>
    """
    program, term = environ.get("TERM_PROGRAM", ""), environ.get("TERM", "")
    if environ.get("TMUX") or term.startswith(("screen", "tmux")):
        return None  # they pass on nothing but what they know themselves
    if environ.get("KITTY_WINDOW_ID") or "kitty" in term or program == "ghostty" or "ghostty" in term:
        return Graphics.KITTY
    if program in ("iTerm.app", "WezTerm", "mintty") or environ.get("LC_TERMINAL") == "iTerm2":
        return Graphics.ITERM2
    if "sixel" in term or term.startswith(("mlterm", "foot", "yaft")):
        return Graphics.SIXEL
    return None


def graphics_of(out: TextIO) -> Graphics | None:
    """What the terminal behind ``out`` shows; None for one that shows no pictures, and for what is no terminal."""
    if not out.isatty() or os.environ.get("TERM") == "dumb":
        return None
    return known(os.environ) or (Graphics.SIXEL if 4 in _asked(out) else None)


def escape(picture: bytes, graphics: Graphics, rows: int) -> str:
    """What shows a picture (PNG, JPEG, WebP) at the cursor, in so many rows of the terminal."""
    match graphics:
        case Graphics.ITERM2:
            encoded = base64.b64encode(picture).decode()
            return f"\x1b]1337;File=inline=1;size={len(picture)};height={rows};preserveAspectRatio=1:{encoded}\x07"
        case Graphics.KITTY:
            return _kitty(_as_png(picture), rows)
        case Graphics.SIXEL:
            return sixel(_opened(picture))


def _kitty(png: bytes, rows: int) -> str:
    """In place of the one before (``i``, ``p``), and without moving the cursor (``C``) or an answer (``q``)."""
    encoded = base64.b64encode(png).decode()
    chunks = [encoded[at : at + _CHUNK] for at in range(0, len(encoded), _CHUNK)]
    first = f"a=T,f=100,i=8420,p=1,C=1,q=2,r={rows},"
    return "".join(
        f"\x1b_G{first if not number else ''}m={int(number < len(chunks) - 1)};{chunk}\x1b\\"
        for number, chunk in enumerate(chunks)
    )


def sixel(image: Image) -> str:
    """A picture of at most twelve lines' height, in 128 colours."""
    image = image.convert("RGB")
    image.thumbnail((_SIXEL_PIXELS * 2, _SIXEL_PIXELS))
    flat = image.quantize(_SIXEL_COLOURS)
    palette = flat.getpalette() or []
    width, height = flat.size
    pixels = flat.tobytes()
    bands = [_band(pixels, width, top, min(6, height - top)) for top in range(0, height, 6)]
    registers = "".join(
        f"#{number};2;{red * 100 // 255};{green * 100 // 255};{blue * 100 // 255}"
        for number, (red, green, blue) in enumerate(zip(palette[::3], palette[1::3], palette[2::3], strict=False))
    )
    return f'\x1bPq"1;1;{width};{height}{registers}{"-".join(bands)}\x1b\\'


def _band(pixels: bytes, width: int, top: int, height: int) -> str:
    """Six rows: for each colour in them a line of characters, each with a bit for a pixel of that colour."""
    columns: dict[int, bytearray] = {}
    for row in range(height):
        start = (top + row) * width
        for at, colour in enumerate(pixels[start : start + width]):
            columns.setdefault(colour, bytearray(width))[at] |= 1 << row
    return "$".join(f"#{colour}{_packed(bytes(bits))}" for colour, bits in sorted(columns.items()))


def _packed(bits: bytes) -> str:
    """Runs of the same as ``!COUNT`` and the character."""
    return "".join(
        f"!{len(run[0])}{run[0][0]}" if len(run[0]) > 3 else run[0]
        for run in re.finditer(r"(.)\1*", "".join(chr(63 + each) for each in bits), re.DOTALL)
    )


def _opened(picture: bytes) -> Image:
    from PIL import Image  # noqa: PLC0415 - 30 ms, where there is something to show

    return Image.open(io.BytesIO(picture), formats=("PNG", "JPEG", "WEBP"))


def _as_png(picture: bytes) -> bytes:
    if picture.startswith(b"\x89PNG"):
        return picture
    file = io.BytesIO()
    _opened(picture).convert("RGB").save(file, "PNG", compress_level=1)
    return file.getvalue()


def _asked(out: TextIO) -> set[int]:
    """The device attributes of the terminal; none where nobody answers."""
    try:
        import termios  # noqa: PLC0415 - not on Windows
        import tty  # noqa: PLC0415
    except ImportError:
        return set()
    if not sys.stdin.isatty():
        return set()
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        out.write("\x1b[c")
        out.flush()
        heard = b""
        while not (answer := _ATTRIBUTES.search(heard)):
            ready, _, _ = select.select([descriptor], [], [], _ANSWERS_S)
            piece = os.read(descriptor, 256) if ready else b""
            heard += piece
            if not piece or len(heard) > 4096:
                return set()
        return {int(number) for number in answer[1].split(b";") if number}
    except termios.error:
        return set()
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
