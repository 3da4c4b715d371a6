"""Texts go into PNG files and come out, while every other byte of the file stays."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.wire.png import LONGEST_BYTES, SIGNATURE, read_texts, with_texts


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


HEAD = SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
PIXELS = chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND")
PLAIN = HEAD + PIXELS

keys = st.from_regex(r"[!-~]([ -~]{0,40}[!-~])?", fullmatch=True)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.dictionaries(keys, texts, max_size=5))
def test_what_is_written_is_read(written: dict[str, str]) -> None:
    file = with_texts(PLAIN, written)
    assert read_texts(file) == written
    assert file.startswith(HEAD)
    assert file.endswith(PIXELS)


def test_a_text_takes_the_place_of_the_one_before_and_others_stay() -> None:
    first = HEAD + chunk(b"tEXt", b"parameters\0old") + chunk(b"tEXt", b"Title\0a cat") + PIXELS
    second = with_texts(first, {"parameters": "néu", "workflow": "{“}"})
    assert read_texts(second) == {"parameters": "néu", "workflow": "{“}", "Title": "a cat"}
    assert len(with_texts(second, {"parameters": "old", "workflow": ""})) < len(second)


def test_texts_that_others_wrote_are_read() -> None:
    file = (
        HEAD
        + chunk(b"zTXt", b"Comment\0\0" + zlib.compress("Schön".encode("latin-1")))
        + chunk(b"iTXt", b"workflow\0\1\0en\0Ablauf\0" + zlib.compress("{“a”}".encode()))
        + chunk(b"iTXt", b"prompt\0\0\0de\0\0" + "für".encode())
        + PIXELS
    )
    assert read_texts(file) == {"Comment": "Schön", "workflow": "{“a”}", "prompt": "für"}


@pytest.mark.parametrize(
    "text",
    [
        chunk(b"zTXt", b"bomb\0\0" + zlib.compress(bytes(LONGEST_BYTES + 1))),
        chunk(b"iTXt", b"bomb\0\1\0\0\0" + zlib.compress(bytes(LONGEST_BYTES + 1))),
        chunk(b"iTXt", b"long\0\0\0\0\0" + bytes(LONGEST_BYTES + 1)),
        chunk(b"tEXt", b"long\0" + bytes(LONGEST_BYTES + 1)),
        chunk(b"zTXt", b"torn\0\0" + zlib.compress(b"x" * 100)[:-5]),
        chunk(b"zTXt", b"none\0\0no zlib"),
        chunk(b"tEXt", b"\0no key"),
        chunk(b"tEXt", b"key\0x")[:-1],
    ],
)
def test_bombs_and_ruins_hold_no_text(text: bytes) -> None:
    assert read_texts(HEAD + text) == {}


def test_a_file_of_nothing_but_texts_is_not_read_without_end() -> None:
    file = HEAD + b"".join(chunk(b"tEXt", b"%d\0x" % number) for number in range(100))
    assert len(read_texts(file)) == 64


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    assert read_texts(data) == {}
    assert isinstance(read_texts(SIGNATURE + data), dict)


@pytest.mark.parametrize("file", [b"", b"\xff\xd8\xff", SIGNATURE, SIGNATURE + PIXELS])
def test_what_is_no_png_takes_no_text(file: bytes) -> None:
    with pytest.raises(ValueError, match="no PNG"):
        with_texts(file, {"parameters": "x"})


@pytest.mark.parametrize(
    ("key", "text"),
    [("", "x"), (" a", "x"), ("ü", "x"), ("x" * 80, "x"), ("a", "x\0"), ("a", "x" * (LONGEST_BYTES + 1))],
)
def test_what_the_format_cannot_hold_is_refused(key: str, text: str) -> None:
    with pytest.raises(ValueError, match="PNG file"):
        with_texts(PLAIN, {key: text})


def test_half_a_character_is_replaced() -> None:
    assert read_texts(with_texts(PLAIN, {"a": "“\ud800"})) == {"a": "“?"}
