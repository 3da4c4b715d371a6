from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.attachments import MOST_BYTES, TEXT_CHARS, Use, missing, read_text, shown, use_of


@pytest.mark.parametrize(
    ("media_type", "use"),
    [
        ("image/png", Use.IMAGE),
        ("IMAGE/JPEG; q=1", Use.IMAGE),
        ("application/pdf", Use.PDF),
        ("text/x-python", Use.TEXT),
        ("application/ld+json", Use.TEXT),
        ("image/svg+xml", Use.TEXT),
        ("application/octet-stream", Use.TEXT),
        ("image/avif", None),
        ("application/zip", None),
    ],
)
def test_a_file_is_shown_by_what_it_is(media_type: str, use: Use | None) -> None:
    assert use_of(media_type) == use


def test_each_use_has_a_bound() -> None:
    assert set(MOST_BYTES) == set(Use)


def test_texts_are_read_whatever_their_encoding_and_bytes_are_not() -> None:
    assert read_text("Grüße".encode()) == "Grüße"
    assert read_text("\ufeffGrüße".encode()) == "Grüße"
    assert read_text("Grüße".encode("utf-16")) == "Grüße"
    assert read_text("Grüße".encode("latin-1")) == "Grüße"
    assert read_text(b"\x89PNG\r\n\x1a\n\0\0") is None
    assert read_text(bytes(range(128, 256))) is None


def test_a_files_text_is_fenced_and_cut() -> None:
    assert shown("a.py", "x = 1") == "File: a.py\n```\nx = 1\n```\n\n"
    assert shown("a.md", "```\nx\n```").startswith("File: a.md\n````\n```")
    long = shown("a", "x" * (TEXT_CHARS + 7))
    assert "[… 7 more characters]" in long
    assert "a.txt" in missing("a.txt")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    text = read_text(content)
    assert text is None or isinstance(text, str)
