"""Pictures in terminals: which can show them, and what they are sent."""

from __future__ import annotations

import base64
import io
import re

import pytest
from PIL import Image

from potluck.cli.graphics import Graphics, escape, graphics_of, known, sixel
from tests.pixels.pictures import as_file, picture


@pytest.mark.parametrize(
    ("environ", "graphics"),
    [
        ({"TERM": "xterm-kitty"}, Graphics.KITTY),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, Graphics.KITTY),
        ({"TERM_PROGRAM": "iTerm.app"}, Graphics.ITERM2),
        ({"TERM_PROGRAM": "WezTerm"}, Graphics.ITERM2),
        ({"TERM": "foot"}, Graphics.SIXEL),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_its_environment(environ: dict[str, str], graphics: Graphics | None) -> None:
    assert known(environ) is graphics


def test_a_file_shows_no_pictures() -> None:
    assert graphics_of(io.StringIO()) is None


def test_kitty_gets_png_in_chunks_that_it_takes() -> None:
    sent = escape(as_file(Image.effect_noise((90, 90), 90), "JPEG"), Graphics.KITTY, 12)
    chunks = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", sent)
    assert "".join(f"\x1b_G{keys};{data}\x1b\\" for keys, data in chunks) == sent
    assert all(len(data) <= 4096 for _, data in chunks)
    assert [keys[-1] for keys, _ in chunks] == ["1"] * (len(chunks) - 1) + ["0"]
    assert "r=12" in chunks[0][0]
    assert base64.b64decode("".join(data for _, data in chunks)).startswith(b"\x89PNG")


def test_iterm2_gets_the_file_as_it_is() -> None:
    file = as_file(picture(), "JPEG")
    sent = escape(file, Graphics.ITERM2, 12)
    assert sent.startswith("\x1b]1337;File=inline=1;")
    assert base64.b64decode(sent.partition(":")[2].rstrip("\x07")) == file


def test_sixel_says_the_same_picture() -> None:
    image = Image.new("RGB", (7, 8), (255, 0, 0))
    image.paste((0, 0, 255), (0, 0, 3, 8))
    assert drawn_by_sixel(sixel(image)) == [[(0, 0, 100)] * 3 + [(100, 0, 0)] * 4] * 8
    assert len(drawn_by_sixel(sixel(picture(900, 600)))) == 216


def drawn_by_sixel(sent: str) -> list[list[tuple[int, int, int]]]:
    """A terminal, as far as it is needed."""
    head = re.match(r'\x1bPq"1;1;(\d+);(\d+)((?:#\d+;2;\d+;\d+;\d+)*)', sent)
    assert head is not None
    width, height = int(head[1]), int(head[2])
    colours = {
        int(number): (int(red), int(green), int(blue))
        for number, red, green, blue in re.findall(r"#(\d+);2;(\d+);(\d+);(\d+)", head[3])
    }
    screen = [[(-1, -1, -1)] * width for _ in range(height)]
    for band, line in enumerate(sent[head.end() : -2].split("-")):
        for strip in line.split("$"):
            number, data = re.match(r"#(\d+)(.*)", strip).groups()  # type: ignore[union-attr]
            whole = re.sub(r"!(\d+)(.)", lambda run: run[2] * int(run[1]), data)
            for at, char in enumerate(whole):
                for bit in range(6):
                    if (ord(char) - 63) >> bit & 1:
                        screen[band * 6 + bit][at] = colours[int(number)]
    return screen
